//! The session library that all cells share: whether there is one for the present rustc, and how a build is shown when
//! there is none. How it is found and built is the compiler crate's.

use std::{
    io::{self, Write as _},
    panic::AssertUnwindSafe,
};

use anyhow::Context as _;
use compiler::{Notebook, SessionLibrary};
use futures::FutureExt;
use tokio::runtime;

use super::{
    Execution,
    failure::Failure,
    note,
    notice::Notice,
    stage::{Stage, TaskDone},
};

/// What is said when the compiler crate panicked.
pub(super) const DEFECT: &str = "Kissaten's compiler panicked, which is a defect in Kissaten";

/// What the kernel knows of the session library.
pub(super) enum Library {
    /// It is there, and so is the notebook that is compiled against it.
    Ready(Box<Notebook>),
    /// It is there; the notebook is with the compiler and comes back with the result.
    Compiling,
    /// It is being built.
    Building { last_line: String },
    /// There is none and it cannot be had: a sentence. The next cell tries again.
    Failed(String),
}

/// Whether there is one; `None`: it has to be built; an error is a sentence that says what to do.
pub(crate) type Found = Result<Option<SessionLibrary>, String>;

/// Looks for the session library, which may read files and even ask rustc, beside what else is to be done.
pub(crate) async fn find() -> Found {
    tokio::task::spawn_blocking(look).await.unwrap_or_else(|_| Err(DEFECT.to_owned()))
}

fn look() -> Found {
    match std::panic::catch_unwind(SessionLibrary::find) {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err(DEFECT.to_owned()),
    }
}

/// `kissaten build`: builds the session library if there is none.
pub(crate) fn build_in_terminal() -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start a runtime for the build")?;
    if let Some(library) = SessionLibrary::find()? {
        println!("the session library for rustc {} is there", library.rustc_release());
        return Ok(());
    }
    let library = runtime.block_on(SessionLibrary::build(|line| {
        // Whoever closed the terminal wants the library all the same.
        let _ = writeln!(io::stdout(), "{line}");
    }))?;
    println!("the session library for rustc {} is built", library.rustc_release());
    Ok(())
}

impl Execution {
    /// A line of the build.
    pub(super) fn build_progress(&mut self, line: &str) {
        if let Library::Building { last_line } = &mut self.library {
            line.clone_into(last_line);
            self.each_shell(Self::show_progress);
        }
    }

    /// Looks again: what was missing may be there by now.
    pub(super) fn look_again(&mut self) {
        self.found(look());
    }

    /// Whether there is a session library, as was found out.
    pub(super) fn found(&mut self, found: Found) {
        match found {
            Ok(Some(library)) => self.adopt(library),
            Ok(None) => self.build(),
            Err(error) => self.library = Library::Failed(error),
        }
    }

    fn adopt(&mut self, library: SessionLibrary) {
        self.rustc_version = Some(library.rustc_release().to_owned());
        let worker = library.worker().to_owned();
        self.library = match Notebook::new(library, &self.directory) {
            Ok(notebook) => {
                // As a program finds them that cargo runs.
                for (name, value) in compiler::package_variables() {
                    self.supervisor.set_env(&name, &value);
                }
                self.supervisor.start(&worker);
                Library::Ready(Box::new(notebook))
            }
            Err(error) => Library::Failed(format!("the kernel's directory cannot be used: {error}")),
        };
    }

    fn build(&mut self) {
        self.library = Library::Building { last_line: "starting cargo".to_owned() };
        let events = self.events.clone();
        self.task = Some(Box::pin(async move {
            let progress = move |line: &str| {
                // A line that is not seen is no loss.
                events.try_send(Notice::BuildProgress(line.to_owned()));
            };
            let built = AssertUnwindSafe(SessionLibrary::build(progress)).catch_unwind().await;
            TaskDone::Built(match built {
                Ok(built) => built.map_err(|error| error.to_string()),
                Err(_) => Err(DEFECT.to_owned()),
            })
        }));
    }

    pub(super) fn built(&mut self, built: Result<SessionLibrary, String>) {
        let failed = match built {
            Ok(library) => {
                self.adopt(library);
                self.each_shell(Self::show_progress);
                None
            }
            Err(error) => Some(error),
        };
        if let Some(sentence) = &failed {
            self.library = Library::Failed(sentence.clone());
        }
        self.each_shell(|shell| match std::mem::take(&mut shell.stage) {
            Stage::AwaitingLibrary(step) => match &failed {
                // It is performed in its turn.
                None => shell.put_back(step),
                Some(sentence) => shell.fail(&step, Failure::new("SessionLibraryError", sentence)),
            },
            other => shell.stage = other,
        });
    }

    /// Tells the waiting cell how far the build is, in a display that replaces itself.
    pub(super) fn show_progress(&mut self) {
        let waits = matches!(self.stage, Stage::AwaitingLibrary(_));
        let (Some(cell), true) = (&mut self.cell, waits) else { return };
        let text = match &self.library {
            Library::Building { last_line } => format!("Preparing Kissaten for this rustc, once: {last_line}"),
            _ => "Kissaten is prepared for this rustc.".to_owned(),
        };
        let update = cell.progress.is_some();
        let id = cell.progress.get_or_insert_with(|| format!("kissaten-build-{}", self.runs)).clone();
        self.say(note::changing(&text, &id, update));
    }
}
