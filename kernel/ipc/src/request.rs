//! Requests: what the server asks of the worker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Comm;

/// Which run of a cell a message is about.
///
/// It is counted up for everything that is ever run in a kernel, silent cells too, and so differs from Jupyter's
/// `execution_count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellId(pub u64);

/// A message from the server to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Load a cell's library and run it; answered by exactly one [`Event::Done`](crate::Event::Done), unless the
    /// worker dies.
    Run {
        cell: CellId,
        /// The cell's name for people and for panic locations: `cell 3`.
        label: String,
        /// The shared library that the compiler made.
        library: PathBuf,
        /// The symbol of the cell's entry point in it.
        entry: String,
        /// Variables that are dropped before the cell runs, because their type was redefined.
        forget: Vec<String>,
        /// Whether the answer is to tell all variables: what was told before is not known any more.
        #[serde(default)]
        tell_all: bool,
        /// `%%timeline`: whether its tasks are drawn.
        #[serde(default)]
        timeline: bool,
    },
    /// Run a program of a shell as a cell; answered as [`Run`](Self::Run) is.
    Shell {
        cell: CellId,
        /// As in [`Run`](Self::Run).
        label: String,
        script: Script,
    },
    /// Cancel the cell if it is the one that runs: at its next `.await` or checkpoint it ends as `Interrupted`.
    Interrupt { cell: CellId },
    /// The cell of these runs, which have ended, is run again: what they show beyond their end is over. Not answered.
    Again { cells: Vec<CellId> },
    /// The answer to an [`Event::Input`](crate::Event::Input).
    Input { id: u64, answer: InputAnswer },
    /// A frontend says something to code of a cell; not answered.
    Comm(Comm),
    /// Tell about tasks, whatever the cell does; answered by one [`Event::Report`](crate::Event::Report).
    Report(Report),
    /// How values are laid out from here on (`:fmt`); not answered.
    Layout(Layout),
    /// Drop variables for a cell without code of its own; answered as a run is, by one
    /// [`Event::Done`](crate::Event::Done). It can be interrupted, as a `Drop` is user code.
    Drop {
        cell: CellId,
        /// As in [`Run`](Self::Run).
        label: String,
        /// Which; `None`: all (`:clear`).
        names: Option<Vec<String>>,
        /// As in [`Run`](Self::Run).
        #[serde(default)]
        tell_all: bool,
    },
    /// End the process; not answered. The end of the control socket means the same.
    Shutdown,
}

/// What a shell is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The shell: `sh`, `bash`.
    pub shell: String,
    pub text: String,
    /// Whether another exit code than 0 is an error, and not only told.
    pub strict: bool,
}

/// How the `Debug` text of values is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// What fits on a line is on one.
    #[default]
    Fit,
    /// As `{:?}`.
    Line,
    /// As `{:#?}`.
    Pretty,
}

/// What the user said to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputAnswer {
    /// A line, without its newline.
    Line(String),
    /// There is no more.
    End,
    /// The frontend does not take questions (`allow_stdin`).
    NotAllowed,
}

/// What is asked about tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// The living tasks.
    Tasks,
    /// Abort a task by its id, and say so.
    AbortTask { id: u64 },
    /// Abort the tasks of a cell by its label, or of all cells.
    AbortTasks { label: Option<String> },
    /// The timeline of the cell that was drawn last, or of the last cell at all.
    Timeline,
    /// A recorded timeline, written to a file as Chrome trace events.
    ExportTimeline { path: PathBuf },
}
