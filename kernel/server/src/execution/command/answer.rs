//! What a command comes to, for the step of a cell that it is. Commands know neither the cell nor its shell.

use std::path::PathBuf;

use build::Change;
use futures::future::LocalBoxFuture;
use ipc::Script;
use jupyter_protocol::JupyterMessageContent;

use crate::execution::task::{Compiled, Refusal, Work};

/// The answer to a command: what is to be done now for it.
pub(in crate::execution) enum Answer {
    /// Nothing more than to say this.
    Say(JupyterMessageContent),
    /// The list of all commands is shown, and under it what the kernel has to go without.
    List { missing: Option<String> },
    /// The kernel ends, and nothing more of the cell is done.
    Quit,
    /// This code runs next, as if the command were its name.
    Run(String),
    /// The worker runs this by a shell.
    Shell(Script),
    /// The content of this file comes next.
    Load { path: PathBuf, text: String },
    /// The worker was asked, and its report is waited for.
    Await,
    /// The worker drops all variables, and this is said.
    Drop(JupyterMessageContent),
    /// The compiler gets the notebook, and this to do with it.
    Compile(Work),
    /// This is waited for, which needs no notebook.
    Look(LocalBoxFuture<'static, Result<Compiled, Refusal>>),
    /// A Rust toolchain is got, if there is none, and then the session library.
    InstallRust,
    /// The dependencies change.
    Change(Change),
}
