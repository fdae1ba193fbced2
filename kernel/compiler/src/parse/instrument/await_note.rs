//! What is noted of an `.await`: its text, and where it can be known from the text what is awaited, by which expression.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, Member};

/// Longer texts are cut.
const LONGEST: usize = 60;

/// Methods whose receivers are asked for what they are: channels and their like.
const METHODS: [&str; 11] = [
    "changed",
    "next",
    "notified",
    "notified_owned",
    "recv",
    "recv_many",
    "reserve",
    "reserve_many",
    "reserve_owned",
    "send",
    "wait",
];

/// The same, by which something is held, or which wait for tasks: what they wait for is known as long as they do.
const HOLDING: [&str; 13] = [
    "acquire",
    "acquire_many",
    "acquire_many_owned",
    "acquire_owned",
    "join_next",
    "join_next_with_id",
    "lock",
    "lock_owned",
    "read",
    "read_owned",
    "wait_for",
    "write",
    "write_owned",
];

/// Methods whose futures poll what a stream or a collection has, which may be several futures.
const SEVERAL: [&str; 18] = [
    "collect",
    "concat",
    "count",
    "fold",
    "for_each",
    "for_each_concurrent",
    "forward",
    "next",
    "race",
    "select_next_some",
    "send_all",
    "try_collect",
    "try_concat",
    "try_fold",
    "try_for_each",
    "try_for_each_concurrent",
    "try_next",
    "try_race",
];

/// Functions whose futures poll several others.
const SEVERAL_FUNCTIONS: [&str; 14] = [
    "join",
    "join3",
    "join4",
    "join5",
    "poll_fn",
    "select",
    "select_all",
    "select_ok",
    "try_join",
    "try_join3",
    "try_join4",
    "try_join5",
    "try_select",
    "race",
];

/// Functions whose futures are of no interest by themselves.
const FUNCTIONS: [&str; 6] = ["sleep", "sleep_until", "ctrl_c", "yield_now", "pending", "ready"];

/// The text of an awaited expression as a literal.
pub(super) fn literal(base: &Expr) -> String {
    let wait = if is_place(base) { ".await" } else { "" };
    format!("&{:?}", text(base) + wait)
}

/// The text of a future among others as a literal.
pub(super) fn literal_beside(future: &Expr) -> String {
    format!("&{:?}", text(future))
}

fn text(future: &Expr) -> String {
    match future {
        Expr::Async(_) => "async block".to_owned(),
        future => shown(future.span()),
    }
}

/// The text of a macro call as a literal.
pub(super) fn literal_of_macro(call: &syn::Macro) -> String {
    let path = shown(call.path.span());
    let arguments = shown(call.delimiter.span().join());
    let gap = if matches!(call.delimiter, syn::MacroDelimiter::Brace(_)) { " " } else { "" };
    let text = cut(&format!("{path}!{gap}{arguments}"));
    format!("&{text:?}")
}

fn shown(span: Span) -> String {
    cut(&span.source_text().unwrap_or_default())
}

fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text,
    }
}

/// Whether the receiver of a method of this name is asked for what it is.
fn is_asked(method: &str) -> bool {
    METHODS.contains(&method) || HOLDING.contains(&method)
}

/// What tells a key, as an expression; `None`: nothing is known of it.
pub(super) fn key(base: &Expr) -> Option<String> {
    let asked = match base {
        Expr::Call(call) if super::walk::timed(call, true).is_some() => {
            return Some("::kissaten::__cell::SOME + 1".to_owned());
        }
        Expr::Paren(inner) => return key(&inner.expr),
        Expr::Reference(reference) => &reference.expr,
        Expr::MethodCall(call) if is_asked(&call.method.to_string()) => match &*call.receiver {
            // What is cloned is the same lock.
            Expr::MethodCall(clone) if clone.method == "clone" && clone.args.is_empty() => &clone.receiver,
            receiver => receiver,
        },
        other => other,
    };
    is_place(asked).then(|| format!("{{ use ::kissaten::__cell::awaits::*; (&&Awaits(&{})).key() }}", source(asked)))
}

