//! The names that live items define, with all that can be told of each: read off their texts once for each change.

use std::collections::BTreeMap;

use syn::spanned::Spanned;

use super::Kind;
use crate::items::{Items, LiveItem};

/// One name in the index: what it is, and what is said of it.
#[derive(Clone, Debug)]
pub(crate) struct IndexEntry {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// As it was declared.
    pub(super) signature: String,
    pub(super) docs: String,
    pub(super) source: String,
    /// The cell.
    pub(super) place: String,
    /// The type of what it stands for, of what a call of it returns, or that a variant is one of; as it was written.
    pub(super) type_text: Option<String>,
}

/// All names, by where they stand.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By path: those of the notebook itself under the empty one.
    pub(super) modules: BTreeMap<String, Vec<IndexEntry>>,
    /// Fields, methods, variants and the like, by the name of the type or trait.
    pub(super) members: BTreeMap<String, Vec<IndexEntry>>,
    /// Traits that a type implements, of the notebook's own.
    pub(super) traits: BTreeMap<String, Vec<String>>,
}

/// Deep nesting needs a deep stack; only what is used is ever backed by memory.
const STACK: usize = 256 * 1024 * 1024;

impl Index {
    pub(super) fn of(items: &Items) -> Self {
        let read = || {
            let mut index = Self::default();
            for live in &items.items {
                index.read(live);
            }
            index
        };
        std::thread::scope(|scope| {
            let reader = std::thread::Builder::new().name("index".into()).stack_size(STACK);
            // What the reader cannot take has no names.
            let thread = reader.spawn_scoped(scope, read).ok();
            thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
        })
    }

    fn read(&mut self, live: &LiveItem) {
        let text = &live.cell.text[live.item.range.clone()];
        let Ok(item) = syn::parse_str::<syn::Item>(text) else { return };
        let mut reader = Reader { index: self, text, place: &live.cell.label, module: String::new() };
        match &item {
            syn::Item::Impl(block) => {
                let stay = |index: &usize| !live.cut.contains(&(*index - unnamed_before(block, *index)));
                let members = (0..block.items.len()).filter(stay).map(|index| &block.items[index]);
                reader.block(block, members);
            }
            item => reader.item(item),
        }
    }

    /// All that a value of a type has, or a type itself.
    pub(super) fn members(&self, type_name: &str) -> Vec<&IndexEntry> {
        let mut found: Vec<&IndexEntry> = self.members.get(type_name).into_iter().flatten().collect();
        for of_trait in self.traits.get(type_name).into_iter().flatten() {
            for entry in self.members.get(of_trait).into_iter().flatten() {
                if !found.iter().any(|other| other.name == entry.name) {
                    found.push(entry);
                }
            }
        }
        found
    }

    /// What stands at the notebook's root.
    pub(super) fn root(&self) -> &[IndexEntry] {
        self.modules.get("").map(Vec::as_slice).unwrap_or_default()
    }
}

/// How many members before this one have no name, and so no number in [`LiveItem::cut`].
fn unnamed_before(block: &syn::ItemImpl, index: usize) -> usize {
    let unnamed = |item: &&syn::ImplItem| {
        !matches!(item, syn::ImplItem::Fn(_) | syn::ImplItem::Const(_) | syn::ImplItem::Type(_))
    };
    block.items[..index].iter().filter(unnamed).count()
}

struct Reader<'a> {
    index: &'a mut Index,
    text: &'a str,
    place: &'a str,
    module: String,
}

