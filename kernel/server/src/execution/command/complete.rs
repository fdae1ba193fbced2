//! Completions of commands and of their arguments, from the one list of commands.

use std::{path::Path, sync::Arc};

use compiler::{CommandAt, Knowledge};

use super::{
    row::{Offers, Row},
    table::{COMMANDS, row},
};
use crate::{
    analysis::{self, Analyzer, Completed, Offer},
    hint,
};

/// What completes the command that is being written at the cursor.
pub(crate) async fn complete(
    at: CommandAt,
    code: &str,
    cursor: usize,
    known: Arc<Knowledge>,
    analyzer: &Analyzer,
) -> Completed {
    let Some((start, argument)) = at.argument else {
        let matches = COMMANDS.iter().filter(|row| row.name.starts_with(&at.name));
        let matches = matches.filter(|row| if at.whole_cell { is_for_one_cell(row.name) } else { row.is_for_line() });
        let matches = matches.map(|Row { name, argument, words, .. }| {
            let signature = format!("{argument} {words}");
            Offer { text: (*name).to_owned(), kind: "magic".to_owned(), signature: signature.trim().to_owned() }
        });
        return Completed { range: at.start..cursor, matches: matches.collect() };
    };
    let mut words: Vec<String> = Vec::new();
    match row(&at.name, at.whole_cell).map_or(&Offers::Nothing, |row| &row.offers) {
        Offers::Nothing => {}
        Offers::Words(fixed) => words.extend(fixed.iter().map(|word| (*word).to_owned())),
        Offers::Hints => {
            words.extend(["off", "on"].map(str::to_owned));
            words.extend(hint::names().split(", ").map(|name| name.trim_matches('`').to_owned()));
        }
        Offers::Rust => {
            let alone = format!("{}{argument}", " ".repeat(start)) + &code[cursor..cursor];
            return analysis::complete(known, analyzer, alone, cursor).await;
        }
        Offers::Crates => return aside(cursor, move || dependencies(&argument)).await,
        Offers::Paths => return aside(cursor, move || paths(&argument)).await,
    }
    let word = argument.rsplit(char::is_whitespace).next().unwrap_or_default();
    let matches = words.into_iter().filter(|text| text.starts_with(word));
    let matches = matches.map(|text| offer(text, "magic")).collect();
    Completed { range: cursor - word.len()..cursor, matches }
}

/// What is found on a thread where that may take its time: how many bytes before the cursor it takes the place of, and it.
async fn aside(cursor: usize, find: impl FnOnce() -> (usize, Vec<Offer>) + Send + 'static) -> Completed {
    let (length, matches) = tokio::task::spawn_blocking(find).await.unwrap_or_default();
    Completed { range: cursor - length..cursor, matches }
}

/// Whether there is a `%%name`.
fn is_for_one_cell(name: &str) -> bool {
    row(name, true).is_some_and(Row::is_for_cell)
}

/// Names of crates, and the versions of one whose name is there. How many bytes before the cursor they take the place of.
fn dependencies(argument: &str) -> (usize, Vec<Offer>) {
    if let Some((name, version)) = argument.split_once('=') {
        let version = version.rsplit('"').next().unwrap_or_default().trim_start();
        let versions = compiler::registry_versions(name.trim());
        let versions = versions.into_iter().filter(|found| found.starts_with(version));
        return (version.len(), versions.map(|version| offer(version, "instance")).collect());
    }
    let word = argument.rsplit(char::is_whitespace).next().unwrap_or_default();
    if let Some((name, version)) = word.split_once('@') {
        let versions = compiler::registry_versions(name).into_iter().filter(|found| found.starts_with(version));
        return (version.len(), versions.map(|version| offer(version, "instance")).collect());
    }
    let crates = compiler::registry_crates().into_iter().filter(|name| name.starts_with(word));
    (word.len(), crates.map(|name| offer(name, "module")).collect())
}

/// Files and folders, from where the kernel was started.
fn paths(argument: &str) -> (usize, Vec<Offer>) {
    let (folder, name) = argument.rsplit_once('/').map_or(("", argument), |(folder, name)| (folder, name));
    let place = match (folder, argument.starts_with('/')) {
        ("", true) => Path::new("/"),
        ("", false) => Path::new("."),
        (folder, _) => Path::new(folder),
    };
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut matches: Vec<Offer> = entries
        .filter_map(|entry| {
            let found = entry.file_name().into_string().ok()?;
            let is_hidden = found.starts_with('.') && !name.starts_with('.');
            let slash = if entry.path().is_dir() { "/" } else { "" };
            (found.starts_with(name) && !is_hidden).then(|| offer(format!("{found}{slash}"), "path"))
        })
        .collect();
    matches.sort_by(|one, other| one.text.cmp(&other.text));
    (name.len(), matches)
}

fn offer(text: String, kind: &str) -> Offer {
    Offer { text, kind: kind.to_owned(), signature: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_commands_are_for_one_cell() {
        for name in ["opt", "timing", "timeline", "deps", "fmt", "clippy"] {
            assert!(is_for_one_cell(name), "{name}");
        }
        assert!(!is_for_one_cell("vars") && !is_for_one_cell("dep"));
    }

    #[test]
    fn crates_and_their_versions_are_offered() {
        let texts = |argument| dependencies(argument).1.into_iter().map(|offer| offer.text).collect::<Vec<_>>();
        assert!(texts("toki").contains(&"tokio-util".to_owned()));
        assert!(texts("rand tok").iter().all(|name| name.starts_with("tok")));
        // The kernel itself was built from it.
        let versions = texts("serde = \"1.");
        assert!(versions.iter().all(|version| version.starts_with("1.")), "{versions:?}");
        assert_eq!(dependencies("serde = { version = \"1.").0, 2);
    }

    #[test]
    fn files_are_offered() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cells.rs"), "").unwrap();
        std::fs::create_dir(folder.path().join("cellar")).unwrap();
        let (length, matches) = paths(&format!("{}/cel", folder.path().display()));
        let texts: Vec<_> = matches.into_iter().map(|offer| offer.text).collect();
        assert_eq!((length, texts), (3, vec!["cellar/".to_owned(), "cells.rs".to_owned()]));
    }
}
