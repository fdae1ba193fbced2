//! The live items of the notebook: what later cells can name, and what a newer definition takes the place of.
//!
//! It knows names, headers and texts. Whether the items compile together it does not know; where that fails, the
//! notebook takes single items out again.

mod needed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use build::AnswerKey;

use crate::parse::{Import, Item, ItemKind, Parsed, Space};
use crate::scope::{self, Scope};

pub(crate) use needed::words;

/// The text of one execution of a cell.
#[derive(Debug)]
pub(crate) struct CellText {
    /// Counted up over the kernel's life. Nothing that is compiled has it in it.
    pub(crate) serial: u64,
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) cell_id: Option<String>,
}

/// An item that later cells can name.
#[derive(Clone, Debug)]
pub(crate) struct LiveItem {
    pub(crate) cell: Arc<CellText>,
    pub(crate) item: Arc<Item>,
    /// Members of this `impl` that newer ones have taken the place of, by index.
    pub(crate) cut: BTreeSet<usize>,
    /// The imports that held when it was defined.
    pub(crate) scope: Scope,
    /// Its names that then were neither imported nor the notebook's own.
    pub(crate) outer: Arc<BTreeSet<String>>,
    /// The one glob that these can come from.
    pub(crate) glob: Option<String>,
    /// Of these, the ones that a glob brought, as was found out; and their paths.
    pub(crate) by_glob: BTreeMap<String, String>,
}

impl LiveItem {
    /// For messages: `fn area`, `impl Display for Point`.
    pub(crate) fn title(&self) -> String {
        match (&self.item.name, &self.item.kind) {
            (Some((_, name)), _) => format!("`{name}`"),
            (None, ItemKind::Impl { of_trait: Some(of_trait), self_type, .. }) => {
                format!("`impl {of_trait} for {self_type}`").replace(" ::", "::").replace(":: ", "::")
            }
            (None, ItemKind::Impl { self_type, .. }) => format!("`impl {self_type}`"),
            _ => "an item".to_owned(),
        }
    }
}

/// A `use` that holds for later cells.
#[derive(Clone, Debug)]
pub(crate) struct LiveImport {
    pub(crate) cell: Arc<CellText>,
    pub(crate) import: Import,
    /// What it is of, from a crate on: `std::sync::Mutex`.
    pub(crate) path: String,
}

/// Which static: the execution that defined it, and where in its text.
pub(crate) type StaticKey = (u64, usize, String);

/// Where a static lives: the library that first defined it, and its symbol there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The one to link to.
    pub(crate) library: PathBuf,
    pub(crate) symbol: String,
    /// Under what it was remembered, if it was.
    pub(crate) recalled: Option<AnswerKey>,
    /// Counted up from one to the next: an older library may have another static of the same symbol.
    pub(crate) age: u64,
}

/// All that is live; cheap to clone, so that a cell can be tried on a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    pub(crate) items: Vec<LiveItem>,
    /// The imports that hold for the cells to come.
    pub(crate) imports: Vec<LiveImport>,
    /// Imports that only the items may have in whose cells they held, as they disturb older ones; by their texts.
    pub(crate) apart: BTreeSet<String>,
    /// Imports of older items that do not hold any more, by their texts.
    pub(crate) lost: BTreeSet<String>,
    pub(crate) owners: BTreeMap<StaticKey, Owner>,
    /// Cells whose items did not compile with what instruments them, by serial.
    pub(crate) plain: BTreeSet<u64>,
}

/// What a cell's definitions changed.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// Names of types whose layout may now be another one.
    pub(crate) changed: BTreeSet<String>,
    /// Statics of earlier cells that start anew because their type changed.
    pub(crate) restarted: Vec<String>,
}

