//! Items: what they define, what they mention, and what has to change in their text for later cells to use them.

mod statics;

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::instrument::Instruments;
use super::mention::{self, plain};
use super::names::{self, Names};
use crate::source_map::Edits;

use statics::{Statics, thread_locals};

/// An item at the top level of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: ItemKind,
    /// Where it stands in the cell's text, attributes included.
    pub(crate) range: Range<usize>,
    /// Its name, if it has one: a newer item of the same name and [`Space`] takes its place.
    pub(crate) name: Option<(Space, String)>,
    /// Its tokens as text, by which two definitions are compared.
    pub(crate) tokens: String,
    pub(crate) mentions: BTreeSet<String>,
    /// What makes it `pub`, and a pasted `main` ordinary.
    pub(crate) edits: Edits,
    /// What instruments it.
    pub(crate) instruments: Instruments,
    /// The names in it that are looked up where it stands.
    pub(crate) names: Names,
    /// The statics in it, at any depth.
    pub(crate) statics: Vec<Static>,
    /// It is an async function.
    pub(crate) is_async: bool,
    /// It is a function that would run by itself in a program.
    pub(crate) is_entry: bool,
    /// What a function returns, where that is an `impl Trait`, and whether it has generic parameters.
    pub(crate) opaque: Option<(String, bool)>,
    /// It is a macro that stands for items.
    pub(crate) makes_items: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// `macro_rules!`: comes before all other items, so that it is known in them.
    Macro,
    /// `impl Trait for Type` (`Some`) or `impl Type`: the header as text, and what is in it.
    Impl {
        of_trait: Option<String>,
        self_type: String,
        defines_types: bool,
        members: Vec<Member>,
    },
    /// Items whose layout or meaning other items' layouts can depend on.
    Layout,
    Other,
}

/// Names in different spaces do not clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    Type,
    Value,
    Macro,
}

/// A named thing in an `impl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) range: Range<usize>,
}

/// A `static`, or one of a `thread_local!`: one thing for the whole session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Static {
    pub(crate) name: String,
    /// The whole declaration, attributes included (for a thread-local: the whole macro call).
    pub(crate) range: Range<usize>,
    /// Where an attribute can be put: before its visibility.
    pub(crate) head: usize,
    pub(crate) type_text: String,
    pub(crate) mutable: bool,
    pub(crate) thread_local: bool,
}

/// A leaf of a `use` declaration, or an `extern crate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// What it binds; `None` for a glob and for `as _`.
    pub(crate) name: Option<String>,
    /// A declaration of its own: `use a::b::C as D;`.
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
}

impl Import {
    /// Whether it is an `extern crate`, which stands at the root of a crate only, and names nothing that a variable could.
    pub(crate) fn is_crate(&self) -> bool {
        !self.text.starts_with("use ")
    }
}

/// The leaves of a `use` declaration.
pub(super) fn imports(declaration: &syn::ItemUse, into: &mut Vec<Import>) {
    let range = declaration.span().byte_range();
    let leading = if declaration.leading_colon.is_some() { "::" } else { "" };
    leaves(&declaration.tree, leading.to_owned(), &mut |name, path| {
        into.push(Import { name, text: format!("use {path};"), range: range.clone() });
    });
}

fn leaves(tree: &syn::UseTree, path: String, found: &mut dyn FnMut(Option<String>, String)) {
    match tree {
        syn::UseTree::Path(inner) => leaves(&inner.tree, format!("{path}{}::", inner.ident), found),
        syn::UseTree::Name(name) if name.ident == "self" => {
            let path = path.trim_end_matches("::");
            let last = path.rsplit("::").next().map(plain);
            found(last, format!("{path}::{{self}}"));
        }
        syn::UseTree::Name(name) => found(Some(plain(&name.ident.to_string())), format!("{path}{}", name.ident)),
        syn::UseTree::Rename(rename) => {
            let name = (rename.rename != "_").then(|| plain(&rename.rename.to_string()));
            if rename.ident == "self" {
                let path = path.trim_end_matches("::");
                found(name, format!("{path}::{{self as {}}}", rename.rename));
            } else {
                found(name, format!("{path}{} as {}", rename.ident, rename.rename));
            }
        }
        syn::UseTree::Glob(_) => found(None, format!("{path}*")),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, path.clone(), found);
            }
        }
    }
}

