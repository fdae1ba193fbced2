//! The folders of a notebook, all of them in the kernel's own: where generated files and libraries go. What is in them is not
//! known here.

use std::io;
use std::path::{Path, PathBuf};

/// Where generated files and libraries go.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    pub(super) cells: PathBuf,
    pub(super) items: PathBuf,
    /// What is loaded: each is a file of its own, with the names of this session in it.
    pub(super) libraries: PathBuf,
    /// What is linked to, as rustc made it.
    pub(super) links: PathBuf,
    pub(super) incremental: PathBuf,
    /// All of them are in it.
    pub(super) private: PathBuf,
    /// Of a guess, the folder of the notebook that it was made from.
    pub(super) of_notebook: Option<PathBuf>,
}

impl Folders {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let folders = Self {
            cells: directory.join("cells"),
            items: directory.join("items"),
            libraries: directory.join("libraries"),
            links: directory.join("links"),
            incremental: directory.join("incremental"),
            private: directory.to_owned(),
            of_notebook: None,
        };
        let all = [&folders.cells, &folders.items, &folders.libraries, &folders.links, &folders.incremental];
        all.into_iter().try_for_each(std::fs::create_dir_all)?;
        Ok(folders)
    }

    /// Those of a guess at what comes next.
    pub(super) fn for_guess(&self) -> io::Result<Self> {
        Ok(Self { of_notebook: Some(self.private.clone()), ..Self::new(&self.private.join("ahead"))? })
    }

    /// Takes away what is linked to, of a guess that is over.
    pub(super) fn empty_links(&self) -> io::Result<()> {
        std::fs::remove_dir_all(&self.links)?;
        std::fs::create_dir_all(&self.links)
    }

    /// The kernel's own folders, those within others first.
    pub(super) fn own(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.private), self.of_notebook.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }
}