impl Items {
    /// Takes in the definitions of a cell. The newest wins: by name, by an `impl`'s header and its members' names,
    /// and, where the frontend says which cell it is, by being the same cell run again.
    ///
    /// With `keep_rest`, what the same cell defined before and now does not stays.
    pub(crate) fn merge(&mut self, cell: &Arc<CellText>, parsed: &Parsed, keep_rest: bool) -> Merged {
        let mut removed = Vec::new();
        if !keep_rest && cell.cell_id.is_some() {
            self.imports.retain(|live| live.cell.cell_id != cell.cell_id);
            self.remove_where(&mut removed, |live| live.cell.cell_id == cell.cell_id);
        }
        // An import and an item of one name: for the cells to come, the newer one.
        for name in parsed.items.iter().filter_map(|item| item.name.as_ref()) {
            self.imports.retain(|live| name.0 == Space::Macro || live.import.name.as_ref() != Some(&name.1));
        }
        self.import(cell, parsed);
        let scope: Scope = Arc::new(self.imports.clone());
        for new in &parsed.items {
            self.make_room_for(new, &scope, &mut removed);
        }
        let own: BTreeSet<&str> = self.names().chain(names_of(&parsed.items)).map(String::as_str).collect();
        let outer = |item: &Item| {
            let names = item.names.uses.iter().map(|found| found.name.as_str());
            let is_imported = |name: &str| scope.iter().any(|live| live.import.name.as_deref() == Some(name));
            let outer = names.filter(|name| !own.contains(name) && !is_imported(name));
            Arc::new(outer.map(str::to_owned).collect::<BTreeSet<String>>())
        };
        // What a macro call defines has no name here, so such a name could be of it as well.
        let is_call = |item: &Item| item.name.is_none() && item.kind == ItemKind::Layout;
        let mut globs = scope.iter().filter(|live| live.is_glob());
        let glob = match (globs.next(), globs.next()) {
            (Some(glob), None) if !self.has_macro_calls() && !parsed.items.iter().any(is_call) => {
                Some(glob.path.clone())
            }
            _ => None,
        };
        let new = parsed.items.iter().map(|item| LiveItem {
            cell: Arc::clone(cell),
            item: Arc::new(item.clone()),
            cut: BTreeSet::new(),
            scope: Arc::clone(&scope),
            outer: outer(item),
            glob: glob.clone(),
            by_glob: BTreeMap::new(),
        });
        let new: Vec<LiveItem> = new.collect();
        self.items.extend(new);
        self.drop_owners();

        let mut changed = changed_by(&removed, &parsed.items);
        self.close(&mut changed);
        let restarted = self.restart_statics(cell.serial, &changed, &BTreeSet::new());
        Merged { changed, restarted }
    }

    /// Takes in the imports of a cell. A glob, and what is bound to `_`, clashes with nothing; the same once more says
    /// nothing new.
    fn import(&mut self, cell: &Arc<CellText>, parsed: &Parsed) {
        let types: BTreeSet<String> = self.modules();
        let is_item = |name: &str| {
            let is_type = |item: &Item| matches!(&item.name, Some((Space::Type, of)) if of == name);
            types.contains(name) || parsed.items.iter().any(is_type)
        };
        let resolve = |import: &Import| scope::resolved(import, &parsed.imports, &self.imports, &is_item);
        let new: Vec<(Import, String)> = parsed.imports.iter().map(resolve).collect();
        for (import, path) in new {
            self.imports.retain(|live| match (&live.import.name, &import.name) {
                (Some(old), Some(new)) => old != new,
                _ => live.import.text != import.text,
            });
            self.lost.remove(&import.text);
            self.imports.push(LiveImport { cell: Arc::clone(cell), import, path });
        }
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.items.iter().filter_map(|live| live.item.name.as_ref()).map(|(_, name)| name)
    }

    /// What these names stand for, crates from outside of the notebook, has become something else.
    pub(crate) fn changed_outside(&mut self, names: &BTreeSet<String>) -> Merged {
        let mut changed = names.clone();
        // An import hands on what has changed, also one import to the next.
        loop {
            let before = changed.len();
            for live in &self.imports {
                let mut words = live.import.text.split(|part: char| part != '_' && !part.is_alphanumeric());
                if !words.any(|word| changed.contains(word)) {
                    continue;
                }
                match &live.import.name {
                    Some(name) => changed.extend([name.clone()]),
                    // Any name may come from a glob.
                    None => self.items.iter().for_each(|live| layout_names(&live.item, &mut changed)),
                }
            }
            // Items have what they mention by the imports that held for them.
            for live in &self.items {
                let mut handed_on = live.scope.iter().filter(|import| import.is_built_on(names));
                let is_mentioned = |name: &String| live.item.mentions.contains(name);
                if handed_on.any(|import| import.import.name.as_ref().is_none_or(is_mentioned))
                    || names.iter().any(is_mentioned)
                {
                    layout_names(&live.item, &mut changed);
                }
            }
            self.close(&mut changed);
            if changed.len() == before {
                break;
            }
        }
        // No cell is the one that changes it, and cells count from 1.
        let restarted = self.restart_statics(0, &changed, names);
        Merged { changed, restarted }
    }

    /// The names with which paths into the notebook can begin, besides those in capitals.
    pub(crate) fn modules(&self) -> BTreeSet<String> {
        let names = self.items.iter().filter_map(|live| live.item.name.as_ref());
        names.filter(|(space, _)| *space == Space::Type).map(|(_, name)| name.clone()).collect()
    }

