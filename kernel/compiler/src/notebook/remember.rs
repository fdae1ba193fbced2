//! The libraries of a notebook that uses remembered answers: what a call of rustc may be spared by, and how what was made once
//! becomes what is loaded this time.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

use build::Answers;

use super::{Notebook, write};
use crate::PrepareError;
use crate::api::CompileError;
use crate::items::Items;
use crate::lower::ItemsFile;
use crate::names::{self, FileName};
use crate::remembered::{Memory, OF_LIBRARIES, missing_crate};
use crate::rustc::Compiled;

impl Notebook {
    /// The answers of rustc that are remembered.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// An error may be one of a remembered library of the items, which then is forgotten. Whether that is so, and another try is
    /// to be made.
    pub(super) fn distrust_items(&mut self, error: &CompileError) -> bool {
        let is_known = |name| name == "notebook" || self.session.crates.iter().any(|(known, _)| known == name);
        // The user's own `extern crate`.
        if missing_crate(&error.summary).is_some_and(|missing| !is_known(missing)) {
            return false;
        }
        let is_of_library = error.summary.starts_with("linking with")
            || error.codes.iter().any(|code| OF_LIBRARIES.contains(&code.as_str()));
        // What a guess runs into may be of the guess.
        is_of_library && !self.is_guess && self.distrust("")
    }

    /// The program of this entry cannot be loaded: what was remembered for it is forgotten, or if that was not the reason what
    /// was for the items. Whether anything was, so that another try is to be made.
    pub fn distrust(&mut self, entry: &str) -> bool {
        if let Some(key) = self.pending.get_mut(entry).and_then(|pending| pending.recalled.take()) {
            self.answers.forget(key);
            return true;
        }
        let of_items = self.generation.as_ref().and_then(|generation| generation.recalled);
        let of_owners = self.items.owners.values().filter_map(|owner| owner.recalled);
        let keys: BTreeSet<_> = of_items.into_iter().chain(of_owners).collect();
        if keys.is_empty() {
            return false;
        }
        keys.iter().for_each(|key| self.answers.forget(*key));
        // The next cell compiles the items again.
        self.generation = None;
        self.items.owners.retain(|_, owner| owner.recalled.is_none());
        true
    }

    /// What is remembered, for a call of rustc.
    pub(super) fn memory(&self) -> Memory<'_> {
        let own = self.dependencies.own().collect();
        let folders = self.folders.own().collect();
        let (ahead, is_guess) = (&*self.ahead, self.is_guess);
        let items = self.items_files();
        Memory { session: &self.session, answers: &self.answers, ahead, is_guess, folders, own, items }
    }

    /// Statics are found in the libraries that own them, in the newest that has their symbol. A cell may use one of an earlier
    /// generation and nothing of the present one, where that has what reads it inlined.
    pub(super) fn owners_arguments(&self, items: &Items) -> Vec<String> {
        let owners: BTreeSet<_> = items.owners.values().map(|owner| (Reverse(owner.age), &owner.library)).collect();
        if owners.is_empty() {
            return Vec::new();
        }
        let prefix = if self.session.toolchain.link_flags.is_empty() { "-Wl," } else { "" };
        let libraries = owners.iter().map(|(_, library)| format!("-Clink-arg={}", library.display()));
        std::iter::once(format!("-Clink-arg={prefix}--no-as-needed")).chain(libraries).collect()
    }

    /// The files of the present generation of the items crate.
    pub(super) fn items_files(&self) -> &[ItemsFile] {
        self.generation.as_ref().map_or(&[], |generation| &generation.files)
    }

    /// Writes a library that is to be loaded: with the names that cells have this time, and linked to the libraries of items
    /// as they are loaded. A file of its own each time, as what is loaded from one file is there once.
    pub(super) fn write_loaded(
        &self,
        compiled: &Compiled,
        library: &Path,
        names: &[FileName],
        linked: Option<(&str, &str)>,
    ) -> Result<(), PrepareError> {
        if self.is_guess {
            return Ok(());
        }
        let mut bytes = compiled.library.clone().unwrap_or_default();
        let files = self.generation.iter().flat_map(|generation| &generation.files).map(|file| &file.file);
        let cells = names.iter().chain(files).map(|name| (name.stable.as_str(), name.wide.as_str()));
        let loaded = self.loaded.iter().map(|(linked, loaded)| (linked.as_str(), loaded.as_str()));
        names::overwrite(&mut bytes, linked.into_iter().chain(cells).chain(loaded));
        write(&self.folders.libraries, library, bytes)
    }
}
