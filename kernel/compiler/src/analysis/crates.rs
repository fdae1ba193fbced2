//! Names of crates that can be added, without the network: what cargo has on this machine, and what most notebooks want.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Crates that are asked for most, for machines that have none yet.
const COMMON: &[&str] = &[
    "anyhow",
    "async-trait",
    "axum",
    "base64",
    "bytes",
    "chrono",
    "clap",
    "crossbeam",
    "csv",
    "dashmap",
    "futures",
    "hyper",
    "image",
    "indexmap",
    "itertools",
    "nalgebra",
    "ndarray",
    "num",
    "parking_lot",
    "plotters",
    "polars",
    "prost",
    "quote",
    "rand",
    "rayon",
    "regex",
    "reqwest",
    "rusqlite",
    "serde",
    "serde_json",
    "serde_yaml",
    "sqlx",
    "syn",
    "tempfile",
    "thiserror",
    "time",
    "tokio-stream",
    "tokio-tungstenite",
    "tokio-util",
    "toml",
    "tonic",
    "tower",
    "tower-http",
    "tracing",
    "tracing-subscriber",
    "url",
    "uuid",
    "walkdir",
];

/// The names of crates that cargo knows on this machine, and some that everybody knows, sorted. Reads folders; blocks.
pub fn registry_crates() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = COMMON.iter().map(|name| (*name).to_owned()).collect();
    names.extend(archives().into_keys());
    names
}

/// The versions of a crate whose source is on this machine, the newest first. Reads folders; blocks.
pub fn registry_versions(name: &str) -> Vec<String> {
    let mut versions = archives().remove(name).unwrap_or_default();
    versions.sort_by_key(|version| std::cmp::Reverse(numbers(version)));
    versions
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// What cargo has downloaded: `name-1.2.3.crate`.
fn archives() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::<String, Vec<String>>::new();
    let Some(home) = build::cargo_home() else { return found };
    for registry in entries(&home.join("registry/cache")) {
        for archive in entries(&registry) {
            let name = archive.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((name, version)) = name.strip_suffix(".crate").and_then(split) else { continue };
            found.entry(name.to_owned()).or_default().push(version.to_owned());
        }
    }
    found
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// `tokio-util-0.7.1` is a name and a version: the version begins behind the first `-` before a digit and a dot.
fn split(name: &str) -> Option<(&str, &str)> {
    name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..])).find(|(_, version)| {
        let major = version.split('.').next().unwrap_or_default();
        version.contains('.') && !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_names_and_versions() {
        assert_eq!(split("tokio-util-0.7.1"), Some(("tokio-util", "0.7.1")));
        assert_eq!(split("md-5-0.10.6"), Some(("md-5", "0.10.6")));
        assert_eq!(split("wasi-0.11.1+wasi-snapshot-preview1"), Some(("wasi", "0.11.1+wasi-snapshot-preview1")));
        assert_eq!(split("x"), None);
        assert!(numbers("0.10.0") > numbers("0.9.12"));
    }
}
