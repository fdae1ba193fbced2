//! The context of the cursor: the word that is being written, and what it belongs to.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, is_id_continue, tokenize};

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self) -> bool {
        matches!(self.kind, TokenKind::Ident | TokenKind::RawIdent | TokenKind::InvalidIdent)
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The tokens of a text, without what is blank and without comments, and whether its end is in the midst of a comment
/// or of a literal, where nothing of Rust can stand.
pub(super) fn lex(text: &str) -> (Vec<Token<'_>>, bool) {
    let mut tokens = Vec::new();
    let (mut start, mut inside) = (0, false);
    for token in tokenize(text, FrontmatterAllowed::No) {
        let end = start + token.len as usize;
        inside = match token.kind {
            TokenKind::LineComment { .. } => true,
            TokenKind::BlockComment { terminated, .. } => !terminated,
            TokenKind::Literal { kind, .. } => is_open(kind),
            _ => false,
        };
        let blank = matches!(
            token.kind,
            TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } | TokenKind::Eof
        );
        if !blank && end > start {
            tokens.push(Token { kind: token.kind, text: &text[start..end], start });
        }
        start = end;
    }
    (tokens, inside)
}

fn is_open(kind: LiteralKind) -> bool {
    match kind {
        LiteralKind::Char { terminated }
        | LiteralKind::Byte { terminated }
        | LiteralKind::Str { terminated }
        | LiteralKind::ByteStr { terminated }
        | LiteralKind::CStr { terminated } => !terminated,
        LiteralKind::RawStr { n_hashes } | LiteralKind::RawByteStr { n_hashes } | LiteralKind::RawCStr { n_hashes } => {
            n_hashes.is_none()
        }
        // Half a number may be a receiver, `1.`, which has nothing of the notebook's.
        LiteralKind::Int { .. } | LiteralKind::Float { .. } => true,
    }
}

/// What the word at the cursor belongs to.
#[derive(Debug)]
pub(super) enum Belongs<'a> {
    /// To nothing: any name.
    Free,
    /// It follows the dot that these tokens end before.
    Receiver(Vec<Token<'a>>),
    /// It goes on a path; its words so far.
    Path(Vec<&'a str>),
}

/// The cursor.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    /// Where the word begins.
    pub(super) start: usize,
    /// As much of it as stands before the cursor.
    pub(super) word: &'a str,
    pub(super) belongs: Belongs<'a>,
    /// All tokens before the word.
    pub(super) before: Vec<Token<'a>>,
}

impl<'a> Cursor<'a> {
    /// `None`: no name can stand there.
    pub(super) fn find(text: &'a str, cursor: usize) -> Option<Self> {
        let text = &text[..cursor];
        let (mut tokens, inside) = lex(text);
        if inside {
            return None;
        }
        let (mut start, mut word) = (cursor, "");
        if let Some(last) = tokens.last().filter(|last| last.is_word() && last.end() == cursor) {
            (start, word) = (last.start, last.text);
            tokens.pop();
        }
        // A lifetime that is being written is no name either.
        if tokens.last().is_some_and(|last| matches!(last.kind, TokenKind::Lifetime { .. }) && last.end() == cursor) {
            return None;
        }
        let belongs = belongs(&tokens);
        Some(Self { start, word, belongs, before: tokens })
    }

    /// The `use` that it stands in, or another word that begins what it is a part of.
    pub(super) fn statement_begins_with(&self, word: &str) -> bool {
        let begin = self.before.iter().rev().find(|token| token.is(";") || token.is("}") || token.is(word));
        begin.is_some_and(|token| token.is(word))
    }

    /// The name before the brace that it stands in, if that may be the literal of a struct: `Point { x: 1, |`.
    pub(super) fn literal_of(&self) -> Option<&'a str> {
        self.before.last().filter(|last| last.is("{") || last.is(","))?;
        let open = open_bracket(&self.before)?;
        let [.., name, brace] = self.before[..=open].as_ref() else { return None };
        (brace.is("{") && name.is_word()).then_some(name.text)
    }

    /// The tokens of what is called where the cursor is among its arguments.
    pub(super) fn callee(&self) -> Option<usize> {
        let mut tokens = self.before.as_slice();
        loop {
            let open = open_bracket(tokens)?;
            tokens = &tokens[..open];
            let last = tokens.last()?;
            if last.is_word() || last.is("!") {
                return Some(last.end());
            }
        }
    }
}

fn belongs<'a>(tokens: &[Token<'a>]) -> Belongs<'a> {
    match tokens {
        [.., before, dot] if dot.is(".") && before.is(".") => Belongs::Free,
        [before @ .., dot] if dot.is(".") => Belongs::Receiver(before.to_vec()),
        [before @ .., first, second] if first.is(":") && second.is(":") && first.end() == second.start => {
            Belongs::Path(path(before).0)
        }
        _ => Belongs::Free,
    }
}

/// The words of the path that ends these tokens, arguments in angle brackets left out, and the tokens before it.
pub(super) fn path<'a, 't>(mut tokens: &'t [Token<'a>]) -> (Vec<&'a str>, &'t [Token<'a>]) {
    let mut words = Vec::new();
    loop {
        if tokens.last().is_some_and(|last| last.is(">")) {
            let mut depth = 0;
            let open = tokens.iter().rposition(|token| {
                depth += i32::from(token.is(">")) - i32::from(token.is("<"));
                depth == 0
            });
            tokens = &tokens[..open.unwrap_or(0)];
            // `Vec::<u8>::`
            if let [before @ .., first, second] = tokens
                && first.is(":")
                && second.is(":")
            {
                tokens = before;
            }
        }
        match tokens {
            [before @ .., word] if word.is_word() => {
                words.insert(0, word.text);
                tokens = before;
            }
            _ => return (words, tokens),
        }
        match tokens {
            [before @ .., first, second] if first.is(":") && second.is(":") => tokens = before,
            _ => return (words, tokens),
        }
    }
}

/// The innermost bracket that is open where these tokens end.
fn open_bracket(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_i32;
    for (index, token) in tokens.iter().enumerate().rev() {
        match token.text {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" if depth == 0 => return Some(index),
            "(" | "[" | "{" => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The index of the bracket that the last of these tokens closes.
pub(super) fn opening(tokens: &[Token<'_>]) -> Option<usize> {
    open_bracket(tokens.split_last()?.1)
}

/// Where the word ends that the cursor is in or at the end of.
pub(super) fn end_of_word(text: &str, cursor: usize) -> usize {
    let rest = &text[cursor..];
    cursor + rest.find(|character| !is_id_continue(character)).unwrap_or(rest.len())
}

/// Where the literal begins that the cursor is in the midst of; `None`: it is in a comment, or in none.
pub(super) fn begin_of_text(text: &str, cursor: usize) -> Option<usize> {
    let (tokens, inside) = lex(&text[..cursor]);
    let last = tokens.last().filter(|last| inside && last.end() == cursor)?;
    matches!(last.kind, TokenKind::Literal { .. }).then_some(last.start)
}
