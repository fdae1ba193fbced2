//! Places in what was generated, as places in the user's cells: of each span of a diagnostic.

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};

use super::Notebook;
use super::compile::{Files, ROOT};
use crate::binding::NotKept;
use crate::items::{CellText, Items};
use crate::lower::ItemsFile;
use crate::source_map::{Generated, Region, position_in};

/// How far, in bytes, a span that begins or ends in inserted text is moved to the user's.
const INSERTED: usize = 48;

/// From generated places to the user's.
pub(super) struct Places<'a> {
    pub(super) notebook: &'a Notebook,
    pub(super) cell: &'a CellText,
    pub(super) items: &'a Items,
    pub(super) files: &'a Files,
}

impl Places<'_> {
    /// Whether what a diagnostic is about begins and ends in the user's own text. clippy counts the brackets around an
    /// expression as a part of it, and around the tail they are ours.
    pub(super) fn are_the_users(&self, diagnostic: &Diagnostic) -> bool {
        diagnostic.spans.iter().filter(|span| span.is_primary).map(outermost).all(|span| {
            let (start, end) = (span.byte_start as usize, span.byte_end as usize);
            let is_users = |file: &Generated| {
                let in_brackets =
                    file.text().get(start..end).and_then(|text| text.strip_prefix('(')?.strip_suffix("\n)"));
                let (start, end) = in_brackets.map_or((start, end), |inside| (start + 1, start + 1 + inside.len()));
                file.is_users(start) && file.is_users(end.saturating_sub(1).max(start))
            };
            self.files.get(&span.file_name).is_some_and(is_users)
        })
    }

    pub(super) fn translate(&self, diagnostic: &mut Diagnostic) {
        self.tell_of_older(diagnostic);
        diagnostic.spans.iter_mut().for_each(|span| self.translate_span(span));
        diagnostic.children.iter_mut().for_each(|child| self.translate(child));
    }

    /// The line that declares an older variable is ours; what its label says is not.
    fn tell_of_older(&self, diagnostic: &mut Diagnostic) {
        let is_take = |span: &&DiagnosticSpan| {
            let region = |file: &Generated| matches!(file.region(span.byte_start as usize), Some(Region::Take(_)));
            self.files.get(&span.file_name).is_some_and(region)
        };
        let labels = diagnostic.spans.iter().filter(is_take).filter_map(|span| span.label.clone());
        let mut told: Vec<Diagnostic> = Vec::new();
        for message in labels.filter(|label| label.starts_with("move occurs because ")) {
            let mut note = diagnostic.clone();
            (note.code, note.rendered, note.level) = (None, None, DiagnosticLevel::Note);
            (note.spans, note.children) = (Vec::new(), Vec::new());
            note.message = message;
            told.push(note);
        }
        diagnostic.children.splice(0..0, told);
    }

    fn translate_span(&self, span: &mut DiagnosticSpan) {
        if let Some(expansion) = &mut span.expansion {
            self.translate_span(&mut expansion.span);
        }
        let earlier = self.notebook.generation.as_ref().map_or(&[][..], |generation| &generation.files);
        let of_name = |files: &'_ [ItemsFile]| files.iter().position(|file| file.name == span.file_name);
        let (file, items_file) = match (self.files.get(&span.file_name), of_name(&self.files.items), of_name(earlier)) {
            (Some(file), Some(index), _) => (file, Some(&self.files.items[index])),
            (Some(file), None, _) => (file, None),
            (None, _, Some(index)) => (&earlier[index].generated, Some(&earlier[index])),
            (None, _, None) => return,
        };
        let (start, end) = (span.byte_start as usize, span.byte_end as usize);
        if let Some(region) = file.region(start)
            && file.user_offset(start).is_none()
            && self.translate_region(span, region)
        {
            return;
        }
        let cell = match items_file {
            Some(file) => self.items.items.iter().find(|live| live.cell.serial == file.serial).map(|live| &*live.cell),
            None if span.file_name == ROOT => None,
            None => Some(self.cell),
        };
        let Some(cell) = cell else {
            span.file_name = String::new();
            return;
        };
        span.file_name.clone_from(&cell.label);
        if let Some(replaced) = file.replaced(start) {
            set_place(span, &cell.text, replaced.start, replaced.end);
            return;
        }
        let forward = (start..=end.min(start + INSERTED)).find_map(|offset| file.user_offset(offset));
        // What is to be inserted before our `pub` is to be inserted before what that makes public.
        let is_before = start == end && forward.is_none() && file.region(start).is_none();
        let behind = || (start..=start + INSERTED).find_map(|offset| file.user_offset(offset));
        if let Some(offset) = is_before.then(behind).flatten() {
            set_place(span, &cell.text, offset, offset);
            // A word behind our `pub` is a word before what follows.
            if let Some(word) = span.suggested_replacement.as_mut().filter(|word| word.starts_with(' ')) {
                *word = format!("{} ", word.trim());
            }
            return;
        }
        let backward =
            (start.max(end.saturating_sub(INSERTED))..=end).rev().find_map(|offset| file.user_offset(offset));
        match (forward, backward) {
            (Some(from), Some(to)) if from <= to => set_place(span, &cell.text, from, to),
            // Known to the renderer as a place in the cell's file that is not the user's.
            _ => {
                (span.line_start, span.line_end) = (0, 0);
                (span.column_start, span.column_end) = (0, 0);
            }
        }
    }

    /// Our own text that stands for a place of the user's.
    fn translate_region(&self, span: &mut DiagnosticSpan, region: &Region) -> bool {
        match region {
            Region::Import(index) => {
                let Some(live) = self.items.standing().into_iter().nth(*index) else { return false };
                // rustc would insert a line before it. That is for the cell that misses one, not for an earlier one.
                if span.suggested_replacement.is_some() && span.byte_start == span.byte_end {
                    span.file_name = String::new();
                    return true;
                }
                span.file_name.clone_from(&live.cell.label);
                set_place(span, &live.cell.text, live.import.range.start, live.import.range.end);
                true
            }
            Region::Moved(name) => {
                let Some(NotKept::Moved(moved)) = self.notebook.not_kept.get(name) else { return false };
                let Some(place) = &moved.place else { return false };
                // Of our two statements only the second is what happened there.
                if span.label.as_deref().is_none_or(|label| !label.contains("moved here")) {
                    return false;
                }
                set_line(span, place);
                true
            }
            Region::Lent(name) => {
                let place = self.notebook.binding(name).and_then(|binding| binding.lent_at.as_ref());
                let Some(place) = place else { return false };
                if span.label.as_deref().is_none_or(|label| !label.contains("borrow")) {
                    return false;
                }
                set_line(span, place);
                true
            }
            Region::Open(name) => {
                let Some(NotKept::Open(open)) = self.notebook.not_kept.get(name) else { return false };
                let Some(text) = self.notebook.texts.get(&open.label).map(|cell| cell.text.as_str()) else {
                    return false;
                };
                // The statement stands there as it does in its cell, but for the ends of its lines.
                let begin = open.statement.range.start;
                let file = self.files.statements.as_ref().map(|(_, file)| file);
                let offset = |at: u32| Some(begin + file?.offset_in_region(at as usize)?);
                let (Some(start), Some(end)) = (offset(span.byte_start), offset(span.byte_end)) else { return false };
                span.file_name.clone_from(&open.label);
                set_place(span, text, start, end.max(start));
                true
            }
            Region::End => {
                let end = self.cell.text.trim_end().len();
                span.file_name.clone_from(&self.cell.label);
                set_place(span, &self.cell.text, end, end);
                true
            }
            _ => false,
        }
    }
}

fn set_place(span: &mut DiagnosticSpan, text: &str, start: usize, end: usize) {
    (span.line_start, span.column_start) = position_in(text, start);
    (span.line_end, span.column_end) = position_in(text, end);
}

/// A place that was kept: the cell, the line and two columns in it.
fn set_line(span: &mut DiagnosticSpan, (label, line, from, to): &(String, usize, usize, usize)) {
    span.file_name.clone_from(label);
    (span.line_start, span.line_end) = (*line, *line);
    (span.column_start, span.column_end) = (*from, *to);
}

pub(super) fn outermost(span: &DiagnosticSpan) -> &DiagnosticSpan {
    span.expansion.as_ref().map_or(span, |expansion| outermost(&expansion.span))
}
