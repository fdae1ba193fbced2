//! The kernel's one loop: all that can wake it is an [`Event`], and every event is handled to its end before the next.
//!
//! Handlers do not wait for anything; what takes time comes back as an event. So the order in which things are
//! published is the order of events, and nothing needs a lock.

use std::{env, fs, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use build::umask;
use jupyter_protocol::{ExecutionState, Status};
use serde_json::Value;
use tokio::{
    runtime::{self, Runtime},
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{
    analysis::Analysis,
    channel::{Outgoing, control, heartbeat, iopub::Publisher, replay::Taken, router, shell, stdin},
    connection,
    execution::{Execution, ShellId, TaskDone, library},
    history::History,
    message::{Channel, Parent, Request},
    parent,
    session::Session,
    worker::Happening,
};

/// What the name of a kernel's own directory begins with.
const DIRECTORY: &str = "kissaten-";
/// How long the last messages may take to leave.
const LAST_MESSAGES: Duration = Duration::from_millis(500);
/// How long the disk may take for the last cells of the history.
const LAST_WRITES: Duration = Duration::from_secs(2);
/// The socket crate writes replies from tasks of its own and does not say when they are done.
const LINGER: Duration = Duration::from_millis(50);

/// All that can wake the kernel.
pub(crate) enum Event {
    /// A message on the shell, the control or the stdin channel.
    Request(Request),
    /// A question to the user could not be delivered.
    Undelivered { message: String },
    /// Something from the worker.
    Worker(Happening),
    /// What [`Execution`] had begun is done.
    Done(Box<TaskDone>),
    /// A line of the session library's build.
    BuildProgress(String),
    /// How far the build of a cell's dependencies is.
    DependencyProgress(build::Progress),
    /// All that was received before a cell of this shell erred has been handled.
    AbortEnds(ShellId),
    /// A point in time that [`Execution`] waits for: output is due, or an interrupt's grace is over.
    Deadline,
    /// Somebody wants to know the value of a variable.
    Look { name: String, under: Arc<Parent>, sender: oneshot::Sender<Option<String>> },
    /// SIGINT.
    Interrupt,
    /// SIGTERM or SIGHUP, or the parent is gone.
    End(&'static str),
}

/// Why the kernel ends.
pub(crate) enum Ending {
    /// A `shutdown_request`, which is answered last.
    Asked { request: Request, reply: Value },
    /// Nobody waits for an answer.
    Unasked(&'static str),
}

/// What handlers of requests work on.
pub(crate) struct Kernel {
    pub(crate) outgoing: Outgoing,
    pub(crate) execution: Execution,
    pub(crate) history: History,
    /// Answers about code.
    pub(crate) analysis: Analysis,
    /// Once it is there, the loop ends.
    pub(crate) ending: Option<Ending>,
}

/// Runs the kernel that a connection file describes, to its end.
pub(crate) fn run(connection_file: &Path) -> anyhow::Result<()> {
    let info = connection::read(connection_file)?;
    let runtime = own_runtime()?;
    let result = runtime.block_on(async {
        let session = Session::new();
        let (events, receiver) = mpsc::channel(256);
        let (sockets, found) = tokio::join!(connection::bind(&info, &session), library::find());
        let sockets = sockets?;
        let taken = Taken::default();
        let outgoing = Outgoing {
            iopub: Publisher::start(sockets.iopub, session.clone()),
            shell: router::start(sockets.shell, Channel::Shell, taken.clone(), events.clone()),
            control: router::start(sockets.control, Channel::Control, taken.clone(), events.clone()),
            stdin: stdin::start(sockets.stdin, taken, events.clone()),
            session,
        };
        heartbeat::start(sockets.heartbeat);
        serve(outgoing, events, receiver, found, History::from_environment()).await
    });
    connection::remove_socket_files(&info);
    runtime.shutdown_timeout(LINGER);
    result
}

/// The runtime of the kernel's own tasks; cells run elsewhere.
pub(crate) fn own_runtime() -> anyhow::Result<Runtime> {
    let mut builder = runtime::Builder::new_multi_thread();
    let builder = builder.worker_threads(2).max_blocking_threads(4).enable_all();
    builder.build().context("failed to start the kernel's own runtime")
}

/// Serves whoever sends requests as events and takes what goes out, until the kernel ends.
pub(crate) async fn serve(
    outgoing: Outgoing,
    events: mpsc::Sender<Event>,
    receiver: mpsc::Receiver<Event>,
    found: library::Found,
    history: History,
) -> anyhow::Result<()> {
    let directory = umask::folder_of_kernel(DIRECTORY).context("failed to make a directory for the kernel's files")?;
    umask::keep_temporary_in(directory.path().join("temporary"))
        .context("failed to make a directory for temporary files")?;
    tokio::task::spawn_blocking(close_left_over);
    watch_outside(events.clone())?;
    outgoing.publish(Status { execution_state: ExecutionState::Starting }, None);
    let analysis = Analysis::new(directory.path());
    let analyzer = analysis.analyzer().clone();
    let execution = Execution::new(outgoing.clone(), events, directory.path(), found, history.clone(), analyzer);
    let mut kernel = Kernel { outgoing, execution, history, analysis, ending: None };
    let ending = kernel.dispatch(receiver).await;
    kernel.end(ending).await;
    Ok(())
}

/// Takes everybody else's rights from what earlier versions left open to them: cells are nobody else's to read.
fn close_left_over() {
    build::close_cache();
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(DIRECTORY.as_bytes()) {
            // One of another user's is not ours to mend.
            let _ = umask::close(&entry.path());
        }
    }
}

impl Kernel {
    /// The loop. Every branch is cancel safe, as the others are dropped when one is ready.
    async fn dispatch(&mut self, mut events: mpsc::Receiver<Event>) -> Ending {
        loop {
            if let Some(ending) = self.ending.take() {
                return ending;
            }
            let deadline = self.execution.deadline();
            let iopub = self.outgoing.iopub.clone();
            let (task, supervisor) = self.execution.sources();
            let event = tokio::select! {
                Some(event) = events.recv() => event,
                done = task => Event::Done(Box::new(done)),
                happening = async {
                    // While subscribers cannot follow, user code waits in its `print!`.
                    iopub.has_room().await;
                    supervisor.next().await
                } => Event::Worker(happening),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Event::Deadline,
            };
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Request(request) => match request.parent.channel {
                Channel::Shell => shell::handle(self, request),
                Channel::Control => control::handle(self, request),
                Channel::Stdin => stdin::handle(self, &request),
            },
            Event::Undelivered { message } => self.execution.undelivered(&message),
            Event::Worker(happening) => self.execution.worker(happening),
            Event::Done(done) => self.execution.done(*done),
            Event::BuildProgress(line) => self.execution.build_progress(&line),
            Event::DependencyProgress(progress) => self.execution.dependency_progress(&progress),
            Event::AbortEnds(shell) => self.execution.abort_ends(&shell),
            Event::Deadline => self.execution.deadline_passed(),
            Event::Look { name, under, sender } => self.execution.look(&name, under, sender),
            Event::Interrupt => self.execution.interrupt(),
            Event::End(why) => self.ending = Some(Ending::Unasked(why)),
        }
    }

    /// Leaves no process behind, and nobody without a reply.
    async fn end(mut self, ending: Ending) {
        self.analysis.end().await;
        self.execution.end().await;
        let _ = tokio::time::timeout(LAST_WRITES, self.history.end()).await;
        match ending {
            Ending::Asked { request, reply } => self.outgoing.finish(&request, Ok(reply)),
            Ending::Unasked(why) => tracing::info!("the kernel ends: {why}"),
        }
        let _ = tokio::time::timeout(LAST_MESSAGES, self.outgoing.iopub.flush()).await;
        tokio::time::sleep(LINGER).await;
    }
}

/// Makes events of signals and of the parent's end.
fn watch_outside(events: mpsc::Sender<Event>) -> anyhow::Result<()> {
    let failed = "failed to listen for signals";
    let mut interrupt = signal(SignalKind::interrupt()).context(failed)?;
    let mut terminate = signal(SignalKind::terminate()).context(failed)?;
    let mut hangup = signal(SignalKind::hangup()).context(failed)?;
    tokio::spawn(async move {
        let mut parent = std::pin::pin!(parent::ended());
        loop {
            let event = tokio::select! {
                _ = interrupt.recv() => Event::Interrupt,
                _ = terminate.recv() => Event::End("it was asked to (SIGTERM)"),
                _ = hangup.recv() => Event::End("its terminal is gone (SIGHUP)"),
                () = &mut parent => Event::End("its parent process has ended"),
            };
            let last = matches!(event, Event::End(_));
            if events.send(event).await.is_err() || last {
                return;
            }
        }
    });
    Ok(())
}
