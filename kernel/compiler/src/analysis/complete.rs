//! Completions of the notebook's own knowledge.

use std::collections::BTreeSet;

use super::cursor::{Belongs, Cursor, Token};
use super::index::IndexEntry;
use super::{Completion, Completions, Kind, Knowledge, chain, known};

/// A list in which no name comes twice.
struct Matches<'a> {
    word: &'a str,
    seen: BTreeSet<String>,
    matches: Vec<Completion>,
}

impl Matches<'_> {
    fn add(&mut self, text: &str, kind: Kind, signature: impl Into<String>) {
        let begins = text.strip_prefix("r#").unwrap_or(text).starts_with(self.word) || text.starts_with(self.word);
        if begins && self.seen.insert(text.to_owned()) {
            self.matches.push(Completion { text: text.to_owned(), kind, signature: signature.into() });
        }
    }

    fn entry(&mut self, entry: &IndexEntry) {
        let text = if entry.kind == Kind::Macro { format!("{}!", entry.name) } else { entry.name.clone() };
        self.add(&text, entry.kind, one_line(entry));
    }
}

impl Knowledge {
    /// What can stand at the cursor, a number of bytes into the cell. Half-written cells are as good as others; where
    /// nothing is known, or nothing can stand, there are no matches.
    pub fn complete(&self, code: &str, cursor: usize) -> Completions {
        let nothing = Completions { range: cursor..cursor, matches: Vec::new() };
        if !code.is_char_boundary(cursor) {
            return nothing;
        }
        let Some(at) = Cursor::find(code, cursor) else { return nothing };
        let mut found = Matches { word: at.word, seen: BTreeSet::new(), matches: Vec::new() };
        match &at.belongs {
            Belongs::Receiver(receiver) => self.members_of(receiver, &at.before, &mut found),
            Belongs::Path(words) => self.inside(words, &at.before, &mut found),
            Belongs::Free if at.statement_begins_with("use") => self.importable(&mut found),
            Belongs::Free => self.names(&at, &mut found),
        }
        Completions { range: at.start..cursor, matches: found.matches }
    }

    fn members_of(&self, receiver: &[Token<'_>], all: &[Token<'_>], found: &mut Matches<'_>) {
        let Some(type_text) = self.type_of(receiver, all, 0) else { return };
        let mut members = self.index().members(&chain::base(&type_text));
        members.retain(|entry| matches!(entry.kind, Kind::Field | Kind::Method));
        members.sort_by_key(|entry| entry.kind);
        for entry in members {
            found.entry(entry);
        }
    }

