//! The report to the user: rustc's diagnostics in the places of the user's own text.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};
use tokio_util::sync::CancellationToken;

use super::Notebook;
use super::compile::Files;
use super::places::{Places, outermost};
use crate::Rendered;
use crate::api::{CompileError, PrepareError};
use crate::binding::{self, NotKept};
use crate::clippy;
use crate::completeness::is_balanced;
use crate::diagnostic::{self, SourceMap};
use crate::items::{CellText, Items};
use crate::names::{FileKind, FileName};
use crate::parse;
use crate::rustc::{self, Compiled, Invocation};
use crate::source_map::{Generated, Region, offset_in};

impl Notebook {
    /// The error for a cell that rustc refused.
    pub(super) fn report(&self, cell: &CellText, items: &Items, files: &Files, compiled: &Compiled) -> PrepareError {
        let mut errors: Vec<Diagnostic> = compiled.errors().cloned().collect();
        let places = Places { notebook: self, cell, items, files };
        errors.iter_mut().for_each(|error| {
            places.tell_loan(error);
            places.translate(error);
            Self::without_manifest(error);
            self.without_foreign_traits(error);
        });
        // Each leaf of a `use` is refused for itself, in one place.
        let mut seen = Vec::new();
        errors.retain(|error| {
            let place = |span: &DiagnosticSpan| (span.file_name.clone(), span.line_start, span.column_start);
            let key = (error.message.clone(), error.spans.iter().map(place).collect::<Vec<_>>());
            let is_new = !seen.contains(&key);
            seen.push(key);
            is_new
        });
        let texts = Texts { texts: &self.texts, shorten: false };
        let errors: Vec<&Diagnostic> = errors.iter().collect();
        let said = RefCell::new(BTreeSet::new());
        // A derive and its attributes miss the same crate.
        let notes = |error: &Diagnostic| {
            let mut notes = self.notes_on(cell, error);
            if let Some(help) = self.missing_crate(error)
                && said.borrow_mut().insert(help.clone())
            {
                notes.push(help);
            }
            notes
        };
        PrepareError::Compile(CompileError {
            summary: diagnostic::summary(&errors, &texts),
            rendered: diagnostic::render(&errors, &texts, &notes),
            codes: codes(&errors),
        })
    }

    /// The warnings that say something about the user's code.
    pub(super) fn warnings(
        &self,
        cell: &CellText,
        items: &Items,
        files: &Files,
        compiled: &Compiled,
    ) -> Option<Rendered> {
        let places = Places { notebook: self, cell, items, files };
        let mut warnings: Vec<Diagnostic> = compiled
            .diagnostics
            .iter()
            .filter(|warning| matches!(warning.level, DiagnosticLevel::Warning))
            .filter(|warning| {
                let is_rustcs = warning.code.as_ref().is_some_and(|code| rustc::LINTS.contains(&code.code.as_str()));
                // What clippy says of our own text is not moved to where the user's is.
                is_rustcs || clippy::is_lint(warning) && places.are_the_users(warning)
            })
            .cloned()
            .collect();
        warnings.iter_mut().for_each(|warning| places.translate(warning));
        // Only what this cell wrote: the items of earlier ones were warned of then.
        let is_here = |warning: &&Diagnostic| {
            let mut primary = warning.spans.iter().filter(|span| span.is_primary);
            primary.any(|span| outermost(span).file_name == cell.label && outermost(span).line_start > 0)
        };
        let warnings: Vec<&Diagnostic> = warnings.iter().filter(is_here).collect();
        if warnings.is_empty() {
            return None;
        }
        Some(diagnostic::render(&warnings, &Texts { texts: &self.texts, shorten: true }, &|_| Vec::new()))
    }

    /// Why a variable that the user misses is not there.
    fn notes_on(&self, cell: &CellText, error: &Diagnostic) -> Vec<String> {
        let code = error.code.as_ref().map_or("", |code| code.code.as_str());
        let name = error.message.split('`').nth(1).unwrap_or("");
        let reason = self.not_kept.get(name).filter(|reason| match reason {
            NotKept::Moved(moved) if code == "E0382" => moved.place.is_none(),
            _ => matches!(code, "E0425" | "E0424" | "E0423"),
        });
        if let Some(binding) = self.bindings.get(name).filter(|binding| binding.loan.is_some()) {
            return self.note_on_loan(cell, binding, code).into_iter().collect();
        }
        if let Some(label) = self.holder(name).filter(|_| code == "E0425") {
            return vec![format!(
                "`{name}` is in use by {label}, which still runs, and will be back when that has ended"
            )];
        }
        // rustc would change the declaration, which stands in an earlier cell and has run.
        let mutable = if code == "E0384" { Some(name) } else { not_mutable(&error.message) };
        if let Some(name) = mutable.filter(|name| self.bindings.get(*name).is_some_and(|binding| !binding.mutable)) {
            return vec![format!("help: consider making it mutable: `let mut {name} = {name};`")];
        }
        if code == "E0425" && self.is_variable(cell, name) {
            return vec![format!(
                "help: an item sees no variables of cells: give `{name}` to it as an argument, or make it a closure"
            )];
        }
        let place = error.spans.iter().find(|span| span.is_primary && span.file_name == cell.label);
        let line = place.and_then(|place| cell.text.lines().nth(place.line_start.checked_sub(1)?));
        let habit = || super::habit::note(&error.message, code, line.unwrap_or(""));
        reason.map(|reason| reason.reason(name)).or_else(habit).into_iter().collect()
    }

