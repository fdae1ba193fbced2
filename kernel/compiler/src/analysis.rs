//! The notebook's own knowledge of code that is being written: completions and words about a name, without asking
//! anybody.
//!
//! It goes by the cell's tokens, so that half a cell is as good as a whole one, and by what is live. It deliberately infers
//! no types: what needs inference is the analyzer's, for which the question is written down here ([`Question`]).

mod chain;
mod complete;
mod crates;
mod cursor;
mod index;
mod inspect;
mod known;
mod question;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::api::Variable;
use crate::binding::Binding;
use crate::items::Items;

pub use crates::{registry_crates, registry_versions};
use index::Index;
pub use question::{AnalyzerPlace, Question};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    Variable,
    Field,
    Method,
    Function,
    Variant,
    Constant,
    Type,
    Trait,
    Module,
    Macro,
    Keyword,
}

impl Kind {
    /// One word for it, as frontends show it beside a completion.
    pub fn word(self) -> &'static str {
        match self {
            Self::Variable | Self::Constant => "instance",
            Self::Field => "field",
            Self::Method => "method",
            Self::Function => "function",
            Self::Variant => "variant",
            Self::Type => "class",
            Self::Trait => "trait",
            Self::Module => "module",
            Self::Macro => "macro",
            Self::Keyword => "keyword",
        }
    }
}

/// Something that can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    pub kind: Kind,
    /// Its type or its declaration on one line; empty where that is not known.
    pub signature: String,
}

/// What can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// The bytes of the cell that a completion takes the place of; they end at the cursor.
    pub range: Range<usize>,
    /// The nearest first: what the cell itself and the notebook have, then the rest.
    pub matches: Vec<Completion>,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The declaration, as Rust.
    pub signature: String,
    /// The doc comments: Markdown.
    pub docs: String,
    /// Where it comes from: `cell 3`.
    pub place: Option<String>,
    /// All of the definition, as it was written.
    pub source: Option<String>,
    /// It is a variable of the notebook's, of this name, which has a value.
    pub variable: Option<String>,
}

/// What was live at one moment; it does not change, so it can be asked while the notebook is being compiled.
#[derive(Debug, Default)]
pub struct Knowledge {
    pub(crate) revision: u64,
    pub(crate) items: Items,
    pub(crate) bindings: Vec<Arc<Binding>>,
    /// Crates that the user added, as cells name them, with their versions.
    pub(crate) crates: Vec<(String, String)>,
    pub(crate) place: AnalyzerPlace,
    pub(crate) index: OnceLock<Index>,
}

impl Knowledge {
    /// Counted up with every change: two of the same number are the same.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The variables, sorted by name.
    pub fn variables(&self) -> Vec<Variable> {
        self.bindings.iter().map(|binding| binding.described()).collect()
    }

    /// What the analyzer has to be started with.
    pub fn place(&self) -> &AnalyzerPlace {
        &self.place
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.items))
    }
}
