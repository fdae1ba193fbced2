//! The run of cells, on a thread of their own: one after another, and side by side where the server runs one while others
//! await.

use std::cell::Cell as StdCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ipc::{CellId, Display, Event, InputAnswer, Request, Value, Variable, Variables};
use kissaten::MimeBundle;
use kissaten::futures::{StreamExt, stream::FuturesUnordered};
use kissaten::runtime::{
    self, Answer, Cell, Displayed, GroupState, Hint, Layout, Loan, LoanKind, Location, Notice, Outcome, Run, Script,
    Session, VariableChanges,
};
use kissaten::tokio::{sync::mpsc, time::sleep};
use serde_json::Value as Json;

use crate::control::{self, Control, Events};
use crate::{comm, library, report};

/// Bytes of stack for the cells' own code: as roomy as a main thread's usual limit, and twice that, because at
/// opt-level 0 frames are large. Only what is used is ever backed by memory.
const STACK: usize = 16 * 1024 * 1024;

/// How long nothing may come before memory is given back: nobody is to wait for that.
const PAUSE: Duration = Duration::from_secs(2);

/// What the cell thread is asked to do.
enum Job {
    Run { cell: CellId, handle: Cell, library: PathBuf, entry: String, forget: Vec<String>, tell_all: bool },
    Shell { cell: CellId, handle: Cell, script: Script },
    Drop { cell: CellId, handle: Cell, names: Option<Vec<String>>, tell_all: bool },
}

/// The cells that run or wait to run, for the interrupter.
type Running = Arc<Mutex<BTreeMap<CellId, Cell>>>;

/// Serves requests until the server is gone or says so; then ends the process.
///
/// # Errors
/// When the runtime or the cell thread cannot be started.
pub(crate) fn run(control: Control) -> io::Result<()> {
    let Control { mut requests, events } = control;
    let messages = events.clone();
    let session = Session::start(Box::new(move |message| messages.send(&event(message))))?;
    let reports = events.clone();
    let running = Running::default();
    let (jobs, queue) = mpsc::unbounded_channel();
    let cells = CellThread { session, events, running: Arc::clone(&running), tells_all: StdCell::new(true) };
    thread::Builder::new().name("cell".into()).stack_size(STACK).spawn(move || cells.run(queue))?;

    while let Some(request) = requests.next() {
        let job = match request {
            Request::Run { cell, label, library, entry, forget, tell_all, timeline } => {
                let handle = Cell::new(cell.0, &label, timeline);
                lock(&running).insert(cell, handle.clone());
                Job::Run { cell, handle, library, entry, forget, tell_all }
            }
            Request::Shell { cell, label, script: ipc::Script { shell, text, strict } } => {
                let handle = Cell::new(cell.0, &label, false);
                lock(&running).insert(cell, handle.clone());
                Job::Shell { cell, handle, script: Script { shell, text, strict } }
            }
            Request::Drop { cell, label, names, tell_all } => {
                let handle = Cell::new(cell.0, &label, false);
                lock(&running).insert(cell, handle.clone());
                Job::Drop { cell, handle, names, tell_all }
            }
            Request::Input { id, answer } => {
                runtime::answer(id, self::answer(answer));
                continue;
            }
            Request::Again { cells } => {
                runtime::run_again(&cells.iter().map(|cell| cell.0).collect::<Vec<_>>());
                continue;
            }
            Request::Comm(comm) => {
                runtime::receive(comm::received(comm));
                continue;
            }
            Request::Layout(layout) => {
                runtime::lay_out(match layout {
                    ipc::Layout::Fit => Layout::Fit,
                    ipc::Layout::Line => Layout::Line,
                    ipc::Layout::Pretty => Layout::Pretty,
                });
                continue;
            }
            Request::Report(report) => {
                reports.send(&Event::Report(report::make(report)));
                continue;
            }
            Request::Interrupt { cell } => {
                if let Some(handle) = lock(&running).get(&cell) {
                    handle.interrupt();
                }
                continue;
            }
            Request::Shutdown => break,
        };
        if jobs.send(job).is_err() {
            break;
        }
    }
    control::end()
}

