//! Guards of locks that are held while something is awaited.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Pat};

use super::arguments::{self, Beside};
use super::mentions;
use crate::parse::mention::plain;
use crate::parse::pattern;

/// Which lock, by the method that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Mutex,
    RwLock,
}

impl Lock {
    pub(super) fn for_async(self) -> &'static str {
        match self {
            Self::Mutex => "tokio::sync::Mutex",
            Self::RwLock => "tokio::sync::RwLock",
        }
    }
}

/// A variable that is a guard.
pub(super) struct GuardVariable {
    pub(super) name: String,
    pub(super) kind: Lock,
}

/// `let g = m.lock().unwrap();` and the like.
pub(super) fn bound(local: &syn::Local) -> Option<GuardVariable> {
    let init = &*local.init.as_ref()?.expr;
    let mut pattern = &local.pat;
    if let Pat::Type(typed) = pattern {
        pattern = &typed.pat;
    }
    let (name, kind) = match pattern {
        Pat::Ident(name) => (&name.ident, guard(init).or_else(|| bare(init))?),
        // `let Ok(g) = m.lock() else { … };`
        Pat::TupleStruct(tuple) => match tuple.elems.first() {
            Some(Pat::Ident(name)) if tuple.elems.len() == 1 => (&name.ident, taken(init)?),
            _ => return None,
        },
        _ => return None,
    };
    Some(GuardVariable { name: plain(&name.to_string()), kind })
}

/// `m.lock().unwrap()`: what std's locks give, and no others.
fn guard(expression: &Expr) -> Option<Lock> {
    match expression {
        Expr::Paren(inner) => guard(&inner.expr),
        Expr::Try(tried) => taken(&tried.expr).filter(|kind| *kind == Lock::Mutex),
        Expr::MethodCall(call) if ["unwrap", "expect", "unwrap_or_else"].iter().any(|name| call.method == name) => {
            taken(&call.receiver)
        }
        _ => None,
    }
}

/// `m.lock()`, which with other crates' locks is the guard. stdout and its like are locked by the same name.
fn bare(expression: &Expr) -> Option<Lock> {
    let Expr::MethodCall(call) = expression else { return None };
    let of = call.receiver.to_token_stream().to_string().to_lowercase();
    let is_stream = ["stdout", "stderr", "stdin", "out", "err", "file"].iter().any(|name| of.contains(name));
    taken(expression).filter(|kind| *kind == Lock::Mutex && !is_stream)
}

fn taken(expression: &Expr) -> Option<Lock> {
    let Expr::MethodCall(call) = expression else { return None };
    if !call.args.is_empty() || call.turbofish.is_some() {
        return None;
    }
    match call.method.to_string().as_str() {
        "lock" => Some(Lock::Mutex),
        "read" | "write" => Some(Lock::RwLock),
        _ => None,
    }
}

/// What an `if let` or `while let` takes apart.
pub(super) fn scrutinee(condition: &Expr) -> Option<&Expr> {
    match condition {
        Expr::Let(binding) => Some(&binding.expr),
        Expr::Binary(both) => scrutinee(&both.left).or_else(|| scrutinee(&both.right)),
        _ => None,
    }
}

/// A guard in an expression that lives until its statement ends.
pub(super) fn in_head(head: &Expr) -> Option<Lock> {
    struct Guards(Option<Lock>);
    impl<'ast> Visit<'ast> for Guards {
        fn visit_expr(&mut self, expression: &'ast Expr) {
            self.0 = self.0.or_else(|| guard(expression));
            visit::visit_expr(self, expression);
        }
        // What is made in these ends with them.
        fn visit_block(&mut self, _: &'ast syn::Block) {}
        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    }
    let mut guards = Guards(None);
    guards.visit_expr(head);
    guards.0
}

/// The place of the first `.await` in what is visited, outside of what runs at another time.
pub(super) fn awaits(look: impl FnOnce(&mut Waits<'_>)) -> Option<usize> {
    let mut waits = Waits { name: "", ended: false, found: None };
    look(&mut waits);
    waits.found
}

/// The place where something is awaited while a guard of such a name is there, in the statements that follow it.
pub(super) fn held(name: &str, rest: &[syn::Stmt]) -> Option<usize> {
    let mut waits = Waits { name, ended: false, found: None };
    rest.iter().for_each(|statement| waits.visit_stmt(statement));
    waits.found
}

/// Looks for an `.await` up to where the guard may end. What is done with it in one branch only counts as done.
pub(super) struct Waits<'a> {
    name: &'a str,
    ended: bool,
    found: Option<usize>,
}

impl Waits<'_> {
    fn is_it(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Path(path) if path.path.get_ident().is_some_and(|ident| plain(&ident.to_string()) == self.name))
    }

    fn wait(&mut self, at: usize) {
        if !self.ended && self.found.is_none() {
            self.found = Some(at);
        }
    }

    /// A use that leaves it where it is.
    fn borrow(&mut self, expression: &Expr) {
        if !self.is_it(expression) {
            self.visit_expr(expression);
        }
    }

    /// Code for another time, which may take it along.
    fn elsewhere(&mut self, code: &impl ToTokens) {
        self.ended |= mentions(code.to_token_stream(), self.name);
    }
}

impl<'ast> Visit<'ast> for Waits<'_> {
    fn visit_expr_await(&mut self, node: &'ast syn::ExprAwait) {
        // It was a future.
        self.ended |= self.is_it(&node.base);
        self.visit_expr(&node.base);
        self.wait(node.await_token.span().byte_range().start);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.ended |= path.path.get_ident().is_some_and(|ident| plain(&ident.to_string()) == self.name);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        visit::visit_local(self, local);
        pattern::bound(local, &mut |name, _| self.ended |= name == self.name);
    }

    fn visit_expr_reference(&mut self, node: &'ast syn::ExprReference) {
        self.borrow(&node.expr);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        self.borrow(&node.expr);
    }

    fn visit_expr_field(&mut self, node: &'ast syn::ExprField) {
        self.borrow(&node.base);
    }

    fn visit_expr_index(&mut self, node: &'ast syn::ExprIndex) {
        self.borrow(&node.expr);
        self.visit_expr(&node.index);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.borrow(&call.receiver);
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let Some(arguments) = arguments::of(call) else { return self.elsewhere(&call.tokens) };
        for argument in &arguments.all {
            if arguments.beside == Beside::All { self.visit_expr(argument) } else { self.borrow(argument) }
        }
        if arguments.beside != Beside::None {
            self.wait(call.span().byte_range().start);
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.elsewhere(closure);
    }
    fn visit_expr_async(&mut self, node: &'ast syn::ExprAsync) {
        self.elsewhere(node);
    }
    fn visit_item(&mut self, _: &'ast syn::Item) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
}
