//! Spans with labels, drawn in the user's text.
//!
//! Answers for which of a diagnostic's spans are drawn, and for ranges that the renderer can draw. Knows neither
//! messages nor suggestions.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Snippet};
use cargo_metadata::diagnostic::DiagnosticSpan;

use super::SourceMap;
use super::message::remark;
use super::place::{Place, place};

/// Labels of one message beyond which nobody reads on.
const MOST_SPANS: usize = 40;

/// Something to underline.
#[derive(PartialEq)]
struct Mark<'a> {
    place: Place<'a>,
    label: Option<Cow<'a, str>>,
    primary: bool,
}

/// What one message underlines, in all files.
#[derive(Default)]
pub(super) struct Marks<'a>(Vec<Mark<'a>>);

impl<'a> Marks<'a> {
    pub(super) fn of(spans: &'a [DiagnosticSpan], map: &'a dyn SourceMap) -> Self {
        let mut marks = Self::default();
        let mut calls = Vec::new();
        for span in spans.iter().take(MOST_SPANS) {
            let Some((place, invocation)) = place(span, map) else { continue };
            let label = span.label.as_deref().and_then(|label| remark(label, map)).map(Cow::Owned);
            marks.add(Mark { place: for_drawing(place), label, primary: span.is_primary });
            calls.extend(invocation);
        }
        for call in calls {
            let label = Some(Cow::Borrowed(call.label));
            marks.add(Mark { place: for_drawing(call.place), label, primary: false });
        }
        marks
    }

    /// A label that is not a span's of rustc: a short suggestion.
    pub(super) fn add_label(&mut self, place: Place<'a>, label: String) {
        let place = for_drawing(place);
        match self.0.iter_mut().find(|mark| mark.place == place && mark.label.is_none()) {
            Some(mark) => mark.label = Some(Cow::Owned(label)),
            None => {
                let primary = self.0.iter().any(|mark| mark.primary && mark.place == place);
                self.0.push(Mark { place, label: Some(Cow::Owned(label)), primary });
            }
        }
    }

    /// Several spans become one where a macro call stands for all that it expands to.
    fn add(&mut self, mark: Mark<'a>) {
        if !self.0.contains(&mark) {
            self.0.push(mark);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text that the message is about in the first place.
    pub(super) fn main(&self) -> Option<&Place<'a>> {
        self.0.iter().find(|mark| mark.primary).or(self.0.first()).map(|mark| &mark.place)
    }

    /// One snippet per file, first the one that the message is about.
    pub(super) fn snippets(self) -> Vec<Snippet<'a, Annotation<'a>>> {
        let mut files: Vec<&str> = self.main().map(|place| place.file).into_iter().collect();
        for mark in &self.0 {
            if !files.contains(&mark.place.file) {
                files.push(mark.place.file);
            }
        }
        let mut marks = self.0;
        let mut snippets = Vec::new();
        for file in files {
            let (here, rest): (Vec<_>, Vec<_>) = marks.into_iter().partition(|mark| mark.place.file == file);
            marks = rest;
            snippets.extend(snippet(file, here));
        }
        snippets
    }
}

fn snippet<'a>(file: &'a str, marks: Vec<Mark<'a>>) -> Option<Snippet<'a, Annotation<'a>>> {
    let text = marks.first()?.place.text;
    let start = marks.iter().map(|mark| mark.place.range.start).min()?;
    let end = marks.iter().map(|mark| mark.place.range.end).max()?;
    let lines = Lines::around(text, start..end);
    let annotations = marks.into_iter().map(|mark| {
        let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = mark.label.filter(|label| !label.is_empty());
        kind.span(lines.relative(mark.place.range)).label(label)
    });
    let annotations: Vec<_> = annotations.collect();
    Some(Snippet::source(lines.text).line_start(lines.first).path(file).annotations(annotations))
}

/// Whole lines of a text. The renderer reads all that it is given, many times; a cell may be a megabyte.
pub(super) struct Lines<'a> {
    pub(super) text: &'a str,
    /// The number of the first, counted from 1.
    pub(super) first: usize,
    offset: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn around(text: &'a str, range: Range<usize>) -> Self {
        let offset = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[range.end..].find('\n').map_or(text.len(), |length| range.end + length + 1);
        let first = text[..offset].bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self { text: &text[offset..end], first, offset }
    }

    pub(super) fn relative(&self, range: Range<usize>) -> Range<usize> {
        range.start - self.offset..range.end - self.offset
    }
}

/// A place at the very end of a text is drawn behind its last line, not on the empty one that follows; and the end of
/// a line is not drawn as the start of the next one.
fn for_drawing(mut place: Place<'_>) -> Place<'_> {
    let Range { start, end } = place.range;
    let text_end = place.text.trim_end_matches(['\r', '\n']).len();
    let start = if start > text_end { text_end } else { start };
    let mut end = end.min(text_end).max(start);
    if end > start {
        end = start + place.text[start..end].trim_end_matches(['\r', '\n']).len();
    }
    place.range = start..end;
    place
}
