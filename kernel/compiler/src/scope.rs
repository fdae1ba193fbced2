//! Scopes, by which the names in an item mean something: the imports that held when it was defined, whatever has been
//! imported since.
//!
//! All items share one root module, in which a name means one thing. So where items mean different things by one name, the
//! newest import has the name, and the others are written with the full path in its place. Which names these are
//! is decided anew for each compile, from what is live alone.

mod rewrite;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::items::{Items, LiveImport, LiveItem};
use crate::parse::{Import, Names, Space, names_of_type};
use crate::source_map::Edits;
use rewrite::rewrite;
pub(crate) use rewrite::spelled_out;

/// The imports that held when a cell was run, by which its names are understood.
pub(crate) type Scope = Arc<Vec<LiveImport>>;

/// The crate of the notebook's own items, as paths begin that are to hold in cells and among items.
const OWN: &str = "notebook";

/// Names that are there without an import, and can be had by a path as well.
const PRELUDE: [&str; 58] = [
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
    "align_of",
    "align_of_val",
    "drop",
    "size_of",
    "size_of_val",
    "assert",
    "assert_eq",
    "format",
    "matches",
    "panic",
    "todo",
    "vec",
    "write",
];

/// The macros among them are at the root of std.
fn prelude_path(name: &str) -> Option<String> {
    let index = PRELUDE.iter().position(|known| *known == name)?;
    let is_macro = index >= PRELUDE.len() - 8;
    Some(if is_macro { format!("std::{name}") } else { format!("std::prelude::rust_2024::{name}") })
}

/// What an import binds, as a path: without `use`, `as` and the like.
fn path_of(text: &str) -> &str {
    let text = text.split_once("extern crate ").map_or(text, |(_, named)| named);
    let text = text.trim_start_matches("use ").trim_end_matches(';');
    let text = text.split(" as ").next().unwrap_or(text).split('{').next().unwrap_or(text);
    text.trim().trim_end_matches('*').trim_end_matches("::")
}

fn is_glob(text: &str) -> bool {
    text.ends_with("::*;")
}

/// An import with its path as it is from anywhere: beginning with a crate.
///
/// `own` are the imports beside it, `around` those of earlier cells. What it begins with may be one of them.
pub(crate) fn resolved(
    import: &Import,
    own: &[Import],
    around: &[LiveImport],
    is_item: &dyn Fn(&str) -> bool,
) -> (Import, String) {
    let mut text = import.text.clone();
    // A circle has an end as well.
    for _ in 0..16 {
        let path = path_of(&text);
        let first = path.split("::").next().unwrap_or_default().to_owned();
        if !text.starts_with("use ") || first.is_empty() || first == "super" {
            break;
        }
        if first == "crate" || first == "self" {
            text = text.replacen(&first, OWN, 1);
            break;
        }
        let beside = own.iter().filter(|other| other.range != import.range || other.text != import.text);
        let beside = beside.map(|other| (other.name.as_deref(), path_of(&other.text).to_owned()));
        let earlier = around.iter().map(|live| (live.import.name.as_deref(), live.path.clone()));
        let found = beside.chain(earlier).find(|(name, _)| *name == Some(first.as_str()));
        match found {
            // A crate's own name says nothing new.
            Some((_, path)) if path != first && !path.is_empty() => text = text.replacen(&first, &path, 1),
            _ => break,
        }
    }
    let mut path = path_of(&text).to_owned();
    if let Some(absolute) = path.strip_prefix("::") {
        path = absolute.to_owned();
    } else if path.split("::").next().is_some_and(is_item) {
        path = format!("{OWN}::{path}");
    }
    (Import { text, ..import.clone() }, path)
}

impl LiveImport {
    pub(crate) fn is_glob(&self) -> bool {
        is_glob(&self.import.text)
    }

    /// Whether it is of one of these crates, or hands on what is.
    pub(crate) fn is_built_on(&self, crates: &BTreeSet<String>) -> bool {
        let is_part = |character: char| character == '_' || character.is_alphanumeric();
        let texts = [self.path.as_str(), self.import.text.as_str()];
        texts.into_iter().flat_map(|text| text.split(|part: char| !is_part(part))).any(|word| crates.contains(word))
    }
}

impl LiveItem {
    /// The path of a name that was there without an import of its own.
    fn outer_path(&self, name: &str) -> Option<String> {
        if !self.outer.contains(name) {
            return None;
        }
        // By the language's convention anything else may be a crate.
        let by_glob = || self.glob.as_ref().filter(|_| name.starts_with(char::is_uppercase));
        prelude_path(name).or_else(|| by_glob().map(|glob| format!("{glob}::{name}")))
    }

    /// The import that its name was when it was defined.
    pub(crate) fn import(&self, name: &str) -> Option<&LiveImport> {
        import_in(&self.scope, name)
    }

