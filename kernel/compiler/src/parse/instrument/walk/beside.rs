//! Futures that are polled side by side: what marks each of them, in calls, macros, iterators and collections.

use syn::Expr;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Walk;
use crate::parse::instrument::{Piece, await_note};

impl Walk<'_> {
    /// A future that is polled with others, by that function's wrap; `note`: what is to be done before it is made.
    pub(super) fn beside(&mut self, function: &str, future: &Expr, note: Option<String>) {
        let range = future.span().byte_range();
        let key = await_note::key(future).unwrap_or_else(|| "0".to_owned());
        let key = note.map_or_else(|| key.clone(), |note| format!("{{ {note}{key} }}"));
        self.pieces.push((range.start, Piece::Note(format!("::kissaten::__cell::{function}("))));
        if let Some(names) = await_note::names(future) {
            self.pieces.push((range.start, Piece::Timeline(format!("{names} + "))));
        }
        self.pieces.push((range.start, Piece::Note(format!("{key}, "))));
        self.visit_expr(future);
        self.pieces.push((range.end, Piece::Note(format!(", {})", await_note::literal_beside(future)))));
    }

    /// Futures that come from an iterator or a stream: each gets a lane, by that trait's `map`.
    pub(super) fn each_beside(&mut self, source: &Expr, of: &str) {
        self.each(source, of, "::kissaten::__cell::beside(0, future, &\"future\")");
    }

    /// Futures of a `JoinSet`: they are tasks, of which tokio does not tell the names.
    pub(super) fn each_a_task(&mut self, source: &Expr) {
        self.each(source, "::core::iter::Iterator", "::kissaten::__lane!(future)");
    }

    pub(super) fn each(&mut self, source: &Expr, of: &str, wrap: &str) {
        let range = source.span().byte_range();
        self.pieces.push((range.start, Piece::Timeline(format!("{of}::map("))));
        self.visit_expr(source);
        self.pieces.push((range.end, Piece::Timeline(format!(", |future| {wrap})"))));
    }

    /// One that is pushed into a collection of futures.
    pub(super) fn pushed(&mut self, future: &Expr) {
        let range = future.span().byte_range();
        let names = await_note::names(future).map_or_else(|| "0".to_owned(), |names| format!("{names} + 0"));
        self.pieces.push((range.start, Piece::Timeline(format!("::kissaten::__cell::beside({names}, "))));
        self.visit_expr(future);
        let end = format!(", {})", await_note::literal_beside(future));
        self.pieces.push((range.end, Piece::Timeline(end)));
    }

    /// Futures in a collection that are polled side by side.
    pub(super) fn all_beside(&mut self, call: &syn::ExprCall, futures: &Expr) {
        self.visit_expr(&call.func);
        let range = futures.span().byte_range();
        self.pieces.push((range.start, Piece::Note("::core::iter::IntoIterator::into_iter(".to_owned())));
        self.visit_expr(futures);
        let key = "{ use ::kissaten::__cell::awaits::*; (&&Awaits(&future)).key() }";
        let literal = await_note::literal_beside(futures);
        let map = format!(").map(|future| ::kissaten::__cell::beside({key}, future, {literal}))");
        self.pieces.push((range.end, Piece::Note(map)));
    }

    /// Calls by which futures are gathered, and all other ones.
    pub(super) fn collected(&mut self, call: &syn::ExprMethodCall) {
        let is_of_futures = |receiver: &Expr| match receiver {
            Expr::Path(path) => path.path.get_ident().is_some_and(|name| self.collections.contains(&name.to_string())),
            _ => false,
        };
        match (call.method.to_string().as_str(), call.args.first()) {
            ("collect", None) if await_note::collects(call) => {
                self.each_beside(&call.receiver, "::core::iter::Iterator");
            }
            ("collect", None) if await_note::collects_set(call) => self.each_a_task(&call.receiver),
            ("buffer_unordered" | "buffered", Some(limit)) if call.turbofish.is_none() && call.args.len() == 1 => {
                self.each_beside(&call.receiver, "::kissaten::futures::StreamExt");
                self.visit_expr(limit);
            }
            ("push" | "push_back", Some(future)) if call.args.len() == 1 && is_of_futures(&call.receiver) => {
                self.pushed(future);
            }
            _ => visit::visit_expr_method_call(self, call),
        }
    }
}

/// The one argument of `join_all` and `try_join_all`.
pub(super) fn futures_in(call: &syn::ExprCall) -> Option<&Expr> {
    let Expr::Path(function) = &*call.func else { return None };
    let last = function.path.segments.last().filter(|last| last.ident == "join_all" || last.ident == "try_join_all")?;
    let is_plain =
        last.arguments.is_none() && call.attrs.is_empty() && function.attrs.is_empty() && call.args.len() == 1;
    call.args.first().filter(|_| is_plain)
}

/// The future in `timeout(duration, future)`, if code of a cell may run in it.
pub(super) fn timed(call: &syn::ExprCall) -> Option<&Expr> {
    let Expr::Path(function) = &*call.func else { return None };
    let last = function.path.segments.last().filter(|last| last.ident == "timeout" || last.ident == "timeout_at")?;
    let is_plain =
        last.arguments.is_none() && call.attrs.is_empty() && function.attrs.is_empty() && call.args.len() == 2;
    call.args.last().filter(|future| is_plain && await_note::may_run_cells(future))
}
