//! The parts of a cell: what a part has made is kept, also where a later one ends early.
//!
//! A part is a guarded block within the one before, so it borrows what it only uses and moves what it moves, as the whole
//! does with older variables. Two things come of that which would not be so in one block, and both are undone here: a variable
//! that a part moves and fills again belongs to that part, and where rustc objects to the parts the cell goes without.

use std::collections::BTreeSet;

use cargo_metadata::diagnostic::Diagnostic;

use super::attempt::Attempt;
use crate::lower::Owned;

/// What rustc says where a block borrows or moves as a whole what its statements do one after another.
pub(super) const OF_BLOCKS: [&str; 8] = ["E0381", "E0384", "E0594", "E0596", "E0282", "E0283", "E0373", "E0728"];

impl Attempt<'_> {
    /// Where parts begin.
    pub(super) fn parts(&self) -> Vec<usize> {
        // What is filled gets its value where it is declared, in the first. In optimised code a variable of another part is
        // one in memory, which makes a loop that is nothing but sums many times slower.
        if self.joined || !self.instrumented || !self.filled.is_empty() || self.opt_level > 0 {
            return Vec::new();
        }
        let mut from = 0;
        // Where all that was made before is moved anyway, there is nothing to keep.
        let keeps = |part: &usize| {
            let made = from..*part;
            let is_kept = |name: &String| !self.parsed.surely_moved.contains_key(name);
            let mut bound = self.parsed.bindings.iter().filter(|bound| made.contains(&bound.range.start));
            let keeps = !self.parsed.assigned.is_empty() || bound.any(|bound| is_kept(&bound.name));
            if keeps {
                from = *part;
            }
            keeps
        };
        self.parsed.endings.iter().filter(|ending| ending.begins_part).map(|ending| ending.at).filter(keeps).collect()
    }

    /// The part that a variable is kept by.
    pub(super) fn level(&self, name: &str) -> usize {
        if let Some(level) = self.levels.get(name) {
            return *level;
        }
        let bound = self.parsed.bindings.iter().find(|bound| bound.name == name);
        bound.map_or(0, |bound| self.parts().iter().filter(|part| **part <= bound.range.start).count())
    }

    /// The variables that a part takes over.
    pub(super) fn owned(&self) -> Vec<Owned<'_>> {
        let is_mutable = |name: &str| {
            let new = self.parsed.bindings.iter().find(|bound| bound.name == name).map(|bound| bound.mutable);
            new.or_else(|| Some(self.notebook.binding(name)?.mutable)).unwrap_or_default()
        };
        let owned = self.levels.iter().filter(|(name, _)| !self.gone.contains_key(*name));
        owned.map(|(name, level)| Owned { name, mutable: is_mutable(name), level: *level }).collect()
    }

    pub(super) fn is_new(&self, name: &str) -> bool {
        self.parsed.bindings.iter().any(|bound| bound.name == name)
    }

    /// Whether the body has an older variable as its own.
    pub(super) fn owns_older(&self, name: &str) -> bool {
        self.levels.contains_key(name) && !self.gone.contains_key(name) && !self.is_new(name)
    }

    /// A variable that was moved where it is to be kept, and is filled again somewhere: the next part takes it over.
    pub(super) fn take_over(&mut self, name: &str) -> bool {
        if !self.parsed.assigned.contains(name) {
            return false;
        }
        let is_new = self.is_new(name);
        let next = if self.levels.contains_key(name) || is_new { self.level(name) + 1 } else { 0 };
        if next > self.parts().len() {
            self.levels.remove(name);
            return false;
        }
        self.levels.insert(name.to_owned(), next);
        true
    }

    /// The cell goes without parts, if that may be what rustc objects to.
    pub(super) fn join_parts(&mut self, errors: &[&Diagnostic], codes: &[&str]) -> bool {
        // Some of the borrow checker's errors have no code.
        let has_no_code = |message: &str| message.contains("lifetime") || message.contains("escape");
        let is_of_parts = |error: &&Diagnostic| match &error.code {
            Some(code) => codes.contains(&code.code.as_str()),
            None => has_no_code(&error.message),
        };
        if self.parts().is_empty() || !errors.iter().any(is_of_parts) {
            return false;
        }
        self.joined = true;
        self.levels.retain(|_, level| *level == 0);
        true
    }

    /// New variables that are lost where the cell ends early: something can end it behind them, in the same part.
    pub(super) fn may_lose(&self) -> BTreeSet<String> {
        let parts = self.parts();
        let level = |at: usize| parts.iter().filter(|part| **part <= at).count();
        let is_lost = |name: &str, start: usize| {
            let mut behind = self.parsed.endings.iter().filter(|ending| ending.at > start);
            behind.any(|ending| level(ending.at) == self.level(name))
        };
        let bindings = self.parsed.bindings.iter().filter(|bound| is_lost(&bound.name, bound.range.start));
        bindings.map(|bound| bound.name.clone()).collect()
    }
}
