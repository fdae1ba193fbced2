//! A `let` whose type may be settled by what comes after its cell: `let mut v = Vec::new();`.
//!
//! Only such are looked for that do the same wherever they run: constructors without a view of anything, so that
//! nobody can tell whether they ran in their cell or at the beginning of the one that uses what they bind.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;
use syn::Expr;
use syn::spanned::Spanned;

use super::{mention, pattern};

/// A `let` at the top level that can wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenLet {
    pub(crate) range: Range<usize>,
    /// What it binds, and whether as `mut`.
    pub(crate) names: Vec<(String, bool)>,
    /// Identifiers that its value mentions.
    pub(crate) mentions: BTreeSet<String>,
    /// It gives its variable no value at all.
    pub(crate) is_late: bool,
}

/// One that waits, and the cell that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) label: String,
    pub(crate) serial: u64,
    /// On one line.
    pub(crate) text: String,
    /// Names of imports in it, and what they meant.
    pub(crate) paths: Vec<(String, String)>,
    /// The text with these paths in place of the names.
    pub(crate) spelled_out: String,
    pub(crate) statement: OpenLet,
}

impl Open {
    pub(crate) fn new(label: &str, serial: u64, cell: &str, statement: &OpenLet) -> Self {
        let text = cell.get(statement.range.clone()).unwrap_or_default().replace('\n', " ");
        let (paths, spelled_out) = (Vec::new(), text.clone());
        Self { label: label.to_owned(), serial, text, paths, spelled_out, statement: statement.clone() }
    }

    /// The text where `means` says what a name is imported from.
    pub(crate) fn text_where(&self, means: impl Fn(&str) -> Option<String>) -> &str {
        let is_same = self.paths.iter().all(|(name, path)| means(name).as_ref() == Some(path));
        if is_same { &self.text } else { &self.spelled_out }
    }

    pub(crate) fn binds(&self, name: &str) -> bool {
        self.statement.names.iter().any(|(bound, _)| bound == name)
    }
}

/// Functions that make something new out of nothing, or out of what they are given.
const CONSTRUCTORS: [&str; 15] = [
    "new",
    "with_capacity",
    "default",
    "channel",
    "unbounded",
    "unbounded_channel",
    "sync_channel",
    "bounded",
    "empty",
    "pending",
    "Some",
    "Ok",
    "Err",
    "from",
    "const_new",
];
/// Methods of those that change nothing that could be seen.
const HANDLES: [&str; 2] = ["clone", "subscribe"];

/// The statement as one that can wait, if it is one.
pub(super) fn open(text: &str, local: &syn::Local) -> Option<OpenLet> {
    let range = local.span().byte_range();
    let written = text.get(range.clone())?;
    // It will stand on one line with others.
    if written.contains("//") || written.contains("/*") || !local.attrs.is_empty() {
        return None;
    }
    let mut mentions = BTreeSet::new();
    if let Some(init) = &local.init {
        if init.diverge.is_some() || !is_constructor(&init.expr) {
            return None;
        }
        mention::identifiers(init.expr.to_token_stream(), &mut mentions);
    }
    let mut names = Vec::new();
    pattern::bound(local, &mut |name, mutable| names.push((name, mutable)));
    (!names.is_empty()).then_some(OpenLet { range, names, mentions, is_late: local.init.is_none() })
}

fn is_constructor(value: &Expr) -> bool {
    match value {
        Expr::Lit(_) => true,
        // A variable may be another one by then.
        Expr::Path(path) => {
            let last = path.path.segments.last();
            last.is_some_and(|last| last.ident.to_string().starts_with(char::is_uppercase))
        }
        Expr::Paren(inner) => is_constructor(&inner.expr),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_constructor),
        Expr::Array(array) => array.elems.iter().all(is_constructor),
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Neg(_)) && is_constructor(&unary.expr),
        Expr::Macro(call) => call.mac.path.is_ident("vec") && call.mac.tokens.is_empty(),
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return false };
            let last = function.path.segments.last();
            last.is_some_and(|last| CONSTRUCTORS.iter().any(|name| last.ident == name))
                && call.args.iter().all(is_constructor)
        }
        Expr::MethodCall(call) => {
            HANDLES.iter().any(|name| call.method == name)
                && call.args.is_empty()
                && matches!(*call.receiver, Expr::Path(_))
        }
        _ => false,
    }
}
