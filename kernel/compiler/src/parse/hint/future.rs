//! Variables that may be futures which nobody awaits: bound at the top level, and never mentioned again.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, Pat};

use crate::parse::mention::{self, plain};

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

/// The candidates among a cell's statements.
pub(crate) fn futures(statements: &[syn::Stmt]) -> Vec<Future> {
    let mut mentioned: BTreeMap<String, usize> = BTreeMap::new();
    for statement in statements {
        let mut names = BTreeSet::new();
        mention::identifiers(statement.to_token_stream(), &mut names);
        names.into_iter().for_each(|name| *mentioned.entry(name).or_default() += 1);
    }
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
