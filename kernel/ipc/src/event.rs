//! What the worker tells the server.

use serde::{Deserialize, Serialize};

use crate::CellId;

/// Representations of one thing by MIME type, as the messaging spec's `data` fields want them: JSON types hold a
/// JSON value, binary types a base64 string, all others text.
pub type MimeBundle = serde_json::Map<String, serde_json::Value>;

/// A message from the worker to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The runtime stands and cells can run. Sent once, first.
    Ready,
    /// Something to display, from a cell or from a task of it.
    Display(Display),
    /// The cell has ended. All it printed was written to its pipes before this was sent, so a reader who now
    /// drains them has it whole.
    Done {
        cell: CellId,
        outcome: Outcome,
        /// The names of all variables that are now in the store.
        variables: Vec<String>,
    },
    /// All variables were dropped.
    Cleared,
}

/// One display of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Display {
    pub cell: CellId,
    pub data: MimeBundle,
    #[serde(default)]
    pub metadata: MimeBundle,
    /// The messaging spec's `transient.display_id`.
    #[serde(default)]
    pub display_id: Option<String>,
    /// Whether it replaces what was displayed under the same `display_id`.
    #[serde(default)]
    pub update: bool,
}

/// How a cell ended. A user's failure is a value, not an error of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The tail expression has something to show.
    Value(Value),
    /// It ended with nothing to show.
    Unit,
    /// A `?` at the top level returned an error: its text, then those of its sources.
    Error { type_name: String, message: String, sources: Vec<String> },
    /// The cell's own future panicked.
    Panic(Panic),
    /// It was cancelled.
    Interrupted,
    /// Its library could not be loaded.
    LoadFailed { message: String },
}

/// What the tail expression shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    pub data: MimeBundle,
    #[serde(default)]
    pub metadata: MimeBundle,
}

/// What a panic said, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Panic {
    pub message: String,
    pub location: Option<Location>,
}

/// A place in source text as rustc wrote it down: in user code, `file` is the cell's label (`cell 3`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}
