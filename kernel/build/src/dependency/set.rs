//! A set of dependencies that was built: what cells name, what the worker loads, and whether it still holds.

use std::collections::BTreeSet;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use toml::Table;

use super::Wanted;
use super::request::to_text;
use crate::session_library::{Fnv, SessionLibrary};

/// As it stands in the cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Set {
    /// What was asked for, with the versions that were found where any would do.
    pub requirements: Table,
    pub externs: Vec<Extern>,
    /// All crates that are loaded for it.
    pub contents: BTreeSet<Content>,
    /// The layers that cells link to, each after those that it stands upon.
    pub layers: Vec<Layer>,
    /// Where rustc finds the crates below.
    pub folders: Vec<PathBuf>,
    /// Files of the user's own, by which it is told whether it has to be built anew.
    pub sources: Vec<(PathBuf, u64)>,
    /// All files of cargo's that it takes, those that only the compiler loads too.
    pub files: BTreeSet<String>,
    /// The versions of everything.
    pub lock: PathBuf,
    /// What cargo said about the requirements, though it took them.
    pub warnings: Vec<String>,
}

/// A crate that cells can name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Extern {
    /// As cells name it.
    pub name: String,
    /// As it calls itself.
    pub crate_name: String,
    pub package: String,
    pub version: String,
    pub path: PathBuf,
    /// When it was compiled, if it is the user's own.
    pub compiled: u64,
    /// Whether it is code of the compiler.
    pub is_macro: bool,
}

/// A library that the worker loads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The crate's name.
    pub name: String,
    pub library: PathBuf,
    /// What is in it: crates of the user's own, or none of them.
    pub contents: Vec<Content>,
    /// The names of those that it stands upon.
    pub below: Vec<String>,
    /// Whether it has symbols of C.
    pub has_native: bool,
}

/// A compiled crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Content {
    pub name: String,
    pub version: String,
    /// Its file has the hash of all that it was compiled from and with in its name, but for the user's own source.
    pub file: String,
    /// When it was compiled, if it is the user's own.
    pub compiled: u64,
}

impl Content {
    /// What it calls itself: its file is `libname-hash.rlib`.
    pub fn crate_name(&self) -> &str {
        let name = self.file.split('.').next().unwrap_or_default();
        name.rsplit_once('-').map_or(name, |(name, _)| name).strip_prefix("lib").unwrap_or(name)
    }
}

impl Extern {
    /// Whether it is this file of the session library's.
    pub fn is_ours(&self, ours: Option<&Path>) -> bool {
        ours.is_some_and(|ours| ours.file_name() == self.path.file_name())
    }
}

impl Set {
    /// Whether all of its files are there and its sources are as they were.
    pub fn is_whole(&self) -> bool {
        let files = self.externs.iter().map(|found| &found.path).chain(self.layers.iter().map(|layer| &layer.library));
        files.chain([&self.lock]).all(|file| file.is_file()) && !self.is_stale()
    }

    /// Whether a source of the user's own has changed since it was built.
    pub fn is_stale(&self) -> bool {
        self.sources.iter().any(|(file, time)| modified(file) != *time)
    }

    /// What of an older set, upon the same session library, is something else in this one; `None`: nothing.
    pub fn replaced(&self, old: &Self, session: &SessionLibrary) -> Option<Replaced> {
        let is_left = |layer: &&Layer| !self.layers.iter().any(|kept| kept.name == layer.name);
        let left = old.layers.iter().filter(is_left).flat_map(|layer| &layer.contents);
        let gone = old
            .contents
            .difference(&self.contents)
            .chain(left)
            .filter(|content| !session.has(&content.name, &content.version));
        let gone: BTreeSet<&str> = gone.map(|content| content.file.as_str()).collect();
        let same = |old: &Extern, new: &Extern| {
            (&old.name, old.path.file_name(), old.compiled) == (&new.name, new.path.file_name(), new.compiled)
        };
        let is_replaced = |found: &&Extern| {
            found.path.file_name().is_some_and(|file| gone.contains(&*file.to_string_lossy()))
                || !self.externs.iter().any(|new| same(found, new))
        };
        let externs: Vec<&Extern> = old.externs.iter().filter(is_replaced).collect();
        let names: BTreeSet<String> = externs.iter().map(|found| found.name.clone()).collect();
        (!names.is_empty()).then(|| Replaced { reason: self.difference(old, &externs), names })
    }

    /// How they differ, as the end of a sentence; `first` is what cells name.
    fn difference(&self, old: &Self, first: &[&Extern]) -> String {
        let tell = |words: &mut Vec<String>, name: &str, version: (&str, &str), same_file: bool| {
            let word = if version.0 != version.1 {
                format!("`{name}` is {} now instead of {}", version.1, version.0)
            } else if same_file {
                format!("`{name}` was changed")
            } else {
                format!("`{name}` is needed with other features")
            };
            if !words.contains(&word) {
                words.push(word);
            }
        };
        let mut words = Vec::new();
        for old in first {
            let Some(new) = self.externs.iter().find(|new| new.name == old.name) else { continue };
            let same_file = old.path.file_name() == new.path.file_name();
            if !same_file || old.compiled != new.compiled {
                tell(&mut words, &old.package, (&old.version, &new.version), same_file);
            }
        }
        if words.is_empty() {
            for old in old.contents.difference(&self.contents) {
                if let Some(new) = self.contents.iter().find(|new| new.name == old.name) {
                    tell(&mut words, &old.name, (&old.version, &new.version), old.file == new.file);
                }
            }
        }
        if words.len() > 3 {
            let more = words.len() - 2;
            words.truncate(2);
            words.push(format!("{more} others"));
        }
        if words.is_empty() { "the dependencies are others now".to_owned() } else { words.join(", ") }
    }
}

/// What has become something else, though its name has stayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Crates as cells name them. Types of the older ones are others than those of the newer.
    pub names: BTreeSet<String>,
    /// Why: `x` was changed.
    pub reason: String,
}

impl Layer {
    /// Whether it has crates of the user's own. Their files are written anew when their source changes, and then nothing
    /// can be linked to what was linked to the older ones.
    pub(super) fn is_own(&self) -> bool {
        self.contents.iter().any(|content| content.compiled != 0)
    }

    /// Whether further layers can stand upon it where these crates are wanted and these layers stay.
    ///
    /// One with crates that are not wanted any more can: two forms of a crate are two crates. Only symbols of C have the
    /// same names in both.
    pub(super) fn stays(&self, wanted: &BTreeSet<Content>, kept: &[Self]) -> bool {
        let stands = self.below.iter().all(|name| kept.iter().any(|layer| layer.name == *name));
        stands && (!self.is_own() && !self.has_native || self.contents.iter().all(|content| wanted.contains(content)))
    }
}

/// What tells a set from all others: what is asked for, and upon what it is loaded.
pub(super) fn key(wanted: &Wanted<'_>) -> String {
    let mut hasher = Fnv::default();
    hasher
        .write(wanted.session.target.as_os_str().as_encoded_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or(b""));
    hasher.write(to_text(wanted.requirements).as_bytes());
    for layer in wanted.base.iter().flat_map(|base| &base.layers) {
        hasher.write(layer.name.as_bytes());
    }
    format!("{:016x}", hasher.finish())
}

/// When a file was written, in nanoseconds; 0 where there is none.
pub(super) fn modified(file: &Path) -> u64 {
    let time = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
