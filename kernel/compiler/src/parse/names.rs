//! The names in an item that are looked up where the item stands, and where in its text they are.
//!
//! A name counts if it begins a path and nothing inside of the item is what it means: no variable, type parameter, inner item
//! or inner import. What the names mean is not known here. What stands in a macro's brackets is read as Rust where it
//! is Rust, and else by its tokens.

mod macros;
mod visit;

use std::collections::BTreeSet;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::Visit;

use super::mention::plain;
use super::pattern;

/// The names that an item looks up around it, and where they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) uses: Vec<NameUse>,
    /// Where a function's block begins, behind its inner attributes: there methods are looked up.
    pub(crate) blocks: Vec<usize>,
    /// Values of constants and statics, where methods are looked up as well.
    pub(crate) values: Vec<Range<usize>>,
}

/// One place where a name is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameUse {
    pub(crate) name: String,
    pub(crate) form: NameForm,
}

/// The form in which a name stands in the text, and so how another path can stand in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameForm {
    /// The beginning of a path: `Mutex` of `Mutex::new`.
    Path(Range<usize>),
    /// The beginning of a path together with `super::`, `self::` or `crate::`.
    FromRoot(Range<usize>),
    /// A field and its value in one: `Point { x }`. Where the name begins.
    Shorthand(usize),
    /// Captured by a format string, whose macro's arguments end here; whether a comma has to come first.
    Captured { end: usize, comma: bool },
    /// In a `use` of an inner module or block. The leaf is one of a declaration: its range, what stands before its `use`,
    /// and its leaves.
    Use(Box<UseOf>),
}

/// A `use` inside of an item that takes names from the notebook's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UseOf {
    pub(crate) range: Range<usize>,
    pub(crate) visibility: String,
    pub(crate) leaves: Vec<Leaf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// The name that is taken from the root, if one is.
    pub(crate) name: Option<String>,
    /// What follows that name: `::Inner as Other`.
    pub(crate) rest: String,
    /// The leaf as it is written.
    pub(crate) text: String,
}

/// The names in an item.
pub(super) fn of_item(item: &syn::Item) -> Names {
    let mut finder = Finder::default();
    finder.visit_item(item);
    finder.names
}

/// The names in the statements of a cell, whose own variables are none.
pub(super) fn of_statements<'a>(statements: impl Iterator<Item = &'a syn::Stmt>) -> Names {
    let mut finder = Finder::default();
    finder.scopes.push(Level::default());
    for statement in statements {
        finder.visit_stmt(statement);
    }
    finder.names
}

/// The names in a type.
pub(crate) fn of_type(text: &str) -> Names {
    let mut finder = Finder::default();
    if let Ok(of) = syn::parse_str(text) {
        finder.visit_type(&of);
    }
    finder.names
}

/// A level of nesting: what is bound at it.
#[derive(Default)]
struct Level {
    variables: BTreeSet<String>,
    /// Type parameters, inner items and imports.
    items: BTreeSet<String>,
}

#[derive(Default)]
struct Finder {
    names: Names,
    scopes: Vec<Level>,
    /// How many inner modules this is in, and which of them see the names around them.
    modules: Vec<bool>,
    /// It is in a struct, an enum or a union.
    in_type: bool,
}

impl Finder {
    fn is_visible(&self, name: &str) -> bool {
        self.modules.iter().all(|sees| *sees)
            && !matches!(name, "self" | "super" | "crate" | "Self" | "_")
            && !self.scopes.iter().any(|scope| scope.items.contains(name))
    }

    fn is_variable(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.variables.contains(name))
    }

    fn found(&mut self, name: String, form: NameForm) {
        self.names.uses.push(NameUse { name, form });
    }

    fn path_begins(&mut self, ident: &syn::Ident) {
        let name = plain(&ident.to_string());
        if self.is_visible(&name) {
            self.found(name, NameForm::Path(ident.span().byte_range()));
        }
    }

    /// A path that names the root by where it is.
    fn path_from_root(&mut self, path: &syn::Path) -> bool {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some(steps) = self.steps_to_root(&words) else { return false };
        let (Some(first), Some(last)) = (path.segments.first(), path.segments.get(steps)) else { return false };
        let range = first.ident.span().byte_range().start..last.ident.span().byte_range().end;
        self.found(plain(words[steps]), NameForm::FromRoot(range));
        true
    }

    /// How many words of a path say that what follows is the notebook's root.
    fn steps_to_root(&self, words: &[&str]) -> Option<usize> {
        let supers = words.iter().take_while(|word| **word == "super").count();
        let steps = match *words.first()? {
            "crate" => 1,
            "self" if self.modules.is_empty() => 1,
            _ if supers > 0 && supers == self.modules.len() => supers,
            _ => return None,
        };
        (words.len() > steps).then_some(steps)
    }

    fn scoped(&mut self, scope: Level, work: impl FnOnce(&mut Self)) {
        self.scopes.push(scope);
        work(self);
        self.scopes.pop();
    }

    fn bind(&mut self, pattern: &syn::Pat) {
        if let Some(scope) = self.scopes.last_mut() {
            pattern::in_match(pattern, &mut |name, _| {
                scope.variables.insert(name);
            });
        }
    }

    /// An item's own scope: it sees the type parameters, and no variables around it.
    fn item_scope(&mut self, generics: Option<&syn::Generics>, work: impl FnOnce(&mut Self)) {
        let hidden: Vec<_> = self.scopes.iter_mut().map(|scope| std::mem::take(&mut scope.variables)).collect();
        let mut scope = Level::default();
        for parameter in generics.iter().flat_map(|generics| &generics.params) {
            match parameter {
                syn::GenericParam::Type(parameter) => scope.items.insert(plain(&parameter.ident.to_string())),
                syn::GenericParam::Const(parameter) => scope.items.insert(plain(&parameter.ident.to_string())),
                _ => false,
            };
        }
        self.scoped(scope, work);
        for (scope, variables) in self.scopes.iter_mut().zip(hidden) {
            scope.variables = variables;
        }
    }

    fn function(&mut self, signature: &syn::Signature, attributes: &[syn::Attribute], block: Option<&syn::Block>) {
        for input in &signature.inputs {
            if let syn::FnArg::Typed(input) = input {
                self.bind(&input.pat);
            }
        }
        let Some(block) = block else { return };
        if self.modules.iter().all(|sees| *sees) {
            let inner = attributes.iter().filter(|attribute| matches!(attribute.style, syn::AttrStyle::Inner(_)));
            let behind = inner.map(|attribute| attribute.span().byte_range().end).max();
            let start = block.brace_token.span.open().byte_range().end;
            self.names.blocks.push(behind.unwrap_or(start).max(start));
        }
    }
}

#[cfg(test)]
mod tests;
