//! Adjustments to a try, by rustc's errors: about the text around the user's, and about older items.
//!
//! Most of Rust's own documentation examples become cells by this: a variable that borrows from another one makes
//! rustc refuse our line that keeps it, not the user's code.

use std::collections::BTreeSet;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::attempt::Attempt;
use super::compile::Files;
use super::imports::candidate_traits;
use super::parts::OF_BLOCKS;
use crate::binding::{ASYNC_CLOSURE, NotKept};
use crate::lower::ErrorType;
use crate::rustc::Compiled;
use crate::source_map::{Region, position_in};

/// rustc's codes for what the privacy of another crate forbids, and the own crate's would not.
const PRIVACY: [&str; 8] = ["E0603", "E0616", "E0624", "E0451", "E0423", "E0532", "E0638", "E0639"];
/// rustc's codes for names that are not there.
const NOT_FOUND: [&str; 8] = ["E0412", "E0422", "E0425", "E0432", "E0433", "E0405", "E0531", "E0599"];
/// rustc's codes for two definitions that exclude each other.
const CLASHES: [&str; 8] = ["E0119", "E0428", "E0592", "E0201", "E0252", "E0255", "E0259", "E0260"];
/// rustc's codes of the borrow checker for what outlives or excludes a borrow.
pub(super) const BORROWS: [&str; 12] =
    ["E0499", "E0502", "E0503", "E0505", "E0506", "E0515", "E0521", "E0597", "E0621", "E0700", "E0712", "E0716"];

