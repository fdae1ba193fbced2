//! The type of what stands before a dot, as far as names alone tell it: variables, fields, calls of the notebook's own
//! functions, and the few methods that everybody chains.

use super::Knowledge;
use super::cursor::{Token, lex, opening, path};
use super::index::IndexEntry;
use crate::binding;

/// How many variables in a row are looked up by what they were bound to.
const DEEPEST: usize = 16;

impl Knowledge {
    /// The type of the expression that ends these tokens; `all` are those of the cell before it.
    pub(super) fn type_of(&self, tokens: &[Token<'_>], all: &[Token<'_>], depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let (last, before) = tokens.split_last()?;
        let again = |tokens: &[Token<'_>]| self.type_of(tokens, all, depth + 1);
        match last.text {
            "?" => return inner(&again(before)?),
            "]" => return element(&again(&tokens[..opening(tokens)?])?),
            "}" => {
                let (words, _) = path(&tokens[..opening(tokens)?]);
                return self.type_named(&words);
            }
            ")" => {
                let open = opening(tokens)?;
                let (callee, arguments) = (&tokens[..open], &tokens[open + 1..tokens.len() - 1]);
                let (words, before) = path(callee);
                if words.is_empty() {
                    // Only brackets.
                    return again(arguments);
                }
                return match before.split_last() {
                    Some((dot, receiver)) if dot.is(".") => self.returned_by(words[0], &again(receiver)?),
                    _ => self.returned(&words),
                };
            }
            _ => {}
        }
        if !last.is_word() && !matches!(last.kind, ra_ap_rustc_lexer::TokenKind::Literal { .. }) {
            return None;
        }
        match before.split_last() {
            Some((dot, receiver)) if dot.is(".") => {
                let receiver = again(receiver)?;
                if last.is("await") { Some(awaited(receiver)) } else { self.field(last.text, &receiver) }
            }
            _ if last.is("self") => enclosing_impl(all),
            Some((colon, _)) if colon.is(":") => self.type_named(&path(tokens).0),
            _ => self.variable(last.text, all, depth),
        }
    }

    /// The type of a name: of the cell's own, of a variable, of a constant.
    fn variable(&self, name: &str, all: &[Token<'_>], depth: usize) -> Option<String> {
        if let Some(found) = self.local(name, all, depth) {
            return Some(found);
        }
        if let Some(binding) = self.bindings.iter().find(|binding| binding.name == name) {
            return Some(binding.type_text.clone());
        }
        let entry = self.index().root().iter().find(|entry| entry.name == name)?;
        entry.type_text.clone().or_else(|| Some(entry.name.clone()))
    }

    /// What the cell itself says: `let name: T`, `let name = …`, `name: T` among the parameters of a function.
    fn local(&self, name: &str, all: &[Token<'_>], depth: usize) -> Option<String> {
        for index in (0..all.len()).rev() {
            if !all[index].is(name) || index == 0 {
                continue;
            }
            let after = &all[index + 1..];
            let begins = |words: &[&str]| words.iter().any(|word| all[index - 1].is(word));
            let is_let = begins(&["let"]) || begins(&["mut"]) && index > 1 && all[index - 2].is("let");
            let is_typed =
                after.first().is_some_and(|next| next.is(":")) && !after.get(1).is_some_and(|next| next.is(":"));
            if is_typed && (is_let || begins(&["(", ",", "mut", "|"])) {
                return Some(type_text(&after[1..]));
            }
            if is_let && after.first().is_some_and(|next| next.is("=")) {
                let value = &after[1..];
                let mut nested = 0_i32;
                let end = value.iter().position(|token| {
                    match token.text {
                        "(" | "[" | "{" => nested += 1,
                        ")" | "]" | "}" => nested -= 1,
                        _ => {}
                    }
                    nested == 0 && token.is(";")
                });
                let value = &value[..end?];
                return self.type_of(value, &all[..index], depth + 1);
            }
        }
        None
    }

    /// What a path of a type or of one of its variants stands for.
    fn type_named(&self, words: &[&str]) -> Option<String> {
        match words {
            [.., of, variant] if self.index().members(of).iter().any(|entry| entry.name == *variant) => {
                Some((*of).to_owned())
            }
            [.., last] => Some((*last).to_owned()),
            [] => None,
        }
    }

    /// What a call of this path returns.
    fn returned(&self, words: &[&str]) -> Option<String> {
        if let [.., of, function] = words
            && let Some(entry) = self.index().members(of).into_iter().find(|entry| entry.name == *function)
        {
            return Some(with_self(entry.type_text.as_ref()?, of));
        }
        let (name, modules) = words.split_last()?;
        if modules.last().is_some_and(|of| of.starts_with(char::is_uppercase)) && (*name == "new" || *name == "default")
        {
            return Some(modules.join("::"));
        }
        let entry = self.index().modules.get(&modules.join("::"))?.iter().find(|entry| entry.name == *name)?;
        entry.type_text.clone().or_else(|| Some(entry.name.clone()))
    }

    fn returned_by(&self, method: &str, receiver: &str) -> Option<String> {
        let of = base(receiver);
        if let Some(entry) = self.member(&of, method) {
            return Some(with_self(entry.type_text.as_ref()?, &of));
        }
        match method {
            "clone" | "to_owned" | "as_ref" | "as_mut" | "borrow" | "borrow_mut" | "by_ref" | "iter" | "into_iter" => {
                Some(receiver.to_owned())
            }
            "unwrap" | "expect" | "unwrap_or" | "unwrap_or_default" | "unwrap_or_else" | "lock" | "read" | "write" => {
                inner(receiver)
            }
            "first" | "last" | "get" | "pop" | "next" => element(receiver).map(|element| format!("Option<{element}>")),
            _ => None,
        }
    }

    fn field(&self, name: &str, receiver: &str) -> Option<String> {
        self.member(&base(receiver), name)?.type_text.clone()
    }

    fn member(&self, of: &str, name: &str) -> Option<&IndexEntry> {
        self.index().members(of).into_iter().find(|entry| entry.name == name)
    }
}

/// A written type, from behind its colon to what ends it.
fn type_text(tokens: &[Token<'_>]) -> String {
    let mut depth = 0_i32;
    let mut text = String::new();
    for token in tokens {
        match token.text {
            "<" | "(" | "[" => depth += 1,
            ">" | ")" | "]" if depth == 0 => break,
            ">" | ")" | "]" => depth -= 1,
            "=" | ";" | "," | "{" | "|" if depth == 0 => break,
            _ => {}
        }
        text.push_str(token.text);
        if matches!(token.text, "dyn" | "impl" | "mut") {
            text.push(' ');
        }
    }
    text
}

/// The type that the `impl` is of in which these tokens end.
fn enclosing_impl(all: &[Token<'_>]) -> Option<String> {
    let begin = all.iter().rposition(|token| token.is("impl"))?;
    let header: Vec<Token<'_>> = all[begin + 1..].iter().take_while(|token| !token.is("{")).copied().collect();
    let of = header.iter().rposition(|token| token.is("for")).map_or(&header[..], |index| &header[index + 1..]);
    // `impl<T> Point<T>`
    let from = if of.first().is_some_and(|first| first.is("<")) {
        of.iter().position(|token| token.is(">")).map_or(0, |end| end + 1)
    } else {
        0
    };
    Some(type_text(&of[from..])).filter(|text| !text.is_empty())
}

/// The name of the type whose members a value of this type has: references and pointers looked through, paths and arguments
/// left out.
pub(super) fn base(type_text: &str) -> String {
    let mut rest = type_text.trim();
    loop {
        rest = rest.trim_start_matches(['&', '*', '(']).trim_start();
        if let Some(lifetime) = rest.strip_prefix('\'') {
            rest = lifetime.split_once(char::is_whitespace).map_or("", |(_, after)| after);
            continue;
        }
        if let Some(after) = ["mut ", "const ", "dyn ", "impl "].iter().find_map(|word| rest.strip_prefix(word)) {
            rest = after;
            continue;
        }
        let head = rest.split('<').next().unwrap_or_default().trim_end_matches(')');
        let name = head.rsplit("::").next().unwrap_or_default().trim();
        if matches!(name, "Box" | "Arc" | "Rc" | "Pin")
            && let Some(pointed) = argument(rest)
        {
            rest = pointed;
            continue;
        }
        return name.split(['+', ' ']).next().unwrap_or_default().to_owned();
    }
}

/// The first argument in angle brackets.
fn argument(type_text: &str) -> Option<&str> {
    let open = type_text.find('<')?;
    let mut depth = 0_i32;
    for (at, character) in type_text[open..].char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            ',' if depth == 1 => return Some(type_text[open + 1..open + at].trim()),
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(type_text[open + 1..open + at].trim());
        }
    }
    None
}

/// What is in an `Option`, a `Result` or a lock.
fn inner(type_text: &str) -> Option<String> {
    match base(type_text).as_str() {
        "Option" | "Result" | "Mutex" | "RwLock" => {
            let open = type_text.find(&base(type_text))?;
            argument(&type_text[open..]).map(str::to_owned)
        }
        _ => Some(type_text.to_owned()),
    }
}

/// What an index, or the next of an iteration, gives.
fn element(type_text: &str) -> Option<String> {
    let trimmed = type_text.trim_start_matches('&').trim();
    if let Some(array) = trimmed.strip_prefix('[') {
        return array.split([';', ']']).next().map(|element| element.trim().to_owned());
    }
    match base(trimmed).as_str() {
        "HashMap" | "BTreeMap" => {
            let first = argument(trimmed)?;
            let (_, rest) = trimmed.split_once(first)?;
            Some(rest.trim_start_matches(',').trim_end_matches('>').trim().to_owned())
        }
        _ => argument(trimmed).map(str::to_owned),
    }
}

fn awaited(type_text: String) -> String {
    if base(&type_text) == "JoinHandle"
        && let Some(of) = argument(&type_text)
    {
        return format!("Result<{of}, JoinError>");
    }
    type_text
}

/// `Self` is what the method is of.
fn with_self(type_text: &str, of: &str) -> String {
    let (tokens, _) = lex(type_text);
    let mut out = String::new();
    let mut end = 0;
    for token in tokens {
        out.push_str(&type_text[end..token.start]);
        out.push_str(if token.is("Self") { of } else { token.text });
        end = token.end();
    }
    out + &type_text[end..]
}

/// A type for people.
pub(super) fn shown(type_text: &str) -> String {
    binding::shown_type(type_text)
}
