//! The names of the runs of cells: `cell 3`, which is also what the files of their code are called.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Labels by runs and runs by labels. A cell's commands and expressions are runs of its name too; its first one stands
/// for it.
#[derive(Default)]
struct Labels {
    of: HashMap<u64, String>,
    run: HashMap<String, u64>,
}

static LABELS: Mutex<Option<Labels>> = Mutex::new(None);

fn labels<R>(look: impl FnOnce(&mut Labels) -> R) -> R {
    look(LABELS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// A run begins that is called so.
pub(crate) fn give(run: u64, label: &str) {
    labels(|labels| {
        labels.run.entry(label.to_owned()).or_insert(run);
        labels.of.insert(run, label.to_owned());
    });
}

/// What a run is called; empty before the first.
pub(crate) fn of(run: u64) -> String {
    labels(|labels| labels.of.get(&run).cloned().unwrap_or_default())
}

/// The run of the cell that a file of cells' code is named after.
pub(crate) fn run_of(file: &str) -> Option<u64> {
    labels(|labels| labels.run.get(file).copied())
}

/// All runs of that name.
pub(crate) fn runs(label: &str) -> Vec<u64> {
    labels(|labels| labels.of.iter().filter(|(_, other)| *other == label).map(|(run, _)| *run).collect())
}

/// A line of a file in words: `cell 3, line 2`, or as rustc writes what no cell is.
pub(crate) fn place(file: &str, line: u32) -> String {
    let is_of_a_cell = file.starts_with("cell ") || file.starts_with("unnumbered cell ");
    if is_of_a_cell { format!("{file}, line {line}") } else { format!("{file}:{line}") }
}
