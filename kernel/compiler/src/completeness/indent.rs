//! How far the next line of an unfinished text is indented: a level for each line that leaves brackets open, and one
//! for a statement that goes on, as rustfmt has it.

use ra_ap_rustc_lexer::TokenKind;

use super::PlacedToken;

/// Spaces of one level.
const LEVEL: usize = 4;

/// Words that open a block of their own, which stands at their own level.
const HEADS: [&str; 19] = [
    "async", "const", "else", "enum", "extern", "fn", "for", "if", "impl", "loop", "match", "mod", "move", "pub",
    "struct", "trait", "union", "unsafe", "while",
];
/// Words that never end what they stand in.
const OPERATORS: [&str; 8] = ["as", "for", "if", "in", "let", "match", "where", "while"];
/// Words of statements that no `}` ends.
const LONG: [&str; 6] = ["let", "break", "return", "static", "type", "use"];

/// A pair of brackets that is open, or the whole text.
struct Group {
    /// Of the line that opens it.
    indent: Option<usize>,
    /// What is unfinished in it.
    statement: Option<Statement>,
}

/// A statement, an argument, an arm: what ends with `;`, `,` or its block.
struct Statement {
    indent: usize,
    /// Whether it opens with a word that opens a block.
    is_head: bool,
    /// Whether it goes on behind a block.
    is_long: bool,
    is_attribute: bool,
    /// Whether its last token lets the next one wait for a line of its own.
    ends_well: bool,
}

/// Leading spaces of the line that the byte at `offset` is on; a tab counts as a level.
pub(super) fn of_line(text: &str, offset: usize) -> usize {
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let spaces = text[start..].chars().take_while(|character| matches!(character, ' ' | '\t'));
    spaces.map(|character| if character == '\t' { LEVEL } else { 1 }).sum()
}

/// The spaces before whatever comes next.
pub(super) fn of_next_line(text: &str, tokens: &[PlacedToken]) -> usize {
    let mut groups = vec![Group { indent: None, statement: None }];
    let mut last = 0;
    for token in tokens {
        if is_trivia(token.kind) {
            continue;
        }
        let word = &text[token.range.clone()];
        last = of_line(text, token.range.start);
        if is_close(token.kind) && groups.len() > 1 {
            groups.pop();
        }
        let Some(group) = groups.last_mut() else { break };
        if matches!(token.kind, TokenKind::Semi | TokenKind::Comma) {
            group.statement = None;
            continue;
        }
        let statement = group.statement.get_or_insert_with(|| Statement {
            indent: last,
            is_head: HEADS.contains(&word),
            is_long: LONG.contains(&word),
            is_attribute: token.kind == TokenKind::Pound,
            ends_well: true,
        });
        statement.ends_well = ends_well(token.kind, word);
        // Not that of `=>`, behind which an arm has its block.
        let is_assignment = token.kind == TokenKind::Eq && !text[token.range.end..].starts_with('>');
        statement.is_long |= is_assignment;
        let ended = match token.kind {
            TokenKind::CloseBrace => !statement.is_long,
            TokenKind::CloseBracket => statement.is_attribute,
            _ => false,
        };
        if ended {
            group.statement = None;
        }
        if is_open(token.kind) {
            groups.push(Group { indent: Some(last), statement: None });
        }
    }
    let Some(Group { indent, statement }) = groups.pop() else { return 0 };
    let inside = indent.map(|indent| indent + LEVEL);
    match statement {
        Some(statement) => {
            let goes_on = !statement.ends_well || (statement.is_long && !statement.is_head);
            inside.unwrap_or(statement.indent) + if goes_on { LEVEL } else { 0 }
        }
        None => inside.unwrap_or(last),
    }
}

fn ends_well(kind: TokenKind, word: &str) -> bool {
    match kind {
        TokenKind::Ident => !OPERATORS.contains(&word),
        TokenKind::RawIdent | TokenKind::Literal { .. } | TokenKind::Lifetime { .. } | TokenKind::Question => true,
        other => is_close(other) || is_open(other),
    }
}

fn is_trivia(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. })
}

fn is_open(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace)
}

fn is_close(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace)
}
