//! Tight loops over ranges, which become loops over stretches of them: `kissaten::chunk` says why.
//!
//! Only loops in whose rounds nothing can take long, and that nothing leaves by `break`.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Pat};

use super::Form;
use crate::source_map::Edits;

/// `for i in a..b { … }` becomes `for chunk in chunks(a..b) { for i in chunk { … } }`, and what
/// [`count`](super::count) finds gets an inner loop as well.
#[derive(Clone, Debug)]
pub(super) enum LoopPart {
    /// The loop's variable, by its end, which the stretch takes the place of.
    Variable(usize),
    Range,
    RangeEnd,
    /// The inner loop's head; in other forms an ordinary checkpoint.
    Head(String),
    Foot,
}

impl LoopPart {
    pub(super) fn edit(&self, at: usize, form: Form, edits: &mut Edits) {
        match self {
            Self::Head(_) if !form.chunks => edits.instrument(at, form.checkpoint.text().unwrap_or_default()),
            _ if !form.chunks => {}
            Self::Variable(end) => edits.replace(at..*end, "__kissaten_chunk"),
            Self::Range => edits.instrument(at, "::kissaten::__cell::chunks("),
            Self::RangeEnd => edits.instrument(at, ")"),
            Self::Head(text) => edits.instrument(at, format!("{text} {{")),
            Self::Foot => edits.instrument(at, "}"),
        }
    }
}

/// The parts of a loop that is tight, and where they go.
pub(super) fn parts(node: &syn::ExprForLoop) -> Option<[(usize, LoopPart); 5]> {
    let Expr::Range(range) = &*node.expr else { return None };
    let is_half_open =
        matches!(range.limits, syn::RangeLimits::HalfOpen(_)) && range.start.is_some() && range.end.is_some();
    let is_name = match &*node.pat {
        Pat::Ident(name) => name.by_ref.is_none() && name.subpat.is_none() && name.attrs.is_empty(),
        Pat::Wild(_) => true,
        _ => false,
    };
    let is_bare = node.label.is_none() && node.attrs.is_empty() && range.attrs.is_empty();
    if !is_half_open || !is_name || !is_bare || !is_tight(range, &node.body) {
        return None;
    }
    let (variable, range) = (node.pat.span().byte_range(), node.expr.span().byte_range());
    let body = node.body.brace_token.span;
    Some([
        (variable.start, LoopPart::Variable(variable.end)),
        (range.start, LoopPart::Range),
        (range.end, LoopPart::RangeEnd),
        (
            body.open().byte_range().end,
            LoopPart::Head(format!("for {} in __kissaten_chunk", node.pat.to_token_stream())),
        ),
        (body.close().byte_range().start, LoopPart::Foot),
    ])
}

fn is_tight(range: &syn::ExprRange, body: &syn::Block) -> bool {
    let mut quick = Quick(true);
    // What is in the bounds may be instrumented for itself.
    range.start.iter().chain(&range.end).for_each(|bound| quick.visit_expr(bound));
    quick.0 && is_quick(body)
}

/// Whether all of a block is done at once: it has no loops, and calls nothing that may take long.
pub(super) fn is_quick(block: &syn::Block) -> bool {
    let mut quick = Quick(true);
    quick.visit_block(block);
    quick.0
}

struct Quick(bool);

impl<'ast> Visit<'ast> for Quick {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.0 &= matches!(
            expression,
            Expr::Array(_)
                | Expr::Assign(_)
                | Expr::Binary(_)
                | Expr::Block(_)
                | Expr::Call(_)
                | Expr::Cast(_)
                | Expr::Continue(_)
                | Expr::Field(_)
                | Expr::If(_)
                | Expr::Index(_)
                | Expr::Let(_)
                | Expr::Lit(_)
                | Expr::Match(_)
                | Expr::MethodCall(_)
                | Expr::Paren(_)
                | Expr::Path(_)
                | Expr::Range(_)
                | Expr::Reference(_)
                | Expr::Return(_)
                | Expr::Struct(_)
                | Expr::Tuple(_)
                | Expr::Unary(_)
                | Expr::Unsafe(_)
        );
        visit::visit_expr(self, expression);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let last = match &*call.func {
            Expr::Path(function) => function.path.segments.last(),
            _ => None,
        };
        self.0 &= last.is_some_and(|last| is_quick_call(&last.ident.to_string()));
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.0 &= is_quick_call(&call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, _: &'ast syn::Macro) {
        self.0 = false;
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {
        self.0 = false;
    }
}

/// Functions of numbers and of what holds them; tuple structs and variants are functions as well.
fn is_quick_call(name: &str) -> bool {
    const NAMES: [&str; 60] = [
        "abs",
        "abs_diff",
        "as_bytes",
        "as_mut",
        "as_ref",
        "atan2",
        "ceil",
        "clamp",
        "copied",
        "cos",
        "count_ones",
        "count_zeros",
        "div_euclid",
        "exp",
        "floor",
        "from",
        "get",
        "get_mut",
        "get_unchecked",
        "get_unchecked_mut",
        "hypot",
        "into",
        "is_empty",
        "is_multiple_of",
        "is_none",
        "is_power_of_two",
        "is_some",
        "isqrt",
        "leading_zeros",
        "len",
        "ln",
        "log10",
        "log2",
        "max",
        "min",
        "mul_add",
        "pow",
        "powf",
        "powi",
        "push",
        "rem_euclid",
        "replace",
        "rotate_left",
        "rotate_right",
        "round",
        "signum",
        "sin",
        "sqrt",
        "swap",
        "swap_bytes",
        "take",
        "tan",
        "tanh",
        "to_bits",
        "to_le_bytes",
        "trailing_zeros",
        "trunc",
        "unwrap",
        "unwrap_or",
        "unwrap_or_default",
    ];
    name.starts_with(char::is_uppercase) || NAMES.contains(&name) || has_integer_beginning(name)
}

/// Whether it is one of the many methods of integers that say what becomes of an overflow.
pub(super) fn has_integer_beginning(name: &str) -> bool {
    ["wrapping_", "checked_", "saturating_", "overflowing_"].iter().any(|beginning| name.starts_with(beginning))
}
