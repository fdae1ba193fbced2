//! Makes: how the text of a `let` makes its value, as far as it shows that the value's type will have no name.
//!
//! It is a guess by the text alone, and answers for one compile that is saved: where it says nothing, the type that rustc
//! prints does. So it must not take for nameless what has a name; `tokio::spawn(async { … })` is a `JoinHandle`.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Pat};

use super::mention::{self, plain};
use super::pattern;

/// What makes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    /// An async block, or an adapter around something nameless: a future, a stream or an iterator.
    Lazy,
    /// A call of the function of this name, which may be async or return an `impl Trait`.
    Call(String),
    Closure(Box<Closure>),
    /// `Box::new(…)`, `Arc::new(…)` or `Rc::new(…)` of a closure.
    Held(&'static str, Box<Closure>),
    /// `Box::pin(…)`.
    Pinned(Box<Make>),
    Tuple(Vec<Make>),
    /// `vec![…]`, by its first element.
    Vec(Box<Make>),
    /// `Some(…)` or `[…]`: what has a `map` of its own.
    Mapped(Box<Make>),
    /// The text does not show it.
    Unknown,
}

/// A closure as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closure {
    /// Where it stands, to its end.
    pub(crate) range: Range<usize>,
    /// The types of its parameters as they are written, or `_`.
    pub(crate) parameters: Vec<String>,
    /// Identifiers that its body mentions and does not bind itself.
    pub(crate) mentions: BTreeSet<String>,
    pub(crate) is_async: bool,
    /// What its call makes.
    pub(crate) output: Make,
}

impl Make {
    /// Whether this text, or a part of it, surely makes something nameless.
    fn is_nameless(&self) -> bool {
        match self {
            Self::Lazy | Self::Closure(_) | Self::Held(..) => true,
            Self::Pinned(inner) | Self::Vec(inner) | Self::Mapped(inner) => inner.is_nameless(),
            Self::Tuple(all) => all.iter().any(Self::is_nameless),
            Self::Call(_) | Self::Unknown => false,
        }
    }
}

/// Methods whose value has their receiver, or their closure, in its type.
const ADAPTERS: [&str; 61] = [
    "and_then",
    "buffer_unordered",
    "buffered",
    "by_ref",
    "catch_unwind",
    "chain",
    "chunks",
    "cloned",
    "copied",
    "cycle",
    "enumerate",
    "err_into",
    "filter",
    "filter_map",
    "flat_map",
    "flatten",
    "flatten_stream",
    "for_each",
    "for_each_concurrent",
    "fuse",
    "inspect",
    "inspect_err",
    "inspect_ok",
    "into_future",
    "into_stream",
    "left_future",
    "left_stream",
    "map",
    "map_err",
    "map_into",
    "map_ok",
    "map_while",
    "never_error",
    "ok_into",
    "or_else",
    "peekable",
    "ready_chunks",
    "rev",
    "right_future",
    "right_stream",
    "scan",
    "shared",
    "skip",
    "skip_while",
    "step_by",
    "take",
    "take_until",
    "take_while",
    "then",
    "try_buffer_unordered",
    "try_buffered",
    "try_filter",
    "try_filter_map",
    "try_flatten",
    "try_flatten_stream",
    "try_for_each",
    "try_for_each_concurrent",
    "try_skip_while",
    "try_take_while",
    "unit_error",
    "zip",
];

/// Functions whose value has their argument in its type.
const WRAPPERS: [&str; 27] = [
    "abortable",
    "from_fn",
    "join",
    "join3",
    "join4",
    "join5",
    "lazy",
    "maybe_done",
    "once",
    "once_with",
    "poll_fn",
    "repeat_with",
    "select",
    "select_ok",
    "successors",
    "timeout",
    "timeout_at",
    "try_join",
    "try_join3",
    "try_join4",
    "try_join5",
    "try_maybe_done",
    "try_select",
    "try_unfold",
    "unconstrained",
    "unfold",
    "zip",
];

