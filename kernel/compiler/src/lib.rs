//! The compiler of cells: from the source of a cell to a shared library, the types of its variables, and diagnostics.
//!
//! This crate answers for everything that is Rust about a cell: what is an item and what a statement, what later
//! cells can name, how rustc is called and how its words are shown. It deliberately knows neither Jupyter nor the
//! worker: it writes libraries that somebody else loads, and is told afterwards how a cell ended.

mod adapter;
mod ahead;
mod analysis;
mod api;
mod command;
mod completeness;
mod notebook;

mod parse;
mod source_map;

mod binding;
mod boxing;
mod items;
mod loan;
mod lower;
mod scope;

mod clippy;
mod diagnostic;
mod names;
mod remembered;
mod rustc;
mod rustfmt;

pub use analysis::{
    AnalyzerPlace, Completion, Completions, Inspection, Kind, Knowledge, Question, registry_crates, registry_versions,
};
pub use api::{
    Artifact, Changed, CompileError, Farewell, Finished, Hint, HintKind, Loan, LoanKind, PrepareError, Program,
    Rendered, Restart, Source, Stored, Variable,
};
pub use command::{Command, CommandAt, OPEN_TABLE, command_at, is_other_code, split_commands, split_commands_among};
pub use completeness::{Completeness, completeness, has_empty_end};
#[doc(hidden)]
pub use names::files_of;
pub use notebook::{ExportError, Foresight, Notebook};