fn source(expression: &Expr) -> String {
    expression.span().source_text().unwrap_or_default()
}

/// Whether it is a variable or a field: something that can be looked at twice. A comment in it is not copied.
fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Path(path) => path.attrs.is_empty() && path.qself.is_none() && !source(expression).contains("//"),
        Expr::Field(field) => {
            let is_named = matches!(&field.member, Member::Named(_) | Member::Unnamed(_));
            is_named && field.attrs.is_empty() && is_place(&field.base) && !source(expression).contains("//")
        }
        _ => false,
    }
}

/// Whether its future may be several ones, as its name says.
pub(super) fn is_several(future: &Expr) -> bool {
    match future {
        Expr::Paren(inner) => is_several(&inner.expr),
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return false };
            let last = function.path.segments.last().map(|last| last.ident.to_string());
            !call.args.is_empty() && last.is_some_and(|last| SEVERAL_FUNCTIONS.contains(&last.as_str()))
        }
        Expr::MethodCall(call) => SEVERAL.contains(&call.method.to_string().as_str()),
        _ => false,
    }
}

/// Whether it has something when it has ended, or waits for tasks.
pub(super) fn is_holding(future: &Expr) -> bool {
    matches!(future, Expr::MethodCall(call) if HOLDING.contains(&call.method.to_string().as_str()))
}

/// Whether code of a cell may run while that is polled: what it awaits would be taken for what is awaited around it.
pub(super) fn may_run_cells(future: &Expr) -> bool {
    match future {
        Expr::Async(_) | Expr::Reference(_) => true,
        Expr::Paren(inner) => may_run_cells(&inner.expr),
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return true };
            let last = function.path.segments.last().map(|last| last.ident.to_string());
            !last.is_some_and(|last| FUNCTIONS.contains(&last.as_str()))
        }
        Expr::MethodCall(call) => {
            let name = call.method.to_string();
            !is_asked(&name) && name != "tick" && name != "cancelled"
        }
        _ => false,
    }
}

/// What tells a timeline how a future is called, with what it is given where that is short: `brew("mocha")`, `brew(2, …)`. It is
/// 0, and is evaluated before the call.
pub(super) fn names(future: &Expr) -> Option<String> {
    let (name, arguments) = match future {
        Expr::Call(call) => match &*call.func {
            Expr::Path(function) => (function.path.segments.last()?.ident.to_string(), &call.args),
            _ => return None,
        },
        Expr::MethodCall(call) => (call.method.to_string(), &call.args),
        _ => return None,
    };
    let is_few = (1..=3).contains(&arguments.len());
    // What is spawned has its own name.
    if name.starts_with("spawn")
        || !is_few
        || !arguments.iter().any(is_told)
        || is_asked(&name)
        || FUNCTIONS.contains(&name.as_str())
    {
        return None;
    }
    let text = |argument: &Expr| match is_told(argument) {
        true => format!("(&&::kissaten::__cell::Variable(&{})).text()", source(argument)),
        false => "::core::option::Option::None".to_owned(),
    };
    let texts: Vec<String> = arguments.iter().map(text).collect();
    let texts = texts.join(", ");
    Some(format!("{{ use ::kissaten::__cell::probes::*; ::kissaten::__cell::names({name:?}, &[{texts}]) }}"))
}

/// Whether an argument can be looked at before it is given: a literal, a variable, a reference to one.
fn is_told(argument: &Expr) -> bool {
    // `None` alone does not say of which type it is.
    let is_variable =
        |path: &syn::ExprPath| path.qself.is_none() && path.path.get_ident().is_some_and(|name| name != "None");
    match argument {
        Expr::Lit(_) => true,
        Expr::Path(path) => is_variable(path),
        Expr::Reference(of) => matches!(&*of.expr, Expr::Path(path) if is_variable(path)),
        _ => false,
    }
}