impl Attempt<'_> {
    /// Takes away what is in the way. Whether there was anything.
    pub(super) fn adjust(&mut self, files: &Files, compiled: &Compiled) -> bool {
        let errors: Vec<&Diagnostic> = compiled.errors().collect();
        if self.error_type == ErrorType::Display && errors.iter().any(|error| self.is_of_question_mark(files, error)) {
            // An error that borrows cannot become a boxed one, but its text can be taken at once.
            self.error_type = ErrorType::Debug;
            return true;
        }
        if self.join_parts(&errors, &BORROWS) {
            return true;
        }
        let mut changed = false;
        self.begin_round();
        for error in &errors {
            self.note_place(files, error);
            changed |= self.adjust_to(files, error);
        }
        changed |= self.end_round();
        if !changed && self.join_parts(&errors, &OF_BLOCKS) {
            return true;
        }
        if !changed && self.in_items_crate {
            changed = self.set_aside(files, &errors);
        }
        if changed {
            return true;
        }
        // Some of the borrow checker's errors have no code.
        let borrows =
            |error: &&Diagnostic| error.code.as_ref().is_none_or(|code| BORROWS.contains(&code.code.as_str()));
        if !errors.iter().all(borrows) {
            return false;
        }
        if self.error_type == ErrorType::Display && self.cell.text.contains('?') {
            self.error_type = ErrorType::Debug;
            return true;
        }
        self.give_up_all()
    }

    fn adjust_to(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let code = error.code.as_ref().map_or("", |code| code.code.as_str());
        if CLASHES.contains(&code) && self.make_way(files, error) {
            return true;
        }
        let kept = error.spans.iter().filter(|span| span.is_primary).find_map(|span| match region(files, span) {
            Some(Region::Keep(name)) => Some(name),
            _ => None,
        });
        if let Some(name) = kept.filter(|_| !BORROWS.contains(&code) && !matches!(code, "" | "E0381" | "E0382"))
            && self.spell_otherwise(&name)
        {
            return true;
        }
        // A glob passes over what is private, so what a macro defined is not found at all.
        let is_hidden = PRIVACY.contains(&code) || NOT_FOUND.contains(&code) && self.items.has_macro_calls();
        if is_hidden && !self.in_items_crate && self.notebook.generation.is_some() {
            self.in_items_crate = true;
            return true;
        }
        if code == "E0277" && error.message.starts_with("`?` couldn't convert") && self.error_type == ErrorType::Display
        {
            self.error_type = ErrorType::Debug;
            return true;
        }
        if code == "E0034"
            && (self.set_traits_apart(files, error)
                || !self.is_of_older_item(files, error) && self.leave_out_traits(error))
        {
            return true;
        }
        if matches!(code, "E0659" | "ambiguous_glob_imports") && self.choose_glob(files, error) {
            return true;
        }
        if code == "E0425" && (self.declare_moved(error) || self.declare_lent_of(error)) {
            return true;
        }
        if code == "E0381" && self.was_not_filled(files, error) {
            return true;
        }
        if matches!(code, "E0282" | "E0283" | "E0284" | "E0381") && self.postpone(files, error) {
            return true;
        }
        let is_never = || error.message.contains("`!: ") || error.message.contains("`(): ");
        if (matches!(code, "E0282" | "E0283") || code == "E0277" && is_never()) && self.show_debug() {
            return true;
        }
        if code == "E0373" && self.give_up_closure(files, error) {
            return true;
        }
        if self.adjust_boxing(files, error) {
            return true;
        }
        let regions: Vec<(Region, &DiagnosticSpan)> =
            error.spans.iter().filter_map(|span| Some((region(files, span)?, span))).collect();
        let package = regions.iter().find_map(|(region, _)| match region {
            Region::Adapter(package) => Some(package),
            _ => None,
        });
        if let Some(package) = package {
            return self.not_adapted.insert(package.clone());
        }
        let primary = regions.iter().find(|(_, span)| span.is_primary).map(|(region, _)| region);
        if let Some(changed) = self.adjust_loans(primary, code, files, error) {
            return changed;
        }
        match (primary, code) {
            (Some(Region::Import(index)), _) => self.drop_import(*index, error),
            (Some(Region::Take(name)), _)
                if !BORROWS.contains(&code) && !matches!(code, "E0382" | "E0381" | "E0384") =>
            {
                let type_text = self.notebook.binding(name).map(|binding| binding.type_text.as_str());
                let shown = crate::binding::shown_type(type_text.unwrap_or("_"));
                self.unusable.insert(name.clone(), NotKept::Hidden(shown)).is_none()
            }
            (Some(Region::PutBack(name)), "E0382") if self.take_over(name) => true,
            (Some(Region::PutBack(name)), "E0382") => {
                let moved = self.moved_here(name, self.place_of_move(files, error));
                self.gone.insert(name.clone(), moved).is_none()
            }
            (Some(Region::Keep(name) | Region::Type(name)), "E0382" | "E0381") => {
                if self.end.remove(name) {
                    self.never_end.insert(name.clone());
                    return true;
                }
                if code == "E0382" && self.take_over(name) {
                    return true;
                }
                if code == "E0382" && self.notebook.bindings.contains_key(name) && !self.binds(name) {
                    let moved = self.moved_here(name, self.place_of_move(files, error));
                    return self.gone.insert(name.clone(), moved).is_none();
                }
                let reason = if code == "E0381" {
                    NotKept::Uninitialised
                } else {
                    NotKept::Moved(self.moved_here(name, self.place_of_move(files, error)))
                };
                self.give_up(name, reason)
            }
            _ if regions.iter().all(|(region, _)| *region == Region::End) => {
                BORROWS.contains(&code) && self.give_up_static(files, error)
            }
            _ => self.give_up_borrowers(primary, &regions, error),
        }
    }

    /// Whether the cell has a `let` of this name.
    fn binds(&self, name: &str) -> bool {
        self.parsed.bindings.iter().any(|bound| bound.name == name)
    }

    /// Goes without keeping a new variable, unless there is a way to keep it that was not tried yet.
    pub(super) fn give_up(&mut self, name: &str, reason: NotKept) -> bool {
        if let NotKept::Borrows(from) = &reason {
            if self.lend(name, from) {
                return true;
            }
            if self.is_lent(name) {
                return self.cannot_lend(name, from.clone());
            }
        }
        let reason = match reason {
            NotKept::Borrows(_) | NotKept::Borrowed if self.is_async_closure(name) => {
                NotKept::Nameless(ASYNC_CLOSURE.to_owned())
            }
            other => other,
        };
        self.not_kept.insert(name.to_owned(), reason).is_none()
    }

    fn give_up_borrowers(
        &mut self,
        primary: Option<&Region>,
        regions: &[(Region, &DiagnosticSpan)],
        error: &Diagnostic,
    ) -> bool {
        let own = |region: &Region| match region {
            Region::Keep(name) | Region::Type(name) => Some(name.clone()),
            _ => None,
        };
        let primary = primary.and_then(own);
        let mut borrowers: BTreeSet<String> =
            regions.iter().filter(|(_, span)| !span.is_primary).filter_map(|(region, _)| own(region)).collect();
        if let Some(primary) = &primary {
            borrowers.remove(primary);
            // "borrow might be used here, when `guard` is dropped" names who borrows, outside of our lines.
            for label in error.spans.iter().filter_map(|span| span.label.as_deref()) {
                if let Some(name) = label.strip_prefix("borrow might be used here, when `").and_then(first_word)
                    && name != primary
                    && self.parsed.bindings.iter().any(|binding| binding.name == name)
                {
                    borrowers.insert(name.to_owned());
                }
            }
        }
        let mut changed = false;
        for borrower in &borrowers {
            let from: Vec<String> = quoted(&error.message).filter(|name| name != borrower).map(str::to_owned).collect();
            changed |= self.give_up(borrower, NotKept::Borrows(from));
            if !self.not_kept.contains_key(borrower) {
                continue;
            }
            if primary.is_some() {
                // What has a destructor borrows up to it, so it has to come before the others are moved.
                changed |= !self.never_end.contains(borrower) && self.end.insert(borrower.clone());
            } else if self.end.remove(borrower) {
                // The user's own code was in the way of that.
                changed |= self.never_end.insert(borrower.clone());
            }
        }
        match primary {
            Some(name) if borrowers.is_empty() => {
                self.is_lent_to_somebody(&name);
                changed
            }
            _ => changed,
        }
    }

    /// Whether the error that a `?` at the top level meets borrows what the cell owns.
    fn is_of_question_mark(&self, files: &Files, error: &Diagnostic) -> bool {
        error.spans.iter().any(|span| {
            let end = files.get(&span.file_name).and_then(|file| file.user_offset(span.byte_end as usize));
            span.label.as_deref().is_some_and(|label| label.ends_with("is borrowed for `'static`"))
                && end.and_then(|end| self.cell.text.get(end..)).is_some_and(|text| text.trim_start().starts_with('?'))
        })
    }

    /// A closure or an async block that would outlive what it borrows only because it is to be kept.
    fn give_up_closure(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let notes = error.children.iter().flat_map(|note| &note.spans);
        let kept = notes.filter_map(|span| region(files, span)).find_map(|region| match region {
            Region::Keep(name) => Some(name),
            _ => None,
        });
        // Of an async block rustc does not say who asks for more. One that is bound as it stands nobody else does.
        let place = |span: &DiagnosticSpan| files.get(&span.file_name)?.user_offset(span.byte_start as usize);
        let bound = || {
            let start = error.spans.iter().find(|span| span.is_primary).and_then(place)?;
            let mut bindings = self.parsed.bindings.iter().filter(|bound| bound.range.contains(&start));
            let is_whole = |text: &str| text.trim_end().ends_with('=');
            let found = bindings.find(|bound| self.cell.text.get(bound.range.start..start).is_some_and(is_whole));
            found.map(|bound| bound.name.clone())
        };
        let from = quoted(&error.message).map(str::to_owned).collect();
        kept.or_else(bound).is_some_and(|name| self.give_up(&name, NotKept::Borrows(from)))
    }

    /// Gives up variables for whose longer life rustc asks for more in the statement that binds them.
    fn give_up_static(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let asks = |span: &&DiagnosticSpan| span.label.as_deref().is_some_and(|label| label.contains("for `'static`"));
        let place = |span: &DiagnosticSpan| files.get(&span.file_name)?.user_offset(span.byte_start as usize);
        let places: Vec<usize> = error.spans.iter().filter(asks).filter_map(place).collect();
        let bindings = &self.parsed.bindings;
        let bound_there = bindings.iter().filter(|bound| places.iter().any(|place| bound.range.contains(place)));
        let names: Vec<String> = bound_there.map(|bound| bound.name.clone()).collect();
        let from: Vec<String> = quoted(&error.message).map(str::to_owned).collect();
        let mut is_new = false;
        for name in &names {
            is_new |= self.give_up(name, NotKept::Borrows(from.clone()));
        }
        is_new
    }

    /// The last resort: the cell as it is, of which nothing is kept.
    fn give_up_all(&mut self) -> bool {
        let mut is_new = false;
        for bound in &self.parsed.bindings {
            is_new |= self.not_kept.insert(bound.name.clone(), NotKept::Borrows(Vec::new())).is_none();
        }
        is_new
    }

    /// A variable that an earlier cell moved: declared as moved, so that rustc says it with its own words.
    fn declare_moved(&mut self, error: &Diagnostic) -> bool {
        let message = error.message.strip_prefix("cannot find value `");
        let message = message.or_else(|| error.message.strip_prefix("cannot find function `"));
        let name = message.and_then(first_word);
        let Some(name) = name else { return false };
        let Some(moved) = self.moved_before(name).filter(|_| !self.moved.contains(name)) else { return false };
        // What was `mut` can be filled again.
        let is_filled = moved.mutable && self.parsed.assigned.contains(name);
        if is_filled && !self.binds(name) {
            self.filled.insert(name.to_owned())
        } else {
            self.moved.insert(name.to_owned())
        }
    }

    /// The same of one that is lent.
    fn declare_lent_of(&mut self, error: &Diagnostic) -> bool {
        let name = error.message.strip_prefix("cannot find value `").and_then(first_word);
        name.is_some_and(|name| self.declare_lent(name))
    }

    /// A variable that an earlier cell moved is used before this one has filled it: then rustc is to say who moved it.
    fn was_not_filled(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let is_ours = error.spans.iter().any(|span| span.is_primary && region(files, span).is_some());
        let name = quoted(&error.message).find(|name| self.filled.contains(*name)).filter(|_| !is_ours);
        let Some(name) = name.map(str::to_owned) else { return false };
        self.filled.remove(&name);
        self.moved.insert(name)
    }

    /// Two traits in scope have the method: one that this cell imports wins over those of earlier cells.
    fn leave_out_traits(&mut self, error: &Diagnostic) -> bool {
        let candidates = candidate_traits(error);
        let is_candidate = |name: &Option<String>| name.as_deref().is_some_and(|name| candidates.contains(name));
        if !self.parsed.imports.iter().any(|import| is_candidate(&import.name)) {
            return false;
        }
        let earlier = self.items.imports.iter().filter(|live| live.cell.serial != self.cell.serial);
        // What a glob brings cannot be seen.
        let stands_against = |name: &Option<String>| name.is_none() || is_candidate(name);
        let against = earlier.filter(|live| stands_against(&live.import.name)).map(|live| live.import.text.clone());
        let before = self.leave_out.len();
        self.leave_out.extend(against);
        self.leave_out.len() > before
    }

    pub(super) fn place_of_move(&self, files: &Files, error: &Diagnostic) -> Option<(String, usize, usize, usize)> {
        // The block around the cell's statements is what takes the variable; the user's own use is why.
        let why = |label: &str| label.contains("moved due to");
        let what = |label: &str| label.starts_with("value moved");
        let place = |span: &DiagnosticSpan| {
            let generated = files.get(&span.file_name)?;
            let start = generated.user_offset(span.byte_start as usize)?;
            self.place_of(start, generated.user_offset(span.byte_end as usize).filter(|end| *end > start)?)
        };
        let labelled = |is_it: &dyn Fn(&str) -> bool| {
            error.spans.iter().filter(|span| is_it(span.label.as_deref().unwrap_or(""))).find_map(place)
        };
        labelled(&why).or_else(|| labelled(&what))
    }

    /// A stretch of the cell's text as a file, a line and columns, if it is on one line.
    pub(super) fn place_of(&self, start: usize, end: usize) -> Option<(String, usize, usize, usize)> {
        let ((line, from), (last, to)) = (position_in(&self.cell.text, start), position_in(&self.cell.text, end));
        (line == last).then(|| (self.cell.label.clone(), line, from, to))
    }

    /// Of two definitions that exclude each other the newer wins.
    fn make_way(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let found = error.spans.iter().filter_map(|span| self.item_at(files, span));
        let older = found.filter(|index| self.items.items[*index].cell.serial != self.cell.serial).min();
        if let Some(index) = older {
            self.items.remove(index);
            return true;
        }
        let imports = error.spans.iter().filter_map(|span| match region(files, span) {
            Some(Region::Import(index)) => Some(index),
            _ => None,
        });
        let older = imports
            .filter(|index| self.items.imports.get(*index).is_some_and(|live| live.cell.serial != self.cell.serial))
            .min();
        older.map(|index| self.items.imports.remove(index)).is_some()
    }

    /// Older items that do not fit the newer ones are taken out, with a word about each.
    fn set_aside(&mut self, files: &Files, errors: &[&Diagnostic]) -> bool {
        let mut broken = Vec::new();
        for error in errors {
            let found = error.spans.iter().filter(|span| span.is_primary).find_map(|span| self.item_at(files, span));
            match found {
                Some(index) if self.items.items[index].cell.serial != self.cell.serial => broken.push((index, *error)),
                // The cell's own errors come first: they are the user's to mend.
                _ => return false,
            }
        }
        broken.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        broken.dedup_by_key(|(index, _)| *index);
        for (index, error) in &broken {
            let live = self.items.remove(*index);
            let code = error.code.as_ref().map(|code| format!("{}: ", code.code)).unwrap_or_default();
            self.notes.push(format!(
                "{} of {} does not fit what this cell defines and was set aside ({code}{}); change its cell and run it again",
                live.title(),
                live.cell.label,
                error.message.replace("notebook::", "")
            ));
        }
        !broken.is_empty()
    }

    /// The live item that a span lies in.
    pub(super) fn item_at(&self, files: &Files, span: &DiagnosticSpan) -> Option<usize> {
        let file = files.items.iter().find(|file| file.name == span.file_name);
        let found = file.and_then(|file| {
            let inside = |offset: usize| {
                let replaced = || file.generated.replaced(offset).map(|range| range.start);
                let offset = file.generated.user_offset(offset).or_else(replaced)?;
                self.items.items.iter().position(|live| {
                    live.cell.serial == file.serial && live.item.range.start <= offset && offset <= live.item.range.end
                })
            };
            // A span may begin with inserted text.
            (span.byte_start..=span.byte_end).take(64).find_map(|offset| inside(offset as usize))
        });
        found.or_else(|| span.expansion.as_ref().and_then(|expansion| self.item_at(files, &expansion.span)))
    }
}

/// What our text at a span is there for.
pub(super) fn region(files: &Files, span: &DiagnosticSpan) -> Option<Region> {
    let here = files.get(&span.file_name).and_then(|file| file.region(span.byte_start as usize)).cloned();
    here.or_else(|| span.expansion.as_ref().and_then(|expansion| region(files, &expansion.span)))
}

/// The words in backticks that are plain names; of the place `name.field` it is the name.
pub(super) fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let is_name =
        |word: &&str| !word.is_empty() && word.chars().all(|character| character == '_' || character.is_alphanumeric());
    let base = |word| str::split(word, ['.', '[']).next().unwrap_or(word);
    message.split('`').skip(1).step_by(2).map(base).filter(is_name)
}

fn first_word(text: &str) -> Option<&str> {
    text.split('`').next()
}
