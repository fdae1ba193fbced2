//! Statements: what stays in the cell, what it binds, and what it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::mention::{self, plain};
use super::{BoundName, Make, OkUnit, Parsed, awaited, entry, extern_crate, item, make, open, pattern, plain};

/// Sorts the statements of a cell.
pub(super) fn take_apart(text: &str, statements: &[syn::Stmt], item_macros: &BTreeSet<String>, parsed: &mut Parsed) {
    let own = statements.iter().filter_map(item::item_macro);
    let item_macros: BTreeSet<String> = item_macros.iter().cloned().chain(own).collect();
    let mut running = TokenStream::new();
    let mut names = InnerNames::default();
    let last = statements.len().checked_sub(1);
    for (index, statement) in statements.iter().enumerate() {
        match statement {
            syn::Stmt::Item(syn::Item::Use(declaration)) => {
                item::imports(declaration, &mut parsed.imports);
                parsed.item_ranges.push(declaration.span().byte_range());
            }
            syn::Stmt::Item(item) => {
                if let syn::Item::ExternCrate(declaration) = item
                    && let Some(import) = extern_crate::import(declaration)
                {
                    parsed.item_ranges.push(import.range.clone());
                    parsed.imports.push(import);
                    continue;
                }
                // A macro is defined here as well.
                if matches!(item, syn::Item::Macro(_)) {
                    parsed.instruments.add_statement(statement);
                }
                if let syn::Item::Fn(function) = item {
                    parsed.entries.extend(entry::entry(function));
                }
                parsed.left_out.extend(entry::left_out(item));
                take_item(item, parsed);
            }
            // A macro that stands for items; what it makes can only be seen by running it.
            syn::Stmt::Macro(call) if item::defines_items(&call.mac, &item_macros) => take_item(
                &syn::Item::Macro(syn::ItemMacro {
                    attrs: call.attrs.clone(),
                    ident: None,
                    mac: call.mac.clone(),
                    semi_token: call.semi_token,
                }),
                parsed,
            ),
            other => {
                parsed.has_statements = true;
                if last == Some(index) {
                    take_tail(text, other, parsed);
                }
                reuse(other, parsed);
                if let syn::Stmt::Local(local) = other {
                    bind(text, local, parsed);
                    make::borrowing(text, local, &mut parsed.borrowing);
                }
                let open = match other {
                    syn::Stmt::Local(local) => open::open(text, local),
                    _ => None,
                };
                match open {
                    Some(open) => parsed.open_lets.push(open),
                    None => mention::identifiers(other.to_token_stream(), &mut parsed.busy),
                }
                make::closures(text, other, &mut parsed.closures);
                parsed.instruments.add_statement(other);
                names.visit_stmt(other);
                other.to_tokens(&mut running);
            }
        }
    }
    parsed.assigned.clone_from(&names.assigned);
    complete_returns(statements, parsed);
    mention::identifiers(running.clone(), &mut parsed.mentions);
    parsed.awaited = awaited::awaited(statements, running.clone());
    parsed.is_plain = plain::is_plain(running.clone());
    find_moves(running, &mut parsed.surely_moved);
    // A name that is bound again in an inner scope may be that one: nothing is sure about it.
    parsed.surely_moved.retain(|name, _| !names.inner.contains(name) && !names.assigned.contains(name));
    parsed.borrowing.retain(|one| one.mentions.is_disjoint(&names.inner));
    parsed.inner = names.inner;
    // Settings are told of at any rate, as nothing else does.
    let mentions = &parsed.mentions;
    parsed.entries.retain(|entry| !mentions.contains(&entry.name) || !entry.settings.is_empty());
}

fn take_item(item: &syn::Item, parsed: &mut Parsed) {
    let taken = item::take(item);
    // A macro is also left where it stands: there it may name the cell's variables.
    if !matches!(taken.kind, item::ItemKind::Macro) {
        parsed.item_ranges.push(taken.range.clone());
    }
    parsed.items.push(taken);
}

