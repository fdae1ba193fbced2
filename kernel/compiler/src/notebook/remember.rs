//! The libraries of a notebook that uses remembered answers: what a call of rustc may be spared by, and how what was made once
//! becomes what is loaded this time.

use std::path::Path;

use build::Answers;

use super::{Notebook, write};
use crate::PrepareError;
use crate::lower::ItemsFile;
use crate::names::{self, FileName};
use crate::remembered::Memory;
use crate::rustc::Compiled;

impl Notebook {
    /// The answers of rustc that are remembered.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The program of this entry cannot be loaded: what was remembered for it is forgotten. Whether anything was, so that
    /// another try is to be made.
    pub fn distrust(&mut self, entry: &str) -> bool {
        let of_program = self.pending.get(entry).and_then(|pending| pending.recalled);
        let of_items = self.generation.as_ref().and_then(|generation| generation.recalled);
        if of_items.is_some() {
            // The next cell compiles the items again.
            self.generation = None;
        }
        let keys: Vec<_> = of_program.into_iter().chain(of_items).collect();
        keys.iter().for_each(|key| self.answers.forget(*key));
        !keys.is_empty()
    }

    /// What is remembered, for a call of rustc.
    pub(super) fn memory(&self) -> Memory<'_> {
        let own = self.dependencies.own().collect();
        Memory { session: &self.session, answers: &self.answers, private: &self.folders.private, own }
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
        let mut bytes = compiled.library.clone().unwrap_or_default();
        let files = self.generation.iter().flat_map(|generation| &generation.files).map(|file| &file.file);
        let cells = names.iter().chain(files).map(|name| (name.stable.as_str(), name.wide.as_str()));
        let loaded = self.loaded.iter().map(|(linked, loaded)| (linked.as_str(), loaded.as_str()));
        names::overwrite(&mut bytes, linked.into_iter().chain(cells).chain(loaded));
        write(&self.folders.libraries, library, bytes)
    }
}
