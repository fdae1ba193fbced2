//! Variables whose types are settled by a later cell than their own: their `let` waits for it.
//!
//! `let mut v = Vec::new();` alone is E0282. In one `main`, `v.push(1)` behind it would say which type; so here the statement runs
//! at the beginning of the cell that says it. It does the same there (`parse/open.rs`), so that nobody can tell.

use std::collections::BTreeSet;

use cargo_metadata::diagnostic::Diagnostic;

use super::Notebook;
use super::attempt::Attempt;
use super::compile::Files;
use crate::binding::NotKept;
use crate::parse::{BoundName, Make, Open, OpenLet, Parsed};
use crate::scope;
use crate::source_map::Region;

impl Notebook {
    /// Puts the waiting statements whose variables a cell mentions at its beginning, in the order in which they were written.
    pub(super) fn open(&self, parsed: &mut Parsed) {
        let mut mentions = parsed.mentions.clone();
        loop {
            let waiting = self.not_kept.iter().filter(|(name, _)| mentions.contains(*name));
            let waiting = waiting.filter_map(|(_, reason)| match reason {
                NotKept::Open(open) => Some(&**open),
                _ => None,
            });
            let new = waiting.filter(|open| !parsed.opened.contains(open)).cloned().collect::<Vec<_>>();
            if new.is_empty() {
                break;
            }
            for open in new {
                mentions.extend(open.statement.mentions.iter().cloned());
                if !parsed.opened.contains(&open) {
                    parsed.opened.push(open);
                }
            }
        }
        parsed.opened.sort_by_key(|open| (open.serial, open.statement.range.start));
        if parsed.opened.is_empty() {
            return;
        }
        parsed.mentions = mentions;
        let own: BTreeSet<&String> = parsed.bindings.iter().map(|bound| &bound.name).collect();
        let opened = parsed.opened.iter().flat_map(|open| open.statement.names.clone());
        let waits = |name: &String| matches!(self.not_kept.get(name), Some(NotKept::Open(_)));
        let bindings: Vec<BoundName> = opened
            .filter(|(name, _)| !own.contains(name) && waits(name))
            .map(|(name, mutable)| BoundName {
                name,
                mutable,
                range: 0..0,
                boxed: None,
                make: Make::Unknown,
                is_copy: false,
            })
            .collect();
        parsed.bindings.splice(0..0, bindings);
    }
}

impl Attempt<'_> {
    /// Shows the tail expression in a way that does not ask for its type while rustc looks for it. That of what never comes, as of
    /// a task that panics, is settled when all else is.
    pub(super) fn show_debug(&mut self) -> bool {
        let may_diverge = ["panic!", "todo!", "unimplemented!", "unreachable!", "loop", "return", "exit(", "abort("]
            .iter()
            .any(|end| self.cell.text.contains(end));
        let is_new = self.parsed.tail.is_some() && may_diverge && !self.shows_debug;
        self.shows_debug |= is_new;
        is_new
    }

    /// The statements of earlier cells that run in this one.
    pub(super) fn opened(&self) -> impl Iterator<Item = &Open> {
        self.parsed.opened.iter().filter(|open| !open.statement.names.iter().any(|(name, _)| self.waits(name)))
    }

    /// Whether a variable of this or an earlier cell waits for a later one.
    pub(super) fn waits(&self, name: &str) -> bool {
        matches!(self.not_kept.get(name), Some(NotKept::Open(_)))
    }

    /// The type of a variable is not settled, and nothing but such statements mentions it: they wait.
    pub(super) fn postpone(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let span = error.spans.iter().find(|span| span.is_primary);
        let Some((file, span)) = span.and_then(|span| Some((files.get(&span.file_name)?, span))) else { return false };
        let start = span.byte_start as usize;
        let found = match file.region(start) {
            Some(Region::Open(name)) => Some(name.clone()),
            Some(Region::Keep(name) | Region::Type(name)) if self.is_late(name) => Some(name.clone()),
            _ => file.user_offset(start).and_then(|at| {
                let statement = self.parsed.open_lets.iter().find(|one| one.range.contains(&at))?;
                statement.names.first().map(|(name, _)| name.clone())
            }),
        };
        found.is_some_and(|name| self.postpone_all(&name))
    }

    fn is_late(&self, name: &str) -> bool {
        let binds = |one: &&OpenLet| one.names.iter().any(|(bound, _)| bound == name);
        self.parsed.open_lets.iter().find(binds).is_some_and(|one| one.is_late)
    }

    /// The statement that binds `name` and all that depend on it, if nothing else does.
    fn postpone_all(&mut self, name: &str) -> bool {
        let mut names = BTreeSet::from([name.to_owned()]);
        let mut waiting: Vec<Open> = Vec::new();
        loop {
            let before = waiting.len();
            let cell = self.cell;
            let own = self.parsed.open_lets.iter();
            let own = own.map(|statement| {
                let mut open = Open::new(&cell.label, cell.serial, &cell.text, statement);
                let range = statement.range.clone();
                (open.paths, open.spelled_out) =
                    scope::spelled_out(&self.parsed.names, &self.items.imports, &cell.text, range);
                open
            });
            for open in own.chain(self.parsed.opened.iter().cloned()) {
                let depends = !open.statement.mentions.is_disjoint(&names) || names.iter().any(|name| open.binds(name));
                if depends && !waiting.contains(&open) {
                    names.extend(open.statement.names.iter().map(|(name, _)| name.clone()));
                    waiting.push(open);
                }
            }
            if waiting.len() == before {
                break;
            }
        }
        if waiting.is_empty() || !names.is_disjoint(&self.parsed.busy) {
            return false;
        }
        let mut changed = false;
        for open in waiting {
            for (name, _) in &open.statement.names {
                changed |= self.not_kept.insert(name.clone(), NotKept::Open(Box::new(open.clone()))).is_none();
            }
        }
        changed
    }

    /// Where in the cell's text the statements stand that wait.
    pub(super) fn postponed(&self) -> Vec<std::ops::Range<usize>> {
        let statements = self.parsed.open_lets.iter();
        let waits = statements.filter(|one| one.names.iter().any(|(name, _)| self.waits(name)));
        waits.map(|one| one.range.clone()).collect()
    }
}
