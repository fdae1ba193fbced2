//! The names in an item that are looked up where the item stands, and where in its text they are.
//!
//! A name counts if it begins a path and nothing inside of the item is what it means: no variable, type parameter, inner item
//! or inner import. What the names mean is not known here. What stands in a macro's brackets is read as Rust where it
//! is Rust, and else by its tokens.

mod macros;

use std::collections::BTreeSet;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::mention::plain;
use super::pattern;

/// What an item says about the names around it.
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
    pub(crate) form: Form,
}

/// How a name stands in the text, and so how another path can stand in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
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
    finder.scopes.push(Scope::default());
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

/// What is bound at one level of nesting.
#[derive(Default)]
struct Scope {
    variables: BTreeSet<String>,
    /// Type parameters, inner items and imports.
    items: BTreeSet<String>,
}

#[derive(Default)]
struct Finder {
    names: Names,
    scopes: Vec<Scope>,
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

    fn found(&mut self, name: String, form: Form) {
        self.names.uses.push(NameUse { name, form });
    }

    fn path_begins(&mut self, ident: &syn::Ident) {
        let name = plain(&ident.to_string());
        if self.is_visible(&name) {
            self.found(name, Form::Path(ident.span().byte_range()));
        }
    }

    /// A path that names the root by where it is.
    fn from_root(&mut self, path: &syn::Path) -> bool {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some(steps) = self.steps_to_root(&words) else { return false };
        let (Some(first), Some(last)) = (path.segments.first(), path.segments.get(steps)) else { return false };
        let range = first.ident.span().byte_range().start..last.ident.span().byte_range().end;
        self.found(plain(words[steps]), Form::FromRoot(range));
        true
    }

    /// How many words of a path say that what follows is the notebook's root.
    fn steps_to_root(&self, words: &[&str]) -> Option<usize> {
        let supers = words.iter().take_while(|word| **word == "super").count();
        let steps = match words.first()? {
            &"crate" => 1,
            &"self" if self.modules.is_empty() => 1,
            _ if supers > 0 && supers == self.modules.len() => supers,
            _ => return None,
        };
        (words.len() > steps).then_some(steps)
    }

    fn scoped(&mut self, scope: Scope, work: impl FnOnce(&mut Self)) {
        self.scopes.push(scope);
        work(self);
        self.scopes.pop();
    }

    fn bind(&mut self, pattern: &syn::Pat) {
        if let Some(scope) = self.scopes.last_mut() {
            pattern::bound(pattern, &mut |name, _| {
                scope.variables.insert(name);
            });
        }
    }

    /// An item's own scope: it sees the type parameters, and no variables around it.
    fn item_scope(&mut self, generics: Option<&syn::Generics>, work: impl FnOnce(&mut Self)) {
        let hidden: Vec<_> = self.scopes.iter_mut().map(|scope| std::mem::take(&mut scope.variables)).collect();
        let mut scope = Scope::default();
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

/// What items and imports of a module or block bind there.
fn bound_by<'a>(items: impl Iterator<Item = &'a syn::Item>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in items {
        if let syn::Item::Use(declaration) = item {
            let mut imports = Vec::new();
            super::item::imports(declaration, &mut imports);
            names.extend(imports.into_iter().filter_map(|import| import.name));
        } else if let Some((_, name)) = super::item::name(item) {
            names.insert(name);
        }
    }
    names
}

/// Whether a `use` brings all names of the module around its own, or of the root.
fn brings_all(tree: &syn::UseTree, depth: usize) -> bool {
    match tree {
        syn::UseTree::Path(path) if path.ident == "super" || path.ident == "crate" => brings_all(&path.tree, depth + 1),
        syn::UseTree::Glob(_) => depth > 0,
        syn::UseTree::Group(group) => group.items.iter().any(|tree| brings_all(tree, depth)),
        _ => false,
    }
}

macro_rules! with_scope {
    ($($method:ident: $kind:ident;)*) => {$(
        fn $method(&mut self, item: &'ast syn::$kind) {
            self.in_type = matches!(stringify!($kind), "ItemStruct" | "ItemEnum" | "ItemUnion");
            self.item_scope(Some(&item.generics), |finder| visit::$method(finder, item));
            self.in_type = false;
        }
    )*};
}

macro_rules! functions {
    ($($method:ident: $kind:ident, $block:expr;)*) => {$(
        fn $method(&mut self, item: &'ast syn::$kind) {
            self.item_scope(Some(&item.sig.generics), |finder| {
                let block: fn(&syn::$kind) -> Option<&syn::Block> = $block;
                finder.function(&item.sig, &item.attrs, block(item));
                visit::$method(finder, item);
            });
        }
    )*};
}

impl<'ast> Visit<'ast> for Finder {
    with_scope! {
        visit_item_struct: ItemStruct;
        visit_item_enum: ItemEnum;
        visit_item_union: ItemUnion;
        visit_item_impl: ItemImpl;
        visit_item_trait: ItemTrait;
        visit_item_trait_alias: ItemTraitAlias;
        visit_item_type: ItemType;
        visit_impl_item_type: ImplItemType;
        visit_trait_item_type: TraitItemType;
    }

