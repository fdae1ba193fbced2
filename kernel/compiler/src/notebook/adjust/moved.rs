//! Variables that were moved: how rustc is made to say so in its own words, and where it was. What is lent is not known here.

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::super::attempt::Attempt;
use super::super::compile::Files;
use super::{first_word, quoted, region};
use crate::source_map::position_in;

impl Attempt<'_> {
    /// A variable that an earlier cell moved: declared as moved, so that rustc says it with its own words.
    pub(super) fn declare_moved(&mut self, error: &Diagnostic) -> bool {
        let message = error.message.strip_prefix("cannot find value `");
        let message = message.or_else(|| error.message.strip_prefix("cannot find function `"));
        let name = message.and_then(first_word);
        let Some(name) = name else { return false };
        let Some(moved) = self.moved_before(name).filter(|_| !self.moved.contains(name)) else { return false };
        // What was `mut` can be filled again.
        let is_filled = moved.mutable && self.parsed.assigned.contains(name);
        if is_filled && !self.binds(name) {
            self.filled.insert(name.to_owned())
        } else {
            self.moved.insert(name.to_owned())
        }
    }

    /// The same of one that is lent.
    pub(super) fn declare_lent_of(&mut self, error: &Diagnostic) -> bool {
        let name = error.message.strip_prefix("cannot find value `").and_then(first_word);
        name.is_some_and(|name| self.declare_lent(name))
    }

    /// A variable that an earlier cell moved is used before this one has filled it: then rustc is to say who moved it.
    pub(super) fn was_not_filled(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let is_ours = error.spans.iter().any(|span| span.is_primary && region(files, span).is_some());
        let name = quoted(&error.message).find(|name| self.filled.contains(*name)).filter(|_| !is_ours);
        let Some(name) = name.map(str::to_owned) else { return false };
        self.filled.remove(&name);
        self.moved.insert(name)
    }

    pub(in crate::notebook) fn place_of_move(
        &self,
        files: &Files,
        error: &Diagnostic,
    ) -> Option<(String, usize, usize, usize)> {
        // The block around the cell's statements is what takes the variable; the user's own use is why.
        let why = |label: &str| label.contains("moved due to");
        let what = |label: &str| label.starts_with("value moved");
        let place = |span: &DiagnosticSpan| {
            let generated = files.get(&span.file_name)?;
            let start = generated.user_offset(span.byte_start as usize)?;
            self.place_of(start, generated.user_offset(span.byte_end as usize).filter(|end| *end > start)?)
        };
        let labelled = |is_it: &dyn Fn(&str) -> bool| {
            error.spans.iter().filter(|span| is_it(span.label.as_deref().unwrap_or(""))).find_map(place)
        };
        labelled(&why).or_else(|| labelled(&what))
    }

    /// A stretch of the cell's text as a file, a line and columns, if it is on one line.
    pub(in crate::notebook) fn place_of(&self, start: usize, end: usize) -> Option<(String, usize, usize, usize)> {
        let ((line, from), (last, to)) = (position_in(&self.cell.text, start), position_in(&self.cell.text, end));
        (line == last).then(|| (self.cell.label.clone(), line, from, to))
    }
}