/// Whether a macro call at the top level stands for items: std's and well-known ones, and the notebook's own.
pub(super) fn defines_items(call: &syn::Macro, item_macros: &BTreeSet<String>) -> bool {
    let Some(last) = call.path.segments.last().map(|last| last.ident.to_string()) else { return false };
    ["thread_local", "lazy_static", "task_local", "bitflags"].contains(&last.as_str()) || item_macros.contains(&last)
}

/// The name of a `macro_rules!` that stands for items.
pub(super) fn item_macro(statement: &syn::Stmt) -> Option<String> {
    let syn::Stmt::Item(syn::Item::Macro(definition)) = statement else { return None };
    let name = definition.ident.as_ref()?;
    makes_items(&definition.mac.tokens).then(|| plain(&name.to_string()))
}

/// Whether what a `macro_rules!` writes begins as an item does, in any of its rules.
fn makes_items(rules: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = rules.clone().into_iter().collect();
    tokens.windows(3).any(|window| match window {
        [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Group(body)] => {
            first.as_char() == '=' && second.as_char() == '>' && begins_item(body.stream())
        }
        _ => false,
    })
}

fn begins_item(body: TokenStream) -> bool {
    let mut tokens = body.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            // An attribute, `$(…)*` before the item or around items, or `$vis`.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next();
            }
            TokenTree::Punct(punct) if punct.as_char() == '$' => {
                if let Some(TokenTree::Group(group)) = tokens.next()
                    && begins_item(group.stream())
                {
                    return true;
                }
            }
            TokenTree::Punct(punct) if matches!(punct.as_char(), '*' | '+' | '?') => {}
            TokenTree::Ident(word) => {
                let words = ["pub", "struct", "enum", "union", "fn", "impl", "trait", "mod", "type", "macro_rules"];
                return words.iter().any(|item| word == item);
            }
            _ => return false,
        }
    }
    false
}

/// Describes an item.
pub(super) fn take(item: &syn::Item) -> Item {
    let tokens = item.to_token_stream();
    let mut mentions = BTreeSet::new();
    mention::identifiers(tokens.clone(), &mut mentions);
    let mut taken = Item {
        kind: kind(item),
        range: item.span().byte_range(),
        name: name(item),
        tokens: tokens.to_string(),
        mentions,
        edits: Edits::default(),
        instruments: Instruments::of_item(item),
        names: names::of_item(item),
        statics: Vec::new(),
        is_async: matches!(item, syn::Item::Fn(function) if function.sig.asyncness.is_some()),
        is_entry: matches!(item, syn::Item::Fn(function) if super::entry::entry(function).is_some()),
        opaque: opaque(item),
        makes_items: matches!(item, syn::Item::Macro(call) if call.ident.is_some() && makes_items(&call.mac.tokens)),
    };
    publish(item, &mut taken.edits);
    super::entry::make_ordinary(item, &mut taken.edits);
    Statics(&mut taken.statics).visit_item(item);
    // A thread-local is declared by a macro, whose tokens only we look into; its `pub` comes from here as well.
    if let syn::Item::Macro(call) = item
        && call.mac.path.segments.last().is_some_and(|last| last.ident == "thread_local")
    {
        thread_locals(call, &mut taken);
    }
    taken
}

fn opaque(item: &syn::Item) -> Option<(String, bool)> {
    let syn::Item::Fn(syn::ItemFn { sig, .. }) = item else { return None };
    let syn::ReturnType::Type(_, returned) = &sig.output else { return None };
    let is_generic = !sig.generics.params.is_empty();
    matches!(**returned, syn::Type::ImplTrait(_)).then(|| (returned.to_token_stream().to_string(), is_generic))
}

fn kind(item: &syn::Item) -> ItemKind {
    match item {
        syn::Item::Macro(call) if call.ident.is_some() => ItemKind::Macro,
        syn::Item::Impl(block) => {
            let members = block.items.iter().filter_map(member).collect();
            let defines = |item: &syn::ImplItem| matches!(item, syn::ImplItem::Type(_) | syn::ImplItem::Const(_));
            ItemKind::Impl {
                of_trait: block.trait_.as_ref().map(|(of_trait, _)| of_trait.to_token_stream().to_string()),
                self_type: block.self_ty.to_token_stream().to_string(),
                defines_types: block.items.iter().any(defines),
                members,
            }
        }
        syn::Item::Fn(function) if function.sig.constness.is_none() => ItemKind::Other,
        syn::Item::Use(_) | syn::Item::ExternCrate(_) => ItemKind::Other,
        _ => ItemKind::Layout,
    }
}

