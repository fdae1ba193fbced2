//! The lowering of a cell: from its parts to the files that rustc is given.
//!
//! Three kinds of files are written here: the root of the items crate, the items of a cell, and the statements of
//! a cell with what goes around them. User text stands on the lines that it has in the cell, so all that comes
//! before it is on its first line.

mod declare;
mod items;
mod keep;
mod loan;
mod tail;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

use crate::binding::Binding;
use crate::boxing::Plan;
use crate::items::{Items, LiveImport};
use crate::loan::lasting;
use crate::parse::{Form, Parsed};
use crate::scope::Arrangement;
use crate::source_map::{Edits, Generated, Region};

use declare::take_over;
pub(crate) use declare::{MovedVariable, Owned};
pub(crate) use items::{ItemsFile, items_files, items_root, symbol};
use keep::end_part;
pub(crate) use loan::{Loans, Stays};
pub(crate) use tail::ASKED;

/// Which error type a `?` at the top level turns into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    /// Has words for people.
    Display,
    /// Is only `Debug`.
    Debug,
}

/// What goes around the statements of a cell; the part of a compile that changes from try to try.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    /// The symbol of the entry point.
    pub(crate) entry: &'a str,
    /// Variables that the cell mentions.
    pub(crate) take: Vec<Binding>,
    /// Of these, the ones that go back.
    pub(crate) put_back: Vec<Binding>,
    /// New variables that are kept.
    pub(crate) keep: Vec<&'a str>,
    /// Where the parts of the statements begin but the first: each is a guarded block within the one before, so what that
    /// has made is kept also where this ends early.
    pub(crate) parts: Vec<usize>,
    /// In which part, counted from 0, a variable is kept; those that are missing in the first.
    pub(crate) levels: BTreeMap<&'a str, usize>,
    /// Variables that the cell only awaits, and where: they go back unless they come to their ends.
    pub(crate) lent: Vec<(&'a str, Range<usize>)>,
    /// New variables that the cell moves, and where their types can be asked for.
    pub(crate) asked: Vec<(&'a str, usize)>,
    /// Variables that a part takes over from the one before, because it moves them and fills them again.
    pub(crate) owned: Vec<Owned<'a>>,
    /// The types of those among them of which a part could be of several crates.
    pub(crate) spelled: BTreeMap<&'a str, &'a str>,
    /// How those of them are boxed whose types have no name.
    pub(crate) boxing: Option<&'a BTreeMap<String, Plan>>,
    /// Statements of earlier cells that waited for this one, each with a variable that it binds.
    pub(crate) opened: Vec<(&'a str, &'a str)>,
    /// Statements of this cell that wait for a later one.
    pub(crate) postponed: Vec<Range<usize>>,
    /// Words that the statements get: where, and which.
    pub(crate) moves: Vec<(usize, &'static str)>,
    /// New variables that borrow from kept ones, and end before those are moved into the store.
    pub(crate) end: Vec<&'a str>,
    /// Older variables that go when the others are kept: a newer one of their name is not.
    pub(crate) forget: Vec<&'a str>,
    /// Variables that an earlier cell moved.
    pub(crate) moved: Vec<MovedVariable<'a>>,
    /// Variables that are lent and in the way, declared for rustc's words.
    pub(crate) declared: Vec<&'a Binding>,
    /// What becomes of variables that borrow.
    pub(crate) loans: Loans<'a>,
    pub(crate) error_type: ErrorType,
    /// Imports of earlier cells that this one goes without.
    pub(crate) leave_out: &'a BTreeSet<String>,
    /// Imports of single names that two globs of earlier cells bring.
    pub(crate) prefer: &'a BTreeSet<String>,
    /// Whether the statements are compiled as a part of the items crate.
    pub(crate) in_items_crate: bool,
    /// The text that takes the code of the dependencies from where it is, if the cell names one.
    pub(crate) layer: Option<&'a str>,
    /// Whether there is an items crate to link to.
    pub(crate) has_items: bool,
    /// How the statements are instrumented, if they are.
    pub(crate) form: Option<Form>,
    /// How values of packages are shown that do not say it themselves.
    pub(crate) adapters: Vec<(String, String)>,
    /// Whether the type of the tail expression is asked for.
    pub(crate) show_type: bool,
    /// Whether the tail expression is shown by its `Debug` whatever it is, as its type is settled last of all.
    pub(crate) shows_debug: bool,
    /// Whether the statements are a closure that is called, and no future: they await nothing.
    pub(crate) is_plain: bool,
    /// Whether older variables are the statements' own and end with them: rustc then says of a move out of one what it says
    /// of any, which it does not where a block around takes it along. Nothing of this is run.
    pub(crate) is_flat: bool,
}

impl Frame<'_> {
    /// Puts the statements into one block without parts, as a function has them: for rustc's words, not for running.
    pub(crate) fn flatten(&mut self) {
        (self.is_flat, self.is_plain) = (true, false);
        self.parts.clear();
        self.levels.clear();
        self.lent.clear();
        self.owned.clear();
    }

    /// The beginning of a part: it is guarded, so how it ends is written down.
    fn part(&self) -> &'static str {
        match (self.is_plain, self.error_type) {
            (true, ErrorType::Display) => "{ ::kissaten::__cell::guarded(::std::boxed::Box::new(|| { ",
            (true, ErrorType::Debug) => "{ ::kissaten::__cell::guarded_debug(::std::boxed::Box::new(|| { ",
            (false, _) => "{ let __kissaten_body = ::core::pin::pin!(async { ",
        }
    }

    /// The end of a part, behind its brace.
    fn end_of_part(&self) -> &'static str {
        match (self.is_plain, self.error_type) {
            (true, _) => ")); }\n",
            (false, ErrorType::Display) => "); ::kissaten::__cell::Guarded(__kissaten_body).await; }\n",
            (false, ErrorType::Debug) => "); ::kissaten::__cell::GuardedDebug(__kissaten_body).await; }\n",
        }
    }
}

