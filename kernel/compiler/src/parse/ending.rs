//! Early ends, where a cell can end before its end: which statements hold a `?`, an `.await`, a loop, or what may
//! panic.
//!
//! What stands before such a statement is kept whatever becomes of it, so a cell is cut into parts there. A part costs a
//! little time of rustc, so statements that hardly ever fail begin none: a guess by the text, and what it misses is only
//! not kept.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// More parts than that are not made of a cell.
const MOST: usize = 8;

/// A statement that can end the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Where it begins.
    pub(crate) at: usize,
    /// Whether something to keep was made since the last one, and it can begin a part.
    pub(crate) begins_part: bool,
}

/// All of a cell's, in order.
pub(super) fn endings(statements: &[syn::Stmt]) -> Vec<Ending> {
    let mut found: Vec<Ending> = Vec::new();
    let (mut has_new, mut is_open) = (false, true);
    for statement in statements {
        match statement {
            // An import holds in all of its block, so what stands before it stays with it.
            syn::Stmt::Item(syn::Item::Use(_)) => {
                found.iter_mut().for_each(|ending| ending.begins_part = false);
                continue;
            }
            syn::Stmt::Item(_) => continue,
            _ => {}
        }
        let mut looks = Looks::default();
        looks.visit_stmt(statement);
        if looks.may_end {
            let parts = found.iter().filter(|ending| ending.begins_part).count();
            let begins_part = is_open && has_new && parts < MOST;
            let Range { start, .. } = statement.span().byte_range();
            found.push(Ending { at: start, begins_part });
            has_new &= !begins_part;
        }
        match statement {
            syn::Stmt::Local(local) => {
                has_new = true;
                // What has no value yet gets it in one part with its `let`, and what borrows stays with what it borrows from.
                is_open &= local.init.as_ref().is_some_and(|init| owns(&local.pat) || !borrows(&init.expr));
            }
            syn::Stmt::Expr(syn::Expr::Assign(_), _) => has_new = true,
            _ => {}
        }
    }
    if !is_open {
        found.iter_mut().for_each(|ending| ending.begins_part = false);
    }
    found
}

/// Methods whose results borrow from what they are called on.
const BORROWING: &[&str] = &[
    "as_bytes",
    "as_mut",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "borrow_mut",
    "bytes",
    "char_indices",
    "chars",
    "chunks",
    "drain",
    "entry",
    "first",
    "get",
    "get_mut",
    "iter",
    "iter_mut",
    "keys",
    "last",
    "lines",
    "lock",
    "peekable",
    "read",
    "rev",
    "rsplit",
    "skip",
    "split",
    "split_at",
    "split_mut",
    "split_whitespace",
    "strip_prefix",
    "strip_suffix",
    "take",
    "trim",
    "trim_end",
    "trim_start",
    "values",
    "values_mut",
    "windows",
    "write",
];

/// Whether a type is written down that holds no reference.
fn owns(pattern: &syn::Pat) -> bool {
    let syn::Pat::Type(typed) = pattern else { return false };
    let written = typed.ty.to_token_stream().to_string();
    !written.contains(['&', '\'', '_'])
}

/// Whether the value surely or probably is a reference, or holds one.
fn borrows(value: &syn::Expr) -> bool {
    match value {
        syn::Expr::Reference(reference) => !matches!(&*reference.expr, syn::Expr::Lit(_) | syn::Expr::Array(_)),
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            match name.as_str() {
                "unwrap" | "expect" | "collect" | "enumerate" | "zip" | "map" | "filter" | "cloned" | "copied"
                | "iter" => name == "iter" || name != "cloned" && name != "copied" && borrows(&call.receiver),
                name => BORROWING.contains(&name),
            }
        }
        syn::Expr::Await(inner) => borrows(&inner.base),
        syn::Expr::Try(inner) => borrows(&inner.expr),
        syn::Expr::Paren(inner) => borrows(&inner.expr),
        syn::Expr::Tuple(tuple) => tuple.elems.iter().any(borrows),
        _ => false,
    }
}

/// Functions that never fail in practice, by the last part of their path.
const FUNCTIONS: &[&str] = &[
    "new",
    "from",
    "default",
    "now",
    "with_capacity",
    "channel",
    "unbounded_channel",
    "spawn",
    "from_secs",
    "from_millis",
    "from_iter",
    "drop",
    "pin",
    "repeat",
];

/// Methods likewise.
const METHODS: &[&str] = &[
    "all",
    "any",
    "as_str",
    "chars",
    "clear",
    "clone",
    "cloned",
    "collect",
    "contains",
    "copied",
    "count",
    "enumerate",
    "extend",
    "filter",
    "get",
    "insert",
    "into",
    "into_iter",
    "is_empty",
    "iter",
    "iter_mut",
    "len",
    "map",
    "push",
    "push_back",
    "push_str",
    "rev",
    "sum",
    "to_owned",
    "to_string",
    "to_uppercase",
    "to_vec",
    "zip",
];

