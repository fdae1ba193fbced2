//! The history of cells that ran, for a program that does the same: the newest of each cell, in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Notebook, Pending};
use crate::api::Finished;
use crate::binding::NotKept;
use crate::items::CellText;
use crate::parse::Parsed;
use crate::scope::Scope;

/// A cell that has run, as the exported program needs it.
#[derive(Clone, Debug)]
pub(super) struct PastCell {
    pub(super) cell: Arc<CellText>,
    pub(super) parsed: Parsed,
    /// The imports that held for it.
    pub(super) scope: Scope,
    /// Whether it ran to its end.
    pub(super) success: bool,
    /// Whether its tail expression was shown.
    pub(super) showed: bool,
    /// Variables that ended with it, the last one first: a guard among them would hold its lock for ever.
    pub(super) ends: Vec<String>,
}

impl PastCell {
    pub(super) fn new(cell: &Arc<CellText>, parsed: &Parsed, scope: Scope) -> Self {
        Self { cell: Arc::clone(cell), parsed: parsed.clone(), scope, success: false, showed: false, ends: Vec::new() }
    }

    fn names(&self) -> BTreeSet<&str> {
        self.parsed.bindings.iter().map(|binding| binding.name.as_str()).collect()
    }
}

impl Notebook {
    /// Writes down that the pending cell has run.
    pub(super) fn remember(&mut self, pending: &mut Pending, finished: &Finished) {
        let Some(mut entry) = pending.entry.take() else { return };
        (entry.success, entry.showed) = (finished.success, finished.showed);
        let ended = |name: &&String| {
            let reason = pending.not_kept.get(*name);
            matches!(reason, Some(NotKept::Borrows(_) | NotKept::Borrowed | NotKept::Lock(_)))
        };
        let names = entry.parsed.bindings.iter().rev().map(|binding| &binding.name);
        entry.ends = names.filter(ended).cloned().collect();
        record(&mut self.history, entry);
    }
}

/// Puts an entry in its place. A cell that ran again stands where it ran last, unless cells that ran in between use its
/// variables: then where it ran first.
fn record(history: &mut Vec<PastCell>, entry: PastCell) {
    // There may be thousands without an id.
    let is_same = |old: &PastCell| old.cell.cell_id == entry.cell.cell_id;
    let same = entry.cell.cell_id.is_some().then(|| history.iter().position(is_same));
    let Some(index) = same.flatten() else { return history.push(entry) };
    // What it bound when it ran well is still there.
    if !entry.success && history[index].success {
        return;
    }
    let names = entry.names();
    let uses = |later: &PastCell| later.parsed.mentions.iter().any(|name| names.contains(name.as_str()));
    if history[index + 1..].iter().any(|later| later.success && uses(later)) {
        history[index] = entry;
    } else {
        history.remove(index);
        history.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn check(cells: &[(&str, &str, bool)]) -> Vec<String> {
        let mut history = Vec::new();
        for (serial, (id, text, success)) in cells.iter().enumerate() {
            let (serial, cell_id) = (serial as u64, Some((*id).to_owned()));
            let cell = CellText { serial, label: String::new(), text: (*text).to_owned(), cell_id };
            let parsed = parse(text, &BTreeSet::new()).unwrap();
            record(
                &mut history,
                PastCell { success: *success, ..PastCell::new(&Arc::new(cell), &parsed, Scope::default()) },
            );
        }
        history.into_iter().map(|entry| entry.cell.text.clone()).collect()
    }

    #[test]
    fn a_cell_that_ran_again_stands_where_others_find_its_variables() {
        assert_eq!(
            check(&[("a", "let x = 1;", true), ("b", "x", true), ("a", "let x = 2;", true)]),
            ["let x = 2;", "x"]
        );
        assert_eq!(check(&[("a", "1", true), ("b", "let x = 1;", true), ("a", "x", true)]), ["let x = 1;", "x"]);
    }

    #[test]
    fn a_cell_that_erred_does_not_take_the_place_of_one_that_ran() {
        assert_eq!(check(&[("a", "1", true), ("a", "2", false)]), ["1"]);
        assert_eq!(check(&[("a", "1", false), ("a", "2", true)]), ["2"]);
    }
}
