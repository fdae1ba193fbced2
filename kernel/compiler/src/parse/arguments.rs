//! The arguments of well-known macros, as the expressions that they are.
//!
//! To a parser a macro's arguments are tokens. Of the macros here it is known which of them are expressions; of all
//! others nothing is said.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Pat, Token};

/// Expressions in a macro call.
pub(super) struct Arguments {
    /// In the order of the text.
    pub(super) all: Vec<Expr>,
    /// Those of them that the macro polls side by side.
    pub(super) beside: Beside,
}

/// Which arguments are futures that are polled side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    None,
    /// All of them, until all have ended.
    All,
    /// Those at these indices, until one has ended.
    Some(Vec<usize>),
}

/// Macros that take expressions between commas and show nobody their text.
const LISTS: [&str; 17] = [
    "print",
    "println",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "write",
    "writeln",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "assert_eq",
    "assert_ne",
    "debug_assert_eq",
    "debug_assert_ne",
    "pin",
];

/// Macros of std that await nothing but what stands in their arguments.
pub(super) const AWAIT_NOTHING: [&str; 32] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// What is known of a macro's arguments.
///
/// `dbg!` is not among the macros: it prints the text of its argument.
pub(super) fn of(call: &syn::Macro) -> Option<Arguments> {
    let name = call.path.segments.last()?.ident.to_string();
    let tokens = call.tokens.clone();
    let all = match name.as_str() {
        "vec" => repeat.parse2(tokens.clone()).or_else(|_| list.parse2(tokens)).ok()?,
        // Without words of its own an assertion shows its condition.
        "assert" | "debug_assert" => list.parse2(tokens).ok().filter(|all| all.len() > 1)?,
        "matches" => first.parse2(tokens).ok()?,
        "select" => {
            let (all, arms) = select.parse2(tokens).ok()?;
            return Some(Arguments { all, beside: Beside::Some(arms) });
        }
        "join" | "try_join" => biased.parse2(tokens).ok()?,
        name if LISTS.contains(&name) => list.parse2(tokens).ok()?,
        _ => return None,
    };
    let beside = if matches!(name.as_str(), "join" | "try_join") { Beside::All } else { Beside::None };
    Some(Arguments { all, beside })
}

fn list(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    Ok(input.parse_terminated(<Expr as syn::parse::Parse>::parse, Token![,])?.into_iter().collect())
}

fn repeat(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let value = input.parse()?;
    input.parse::<Token![;]>()?;
    Ok(vec![value, input.parse()?])
}

/// What follows is a pattern.
fn first(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let value = input.parse()?;
    input.parse::<TokenStream>()?;
    Ok(vec![value])
}

fn biased(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    skip_biased(input)?;
    list(input)
}

fn skip_biased(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(syn::Ident) && input.peek2(Token![;]) {
        input.parse::<syn::Ident>()?;
        input.parse::<Token![;]>()?;
    }
    Ok(())
}

/// `pattern = future, if condition => handler`, and `else => handler` with the other words for it.
fn select(input: ParseStream<'_>) -> syn::Result<(Vec<Expr>, Vec<usize>)> {
    skip_biased(input)?;
    let (mut all, mut arms) = (Vec::new(), Vec::new());
    while !input.is_empty() {
        let named = (input.peek(Token![else]) || input.peek(syn::Ident)) && input.peek2(Token![=>]);
        if named {
            input.parse::<proc_macro2::TokenTree>()?;
        } else {
            input.call(Pat::parse_multi_with_leading_vert)?;
            input.parse::<Token![=]>()?;
            arms.push(all.len());
            all.push(input.parse()?);
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
                input.parse::<Token![if]>()?;
                all.push(input.parse()?);
            }
        }
        input.parse::<Token![=>]>()?;
        all.push(input.call(Expr::parse_with_earlier_boundary_rule)?);
        input.parse::<Option<Token![,]>>()?;
    }
    Ok((all, arms))
}