/// What the cell thread owns.
struct CellThread {
    session: Session,
    events: Events,
    running: Running,
    /// Whether the next word on the variables is on all of them.
    tells_all: StdCell<bool>,
}

/// What has happened.
enum Next {
    Asked(Job),
    Ended { cell: CellId, handle: Cell, outcome: ipc::Outcome },
}

impl CellThread {
    /// Begins what comes, and polls what has begun, until the server is gone.
    ///
    /// Between one thing and the next the thread is outside of the runtime's `block_on`: what a cell makes go is dropped
    /// there, because inside nothing may block.
    fn run(self, mut queue: mpsc::UnboundedReceiver<Job>) {
        self.events.send(&Event::Ready { mark: self.session.mark().to_owned() });
        let mut runs = FuturesUnordered::new();
        while let Some(next) = self.session.block_on(next(&mut queue, &mut runs)) {
            match next {
                Next::Asked(job) => runs.extend(self.begin(job)),
                // The reply waits for what is dropped: what that prints is the cell's, and no other cell could begin before.
                Next::Ended { cell, handle, outcome } => {
                    self.session.bury(&handle);
                    self.done(cell, &handle, outcome);
                }
            }
        }
    }

    fn begin(&self, job: Job) -> Option<impl Future<Output = Next> + use<>> {
        let (cell, handle, run) = match job {
            Job::Run { cell, handle, library, entry, forget, tell_all } => {
                self.tells_all.set(self.tells_all.get() || tell_all);
                self.session.forget(&handle, &forget);
                let entry = library::load(&library, &entry);
                (cell, handle.clone(), entry.map(|entry| Run::new(handle, entry)))
            }
            Job::Shell { cell, handle, script } => (cell, handle.clone(), Ok(Run::of_script(handle, script))),
            Job::Drop { cell, handle, names, tell_all } => {
                self.tells_all.set(self.tells_all.get() || tell_all);
                match names {
                    Some(names) => self.session.forget(&handle, &names),
                    None => self.session.clear(&handle),
                }
                self.session.bury(&handle);
                self.done(cell, &handle, ipc::Outcome::Unit);
                return None;
            }
        };
        match run {
            Ok(run) => Some(async move {
                let outcome = outcome(run.await);
                Next::Ended { cell, handle, outcome }
            }),
            Err(error) => {
                self.session.bury(&handle);
                self.done(cell, &handle, ipc::Outcome::LoadFailed { message: error.to_string() });
                None
            }
        }
    }

    fn done(&self, cell: CellId, handle: &Cell, outcome: ipc::Outcome) {
        lock(&self.running).remove(&cell);
        let whole = self.tells_all.replace(false);
        let variables = variables(whole, self.session.changes(whole));
        self.events.send(&Event::Done { cell, outcome, variables, kept: self.session.kept_by(handle) });
    }
}

/// What happens next; `None` when the server is gone.
async fn next<R: Future<Output = Next>>(
    queue: &mut mpsc::UnboundedReceiver<Job>,
    runs: &mut FuturesUnordered<R>,
) -> Option<Next> {
    // Where nothing happens for a while, what the last cell no longer needs is given back to the system.
    let mut is_clean = false;
    loop {
        kissaten::tokio::select! {
            job = queue.recv() => return job.map(Next::Asked),
            Some(ended) = runs.next() => return Some(ended),
            () = sleep(PAUSE), if runs.is_empty() && !is_clean => {
                give_memory_back();
                is_clean = true;
            }
        }
    }
}

/// After a million tasks, libc would keep some 400 MB for the next million.
fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only gives back what is free, and takes the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn variables(whole: bool, changes: VariableChanges) -> Variables {
    let ordinary = changes.ordinary.into_iter().map(|name| Variable { name, loan: None });
    Variables { whole, there: ordinary.chain(changes.loans.into_iter().map(loan)).collect(), gone: changes.gone }
}