/// Macros likewise, as far as their arguments do not.
const MACROS: &[&str] = &[
    "concat",
    "dbg",
    "env",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "include_str",
    "matches",
    "print",
    "println",
    "stringify",
    "vec",
    "write",
    "writeln",
];

#[derive(Default)]
struct Looks {
    may_end: bool,
    in_closure: bool,
}

impl Looks {
    /// A `?` or a `return` of a closure ends that.
    fn leaves(&mut self) {
        self.may_end |= !self.in_closure;
    }

    fn look_at_macro(&mut self, call: &syn::Macro) {
        let name = call.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let arguments = call.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        match arguments {
            Ok(arguments) if MACROS.contains(&name.as_str()) => {
                arguments.iter().for_each(|argument| self.visit_expr(argument));
            }
            _ => {
                self.may_end |= !MACROS.contains(&name.as_str()) || ends(call.tokens.clone());
            }
        }
    }
}

/// Whether tokens that are no expressions hold a `?` or an `.await`.
fn ends(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => ends(group.stream()),
        TokenTree::Ident(ident) => ident == "await" || ident == "unwrap" || ident == "expect",
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Literal(_) => false,
    })
}

impl<'ast> Visit<'ast> for Looks {
    fn visit_expr_try(&mut self, tried: &'ast syn::ExprTry) {
        self.leaves();
        visit::visit_expr_try(self, tried);
    }

    fn visit_expr_await(&mut self, _: &'ast syn::ExprAwait) {
        self.leaves();
    }

    fn visit_expr_return(&mut self, _: &'ast syn::ExprReturn) {
        self.leaves();
    }

    fn visit_expr_loop(&mut self, _: &'ast syn::ExprLoop) {
        self.may_end = true;
    }

    fn visit_expr_while(&mut self, looped: &'ast syn::ExprWhile) {
        self.may_end = true;
        visit::visit_expr_while(self, looped);
    }

    fn visit_expr_for_loop(&mut self, looped: &'ast syn::ExprForLoop) {
        self.may_end = true;
        visit::visit_expr_for_loop(self, looped);
    }

    fn visit_expr_index(&mut self, _: &'ast syn::ExprIndex) {
        self.may_end = true;
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let divides = matches!(binary.op, syn::BinOp::Div(_) | syn::BinOp::Rem(_));
        self.may_end |= divides && !matches!(&*binary.right, syn::Expr::Lit(_));
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let is_known = |name: &syn::Ident| {
            let name = name.to_string();
            name.starts_with(char::is_uppercase) || FUNCTIONS.contains(&name.as_str())
        };
        let is_harmless = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().is_some_and(|last| is_known(&last.ident)),
            _ => false,
        };
        self.may_end |= !is_harmless;
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.may_end |= !METHODS.contains(&call.method.to_string().as_str());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.look_at_macro(call);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        let outer = std::mem::replace(&mut self.in_closure, true);
        visit::visit_expr_closure(self, closure);
        self.in_closure = outer;
    }

    // What these hold runs elsewhere.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The statements that can end the cell, in brackets those that begin a part.
    fn check(text: &str) -> Vec<String> {
        let parsed = super::super::parse(text, &BTreeSet::new()).unwrap();
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        let shown = |ending: &Ending| {
            let line = line(ending.at).to_string();
            if ending.begins_part { format!("[{line}]") } else { line }
        };
        parsed.endings.iter().map(shown).collect()
    }

    #[test]
    fn parts_begin_where_something_is_to_be_kept() {
        assert_eq!(
            check("let a = vec![1];\nlet b: i32 = \"x\".parse()?;\nprintln!(\"{a:?}\");\nb.pow(2)"),
            ["[2]", "[4]"]
        );
        assert!(check("let a = vec![1];\nlet b = String::from(\"x\");\nprintln!(\"{}\", a.len());").is_empty());
        assert_eq!(check("\"x\".parse::<i32>()?;\nlet a = 1;"), ["1"]);
        assert_eq!(check("let mut sum = 0;\nfor n in 0..3 { sum += n; }\nfor n in 0..3 { sum += n; }"), ["[2]", "3"]);
        assert_eq!(check("s = s + \"b\";\nfetch().await;"), ["[2]"]);
        assert_eq!(check("let f = |x: i32| x.parse::<i32>()?;\nlet g = async { f(1)? };"), ["1"]);
    }

    #[test]
    fn what_is_bound_together_stays_together() {
        assert_eq!(check("let late;\nif f() { late = 1 } else { late = 2 }"), ["2"]);
        assert_eq!(check("let v = vec![1];\nlet r = &v;\nf(r)?;"), ["3"]);
        assert_eq!(check("let v = vec![1];\nf(&v)?;\nuse std::fmt;\nlet w = 1;\nf(&w)?;"), ["2", "[5]"]);
        assert_eq!(check("let v = vec![1];\nlet guard = m.lock().await;\nf()?;"), ["2", "3"]);
    }
}
