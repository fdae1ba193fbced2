//! Loans that are over when a cell begins: what it makes anew, and what goes with a type, ends first.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attempt::Attempt;
use crate::api::LoanKind;
use crate::binding::{Binding, NotKept};

impl Attempt<'_> {
    /// Owners of which no borrower is left when the cell begins are free by then.
    pub(super) fn release(&mut self) {
        // What a cell that runs holds, nobody can end.
        if !self.notebook.pending.is_empty() {
            return;
        }
        let goes = |name: &String| {
            let is_forgotten = self.forget.iter().any(|(forgotten, _)| forgotten == name);
            is_forgotten || self.renewed.contains(name) || self.notebook.leaving.contains(name)
        };
        let is_free = |owner: &&Arc<Binding>| {
            let is_lent = matches!(owner.loan, Some(LoanKind::Place | LoanKind::Hidden));
            is_lent && !owner.held_by.is_empty() && owner.held_by.iter().all(goes)
        };
        let free: Vec<String> = self.notebook.bindings.values().filter(is_free).map(|b| b.name.clone()).collect();
        self.lending.released.extend(free);
    }

    /// A cell that binds a name anew, and does nothing with the older one, ends that one's loans first, if it made it before.
    pub(super) fn release_own(&mut self) {
        // What a cell that runs holds, nobody can end.
        if !self.notebook.pending.is_empty() {
            return;
        }
        let cell_id = self.cell.cell_id.as_ref();
        let is_own = |binding: &Binding| cell_id.is_some() && binding.cell_id.as_ref() == cell_id;
        let new: Vec<&str> = self.parsed.bindings.iter().map(|bound| bound.name.as_str()).collect();
        let anew = || new.iter().copied().filter(|name| !self.parsed.reused.contains(*name));
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for name in anew() {
            // A reference ends with its last use; what may have a `Drop` lives on behind a newer one of its name.
            let is_over = |older: &Binding| is_own(older) || has_no_drop(&older.type_text);
            let older = self.notebook.binding(name).filter(|older| older.loan == Some(LoanKind::Value));
            if older.is_some_and(is_over) {
                gone.insert(name);
            }
        }
        // What others borrow from the cell's own variables ends with them.
        let lends = |binding: &&Binding| is_own(binding) && binding.loan.is_some();
        let mut dropped = Vec::new();
        for lender in anew().filter(|name| self.notebook.binding(name).filter(lends).is_some()) {
            for borrower in self.notebook.borrowers(lender) {
                if !new.contains(&borrower) && !self.parsed.mentions.contains(borrower) && gone.insert(borrower) {
                    let why = format!("`{lender}`, which is new");
                    dropped.push((borrower.to_owned(), NotKept::LenderGoes(why)));
                }
            }
        }
        let renewed = gone.into_iter().filter(|name| !dropped.iter().any(|(forgotten, _)| forgotten == name));
        self.renewed = renewed.map(str::to_owned).collect();
        self.forget.extend(dropped);
        self.release();
    }
}

/// Whether a type surely does nothing when it is dropped that has to do with what it borrows.
fn has_no_drop(type_text: &str) -> bool {
    let begins = ["&", "std::str::", "std::slice::", "std::vec::Vec<&", "std::option::Option<&"];
    begins.iter().any(|begin| type_text.starts_with(begin))
}