fn loan(loan: Loan) -> Variable {
    let kind = match loan.kind {
        LoanKind::Value => ipc::LoanKind::Value,
        LoanKind::Place => ipc::LoanKind::Place,
        LoanKind::Hidden => ipc::LoanKind::Hidden,
    };
    Variable { name: loan.name, loan: Some(ipc::Loan { kind, held_by: loan.held_by }) }
}

fn outcome(outcome: Outcome) -> ipc::Outcome {
    match outcome {
        Outcome::Value(shown) => {
            let (data, metadata) = bundle(shown);
            ipc::Outcome::Value(Value { data, metadata })
        }
        Outcome::Unit => ipc::Outcome::Unit,
        Outcome::Error { type_name, message, sources, location } => {
            ipc::Outcome::Error { type_name, message, sources, location: location.map(place) }
        }
        Outcome::Panic(panic) => {
            ipc::Outcome::Panic(ipc::Panic { message: panic.message, location: panic.location.map(place) })
        }
        Outcome::Interrupted(was) => ipc::Outcome::Interrupted { was },
    }
}

fn place(at: Location) -> ipc::Location {
    ipc::Location { file: at.file, line: at.line, column: at.column }
}

fn event(message: Notice) -> Event {
    match message {
        Notice::Display(displayed) => {
            let (data, metadata) = bundle(displayed.data);
            let Displayed { cell, number, display_id, update, .. } = displayed;
            Event::Display(Display { cell: CellId(cell), number, data, metadata, display_id, update })
        }
        Notice::Hint { cell, hint, text } => {
            let hint = match hint {
                Hint::Blocking => ipc::Hint::Blocking,
                Hint::Panic => ipc::Hint::Panic,
                Hint::Drop => ipc::Hint::Drop,
            };
            Event::Hint { cell: CellId(cell), hint, text }
        }
        Notice::Waiting { cell, text, update } => Event::Waiting { cell: CellId(cell), text, update },
        Notice::Input { id, cell, prompt, password } => Event::Input { id, cell: CellId(cell), prompt, password },
        Notice::Heard { cell } => Event::Heard { cell: CellId(cell) },
        Notice::InputWithdrawn { id } => Event::InputWithdrawn { id },
        Notice::Comm { cell, packet } => Event::Comm { cell: CellId(cell), comm: comm::sent(packet) },
        Notice::ProgramGroup { group, state } => Event::ProgramGroup {
            group,
            state: match state {
                GroupState::Led => ipc::GroupState::Led,
                GroupState::Left => ipc::GroupState::Left,
                GroupState::Gone => ipc::GroupState::Gone,
            },
        },
        Notice::Page { cell, data } => Event::Page { cell: CellId(cell), data: bundle(data).0 },
        Notice::NextInput { cell, text } => Event::NextInput { cell: CellId(cell), text },
        Notice::CommTarget { name, is_there } => Event::CommTarget { name, is_there },
    }
}

fn answer(answer: InputAnswer) -> Answer {
    match answer {
        InputAnswer::Line(line) => Answer::Line(line),
        InputAnswer::End => Answer::End,
        InputAnswer::NotAllowed => Answer::NotAllowed,
    }
}

/// The messaging spec's form of a bundle and its metadata: JSON types hold values, all others strings.
pub(crate) fn bundle(shown: MimeBundle) -> (ipc::MimeBundle, ipc::MimeBundle) {
    let is_json = |mime_type: &str| mime_type == "application/json" || mime_type.ends_with("+json");
    let [data, metadata] = shown.into_parts();
    let value = |json: String| serde_json::from_str(&json).unwrap_or(Json::String(json));
    let content = |(mime_type, content): (String, String)| {
        let value = if is_json(&mime_type) { value(content) } else { Json::String(content) };
        (mime_type, value)
    };
    (data.into_iter().map(content).collect(), metadata.into_iter().map(|(name, json)| (name, value(json))).collect())
}
