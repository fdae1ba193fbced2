//! Paths in place of names, whatever form these have. Which paths, others say.

use std::collections::BTreeSet;

use crate::items::LiveImport;
use crate::parse::{NameForm, Names};
use crate::source_map::Edits;

/// A stretch of a cell's statements on one line, with the paths of imports in place of their names; and what these are.
pub(crate) fn spelled_out(
    names: &Names,
    imports: &[LiveImport],
    text: &str,
    range: std::ops::Range<usize>,
) -> (Vec<(String, String)>, String) {
    let import = |name: &str| imports.iter().rev().find(|live| live.import.name.as_deref() == Some(name));
    let mut edits = Edits::default();
    rewrite(names, &|name| import(name).map(|live| format!("::{}", live.path)), &mut edits);
    let inside = |found: &&crate::parse::NameUse| matches!(&found.form, NameForm::Path(place) if range.start <= place.start && place.end <= range.end);
    let paths = names
        .uses
        .iter()
        .filter(inside)
        .filter_map(|found| Some((found.name.clone(), import(&found.name)?.path.clone())));
    (paths.collect(), edits.apply(text, range.clone()).replace('\n', " "))
}

/// Writes paths in place of names.
pub(super) fn rewrite(names: &Names, path_for: &dyn Fn(&str) -> Option<String>, edits: &mut Edits) {
    let mut done = BTreeSet::new();
    for found in &names.uses {
        let Some(path) = path_for(&found.name) else { continue };
        // Where the path ends with the name, that stays as it is.
        let before = path.strip_suffix(&found.name).filter(|before| before.ends_with("::"));
        match &found.form {
            NameForm::Path(range) => match before {
                Some(before) => edits.instrument(range.start, format!(" {before}")),
                None => edits.rename(range.clone(), format!(" {path}")),
            },
            NameForm::FromRoot(range) => edits.rename(range.clone(), format!(" {path}")),
            NameForm::Shorthand(at) => edits.rename(*at..at + found.name.len(), format!("{}: {path}", found.name)),
            NameForm::Captured { end, comma: true } => edits.insert(*end, format!(", {} = {path}", found.name)),
            NameForm::Captured { end, comma: false } => edits.insert(*end, format!(" {} = {path},", found.name)),
            NameForm::Use(of) => {
                if !done.insert(of.range.start) {
                    continue;
                }
                let leaf = |leaf: &crate::parse::UseLeaf| {
                    let path = leaf.name.as_deref().and_then(path_for);
                    let text = path.zip(leaf.name.as_deref()).map_or_else(
                        || leaf.text.clone(),
                        |(path, name)| {
                            let is_renamed = leaf.rest.is_empty() && !path.ends_with(&format!("::{name}"));
                            let binds = if is_renamed { format!(" as {name}") } else { leaf.rest.clone() };
                            format!("{path}{binds}")
                        },
                    );
                    format!("{}use {text};", of.visibility)
                };
                let leaves: Vec<String> = of.leaves.iter().map(leaf).collect();
                edits.rename(of.range.clone(), leaves.join(" "));
            }
        }
    }
}
