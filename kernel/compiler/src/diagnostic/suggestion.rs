//! Suggestions: what rustc would write instead.
//!
//! Answers for telling alternatives from the parts of one edit, which rustc's JSON does not, for the form in which
//! rustc itself would show a suggestion, and for `use` lines, whose place in a cell is always its head.

use std::ops::Range;

use annotate_snippets::{Element, Level, Patch, Snippet};
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::SourceMap;
use super::message::remark;
use super::place::{Place, own_place};
use super::snippet::Lines;

/// As many as rustc shows.
const MOST_ALTERNATIVES: usize = 4;

/// In bytes. The renderer cuts long lines of snippets, but not of edits; a cell may be one line of a megabyte.
const LONGEST_EDIT: usize = 5_000;

/// The style in which rustc shows a suggestion to people. The JSON does not say; the text that rustc rendered beside it does.
pub(super) enum SuggestionStyle {
    /// Below, with the changed code.
    Patch,
    /// As a label at its place, with the code that is to stand there or without.
    Label { code: bool },
    /// Only the sentence.
    Sentence,
    /// It is for tools.
    Hidden,
}

pub(super) fn is_suggestion(child: &Diagnostic) -> bool {
    child.spans.iter().any(|span| span.suggested_replacement.is_some())
}

impl SuggestionStyle {
    /// With it, what rustc adds to the sentence: ` (notice the capitalization)`.
    pub(super) fn of<'d>(child: &Diagnostic, rendered: Option<&'d str>) -> (Self, &'d str) {
        let Some(rendered) = rendered else { return (Self::Patch, "") };
        let help = format!("help: {}", child.message.lines().next().unwrap_or_default());
        let found = rendered.lines().find_map(|line| Some((line, line.find(&help)?)));
        let Some((line, at)) = found else { return (Self::Hidden, "") };
        let rest = &line[at + help.len()..];
        let addition = match rest.find(')') {
            Some(end) if rest.starts_with(" (notice the ") => &rest[..=end],
            _ => "",
        };
        let form = if at == 0 {
            Self::Patch
        } else if line[..at].trim_end().ends_with('=') {
            Self::Sentence
        } else {
            Self::Label { code: rest[addition.len()..].starts_with(": `") }
        };
        (form, addition)
    }
}

/// For [`SuggestionStyle::Label`]: the place, and the code that is to stand there.
pub(super) fn short<'a>(child: &'a Diagnostic, map: &'a dyn SourceMap) -> Option<(Place<'a>, String)> {
    let span = child.spans.first()?;
    let code = remark(span.suggested_replacement.as_deref()?, map)?;
    Some((own_place(span, map)?, code.trim().to_owned()))
}

/// For [`SuggestionStyle::Patch`]: the changed code of each alternative. Empty if none of them is in a user's text. `head` is
/// where the diagnostic itself points, if anywhere.
pub(super) fn patches<'a>(child: &'a Diagnostic, head: Option<&Place<'a>>, map: &'a dyn SourceMap) -> Vec<Element<'a>> {
    let mut elements: Vec<Element<'a>> = Vec::new();
    let mut others = 0;
    for parts in alternatives(&child.spans) {
        let Some(snippet) = edit(parts, head, map) else { continue };
        if elements.len() < MOST_ALTERNATIVES {
            elements.push(snippet.into());
        } else {
            others += 1;
        }
    }
    match others {
        0 => {}
        1 => elements.push(Level::NOTE.no_name().message("and 1 other candidate").into()),
        _ => elements.push(Level::NOTE.no_name().message(format!("and {others} other candidates")).into()),
    }
    elements
}

/// rustc lists the parts of all alternatives one after another. The parts of one edit never overlap, so where one does
/// with an earlier one, the next alternative begins.
fn alternatives(spans: &[DiagnosticSpan]) -> Vec<&[DiagnosticSpan]> {
    let overlap = |one: &DiagnosticSpan, other: &DiagnosticSpan| {
        let same = one.byte_start == other.byte_start && one.byte_end == other.byte_end;
        let apart = one.byte_end <= other.byte_start || other.byte_end <= one.byte_start;
        one.file_name == other.file_name && (same || !apart)
    };
    let mut alternatives = Vec::new();
    let mut first = 0;
    for (next, span) in spans.iter().enumerate() {
        if spans[first..next].iter().any(|earlier| overlap(earlier, span)) {
            alternatives.push(&spans[first..next]);
            first = next;
        }
    }
    alternatives.push(&spans[first..]);
    alternatives
}

fn edit<'a>(
    parts: &'a [DiagnosticSpan],
    head: Option<&Place<'a>>,
    map: &'a dyn SourceMap,
) -> Option<Snippet<'a, Patch<'a>>> {
    let edits: Option<Vec<(Place<'a>, String)>> = parts.iter().map(|part| part_of_edit(part, head, map)).collect();
    let mut edits = edits?;
    edits.sort_by_key(|(place, _)| (place.range.start, place.range.end));
    let Place { file, text, .. } = edits.first()?.0;
    // What was apart in the generated text is so in the user's; the renderer fails on anything else.
    let apart = edits.windows(2).all(|pair| {
        let [(one, _), (next, _)] = pair else { return true };
        one.file == next.file && one.range.end <= next.range.start
    });
    let something = edits.iter().any(|(place, code)| place.text[place.range.clone()] != **code);
    if !apart || !something {
        return None;
    }
    let covered = text_range(&edits)?;
    let lines = Lines::around(text, covered);
    if lines.text.len() + edits.iter().map(|(_, code)| code.len()).sum::<usize>() > LONGEST_EDIT {
        return None;
    }
    let patches: Vec<_> =
        edits.into_iter().map(|(place, code)| Patch::new(lines.relative(place.range), code)).collect();
    Some(Snippet::source(lines.text).line_start(lines.first).path(file).patches(patches))
}

fn text_range(edits: &[(Place<'_>, String)]) -> Option<Range<usize>> {
    Some(edits.first()?.0.range.start..edits.last()?.0.range.end)
}

fn part_of_edit<'a>(
    part: &'a DiagnosticSpan,
    head: Option<&Place<'a>>,
    map: &'a dyn SourceMap,
) -> Option<(Place<'a>, String)> {
    let code = map.clean(part.suggested_replacement.as_deref()?);
    remark(&code, map)?;
    if let Some(place) = own_place(part, map) {
        return Some((place, code));
    }
    // rustc would import at the head of the generated file. The user does it at the head of the cell.
    let line = code.trim();
    let imports = line.starts_with("use ") && line.ends_with(';') && !line.contains('\n');
    let head = head.filter(|_| imports)?;
    let first = head.text.len() - head.text.trim_start().len();
    let first = head.text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    Some((Place { range: first..first, ..head.clone() }, format!("{line}\n")))
}
