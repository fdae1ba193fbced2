//! What takes time and comes back as an event: tasks of the compiler, and what comes of them. Whose they are is not known
//! here.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use build::{DependencyError, SessionLibrary};
use compiler::{Artifact, Changed, CompileError, HintKind, Notebook, PrepareError, Program, Rendered, Source};
use futures::{FutureExt, future::LocalBoxFuture};
use ipc::{Hint, MimeBundle};
use tokio_util::sync::CancellationToken;

use super::{failure::Failure, library::DEFECT};

/// A task of the compiler: something that takes time.
pub(super) type Task = LocalBoxFuture<'static, TaskDone>;

/// The result of a task.
pub(crate) enum TaskDone {
    Built(Result<SessionLibrary, String>),
    Compiled {
        /// Unless it was not needed.
        notebook: Option<Box<Notebook>>,
        result: Result<Compiled, Refusal>,
    },
    Changed {
        notebook: Box<Notebook>,
        result: Result<Changed, DependencyError>,
    },
}

/// Work for the compiler: what it is to do with the notebook.
pub(super) type Work =
    Box<dyn for<'a> FnOnce(&'a mut Notebook, &'a CancellationToken) -> LocalBoxFuture<'a, Result<Compiled, Refusal>>>;

/// An asynchronous closure as work.
pub(super) fn work<F>(begin: F) -> Work
where
    F: for<'a> AsyncFnOnce(&'a mut Notebook, &'a CancellationToken) -> Result<Compiled, Refusal> + 'static,
{
    Box::new(move |notebook, cancel| Box::pin(begin(notebook, cancel)))
}

/// Does the work; the notebook comes back with what it came to.
pub(super) fn compile(mut notebook: Box<Notebook>, work: Work, cancel: CancellationToken) -> Task {
    Box::pin(async move {
        let result = AssertUnwindSafe(work(&mut notebook, &cancel)).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(Refusal::unable(DEFECT)));
        TaskDone::Compiled { notebook: Some(notebook), result }
    })
}

/// Looks something up that needs no notebook.
pub(super) fn look(looking: LocalBoxFuture<'static, Result<Compiled, Refusal>>, cancel: CancellationToken) -> Task {
    Box::pin(async move {
        let result = tokio::select! {
            result = looking => result,
            () = cancel.cancelled() => Err(Refusal::Cancelled),
        };
        TaskDone::Compiled { notebook: None, result }
    })
}

/// The outcome of a compile: what the compiler made of a step.
#[derive(Default)]
pub(crate) struct Compiled {
    pub(super) program: Option<Program>,
    /// The answer to a command that runs nothing.
    pub(super) answer: Option<MimeBundle>,
    pub(super) result_type: Option<String>,
    pub(super) warnings: Option<Rendered>,
    pub(super) notes: Vec<String>,
    pub(super) hints: Vec<(Hint, String)>,
    pub(super) forget: Vec<String>,
    pub(super) compile_time: Duration,
    /// What the cell is to be from now on.
    pub(super) new_text: Option<String>,
    /// Something for the frontend's pager.
    pub(super) page: Option<MimeBundle>,
}

impl Compiled {
    /// The answer to a command.
    pub(super) fn answer(bundle: MimeBundle) -> Self {
        Self { answer: Some(bundle), ..Self::default() }
    }

    /// The cell is to be another.
    pub(super) fn new_text(text: String) -> Self {
        Self { new_text: Some(text), ..Self::default() }
    }

    /// Something for the frontend's pager.
    pub(super) fn page(data: MimeBundle) -> Self {
        Self { page: Some(data), ..Self::default() }
    }

    /// What rustc or clippy warns of.
    pub(super) fn warnings(warnings: Rendered) -> Self {
        Self { warnings: Some(warnings), ..Self::default() }
    }

    /// A sentence or a few.
    pub(super) fn note(text: String) -> Self {
        Self { notes: vec![text], ..Self::default() }
    }
}

/// The failure of a compile: why there is nothing to run.
pub(crate) enum Refusal {
    /// rustc did not like it.
    Refused(CompileError),
    Cancelled,
    /// It could not be done at all.
    Failed(Failure),
}

impl Refusal {
    /// The compiler could not work: a sentence.
    pub(super) fn unable(sentence: &str) -> Self {
        Self::Failed(Failure::new("EnvironmentError", sentence))
    }
}

impl From<PrepareError> for Refusal {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Compile(error) => Self::Refused(error),
            PrepareError::Cancelled => Self::Cancelled,
            other => Self::unable(&other.to_string()),
        }
    }
}

/// A future of the present task: ready when it is done, which is then no more; never while there is none. Cancel safe.
pub(crate) struct Tasks<'a>(pub(super) &'a mut Option<Task>);

impl Future for Tasks<'_> {
    type Output = TaskDone;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<TaskDone> {
        let Some(task) = self.0.as_mut() else { return Poll::Pending };
        let done = std::task::ready!(task.as_mut().poll(context));
        *self.0 = None;
        Poll::Ready(done)
    }
}

/// Code is to be compiled, for the worker to run it.
pub(super) fn prepare(source: Source) -> Work {
    work(async move |notebook, cancel| prepared(notebook, &source, cancel).await)
}

async fn prepared(notebook: &mut Notebook, source: &Source, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let artifact = notebook.prepare(source, cancel).await?;
    Ok(Compiled {
        hints: hints(&artifact),
        program: artifact.program,
        result_type: artifact.result_type,
        warnings: artifact.warnings,
        notes: artifact.notes,
        forget: artifact.forget,
        compile_time: artifact.compile_time,
        ..Compiled::default()
    })
}

/// What the compiler has to say that is no warning of rustc's.
fn hints(artifact: &Artifact) -> Vec<(Hint, String)> {
    let kind = |kind: HintKind| match kind {
        HintKind::Blocking => Hint::Blocking,
        HintKind::Unawaited => Hint::Unawaited,
        HintKind::Guard => Hint::Guard,
    };
    artifact.hints.iter().map(|hint| (kind(hint.kind), hint.text.clone())).collect()
}

pub(super) async fn prepare_variables(
    notebook: &mut Notebook,
    cancel: &CancellationToken,
) -> Result<Compiled, Refusal> {
    let begin = Instant::now();
    let program = notebook.prepare_variables(false, cancel).await?;
    let notes = if program.is_none() { vec!["There are no variables.".to_owned()] } else { Vec::new() };
    Ok(Compiled { program, notes, compile_time: begin.elapsed(), ..Compiled::default() })
}

/// All variables, for a panel that lists them.
pub(super) fn prepare_details() -> Work {
    work(async |notebook, cancel| {
        let program = notebook.prepare_variables(true, cancel).await?;
        Ok(Compiled { program, ..Compiled::default() })
    })
}
