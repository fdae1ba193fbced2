//! The libraries of a notebook that uses remembered answers: what a call of rustc may be spared by, and how what was made once
//! becomes what is loaded this time.

use std::path::Path;

use super::{Notebook, write};
use crate::PrepareError;
use crate::lower::ItemsFile;
use crate::names::{self, FileName};
use crate::remembered::Memory;
use crate::rustc::Compiled;

impl Notebook {
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
