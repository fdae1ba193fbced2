//! Cells that run: what the notebook will be once they have ended, and what is theirs until then.
//!
//! Several may run at once, as a subshell's does while another awaits. A cell takes the variables that it mentions out of
//! the store for as long as it runs, so to all others they are not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use build::AnswerKey;

use super::Notebook;
use super::history::PastCell;
use super::lend::CellPlace;
use crate::api::{Farewell, Finished, LoanKind, Stored};
use crate::binding::{self, Binding, Moved, NotKept};

/// A cell that was prepared and has not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) bindings: Vec<Binding>,
    pub(super) not_kept: BTreeMap<String, NotKept>,
    /// Older variables that it moves.
    pub(super) gone: BTreeMap<String, Moved>,
    /// Older variables that it takes over, and keeps if it comes that far.
    pub(super) owned: BTreeMap<String, Moved>,
    /// Older variables that go because a newer one of their name is not kept.
    pub(super) shadowed: Vec<Binding>,
    /// New variables that are lost where the cell ends early.
    pub(super) may_lose: BTreeSet<String>,
    /// Variables that it awaits, which is what they are for.
    pub(super) awaits: BTreeSet<String>,
    /// The older variables that it takes out of the store.
    pub(super) holds: BTreeSet<String>,
    /// Of these, the ones that another cell has defined anew meanwhile, and which.
    pub(super) overtaken: BTreeMap<String, String>,
    /// What it is called.
    pub(super) label: String,
    /// Under what its library was remembered, if it was.
    pub(super) recalled: Option<AnswerKey>,
    /// Where it lends variables.
    pub(super) lent_at: BTreeMap<String, CellPlace>,
    /// The cell, if it is one to be remembered.
    pub(super) entry: Option<PastCell>,
}

impl Pending {
    /// What is to be said of variables that went, as nobody would look for the reason where they are missed.
    fn farewell(&self, shadowed: &[&Binding], lost: Vec<&String>, gone: Vec<&String>) -> Vec<String> {
        let mut notes = Vec::new();
        // Whoever moves the newer one knows that, and one that waits is there all the same.
        let is_told =
            |older: &&&Binding| !matches!(self.not_kept.get(&older.name), Some(NotKept::Moved(_) | NotKept::Open(_)));
        for older in shadowed.iter().filter(is_told) {
            let reason = self.not_kept.get(&older.name).map(|reason| reason.reason(&older.name)).unwrap_or_default();
            notes.push(format!(
                "{reason}. The older `{}`, a `{}`, has no name any more and was dropped",
                older.name,
                older.shown_type()
            ));
        }
        let gone: Vec<&String> = gone.into_iter().filter(|name| !self.awaits.contains(*name)).collect();
        let is = |names: &[&String]| if names.len() == 1 { "was" } else { "were" };
        let mut parts = Vec::new();
        if !lost.is_empty() {
            parts.push(format!("{} {} not kept", named(&lost), is(&lost)));
        }
        if !gone.is_empty() {
            parts.push(format!("{} {} moved before that", named(&gone), is(&gone)));
        }
        if !parts.is_empty() {
            notes.push(format!("The cell did not come to its end: {}", parts.join(", and ")));
        }
        for (name, label) in self.overtaken.iter().filter(|(name, _)| !self.gone.contains_key(*name)) {
            notes.push(format!("`{name}` was dropped: {label} has made a newer `{name}` while this cell had it"));
        }
        notes
    }
}

