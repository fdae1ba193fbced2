//! The compiler, of which there is one for all shells: the session library, the notebook that is compiled against it, and
//! the one thing that it is doing. Whose step that is, and what becomes of it, is not known here.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use build::{Progress, SessionLibrary};
use compiler::{Knowledge, Notebook};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{
    failure::Failure,
    library::{self, DEFECT, Found},
    notice::Notice,
    task::{Task, TaskDone},
};
use crate::{events::Events, worker::Supervisor};

/// How often the display of a build changes at most.
const PACE: Duration = Duration::from_millis(150);

/// The state of the session library: the notebook, or why there is none at hand.
pub(super) enum Library {
    /// It is there, and so is the notebook that is compiled against it.
    Ready(Box<Notebook>),
    /// It is there; the notebook is with the compiler and comes back with the result.
    Compiling,
    /// It is being built, or what it is built by is being got.
    Building { of: Building, progress: Progress },
    /// There is none and it cannot be had: a sentence. The next cell tries again.
    Failed(String),
}

/// The present build: what is waited for before there can be a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Building {
    Rust,
    SessionLibrary,
}

/// The compiler and its notebook, which goes out with each task and comes back with its result.
pub(super) struct Compiler {
    library: Library,
    /// What was live when somebody last asked, or when the compiler was last given the notebook.
    known: Arc<Knowledge>,
    task: Option<Task>,
    /// The kernel's own; libraries and sources go there.
    directory: PathBuf,
    rustc_version: Option<String>,
    /// The codes of the last compile error, for `:explain`.
    pub(super) last_error: Vec<String>,
}

