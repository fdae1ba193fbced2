//! The text of an exported notebook: items, then the statements of all cells in one `main`. Which of them fit into one
//! program is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

use crate::items::{Items, LiveItem};
use crate::notebook::history::PastCell;
use crate::parse::{ItemKind, Parsed};
use crate::scope::Arrangement;
use crate::source_map::{Edits, Generated};

/// A part of the program that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// By index among the live imports.
    Import(usize),
    /// By index among the live items.
    Item(usize),
    /// By index in the history.
    Cell(usize),
}

/// The plan of an exported program: how it is to be written. It changes from try to try.
#[derive(Clone, Debug, Default)]
pub(super) struct ProgramPlan {
    /// Parts that do not fit, and why.
    pub(super) left_out: BTreeMap<Part, String>,
    /// Cells whose variables are not ended with them.
    pub(super) open: BTreeSet<usize>,
    /// An error type that takes all errors, in place of `Box<dyn Error>`.
    pub(super) any_error: bool,
}

/// An exported program: its text, and the lines (from 1) of its parts.
#[derive(Debug, Default)]
pub(super) struct ExportedProgram {
    pub(super) text: String,
    parts: Vec<(Range<usize>, Part)>,
    /// Cells whose variables end with them.
    closed: BTreeSet<usize>,
}

/// By what it is known that a file was exported.
pub(super) const FIRST_LINE: &str = "//! A notebook, as Kissaten's `:export` wrote it";

/// The first lines of every exported notebook.
const HEAD: &str = "\
//! A notebook, as Kissaten's `:export` wrote it: the items of all cells, then their statements in the order in which they
//! ran, each cell as it ran last. What differs from the notebook:
//!
//! * of several definitions of a name, all cells use the newest;
//! * a value whose name is bound again lives on to the end of the program;
//! * an error or a `return` of a cell that binds variables ends the program, and so does the end of `main`, whatever
//!   tasks still run;
//! * cells that erred, and what does not compile as a part of one program, are left out, with a comment.
// Cells leave much unused, and end borrows with their variables.
#![allow(unused, dropping_references, dropping_copy_types, redundant_semicolons)]
";

impl ExportedProgram {
    /// Writes the program.
    pub(super) fn new(items: &Items, history: &[PastCell], plan: &ProgramPlan) -> Self {
        let mut program = Self::default();
        program.text.push_str(HEAD);
        program.attributes(history);
        program.text.push_str("\nmod kissaten;\n\n");
        let arrangement = Arrangement::for_program(items);
        let own = |text: &str| text.replacen("use notebook::", "use crate::", 1);
        for (index, live) in arrangement.at_root() {
            let text = own(&live.import.text);
            program.part(Part::Import(index), plan, &text, &text);
        }
        let is_macro = |live: &LiveItem| live.item.kind == ItemKind::Macro;
        let has_main = items.items.iter().any(is_main);
        let of = |text: String| if has_main { without_main(&text) } else { text };
        for macros in [true, false] {
            for (index, live) in items.items.iter().enumerate().filter(|(_, live)| is_macro(live) == macros) {
                let name = format!("{} of {}", live.title(), live.cell.label);
                program.text.push('\n');
                program.part(Part::Item(index), plan, &name, &of(item(live, &arrangement)));
            }
        }
        let error = if plan.any_error { "kissaten::Error" } else { "Box<dyn std::error::Error>" };
        program.text.push_str(&format!("\n#[tokio::main]\nasync fn main() -> Result<(), {error}> {{\n"));
        let names: BTreeSet<&str> = history.iter().flat_map(|entry| &entry.parsed.bindings).map(|b| &*b.name).collect();
        // Imports that newer items or imports have taken the names of.
        for (index, live) in arrangement.in_function() {
            let text = own(&live.import.text);
            program.part(Part::Import(index), plan, &text, &text);
        }
        let ran = history.iter().filter(|entry| entry.success);
        let methods = ran.flat_map(|entry| arrangement.methods_of_statements(&entry.parsed.names, &entry.scope));
        for import in methods.collect::<BTreeSet<String>>() {
            program.text.push_str(&format!("{import}\n"));
        }
        for (index, entry) in history.iter().enumerate() {
            let label = &entry.cell.label;
            if !entry.success {
                program.text.push_str(&format!("// {label} is left out: it did not run to its end.\n\n"));
                continue;
            }
            let ends: &[String] = if plan.open.contains(&index) { &[] } else { &entry.ends };
            if !ends.is_empty() {
                program.closed.insert(index);
            }
            let text = of(statements(entry, ends, &names, error, &arrangement));
            program.part(Part::Cell(index), plan, label, &format!("// {label}\n{text}"));
            program.text.push('\n');
        }
        program.text.push_str("Ok(())\n}\n");
        program
    }

    /// The part on a line, counted from 1.
    pub(super) fn part_at(&self, line: usize) -> Option<Part> {
        self.parts.iter().find(|(lines, _)| lines.contains(&line)).map(|(_, part)| *part)
    }

    /// Whether no variable of a cell is ended with it.
    pub(super) fn ends_nothing(&self, cell: usize) -> bool {
        !self.closed.contains(&cell)
    }

