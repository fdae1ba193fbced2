//! A cell that compiled: what is run of it, and what the notebook will be when it has run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use build::AnswerKey;

use super::attempt::Attempt;
use super::compile::{Files, Library};
use super::lend::CellPlace;
use crate::Rendered;
use crate::api::{Hint, Program};
use crate::binding::{Binding, Moved, NotKept};
use crate::items::Items;
use crate::lower::ItemsFile;
use crate::rustc::Compiled;

/// A cell that compiled.
pub(super) struct Success {
    pub(super) items: Items,
    /// The new generation of the items crate, if there is one.
    pub(super) items_library: Option<(Library, Vec<ItemsFile>)>,
    pub(super) program: Option<Program>,
    pub(super) bindings: Vec<Binding>,
    pub(super) not_kept: BTreeMap<String, NotKept>,
    /// Older variables that it moves, whatever it ends with.
    pub(super) gone: BTreeMap<String, Moved>,
    /// Older variables that it takes over from the store, and keeps if it comes that far.
    pub(super) owned: BTreeMap<String, Moved>,
    /// New variables that are lost where it ends early.
    pub(super) may_lose: BTreeSet<String>,
    /// Older variables that go because their name has another meaning from now on, which is not kept.
    pub(super) shadowed: Vec<Binding>,
    pub(super) unusable: BTreeMap<String, NotKept>,
    pub(super) forget: Vec<(String, NotKept)>,
    /// Older variables that are dropped before it runs, because it makes them anew.
    pub(super) renewed: BTreeSet<String>,
    /// Where variables are lent.
    pub(super) lent_at: BTreeMap<String, CellPlace>,
    pub(super) moves: Vec<String>,
    /// Older variables that it takes out of the store.
    pub(super) takes: BTreeSet<String>,
    pub(super) warnings: Option<Rendered>,
    pub(super) notes: Vec<String>,
    pub(super) hints: Vec<Hint>,
    /// As it is shown to people.
    pub(super) tail_type: Option<String>,
    pub(super) time: Duration,
    pub(super) compiles: u32,
    /// Under what its library was remembered, if it was.
    pub(super) recalled: Option<AnswerKey>,
}

impl Attempt<'_> {
    pub(super) fn succeed(
        mut self,
        files: Files,
        types: BTreeMap<String, String>,
        kept: BTreeMap<String, String>,
        compiled: Option<(Compiled, Library)>,
    ) -> Success {
        let (mut warnings, mut library, mut tail_type, mut recalled) = (None, None, None, None);
        if let Some((compiled, path)) = compiled {
            warnings = self.notebook.warnings(self.cell, &self.items, &files, &compiled);
            tail_type = self.tail_type(&files, &compiled);
            self.settle_moved(&files, &compiled);
            library = Some(path);
            recalled = compiled.recalled;
        }
        let mut bindings = self.bindings(&kept);
        let hints = self.hints(&types, &bindings);
        for name in self.filled.iter().filter(|name| !self.not_kept.contains_key(*name)) {
            let moved = self.moved_before(name);
            bindings.extend(moved.map(|Moved { type_text, mutable, .. }| Binding::new(name, type_text, *mutable)));
        }
        let takes = self.frame().take.iter().map(|binding| binding.name.clone()).collect();
        let shadowed = self.shadowed().cloned().collect();
        let moves: Vec<String> = self.gone.keys().cloned().collect();
        let lent_at = self.lent_at();
        let may_lose = self.may_lose();
        for (name, moved) in &self.gone {
            // A newer one of its name is there.
            if !bindings.iter().any(|binding| binding.name == *name) {
                self.not_kept.entry(name.clone()).or_insert_with(|| NotKept::Moved(moved.clone()));
            }
        }
        let runs = self.parsed.has_statements;
        let owned: Vec<String> = self.levels.keys().filter(|name| self.owns_older(name)).cloned().collect();
        let owned: BTreeMap<String, Moved> =
            owned.iter().map(|name| (name.clone(), self.moved_here(name, None))).collect();
        let is_generation =
            self.in_items_crate && (!self.parsed.items.is_empty() || self.notebook.has_stranded_items());
        Success {
            program: library.clone().filter(|_| runs).map(|library| Program {
                library: library.loaded,
                entry: self.entry,
                symbol: self.symbol,
            }),
            items_library: library.filter(|_| is_generation).map(|library| (library, files.items)),
            items: self.items,
            bindings,
            not_kept: self.not_kept,
            owned,
            gone: self.gone,
            shadowed,
            may_lose,
            unusable: self.unusable,
            forget: self.forget,
            renewed: self.renewed,
            lent_at,
            moves,
            takes,
            warnings,
            notes: self.notes,
            hints,
            tail_type,
            time: self.time,
            compiles: self.compiles,
            recalled,
        }
    }
}
