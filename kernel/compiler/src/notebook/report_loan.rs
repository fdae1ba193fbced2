//! What is told of loans: rustc's words are about our own lines, and the user's are about variables.

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::Notebook;
use super::places::Places;
use crate::api::LoanKind;
use crate::binding::Binding;
use crate::items::CellText;
use crate::source_map::Region;

impl Notebook {
    /// What an error about a variable means that borrows or is lent.
    pub(super) fn note_on_loan(&self, cell: &CellText, binding: &Binding, code: &str) -> Option<String> {
        let name = binding.name.as_str();
        let mut lent_to: Vec<&str> = self.borrowers(name).collect();
        if lent_to.is_empty() {
            // What borrows from another owner of the same cell keeps that where it is.
            lent_to = binding.held_by.iter().map(String::as_str).filter(|held| !held.is_empty()).collect();
        }
        let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let from: Vec<&str> = binding.borrows.iter().map(String::as_str).collect();
        match (code, binding.loan) {
            ("E0597" | "E0521", Some(LoanKind::Value)) if !from.is_empty() => Some(format!(
                "`{name}` borrows from {}, which {} in the notebook; clone what {}",
                names(&from),
                if from.len() == 1 { "lives" } else { "live" },
                who_needs(cell)
            )),
            ("E0597" | "E0521", _) => {
                Some(format!("`{name}` lives in the notebook, and is lent there; clone what {}", who_needs(cell)))
            }
            ("E0425", _) if !lent_to.is_empty() => {
                Some(format!("`{name}` is lent to {}, and is there again when that is dropped", names(&lent_to)))
            }
            ("E0499" | "E0502" | "E0505" | "E0506" | "E0503", _) if !lent_to.is_empty() => {
                let is_over = lent_to.iter().all(|borrower| words_of(&cell.text).any(|word| word == *borrower));
                let until = if is_over {
                    "the cell that drops that has ended; go on in the next one"
                } else {
                    "that is dropped"
                };
                Some(format!("`{name}` is lent to {} until {until}", names(&lent_to)))
            }
            _ => None,
        }
    }
}

impl Places<'_> {
    /// An error about the lifetime of a cell's loans is one about the variable that the user would make last longer.
    pub(super) fn tell_loan(&self, error: &mut Diagnostic) {
        let region = |span: &DiagnosticSpan| self.files.get(&span.file_name)?.region(span.byte_start as usize);
        // What would help in a line of ours helps nobody.
        let is_ours = |span: &DiagnosticSpan| matches!(region(span), Some(Region::Lent(_) | Region::Token));
        error.children.retain(|help| !help.spans.iter().any(is_ours));
        if !error.spans.iter().any(|span| span.is_primary && region(span) == Some(&Region::Token)) {
            return;
        }
        // What is asked for may begin in our own text, as the tail expression does.
        let text = |span: &DiagnosticSpan| {
            let file = self.files.get(&span.file_name)?;
            let (start, end) = (span.byte_start as usize, span.byte_end as usize);
            let start = (start..end).find(|offset| file.is_users(*offset))?;
            file.text().get(start..end).map(str::to_owned)
        };
        let asks = error.spans.iter().position(|span| {
            span.label.as_deref().is_some_and(|label| label.contains("__kissaten_token")) && text(span).is_some()
        });
        let words = asks.and_then(|asks| text(&error.spans[asks])).unwrap_or_default();
        let lent = |name: &&str| self.notebook.binding(name).is_some_and(|binding| binding.loan.is_some());
        let mut named = words_of(&words).chain(words_of(&self.cell.text));
        let Some(name) = named.find(lent).map(str::to_owned) else { return };
        let span = match asks {
            Some(asks) => Some(error.spans.swap_remove(asks)),
            None => self.use_of(&name, error),
        };
        let Some(mut span) = span else { return };
        span.is_primary = true;
        span.label = span.label.map(|label| label.replace("__kissaten_token", &name));
        error.spans = vec![span];
        error.message = format!("`{name}` does not live long enough");
    }

    /// Where the cell names a variable, of which rustc does not say where it is asked to last for ever.
    fn use_of(&self, name: &str, error: &Diagnostic) -> Option<DiagnosticSpan> {
        let mut span = error.spans.first()?.clone();
        let file = self.files.get(&span.file_name)?;
        let is_part = |character: char| character == '_' || character.is_alphanumeric();
        let (start, _) = file.text().match_indices(name).find(|(at, _)| {
            let (before, behind) = (&file.text()[..*at], &file.text()[at + name.len()..]);
            file.is_users(*at) && !before.ends_with(is_part) && !behind.starts_with(is_part)
        })?;
        (span.byte_start, span.byte_end) = (u32::try_from(start).ok()?, u32::try_from(start + name.len()).ok()?);
        span.label = Some(format!("`{name}` would have to last for as long as the program"));
        Some(span)
    }
}

/// The words of a text.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character != '_' && !character.is_alphanumeric())
}

/// Who asks for a value that lasts.
fn who_needs(cell: &CellText) -> &'static str {
    if cell.text.contains("spawn") { "the task needs" } else { "is to last longer" }
}