/// The statements of a cell as a function that returns what is run.
pub(crate) fn statements(text: &str, parsed: &Parsed, items: &Items, serial: u64, frame: &Frame<'_>) -> Generated {
    let mut out = Generated::default();
    head(&mut out, text, parsed, items, serial, frame);
    body(&mut out, text, parsed, frame);
    foot(&mut out, frame);
    out
}

fn head(out: &mut Generated, text: &str, parsed: &Parsed, items: &Items, serial: u64, frame: &Frame<'_>) {
    if !frame.in_items_crate {
        for attribute in &parsed.inner_attributes {
            // Our own text has to pass; and what documents a file documents nothing here.
            let words = &text[attribute.clone()];
            let is_comment = words.contains("//") || words.starts_with("/*");
            if !is_comment && !words.contains("unsafe_code") {
                // On one line, or all the lines after it would move.
                let mut at = attribute.start;
                for line in words.split_inclusive('\n') {
                    out.copy(text, at..at + line.trim_end_matches(['\r', '\n']).len());
                    out.push(" ");
                    at += line.len();
                }
            }
        }
        out.push("#[macro_use] extern crate kissaten; ");
        out.push(frame.layer.unwrap_or_default());
        if frame.has_items {
            out.push("extern crate notebook; use notebook::*; ");
        }
        // The cell's own are left where they stand, but crates are named at the root.
        let is_earlier = |live: &LiveImport| {
            (live.cell.serial != serial || live.import.is_crate()) && !frame.leave_out.contains(&live.import.text)
        };
        let earlier = items.imports.iter().enumerate().filter(|(_, live)| is_earlier(live));
        for (index, live) in in_stable_order(earlier) {
            out.push_region(&live.import.text, Region::Import(index));
            out.push(" ");
        }
    }
    out.push("#[unsafe(no_mangle)] pub fn ");
    out.push(frame.entry);
    out.push("() -> ::kissaten::__cell::Program { ");
    if frame.in_items_crate {
        for (index, live) in in_stable_order(Arrangement::of(items, Some((frame.leave_out, serial))).in_function()) {
            out.push_region(&live.import.text, Region::Import(index));
            out.push(" ");
        }
    }
    for import in frame.prefer {
        out.push(import);
        out.push(" ");
    }
    for (package, adapter) in frame.adapters.iter().filter(|_| parsed.tail.is_some()) {
        out.push_region(adapter, Region::Adapter(package.clone()));
    }
    out.push(if frame.is_plain {
        "::kissaten::__cell::plain(::std::boxed::Box::new(|| { "
    } else {
        "::std::boxed::Box::pin(async { "
    });
    loan::open(out, &frame.loans);
    if frame.is_flat {
        out.push(frame.part());
    }
    declare::take(out, frame);
    let put_back = || frame.put_back.iter().filter(|_| !frame.is_flat);
    for Binding { name, .. } in put_back().filter(|binding| binding.is_lock()) {
        let was = format!("let __kissaten_poisoned_{name} = ::kissaten::__cell::is_poisoned(&{}); ", raw(name));
        out.push_region(&was, Region::Take(name.clone()));
    }
    if !frame.is_flat {
        out.push(frame.part());
    }
    loan::anchor(out, &frame.loans);
    out.push(&take_over(frame, 0));
    for moved in &frame.moved {
        out.push_region(&moved.declaration(), Region::Moved(moved.name.clone()));
        out.push(" ");
    }
    for binding in &frame.declared {
        loan::declare(out, binding);
    }
    opened(out, frame);
}

