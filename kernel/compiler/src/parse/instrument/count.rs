//! Tight `while` loops that count, which get a loop over stretches of their rounds: `kissaten::chunk` says why.
//!
//! How many rounds there will be is known beforehand where the text shows that nothing but the last statement changes
//! the counter, and nothing the bound.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Ident, Stmt};

use super::chunk::{self, LoopPart};

/// `while i < n { …; i += 1; }` becomes `while i < n { for _ in rounds(i, n, 1, false) { …; i += 1; } }`.
pub(super) fn parts(node: &syn::ExprWhile) -> Option<[(usize, LoopPart); 2]> {
    let Expr::Binary(condition) = &*node.cond else { return None };
    let is_inclusive = match condition.op {
        BinOp::Lt(_) => false,
        BinOp::Le(_) => true,
        _ => return None,
    };
    let is_bare = node.label.is_none() && node.attrs.is_empty() && condition.attrs.is_empty();
    let (counter, bound) = (name(&condition.left)?, Limit::of(&condition.right)?);
    let (last, others) = node.body.stmts.split_last()?;
    let step = step(last, counter)?;
    if !is_bare || !chunk::is_quick(&node.body) || !is_steady(others, counter, bound) {
        return None;
    }
    let bound = condition.right.to_token_stream();
    let head = format!("for _ in ::kissaten::__cell::rounds({counter}, {bound}, {step}, {is_inclusive})");
    let body = node.body.brace_token.span;
    Some([(body.open().byte_range().end, LoopPart::Head(head)), (body.close().byte_range().start, LoopPart::Foot)])
}

/// What a counter is compared with.
#[derive(Clone, Copy)]
enum Limit<'a> {
    Literal,
    Name(&'a Ident),
    /// The length of what has this name.
    Length(&'a Ident),
}

impl<'a> Limit<'a> {
    fn of(expression: &'a Expr) -> Option<Self> {
        match expression {
            Expr::Lit(literal) if literal.attrs.is_empty() && matches!(literal.lit, syn::Lit::Int(_)) => {
                Some(Self::Literal)
            }
            Expr::MethodCall(call) if call.method == "len" && call.args.is_empty() && call.turbofish.is_none() => {
                name(&call.receiver).map(Self::Length)
            }
            expression => name(expression).map(Self::Name),
        }
    }

    fn name(self) -> Option<&'a Ident> {
        match self {
            Self::Literal => None,
            Self::Name(name) | Self::Length(name) => Some(name),
        }
    }
}

fn name(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Path(path) if path.attrs.is_empty() && path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

/// The name of the variable that a place is in, if not behind a reference or an index.
fn root(place: &Expr) -> Option<&Ident> {
    match place {
        Expr::Field(field) => root(&field.base),
        Expr::Paren(paren) => root(&paren.expr),
        place => name(place),
    }
}

/// What a statement adds to the counter: a literal above 0.
fn step<'a>(statement: &'a Stmt, counter: &Ident) -> Option<&'a syn::LitInt> {
    let Stmt::Expr(Expr::Binary(addition), _) = statement else { return None };
    let Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(step), attrs }) = &*addition.right else { return None };
    let is_step = matches!(addition.op, BinOp::AddAssign(_)) && addition.attrs.is_empty() && attrs.is_empty();
    let is_positive = step.base10_parse::<u128>().is_ok_and(|step| step > 0);
    (is_step && is_positive && name(&addition.left) == Some(counter)).then_some(step)
}

/// Whether statements leave the counter and the bound alone, and never begin the next round.
fn is_steady(statements: &[Stmt], counter: &Ident, bound: Limit<'_>) -> bool {
    let mut steady = Steady { names: [Some(counter), bound.name()], is_steady: true, is_indexed: false };
    statements.iter().for_each(|statement| steady.visit_stmt(statement));
    // What hands out references to what is in it does not become shorter behind the text's back; longer it may become.
    let is_known = !matches!(bound, Limit::Length(_)) || steady.is_indexed;
    steady.is_steady && is_known && bound.name() != Some(counter)
}

struct Steady<'a> {
    names: [Option<&'a Ident>; 2],
    is_steady: bool,
    /// Whether there is an index into what has the bound's name.
    is_indexed: bool,
}

impl Steady<'_> {
    fn is_ours(&self, place: &Expr) -> bool {
        root(place).is_some_and(|name| self.names.contains(&Some(name)))
    }

    /// Something is written to, or may be from now on.
    fn written(&mut self, place: &Expr) {
        match place {
            Expr::Tuple(places) => places.elems.iter().for_each(|place| self.written(place)),
            Expr::Field(_) | Expr::Paren(_) | Expr::Path(_) => self.is_steady &= !self.is_ours(place),
            Expr::Index(_) => {}
            // A reference to our names would be in the way of the condition; a pointer takes `unsafe`.
            Expr::Unary(_) => {}
            _ => self.is_steady = false,
        }
    }
}

impl<'ast> Visit<'ast> for Steady<'_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Continue(_) | Expr::Unsafe(_) => self.is_steady = false,
            Expr::Assign(assignment) => self.written(&assignment.left),
            Expr::Binary(binary) if is_assignment(binary.op) => self.written(&binary.left),
            Expr::Reference(reference) if reference.mutability.is_some() => self.written(&reference.expr),
            Expr::MethodCall(call) if self.is_ours(&call.receiver) => {
                self.is_steady &= takes_value(&call.method.to_string());
            }
            Expr::Index(index) => self.is_indexed |= name(&index.expr) == self.names[1],
            _ => {}
        }
        visit::visit_expr(self, expression);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let is_writing = pattern.by_ref.is_some() && pattern.mutability.is_some();
        self.is_steady &= !is_writing && !self.names.contains(&Some(&pattern.ident));
        visit::visit_pat_ident(self, pattern);
    }
}

fn is_assignment(operator: BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// Methods of integers, which take them by value, and the length of what has one.
fn takes_value(method: &str) -> bool {
    const NAMES: [&str; 10] =
        ["abs", "abs_diff", "count_ones", "is_empty", "is_multiple_of", "isqrt", "len", "max", "min", "pow"];
    NAMES.contains(&method) || chunk::has_integer_beginning(method)
}
