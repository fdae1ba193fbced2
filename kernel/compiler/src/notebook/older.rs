//! Older variables in a cell: which it takes, moves, lends, fills again, and which have to go.

use std::ops::Range;

use super::attempt::Attempt;
use super::compile::Files;
use crate::api::LoanKind;
use crate::binding::{self, Binding, Moved, NotKept};
use crate::items::Merged;
use crate::parse::Space;
use crate::rustc::Compiled;

/// Types of futures that are `Unpin`.
const HANDLES: [&str; 4] = [
    "tokio::task::JoinHandle<",
    "tokio::sync::oneshot::Receiver<",
    "futures::channel::oneshot::Receiver<",
    "std::pin::Pin<std::boxed::Box<",
];

impl Attempt<'_> {
    /// The older variables that the cell uses, and can. There may be thousands of which it mentions one.
    pub(super) fn usable(&self) -> impl Iterator<Item = &Binding> {
        let mentioned = self.parsed.mentions.iter().filter_map(|name| self.notebook.binding(name));
        mentioned.filter(|binding| self.is_usable(binding))
    }

    /// Whether the cell uses an older variable, and can.
    pub(super) fn is_usable(&self, binding: &Binding) -> bool {
        let name = &binding.name;
        // What borrows is not held for a cell that only makes a new one of its name.
        let is_used = binding.loan.is_none() || self.parsed.reused.contains(name);
        self.parsed.mentions.contains(name)
            && is_used
            && self.loan_of(binding) != Some(LoanKind::Hidden)
            && !self.unusable.contains_key(name)
            && !self.renewed.contains(name)
            && !self.lending.declared.contains(name)
            && self.notebook.holder(name).is_none()
            && !self.forget.iter().any(|(forgotten, _)| forgotten == name)
    }

    /// The move of a variable by this cell, and where.
    pub(super) fn moved_here(&self, name: &str, place: Option<(String, usize, usize, usize)>) -> Moved {
        let before = self.notebook.binding(name).map(|binding| (binding.type_text.clone(), binding.mutable));
        let filled = self.moved_before(name).filter(|_| self.filled.contains(name));
        let before = before.or_else(|| filled.map(|moved| (moved.type_text.clone(), moved.mutable)));
        let (type_text, mutable) = before.unwrap_or_default();
        Moved { type_text, mutable, place, label: self.cell.label.clone() }
    }

    /// A variable makes way for a newer function, constant or import of its name.
    pub(super) fn drop_variables_named_as_items(&mut self) {
        let items = self.parsed.items.iter().filter_map(|item| match &item.name {
            Some((Space::Value, name)) => Some(name),
            _ => None,
        });
        let imports = self.parsed.imports.iter().filter(|import| !import.is_crate());
        let imports = imports.filter_map(|import| import.name.as_ref());
        for name in items.chain(imports) {
            if self.notebook.bindings.contains_key(name) {
                self.unusable.insert(name.clone(), NotKept::Shadowed);
            }
        }
    }

    /// Never is a value taken for one of a changed type.
    pub(super) fn drop_variables_of(&mut self, merged: &Merged) {
        let all = self.notebook.bindings.values().filter(|_| !merged.changed.is_empty());
        for binding in all {
            if binding::mentions_type(&binding.type_text, &merged.changed) {
                let reason = NotKept::Redefined(binding::shown_type(&binding.type_text));
                self.forget.push((binding.name.clone(), reason));
                for borrower in self.notebook.borrowers(&binding.name) {
                    let why = format!("`{}`, whose type was redefined", binding.name);
                    self.forget.push((borrower.to_owned(), NotKept::LenderGoes(why)));
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        self.forget.retain(|(name, _)| seen.insert(name.clone()));
        self.release();
    }

    /// How an earlier cell moved a variable, if it is gone since, and was of a type that is known.
    pub(super) fn moved_before(&self, name: &str) -> Option<&Moved> {
        match self.notebook.not_kept.get(name) {
            Some(NotKept::Moved(moved)) if !moved.type_text.is_empty() => Some(moved),
            _ => None,
        }
    }

    /// New variables that this cell moves, and where they have just been made. With its type a later cell can fill one again, or
    /// is told by rustc where it went.
    pub(super) fn asked(&self) -> Vec<(&str, usize)> {
        let is_moved =
            |name: &str| matches!(self.not_kept.get(name), Some(NotKept::Moved(moved)) if moved.type_text.is_empty());
        let moved = self.parsed.bindings.iter().filter(|bound| is_moved(&bound.name) && self.instrumented);
        let has_value = |range: &Range<usize>| self.cell.text.get(range.clone()).is_some_and(|text| text.contains('='));
        let made = moved.filter(|bound| has_value(&bound.range));
        made.map(|bound| (bound.name.as_str(), bound.range.end)).collect()
    }

    /// Writes down of what types the variables were that this cell has made and moved.
    pub(super) fn settle_moved(&mut self, files: &Files, compiled: &Compiled) {
        for (name, printed) in self.asked_types(files, compiled) {
            let is_named = self.notebook.dependencies.foreign(&printed).is_none();
            let mutable = self.parsed.bindings.iter().any(|bound| bound.name == name && bound.mutable);
            if let Some(NotKept::Moved(moved)) = self.not_kept.get_mut(&name)
                && let Ok(type_text) = binding::usable_type(&printed)
                && is_named
            {
                (moved.type_text, moved.mutable) = (type_text, mutable);
            }
        }
    }

    /// New variables, and those that are filled again.
    pub(super) fn bound(&self) -> impl Iterator<Item = &str> {
        let new = self.parsed.bindings.iter().map(|binding| binding.name.as_str());
        new.chain(self.filled.iter().map(String::as_str))
    }

    /// Older variables that are still there when the cell ends, and have no name any more, as a newer one of that is not
    /// kept.
    pub(super) fn shadowed(&self) -> impl Iterator<Item = &Binding> {
        let is_shadowed = |name: &&str| self.not_kept.contains_key(*name) && !self.gone.contains_key(*name);
        let names = self.parsed.bindings.iter().map(|bound| bound.name.as_str()).filter(is_shadowed);
        names.filter_map(|name| self.notebook.binding(name)).filter(|older| self.is_usable(older))
    }

    /// Older variables that the cell only awaits, and where. Their types say that they can be polled where they stand.
    pub(super) fn lent(&self) -> Vec<(&str, Range<usize>)> {
        if !self.instrumented {
            return Vec::new();
        }
        let is_lent = |name: &str| {
            let older = self.notebook.binding(name).filter(|older| self.is_usable(older) && !self.is_new(name));
            older.is_some_and(|older| HANDLES.iter().any(|handle| older.type_text.starts_with(handle)))
        };
        let awaited = self.parsed.awaited.iter().filter(|(name, _)| is_lent(name));
        awaited.map(|(name, place)| (name.as_str(), place.clone())).collect()
    }
}