/// Imports in an order that the running of cells does not change. Only of globs it means something: of two that bring one
/// name, rustc may take the first.
fn in_stable_order<'a>(
    imports: impl Iterator<Item = (usize, &'a LiveImport)>,
) -> impl Iterator<Item = (usize, &'a LiveImport)> {
    let mut imports: Vec<_> = imports.collect();
    let key = |(index, live): &(usize, &'a LiveImport)| match live.is_glob() {
        true => (true, *index, ""),
        false => (false, 0, live.import.text.as_str()),
    };
    imports.sort_by(|one, other| key(one).cmp(&key(other)));
    imports.into_iter()
}

/// Statements of earlier cells that run at the beginning of this one.
fn opened(out: &mut Generated, frame: &Frame<'_>) {
    for (name, statement) in &frame.opened {
        out.push_region(statement, Region::Open((*name).to_owned()));
        out.push(" ");
    }
}

/// Names that are keywords are written raw.
fn raw(name: &str) -> String {
    if syn::parse_str::<syn::Ident>(name).is_ok() { name.to_owned() } else { format!("r#{name}") }
}

fn body(out: &mut Generated, text: &str, parsed: &Parsed, frame: &Frame<'_>) {
    // What stands outermost is first at a beginning and last at an end.
    let mut edits = Edits::default();
    for (_, place) in &frame.lent {
        edits.insert(place.end, ")");
    }
    for (part, level) in frame.parts.iter().zip(1..) {
        let take_over = take_over(frame, level);
        edits.insert(*part, format!("{}{take_over}", frame.part()));
    }
    let around = parsed.tail.as_ref().map(|tail| (tail, tail::around(text, tail, parsed, frame)));
    if let Some((tail, (before, _))) = &around {
        edits.insert(tail.start, *before);
    }
    edits.extend(&parsed.statement_edits);
    let places = loan::places(parsed, frame);
    for place in &places {
        let text = if place.is_field { format!(": (*{})", raw(&place.name)) } else { ")".to_owned() };
        edits.instrument(place.range.end, text);
    }
    for (at, word) in &frame.moves {
        edits.insert(*at, *word);
    }
    if let Some(form) = frame.form {
        edits.extend(&parsed.instruments.edits(form));
    }
    for place in places.iter().filter(|place| !place.is_field) {
        edits.instrument(place.range.start, "(*");
    }
    if let Some((tail, (_, behind))) = around {
        edits.insert(tail.end, behind);
    }
    for (name, behind) in &frame.asked {
        let ask = format!(" #[warn(trivial_casts)] let _ = &{} as &_;", raw(name));
        edits.insert_region(*behind, ask, Region::Asked((*name).to_owned()));
    }
    for (name, place) in &frame.lent {
        edits.insert(place.start, format!("::kissaten::__cell::awaited(\"{name}\", &mut "));
    }
    let mut blanks = parsed.item_ranges.clone();
    blanks.extend(frame.postponed.iter().cloned());
    if !frame.in_items_crate {
        // A `use` of this cell holds in it as it stands, and is rustc's to complain about there.
        blanks.retain(|blank| !parsed.imports.iter().any(|import| import.range == *blank && !import.is_crate()));
    }
    blanks.sort_by_key(|blank| blank.start);
    let mut at = 0;
    for blank in blanks.into_iter().filter(|blank| !blank.is_empty()) {
        if blank.start < at {
            continue;
        }
        edits.copy(out, text, at..blank.start);
        out.blank(text, blank.clone());
        at = blank.end;
    }
    edits.copy(out, text, at..text.len());
}