    fn inside(&self, words: &[&str], all: &[Token<'_>], found: &mut Matches<'_>) {
        let words: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "crate" | "notebook")).collect();
        let path = words.join("::");
        for entry in self.index().modules.get(&path).into_iter().flatten() {
            found.entry(entry);
        }
        let of = match words.last() {
            Some(&"Self") => self.type_of(&[self_token()], all, 0).map(|text| chain::base(&text)),
            last => last.map(|last| (*last).to_owned()),
        };
        let mut members = of.map(|of| self.index().members(&of)).unwrap_or_default();
        members.retain(|entry| entry.kind != Kind::Field);
        members.sort_by_key(|entry| (entry.kind != Kind::Variant, entry.kind == Kind::Method));
        for entry in members {
            found.entry(entry);
        }
        if let Some((modules, names)) = known::inside(&path) {
            names.iter().for_each(|name| found.add(name, known::kind(name), ""));
            modules.iter().for_each(|name| found.add(name, Kind::Module, ""));
        }
    }

    /// What a `use` can begin with.
    fn importable(&self, found: &mut Matches<'_>) {
        for entry in self.index().root().iter().filter(|entry| entry.kind == Kind::Module) {
            found.entry(entry);
        }
        self.crate_names(found);
    }

    fn crate_names(&self, found: &mut Matches<'_>) {
        for (name, version) in &self.crates {
            found.add(name, Kind::Module, format!("{name} {version}"));
        }
        known::CRATES.iter().for_each(|name| found.add(name, Kind::Module, ""));
    }

    fn names(&self, at: &Cursor<'_>, found: &mut Matches<'_>) {
        if at.statement_begins_with("derive")
            && at.before.iter().rev().take_while(|token| !token.is("derive")).all(|token| !token.is("]"))
        {
            known::DERIVES.iter().for_each(|name| found.add(name, Kind::Trait, ""));
            return;
        }
        if let Some(of) = at.literal_of() {
            for entry in self.index().members(of).into_iter().filter(|entry| entry.kind == Kind::Field) {
                found.entry(entry);
            }
        }
        // A name that is being given has no completion.
        let last = at.before.last().map_or("", |last| last.text);
        if matches!(last, "fn" | "struct" | "enum" | "trait" | "mod" | "union" | "macro_rules") {
            return;
        }
        for (name, kind) in locals(&at.before) {
            found.add(
                name,
                kind,
                self.type_of(&[word(name)], &at.before, 0).map(|t| chain::shown(&t)).unwrap_or_default(),
            );
        }
        for binding in &self.bindings {
            found.add(&binding.name, Kind::Variable, chain::shown(&binding.type_text));
        }
        for entry in self.index().root() {
            found.entry(entry);
        }
        for import in &self.items.imports {
            if let Some(name) = &import.import.name {
                found.add(name, known::kind(name), import.import.text.trim_end_matches(';'));
            }
        }
        // Whoever has written nothing yet gets what is the notebook's own.
        if at.word.is_empty() {
            return;
        }
        self.crate_names(found);
        known::KEYWORDS.iter().for_each(|name| found.add(name, Kind::Keyword, ""));
        known::MACROS.iter().for_each(|name| found.add(name, Kind::Macro, ""));
        known::TYPES.iter().for_each(|name| found.add(name, Kind::Type, ""));
        known::VALUES.iter().for_each(|(name, kind)| found.add(name, *kind, ""));
        known::TRAITS.iter().for_each(|name| found.add(name, Kind::Trait, ""));
    }
}

fn word(name: &str) -> Token<'_> {
    Token { kind: ra_ap_rustc_lexer::TokenKind::Ident, text: name, start: 0 }
}

fn self_token() -> Token<'static> {
    word("self")
}

/// The names that the cell itself gives before the cursor, the newest first: of variables, parameters and items.
fn locals<'a>(tokens: &[Token<'a>]) -> Vec<(&'a str, Kind)> {
    let mut names = Vec::new();
    for index in (1..tokens.len()).rev() {
        let (token, before) = (tokens[index], tokens[index - 1]);
        if !token.is_word() || known::KEYWORDS.contains(&token.text) {
            continue;
        }
        let next = tokens.get(index + 1).map_or("", |next| next.text);
        let kind = match before.text {
            "fn" => Kind::Function,
            "struct" | "enum" | "union" | "type" => Kind::Type,
            "trait" => Kind::Trait,
            "mod" => Kind::Module,
            "const" | "static" => Kind::Constant,
            "let" | "mut" | "ref" | "for" | "|" => Kind::Variable,
            "(" | "," if next == ":" || in_pattern(tokens, index) => Kind::Variable,
            _ => continue,
        };
        if token.text != "_" {
            names.push((token.text, kind));
        }
    }
    names
}

/// Whether a name among brackets is bound by the `let` or `for` before them, or is a closure's parameter.
fn in_pattern(tokens: &[Token<'_>], index: usize) -> bool {
    let before = tokens[..index].iter().rev().take_while(|token| !matches!(token.text, ";" | "=" | "{" | "}"));
    let mut words = before.map(|token| token.text);
    words.any(|word| matches!(word, "let" | "for" | "|"))
        && tokens[index..].iter().take_while(|token| !token.is(";")).any(|token| matches!(token.text, "=" | "in" | "|"))
}

/// The declaration without line breaks, or a field's type alone.
fn one_line(entry: &IndexEntry) -> String {
    match (entry.kind, &entry.type_text) {
        (Kind::Field, Some(type_text)) => type_text.clone(),
        _ => {
            let head = entry.signature.split(['{', ';']).next().unwrap_or_default();
            let words: Vec<&str> = head.split_whitespace().collect();
            words.join(" ").trim_start_matches("pub ").to_owned()
        }
    }
}