fn take_tail(text: &str, statement: &syn::Stmt, parsed: &mut Parsed) {
    let tail = match statement {
        // Attributes on a statement are stable, on an expression inside of one they are not.
        syn::Stmt::Expr(expression, None) if !text[expression.span().byte_range()].starts_with('#') => {
            parsed.ok_unit = ok_unit(expression);
            expression.span().byte_range()
        }
        syn::Stmt::Macro(call) if call.semi_token.is_none() => call.span().byte_range(),
        _ => return,
    };
    if !text[tail.clone()].is_empty() {
        parsed.tail = Some(tail);
    }
}

fn ok_unit(expression: &syn::Expr) -> Option<OkUnit> {
    let syn::Expr::Call(call) = expression else { return None };
    let syn::Expr::Path(function) = &*call.func else { return None };
    let is_unit = |argument: &syn::Expr| matches!(argument, syn::Expr::Tuple(tuple) if tuple.elems.is_empty());
    if call.args.len() != 1 || !call.args.first().is_some_and(is_unit) {
        return None;
    }
    match function.path.get_ident() {
        Some(name) => (name == "Ok").then_some(OkUnit::Bare),
        None => function.path.segments.last().filter(|last| last.ident == "Ok").map(|_| OkUnit::Typed),
    }
}

/// What a statement mentions that no statement before has bound, nor its own pattern.
fn reuse(statement: &syn::Stmt, parsed: &mut Parsed) {
    let mut mentioned = BTreeSet::new();
    if let syn::Stmt::Local(local) = statement {
        let mut own = BTreeSet::new();
        pattern::bound(local, &mut |name, _| {
            own.insert(name);
        });
        mention::identifiers(local.pat.to_token_stream(), &mut mentioned);
        mentioned.retain(|name| !own.contains(name));
        if let Some(init) = &local.init {
            mention::identifiers(init.expr.to_token_stream(), &mut mentioned);
            if let Some((_, diverge)) = &init.diverge {
                mention::identifiers(diverge.to_token_stream(), &mut mentioned);
            }
        }
    } else {
        mention::identifiers(statement.to_token_stream(), &mut mentioned);
    }
    mentioned.retain(|name| !parsed.bindings.iter().any(|binding| binding.name == *name));
    parsed.reused.extend(mentioned);
}

fn bind(text: &str, local: &syn::Local, parsed: &mut Parsed) {
    let boxed = boxed(text, local);
    let bound_before: BTreeSet<String> = parsed.bindings.iter().map(|binding| binding.name.clone()).collect();
    let mut makes = BTreeMap::new();
    make::makes(text, &local.pat, local.init.as_ref().map(|init| &*init.expr), &mut |name, make| {
        makes.insert(name, make);
    });
    pattern::bound(local, &mut |name, mutable| {
        parsed.bindings.retain(|binding| binding.name != name);
        let (boxed, range) = (boxed.clone(), local.span().byte_range());
        // Of a name that is bound twice one cannot say which one is meant.
        let is_copy = !bound_before.contains(&name) && make::is_copy(local);
        let make = makes.remove(&name).unwrap_or(Make::Unknown);
        parsed.bindings.push(BoundName { name, mutable, range, boxed, make, is_copy });
    });
}

/// The line that keeps a closure: its own, boxed.
fn boxed(text: &str, local: &syn::Local) -> Option<String> {
    let syn::Pat::Ident(name) = &local.pat else { return None };
    let syn::Expr::Closure(closure) = &*local.init.as_ref()?.expr else { return None };
    let source = text.get(closure.span().byte_range())?;
    let parameter = |input: &syn::Pat| match input {
        syn::Pat::Type(typed) => text.get(typed.ty.span().byte_range()).unwrap_or("_").to_owned(),
        _ => "_".to_owned(),
    };
    let parameters: Vec<_> = closure.inputs.iter().map(parameter).collect();
    let mutable = if name.mutability.is_some() { "mut " } else { "" };
    let kind = if mutable.is_empty() { "Fn" } else { "FnMut" };
    let output = match &closure.output {
        syn::ReturnType::Type(_, output) => text.get(output.span().byte_range()).unwrap_or("_"),
        syn::ReturnType::Default => "_",
    };
    let (name, parameters) = (&name.ident, parameters.join(", "));
    Some(format!("let {mutable}{name}: Box<dyn {kind}({parameters}) -> {output}> = Box::new({source});"))
}

