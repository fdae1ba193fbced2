//! Questions to the analyzer: one text that holds what is live, the variables and the cell, and where in it the cursor
//! is.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use super::Knowledge;
use super::cursor::{Belongs, Cursor, end_of_word};
use super::inspect::name_at;
use crate::binding;
use crate::command::blank_commands;
use crate::parse::ItemKind;
use crate::scope::Arrangement;

/// The place in which the analyzer is started: where it finds the compiler and the crates that cells can name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnalyzerPlace {
    pub rustc: PathBuf,
    /// The lines of a table of dependencies, as Cargo.toml has it.
    pub dependencies: String,
    /// Crates that are there, but make each answer later: their names, and the lines to add if a text names them.
    pub on_demand: Vec<(&'static str, &'static str)>,
    /// The Cargo.lock with the versions of all of them.
    pub lock: PathBuf,
    /// The source of std, without which there is nothing to analyze.
    pub std_source: Option<PathBuf>,
    /// Whether cargo may use the network.
    pub online: bool,
}

impl AnalyzerPlace {
    /// Whether there is a compiler yet.
    pub fn is_known(&self) -> bool {
        !self.rustc.as_os_str().is_empty()
    }

    /// The crates on demand that a text names.
    pub fn named_in(&self, text: &str) -> impl Iterator<Item = String> {
        self.on_demand.iter().map(|(name, _)| *name).filter(|name| text.contains(name)).map(str::to_owned)
    }

    /// With those of the crates on demand, and none of the others.
    #[must_use]
    pub fn with(mut self, named: &BTreeSet<String>) -> Self {
        for (_, line) in self.on_demand.drain(..).filter(|(name, _)| named.contains(*name)) {
            self.dependencies.push_str(line);
        }
        self
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    /// Bytes into it.
    pub cursor: usize,
    /// Where in it the cell stands.
    pub cell: Range<usize>,
}

impl Knowledge {
    /// What completes the word at the cursor. `None`: nothing can stand there.
    pub fn completion_question(&self, code: &str, cursor: usize) -> Option<Question> {
        let at = code.is_char_boundary(cursor).then(|| Cursor::find(code, cursor)).flatten()?;
        // With nothing to go by, everything that there is would be the answer.
        if at.word.is_empty() && matches!(at.belongs, Belongs::Free) {
            return None;
        }
        let rest = end_of_word(code, cursor);
        let cell = format!("{}{}", &code[..cursor], &code[rest..]);
        Some(self.question(&cell, cursor))
    }

    /// What tells about the name at the cursor. The text ends with that name.
    pub fn inspection_question(&self, code: &str, cursor: usize) -> Option<Question> {
        let end = name_at(code, cursor)?;
        let is_method = matches!(Cursor::find(code, end)?.belongs, Belongs::Receiver(_));
        let is_called = code[end..].trim_start().starts_with('(');
        let mut cell = code[..end].to_owned();
        // A method without its brackets is taken for a field.
        if is_method && is_called {
            cell.push('(');
        }
        let cursor = cell.len();
        Some(self.question(&cell, cursor))
    }

    fn question(&self, cell: &str, cursor: usize) -> Question {
        let mut text = String::new();
        for import in &self.items.imports {
            text.push_str(&import.import.text.replacen("use notebook::", "use crate::", 1));
            text.push('\n');
        }
        let arrangement = Arrangement::for_program(&self.items);
        for live in &self.items.items {
            let mut edits = arrangement.edits(live);
            if let ItemKind::Impl { members, .. } = &live.item.kind {
                for (_, member) in members.iter().enumerate().filter(|(index, _)| live.cut.contains(index)) {
                    edits.replace(member.range.clone(), "");
                }
            }
            text.push_str(&edits.apply(&live.cell.text, live.item.range.clone()));
            text.push('\n');
        }
        for variable in &self.bindings {
            let type_text = binding::with_roots(&variable.type_text, |root| match root {
                "notebook" => "crate".to_owned(),
                other => other.to_owned(),
            });
            let mutable = if variable.mutable { "mut " } else { "" };
            text.push_str(&format!("let {mutable}{}: {type_text} = loop {{}};\n", variable.name));
        }
        let start = text.len();
        text.push_str(&blank_commands(cell));
        Question { cursor: start + cursor, cell: start..text.len(), text }
    }
}