/// Names in a sentence.
fn named(names: &[&String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

impl Notebook {
    /// A cell that was prepared has run, well or not.
    pub fn finish(&mut self, finished: &Finished) -> Farewell {
        self.revision += 1;
        let mut pending = self.pending.remove(&finished.entry).unwrap_or_default();
        self.remember(&mut pending, finished);
        for (name, stored) in &finished.changes {
            match stored {
                Stored::Nothing => self.stored.remove(name),
                _ => self.stored.insert(name.clone(), stored.clone()),
            };
        }
        // A value whose type has turned out to have no name is of no use to anybody.
        let is_new = |name: &String| pending.bindings.iter().any(|new| new.name == *name);
        // An older one that it lends has another place since.
        let is_older = |name: &String| pending.owned.contains_key(name) || pending.holds.contains(name);
        let is_known = |name: &String| is_new(name) || is_older(name);
        let nameless: Vec<String> = finished.kept.iter().filter(|name| !is_known(name)).cloned().collect();
        // All that may be otherwise now; of the others, of which there may be thousands, nothing is looked at.
        let touched: BTreeSet<String> = self.touched(&pending, finished);
        let is_there = |name: &String| self.stored.contains_key(name) && !nameless.contains(name);
        // It has new variables as far as it came: each goes into the store as soon as the cell is through with it.
        let (kept, lost): (Vec<Binding>, Vec<Binding>) =
            std::mem::take(&mut pending.bindings).into_iter().partition(|new| finished.kept.contains(&new.name));
        for binding in kept {
            self.not_kept.remove(&binding.name);
            // It is another one than what a cell that still runs will put back, which then makes way.
            for other in self.pending.values_mut() {
                if other.holds.remove(&binding.name) {
                    other.overtaken.insert(binding.name.clone(), pending.label.clone());
                }
            }
            // What borrowed from the older one of its name has a lender without a name now.
            for other in self.bindings.values_mut().filter(|other| other.borrows.contains(&binding.name)) {
                Arc::make_mut(other).borrows.retain(|from| *from != binding.name);
            }
            self.bindings.insert(binding.name.clone(), Arc::new(binding));
        }
        let shadowed: Vec<&Binding> = pending.shadowed.iter().filter(|older| !is_there(&older.name)).collect();
        for (name, reason) in &pending.not_kept {
            let is_shadowed = shadowed.iter().any(|older| older.name == *name);
            // What waits can wait as well where the cell that wrote it erred.
            let is_gone = matches!(reason, NotKept::Moved(_) | NotKept::Open(_)) && !is_there(name);
            if finished.success || is_shadowed || is_gone {
                self.bindings.remove(name);
                self.not_kept.insert(name.clone(), reason.clone());
            }
        }
        // The worker's word is the last one, except for what other cells have taken and will put back.
        let went = pending.holds.iter().filter(|name| {
            let is_told = pending.gone.contains_key(*name) || pending.owned.contains_key(*name);
            !finished.success && !is_told && self.bindings.contains_key(*name) && !is_there(name)
        });
        let went: Vec<String> = went.cloned().collect();
        let held: BTreeSet<&String> = self.pending.values().flat_map(|other| &other.holds).collect();
        for name in &touched {
            if !is_there(name) && !held.contains(name) {
                self.bindings.remove(name);
            }
            let (Some(binding), Some(stored)) = (self.bindings.get_mut(name), self.stored.get(name)) else { continue };
            let binding = Arc::make_mut(binding);
            let loan = match stored {
                Stored::Loan(loan) => Some(loan),
                Stored::Nothing | Stored::Ordinary => None,
            };
            let kind = loan.map(|loan| loan.kind);
            let is_owner = |kind| matches!(kind, Some(LoanKind::Place | LoanKind::Hidden));
            if is_owner(kind)
                && let Some(place) = pending.lent_at.get(name)
            {
                binding.lent_at = Some(place.clone());
            }
            if is_owner(kind) && !is_owner(binding.loan) {
                binding.lends_on = binding.loan == Some(LoanKind::Value);
            }
            binding.loan = kind;
            binding.held_by = loan.map(|loan| loan.held_by.clone()).unwrap_or_default();
        }
        let gone = pending.gone.iter().chain(&pending.owned);
        let gone = gone.filter(|(name, _)| !finished.success && !self.bindings.contains_key(*name));
        let gone: BTreeMap<&String, &Moved> = gone.collect();
        for (name, moved) in &gone {
            self.not_kept.insert((*name).clone(), NotKept::Moved((*moved).clone()));
        }
        let gone: Vec<&String> = gone.into_keys().collect();
        let lost: Vec<&String> =
            lost.iter().map(|new| &new.name).filter(|name| !self.bindings.contains_key(*name)).collect();
        let waits = |name: &String| matches!(self.not_kept.get(name), Some(NotKept::Open(_)));
        let ended: Vec<&String> = lost.iter().copied().filter(|name| !gone.contains(name) && !waits(name)).collect();
        let went: Vec<&String> = went.iter().filter(|name| !self.bindings.contains_key(*name)).collect();
        for name in ended.into_iter().chain(went.iter().copied()) {
            self.not_kept.insert(name.clone(), NotKept::Ended(pending.label.clone()));
        }
        let lost = lost.into_iter().filter(|name| pending.may_lose.contains(*name)).chain(went).collect();
        let is_nobodys = |name: &String| self.stored.contains_key(name) && !self.bindings.contains_key(name);
        self.leaving.retain(is_nobodys);
        // What the worker was told to forget may be an older one of that name.
        let is_new = |name: &&String| finished.kept.contains(name) || !self.leaving.contains(*name);
        let forget: Vec<String> = touched.iter().filter(|name| is_nobodys(name)).filter(is_new).cloned().collect();
        self.leaving.extend(forget.iter().cloned());
        Farewell { notes: pending.farewell(&shadowed, lost, gone), forget }
    }

    /// A variable.
    pub(super) fn binding(&self, name: &str) -> Option<&Binding> {
        self.bindings.get(name).map(Arc::as_ref)
    }

    /// The names that a cell which has ended has to do with.
    fn touched(&self, pending: &Pending, finished: &Finished) -> BTreeSet<String> {
        let Pending { bindings, not_kept, gone, owned, shadowed, holds, lent_at, .. } = pending;
        let told = finished.changes.keys().chain(&finished.kept);
        let new = bindings.iter().chain(shadowed).map(|binding| &binding.name).chain(not_kept.keys());
        let older = gone.keys().chain(owned.keys()).chain(holds).chain(lent_at.keys());
        told.chain(new).chain(older).cloned().collect()
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
            let held = pending.holds.iter().filter_map(|name| self.binding(name));
            let binding = pending.bindings.iter().chain(held).find(is_changed)?;
            Some((binding.name.as_str(), binding::shown_type(&binding.type_text), pending.label.as_str()))
        })
    }
}