    /// The notebook's own macros that stand for items.
    pub(crate) fn item_macros(&self) -> BTreeSet<String> {
        let makers = self.items.iter().filter(|live| live.item.makes_items);
        makers.filter_map(|live| live.item.name.as_ref()).map(|(_, name)| name.clone()).collect()
    }

    /// Whether there are items that only a macro's expansion shows.
    pub(crate) fn has_macro_calls(&self) -> bool {
        self.items.iter().any(|live| live.item.name.is_none() && live.item.kind == ItemKind::Layout)
    }

    /// Removes one item; the notebook found that it does not compile any more.
    pub(crate) fn remove(&mut self, index: usize) -> LiveItem {
        let removed = self.items.remove(index);
        self.drop_owners();
        removed
    }

    fn remove_where(&mut self, removed: &mut Vec<LiveItem>, is_gone: impl Fn(&LiveItem) -> bool) {
        let (gone, stay) = std::mem::take(&mut self.items).into_iter().partition(|live| is_gone(live));
        self.items = stay;
        removed.extend::<Vec<_>>(gone);
    }

    fn make_room_for(&mut self, new: &Item, scope: &Scope, removed: &mut Vec<LiveItem>) {
        let is_same =
            |text: &String, live: &LiveItem| scope::meanings(text, scope) == scope::meanings(text, &live.scope);
        match (&new.name, &new.kind) {
            (Some(name), _) => {
                self.remove_where(removed, |live| live.item.name.as_ref() == Some(name));
            }
            (None, ItemKind::Impl { of_trait: Some(of_trait), self_type, .. }) => {
                self.remove_where(removed, |live| {
                    matches!(&live.item.kind, ItemKind::Impl { of_trait: Some(other), self_type: of, .. }
                        if other == of_trait && of == self_type && is_same(other, live) && is_same(of, live))
                });
            }
            (None, ItemKind::Impl { of_trait: None, self_type, members, .. }) => {
                let mut emptied = BTreeSet::new();
                for (index, live) in self.items.iter_mut().enumerate() {
                    let ItemKind::Impl { of_trait: None, self_type: of, members: old, .. } = &live.item.kind else {
                        continue;
                    };
                    if of != self_type || scope::meanings(of, scope) != scope::meanings(of, &live.scope) {
                        continue;
                    }
                    for (number, member) in old.iter().enumerate() {
                        if members.iter().any(|new| new.name == member.name) {
                            live.cut.insert(number);
                        }
                    }
                    if live.cut.len() == old.len() {
                        emptied.insert(index);
                    }
                }
                for index in emptied.into_iter().rev() {
                    removed.push(self.items.remove(index));
                }
            }
            (None, _) => self.remove_where(removed, |live| live.item.name.is_none() && live.item.tokens == new.tokens),
        }
    }

    /// Adds what is built from what changed: a struct with a changed field type has another layout as well.
    fn close(&self, changed: &mut BTreeSet<String>) {
        if changed.is_empty() {
            return;
        }
        let depends_on: Vec<BTreeSet<String>> = self.items.iter().map(LiveItem::depends_on).collect();
        loop {
            let before = changed.len();
            for (live, depends_on) in self.items.iter().zip(&depends_on) {
                if !depends_on.is_disjoint(changed) {
                    layout_names(&live.item, changed);
                }
            }
            if changed.len() == before {
                return;
            }
        }
    }

    /// Statics of other cells whose types have changed begin anew. `outside`: crates that have become something else.
    fn restart_statics(&mut self, serial: u64, changed: &BTreeSet<String>, outside: &BTreeSet<String>) -> Vec<String> {
        let mut restarted = Vec::new();
        for live in self.items.iter().filter(|live| live.cell.serial != serial && !live.item.statics.is_empty()) {
            let depends_on = live.depends_on();
            for declared in &live.item.statics {
                let words =
                    declared.type_text.split(|character: char| character != '_' && !character.is_alphanumeric());
                let key = (live.cell.serial, declared.range.start, declared.name.clone());
                let is_outside = |word: &str| {
                    let named = live.scope.iter().filter(|import| import.import.name.as_deref() == Some(word));
                    outside.contains(word) || named.into_iter().any(|import| import.is_built_on(outside))
                };
                let is_changed = |word: &str| changed.contains(word) && depends_on.contains(word) || is_outside(word);
                if words.into_iter().any(is_changed) && self.owners.remove(&key).is_some() {
                    restarted.push(declared.name.clone());
                }
            }
        }
        restarted
    }

    /// Forgets where statics live that are not live any more.
    fn drop_owners(&mut self) {
        let live: BTreeSet<u64> = self.items.iter().map(|live| live.cell.serial).collect();
        self.owners.retain(|(serial, ..), _| live.contains(serial));
        self.plain.retain(|serial| live.contains(serial));
    }
}

