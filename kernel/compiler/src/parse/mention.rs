//! Mentions: the identifiers that a piece of code mentions, by its tokens alone.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

/// All identifiers, also those that a format string captures (`"{name}"`).
pub(crate) fn identifiers(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                into.insert(plain(&ident.to_string()));
            }
            TokenTree::Group(group) => identifiers(group.stream(), into),
            TokenTree::Literal(literal) => captures(&literal.to_string(), into),
            TokenTree::Punct(_) => {}
        }
    }
}

/// An identifier without its `r#`.
pub(crate) fn plain(ident: &str) -> String {
    ident.strip_prefix("r#").unwrap_or(ident).to_owned()
}

fn captures(literal: &str, into: &mut BTreeSet<String>) {
    if !literal.contains('"') {
        return;
    }
    // Also what follows `:` or `.` as in `{:>width$}` is an identifier; taking one too many costs little.
    let is_part = |character: char| character == '_' || character.is_alphanumeric();
    for hole in literal.split('{').skip(1) {
        let hole = hole.split('}').next().unwrap_or("");
        for word in hole.split(|character| !is_part(character)) {
            if word.starts_with(|first: char| first == '_' || first.is_alphabetic()) {
                into.insert(word.to_owned());
            }
        }
    }
}

/// How deep the brackets nest, counted up to just over `limit`; a run of prefix operators nests as well, and one of
/// types that begin in each other's angle brackets.
pub(crate) fn depth(tokens: TokenStream, limit: usize) -> usize {
    let mut level = vec![tokens.into_iter()];
    let mut deepest = 0;
    let mut prefixes = 0;
    // `Option<Option<`: an identifier between two of them goes on with it.
    let (mut angles, mut is_behind_angle) = (0, false);
    while let Some(iterator) = level.last_mut() {
        match iterator.next() {
            Some(TokenTree::Group(group)) => {
                (prefixes, angles) = (0, 0);
                level.push(group.stream().into_iter());
                deepest = deepest.max(level.len() - 1);
            }
            Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '&' | '*' | '!' | '-' | '|') => {
                prefixes += 1;
                deepest = deepest.max(level.len() - 1 + prefixes);
            }
            Some(TokenTree::Punct(punct)) if punct.as_char() == '<' && !is_behind_angle => {
                (angles, is_behind_angle) = (angles + 1, true);
                deepest = deepest.max(level.len() - 1 + angles);
            }
            Some(TokenTree::Ident(_)) if is_behind_angle => is_behind_angle = false,
            Some(_) => (prefixes, angles, is_behind_angle) = (0, 0, false),
            None => {
                level.pop();
            }
        }
        if deepest > limit {
            return deepest;
        }
    }
    deepest
}
