//! The compiler's input and output: plain data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One execution of one cell, its command lines taken off by [`split_commands`](crate::split_commands).
#[derive(Clone, Debug)]
pub struct Source {
    /// The code. Lines that were commands are blank, so that line numbers are the frontend's.
    pub text: String,
    /// What the cell is called in messages and panic locations: `cell 3`. Unique within the kernel, and a file name.
    pub label: String,
    /// The frontend's own id of the cell (`metadata.cellId`), which stays when the cell is run again.
    pub cell_id: Option<String>,
    /// `%%opt`: for this cell only. `None`: the session's (`:opt`).
    pub opt_level: Option<u8>,
    /// `%%timeline`: the futures that it awaits are told apart as well.
    pub timeline: bool,
    /// Whether [`Artifact::result_type`] is wanted.
    pub show_type: bool,
    /// Whether it is a part of the notebook, which [`Notebook::export`](crate::Notebook::export) writes.
    pub remember: bool,
    /// Whether it is only to be evaluated: it defines nothing and moves no variable.
    pub is_expression: bool,
}

/// Text for people in the two forms that a frontend can use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Without escape codes.
    pub plain: String,
    /// With colours.
    pub ansi: String,
}

/// rustc's word on a cell that cannot run.
#[derive(Clone, Debug)]
pub struct CompileError {
    /// One line, for Jupyter's `evalue`: `E0308: mismatched types`.
    pub summary: String,
    /// All errors, rendered against the texts of the cells.
    pub rendered: Rendered,
    /// The codes of the errors, as `E0308`, by which rustc explains them: each once, in the order of the errors.
    pub codes: Vec<String>,
}

/// A cell that can run.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// `None`: there is nothing to run (a cell of items, imports or comments).
    pub program: Option<Program>,
    /// Warnings that matter; they are no error.
    pub warnings: Option<Rendered>,
    /// Sentences for the user: what was dropped and why, how to run a pasted `main`.
    pub notes: Vec<String>,
    /// What compiles and is hardly meant.
    pub hints: Vec<Hint>,
    /// The type of what it shows at its end, where that was asked for.
    pub result_type: Option<String>,
    /// Variables that are to be dropped before it runs: their type was redefined.
    pub forget: Vec<String>,
    /// Older variables that it moves.
    pub moves: Vec<String>,
    /// Time spent in rustc, over all calls.
    pub compile_time: Duration,
    /// How many calls that were.
    pub compiles: u32,
}

/// A guess about a cell that runs all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub kind: HintKind,
    /// One line, which begins with the place.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintKind {
    /// Async code that keeps a thread of the runtime from its other tasks.
    Blocking,
    /// A future that nobody awaited.
    Unawaited,
    /// A guard of a lock that is held while something is awaited.
    Guard,
}

/// A library and the symbol of its entry point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub library: PathBuf,
    pub entry: String,
}

/// Why a cell is not ready to run. The notebook is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// rustc refused it.
    #[error("the cell does not compile")]
    Compile(CompileError),
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// There is no rustc, no room on the disk, …: a sentence that says what to do.
    #[error("{0}")]
    Environment(String),
}

/// How the run of a cell that was prepared ended, told by whoever ran it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The entry point of its [`Program`]; empty if it had none.
    pub entry: String,
    /// Whether it ran to its end.
    pub success: bool,
    /// Whether it showed the value of its tail expression.
    pub showed: bool,
    /// What has become of variables that the worker has or had, since the notebook was told last. There may be more names
    /// than of what has changed.
    pub changes: BTreeMap<String, Stored>,
    /// Those that the cell itself has put there.
    pub kept: Vec<String>,
}

/// What the worker has under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    Nothing,
    /// A variable that neither borrows nor is lent.
    Ordinary,
    Loan(Loan),
}

/// A variable that borrows or is lent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loan {
    pub kind: LoanKind,
    /// Where it is lent: the variables that have to go until it is free. What has no name has an empty one.
    pub held_by: Vec<String>,
}

/// What a cell can do with a variable that borrows or is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoanKind {
    /// It borrows; a cell that mentions it has the value itself.
    Value,
    /// It is lent, and can be looked at where it stands.
    Place,
    /// It is lent to one that may change it.
    Hidden,
}

/// What is to be done about variables that went with a cell that has run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Farewell {
    /// Sentences for the user.
    pub notes: Vec<String>,
    /// Variables that are in the worker's store, and have no name.
    pub forget: Vec<String>,
}

/// What has come of a change of the dependencies.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// What was added, with versions: `rand 0.9.2`.
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// How many crates were compiled.
    pub compiled: usize,
    /// What is loaded does not fit: another worker has to be started.
    pub restart: Option<Restart>,
    /// Variables whose types have become others: the worker is to forget them.
    pub lost: Vec<String>,
    /// Sentences about what else is to be known: what was lost and why.
    pub notes: Vec<String>,
    /// What cargo said about what was asked for, though it took it.
    pub warnings: Vec<String>,
    /// What of the change was not made, and why: sentences.
    pub refused: Vec<String>,
}

/// Another worker, as what the old one has loaded does not fit any more.
#[derive(Clone, Debug)]
pub struct Restart {
    pub worker: PathBuf,
    /// Why: the end of a sentence that begins with what was lost.
    pub reason: String,
    /// The variables that were lost with the old one.
    pub lost: Vec<String>,
}

/// A variable of the notebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    /// As it is shown to people, paths shortened.
    pub type_name: String,
    pub mutable: bool,
    /// What it borrows from.
    pub borrows: Vec<String>,
}