fn foot(out: &mut Generated, frame: &Frame<'_>) {
    out.push_region("\n", Region::End);
    for level in (0..=frame.parts.len()).rev() {
        end_part(out, frame, level);
    }
    for binding in frame.put_back.iter().filter(|_| !frame.is_flat) {
        let (name, name_raw) = (&binding.name, raw(&binding.name));
        let mut put_back = String::new();
        if binding.is_lock() {
            // What has left the frame is not to be touched.
            let is_here = if frame.loans.stays.is_some() { "if __kissaten_seat.is_free() " } else { "" };
            put_back =
                format!("{is_here}{{ ::kissaten::__cell::unpoison(&{name_raw}, __kissaten_poisoned_{name}); }} ");
        }
        put_back.push_str(&loan::put_back(frame, binding));
        out.push_region(&put_back, Region::PutBack(name.clone()));
    }
    loan::close(out, &frame.loans);
    out.push(if frame.is_plain { "})) }\n" } else { "}) }\n" });
    loan::covariance(out, &frame.loans);
}

/// A program that describes all variables: in a table, or in detail for a panel.
pub(crate) fn variables(
    bindings: &[Binding],
    has_items: bool,
    layer: Option<&str>,
    entry: &str,
    in_detail: bool,
) -> String {
    let (method, show) = if in_detail { ("detail", "show_details") } else { ("text", "show_variables") };
    let mut out = String::from("#[macro_use] extern crate kissaten; ");
    out.push_str(layer.unwrap_or_default());
    if has_items {
        out.push_str("extern crate notebook; ");
    }
    let _ = writeln!(
        out,
        "#[unsafe(no_mangle)] pub fn {entry}() -> ::kissaten::__cell::Program {{ ::std::boxed::Box::pin(async move {{"
    );
    let is_ordinary = |binding: &&Binding| binding.loan.is_none();
    for Binding { name, type_text, .. } in bindings.iter().filter(is_ordinary) {
        let name_raw = raw(name);
        let _ = writeln!(
            out,
            "let {name_raw}: ::core::option::Option<{}> = ::kissaten::__cell::try_take(\"{name}\");",
            lasting(type_text)
        );
    }
    out.push_str("{ use ::kissaten::__cell::probes::*;\n");
    // A user's `Debug` may panic; the variables are put back all the same.
    out.push_str("let __kissaten_body = ::core::pin::pin!(async { let mut __kissaten_rows = ::std::vec::Vec::new();\n");
    for binding in bindings {
        let Binding { name, .. } = binding;
        if binding.loan.is_some() {
            out.push_str(&loan::row(binding, bindings, &binding.shown_type(), method));
            continue;
        }
        let _ = writeln!(
            out,
            "if let ::core::option::Option::Some(value) = &{} {{ __kissaten_rows.push((\"{name}\", \"{}\", \
             (&&::kissaten::__cell::Variable(value)).{method}())); }}",
            raw(name),
            binding.shown_type().escape_default()
        );
    }
    let _ = write!(
        out,
        "::kissaten::__cell::{show}(&__kissaten_rows);\n\
         ::core::result::Result::Ok::<(), ::kissaten::__cell::CellError>(()) }});\n\
         ::kissaten::__cell::Guarded(__kissaten_body).await; }}\n",
    );
    for Binding { name, .. } in bindings.iter().filter(is_ordinary) {
        let _ = writeln!(
            out,
            "if let ::core::option::Option::Some(value) = {} {{ ::kissaten::__cell::put_back(\"{name}\", value); }}",
            raw(name)
        );
    }
    out.push_str("}) }\n");
    out
}
