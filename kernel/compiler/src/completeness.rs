//! The completeness of a cell's text, as far as it is typed: what a console asks at every Enter.
//!
//! The lexer says whether a string, a comment or a bracket is open, and the parser whether what stands there so far is
//! the beginning of something. What it would mean is not looked at, nor what earlier cells defined.

mod indent;

use std::ops::Range;

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, RawStrError, TokenKind, tokenize, validate_raw_str};
use syn::parse::{Parse, Parser};

use crate::command::{OPEN_TABLE, is_other_code, split_commands};
use crate::parse::{self, Body};

/// What can be done with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Run it.
    Complete,
    /// Go on typing, on a line that begins with this many spaces.
    Incomplete { indent: usize },
    /// Whatever is typed behind it, it does not become Rust.
    Invalid,
}

/// Whether a cell can be run. A cell of commands alone can, and so can an empty one; below a `%%command`, which is about
/// the code of its cell, code is waited for until an empty line.
///
/// Blocks for as long as the text is long, as parsing it does.
pub fn completeness(text: &str) -> Completeness {
    let (commands, code) = split_commands(text);
    if commands.iter().any(|command| command.name == "script_deps" && command.argument == OPEN_TABLE) {
        return Completeness::Incomplete { indent: 0 };
    }
    if code.trim().is_empty() {
        let awaits_code = commands.last().is_some_and(|command| command.whole_cell) && !has_empty_end(text);
        return if awaits_code { Completeness::Incomplete { indent: 0 } } else { Completeness::Complete };
    }
    if commands.last().is_some_and(|command| command.whole_cell && is_other_code(&command.name)) {
        // Nothing but an empty line ends what is no Rust.
        return if has_empty_end(text) { Completeness::Complete } else { Completeness::Incomplete { indent: 0 } };
    }
    if is_open_table(&code) {
        return Completeness::Incomplete { indent: 0 };
    }
    parse::on_large_stack(|| of_code(&code)).unwrap_or(Completeness::Invalid)
}

/// Whether a table between fences begins, and does not end.
fn is_open_table(code: &str) -> bool {
    code.trim_start().lines().next().is_some_and(|line| ["---", "---cargo"].contains(&line.trim_end()))
}

/// Whether the last line is empty, and is not the only one.
pub fn has_empty_end(text: &str) -> bool {
    text.rsplit_once('\n').is_some_and(|(_, last)| last.trim().is_empty())
}

/// A token and where it stands.
struct PlacedToken {
    kind: TokenKind,
    range: Range<usize>,
}

fn of_code(text: &str) -> Completeness {
    let mut tokens = Vec::new();
    let mut open: Vec<char> = Vec::new();
    let mut from = 0;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let range = from..from + token.len as usize;
        from = range.end;
        match token.kind {
            TokenKind::BlockComment { terminated: false, .. } => {
                return Completeness::Incomplete { indent: indent::of_line(text, text.len()) };
            }
            TokenKind::Literal { kind, .. } => match literal(kind, &text[range.clone()]) {
                Literal::Whole => {}
                // Spaces would become a part of it.
                Literal::Open => return Completeness::Incomplete { indent: 0 },
                Literal::Wrong => return Completeness::Invalid,
            },
            TokenKind::OpenParen => open.push(')'),
            TokenKind::OpenBracket => open.push(']'),
            TokenKind::OpenBrace => open.push('}'),
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace
                if open.pop().is_none_or(|closing| !text[range.clone()].starts_with(closing)) =>
            {
                return Completeness::Invalid;
            }
            TokenKind::Unknown
            | TokenKind::InvalidIdent
            | TokenKind::UnknownPrefix
            | TokenKind::UnknownPrefixLifetime
            | TokenKind::GuardedStrPrefix => return Completeness::Invalid,
            _ => {}
        }
        tokens.push(PlacedToken { kind: token.kind, range });
    }
    // Closed as it would be in the end, so that the parser sees what is inside.
    let closed = format!("{text}\n{}", open.iter().rev().collect::<String>());
    match parsed(&closed, text.trim_end().len()) {
        Verdict::Whole if open.is_empty() => Completeness::Complete,
        Verdict::Wrong => Completeness::Invalid,
        Verdict::Whole | Verdict::Unfinished => {
            Completeness::Incomplete { indent: indent::of_next_line(text, &tokens) }
        }
    }
}

/// Whether everything in a text that opens is closed, and nothing else is: brackets, strings, comments. What rustc says
/// about a text that is not so is about the text as a whole.
pub(crate) fn is_balanced(text: &str) -> bool {
    let mut open: Vec<char> = Vec::new();
    let mut from = 0;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let range = from..from + token.len as usize;
        from = range.end;
        match token.kind {
            TokenKind::BlockComment { terminated: false, .. } => return false,
            TokenKind::Literal { kind, .. } if !matches!(literal(kind, &text[range.clone()]), Literal::Whole) => {
                return false;
            }
            TokenKind::OpenParen => open.push(')'),
            TokenKind::OpenBracket => open.push(']'),
            TokenKind::OpenBrace => open.push('}'),
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace
                if open.pop().is_none_or(|closing| !text[range.clone()].starts_with(closing)) =>
            {
                return false;
            }
            _ => {}
        }
    }
    open.is_empty()
}

enum Literal {
    Whole,
    Open,
    Wrong,
}

fn literal(kind: LiteralKind, text: &str) -> Literal {
    let raw = |prefix_length: u32| match validate_raw_str(text, prefix_length) {
        Ok(()) => Literal::Whole,
        Err(RawStrError::NoTerminator { .. }) => Literal::Open,
        Err(_) => Literal::Wrong,
    };
    match kind {
        LiteralKind::Str { terminated: false }
        | LiteralKind::ByteStr { terminated: false }
        | LiteralKind::CStr { terminated: false } => Literal::Open,
        // These end with their line.
        LiteralKind::Char { terminated: false } | LiteralKind::Byte { terminated: false } => Literal::Wrong,
        LiteralKind::RawStr { n_hashes: None } => raw(1),
        LiteralKind::RawByteStr { n_hashes: None } | LiteralKind::RawCStr { n_hashes: None } => raw(2),
        _ => Literal::Whole,
    }
}

/// The parser's verdict on a text.
enum Verdict {
    Whole,
    Unfinished,
    Wrong,
}

/// What the parser says of a text of which the first `length` bytes are the user's.
fn parsed(text: &str, length: usize) -> Verdict {
    let Ok(tokens) = text.parse::<proc_macro2::TokenStream>() else { return Verdict::Wrong };
    if parse::is_too_deep(&tokens) {
        return Verdict::Wrong;
    }
    let Err(error) = Body::parse.parse2(tokens) else { return Verdict::Whole };
    // It misses something at the end of everything, which is nowhere, or before one of the brackets that are not the user's.
    let place = error.span().byte_range();
    if place.is_empty() || place.start >= length { Verdict::Unfinished } else { Verdict::Wrong }
}

#[cfg(test)]
mod tests;