/// `return;` at the top level ends the cell, which is a block that results in `Result`.
fn complete_returns(statements: &[syn::Stmt], parsed: &mut Parsed) {
    struct Returns<'a>(&'a mut Parsed);
    impl<'ast> Visit<'ast> for Returns<'_> {
        fn visit_expr_return(&mut self, expression: &'ast syn::ExprReturn) {
            if expression.expr.is_none() {
                self.0.statement_edits.insert(expression.span().byte_range().end, " Ok(())");
            }
            visit::visit_expr_return(self, expression);
        }
        // These have returns of their own.
        fn visit_item(&mut self, _: &'ast syn::Item) {}
        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
        fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    }
    for statement in statements {
        Returns(parsed).visit_stmt(statement);
    }
}

/// Names that are bound below the top level, and names that are assigned to.
#[derive(Default)]
struct InnerNames {
    depth: usize,
    inner: BTreeSet<String>,
    assigned: BTreeSet<String>,
}

impl InnerNames {
    fn assign(&mut self, left: &syn::Expr) {
        match left {
            syn::Expr::Path(path) => {
                self.assigned.extend(path.path.get_ident().map(|name| plain(&name.to_string())));
            }
            syn::Expr::Tuple(tuple) => tuple.elems.iter().for_each(|left| self.assign(left)),
            syn::Expr::Array(array) => array.elems.iter().for_each(|left| self.assign(left)),
            syn::Expr::Paren(inner) => self.assign(&inner.expr),
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for InnerNames {
    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if self.depth > 0 {
            self.visit_pat(&local.pat);
        }
        if let Some(init) = &local.init {
            visit::visit_local_init(self, init);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.inner.insert(plain(&pattern.ident.to_string()));
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_expr_assign(&mut self, assignment: &'ast syn::ExprAssign) {
        self.assign(&assignment.left);
        visit::visit_expr_assign(self, assignment);
    }
}

/// Finds `name.await` and `join!(name, …)`: what is awaited by value is gone, unless it is `Copy`, which no future
/// that one would want to keep is.
fn find_moves(tokens: TokenStream, moved: &mut BTreeMap<String, Range<usize>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |index: usize, expected: char| matches!(tokens.get(index), Some(TokenTree::Punct(punct)) if punct.as_char() == expected);
    let word = |index: usize, expected: &[&str]| matches!(tokens.get(index), Some(TokenTree::Ident(ident)) if expected.iter().any(|word| ident == word));
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident)
                if is(index + 1, '.')
                    && word(index + 2, &["await"])
                    && !index.checked_sub(1).is_some_and(|before| {
                        ['.', '&', '*', ':'].into_iter().any(|operator| is(before, operator)) || word(before, &["mut"])
                    }) =>
            {
                moved.insert(plain(&ident.to_string()), ident.span().byte_range());
            }
            TokenTree::Ident(_) if word(index, &["join", "try_join"]) && is(index + 1, '!') => {
                if let Some(TokenTree::Group(arguments)) = tokens.get(index + 2) {
                    plain_arguments(arguments.stream(), moved);
                }
            }
            TokenTree::Group(group) => find_moves(group.stream(), moved),
            _ => {}
        }
    }
}

/// Of a macro's arguments, those that are one identifier each.
fn plain_arguments(tokens: TokenStream, into: &mut BTreeMap<String, Range<usize>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    for argument in tokens.split(is_comma) {
        if let [TokenTree::Ident(ident)] = argument {
            into.insert(plain(&ident.to_string()), ident.span().byte_range());
        }
    }
}
