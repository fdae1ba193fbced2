//! Places in the user's text that spans of rustc's lead to, if they do.
//!
//! Answers for macro expansions, for spans that generated text touches, and for the promise that every range it gives
//! lies within its text and between chars. Draws nothing.

use std::ops::Range;

use cargo_metadata::diagnostic::{DiagnosticSpan, DiagnosticSpanMacroExpansion};

use super::SourceMap;

/// A stretch of a user's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) range: Range<usize>,
}

/// The call of a macro to which a place in the macro's body owes its being compiled.
pub(super) struct MacroCall<'a> {
    pub(super) place: Place<'a>,
    pub(super) label: &'static str,
}

/// The innermost place in user text that `span` comes from: its own, or else the macro call that made it.
pub(super) fn place<'a>(
    span: &'a DiagnosticSpan,
    map: &'a dyn SourceMap,
) -> Option<(Place<'a>, Option<MacroCall<'a>>)> {
    let mut span = span;
    let found = loop {
        match own_place(span, map) {
            Some(found) => break found,
            None => span = &span.expansion.as_ref()?.span,
        }
    };
    let invocation = expansions(span).filter_map(|expansion| invocation(expansion, map)).last();
    // Pointing at a call says nothing new where the place is itself a part of that call.
    let invocation = invocation.filter(|MacroCall { place: Place { file, range, .. }, .. }| {
        *file != found.file || found.range.start < range.start || found.range.end > range.end
    });
    Some((found, invocation))
}

/// From the innermost outward.
fn expansions(span: &DiagnosticSpan) -> impl Iterator<Item = &DiagnosticSpanMacroExpansion> {
    std::iter::successors(span.expansion.as_deref(), |expansion| expansion.span.expansion.as_deref())
}

fn invocation<'a>(expansion: &'a DiagnosticSpanMacroExpansion, map: &'a dyn SourceMap) -> Option<MacroCall<'a>> {
    let label = match expansion.macro_decl_name.as_str() {
        name if name.starts_with("#[derive") => "in this derive macro expansion",
        name if name.starts_with("#[") => "in this attribute macro expansion",
        name if name.ends_with('!') => "in this macro invocation",
        // A desugaring (`?`, `.await`, `for`): it spans what the user wrote.
        _ => return None,
    };
    Some(MacroCall { place: own_place(&expansion.span, map)?, label })
}

/// The place of `span` itself. Text that we insert (`pub `) may stand at its start or right behind its end; a span
/// that begins elsewhere is not the user's.
pub(super) fn own_place<'a>(span: &'a DiagnosticSpan, map: &'a dyn SourceMap) -> Option<Place<'a>> {
    /// In chars, how much inserted text a span may begin with.
    const INSERTED: usize = 40;

    let file = span.file_name.as_str();
    let text = map.source(file)?;
    let at = |line: usize, column: usize| {
        let numbered = line > 0 && column > 0;
        numbered.then(|| map.offset(file, line, column)).flatten().map(|offset| floor(text, offset))
    };
    // The place behind a char is known by the char before it where nothing of the user's follows.
    let behind =
        |line, column: usize| at(line, column).or_else(|| Some(following(text, at(line, column.checked_sub(1)?)?)));

    let (first, last) = (span.column_start, span.column_start.saturating_add(INSERTED));
    if (span.line_start, first) == (span.line_end, span.column_end) {
        let spot = at(span.line_start, first)
            .or_else(|| (first..=last).find_map(|column| at(span.line_start, column)))
            .or_else(|| behind(span.line_start, first))?;
        return Some(Place { file, text, range: spot..spot });
    }
    let last = if span.line_start == span.line_end { last.min(span.column_end.saturating_sub(1)) } else { last };
    let start = (first..=last).find_map(|column| at(span.line_start, column))?;
    let end = behind(span.line_end, span.column_end)
        .filter(|end| *end >= start)
        // It begins in the cell and ends in what we put around it.
        .unwrap_or_else(|| text[start..].find(['\r', '\n']).map_or(text.len(), |length| start + length));
    Some(Place { file, text, range: start..end })
}

/// The nearest boundary between chars at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|&offset| text.is_char_boundary(offset)).unwrap_or(0)
}

/// The boundary behind the char at `offset`.
fn following(text: &str, offset: usize) -> usize {
    offset + text[offset..].chars().next().map_or(0, char::len_utf8)
}