    fn part(&mut self, part: Part, plan: &ProgramPlan, name: &str, text: &str) {
        if let Some(why) = plan.left_out.get(&part) {
            self.text.push_str(&format!("// {name} is left out: {why}.\n"));
            return;
        }
        let begin = self.text.matches('\n').count() + 1;
        self.text.push_str(text.trim_end());
        self.text.push('\n');
        self.parts.push((begin..self.text.matches('\n').count() + 1, part));
    }

    /// What cells said at their heads about all of their code, as far as it can be said about all code.
    fn attributes(&mut self, history: &[PastCell]) {
        let mut seen = BTreeSet::new();
        for entry in history {
            for range in &entry.parsed.inner_attributes {
                let text = &entry.cell.text[range.clone()];
                let words: String = text.chars().filter(|character| !character.is_whitespace()).collect();
                let fits = ["#![allow(", "#![warn(", "#![recursion_limit", "#![type_length_limit"];
                if fits.iter().any(|begin| words.starts_with(begin)) && seen.insert(words) {
                    self.text.push_str(text);
                    self.text.push('\n');
                }
            }
        }
    }
}

/// A live item as it was written, without the members that newer ones have taken the place of.
fn item(live: &LiveItem, arrangement: &Arrangement<'_>) -> String {
    let mut edits = Edits::default();
    if live.item.is_entry {
        edits.extend(&live.item.edits);
    }
    if let ItemKind::Impl { members, .. } = &live.item.kind {
        for index in &live.cut {
            edits.replace(members[*index].range.clone(), "");
        }
    }
    edits.extend(&arrangement.edits(live));
    let mut out = Generated::default();
    edits.copy(&mut out, &live.cell.text, live.item.range.clone());
    out.text().to_owned()
}

fn is_main(live: &LiveItem) -> bool {
    live.item.name.as_ref().is_some_and(|(_, name)| name == "main")
}

/// The statements of a cell, with what it showed.
fn statements(
    entry: &PastCell,
    ends: &[String],
    names: &BTreeSet<&str>,
    error: &str,
    arrangement: &Arrangement<'_>,
) -> String {
    let PastCell { cell, parsed, scope, showed, .. } = entry;
    let text = &cell.text;
    let mut edits = Edits::default();
    let tail = parsed.tail.as_ref().filter(|_| parsed.ok_unit.is_none());
    if let Some(tail) = tail.filter(|_| *showed) {
        edits.insert(tail.start, "kissaten::show!(");
    }
    edits.extend(&parsed.statement_edits);
    match (tail, &parsed.tail) {
        (Some(tail), _) => edits.insert(tail.end, if *showed { ");" } else { ";" }),
        (None, Some(ok)) => edits.replace(ok.clone(), ""),
        (None, None) => {}
    }
    for range in item_ranges(parsed, names) {
        edits.replace(line_of(text, range), "");
    }
    edits.extend(&arrangement.statement_edits(&parsed.names, scope, names));
    let mut out = edits.apply(text, 0..text.len());
    for name in ends {
        out.push_str(&format!("\ndrop({name});"));
    }
    if !mentions(&out, "return") {
        return out;
    }
    if parsed.bindings.is_empty() {
        format!("async {{\n{out}\nOk::<(), {error}>(())\n}}\n.await?;")
    } else {
        format!("// `return` ends the program here.\n{out}")
    }
}

/// What stands among the items. A macro that names variables stays where it sees them as well.
fn item_ranges(parsed: &Parsed, names: &BTreeSet<&str>) -> Vec<Range<usize>> {
    let mut ranges = parsed.item_ranges.clone();
    for item in parsed.items.iter().filter(|item| item.kind == ItemKind::Macro) {
        if !item.mentions.iter().any(|name| names.contains(name.as_str())) {
            ranges.push(item.range.clone());
        }
    }
    ranges
}

/// A range, with the rest of its lines if that is blank.
fn line_of(text: &str, range: Range<usize>) -> Range<usize> {
    let before = &text[..range.start];
    let start = before.trim_end_matches([' ', '\t']).len();
    let behind = &text[range.end..];
    let blank = behind.len() - behind.trim_start_matches([' ', '\t', '\r']).len();
    let ends_line = behind[blank..].starts_with('\n');
    if ends_line && (start == 0 || before[..start].ends_with('\n')) { start..range.end + blank + 1 } else { range }
}

fn mentions(text: &str, word: &str) -> bool {
    fn any(tokens: TokenStream, word: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == word,
            TokenTree::Group(group) => any(group.stream(), word),
            _ => false,
        })
    }
    text.parse().is_ok_and(|tokens| any(tokens, word))
}

/// The program has a `main` of its own.
fn without_main(text: &str) -> String {
    fn rename(tokens: TokenStream, edits: &mut Edits) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if ident == "main" => edits.replace(ident.span().byte_range(), "notebook_main"),
                TokenTree::Group(group) => rename(group.stream(), edits),
                _ => {}
            }
        }
    }
    let mut edits = Edits::default();
    let Ok(tokens) = text.parse() else { return text.to_owned() };
    rename(tokens, &mut edits);
    edits.apply(text, 0..text.len())
}
