//! What a compile read besides what it was given: environment variables (`env!`) and files (`include_str!`), as rustc's
//! dep-info tells them, and whether they are as they were.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::sha256;

/// Environment variables with their values, and files with hashes of their contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    variables: BTreeMap<String, Option<String>>,
    files: BTreeMap<PathBuf, Option<String>>,
}

impl Inputs {
    /// From rustc's dep-info of a compile in `folder` that began at `since`; `is_given`: whether it was given this file, which
    /// then is no input. `None` if a file cannot be compared later: what is no ordinary one, or was written since then, may
    /// have been another thing when rustc read it.
    pub fn from_dep_info(
        text: &str,
        folder: &Path,
        since: SystemTime,
        is_given: &dyn Fn(&Path) -> bool,
    ) -> Option<Self> {
        let mut inputs = Self::default();
        for line in text.lines() {
            if let Some(variable) = line.strip_prefix("# env-dep:") {
                let (name, value) = match variable.split_once('=') {
                    Some((name, value)) => (name, Some(unescaped(value))),
                    None => (variable, None),
                };
                inputs.variables.insert(unescaped(name), value);
            } else if let Some(file) = line.strip_suffix(':').filter(|line| !line.starts_with('#')) {
                // Each file stands alone too, as a target without a rule.
                let file = PathBuf::from(file.replace("\\ ", " "));
                if !is_given(&file) {
                    let path = folder.join(file);
                    if std::fs::metadata(&path).is_ok_and(|metadata| !is_comparable(&metadata, since)) {
                        return None;
                    }
                    let hash = hash(&path);
                    inputs.files.insert(path, hash);
                }
            }
        }
        Some(inputs)
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Whether all would be read as they were. `env`: what is in the environment.
    pub(super) fn are_as_they_were(&self, env: &dyn Fn(&str) -> Option<String>) -> bool {
        self.variables.iter().all(|(name, value)| env(name) == *value)
            && self.files.iter().all(|(path, was)| hash(path) == *was)
    }
}

fn is_comparable(file: &Metadata, since: SystemTime) -> bool {
    file.is_file() && file.modified().is_ok_and(|modified| modified < since)
}

/// `None` where there is no such file. A pipe would be waited for, so it is not looked into.
fn hash(path: &Path) -> Option<String> {
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return None;
    }
    Some(sha256(&std::fs::read(path).ok()?))
}

/// As rustc escapes it there.
fn unescaped(text: &str) -> String {
    let (mut out, mut characters) = (String::with_capacity(text.len()), text.chars());
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some(next @ ('\\' | 'n' | 'r'))) => {
                characters.next();
                out.push(if next == 'n' {
                    '\n'
                } else if next == 'r' {
                    '\r'
                } else {
                    '\\'
                });
            }
            _ => out.push(character),
        }
    }
    out
}