    functions! {
        visit_item_fn: ItemFn, |item| Some(&item.block);
        visit_impl_item_fn: ImplItemFn, |item| Some(&item.block);
        visit_trait_item_fn: TraitItemFn, |item| item.default.as_ref();
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if self.modules.is_empty() {
            self.names.values.push(item.expr.span().byte_range());
        }
        self.item_scope(Some(&item.generics), |finder| visit::visit_item_const(finder, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        if self.modules.is_empty() {
            self.names.values.push(item.expr.span().byte_range());
        }
        self.item_scope(None, |finder| visit::visit_item_static(finder, item));
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let Some((_, items)) = &module.content else { return };
        let glob = |item: &syn::Item| matches!(item, syn::Item::Use(found) if brings_all(&found.tree, 0));
        let outer = std::mem::take(&mut self.scopes);
        self.modules.push(items.iter().any(glob));
        self.scoped(Scope { items: bound_by(items.iter()), ..Scope::default() }, |finder| {
            items.iter().for_each(|item| finder.visit_item(item));
        });
        self.modules.pop();
        self.scopes = outer;
    }

    fn visit_item_use(&mut self, declaration: &'ast syn::ItemUse) {
        if declaration.leading_colon.is_some() {
            return;
        }
        let mut imports = Vec::new();
        super::item::imports(declaration, &mut imports);
        let leaf = |text: &str| {
            let text = text.trim_start_matches("use ").trim_end_matches(';').to_owned();
            let path = text.split([' ', '{', '*']).next().unwrap_or_default().trim_end_matches("::");
            let words: Vec<&str> = path.split("::").collect();
            let found = self.steps_to_root(&words).map(|steps| (words[..=steps].join("::").len(), words[steps]));
            match found {
                Some((length, name)) => Leaf { name: Some(plain(name)), rest: text[length..].to_owned(), text },
                None => Leaf { name: None, rest: String::new(), text },
            }
        };
        let leaves: Vec<Leaf> = imports.iter().map(|import| leaf(&import.text)).collect();
        let names: BTreeSet<String> = leaves.iter().filter_map(|leaf| leaf.name.clone()).collect();
        let visibility = match &declaration.vis {
            syn::Visibility::Inherited => String::new(),
            _ => "pub ".to_owned(),
        };
        let of = UseOf { range: declaration.span().byte_range(), visibility, leaves };
        for name in names {
            self.found(name, Form::Use(Box::new(of.clone())));
        }
        // A path that begins with a name in sight: `use Ordering::*;` in a function. What it binds is none of these.
        if let syn::UseTree::Path(path) = &declaration.tree
            && !self.modules.iter().any(|sees| !sees)
        {
            let name = plain(&path.ident.to_string());
            let bound = imports.iter().any(|import| import.name.as_ref() == Some(&name));
            if bound || self.is_visible(&name) && self.steps_to_root(&[&name, ""]).is_none() {
                self.found(name, Form::Path(path.ident.span().byte_range()));
            }
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let items = block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(item) => Some(item),
            _ => None,
        });
        let scope = Scope { items: bound_by(items), ..Scope::default() };
        self.scoped(scope, |finder| visit::visit_block(finder, block));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        local.attrs.iter().for_each(|attribute| self.visit_attribute(attribute));
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        self.visit_pat(&local.pat);
        self.bind(&local.pat);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.scoped(Scope::default(), |finder| {
            closure.inputs.iter().for_each(|input| finder.bind(input));
            visit::visit_expr_closure(finder, closure);
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.scoped(Scope::default(), |finder| {
            finder.bind(&arm.pat);
            visit::visit_arm(finder, arm);
        });
    }

    fn visit_expr_if(&mut self, expression: &'ast syn::ExprIf) {
        self.scoped(Scope::default(), |finder| {
            finder.visit_expr(&expression.cond);
            finder.visit_block(&expression.then_branch);
        });
        if let Some((_, otherwise)) = &expression.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, expression: &'ast syn::ExprWhile) {
        self.scoped(Scope::default(), |finder| visit::visit_expr_while(finder, expression));
    }

    fn visit_expr_let(&mut self, expression: &'ast syn::ExprLet) {
        self.visit_expr(&expression.expr);
        self.visit_pat(&expression.pat);
        self.bind(&expression.pat);
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast syn::ExprForLoop) {
        self.visit_expr(&expression.expr);
        self.scoped(Scope::default(), |finder| {
            finder.bind(&expression.pat);
            finder.visit_pat(&expression.pat);
            finder.visit_block(&expression.body);
        });
    }

    fn visit_expr_path(&mut self, expression: &'ast syn::ExprPath) {
        // A lone name can be a variable.
        if expression.qself.is_none()
            && let Some(name) = expression.path.get_ident()
            && self.is_variable(&plain(&name.to_string()))
        {
            return;
        }
        visit::visit_expr_path(self, expression);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none()
            && !self.from_root(path)
            && let Some(first) = path.segments.first()
        {
            self.path_begins(&first.ident);
        }
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        // By the language's convention a constant or a variant; a variable is not written like that.
        let is_plain = pattern.by_ref.is_none() && pattern.mutability.is_none() && pattern.subpat.is_none();
        if is_plain && pattern.ident.to_string().starts_with(char::is_uppercase) {
            self.path_begins(&pattern.ident);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        match &field.member {
            syn::Member::Named(ident) if field.colon_token.is_none() => {
                let name = plain(&ident.to_string());
                if self.is_visible(&name) && !self.is_variable(&name) {
                    self.found(name, Form::Shorthand(ident.span().byte_range().start));
                }
            }
            _ => visit::visit_field_value(self, field),
        }
    }

    fn visit_field_pat(&mut self, field: &'ast syn::FieldPat) {
        if field.colon_token.is_some() {
            visit::visit_field_pat(self, field);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.attribute(attribute);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.macro_call(call);
    }

    fn visit_item_macro(&mut self, call: &'ast syn::ItemMacro) {
        if call.ident.is_some() { self.macro_rules(&call.mac) } else { visit::visit_item_macro(self, call) }
    }

    // A path in there names a module and not what it has.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

#[cfg(test)]
mod tests;
