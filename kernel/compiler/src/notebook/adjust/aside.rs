//! Older items that are in the way of a cell's own: which of them go. What a cell binds is not known here.

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::super::attempt::Attempt;
use super::super::compile::Files;
use super::region;
use crate::source_map::Region;

impl Attempt<'_> {
    /// Of two definitions that exclude each other the newer wins.
    pub(super) fn make_way(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let found = error.spans.iter().filter_map(|span| self.item_at(files, span));
        let older = found.filter(|index| self.items.items[*index].cell.serial != self.cell.serial).min();
        if let Some(index) = older {
            self.items.remove(index);
            return true;
        }
        let imports = error.spans.iter().filter_map(|span| match region(files, span) {
            Some(Region::Import(index)) => Some(index),
            _ => None,
        });
        let older = imports
            .filter(|index| self.items.imports.get(*index).is_some_and(|live| live.cell.serial != self.cell.serial))
            .min();
        older.map(|index| self.items.imports.remove(index)).is_some()
    }

    /// Older items that do not fit the newer ones are taken out, with a word about each.
    pub(super) fn set_aside(&mut self, files: &Files, errors: &[&Diagnostic]) -> bool {
        let mut broken = Vec::new();
        for error in errors {
            let found = error.spans.iter().filter(|span| span.is_primary).find_map(|span| self.item_at(files, span));
            match found {
                Some(index) if self.items.items[index].cell.serial != self.cell.serial => broken.push((index, *error)),
                // The cell's own errors come first: they are the user's to mend.
                _ => return false,
            }
        }
        broken.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        broken.dedup_by_key(|(index, _)| *index);
        for (index, error) in &broken {
            let live = self.items.remove(*index);
            let code = error.code.as_ref().map(|code| format!("{}: ", code.code)).unwrap_or_default();
            self.notes.push(format!(
                "{} of {} does not fit what this cell defines and was set aside ({code}{}); change its cell and run it again",
                live.title(),
                live.cell.label,
                error.message.replace("notebook::", "")
            ));
        }
        !broken.is_empty()
    }

    /// The live item that a span lies in.
    pub(in crate::notebook) fn item_at(&self, files: &Files, span: &DiagnosticSpan) -> Option<usize> {
        let file = files.items.iter().find(|file| file.name == span.file_name);
        let found = file.and_then(|file| {
            let inside = |offset: usize| {
                let replaced = || file.generated.replaced(offset).map(|range| range.start);
                let offset = file.generated.user_offset(offset).or_else(replaced)?;
                self.items.items.iter().position(|live| {
                    live.cell.serial == file.serial && live.item.range.start <= offset && offset <= live.item.range.end
                })
            };
            // A span may begin with inserted text.
            (span.byte_start..=span.byte_end).take(64).find_map(|offset| inside(offset as usize))
        });
        found.or_else(|| span.expansion.as_ref().and_then(|expansion| self.item_at(files, &expansion.span)))
    }
}