/// What the patterns of a `let` are bound to, by name.
pub(super) fn makes(text: &str, pattern: &Pat, init: Option<&Expr>, found: &mut dyn FnMut(String, Make)) {
    match (pattern, init) {
        (Pat::Tuple(names), Some(Expr::Tuple(values))) if names.elems.len() == values.elems.len() => {
            for (name, value) in names.elems.iter().zip(&values.elems) {
                makes(text, name, Some(value), found);
            }
        }
        (Pat::Ident(name), Some(init)) if name.by_ref.is_none() && name.subpat.is_none() => {
            found(plain(&name.ident.to_string()), make(text, init));
        }
        _ => pattern::irrefutable(pattern, &mut |name, _| found(name, Make::Unknown)),
    }
}

fn make(text: &str, init: &Expr) -> Make {
    let inside = |init: &Expr| make(text, init);
    match init {
        Expr::Async(_) => Make::Lazy,
        Expr::Paren(inner) => inside(&inner.expr),
        Expr::Closure(written) => {
            closure(text, written).map_or(Make::Unknown, |closure| Make::Closure(Box::new(closure)))
        }
        Expr::Tuple(tuple) => Make::Tuple(tuple.elems.iter().map(inside).collect()),
        Expr::Array(array) => array.elems.first().map_or(Make::Unknown, |first| Make::Mapped(Box::new(inside(first)))),
        Expr::Block(block) if block.label.is_none() => match block.block.stmts.last() {
            Some(syn::Stmt::Expr(last, None)) => inside(last),
            _ => Make::Unknown,
        },
        Expr::Macro(call) if call.mac.path.is_ident("vec") => {
            let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
            let elements = call.mac.parse_body_with(parser).ok();
            let first = elements.as_ref().and_then(|elements| elements.first());
            first.map_or(Make::Unknown, |first| Make::Vec(Box::new(inside(first))))
        }
        Expr::Call(call) => made_by_call(text, call),
        Expr::MethodCall(call) if ADAPTERS.iter().any(|name| call.method == name) => {
            let is_nameless = |expression: &Expr| inside(expression).is_nameless();
            if call.args.iter().any(is_nameless) || is_nameless(&call.receiver) { Make::Lazy } else { Make::Unknown }
        }
        _ => Make::Unknown,
    }
}

fn made_by_call(text: &str, call: &syn::ExprCall) -> Make {
    let Expr::Path(function) = &*call.func else { return Make::Unknown };
    let path = &function.path;
    let Some(last) = path.segments.last() else { return Make::Unknown };
    let of_type = path.segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
    let first = call.args.first().map_or(Make::Unknown, |first| make(text, first));
    match (of_type.as_deref(), last.ident.to_string().as_str()) {
        (Some("Box"), "pin") => Make::Pinned(Box::new(first)),
        (Some(holder), "new") => {
            let holders = ["Box", "Arc", "Rc"];
            match (holders.into_iter().find(|name| *name == holder), first) {
                (Some(holder), Make::Closure(closure)) => Make::Held(holder, closure),
                _ => Make::Unknown,
            }
        }
        (None, "Some") => Make::Mapped(Box::new(first)),
        (_, name)
            if WRAPPERS.contains(&name) && call.args.iter().any(|argument| make(text, argument).is_nameless()) =>
        {
            Make::Lazy
        }
        (None, name) => Make::Call(plain(name)),
        _ => Make::Unknown,
    }
}

fn closure(text: &str, closure: &syn::ExprClosure) -> Option<Closure> {
    let parameter = |input: &Pat| match input {
        Pat::Type(typed) => text.get(typed.ty.span().byte_range()).unwrap_or("_").to_owned(),
        _ => "_".to_owned(),
    };
    let mut mentions = BTreeSet::new();
    mention::identifiers(closure.body.to_token_stream(), &mut mentions);
    // What it binds itself is none of the variables of that name.
    let own = bound_within(|bound| bound.visit_expr_closure(closure));
    mentions.retain(|name| !own.contains(name));
    let output = match &closure.output {
        syn::ReturnType::Type(..) => Make::Unknown,
        syn::ReturnType::Default => make(text, &closure.body),
    };
    Some(Closure {
        range: closure.span().byte_range(),
        parameters: closure.inputs.iter().map(parameter).collect(),
        mentions,
        is_async: closure.asyncness.is_some(),
        output,
    })
}

