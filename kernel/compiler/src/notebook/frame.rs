//! What a try at a cell writes around its statements.

use std::collections::BTreeSet;

use super::attempt::Attempt;
use crate::api::LoanKind;
use crate::binding::Binding;
use crate::lower::{self, Frame};

impl Attempt<'_> {
    pub(super) fn frame(&self) -> Frame<'_> {
        let take = self.usable().map(|binding| Binding { loan: self.loan_of(binding), ..binding.clone() });
        let take: Vec<Binding> = take.collect();
        let stands = |binding: &&Binding| binding.loan == Some(LoanKind::Place);
        let lent = self.lent();
        let is_lent = |name: &str| lent.iter().any(|(lent, _)| *lent == name);
        let goes_back = |name: &str| (!self.gone.contains_key(name) || is_lent(name)) && !self.owns_older(name);
        let put_back = take.iter().filter(|binding| goes_back(&binding.name) && !stands(binding)).cloned().collect();
        let older = self.levels.keys().map(String::as_str).filter(|name| self.owns_older(name));
        let levels = self.bound().chain(older.clone()).map(|name| (name, self.level(name))).collect();
        let moved = |name: &'_ String| self.moved_before(name).map(|moved| (moved.type_text.as_str(), moved.mutable));
        let declared = |names: &'_ BTreeSet<String>, is_empty: bool| {
            let declared = names.iter().filter_map(|name| {
                moved(name).map(|(type_text, mutable)| lower::MovedVariable {
                    name: name.clone(),
                    type_text,
                    mutable,
                    is_empty,
                })
            });
            declared.collect::<Vec<_>>()
        };
        let loans = self.loans();
        let opened: Vec<_> = self
            .opened()
            .filter_map(|open| {
                Some((open.statement.names.first()?.0.as_str(), open.text_where(|name| self.items.meaning(name))))
            })
            .collect();
        // What rustc says to the user is about the block that the cell is for them, and what opens a cell may await.
        let is_plain = self.parsed.is_plain
            && self.instrumented
            && !self.timeline
            && self.clippy.is_none()
            && opened.is_empty()
            && loans.is_none();
        Frame {
            is_plain,
            entry: &self.symbol,
            put_back,
            keep: self.bound().filter(|name| !self.not_kept.contains_key(*name)).chain(older).collect(),
            parts: self.parts(),
            levels,
            owned: self.owned(),
            asked: self.asked(),
            lent,
            spelled: self
                .spelled
                .iter()
                .filter_map(|(name, doubled)| Some((name.as_str(), doubled.spellings.first()?.as_str())))
                .collect(),
            boxing: self.boxes.then_some(&self.boxing),
            moves: self.moves_of_copies(),
            opened,
            postponed: self.postponed(),
            end: self.bound().filter(|name| self.end.contains(*name)).collect(),
            forget: self.shadowed().map(|binding| binding.name.as_str()).collect(),
            moved: declared(&self.moved, false).into_iter().chain(declared(&self.filled, true)).collect(),
            declared: self.lending.declared.iter().filter_map(|name| self.notebook.binding(name)).collect(),
            loans,
            error_type: self.error_type,
            leave_out: &self.leave_out,
            prefer: &self.prefer,
            in_items_crate: self.in_items_crate,
            layer: self.layer(),
            has_items: self.notebook.generation.is_some(),
            form: self.form(self.cell),
            adapters: self.adapters(),
            show_type: self.show_type,
            shows_debug: self.shows_debug,
            is_flat: false,
            take,
        }
    }
}
