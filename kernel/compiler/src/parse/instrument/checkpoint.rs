//! Checkpoints, and where one can stand: at the head of a body, unless the compiler runs it or a foreign caller does.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::spanned::Spanned;

/// Where a block's first statement can be put.
pub(super) fn head(block: &syn::Block, attributes: &[syn::Attribute]) -> usize {
    let open = block.brace_token.span.open().byte_range().end;
    if !attributes.iter().any(|attribute| matches!(attribute.style, syn::AttrStyle::Inner(_))) {
        return open;
    }
    // Not right behind the attributes: the last may be a comment, which ends with its line.
    match block.stmts.first() {
        Some(first) => first.span().byte_range().start,
        None => block.brace_token.span.close().byte_range().start,
    }
}

/// Whether a function can be left by a panic: one that others than Rust call cannot.
pub(super) fn can_unwind(signature: &syn::Signature) -> bool {
    let Some(abi) = &signature.abi else { return true };
    abi.name.as_ref().is_some_and(|name| name.value() == "Rust")
}

/// Whether an attribute may make something else of what it stands on, so that the text says little about it.
pub(super) fn is_opaque(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| !is_known(attribute))
}

fn is_known(attribute: &syn::Attribute) -> bool {
    const KNOWN: [&str; 32] = [
        "allow",
        "async_trait",
        "automatically_derived",
        "cfg",
        "cfg_attr",
        "clippy",
        "cold",
        "deny",
        "deprecated",
        "derive",
        "diagnostic",
        "doc",
        "expect",
        "export_name",
        "forbid",
        "ignore",
        "inline",
        "instrument",
        "link_section",
        "macro_export",
        "macro_use",
        "must_use",
        "no_mangle",
        "non_exhaustive",
        "path",
        "repr",
        "rustfmt",
        "should_panic",
        "target_feature",
        "test",
        "track_caller",
        "warn",
    ];
    let path: Vec<String> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    let first = path.first().map_or("", String::as_str);
    let last = path.last().map_or("", String::as_str);
    match &attribute.meta {
        // `unsafe(no_mangle)`: a function whose body is all assembler is another matter.
        syn::Meta::List(list) if first == "unsafe" => !list.tokens.to_string().starts_with("naked"),
        _ => KNOWN.contains(&first) || KNOWN.contains(&last) || first == "tokio" && matches!(last, "main" | "test"),
    }
}

/// The heads of loops in what a `macro_rules!` writes.
pub(super) fn in_rules(rules: TokenStream, found: &mut dyn FnMut(usize)) {
    let tokens: Vec<TokenTree> = rules.into_iter().collect();
    for window in tokens.windows(3) {
        if let [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Group(body)] = window
            && first.as_char() == '='
            && second.as_char() == '>'
            && !mentions_const(body.stream())
        {
            in_tokens(body.stream(), found);
        }
    }
}

/// Code that the compiler runs has no checkpoints; where it begins and ends, tokens do not say.
fn mentions_const(tokens: TokenStream) -> bool {
    let mut pointer = false;
    tokens.into_iter().any(|token| {
        let is_const = match &token {
            TokenTree::Ident(word) => word == "const" && !pointer,
            TokenTree::Group(group) => mentions_const(group.stream()),
            _ => false,
        };
        pointer = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '*');
        is_const
    })
}

fn in_tokens(tokens: TokenStream, found: &mut dyn FnMut(usize)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(keyword) => {
                if let Some(body) = loop_body(&keyword.to_string(), &tokens[index + 1..]) {
                    found(body.span_open().byte_range().end);
                }
            }
            TokenTree::Group(group) if !is_macro_call(&tokens[..index]) => in_tokens(group.stream(), found),
            _ => {}
        }
    }
}

/// The body of the loop that a keyword begins, if what follows it leaves no doubt.
fn loop_body<'a>(keyword: &str, rest: &'a [TokenTree]) -> Option<&'a Group> {
    let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let index = rest.iter().position(is_body)?;
    let (head, TokenTree::Group(body)) = (&rest[..index], rest.get(index)?) else { return None };
    let has = |words: &[&str]| {
        head.iter().any(|token| matches!(token, TokenTree::Ident(ident) if words.iter().any(|word| ident == word)))
    };
    let is_loop = match keyword {
        "loop" => head.is_empty(),
        // A condition with a block in it, or a macro call with braces.
        "while" | "for" if has(&["match", "if", "unsafe", "async", "loop"]) || is_macro_call(head) => false,
        "while" => !head.is_empty(),
        // Not that of `impl … for …` or `for<'a>`.
        "for" => has(&["in"]) && !rest.get(index + 1).is_some_and(is_body),
        _ => false,
    };
    is_loop.then_some(body)
}

/// Whether a group behind these tokens is a macro's arguments, which may be in any grammar.
fn is_macro_call(before: &[TokenTree]) -> bool {
    let is_bang = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!');
    let is_keyword = |word: &proc_macro2::Ident| ["if", "while", "match", "in", "return"].iter().any(|one| word == one);
    match before {
        [.., TokenTree::Ident(name), bang] => is_bang(bang) && !is_keyword(name),
        // `macro_rules! name { … }`
        [.., TokenTree::Ident(name), bang, TokenTree::Ident(_)] => is_bang(bang) && name == "macro_rules",
        _ => false,
    }
}
