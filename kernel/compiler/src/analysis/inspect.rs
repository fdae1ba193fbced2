//! Words about a name, of the notebook's own knowledge.

use super::cursor::{Belongs, Cursor, begin_of_text, end_of_word};
use super::index::IndexEntry;
use super::{Inspection, Kind, Knowledge, chain};

impl Knowledge {
    /// What is known of the name at the cursor, a number of bytes into the cell; of what is called, where the cursor is among
    /// its arguments. `None`: nothing.
    pub fn inspect(&self, code: &str, cursor: usize) -> Option<Inspection> {
        self.inspect_at(code, name_at(code, cursor)?)
    }

    fn inspect_at(&self, code: &str, end: usize) -> Option<Inspection> {
        let at = Cursor::find(code, end)?;
        let entry = match &at.belongs {
            Belongs::Receiver(receiver) => {
                let of = chain::base(&self.type_of(receiver, &at.before, 0)?);
                self.index().members(&of).into_iter().find(|entry| entry.name == at.word)
            }
            Belongs::Path(words) => {
                let path = words.iter().copied().filter(|word| !matches!(*word, "crate" | "notebook"));
                let path: Vec<&str> = path.collect();
                let of_type = path.last().map(|of| self.index().members(of)).unwrap_or_default();
                let mut of_module = self.index().modules.get(&path.join("::")).into_iter().flatten();
                of_type
                    .into_iter()
                    .find(|entry| entry.name == at.word)
                    .or_else(|| of_module.find(|entry| entry.name == at.word))
            }
            Belongs::Free => {
                // What the cell binds itself is no variable of the notebook's yet.
                if let Some(binding) = self.bindings.iter().find(|binding| binding.name == at.word) {
                    let mutable = if binding.mutable { "mut " } else { "" };
                    let type_text = chain::shown(&binding.type_text);
                    return Some(Inspection {
                        signature: format!("let {mutable}{}: {type_text}", binding.name),
                        docs: self.docs_of(&chain::base(&binding.type_text)),
                        place: None,
                        source: None,
                        variable: Some(binding.name.clone()),
                    });
                }
                self.index().root().iter().find(|entry| entry.name == at.word)
            }
        };
        entry.map(IndexEntry::inspection)
    }

    /// The docs of one of the notebook's own types.
    fn docs_of(&self, type_name: &str) -> String {
        let of = |entry: &&IndexEntry| entry.name == type_name && entry.kind == Kind::Type;
        self.index().root().iter().find(of).map(|entry| entry.docs.clone()).unwrap_or_default()
    }
}

impl IndexEntry {
    fn inspection(&self) -> Inspection {
        Inspection {
            signature: self.signature.clone(),
            docs: self.docs.clone(),
            place: Some(self.place.clone()),
            source: Some(self.source.clone()),
            variable: None,
        }
    }
}

/// Where the name ends that is asked about.
pub(super) fn name_at(code: &str, cursor: usize) -> Option<usize> {
    if !code.is_char_boundary(cursor) {
        return None;
    }
    let end = end_of_word(code, cursor);
    if Cursor::find(code, end).is_some_and(|at| !at.word.is_empty()) {
        return Some(end);
    }
    // Among the arguments, also within a text.
    let before = begin_of_text(code, cursor).unwrap_or(cursor);
    Cursor::find(code, before)?.callee()
}