    /// The names of the notebook's items that it may depend on.
    pub(crate) fn depends_on(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let own = |path: &str| path.strip_prefix("notebook::").map(str::to_owned);
        let add = |names: &mut BTreeSet<String>, path: String| names.extend(path.split("::").map(str::to_owned));
        for name in &self.item.mentions {
            match self.import(name) {
                Some(import) => own(&import.path).into_iter().for_each(|path| add(&mut names, path)),
                None if self.outer_path(name).is_some() => {}
                None => {
                    names.insert(name.clone());
                }
            }
        }
        // A name that nothing else explains can come from a glob.
        let is_type = |name: &String| name.starts_with(char::is_uppercase) && prelude_path(name).is_none();
        if self.outer.iter().any(is_type) {
            let globs = self.scope.iter().filter(|live| live.is_glob());
            globs.filter_map(|live| own(&live.path)).for_each(|path| add(&mut names, path));
        }
        names
    }
}

fn import_in<'a>(scope: &'a Scope, name: &str) -> Option<&'a LiveImport> {
    scope.iter().rev().find(|live| live.import.name.as_deref() == Some(name))
}

/// What the words of a text mean as far as they are imported: two headers of `impl`s are one if these are the same as well.
pub(crate) fn meanings<'a>(text: &str, scope: &'a Scope) -> Vec<Option<&'a str>> {
    let words = text.split(|character: char| character != '_' && !character.is_alphanumeric());
    words.map(|word| import_in(scope, word).map(|live| live.path.as_str())).collect()
}

impl Items {
    /// All imports that something live may need: those for later cells, and behind them those that only items have.
    pub(crate) fn standing(&self) -> Vec<LiveImport> {
        let mut standing = self.imports.clone();
        let mut seen: BTreeSet<&str> = self.imports.iter().map(|live| live.import.text.as_str()).collect();
        for live in self.scoped_imports() {
            if !self.lost.contains(&live.import.text) && seen.insert(live.import.text.as_str()) {
                standing.push(live.clone());
            }
        }
        standing
    }

    /// What the cells to come have imported by a name.
    pub(crate) fn meaning(&self, name: &str) -> Option<String> {
        self.imports.iter().find(|live| live.import.name.as_deref() == Some(name)).map(|live| live.path.clone())
    }

    /// The imports that held for the items, some of them several times.
    pub(crate) fn scoped_imports(&self) -> impl Iterator<Item = &LiveImport> {
        let mut scopes: Vec<&Scope> = self.items.iter().map(|live| &live.scope).collect();
        scopes.dedup_by(|one, other| Arc::ptr_eq(one, other));
        scopes.into_iter().flat_map(|scope| scope.iter())
    }
}

/// The arrangement of names in the root of one compile: who has which.
#[derive(Debug)]
pub(crate) struct Arrangement<'a> {
    standing: Vec<LiveImport>,
    is_plain: Vec<bool>,
    /// Of the current ones.
    current: usize,
    /// The imports that have their names, and their paths.
    plain: BTreeMap<String, String>,
    /// Names of items.
    items: BTreeSet<&'a str>,
    /// What paths to the notebook's items begin with.
    root: &'a str,
    /// Imports that the cell with this number goes without.
    leave_out: Option<(&'a BTreeSet<String>, u64)>,
}