/// The names that meant something else before: of removed items whose definition is not the same again, and of new
/// ones, which may have taken the place of something from outside the notebook.
fn changed_by(removed: &[LiveItem], new: &[Item]) -> BTreeSet<String> {
    let mut changed = BTreeSet::new();
    for old in removed {
        if !new.iter().any(|new| new.tokens == old.item.tokens) {
            layout_names(&old.item, &mut changed);
        }
    }
    for new in new {
        if !removed.iter().any(|old| old.item.tokens == new.tokens) {
            layout_names(new, &mut changed);
        }
    }
    changed
}

fn names_of(items: &[Item]) -> impl Iterator<Item = &String> {
    items.iter().filter_map(|item| item.name.as_ref()).map(|(_, name)| name)
}

/// The names under which others' layouts may depend on an item.
fn layout_names(item: &Item, into: &mut BTreeSet<String>) {
    match (&item.kind, &item.name) {
        (ItemKind::Layout | ItemKind::Macro, Some((_, name))) => {
            into.insert(name.clone());
        }
        // What a macro call defines cannot be seen: anything that it mentions and that looks like a type.
        (ItemKind::Layout, None) => {
            into.extend(item.mentions.iter().filter(|name| name.starts_with(char::is_uppercase)).cloned());
        }
        // An associated type or constant can be part of a layout; methods cannot.
        (ItemKind::Impl { defines_types: true, self_type, of_trait, .. }, _) => {
            for text in [Some(self_type), of_trait.as_ref()].into_iter().flatten() {
                let words = text.split(|character: char| character != '_' && !character.is_alphanumeric());
                into.extend(words.filter(|word| word.starts_with(char::is_uppercase)).map(str::to_owned));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(items: &mut Items, serial: u64, cell_id: Option<&str>, text: &str) -> Merged {
        let parsed = crate::parse::parse(text, &BTreeSet::new()).unwrap();
        let cell = CellText {
            serial,
            label: format!("cell {serial}"),
            text: text.to_owned(),
            cell_id: cell_id.map(str::to_owned),
        };
        items.merge(&Arc::new(cell), &parsed, false)
    }

    fn titles(items: &Items) -> Vec<String> {
        items.items.iter().map(|live| format!("{} of {}", live.title(), live.cell.label)).collect()
    }

    #[test]
    fn the_newest_definition_wins_and_others_stay() {
        let mut items = Items::default();
        run(&mut items, 1, None, "struct A; fn a() {} impl A { fn x() {} fn y() {} } impl Clone for A {}");
        run(&mut items, 2, None, "fn a() {} impl A { fn x() {} } impl Clone for A { fn clone(&self) -> A { A } }");
        assert_eq!(
            titles(&items),
            [
                "`A` of cell 1",
                "`impl A` of cell 1",
                "`a` of cell 2",
                "`impl A` of cell 2",
                "`impl Clone for A` of cell 2"
            ]
        );
        assert_eq!(items.items[1].cut, BTreeSet::from([0]));
    }

    #[test]
    fn the_same_cell_run_again_replaces_what_it_defined() {
        let mut items = Items::default();
        run(&mut items, 1, Some("c"), "fn a() {} fn b() {}");
        run(&mut items, 2, Some("c"), "fn a() {}");
        assert_eq!(titles(&items), ["`a` of cell 2"]);
    }

    #[test]
    fn a_change_reaches_all_that_is_built_from_it() {
        let mut items = Items::default();
        run(&mut items, 1, None, "struct A { b: B } struct B; struct C; const N: usize = 1; struct D([u8; N]);");
        assert!(run(&mut items, 2, None, "struct B;").changed.is_empty(), "the same definition again changes nothing");
        let names = |merged: Merged| merged.changed.into_iter().collect::<Vec<_>>();
        assert_eq!(names(run(&mut items, 3, None, "struct B(u8);")), ["A", "B"]);
        assert_eq!(names(run(&mut items, 4, None, "const N: usize = 2;")), ["D", "N"]);
        assert!(run(&mut items, 5, None, "fn f() {}").changed.is_empty());
    }

    #[test]
    fn imports_replace_each_other_by_what_they_bind() {
        let mut items = Items::default();
        run(&mut items, 1, None, "use std::fmt::{self, Display as Show}; use std::io::*;");
        run(&mut items, 2, None, "use core::fmt; use std::io::*;");
        let texts: Vec<_> = items.imports.iter().map(|live| live.import.text.as_str()).collect();
        assert_eq!(texts, ["use std::fmt::Display as Show;", "use core::fmt;", "use std::io::*;"]);
    }
}
