//! Variables that may be futures which nobody awaits: bound at the top level, and never mentioned again.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, Pat};

use crate::parse::mention::{self, plain};
use crate::parse::pattern;

/// What a `let` binds and no other statement mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Future {
    /// `None`: `let _ = …`.
    pub(crate) name: Option<String>,
    /// Where in the cell's text.
    pub(crate) at: usize,
    pub(crate) of: FutureOf,
}

/// What makes one think that it is a future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FutureOf {
    /// It is an async block.
    Block,
    /// It is one if this function is async.
    Call(String),
    /// It is one if its type is.
    Type,
}

/// How many statements mention each name.
fn mentioned(statements: &[syn::Stmt]) -> BTreeMap<String, usize> {
    let mut mentioned: BTreeMap<String, usize> = BTreeMap::new();
    for statement in statements {
        let mut names = BTreeSet::new();
        mention::identifiers(statement.to_token_stream(), &mut names);
        names.into_iter().for_each(|name| *mentioned.entry(name).or_default() += 1);
    }
    mentioned
}

/// Names that the cell binds anew before it looks at what they were, or drops.
pub(crate) fn unused(statements: &[syn::Stmt]) -> BTreeSet<String> {
    let (mut found, mut mentioned) = (BTreeSet::new(), BTreeSet::new());
    for statement in statements {
        let mut new = BTreeSet::new();
        match statement {
            syn::Stmt::Local(local) => {
                if let Some(init) = &local.init {
                    mention::identifiers(init.expr.to_token_stream(), &mut mentioned);
                }
                pattern::bound(local, &mut |name, _| _ = new.insert(name));
            }
            syn::Stmt::Expr(Expr::Call(call), _) => new.extend(dropped(call)),
            _ => {}
        }
        found.extend(new.into_iter().filter(|name| !mentioned.contains(name)));
        mention::identifiers(statement.to_token_stream(), &mut mentioned);
    }
    found
}

/// The variable of a `drop(variable)`.
fn dropped(call: &syn::ExprCall) -> Option<String> {
    let (Expr::Path(function), Some(Expr::Path(argument))) = (&*call.func, call.args.first()) else { return None };
    let is_drop = function.path.segments.last().is_some_and(|last| last.ident == "drop");
    argument.path.get_ident().filter(|_| is_drop).map(|name| plain(&name.to_string()))
}

/// The candidates among a cell's statements.
pub(crate) fn futures(statements: &[syn::Stmt]) -> Vec<Future> {
    let mentioned = mentioned(statements);
    let locals = statements.iter().filter_map(|statement| match statement {
        syn::Stmt::Local(local) => future(local),
        _ => None,
    });
    locals.filter(|future| future.name.as_ref().is_none_or(|name| mentioned.get(name) == Some(&1))).collect()
}

fn future(local: &syn::Local) -> Option<Future> {
    let init = &*local.init.as_ref()?.expr;
    let of = match init {
        Expr::Async(_) => FutureOf::Block,
        Expr::Call(call) => match &*call.func {
            Expr::Path(function) => match function.path.get_ident() {
                Some(name) => FutureOf::Call(plain(&name.to_string())),
                None => FutureOf::Type,
            },
            _ => FutureOf::Type,
        },
        _ => FutureOf::Type,
    };
    let name = match &local.pat {
        Pat::Ident(name) if name.by_ref.is_none() => Some(plain(&name.ident.to_string())),
        // Nobody keeps it for a type to be asked.
        Pat::Wild(_) if of != FutureOf::Type => None,
        _ => return None,
    };
    Some(Future { name, at: local.span().byte_range().start, of })
}
