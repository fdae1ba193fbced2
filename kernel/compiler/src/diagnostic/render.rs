//! Diagnostics as rustc would print them, about the user's text.
//!
//! Answers for the order and the number of what is shown. Which words may be shown, where a span lies and how a
//! suggestion looks is decided elsewhere in this module.

use std::panic::{AssertUnwindSafe, catch_unwind};

use annotate_snippets::{Element, Group, Level, Renderer, Title};
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};

use super::SourceMap;
use super::message::{error_code, origin, placeless, remark, words};
use super::parse::is_error;
use super::place::place;
use super::snippet::Marks;
use super::suggestion::{self, SuggestionStyle};
use crate::Rendered;

/// Nobody reads more, and a macro can make thousands.
const MOST_DIAGNOSTICS: usize = 20;
const MOST_CHILDREN: usize = 12;
/// In characters. A cell can be one line of a megabyte.
const LONGEST_LINE: usize = 2000;

/// Draws `diagnostics` in their order, an empty line between two. `extra_notes` are ours: they stand under rustc's own
/// notes, as `note`, or as `help` if they begin with `help: `.
pub(crate) fn render(
    diagnostics: &[&Diagnostic],
    map: &dyn SourceMap,
    extra_notes: &dyn Fn(&Diagnostic) -> Vec<String>,
) -> Rendered {
    let (plain, ansi) = (Renderer::plain(), Renderer::styled());
    let mut rendered = Rendered::default();
    let (mut errors, mut warnings) = (0, 0);
    for diagnostic in diagnostics {
        let count = if is_error(diagnostic) { &mut errors } else { &mut warnings };
        *count += 1;
        if *count > MOST_DIAGNOSTICS {
            continue;
        }
        let notes = extra_notes(diagnostic);
        let drawn = || {
            let report = report(diagnostic, map, &notes);
            (plain.render(&report), ansi.render(&report))
        };
        // The renderer asserts on what it takes for impossible. The message must arrive all the same.
        let (plain, ansi) = catch_unwind(AssertUnwindSafe(drawn)).unwrap_or_else(|_| {
            let report = [Group::with_title(title(diagnostic, map))];
            (plain.render(&report), ansi.render(&report))
        });
        append(&mut rendered, &plain, &ansi);
    }
    for (count, what) in [(errors, "error"), (warnings, "warning")] {
        if let more @ 1.. = count.saturating_sub(MOST_DIAGNOSTICS) {
            let line = format!("… and {more} more {what}{}", if more == 1 { "" } else { "s" });
            append(&mut rendered, &line, &line);
        }
    }
    rendered
}

fn append(rendered: &mut Rendered, plain: &str, ansi: &str) {
    for (whole, part) in [(&mut rendered.plain, plain), (&mut rendered.ansi, ansi)] {
        if !whole.is_empty() {
            whole.push_str("\n\n");
        }
        for (index, line) in part.split('\n').enumerate() {
            if index > 0 {
                whole.push('\n');
            }
            match line.char_indices().nth(LONGEST_LINE) {
                // A cut line may have lost the end of its colours.
                Some((end, _)) if line.contains('\u{1b}') => whole.push_str(&format!("{}…\u{1b}[0m", &line[..end])),
                Some((end, _)) => whole.push_str(&format!("{}…", &line[..end])),
                None => whole.push_str(line),
            }
        }
    }
}

/// A title and what stands under it, before the renderer's type closes it.
struct Section<'a> {
    title: Title<'a>,
    elements: Vec<Element<'a>>,
}

