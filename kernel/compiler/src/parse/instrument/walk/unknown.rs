//! Macros of which nothing is known: they may await something that nobody notes.

use syn::Expr;
use syn::spanned::Spanned;

use super::Walk;
use crate::parse::arguments::{self, AWAIT_NOTHING, Beside};
use crate::parse::instrument::{Piece, await_note};

impl Walk<'_> {
    /// A macro of which nothing is known may await: what was noted before it is over.
    pub(super) fn noted_before(&mut self, statement: &syn::Stmt) {
        let call = match statement {
            syn::Stmt::Macro(statement) if statement.attrs.is_empty() && statement.semi_token.is_some() => {
                &statement.mac
            }
            syn::Stmt::Local(local) => match local.init.as_ref().map(|init| peeled(&init.expr)) {
                Some(Expr::Macro(call)) => &call.mac,
                _ => return,
            },
            syn::Stmt::Expr(expression, Some(_)) => match peeled(expression) {
                Expr::Macro(call) => &call.mac,
                _ => return,
            },
            _ => return,
        };
        if self.is_async && self.can_unwind && may_await(call) {
            let note = format!("::kissaten::__cell::note(0, {}); ", await_note::literal_of_macro(call));
            self.pieces.push((statement.span().byte_range().start, Piece::Note(note)));
        }
    }
}

/// What a `?` or parentheses are around.
fn peeled(expression: &Expr) -> &Expr {
    match expression {
        Expr::Try(inner) => peeled(&inner.expr),
        Expr::Paren(inner) => peeled(&inner.expr),
        other => other,
    }
}

/// Whether it is a macro that may await: one of which nothing is known, or of which all futures stand in variables.
fn may_await(call: &syn::Macro) -> bool {
    match arguments::of(call) {
        Some(arguments) => match arguments.beside {
            Beside::Some(arms) => arms.iter().all(|arm| matches!(arguments.all[*arm], Expr::Path(_))),
            Beside::None | Beside::All => false,
        },
        None => {
            let is_macro = call.path.is_ident("macro_rules");
            let last = call.path.segments.last().map(|last| last.ident.to_string());
            // What is included stands elsewhere, where nothing is noted either.
            let is_quiet = |last: &str| AWAIT_NOTHING.contains(&last) || matches!(last, "include" | "thread_local");
            !is_macro && !last.is_some_and(|last| is_quiet(&last))
        }
    }
}
