//! The part of a notebook's items that some of them need: what a small crate can be made of.

use std::collections::BTreeSet;

use super::{Items, LiveItem};
use crate::parse::ItemKind;

impl Items {
    /// These with nothing but the items of such names, those of a cell, and all that they mention. `None` where that cannot be
    /// told, as a macro makes items.
    pub(crate) fn needed_for(&self, serial: u64, mut names: BTreeSet<String>) -> Option<Self> {
        if self.items.iter().any(|live| live.item.makes_items) {
            return None;
        }
        for live in &self.imports {
            names.extend(words(&live.import.text).map(str::to_owned));
        }
        let own: BTreeSet<&str> = self.items.iter().filter_map(name).collect();
        let mut is_needed = vec![false; self.items.len()];
        loop {
            let mut is_more = false;
            for (live, is_needed) in self.items.iter().zip(&mut is_needed) {
                if !*is_needed && (live.cell.serial == serial || needs(live, &own, &names)) {
                    names.extend(live.item.mentions.iter().cloned());
                    (*is_needed, is_more) = (true, true);
                }
            }
            if !is_more {
                break;
            }
        }
        let mut needed = self.clone();
        let mut is_needed = is_needed.into_iter();
        needed.items.retain(|_| is_needed.next().unwrap_or(true));
        Some(needed)
    }
}

fn name(live: &LiveItem) -> Option<&str> {
    live.item.name.as_ref().map(|(_, name)| name.as_str())
}

/// Whether an item belongs to those of these names; an `impl` does with its type, and with its trait.
fn needs(live: &LiveItem, own: &BTreeSet<&str>, names: &BTreeSet<String>) -> bool {
    match &live.item.kind {
        ItemKind::Macro => true,
        ItemKind::Impl { of_trait, self_type, .. } => {
            let mut header = words(self_type).chain(of_trait.iter().flat_map(|of_trait| words(of_trait)));
            header.any(|word| own.contains(word) && names.contains(word))
        }
        _ => name(live).is_none_or(|name| names.contains(name)) || is_trait_with(live, names),
    }
}

/// Whether it is a trait with such a method, which rustc names where the method is missed.
fn is_trait_with(live: &LiveItem, names: &BTreeSet<String>) -> bool {
    let mut tokens = words(&live.item.tokens).skip_while(|word| matches!(*word, "pub" | "crate" | "unsafe"));
    let mut before = "";
    tokens.next() == Some("trait")
        && tokens.any(|word| {
            let is_method = before == "fn" && names.contains(word);
            before = word;
            is_method
        })
}

/// The identifiers of a text, and other words.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character != '_' && !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::CellText;
    use super::*;

    fn of(text: &str) -> Items {
        let parsed = crate::parse::parse(text, &BTreeSet::new()).unwrap();
        let cell = CellText { serial: 1, label: "cell 1".to_owned(), text: text.to_owned(), cell_id: None };
        let mut items = Items::default();
        items.merge(&Arc::new(cell), &parsed, false);
        items
    }

    #[test]
    fn what_is_mentioned_is_needed_with_its_impls() {
        let items = of("struct A { b: B } struct B; struct C; trait Named { fn name(&self) -> String; } \
             impl Named for B { fn name(&self) -> String { plain() } } impl Named for C { fn name(&self) -> String { other() } } \
             impl std::fmt::Display for C { } fn plain() -> String { String::new() } fn other() -> String { String::new() }");
        let needed = |names: &[&str]| {
            let needed = items.needed_for(0, names.iter().map(|name| (*name).to_owned()).collect()).unwrap();
            let titles = needed.items.iter().map(|live| name(live).unwrap_or("impl").to_owned());
            titles.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(needed(&["C", "Display"]), "B C Named impl impl impl plain other");
        assert_eq!(needed(&["other"]), "other");
        // A trait comes with those that have it, which rustc lists.
        assert_eq!(needed(&["name"]), "B C Named impl impl impl plain other");
        assert_eq!(needed(&["Display"]), "");
    }
}
