//! The way through an item: what is bound where, and where names are used.

use std::collections::BTreeSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::super::item;
use super::super::mention::plain;
use super::{Finder, Leaf, Level, NameForm, UseOf};

/// What items and imports of a module or block bind there.
fn bound_by<'a>(items: impl Iterator<Item = &'a syn::Item>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in items {
        if let syn::Item::Use(declaration) = item {
            let mut imports = Vec::new();
            item::imports(declaration, &mut imports);
            names.extend(imports.into_iter().filter_map(|import| import.name));
        } else if let Some((_, name)) = item::name(item) {
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
        self.scoped(Level { items: bound_by(items.iter()), ..Level::default() }, |finder| {
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
        item::imports(declaration, &mut imports);
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
            self.found(name, NameForm::Use(Box::new(of.clone())));
        }
        // A path that begins with a name in sight: `use Ordering::*;` in a function. What it binds is none of these.
        if let syn::UseTree::Path(path) = &declaration.tree
            && !self.modules.iter().any(|sees| !sees)
        {
            let name = plain(&path.ident.to_string());
            let bound = imports.iter().any(|import| import.name.as_ref() == Some(&name));
            if bound || self.is_visible(&name) && self.steps_to_root(&[&name, ""]).is_none() {
                self.found(name, NameForm::Path(path.ident.span().byte_range()));
            }
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let items = block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(item) => Some(item),
            _ => None,
        });
        let scope = Level { items: bound_by(items), ..Level::default() };
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
        self.scoped(Level::default(), |finder| {
            closure.inputs.iter().for_each(|input| finder.bind(input));
            visit::visit_expr_closure(finder, closure);
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.scoped(Level::default(), |finder| {
            finder.bind(&arm.pat);
            visit::visit_arm(finder, arm);
        });
    }

    fn visit_expr_if(&mut self, expression: &'ast syn::ExprIf) {
        self.scoped(Level::default(), |finder| {
            finder.visit_expr(&expression.cond);
            finder.visit_block(&expression.then_branch);
        });
        if let Some((_, otherwise)) = &expression.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, expression: &'ast syn::ExprWhile) {
        self.scoped(Level::default(), |finder| visit::visit_expr_while(finder, expression));
    }

    fn visit_expr_let(&mut self, expression: &'ast syn::ExprLet) {
        self.visit_expr(&expression.expr);
        self.visit_pat(&expression.pat);
        self.bind(&expression.pat);
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast syn::ExprForLoop) {
        self.visit_expr(&expression.expr);
        self.scoped(Level::default(), |finder| {
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
            && !self.path_from_root(path)
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
                    self.found(name, NameForm::Shorthand(ident.span().byte_range().start));
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
