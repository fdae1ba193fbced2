//! `kissaten run`: a notebook from top to bottom, without Jupyter.
//!
//! It is a client of the kernel in the kernel's own process: the cells go the way of all cells, and what they show comes
//! as the messages that any frontend gets. What those look like in a terminal is [`terminal`]'s, and in a file
//! [`notebook`]'s, [`outputs`]' and [`widgets`]'; nothing here knows how a cell is run.

mod client;
mod notebook;
mod outputs;
mod question;
mod terminal;
mod widgets;

use std::{
    env,
    fs::File,
    io::{self, IsTerminal},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use tokio::sync::mpsc;

use self::{client::NotebookClient, notebook::Notebook};
use crate::{channel::local, dispatcher, events::Events, execution::library, history::History, outside::Outside};

/// The arguments of `kissaten run`: what is to be run, and where its outputs go.
#[derive(Args)]
pub(crate) struct RunOptions {
    /// The notebook, a file of the kind `.ipynb`. Its cells run in the folder that it is in, as in Jupyter.
    notebook: PathBuf,
    /// Write the notebook with its outputs to this file, also if a cell errs.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on after a cell that errs.
    #[arg(short, long)]
    keep_going: bool,
    /// Interrupt a cell that takes longer, as ■ does: one that waits for a click, or for ever.
    #[arg(short, long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// Runs a notebook in a process of its own, also what stands behind a cell that errs, and shows nothing of it.
pub(crate) fn run_unseen(notebook: &Path, limit: Option<u64>) -> anyhow::Result<()> {
    // Of a notebook that is none the code of the process says the same as of one that errs.
    Notebook::read(notebook)?;
    let program = env::current_exe().context("failed to find the program")?;
    let mut command = std::process::Command::new(program);
    command.args(["run", "--keep-going"]).arg(notebook);
    command.args(limit.map(|limit| format!("--limit={limit}")));
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output().context("failed to start a kernel")?;
    // A cell that errs is the notebook's matter; what it says is shown on stderr as well.
    match output.status.code() {
        Some(0 | 1) => Ok(()),
        _ => anyhow::bail!("the kernel ended ({}): {}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// Runs a notebook. The code says whether a cell erred that was not tagged `raises-exception`.
pub(crate) fn run(options: &RunOptions) -> anyhow::Result<ExitCode> {
    let mut notebook = Notebook::read(&options.notebook)?;
    let output = options.output.as_deref().map(std::path::absolute).transpose()?;
    enter_folder_of(&options.notebook)?;
    let result = dispatcher::own_runtime()?.block_on(execute(
        &mut notebook,
        options.keep_going,
        options.limit.map(Duration::from_secs),
    ));
    // Also what ended early was run for its outputs.
    if let Some(output) = output {
        notebook.write(&output)?;
    }
    Ok(if result? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether all cells ran as they should.
async fn execute(notebook: &mut Notebook, keep_going: bool, limit: Option<Duration>) -> anyhow::Result<bool> {
    let (events, receiver) = mpsc::channel(256);
    let found = library::find().await;
    let (outgoing, inbox) = local::connect();
    let allow_stdin = somebody_answers();
    // What is kept is what somebody typed.
    let client = async {
        let result =
            NotebookClient::new(inbox, Events::of(&events), allow_stdin, keep_going, limit).run(notebook).await;
        // A kernel that has ended by itself needs no telling.
        let _ = events.send(Outside::End("the notebook has run").into()).await;
        result
    };
    let (served, result) =
        tokio::join!(dispatcher::serve(outgoing, events.clone(), receiver, found, History::off()), client);
    served.and(result)
}

/// Whether questions are put to stdin: there is somebody at a terminal, or what is to be answered was prepared in a pipe or
/// a file. `/dev/null` says that there is nobody.
fn somebody_answers() -> bool {
    let stdin = io::stdin();
    let kind = || File::from(stdin.as_fd().try_clone_to_owned().ok()?).metadata().ok().map(|stdin| stdin.file_type());
    stdin.is_terminal() || kind().is_some_and(|kind| !kind.is_char_device())
}

fn enter_folder_of(notebook: &Path) -> anyhow::Result<()> {
    match notebook.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            env::set_current_dir(folder).with_context(|| format!("cannot run in the folder `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}
