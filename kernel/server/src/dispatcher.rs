//! The kernel's one loop: all that can wake it is an [`Event`], and every event is handled to its end before the next.
//!
//! Handlers do not wait for anything; what takes time comes back as an event. So the order in which things are
//! published is the order of events, and nothing needs a lock.

use std::{env, fs, path::Path, time::Duration};

use anyhow::Context as _;
use build::umask;
use jupyter_protocol::{ExecutionState, Status};
use tokio::{
    runtime::{self, Runtime},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    analysis::Analysis,
    channel::{
        Outgoing, heartbeat,
        iopub::Publisher,
        replay::Taken,
        router::{self, Received},
        stdin,
    },
    connection,
    events::Events,
    execution::{Execution, Notice, TaskDone, library},
    history::History,
    kernel::{Ending, Kernel},
    message::Channel,
    outside::{self, Outside},
    request,
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

/// An event: all that can wake the kernel, as what each source of events tells, in the source's own words.
pub(crate) enum Event {
    Received(Received),
    Worker(Happening),
    /// What [`Execution`] had begun is done.
    Done(Box<TaskDone>),
    /// What [`Execution`] tells itself meanwhile.
    Notice(Notice),
    /// A point in time that [`Execution`] waits for: output is due, or an interrupt's grace is over.
    Deadline,
    Outside(Outside),
}

impl From<Received> for Event {
    fn from(received: Received) -> Self {
        Self::Received(received)
    }
}

impl From<Notice> for Event {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice)
    }
}

impl From<Outside> for Event {
    fn from(outside: Outside) -> Self {
        Self::Outside(outside)
    }
}

/// Runs the kernel that a connection file describes, to its end.
pub(crate) fn run(connection_file: &Path) -> anyhow::Result<()> {
    let info = connection::read(connection_file)?;
    let runtime = own_runtime()?;
    // Clients are accepted and written to here; why not on the other, says `connection`.
    let clients = own_runtime()?;
    let result = runtime.block_on(async {
        let session = Session::new();
        let (events, receiver) = mpsc::channel(256);
        let (sockets, found) = tokio::join!(connection::bind(&info, &session, clients.handle()), library::find());
        let sockets = sockets?;
        let taken = Taken::default();
        let outgoing = Outgoing {
            iopub: Publisher::start(sockets.iopub, sockets.shell.mac.clone(), session.clone()),
            shell: router::start(sockets.shell, Channel::Shell, taken.clone(), Events::of(&events), clients.handle()),
            control: router::start(
                sockets.control,
                Channel::Control,
                taken.clone(),
                Events::of(&events),
                clients.handle(),
            ),
            stdin: stdin::start(sockets.stdin, taken, Events::of(&events), clients.handle()),
            session,
        };
        heartbeat::start(sockets.heartbeat);
        serve(outgoing, events, receiver, found, History::from_environment()).await
    });
    connection::remove_socket_files(&info);
    runtime.shutdown_timeout(LINGER);
    clients.shutdown_timeout(LINGER);
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
    outside::watch(Events::of(&events))?;
    outgoing.publish(Status { execution_state: ExecutionState::Starting }, None);
    let analysis = Analysis::new(directory.path());
    let analyzer = analysis.analyzer().clone();
    let execution =
        Execution::new(outgoing.clone(), Events::of(&events), directory.path(), found, history.clone(), analyzer);
    let panel = crate::request::debug::Panel::default();
    let mut kernel = Kernel { outgoing, execution, history, analysis, panel, ending: None };
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
            Event::Received(Received::Request(request)) => request::route(self, request),
            Event::Received(Received::Undelivered { message }) => self.execution.undelivered(&message),
            Event::Worker(happening) => self.execution.worker(happening),
            Event::Done(done) => self.execution.done(*done),
            Event::Notice(notice) => {
                if let Some(why) = self.execution.notice(notice) {
                    self.ending = Some(Ending::Unasked(why));
                }
            }
            Event::Deadline => self.execution.deadline_passed(),
            Event::Outside(Outside::Interrupt) => self.execution.interrupt(),
            Event::Outside(Outside::End(why)) => self.ending = Some(Ending::Unasked(why)),
        }
    }

    /// Leaves no process behind, and nobody without a reply.
    async fn end(mut self, ending: Ending) {
        self.analysis.end().await;
        self.execution.end().await;
        let _ = tokio::time::timeout(LAST_WRITES, self.history.end()).await;
        match ending {
            Ending::Asked { request, reply } => request.reply(Ok(reply)),
            Ending::Unasked(why) => tracing::info!("the kernel ends: {why}"),
        }
        let _ = tokio::time::timeout(LAST_MESSAGES, self.outgoing.iopub.flush()).await;
        tokio::time::sleep(LINGER).await;
    }
}