impl Compiler {
    /// Nothing is known of the session library yet.
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            library: Library::Failed(String::new()),
            known: Arc::default(),
            task: None,
            directory: directory.to_owned(),
            rustc_version: None,
            last_error: Vec::new(),
        }
    }

    /// Where the kernel keeps what is compiled.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The version of the rustc that the session library was built with.
    pub(super) fn rustc_version(&self) -> &str {
        self.rustc_version.as_deref().unwrap_or("unknown")
    }

    /// How it is with the session library.
    pub(super) fn library(&self) -> &Library {
        &self.library
    }

    /// The notebook, unless there is none or the compiler has it.
    pub(super) fn notebook(&mut self) -> Option<&mut Notebook> {
        match &mut self.library {
            Library::Ready(notebook) => Some(notebook),
            _ => None,
        }
    }

    /// What is live, as far as it is known at this moment: while the notebook is with the compiler, what was before.
    pub(super) fn knowledge(&mut self) -> Arc<Knowledge> {
        if let Library::Ready(notebook) = &self.library
            && (notebook.revision() != self.known.revision() || !self.known.place().is_known())
        {
            self.known = Arc::new(notebook.knowledge());
        }
        Arc::clone(&self.known)
    }

    /// What is being done, for the kernel's loop to wait for.
    pub(super) fn task(&mut self) -> &mut Option<Task> {
        &mut self.task
    }

    /// Begins something that needs no notebook.
    pub(super) fn begin(&mut self, task: Task) {
        self.task = Some(task);
    }

    /// Begins something that the notebook is given to, and that gives it back.
    pub(super) fn begin_with(&mut self, begin: impl FnOnce(Box<Notebook>) -> Task) {
        self.knowledge();
        match std::mem::replace(&mut self.library, Library::Compiling) {
            Library::Ready(notebook) => self.task = Some(begin(notebook)),
            _ => unreachable!("the caller has seen that the notebook is there"),
        }
    }

    /// The notebook is back.
    pub(super) fn returned(&mut self, notebook: Box<Notebook>) {
        self.library = Library::Ready(notebook);
    }

    /// Ends what is being done; the compiler's processes end with it.
    pub(super) fn end(&mut self) {
        self.task = None;
    }

    /// Whether there is a session library, as was found out: it is used, or built.
    pub(super) fn found(&mut self, found: Found, supervisor: &mut Supervisor, events: &Events<Notice>) {
        match found {
            Ok(Some(library)) => self.adopt(library, supervisor),
            Ok(None) => self.build(events.clone()),
            Err(error) => self.library = Library::Failed(error),
        }
    }

    /// Looks again if there was none: what was missing may be there by now.
    pub(super) fn look_again(&mut self, supervisor: &mut Supervisor, events: &Events<Notice>) {
        if matches!(self.library, Library::Failed(_)) {
            self.found(library::look(), supervisor, events);
        }
    }

    /// A build has ended; if it failed, a sentence.
    pub(super) fn built(
        &mut self,
        built: Result<SessionLibrary, String>,
        supervisor: &mut Supervisor,
    ) -> Result<(), String> {
        match built {
            Ok(library) => {
                self.adopt(library, supervisor);
                Ok(())
            }
            Err(sentence) => {
                self.library = Library::Failed(sentence.clone());
                Err(sentence)
            }
        }
    }

    /// How far the build is; whether there is one.
    pub(super) fn build_progress(&mut self, now: Progress) -> bool {
        match &mut self.library {
            Library::Building { of, progress } => {
                // rustup cannot say how much there is to do.
                *of = if now.total == 0 { *of } else { Building::SessionLibrary };
                *progress = now;
                true
            }
            _ => false,
        }
    }

    /// Gets a Rust toolchain, and then the session library, unless that is there or being built.
    pub(super) fn install_rust(&mut self, events: Events<Notice>) {
        if !matches!(self.library, Library::Failed(_)) {
            return;
        }
        self.library = Library::Building { of: Building::Rust, progress: Progress::default() };
        self.task = Some(Box::pin(async move {
            let (told, never) = (events.clone(), CancellationToken::new());
            let progress = move |line: &str| {
                told.try_send(Notice::BuildProgress(Progress { doing: line.to_owned(), ..Progress::default() }));
            };
            let installed = build::install_rust(&never, progress);
            let installed = AssertUnwindSafe(installed).catch_unwind().await;
            match installed {
                Ok(Ok(_)) => match library::find().await {
                    Ok(Some(library)) => TaskDone::Built(Ok(library)),
                    Ok(None) => TaskDone::Built(build_library(events).await),
                    Err(sentence) => TaskDone::Built(Err(sentence)),
                },
                Ok(Err(error)) => TaskDone::Built(Err(error.to_string())),
                Err(_) => TaskDone::Built(Err(DEFECT.to_owned())),
            }
        }));
    }

    fn adopt(&mut self, library: SessionLibrary, supervisor: &mut Supervisor) {
        self.rustc_version = Some(library.rustc_release().to_owned());
        let worker = library.worker().to_owned();
        self.library = match Notebook::new(library, &self.directory) {
            Ok(notebook) => {
                // As a program finds them that cargo runs.
                for (name, value) in build::package_variables() {
                    supervisor.set_env(&name, &value);
                }
                supervisor.start(&worker);
                Library::Ready(Box::new(notebook))
            }
            Err(error) => Library::Failed(format!("the kernel's directory cannot be used: {error}")),
        };
    }

    fn build(&mut self, events: Events<Notice>) {
        let progress = Progress { doing: "starting cargo".to_owned(), ..Progress::default() };
        self.library = Library::Building { of: Building::SessionLibrary, progress };
        self.task = Some(Box::pin(async move { TaskDone::Built(build_library(events).await) }));
    }
}

async fn build_library(events: Events<Notice>) -> Result<SessionLibrary, String> {
    let mut shown = None::<Instant>;
    let progress = move |progress: Progress| {
        // One that is not seen is no loss.
        if shown.is_none_or(|shown| shown.elapsed() >= PACE) {
            shown = Some(Instant::now());
            events.try_send(Notice::BuildProgress(progress));
        }
    };
    let built = AssertUnwindSafe(SessionLibrary::build(progress)).catch_unwind().await;
    built.map_or_else(|_| Err(DEFECT.to_owned()), |built| built.map_err(|error| error.to_string()))
}

/// What is said where the notebook is with the compiler, which waits for no second thing.
pub(super) fn not_there() -> Failure {
    Failure::new("SessionLibraryError", "the notebook is with the compiler")
}