/// The same of a function that is given one thing, which no text names.
pub(super) fn names_of_item(function: &syn::Path) -> String {
    let name = function.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    format!(
        "{{ use ::kissaten::__cell::probes::*; \
         ::kissaten::__cell::names({name:?}, &[(&&::kissaten::__cell::Variable(&__kissaten_item)).text()]) }}"
    )
}

/// The call by which a closure makes a future, if it has a name to tell.
pub(super) fn made_by(body: &Expr) -> Option<&Expr> {
    match body {
        Expr::Block(body) => match body.block.stmts.last()? {
            syn::Stmt::Expr(last, None) => made_by(last),
            _ => None,
        },
        call => names(call).map(|_| call),
    }
}

/// `let all: Vec<_> = ….map(…).collect()`, a list that stays as it is made.
pub(super) fn is_list(name: &syn::PatIdent, ascribed: Option<&syn::Type>, made: &Expr) -> bool {
    let is_vec = |written: &syn::Type| match written {
        syn::Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Vec"),
        _ => false,
    };
    let Expr::MethodCall(call) = made else { return false };
    let turbofish = call.turbofish.as_ref().map(|turbofish| &turbofish.args);
    let is_one = |argument: &syn::GenericArgument| matches!(argument, syn::GenericArgument::Type(of) if is_vec(of));
    let is_collected = call.method == "collect"
        && turbofish.map_or_else(|| ascribed.is_some_and(is_vec), |all| all.iter().all(is_one));
    let is_mapped = matches!(&*call.receiver, Expr::MethodCall(map) if map.method == "map" && map.args.len() == 1);
    is_collected && is_mapped && name.mutability.is_none() && name.by_ref.is_none() && name.subpat.is_none()
}

/// `FuturesUnordered<_>` and its like.
pub(super) fn is_collection(written: &syn::Type) -> bool {
    let syn::Type::Path(path) = written else { return false };
    let Some(last) = path.path.segments.last().filter(|last| is_collection_name(&last.ident)) else { return false };
    match &last.arguments {
        syn::PathArguments::None => true,
        syn::PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().all(|argument| matches!(argument, syn::GenericArgument::Type(syn::Type::Infer(_))))
        }
        syn::PathArguments::Parenthesized(_) => false,
    }
}

/// `JoinSet<u32>`
pub(super) fn is_set(written: &syn::Type) -> bool {
    let syn::Type::Path(path) = written else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "JoinSet")
}

/// `….collect::<JoinSet<_>>()`
pub(super) fn collects_set(call: &syn::ExprMethodCall) -> bool {
    let mut arguments = call.turbofish.iter().flat_map(|turbofish| &turbofish.args);
    let is_one = |argument: &syn::GenericArgument| matches!(argument, syn::GenericArgument::Type(of) if is_set(of));
    call.method == "collect" && arguments.next().is_some_and(is_one)
}

fn is_collection_name(name: &syn::Ident) -> bool {
    name == "FuturesUnordered" || name == "FuturesOrdered"
}

/// `FuturesUnordered::new`
pub(super) fn makes_collection(function: &syn::Path) -> bool {
    let mut segments = function.segments.iter().rev();
    let is_new = segments.next().is_some_and(|last| last.ident == "new" && last.arguments.is_none());
    is_new && segments.next().is_some_and(|owner| is_collection_name(&owner.ident) && owner.arguments.is_none())
}

/// `….collect::<FuturesUnordered<_>>()`
pub(super) fn collects(call: &syn::ExprMethodCall) -> bool {
    let arguments = call.turbofish.as_ref().map(|turbofish| &turbofish.args);
    let is_one =
        |argument: &syn::GenericArgument| matches!(argument, syn::GenericArgument::Type(of) if is_collection(of));
    call.method == "collect" && arguments.is_some_and(|arguments| arguments.len() == 1 && arguments.iter().all(is_one))
}
