//! Cells that are run again: which runs they had before, so that what those still show can end.
//!
//! A frontend names its cells where it has such names; of a console nothing is known.

use std::collections::BTreeMap;

use ipc::CellId;

/// The runs that each of the frontend's cells had when it was executed last.
#[derive(Default)]
pub(super) struct CellRuns(BTreeMap<String, Vec<CellId>>);

impl CellRuns {
    /// A cell has one run more.
    pub(super) fn add(&mut self, cell_id: &str, run: CellId) {
        match self.0.get_mut(cell_id) {
            Some(runs) => runs.push(run),
            None => drop(self.0.insert(cell_id.to_owned(), vec![run])),
        }
    }

    /// A cell is executed again: the runs that it had.
    pub(super) fn take(&mut self, cell_id: &str) -> Vec<CellId> {
        self.0.remove(cell_id).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_runs_of_its_last_execution() {
        let mut runs = CellRuns::default();
        for (cell_id, run) in [("a", 1), ("b", 2), ("a", 3)] {
            runs.add(cell_id, CellId(run));
        }
        assert_eq!(runs.take("a"), [CellId(1), CellId(3)]);
        assert!(runs.take("a").is_empty());
        runs.add("a", CellId(4));
        assert_eq!((runs.take("a"), runs.take("b")), (vec![CellId(4)], vec![CellId(2)]));
    }
}