    /// Whether a name is a variable, of the cell or an older one: statements would find it.
    fn is_variable(&self, cell: &CellText, name: &str) -> bool {
        let is_new = || {
            let parsed = parse::parse(&cell.text, &self.items.item_macros());
            parsed
                .is_ok_and(|parsed| parsed.bindings.iter().any(|bound| bound.name == name) && !parsed.items.is_empty())
        };
        self.bindings.contains_key(name) || is_new()
    }

    /// Lets rustc say what is wrong with a cell that cannot be parsed.
    ///
    /// `Ok` when it finds nothing wrong.
    pub(super) async fn report_syntax(
        &self,
        cell: &Arc<CellText>,
        cancel: &CancellationToken,
    ) -> Result<(), PrepareError> {
        let mut generated = Generated::default();
        // A bracket or a string that is open takes all that follows it along. So nothing of ours may.
        let is_balanced = is_balanced(&cell.text);
        if is_balanced {
            generated.push("#[macro_use] extern crate kissaten; fn __kissaten() { ");
            generated.copy(&cell.text, 0..cell.text.len());
            generated.push_region("\n", Region::End);
            generated.push_region("}", Region::End);
            generated.push("\n");
        } else {
            generated.copy(&cell.text, 0..cell.text.len());
        }
        let file = FileName::new(&cell.label, &cell.text, FileKind::Statements);
        let mut arguments = rustc::common_arguments(&self.session, 0, rustc::CELL_UNITS);
        arguments.extend(["--crate-type=lib", "--crate-name=kissaten_syntax"].map(str::to_owned));
        let mut invocation = Invocation {
            folder: &self.folders.cells,
            files: vec![(&file.stable, generated.text())],
            names: vec![file.clone()],
            output: self.folders.links.join("syntax.rmeta"),
            arguments,
            clippy: None,
            is_stable: true,
            key: None,
        };
        let memory = self.memory();
        invocation.key = Some(memory.key(&invocation));
        let mut compiled = rustc::run(&memory, &invocation, cancel).await?;
        // What the cell means cannot be judged in this frame; what it looks like can.
        let is_syntax = |error: &Diagnostic| !is_balanced || error.code.is_none();
        if !compiled.errors().any(is_syntax) {
            return if compiled.errors().next().is_none() && !compiled.success {
                Err(other(&compiled))
            } else {
                Ok(())
            };
        }
        compiled.diagnostics.retain(is_syntax);
        for error in &mut compiled.diagnostics {
            error.message = error.message.replace("this file contains", "this cell contains");
            let at_end = error
                .spans
                .iter()
                .any(|span| span.is_primary && matches!(generated.region(span.byte_start as usize), Some(Region::End)));
            if at_end {
                error.message = at_the_end(&error.message);
                for label in error.spans.iter_mut().filter_map(|span| span.label.as_mut()) {
                    *label = at_the_end(label);
                }
            }
        }
        let files = Files { statements: Some((cell.label.clone(), generated)), ..Files::default() };
        Err(self.report(cell, &self.items, &files, &compiled))
    }
}

/// "cannot borrow `cups` as mutable, as it is not declared as mutable" and the like.
fn not_mutable(message: &str) -> Option<&str> {
    let before = message.strip_suffix(" is not declared as mutable")?;
    let (said, name) = before.rsplit_once(", as ")?;
    if name == "it" { said.split('`').nth(1) } else { name.strip_prefix('`')?.strip_suffix('`') }
}

fn at_the_end(words: &str) -> String {
    words.replace("found `}`", "found the end of the cell")
}

/// rustc's codes of these errors, each once.
fn codes(errors: &[&Diagnostic]) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    for code in errors.iter().filter_map(|error| error.code.as_ref()) {
        if !codes.contains(&code.code) {
            codes.push(code.code.clone());
        }
    }
    codes
}

/// What rustc said that is no diagnostic: that it crashed, or that there was no room.
pub(super) fn other(compiled: &Compiled) -> PrepareError {
    let said = compiled.other.trim();
    let full =
        said.contains("No space left") || compiled.diagnostics.iter().any(|one| one.message.contains("No space left"));
    if full {
        return PrepareError::Environment(
            "there is no room left on the disk for the compiled cell; free some and run the cell again".to_owned(),
        );
    }
    let plain = if said.is_empty() { "rustc ended without a word".to_owned() } else { said.to_owned() };
    PrepareError::Compile(CompileError {
        summary: "rustc could not compile the cell".to_owned(),
        rendered: Rendered { ansi: plain.clone(), plain },
        codes: Vec::new(),
    })
}

/// The user's texts, once all places are theirs.
struct Texts<'a> {
    texts: &'a BTreeMap<String, Arc<CellText>>,
    /// The call of rustc that succeeds prints full paths, which it usually shortens.
    shorten: bool,
}

impl SourceMap for Texts<'_> {
    fn source(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(|cell| cell.text.as_str())
    }

    fn offset(&self, file: &str, line: usize, column: usize) -> Option<usize> {
        offset_in(self.source(file)?, line, column)
    }

    fn clean(&self, message: &str) -> String {
        let message = message.replace("::kissaten::__cell::", "").replace("kissaten::__cell::", "");
        let message = message.replace("notebook::", "").replace("`notebook`", "the notebook");
        let message =
            message.replace("`CellDebugError`", "the cell's error").replace("`CellError`", "the cell's error");
        if !self.shorten {
            return message;
        }
        let parts = message.split('`').enumerate();
        let parts = parts.map(|(index, part)| if index % 2 == 1 { binding::shown_type(part) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join("`")
    }
}
