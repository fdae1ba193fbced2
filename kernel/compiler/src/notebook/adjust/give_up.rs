//! What a try gives up: which variables are not kept where rustc refuses the lines that keep them. What else could be done
//! about an error is not known here.

use std::collections::BTreeSet;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::super::attempt::Attempt;
use super::super::compile::Files;
use super::{first_word, quoted, region};
use crate::binding::{ASYNC_CLOSURE, NotKept};
use crate::source_map::Region;

impl Attempt<'_> {
    /// Goes without keeping a new variable, unless there is a way to keep it that was not tried yet.
    pub(in crate::notebook) fn give_up(&mut self, name: &str, reason: NotKept) -> bool {
        if let NotKept::Borrows(from) = &reason {
            if self.lend(name, from) {
                return true;
            }
            if self.is_lent(name) {
                return self.cannot_lend(name, from.clone());
            }
        }
        let reason = match reason {
            NotKept::Borrows(_) | NotKept::Borrowed if self.is_async_closure(name) => {
                NotKept::Nameless(ASYNC_CLOSURE.to_owned())
            }
            other => other,
        };
        self.not_kept.insert(name.to_owned(), reason).is_none()
    }

    pub(super) fn give_up_borrowers(
        &mut self,
        primary: Option<&Region>,
        regions: &[(Region, &DiagnosticSpan)],
        error: &Diagnostic,
    ) -> bool {
        let own = |region: &Region| match region {
            Region::Keep(name) | Region::Type(name) => Some(name.clone()),
            _ => None,
        };
        let primary = primary.and_then(own);
        let mut borrowers: BTreeSet<String> =
            regions.iter().filter(|(_, span)| !span.is_primary).filter_map(|(region, _)| own(region)).collect();
        if let Some(primary) = &primary {
            borrowers.remove(primary);
            // "borrow might be used here, when `guard` is dropped" names who borrows, outside of our lines.
            for label in error.spans.iter().filter_map(|span| span.label.as_deref()) {
                if let Some(name) = label.strip_prefix("borrow might be used here, when `").and_then(first_word)
                    && name != primary
                    && self.parsed.bindings.iter().any(|binding| binding.name == name)
                {
                    borrowers.insert(name.to_owned());
                }
            }
        }
        let mut changed = false;
        for borrower in &borrowers {
            let from: Vec<String> = quoted(&error.message).filter(|name| name != borrower).map(str::to_owned).collect();
            changed |= self.give_up(borrower, NotKept::Borrows(from));
            if !self.not_kept.contains_key(borrower) {
                continue;
            }
            if primary.is_some() {
                // What has a destructor borrows up to it, so it has to come before the others are moved.
                changed |= !self.never_end.contains(borrower) && self.end.insert(borrower.clone());
            } else if self.end.remove(borrower) {
                // The user's own code was in the way of that.
                changed |= self.never_end.insert(borrower.clone());
            }
        }
        match primary {
            Some(name) if borrowers.is_empty() => {
                self.is_lent_to_somebody(&name);
                changed
            }
            _ => changed,
        }
    }

    /// A closure or an async block that would outlive what it borrows only because it is to be kept.
    pub(super) fn give_up_closure(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let notes = error.children.iter().flat_map(|note| &note.spans);
        let kept = notes.filter_map(|span| region(files, span)).find_map(|region| match region {
            Region::Keep(name) => Some(name),
            _ => None,
        });
        // Of an async block rustc does not say who asks for more. One that is bound as it stands nobody else does.
        let place = |span: &DiagnosticSpan| files.get(&span.file_name)?.user_offset(span.byte_start as usize);
        let bound = || {
            let start = error.spans.iter().find(|span| span.is_primary).and_then(place)?;
            let mut bindings = self.parsed.bindings.iter().filter(|bound| bound.range.contains(&start));
            let is_whole = |text: &str| text.trim_end().ends_with('=');
            let found = bindings.find(|bound| self.cell.text.get(bound.range.start..start).is_some_and(is_whole));
            found.map(|bound| bound.name.clone())
        };
        let from = quoted(&error.message).map(str::to_owned).collect();
        kept.or_else(bound).is_some_and(|name| self.give_up(&name, NotKept::Borrows(from)))
    }

    /// Gives up variables for whose longer life rustc asks for more in the statement that binds them.
    pub(super) fn give_up_static(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let asks = |span: &&DiagnosticSpan| span.label.as_deref().is_some_and(|label| label.contains("for `'static`"));
        let place = |span: &DiagnosticSpan| files.get(&span.file_name)?.user_offset(span.byte_start as usize);
        let places: Vec<usize> = error.spans.iter().filter(asks).filter_map(place).collect();
        let bindings = &self.parsed.bindings;
        let bound_there = bindings.iter().filter(|bound| places.iter().any(|place| bound.range.contains(place)));
        let names: Vec<String> = bound_there.map(|bound| bound.name.clone()).collect();
        let from: Vec<String> = quoted(&error.message).map(str::to_owned).collect();
        let mut is_new = false;
        for name in &names {
            is_new |= self.give_up(name, NotKept::Borrows(from.clone()));
        }
        is_new
    }

    /// The last resort: the cell as it is, of which nothing is kept.
    pub(super) fn give_up_all(&mut self) -> bool {
        let mut is_new = false;
        for bound in &self.parsed.bindings {
            is_new |= self.not_kept.insert(bound.name.clone(), NotKept::Borrows(Vec::new())).is_none();
        }
        is_new
    }
}