/// All closures in a statement, for those that only their type points at.
pub(super) fn closures(text: &str, statement: &syn::Stmt, into: &mut Vec<Closure>) {
    struct ClosureFinder<'a>(&'a str, &'a mut Vec<Closure>);
    impl<'ast> Visit<'ast> for ClosureFinder<'_> {
        fn visit_expr_closure(&mut self, node: &'ast syn::ExprClosure) {
            self.1.extend(closure(self.0, node));
            visit::visit_expr_closure(self, node);
        }
        fn visit_item(&mut self, _: &'ast syn::Item) {}
    }
    ClosureFinder(text, into).visit_stmt(statement);
}

/// A closure or an async block that is not `move`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Borrowing {
    /// Where a `move` makes it one, and how that is written there.
    pub(crate) at: usize,
    pub(crate) word: &'static str,
    /// Identifiers that it mentions and does not bind itself.
    pub(crate) mentions: BTreeSet<String>,
}

/// The borrowing values in a `let`.
pub(super) fn borrowing(text: &str, local: &syn::Local, into: &mut Vec<Borrowing>) {
    struct BorrowingFinder<'a>(&'a str, &'a mut Vec<Borrowing>);
    impl BorrowingFinder<'_> {
        fn add(
            &mut self,
            node: &dyn ToTokens,
            start: usize,
            begins: &str,
            behind: usize,
            word: &'static str,
            own: BTreeSet<String>,
        ) {
            if !self.0.get(start..).is_some_and(|text| text.starts_with(begins)) {
                return;
            }
            let mut mentions = BTreeSet::new();
            mention::identifiers(node.to_token_stream(), &mut mentions);
            mentions.retain(|name| !own.contains(name));
            self.1.push(Borrowing { at: start + behind, word, mentions });
        }
    }
    impl<'ast> Visit<'ast> for BorrowingFinder<'_> {
        fn visit_expr_closure(&mut self, node: &'ast syn::ExprClosure) {
            if node.capture.is_none() && node.asyncness.is_none() {
                let own = bound_within(|bound| bound.visit_expr_closure(node));
                self.add(node, node.span().byte_range().start, "|", 0, "move ", own);
            }
            visit::visit_expr_closure(self, node);
        }
        fn visit_expr_async(&mut self, node: &'ast syn::ExprAsync) {
            if node.capture.is_none() {
                let own = bound_within(|bound| bound.visit_expr_async(node));
                self.add(node, node.span().byte_range().start, "async", "async".len(), " move", own);
            }
            visit::visit_expr_async(self, node);
        }
        fn visit_item(&mut self, _: &'ast syn::Item) {}
    }
    if let Some(init) = &local.init {
        BorrowingFinder(text, into).visit_expr(&init.expr);
    }
}

/// The names that patterns within bind.
fn bound_within(visit: impl FnOnce(&mut BoundNames)) -> BTreeSet<String> {
    let mut bound = BoundNames::default();
    visit(&mut bound);
    bound.0
}

/// All names that patterns bind.
#[derive(Default)]
struct BoundNames(BTreeSet<String>);

impl<'ast> Visit<'ast> for BoundNames {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.0.insert(plain(&pattern.ident.to_string()));
        visit::visit_pat_ident(self, pattern);
    }
}

/// Whether a `let` binds one name, without `mut`, to a literal or as a primitive type.
pub(super) fn is_copy(local: &syn::Local) -> bool {
    let literal = |init: &syn::LocalInit| match &*init.expr {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(*unary.expr, Expr::Lit(_)),
        _ => false,
    };
    match &local.pat {
        Pat::Ident(name) => name.mutability.is_none() && local.init.as_ref().is_some_and(literal),
        Pat::Type(typed) => {
            matches!(&*typed.pat, Pat::Ident(name) if name.mutability.is_none())
                && is_copy_type(&typed.ty.to_token_stream().to_string())
        }
        _ => false,
    }
}

/// Whether a type as text is a primitive one, or a reference to text.
pub(crate) fn is_copy_type(type_text: &str) -> bool {
    let primitive = [
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "f32",
        "f64",
        "bool",
        "char",
        "&str",
        "&'static str",
        "std::time::Duration",
        "std::time::Instant",
    ];
    primitive.contains(&type_text)
}
