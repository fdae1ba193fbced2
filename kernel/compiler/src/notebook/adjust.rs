//! Adjustments to a try, by rustc's errors: about the text around the user's, and about older items.
//!
//! Most of Rust's own documentation examples become cells by this: a variable that borrows from another one makes
//! rustc refuse our line that keeps it, not the user's code.

mod aside;
mod give_up;
mod moved;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::attempt::Attempt;
use super::compile::Files;
use super::imports::candidate_traits;
use super::parts::OF_BLOCKS;
use crate::binding::NotKept;
use crate::lower::ErrorType;
use crate::rustc::Compiled;
use crate::source_map::Region;

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

    /// Whether the error that a `?` at the top level meets borrows what the cell owns.
    fn is_of_question_mark(&self, files: &Files, error: &Diagnostic) -> bool {
        error.spans.iter().any(|span| {
            let end = files.get(&span.file_name).and_then(|file| file.user_offset(span.byte_end as usize));
            span.label.as_deref().is_some_and(|label| label.ends_with("is borrowed for `'static`"))
                && end.and_then(|end| self.cell.text.get(end..)).is_some_and(|text| text.trim_start().starts_with('?'))
        })
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
