//! Hints by the text: what a cell's writer hardly meant, although it compiles.
//!
//! Guesses by names, as the parser knows no types. So they keep silent wherever another reading is likely.

mod future;
mod guard;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::arguments;
use crate::api::HintKind;

pub(crate) use future::{Future, FutureOf};
pub(super) use future::{futures, unused};

/// A guess that needs nobody else's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guess {
    pub(crate) kind: HintKind,
    /// Where in the cell's text.
    pub(crate) at: usize,
    pub(crate) text: String,
}

/// Looks through a cell.
pub(super) fn guesses(text: &str, statements: &[syn::Stmt]) -> Vec<Guess> {
    let mut look = Look { text, code: Code::Cell, found: Vec::new() };
    look.statements(statements);
    look.found
}

/// What runs the code that is being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// The cell itself, which is polled as a future.
    Cell,
    /// An async function, block or closure.
    Async,
    Ordinary,
}

struct Look<'a> {
    text: &'a str,
    code: Code,
    found: Vec<Guess>,
}

impl Look<'_> {
    fn statements(&mut self, statements: &[syn::Stmt]) {
        if self.code != Code::Ordinary {
            for (index, statement) in statements.iter().enumerate() {
                if let syn::Stmt::Local(local) = statement
                    && let Some(lock) = guard::bound(local)
                    && let Some(waits) = guard::held(&lock.name, &statements[index + 1..])
                {
                    self.guard(
                        local.span().byte_range().start,
                        &format!("the guard `{}`", lock.name),
                        lock.kind,
                        waits,
                    );
                }
            }
        }
        statements.iter().for_each(|statement| self.visit_stmt(statement));
    }

    fn guard(&mut self, at: usize, what: &str, kind: guard::Lock, waits: usize) {
        let line = crate::source_map::position_in(self.text, waits).0;
        let text = format!(
            "{what} is held over the `.await` in line {line}: whoever wants the lock meanwhile blocks a whole thread; \
             let it end before the `.await`, or use `{}`",
            kind.for_async()
        );
        self.found.push(Guess { kind: HintKind::Guard, at, text });
    }

    /// What stands at the head of `match`, `if let`, `while let` and `for` lives as long as the body.
    fn head(&mut self, node: &dyn Spanned, keyword: &str, head: &syn::Expr, waits: Option<usize>) {
        if self.code != Code::Ordinary
            && let (Some(kind), Some(waits)) = (guard::in_head(head), waits)
        {
            self.guard(
                node.span().byte_range().start,
                &format!("the guard in the head of this `{keyword}`"),
                kind,
                waits,
            );
        }
    }

    fn inside(&mut self, is_async: bool, look: impl FnOnce(&mut Self)) {
        let around = std::mem::replace(&mut self.code, if is_async { Code::Async } else { Code::Ordinary });
        look(self);
        self.code = around;
    }
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.inside(function.sig.asyncness.is_some(), |look| look.visit_block(&function.block));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.inside(function.sig.asyncness.is_some(), |look| look.visit_block(&function.block));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.inside(function.sig.asyncness.is_some(), |look| look.visit_block(block));
        }
    }

    fn visit_expr_async(&mut self, node: &'ast syn::ExprAsync) {
        self.inside(true, |look| look.visit_block(&node.block));
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.inside(closure.asyncness.is_some(), |look| look.visit_expr(&closure.body));
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.statements(&block.stmts);
    }

    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        let waits = node.arms.iter().find_map(|arm| guard::awaits(|waits| waits.visit_arm(arm)));
        self.head(node, "match", &node.expr, waits);
        visit::visit_expr_match(self, node);
    }

    fn visit_expr_if(&mut self, node: &'ast syn::ExprIf) {
        if let Some(head) = guard::scrutinee(&node.cond) {
            self.head(node, "if let", head, guard::awaits(|waits| waits.visit_block(&node.then_branch)));
        }
        visit::visit_expr_if(self, node);
    }

    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        if let Some(head) = guard::scrutinee(&node.cond) {
            self.head(node, "while let", head, guard::awaits(|waits| waits.visit_block(&node.body)));
        }
        visit::visit_expr_while(self, node);
    }

    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        self.head(node, "for", &node.expr, guard::awaits(|waits| waits.visit_block(&node.body)));
        visit::visit_expr_for_loop(self, node);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        // A cell's own sleep keeps only those waiting that are polled with it.
        if self.code == Code::Async && is_thread_sleep(&call.func) {
            self.found.push(Guess {
                kind: HintKind::Blocking,
                at: call.span().byte_range().start,
                text: "`thread::sleep` in async code stops a whole thread, and all tasks that it would run; \
                       use `tokio::time::sleep(…).await`, or `tokio::task::spawn_blocking` for what has to block"
                    .to_owned(),
            });
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(arguments) = arguments::of(call) {
            arguments.all.iter().for_each(|argument| self.visit_expr(argument));
        }
    }
}

fn is_thread_sleep(function: &syn::Expr) -> bool {
    let syn::Expr::Path(function) = function else { return false };
    let mut segments = function.path.segments.iter().rev().map(|segment| &segment.ident);
    segments.next().is_some_and(|name| name == "sleep") && segments.next().is_some_and(|module| module == "thread")
}

/// Whether tokens mention a name.
fn mentions(tokens: TokenStream, name: &str) -> bool {
    let mut all = std::collections::BTreeSet::new();
    super::mention::identifiers(tokens, &mut all);
    all.contains(name)
}
