//! Adjustments to imports, by rustc's errors: which ones disturb older items, and which do not hold any more.

use std::collections::BTreeSet;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::adjust::{quoted, region};
use super::attempt::Attempt;
use super::compile::Files;
use crate::source_map::Region;

impl Attempt<'_> {
    /// An import of an earlier cell does not hold any more.
    pub(super) fn drop_import(&mut self, index: usize, error: &Diagnostic) -> bool {
        let Some(live) = self.items.standing().into_iter().nth(index) else { return false };
        if live.cell.serial == self.cell.serial {
            return false;
        }
        let is_new = self.items.lost.insert(live.import.text.clone());
        // Those behind the current ones are only of older items, which will say it themselves if they need it.
        if index >= self.items.imports.len() {
            return is_new;
        }
        self.notes.push(format!(
            "`{}` of {} no longer holds and was set aside: {}",
            live.import.text.trim_end_matches(';').replace("notebook::", ""),
            live.cell.label,
            error.message.replace("notebook::", "")
        ));
        self.items.imports.remove(index);
        true
    }

    /// Two traits in scope have a method that an older item calls. Of one of them that item knows nothing.
    pub(super) fn set_traits_apart(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let Some(item) = self.item_of(files, error) else { return false };
        let candidates = candidate_traits(error);
        let scope = &self.items.items[item].scope;
        let is_later = |text: &str| !scope.iter().any(|live| live.import.text == text);
        let named = self.items.imports.iter().filter(|live| {
            let last = live.path.rsplit("::").next().unwrap_or_default();
            candidates.contains(last) && is_later(&live.import.text)
        });
        let texts: Vec<String> = named.map(|live| live.import.text.clone()).collect();
        let before = self.items.apart.len();
        self.items.apart.extend(texts);
        self.items.apart.len() > before
    }

    /// Two globs bring a name. An older item means what was there when it was defined; else the newer one wins.
    pub(super) fn choose_glob(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let is_lint = error.code.as_ref().is_some_and(|code| code.code != "E0659");
        // Where there is nothing to choose, rustc takes the first, as it would without being asked.
        self.chosen_glob(files, error) || is_lint && std::mem::replace(&mut self.tells_globs, false)
    }

    fn chosen_glob(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let Some(name) = quoted(&error.message).next() else { return false };
        let index = |span: &DiagnosticSpan| match region(files, span) {
            Some(Region::Import(index)) => Some(index),
            _ => None,
        };
        let mut candidates: Vec<usize> = error.children.iter().flat_map(|note| &note.spans).filter_map(index).collect();
        candidates.sort_unstable();
        let standing = self.items.standing();
        let mut candidates: Vec<_> = candidates.into_iter().filter_map(|index| standing.get(index)).collect();
        let item = self.item_of(files, error);
        if let Some(item) = item {
            let scope = &self.items.items[item].scope;
            candidates.retain(|live| scope.iter().any(|other| other.import.text == live.import.text));
        }
        let own = candidates.iter().filter(|live| live.cell.serial == self.cell.serial).count();
        // Both are this cell's: it is for the user to say.
        if own > 1 {
            return false;
        }
        let newest = candidates.iter().max_by_key(|live| live.cell.serial);
        let Some(path) = newest.map(|live| format!("{}::{name}", live.path)) else { return false };
        match item {
            Some(item) => self.items.items[item].by_glob.insert(name.to_owned(), path).is_none(),
            None => self.prefer.insert(format!("use ::{path};")),
        }
    }

    /// Whether an error is about an item of an earlier cell.
    pub(super) fn is_of_older_item(&self, files: &Files, error: &Diagnostic) -> bool {
        self.item_of(files, error).is_some_and(|item| self.items.items[item].cell.serial != self.cell.serial)
    }

    /// The live item that an error is about.
    fn item_of(&self, files: &Files, error: &Diagnostic) -> Option<usize> {
        error.spans.iter().filter(|span| span.is_primary).find_map(|span| self.item_at(files, span))
    }
}

/// The traits, without their modules, that could each be meant.
pub(super) fn candidate_traits(error: &Diagnostic) -> BTreeSet<&str> {
    let notes = error.children.iter().map(|note| note.message.as_str());
    notes
        .chain(error.spans.iter().filter_map(|span| span.label.as_deref()))
        .filter_map(|note| note.split("trait `").nth(1))
        .filter_map(|path| path.split(['`', '<']).next()?.rsplit("::").next())
        .collect()
}
