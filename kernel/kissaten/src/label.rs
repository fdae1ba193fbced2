//! The names of the runs of cells: `cell 3`. The files of their code are called so too, with a number of at least six digits
//! (`cell 000003`), which is what `file!()` says: a compiled cell can be run again under another number.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The least number of digits in the name of a file.
const DIGITS: usize = 6;

/// Labels by runs, and runs by what files are called. A cell's commands and expressions are runs of its name too; its first one stands
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
        labels.run.entry(file_of(label)).or_insert(run);
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

/// What the file with the code of that name is called.
fn file_of(label: &str) -> String {
    match label.rsplit_once(' ') {
        Some((kind, number)) if is_number(number) => format!("{kind} {number:0>DIGITS$}"),
        _ => format!("{label:DIGITS$}"),
    }
}

/// A file of a cell as people know the cell: `cell 3`. Any other as it is.
#[doc(hidden)]
pub fn shown(file: &str) -> Cow<'_, str> {
    let file = file.trim_end_matches(' ');
    match file.rsplit_once(' ') {
        Some((kind, number)) if number.len() >= DIGITS && number.starts_with('0') && is_number(number) => {
            Cow::Owned(format!("{kind} {}", number.trim_start_matches('0')))
        }
        _ => Cow::Borrowed(file),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A line of a file in words: `cell 3, line 2`, or as rustc writes what no cell is.
pub(crate) fn place(file: &str, line: u32) -> String {
    let file = shown(file);
    let is_of_a_cell = file.starts_with("cell ") || file.starts_with("unnumbered cell ");
    if is_of_a_cell { format!("{file}, line {line}") } else { format!("{file}:{line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_wide_numbers_and_people_do_not_see_that() {
        for (label, file) in [
            ("cell 3", "cell 000003"),
            ("subshell 1 cell 12", "subshell 1 cell 000012"),
            ("cell 1234567", "cell 1234567"),
            ("file a.rs", "file a.rs"),
            ("x", "x     "),
        ] {
            assert_eq!(file_of(label), file);
            assert_eq!(shown(file), label);
        }
        assert_eq!(shown("src/lib 01.rs"), "src/lib 01.rs");
        assert_eq!(place("cell 000003", 2), "cell 3, line 2");
    }
}
