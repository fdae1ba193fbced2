//! A set of dependencies that was built: what cells name, what the worker loads, and whether it still holds.

use std::collections::BTreeSet;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use toml::Table;

use super::Wanted;
use super::request::to_text;
use crate::session_library::Fnv;

/// As it stands in the cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Set {
    /// What was asked for, with the versions that were found where any would do.
    pub(crate) requirements: Table,
    pub(crate) externs: Vec<Extern>,
    /// From the first to the last, which is what cells link to.
    pub(crate) layers: Vec<Layer>,
    /// Where rustc finds the crates below.
    pub(crate) folders: Vec<PathBuf>,
    /// Files of the user's own, by which it is told whether it has to be built anew.
    pub(crate) sources: Vec<(PathBuf, u64)>,
    /// All files of cargo's that it takes, those that only the compiler loads too.
    pub(crate) files: BTreeSet<String>,
    /// The versions of everything.
    pub(crate) lock: PathBuf,
}

/// A crate that cells can name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Extern {
    /// As cells name it.
    pub(crate) name: String,
    /// As it calls itself.
    pub(crate) crate_name: String,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) path: PathBuf,
    /// Whether it is code of the compiler.
    pub(crate) is_macro: bool,
}

/// A library that the worker loads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layer {
    /// The crate's name.
    pub(crate) name: String,
    pub(crate) library: PathBuf,
    /// What is in it.
    pub(crate) contents: Vec<Content>,
}

/// A compiled crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its file has the hash of all that it was compiled from and with in its name, but for the user's own source.
    pub(crate) file: String,
    /// When it was compiled, if it is the user's own.
    pub(crate) compiled: u64,
}

impl Set {
    /// Whether all of its files are there and its sources are as they were.
    pub(crate) fn is_whole(&self) -> bool {
        let files = self.externs.iter().map(|found| &found.path).chain(self.layers.iter().map(|layer| &layer.library));
        files.chain([&self.lock]).all(|file| file.is_file()) && !self.is_stale()
    }

    /// Whether a source of the user's own has changed since it was built.
    pub(crate) fn is_stale(&self) -> bool {
        self.sources.iter().any(|(file, time)| modified(file) != *time)
    }

    /// Why what the worker has loaded cannot stay; `None`: it can.
    pub(super) fn reason_for_restart(&self, wanted: &Wanted<'_>) -> Option<String> {
        let loaded = &wanted.base?.layers;
        if self.layers.starts_with(loaded) {
            return None;
        }
        let mine: BTreeSet<&Content> = self.layers.iter().flat_map(|layer| &layer.contents).collect();
        Some(difference(loaded, &mine))
    }
}

/// What does not fit what was loaded, as the end of a sentence.
pub(super) fn difference(loaded: &[Layer], wanted: &BTreeSet<&Content>) -> String {
    let mut words = Vec::new();
    for old in loaded.iter().flat_map(|layer| &layer.contents).filter(|old| !wanted.contains(old)) {
        match wanted.iter().find(|new| new.name == old.name) {
            Some(new) if new.file == old.file => words.push(format!("`{}` was changed", old.name)),
            Some(new) if new.version != old.version => {
                words.push(format!("`{}` is {} now instead of {}", old.name, new.version, old.version));
            }
            Some(_) => words.push(format!("`{}` is needed with other features", old.name)),
            None => {}
        }
    }
    if words.len() > 3 {
        let more = words.len() - 2;
        words.truncate(2);
        words.push(format!("{more} others"));
    }
    if words.is_empty() { "the dependencies are others now".to_owned() } else { words.join(", ") }
}

/// What tells a set from all others: what is asked for, and upon what it is loaded.
pub(super) fn key(wanted: &Wanted<'_>) -> String {
    let mut hasher = Fnv::default();
    hasher
        .write(wanted.session.target.as_os_str().as_encoded_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or(b""));
    hasher.write(to_text(wanted.requirements).as_bytes());
    if let Some(top) = wanted.base.and_then(|base| base.layers.last()) {
        hasher.write(top.name.as_bytes());
    }
    format!("{:016x}", hasher.finish())
}

/// When a file was written, in nanoseconds; 0 where there is none.
pub(super) fn modified(file: &Path) -> u64 {
    let time = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