impl Reader<'_> {
    /// What is declared from the first token behind the attributes to `end`.
    fn entry(&self, kind: Kind, name: &syn::Ident, parts: Parts<'_>) -> IndexEntry {
        let Parts { attributes, whole, end, type_text } = parts;
        let start = attributes.iter().map(|attribute| attribute.span().byte_range().end).max();
        let start = start.unwrap_or(whole.start).min(end);
        let signature = self.text.get(start..end).unwrap_or_default();
        IndexEntry {
            name: name.to_string(),
            kind,
            signature: without_indent(signature.trim().trim_end_matches(',').trim_end()),
            docs: docs(attributes),
            source: without_indent(self.text.get(whole).unwrap_or_default()),
            place: self.place.to_owned(),
            type_text,
        }
    }

    fn add(&mut self, entry: IndexEntry) {
        self.index.modules.entry(self.module.clone()).or_default().push(entry);
    }

    fn add_member(&mut self, of: &str, entry: IndexEntry) {
        self.index.members.entry(of.to_owned()).or_default().push(entry);
    }

    fn slice(&self, spanned: &impl Spanned) -> String {
        self.text.get(spanned.span().byte_range()).unwrap_or_default().to_owned()
    }

    fn item(&mut self, item: &syn::Item) {
        let whole = item.span().byte_range();
        let end = whole.end;
        macro_rules! simple {
            ($item:expr, $kind:expr, $end:expr, $type:expr) => {{
                let parts = Parts { attributes: &$item.attrs, whole: whole.clone(), end: $end, type_text: $type };
                let entry = self.entry($kind, &$item.ident, parts);
                self.add(entry);
            }};
        }
        match item {
            syn::Item::Fn(item) => {
                let parts = Parts {
                    attributes: &item.attrs,
                    whole: whole.clone(),
                    end: item.sig.span().byte_range().end,
                    type_text: self.returned(&item.sig),
                };
                let entry = self.entry(Kind::Function, &item.sig.ident, parts);
                self.add(entry);
            }
            syn::Item::Const(item) => simple!(item, Kind::Constant, end, Some(self.slice(&item.ty))),
            syn::Item::Static(item) => simple!(item, Kind::Constant, end, Some(self.slice(&item.ty))),
            syn::Item::Type(item) => simple!(item, Kind::Type, end, Some(self.slice(&item.ty))),
            syn::Item::Struct(item) => {
                simple!(item, Kind::Type, end, None);
                self.fields(&item.ident, &item.fields);
            }
            syn::Item::Union(item) => {
                simple!(item, Kind::Type, end, None);
                self.fields(&item.ident, &syn::Fields::Named(item.fields.clone()));
            }
            syn::Item::Enum(item) => {
                simple!(item, Kind::Type, end, None);
                let of = item.ident.to_string();
                for variant in &item.variants {
                    let whole = variant.span().byte_range();
                    let (attributes, end) = (variant.attrs.as_slice(), whole.end);
                    let parts = Parts { attributes, whole, end, type_text: Some(of.clone()) };
                    let entry = self.entry(Kind::Variant, &variant.ident, parts);
                    self.add_member(&of, entry);
                }
            }
            syn::Item::Trait(item) => {
                simple!(item, Kind::Trait, item.brace_token.span.open().byte_range().start, None);
                let of = item.ident.to_string();
                for member in &item.items {
                    if let syn::TraitItem::Fn(function) = member {
                        let entry = self.method(&function.attrs, &function.sig, member.span().byte_range());
                        self.add_member(&of, entry);
                    }
                }
            }
            syn::Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    let end = name.span().byte_range().end;
                    let parts = Parts { attributes: &item.attrs, whole, end, type_text: None };
                    let entry = self.entry(Kind::Macro, name, parts);
                    self.add(entry);
                }
            }
            syn::Item::Mod(item) => {
                simple!(item, Kind::Module, item.ident.span().byte_range().end, None);
                let outer = self.module.clone();
                let separator = if outer.is_empty() { "" } else { "::" };
                self.module = format!("{outer}{separator}{}", item.ident);
                for inner in item.content.iter().flat_map(|(_, items)| items) {
                    self.item(inner);
                }
                self.module = outer;
            }
            syn::Item::Impl(block) => self.block(block, block.items.iter()),
            _ => {}
        }
    }

    fn fields(&mut self, of: &syn::Ident, fields: &syn::Fields) {
        for (number, field) in fields.iter().enumerate() {
            let whole = field.span().byte_range();
            let name = field.ident.clone().unwrap_or_else(|| syn::Ident::new("_0", field.span()));
            let (end, type_text) = (whole.end, Some(self.slice(&field.ty)));
            let mut entry = self.entry(Kind::Field, &name, Parts { attributes: &field.attrs, whole, end, type_text });
            if field.ident.is_none() {
                entry.name = number.to_string();
            }
            self.add_member(&of.to_string(), entry);
        }
    }

    fn block<'b>(&mut self, block: &syn::ItemImpl, members: impl Iterator<Item = &'b syn::ImplItem>) {
        let of = super::chain::base(&self.slice(&block.self_ty));
        if let Some((of_trait, _)) = &block.trait_
            && let Some(last) = of_trait.segments.last()
        {
            self.index.traits.entry(of.clone()).or_default().push(last.ident.to_string());
        }
        for member in members {
            let whole = member.span().byte_range();
            let end = whole.end;
            let entry = match member {
                syn::ImplItem::Fn(function) => self.method(&function.attrs, &function.sig, whole),
                syn::ImplItem::Const(item) => {
                    let type_text = Some(self.slice(&item.ty));
                    let parts = Parts { attributes: &item.attrs, whole, end, type_text };
                    self.entry(Kind::Constant, &item.ident, parts)
                }
                syn::ImplItem::Type(item) => {
                    let type_text = Some(self.slice(&item.ty));
                    let parts = Parts { attributes: &item.attrs, whole, end, type_text };
                    self.entry(Kind::Type, &item.ident, parts)
                }
                _ => continue,
            };
            self.add_member(&of, entry);
        }
    }

    fn method(
        &self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        whole: std::ops::Range<usize>,
    ) -> IndexEntry {
        let kind = if signature.receiver().is_some() { Kind::Method } else { Kind::Function };
        let end = signature.span().byte_range().end;
        let type_text = self.returned(signature);
        self.entry(kind, &signature.ident, Parts { attributes, whole, end, type_text })
    }

    fn returned(&self, signature: &syn::Signature) -> Option<String> {
        match &signature.output {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, returned) => Some(self.slice(returned)),
        }
    }
}

/// The places of a declaration.
struct Parts<'a> {
    attributes: &'a [syn::Attribute],
    whole: std::ops::Range<usize>,
    /// Where the declaration ends and the body begins.
    end: usize,
    type_text: Option<String>,
}

/// The text of doc comments.
fn docs(attributes: &[syn::Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let syn::Meta::NameValue(pair) = &attribute.meta else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(words), .. }) = &pair.value {
            for line in words.value().lines() {
                text.push_str(line.strip_prefix(' ').unwrap_or(line));
                text.push('\n');
            }
            if words.value().is_empty() {
                text.push('\n');
            }
        }
    }
    text.trim().to_owned()
}

/// The text without what all lines but the first are indented by.
fn without_indent(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty());
    let common = lines.map(indent).min().unwrap_or(0);
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(line.get(common..).unwrap_or_default());
    }
    out
}
