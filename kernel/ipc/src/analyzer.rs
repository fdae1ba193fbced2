//! The messages between the server and the analyzer: first a [`Begin`], then [`Ask`]s, and one [`Tell`] for each of
//! them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the analyzer is to know before it can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The lines of a table of dependencies, as Cargo.toml has it.
    pub dependencies: String,
    /// The Cargo.lock with their versions.
    pub lock: PathBuf,
    /// A folder of the analyzer's own.
    pub folder: PathBuf,
    /// Whether cargo may use the network, if what it has does not suffice.
    pub online: bool,
}

/// A question about a text. The analyzer answers one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub id: u64,
    pub what: Wish,
    pub text: String,
    /// Bytes into the text.
    pub cursor: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// What completes the word at the cursor.
    Complete,
    /// Words about the name that ends at the cursor.
    Inspect,
}

/// From the analyzer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tell {
    /// Questions can be answered. `limits`: what it has to go without, a sentence.
    Ready {
        limits: Option<String>,
    },
    /// It cannot work, a sentence.
    Failed {
        reason: String,
    },
    Answer {
        id: u64,
        answer: Answer,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Completions(Vec<Match>),
    Words {
        plain: String,
        markdown: String,
        html: String,
    },
    /// It has nothing to say.
    Nothing,
}

/// A completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    pub text: String,
    /// What it is, in one word.
    pub kind: String,
}
