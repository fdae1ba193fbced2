//! What the session says to whoever runs it: how a cell ended, and what happens meanwhile.

use crate::comm::Packet;
use crate::display::MimeBundle;

/// How a cell ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Value(MimeBundle),
    Unit,
    Error {
        type_name: String,
        message: String,
        sources: Vec<String>,
        location: Option<Location>,
    },
    Panic(Panic),
    /// With what it was about, in words, where that is known.
    Interrupted(Option<String>),
}

/// What a panic said, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Panic {
    pub message: String,
    pub location: Option<Location>,
}

/// A place as rustc wrote it down; `file` is the cell's label.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

/// One display, on its way to the frontend.
#[derive(Clone, Debug, PartialEq)]
pub struct Displayed {
    /// The run of the cell that it belongs to.
    pub cell: u64,
    /// The number with which its place is marked in what is printed; `None`: it has none.
    pub number: Option<u64>,
    pub data: MimeBundle,
    pub display_id: Option<String>,
    pub update: bool,
}

/// What a hint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A poll held a worker of the runtime for long.
    Blocking,
    /// A panic that does not end a cell.
    Panic,
    /// A variable that goes, whose `Drop` panics or takes long.
    Drop,
}

/// What is known of a process group that a program leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Its leader runs, or was not waited for yet: the number is its own.
    Led,
    /// Its leader has ended and was waited for; what it has started goes on.
    Left,
    /// Nothing of it is left: the number may be another's.
    Gone,
}

/// A notice: what the session has to say to whoever runs it.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    Display(Displayed),
    /// A sentence or two for the user, under the cell of that run.
    Hint {
        cell: u64,
        hint: Hint,
        text: String,
    },
    /// A cell waits, and nothing ends that by itself: a sentence for the user, which replaces the one before; `None`: it
    /// does so no more.
    Waiting {
        cell: u64,
        text: Option<String>,
        /// Whether there was one before.
        update: bool,
    },
    /// A question; [`answer`](super::answer) takes the answer. No prompt: somebody reads the process's stdin.
    Input {
        id: u64,
        cell: u64,
        prompt: Option<String>,
        password: bool,
    },
    /// The interrupt of that run was what its code has waited for: it goes on.
    Heard {
        cell: u64,
    },
    /// Nobody waits for that answer any more.
    InputWithdrawn {
        id: u64,
    },
    /// Something for the frontend; [`receive`](super::receive) takes what that says.
    Comm {
        cell: u64,
        packet: Packet,
    },
    /// A program of a shell leads a process group of its own, or does so no more: what has to end with the process.
    ProgramGroup {
        group: i32,
        state: GroupState,
    },
    /// Something for the frontend's pager.
    Page {
        cell: u64,
        data: MimeBundle,
    },
    /// Text for a new cell.
    NextInput {
        cell: u64,
        text: String,
    },
    /// Frontends can open comms for this target from now on, or no more.
    CommTarget {
        name: String,
        is_there: bool,
    },
}
