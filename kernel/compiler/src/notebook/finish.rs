//! Cells that run: what the notebook will be once they have ended, and what is theirs until then.
//!
//! Several may run at once, as a subshell's does while another awaits. A cell takes the variables that it mentions out of
//! the store for as long as it runs, so to all others they are not there.

use std::collections::{BTreeMap, BTreeSet};

use super::Notebook;
use super::history::Entry;
use super::lend::CellPlace;
use crate::api::{Finished, LoanKind};
use crate::binding::{self, Binding, NotKept};

/// A cell that was prepared and has not ended.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) bindings: Vec<Binding>,
    pub(super) not_kept: BTreeMap<String, NotKept>,
    /// The older variables that it takes out of the store.
    pub(super) holds: BTreeSet<String>,
    /// What it is called.
    pub(super) label: String,
    /// Where it lends variables.
    pub(super) lent_at: BTreeMap<String, CellPlace>,
    /// The cell, if it is one to be remembered.
    pub(super) entry: Option<Entry>,
}

impl Notebook {
    /// A cell that was prepared has run, well or not.
    pub fn finish(&mut self, finished: &Finished) {
        self.revision += 1;
        let mut pending = self.pending.remove(&finished.entry).unwrap_or_default();
        self.remember(&mut pending, finished);
        let kept: BTreeSet<&str> = finished.variables.iter().map(String::as_str).collect();
        if finished.success {
            for binding in pending.bindings {
                self.not_kept.remove(&binding.name);
                // It is another one than what a cell that still runs will put back, which then makes way.
                for other in self.pending.values_mut() {
                    other.holds.remove(&binding.name);
                }
                // What borrowed from the older one of its name has a lender without a name now.
                for other in self.bindings.values_mut() {
                    other.borrows.retain(|from| *from != binding.name);
                }
                self.bindings.insert(binding.name.clone(), binding);
            }
            for (name, reason) in pending.not_kept {
                self.bindings.remove(&name);
                self.not_kept.insert(name, reason);
            }
        } else {
            // Only what it moved is gone; what it would have bound, it did not.
            for (name, reason) in pending.not_kept {
                if matches!(reason, NotKept::Moved(_)) && !kept.contains(name.as_str()) {
                    self.not_kept.insert(name, reason);
                }
            }
        }
        // The worker's word is the last one, except for what other cells have taken and will put back.
        let held: BTreeSet<&String> = self.pending.values().flat_map(|other| &other.holds).collect();
        self.bindings.retain(|name, _| kept.contains(name.as_str()) || held.contains(name));
        for (name, binding) in self.bindings.iter_mut().filter(|(name, _)| kept.contains(name.as_str())) {
            let loan = finished.loans.get(name).copied();
            if matches!(loan, Some(LoanKind::Place | LoanKind::Hidden))
                && let Some(place) = pending.lent_at.get(name)
            {
                binding.lent_at = Some(place.clone());
            }
            binding.loan = loan;
        }
    }

    /// The cell that holds a variable while it runs.
    pub(super) fn holder(&self, name: &str) -> Option<&str> {
        self.pending.values().find(|pending| pending.holds.contains(name)).map(|pending| pending.label.as_str())
    }

    /// Why these types cannot be redefined now: a cell that runs has a variable of one, or makes one. Its value would be
    /// taken for one of the new type. The variable, its type, and the cell.
    pub(super) fn in_use(&self, changed: &BTreeSet<String>) -> Option<(&str, String, &str)> {
        let is_changed = |binding: &&Binding| binding::mentions_type(&binding.type_text, changed);
        self.pending.values().find_map(|pending| {
            let held = pending.holds.iter().filter_map(|name| self.bindings.get(name));
            let binding = pending.bindings.iter().chain(held).find(is_changed)?;
            Some((binding.name.as_str(), binding::shown_type(&binding.type_text), pending.label.as_str()))
        })
    }
}
