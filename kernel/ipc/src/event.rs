//! Events: what the worker tells the server.

use serde::{Deserialize, Serialize};

use crate::{CellId, Comm};

/// Representations of one thing by MIME type, as the messaging spec's `data` fields want them: JSON types hold a
/// JSON value, binary types a base64 string, all others text.
pub type MimeBundle = serde_json::Map<String, serde_json::Value>;

/// A message from the worker to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The runtime stands and cells can run. Sent once, first.
    Ready {
        /// What the worker's words on its own stdout and stderr begin with; see the crate `kissaten-marks`.
        mark: String,
    },
    /// Something to display, from a cell or from a task of it.
    Display(Display),
    /// Something to know about what a cell did; no error, and never on stderr.
    Hint { cell: CellId, hint: Hint, text: String },
    /// A cell waits, and nothing ends that by itself: words that replace the ones before. `None`: it does so no more.
    Waiting { cell: CellId, text: Option<String>, update: bool },
    /// Code of a cell asks for a line of input; answered by one [`Request::Input`](crate::Request::Input), unless
    /// it is withdrawn before.
    Input {
        id: u64,
        cell: CellId,
        /// `None`: whoever reads from stdin has said what it asks for, if at all, on stdout.
        prompt: Option<String>,
        password: bool,
    },
    /// The interrupt of that run was what its code has waited for (`ctrl_c()`): it goes on.
    Heard { cell: CellId },
    /// Nobody waits for that input any more.
    InputWithdrawn { id: u64 },
    /// Code of a cell says something to the frontend.
    Comm { cell: CellId, comm: Comm },
    /// Something for the frontend's pager; it belongs into the cell's reply.
    Page { cell: CellId, data: MimeBundle },
    /// Text for a new cell, likewise.
    NextInput { cell: CellId, text: String },
    /// Comms for the target of this name can be opened from now on, or no more.
    CommTarget { name: String, is_there: bool },
    /// A program of a shell leads a process group of its own, or does so no more. What a worker leaves behind of it, however it
    /// ends, is to end with it.
    ProgramGroup { group: i32, state: GroupState },
    /// What was asked for by [`Request::Report`](crate::Request::Report); an error is a sentence for the user.
    Report(Result<MimeBundle, String>),
    /// The cell has ended. All it printed was written to its pipes before this was sent, so a reader who now
    /// drains them has it whole.
    Done {
        cell: CellId,
        outcome: Outcome,
        /// What has become of the variables.
        variables: Variables,
        /// Those that this run has made and that are there; an older one of the same name is another.
        #[serde(default)]
        kept: Vec<String>,
    },
}

/// What is known of a process group that a program leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Its leader runs.
    Led,
    /// Its leader has ended and was waited for; what it has started goes on.
    Left,
    /// Nothing of it is left: the number may be another's.
    Gone,
}

/// What has become of the variables since the worker's last word on them: there may be thousands, of which a cell touches
/// a few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables {
    /// Whether these are all that there are, whatever was said before: the first word of a worker, and the one after a
    /// request that asks for it.
    #[serde(default)]
    pub whole: bool,
    /// Those that came, or are something else now, and perhaps others.
    #[serde(default)]
    pub there: Vec<Variable>,
    /// Names under which there is none any more, and perhaps never was.
    #[serde(default)]
    pub gone: Vec<String>,
}

/// A variable that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    /// Set where it borrows from another, or is lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loan: Option<Loan>,
}

/// What there is to know of a variable that borrows from another, or is lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loan {
    pub kind: LoanKind,
    /// Where it is lent: the variables that have to go until it is free. What has no name, as a cell that runs, has an
    /// empty one.
    #[serde(default)]
    pub held_by: Vec<String>,
}

/// What a later cell can do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoanKind {
    /// It borrows; a cell that mentions it has the value itself.
    Value,
    /// It is lent, and can be looked at where it stands.
    Place,
    /// It is lent to one that may change it.
    Hidden,
}

/// One display of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Display {
    pub cell: CellId,
    /// Counted up by the worker; a mark with this number stands in its stdout where the display belongs. `None`: it
    /// stands where it comes.
    #[serde(default)]
    pub number: Option<u64>,
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

/// What a hint is about, by which it can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// A poll held a worker of the runtime for long.
    Blocking,
    /// A task or a thread panicked.
    Panic,
    /// A variable that goes, whose `Drop` panics or takes long.
    Drop,
    /// A future was dropped without ever having been awaited.
    Unawaited,
    /// A guard of a lock of std is held over an `.await`.
    Guard,
    /// A runtime inside of the kernel's runtime.
    Runtime,
    /// A channel's other end is gone.
    Channel,
    /// A cell waits for what nobody is left to do.
    Waiting,
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
    Error {
        type_name: String,
        message: String,
        sources: Vec<String>,
        /// The place of the `?`, where it stands in a cell.
        #[serde(default)]
        location: Option<Location>,
    },
    /// The cell's own future panicked.
    Panic(Panic),
    /// It was cancelled.
    Interrupted {
        /// What it was waiting for, in words, where that is known.
        #[serde(default)]
        was: Option<String>,
    },
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