impl<'a> Arrangement<'a> {
    /// Arranges what is live. The cell of the number `serial` goes without the imports of `leave_out`.
    pub(crate) fn of(items: &'a Items, leave_out: Option<(&'a BTreeSet<String>, u64)>) -> Self {
        let standing = items.standing();
        let current = items.imports.len();
        let names = items.items.iter().filter_map(|live| live.item.name.as_ref());
        let names: BTreeSet<&str> =
            names.filter(|(space, _)| *space != Space::Macro).map(|(_, name)| name.as_str()).collect();
        // What an older item has from elsewhere, as by a glob, is not to become something else.
        let from_elsewhere = |name: &str| {
            let is_macro = |live: &&LiveItem| live.item.kind == crate::parse::ItemKind::Macro;
            let others = items.items.iter().filter(|live| !is_macro(live));
            prelude_path(name).is_none() && others.filter(|live| live.outer.contains(name)).count() > 0
        };
        let is_free = |live: &LiveImport| match live.import.name.as_deref() {
            Some(name) if live.path != name => {
                let is_items = items.items.iter().any(|item| {
                    item.cell.serial != live.cell.serial
                        && matches!(&item.item.name, Some((space, of)) if of == name && *space != Space::Macro)
                });
                !is_items && !from_elsewhere(name)
            }
            _ => true,
        };
        let left_out = |text: &String| leave_out.is_some_and(|(texts, _)| texts.contains(text));
        let is_plain: Vec<bool> = standing
            .iter()
            .enumerate()
            .map(|(index, live)| {
                let text = &live.import.text;
                let stands = index < current || is_glob(text);
                stands && !items.apart.contains(text) && !left_out(text) && is_free(live)
            })
            .collect();
        let plain = standing.iter().zip(&is_plain).filter(|(_, is_plain)| **is_plain);
        let plain = plain.filter_map(|(live, _)| Some((live.import.name.clone()?, live.path.clone()))).collect();
        Self { standing, is_plain, current, plain, items: names, root: "::notebook", leave_out }
    }

    /// For a program that is one crate.
    pub(crate) fn for_program(items: &'a Items) -> Self {
        Self { root: "crate", ..Self::of(items, None) }
    }

    /// The imports that hold in the root, by their numbers among those that stand.
    pub(crate) fn at_root(&self) -> impl Iterator<Item = (usize, &LiveImport)> {
        self.standing.iter().enumerate().filter(|(index, _)| self.is_plain[*index])
    }

    /// The imports that hold for the statements of a cell and not in the root around them.
    pub(crate) fn in_function(&self) -> impl Iterator<Item = (usize, &LiveImport)> {
        let left_out = |text: &String| self.leave_out.is_some_and(|(texts, _)| texts.contains(text));
        let current = self.standing.iter().enumerate().take(self.current);
        current.filter(move |(index, live)| !self.is_plain[*index] && !left_out(&live.import.text))
    }

    /// The path of an import as it is written in an item.
    fn written(&self, path: &str) -> String {
        match path.split_once("::") {
            Some((OWN, rest)) => format!("{}::{rest}", self.root),
            // The program has a module of that name.
            Some(("kissaten", rest)) if self.root == "crate" => format!("crate::kissaten::{rest}"),
            _ => format!("::{path}"),
        }
    }

    /// What has to stand in place of a name of an item, if the root means something else by it.
    fn path_for(&self, live: &LiveItem, name: &str) -> Option<String> {
        if let Some(path) = live.by_glob.get(name) {
            return Some(self.written(path));
        }
        if let Some(path) = self.path_in(&live.scope, name) {
            return path;
        }
        let is_taken = self.plain.contains_key(name) || self.items.contains(name);
        if !is_taken {
            return None;
        }
        live.outer_path(name).map(|path| self.written(&path))
    }

    /// The path of what is imported: the outer `None` if it is not.
    fn path_in(&self, scope: &Scope, name: &str) -> Option<Option<String>> {
        let import = import_in(scope, name)?;
        if self.plain.get(name) == Some(&import.path) {
            return Some(None);
        }
        Some(Some(self.written(&import.path)))
    }

    /// What makes an item's names mean what they meant.
    pub(crate) fn edits(&self, live: &LiveItem) -> Edits {
        let mut edits = Edits::default();
        rewrite(&live.item.names, &|name| self.path_for(live, name), &mut edits);
        let methods = self.methods(live);
        if !methods.is_empty() {
            for block in &live.item.names.blocks {
                edits.instrument(*block, format!(" {methods}"));
            }
            for value in &live.item.names.values {
                // Elsewhere no method can be called.
                if live.cell.text.get(value.clone()).is_some_and(|text| text.contains('|')) {
                    edits.instrument(value.start, format!("{{ {methods}"));
                    edits.instrument(value.end, " }");
                }
            }
        }
        edits
    }

    /// The edits for the statements of a cell in a program; `variables` are no names in it.
    pub(crate) fn statement_edits(&self, names: &Names, scope: &Scope, variables: &BTreeSet<&str>) -> Edits {
        let mut edits = Edits::default();
        let path = |name: &str| self.path_in(scope, name)?.filter(|_| !variables.contains(name));
        rewrite(names, &path, &mut edits);
        edits
    }

    /// A type of an item as it is written where it stands alone.
    pub(crate) fn type_text(&self, live: &LiveItem, text: &str) -> String {
        let mut edits = Edits::default();
        rewrite(&names_of_type(text), &|name| self.path_for(live, name), &mut edits);
        edits.apply(text, 0..text.len())
    }

    /// Traits whose methods an item has, and the root has not.
    fn methods(&self, live: &LiveItem) -> String {
        let mut out = String::new();
        for (import, _) in self.standing.iter().zip(&self.is_plain).filter(|(_, is_plain)| !**is_plain) {
            let text = &import.import.text;
            let is_own =
                self.leave_out.is_some_and(|(texts, serial)| serial == live.cell.serial && texts.contains(text));
            if is_own || !live.scope.iter().any(|other| other.import.text == *text) {
                continue;
            }
            let last = import.path.rsplit("::").next().unwrap_or_default();
            let path = self.written(&import.path);
            // What a glob brings would hide the names of parameters.
            if !is_glob(text) && last.starts_with(char::is_uppercase) {
                out.push_str(&format!("#[allow(unused_imports)] use {path} as _; "));
            }
        }
        out
    }

    /// Traits that an older cell's statements may have methods of, and the root has not.
    pub(crate) fn methods_of_statements(&self, names: &Names, scope: &Scope) -> Vec<String> {
        let is_gone = |live: &&LiveImport| match &live.import.name {
            Some(name) => {
                let is_trait =
                    name.starts_with(char::is_uppercase) && !names.uses.iter().any(|found| found.name == *name);
                is_trait && self.plain.get(name) != Some(&live.path)
            }
            None => false,
        };
        scope.iter().filter(is_gone).map(|live| format!("use {} as _;", self.written(&live.path))).collect()
    }
}

#[cfg(test)]
mod tests;