pub(super) fn report<'a>(diagnostic: &'a Diagnostic, map: &'a dyn SourceMap, notes: &[String]) -> Vec<Group<'a>> {
    let mut marks = Marks::of(&diagnostic.spans, map);
    let head = marks.main().cloned();
    let (suggestions, remarks): (Vec<_>, Vec<_>) =
        diagnostic.children.iter().take(MOST_CHILDREN).partition(|child| suggestion::is_suggestion(child));

    let mut own: Vec<Element<'a>> = labels_elsewhere(&diagnostic.spans, map).collect();
    let mut sections: Vec<Section<'a>> = Vec::new();
    for child in remarks {
        let Some(message) = remark(&child.message, map) else { continue };
        let marks = Marks::of(&child.spans, map);
        if !marks.is_empty() {
            let elements = marks.snippets().into_iter().map(Element::from).collect();
            sections.push(Section { title: level(child.level).secondary_title(message), elements });
            continue;
        }
        // A note on generated text says nothing of the user's. One on a library may.
        if child.spans.iter().any(|span| map.source(&span.file_name).is_some()) {
            continue;
        }
        let message = if child.spans.is_empty() { Some(message) } else { placeless(message) };
        let elements = sections.last_mut().map_or(&mut own, |section| &mut section.elements);
        elements.extend(message.map(|message| level(child.level).message(message).into()));
        elements.extend(labels_elsewhere(&child.spans, map));
    }
    if let Some(origin) = origin(diagnostic).and_then(|origin| remark(origin, map)) {
        let elements = sections.last_mut().map_or(&mut own, |section| &mut section.elements);
        elements.push(Level::NOTE.message(origin).into());
    }
    for child in suggestions {
        let Some(message) = remark(&child.message, map) else { continue };
        let (form, addition) = SuggestionStyle::of(child, diagnostic.rendered.as_deref());
        let message = message + addition;
        match form {
            SuggestionStyle::Hidden => {}
            SuggestionStyle::Sentence => own.push(Level::HELP.message(message).into()),
            SuggestionStyle::Label { code } => {
                let Some((place, replacement)) = suggestion::short(child, map) else { continue };
                let code = if code { format!(": `{replacement}`") } else { String::new() };
                marks.add_label(place, format!("help: {message}{code}"));
            }
            SuggestionStyle::Patch => {
                let elements = suggestion::patches(child, head.as_ref(), map);
                if !elements.is_empty() {
                    sections.push(Section { title: Level::HELP.secondary_title(message), elements });
                }
            }
        }
    }
    own.extend(notes.iter().map(|note| {
        let (level, note) =
            note.strip_prefix("help: ").map_or((Level::NOTE, note.as_str()), |note| (Level::HELP, note));
        Element::from(level.message(annotate_snippets::normalize_untrusted_str(note)))
    }));

    let own = marks.snippets().into_iter().map(Element::from).chain(own).collect();
    let first = Section { title: title(diagnostic, map), elements: own };
    let sections = std::iter::once(first).chain(sections);
    sections.map(|section| Group::with_title(section.title).elements(section.elements)).collect()
}

/// What labels say that point into std: rustc, which mostly cannot show its text either, makes notes of them.
fn labels_elsewhere<'a>(spans: &'a [DiagnosticSpan], map: &'a dyn SourceMap) -> impl Iterator<Item = Element<'a>> {
    let elsewhere = spans.iter().filter(|span| place(span, map).is_none() && is_std(&span.file_name));
    let labels = elsewhere.filter_map(|span| placeless(remark(span.label.as_deref()?, map)?));
    labels.map(|label| Level::NOTE.message(label).into())
}

/// Whether a file is of std. Those of dependencies rustc can show, and their labels are written for that.
fn is_std(file: &str) -> bool {
    file.starts_with('/') && file.contains("/library/")
}

fn title<'a>(diagnostic: &'a Diagnostic, map: &dyn SourceMap) -> Title<'a> {
    let title = level(diagnostic.level).primary_title(words(&diagnostic.message, map));
    match error_code(diagnostic) {
        Some(code) => title.id(code),
        None => title,
    }
}

fn level(level: DiagnosticLevel) -> Level<'static> {
    match level {
        DiagnosticLevel::Error => Level::ERROR,
        DiagnosticLevel::Ice => Level::ERROR.with_name("error: internal compiler error"),
        DiagnosticLevel::Warning => Level::WARNING,
        DiagnosticLevel::Help => Level::HELP,
        _ => Level::NOTE,
    }
}