fn member(item: &syn::ImplItem) -> Option<Member> {
    let name = match item {
        syn::ImplItem::Fn(function) => &function.sig.ident,
        syn::ImplItem::Const(constant) => &constant.ident,
        syn::ImplItem::Type(alias) => &alias.ident,
        _ => return None,
    };
    Some(Member { name: name.to_string(), range: item.span().byte_range() })
}

pub(super) fn name(item: &syn::Item) -> Option<(Space, String)> {
    let (space, name) = match item {
        syn::Item::Const(item) if item.ident == "_" => return None,
        syn::Item::Const(item) => (Space::Value, &item.ident),
        syn::Item::Static(item) => (Space::Value, &item.ident),
        syn::Item::Fn(item) => (Space::Value, &item.sig.ident),
        syn::Item::Struct(item) => (Space::Type, &item.ident),
        syn::Item::Enum(item) => (Space::Type, &item.ident),
        syn::Item::Union(item) => (Space::Type, &item.ident),
        syn::Item::Trait(item) => (Space::Type, &item.ident),
        syn::Item::TraitAlias(item) => (Space::Type, &item.ident),
        syn::Item::Type(item) => (Space::Type, &item.ident),
        syn::Item::Mod(item) => (Space::Type, &item.ident),
        syn::Item::Macro(item) => (Space::Macro, item.ident.as_ref()?),
        _ => return None,
    };
    Some((space, plain(&name.to_string())))
}

/// Where an item's own tokens begin, behind its attributes and doc comments.
fn behind_attributes(tokens: TokenStream) -> Option<usize> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next();
            }
            other => return Some(other.span().byte_range().start),
        }
    }
    None
}

/// Makes a private thing `pub`, and what is `pub` for a part of a crate `pub` for all: cells are crates of their
/// own, but are written as if they were the items' own root module.
fn publish_one(visibility: &syn::Visibility, tokens: TokenStream, edits: &mut Edits) {
    match visibility {
        syn::Visibility::Public(_) => {}
        syn::Visibility::Restricted(restricted) => edits.replace(restricted.span().byte_range(), "pub"),
        syn::Visibility::Inherited => {
            if let Some(start) = behind_attributes(tokens) {
                edits.insert(start, "pub ");
            }
        }
    }
}

fn publish(item: &syn::Item, edits: &mut Edits) {
    macro_rules! one {
        ($item:expr) => {
            publish_one(&$item.vis, $item.to_token_stream(), edits)
        };
    }
    match item {
        syn::Item::Const(item) if item.ident != "_" => one!(item),
        syn::Item::Static(item) => one!(item),
        syn::Item::Fn(item) => one!(item),
        syn::Item::Type(item) => one!(item),
        syn::Item::Trait(item) => one!(item),
        syn::Item::TraitAlias(item) => one!(item),
        syn::Item::Enum(item) => one!(item),
        syn::Item::Struct(item) => {
            one!(item);
            for field in &item.fields {
                one!(field);
            }
        }
        syn::Item::Union(item) => {
            one!(item);
            for field in &item.fields.named {
                one!(field);
            }
        }
        syn::Item::Mod(item) => {
            one!(item);
            InModules(edits).visit_item_mod(item);
        }
        syn::Item::Impl(block) if block.trait_.is_none() => {
            for item in &block.items {
                match item {
                    syn::ImplItem::Fn(item) => one!(item),
                    syn::ImplItem::Const(item) => one!(item),
                    syn::ImplItem::Type(item) => one!(item),
                    _ => {}
                }
            }
        }
        syn::Item::ForeignMod(block) => {
            for item in &block.items {
                match item {
                    syn::ForeignItem::Fn(item) => one!(item),
                    syn::ForeignItem::Static(item) => one!(item),
                    syn::ForeignItem::Type(item) => one!(item),
                    _ => {}
                }
            }
        }
        syn::Item::Macro(call) if call.ident.is_some() => {
            let exported = call.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
            if !exported && let Some(start) = behind_attributes(call.to_token_stream()) {
                edits.insert(start, "#[macro_export] ");
            }
        }
        _ => {}
    }
}

/// Modules keep their own privacy; only what they show to the rest of the crate is shown to cells as well.
struct InModules<'a>(&'a mut Edits);

impl<'ast> Visit<'ast> for InModules<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if let Some((_, items)) = &module.content {
            for item in items {
                self.visit_item(item);
            }
        }
    }

    fn visit_vis_restricted(&mut self, restricted: &'ast syn::VisRestricted) {
        if !restricted.path.is_ident("self") {
            self.0.replace(restricted.span().byte_range(), "pub");
        }
    }

    fn visit_block(&mut self, _: &'ast syn::Block) {}
}
