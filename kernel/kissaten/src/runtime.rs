//! The one runtime, and the run of a cell on it.
//!
//! A cell's own future runs by [`Session::block_on`] on the thread that calls it, so it need not be `Send`;
//! what it spawns runs on the runtime's workers and goes on when the cell has ended.

mod notice;

use std::collections::BTreeMap;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::MetadataExt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

pub use crate::changes::VariableChanges;
pub use crate::comm::{Packet, PacketKind};
pub use crate::display::debug::Layout;
use crate::display::{MimeBundle, debug};
pub use crate::input::Answer;
use crate::live::Live;
pub use crate::resident::{Loan, LoanKind};
pub use crate::shell::{Script, end_programs};
use crate::timeline::End;
use crate::wait::{Stand, Unit, Whereabouts};
use crate::{changes, here, input, interrupt, label, output, panic, pipe, resident, shell, store, task, wait, widget};
use crate::{comm, ctrl_c};
pub use notice::{Displayed, GroupState, Hint, Location, Notice, Outcome, Panic};

/// What a cell's entry point returns: all of the cell, from taking its variables to putting them back.
pub type Program = Pin<Box<dyn Future<Output = ()>>>;

/// A cell's entry point, as the compiler writes it.
pub type Entry = fn() -> Program;

/// Where messages go; called from any thread.
pub type Sink = Box<dyn Fn(Notice) + Send + Sync>;

static SINK: OnceLock<Sink> = OnceLock::new();

/// The cell whose own code runs, else the one whose did last.
static CURRENT: Mutex<Option<Cell>> = Mutex::new(None);

/// All cells that have begun and not ended. Several have where one runs while others await.
static RUNNING: Mutex<BTreeMap<u64, Cell>> = Mutex::new(BTreeMap::new());

fn running() -> MutexGuard<'static, BTreeMap<u64, Cell>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn current() -> MutexGuard<'static, Option<Cell>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn send(message: Notice) {
    if let Some(sink) = SINK.get() {
        sink(message);
    }
}

/// Sends a display and marks where it stands. An update stands where the first one did.
pub(crate) fn send_display(cell: u64, data: MimeBundle, display_id: Option<String>, update: bool) {
    let number = (!update).then(output::number_display);
    send(Notice::Display(Displayed { cell, number, data, display_id, update }));
    if let Some(number) = number {
        output::place_display(number);
    }
}

/// Whether the cell that runs has been interrupted.
pub(crate) fn is_interrupted() -> bool {
    current().as_ref().is_some_and(|cell| cell.state.interrupted.load(Ordering::Acquire))
}

/// Whether the cell of this run runs and has been interrupted.
pub(crate) fn interrupts(run: u64) -> bool {
    running().get(&run).is_some_and(|cell| cell.state.interrupted.load(Ordering::Acquire))
}

/// Whether any cell runs.
pub(crate) fn are_running() -> bool {
    !running().is_empty()
}

/// Looks at where all cells that run stand.
pub(crate) fn each_running(mut look: impl FnMut(u64, Stand)) {
    for (run, cell) in &*running() {
        look(*run, cell.state.stand());
    }
}

/// The cells that run and were not polled anew for so many nanoseconds.
pub(crate) fn idle_for(nanoseconds: u64) -> Vec<u64> {
    let now = task::now();
    let is_idle = |state: &CellState| now.saturating_sub(state.turned_at.load(Ordering::Relaxed)) >= nanoseconds;
    running().iter().filter(|(_, cell)| is_idle(&cell.state)).map(|(run, _)| *run).collect()
}

/// What stdin was when the session began: `(device, inode)`.
static STDIN: OnceLock<Option<(u64, u64)>> = OnceLock::new();

fn stdin_now() -> Option<(u64, u64)> {
    // SAFETY: the descriptor is only looked at, and the file is not dropped.
    let stdin = ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(0) });
    stdin.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Whether a read of stdin is a question: a session runs, and nobody has put a file of his own there.
pub(crate) fn asks_for_input() -> bool {
    STDIN.get().is_some_and(|then| then.is_some() && *then == stdin_now())
}

/// The runtime of a kernel's life. One per process.
pub struct Session {
    runtime: tokio::runtime::Runtime,
}

impl Session {
    /// Starts the runtime's workers and takes over the panic hook.
    pub fn start(sink: Sink) -> std::io::Result<Self> {
        panic::install_hook();
        let _ = SINK.set(sink);
        let _ = STDIN.set(stdin_now());
        pipe::begin_session();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        task::install(&mut builder);
        Ok(Self { runtime: builder.enable_all().build()? })
    }

    /// The mark of the session's own words on stdout and stderr.
    pub fn mark(&self) -> &'static str {
        output::mark()
    }

    /// Runs a future of whoever serves cells, on the thread that calls it. That has to be one and the same always: it is
    /// where the variables live, and where [`Run`]s are polled.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The runtime can be reached, and code may block, until that is dropped.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    /// The names of the variables that a run has made, on the thread that runs cells.
    pub fn kept_by(&self, cell: &Cell) -> Vec<String> {
        let mut names = store::kept_by(cell.state.id);
        names.extend(resident::kept_by(cell.state.id));
        names
    }

    /// What has become of the variables since this was asked last, or all of them, on the thread that runs cells.
    pub fn changes(&self, all: bool) -> VariableChanges {
        changes::take(all)
    }
}

/// Gives an answer to [`Notice::Input`]. From any thread.
pub fn answer(id: u64, answer: Answer) {
    input::answer(id, answer);
    input::wake_readers();
}

/// How values are laid out from here on, by whichever thread.
pub fn lay_out(layout: Layout) {
    debug::set_layout(layout);
}

/// Takes what a frontend says to a comm. From any thread; never waits.
pub fn receive(packet: Packet) {
    if let Some(packet) = widget::receive(packet) {
        comm::receive(packet);
    }
}

/// The cell of these runs, which have ended, is run again: what they show beyond their end is over.
pub fn run_again(runs: &[u64]) {
    task::ends_views(runs);
}

/// Aborts the tasks that belong to the cell of this label, or all. A sentence on what became of it.
///
/// # Errors
/// Where there is no such cell: a sentence.
pub fn abort_tasks(label: Option<&str>) -> Result<String, String> {
    let runs = label.map(label::runs);
    if let (Some(label), Some([])) = (label, runs.as_deref()) {
        return Err(format!("no {label} has run in this kernel"));
    }
    let (aborted, refused) = task::abort_all(runs.as_deref());
    let whose = label.map(|label| format!(" of {label}")).unwrap_or_default();
    let mut sentence = match aborted {
        0 => format!("No task{whose} was there to be aborted."),
        1 => format!("Aborted one task{whose}."),
        count => format!("Aborted {count} tasks{whose}."),
    };
    if refused > 0 {
        sentence.push_str(&format!(" {refused} more were spawned by code that no cell wrote, and cannot be."));
    }
    Ok(sentence)
}

/// The tasks that live, and the cells that run. From any thread.
pub fn tasks_and_cells() -> task::Tasks {
    task::tasks_and_cells()
}

/// Aborts one task, by tokio's id.
///
/// # Errors
/// Where it lives no more, or cannot be aborted: a sentence.
pub fn abort_task(id: u64) -> Result<(), String> {
    task::abort(id)
}

/// One run of one cell; a handle for who runs it and who interrupts it.
#[derive(Clone)]
pub struct Cell {
    pub(crate) state: Arc<CellState>,
}

/// The state of a running cell, as all of its threads see it.
pub(crate) struct CellState {
    pub(crate) id: u64,
    label: String,
    timeline: bool,
    pub(crate) interrupted: AtomicBool,
    /// Its own code has come to its end: from here on nothing of it is interrupted, but what is dropped for it.
    pub(crate) ended: AtomicBool,
    pub(crate) waker: AtomicWaker,
    outcome: Mutex<Option<Outcome>>,
    /// What it was about when it was interrupted.
    was_at: Mutex<Option<String>>,
    /// Where it waits.
    pub(crate) slot: Whereabouts,
    /// Whether it is polled now, since when that is so, and by which thread.
    pub(crate) is_polled: AtomicBool,
    pub(crate) turned_at: AtomicU64,
    pub(crate) thread: AtomicU32,
    /// How many guards, one in the other, are being polled now.
    pub(crate) depth: AtomicUsize,
    /// The innermost guard that has begun and not ended: it is where the cell ends early.
    pub(crate) innermost: AtomicUsize,
}

impl CellState {
    /// The cell's own code has ended; what is dropped and put back now has checkpoints too, which are to do nothing.
    pub(crate) fn end_interrupts(&self) {
        self.ended.store(true, Ordering::SeqCst);
        interrupt::end(self.id);
    }

    /// It is polled from now on, or no more.
    pub(crate) fn turn(&self, is_polled: bool) {
        self.turned_at.store(task::now(), Ordering::Relaxed);
        self.is_polled.store(is_polled, Ordering::Relaxed);
    }

    fn stand(&self) -> Stand {
        let mut stand = Stand::new(self.id, String::new(), &self.slot);
        stand.is_polled = self.is_polled.load(Ordering::Relaxed);
        stand.since = self.turned_at.load(Ordering::Relaxed);
        stand.thread = self.thread.load(Ordering::Relaxed);
        stand
    }

    /// What it was about when it was interrupted.
    pub(crate) fn was_at(&self) -> MutexGuard<'_, Option<String>> {
        self.was_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn outcome(&self) -> MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cell {
    /// A run that is called `label`, as the files with the cell's code are; `timeline`: its tasks are drawn.
    pub fn new(id: u64, label: &str, timeline: bool) -> Self {
        let (interrupted, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let (waker, outcome) = (AtomicWaker::new(), Mutex::new(None));
        let (depth, innermost, label) = (AtomicUsize::new(0), AtomicUsize::new(0), label.to_owned());
        Self {
            state: Arc::new(CellState {
                id,
                label,
                timeline,
                interrupted,
                ended,
                waker,
                outcome,
                depth,
                innermost,
                was_at: Mutex::new(None),
                slot: Whereabouts::default(),
                is_polled: AtomicBool::new(false),
                turned_at: AtomicU64::new(task::now()),
                thread: AtomicU32::new(0),
            }),
        }
    }

    /// What is not marked is this cell's from now on.
    pub(crate) fn is_current(&self) {
        label::give(self.state.id, &self.state.label);
        *current() = Some(self.clone());
        output::begin(self.state.id);
    }

    /// Cancels the cell: at its next `.await` or checkpoint it ends as [`Outcome::Interrupted`]. From any thread.
    pub fn interrupt(&self) {
        if !self.state.interrupted.load(Ordering::Acquire) && ctrl_c::hear(self.state.id) {
            return send(Notice::Heard { cell: self.state.id });
        }
        if !self.state.interrupted.load(Ordering::Acquire) {
            *self.state.was_at() = wait::interrupted(self.state.id);
        }
        self.state.interrupted.store(true, Ordering::Release);
        interrupt::begin(self.state.id);
        // It may have ended before, or just now, and then nobody else would take the flag back.
        if self.state.ended.load(Ordering::SeqCst) {
            interrupt::end(self.state.id);
        }
        self.state.waker.wake();
        input::wake_readers();
    }
}

/// A cell's run to its end: how it ended. Several can be polled side by side, on the thread of [`Session::block_on`].
pub struct Run {
    cell: Cell,
    entry: Box<dyn Fn() -> Program>,
    /// What is left of it; there is none before the first poll.
    program: Option<Program>,
    live: Option<Live>,
}

impl Run {
    /// A run that has not begun.
    pub fn new(cell: Cell, entry: Entry) -> Self {
        Self { cell, entry: Box::new(entry), program: None, live: None }
    }

    /// A run of a shell's program.
    pub fn of_script(cell: Cell, script: Script) -> Self {
        Self { cell, entry: Box::new(move || shell::program(script.clone())), program: None, live: None }
    }

    /// The thread's code is this cell's from now on.
    fn take_turn(&mut self) {
        let state = &self.cell.state;
        let has_begun = self.program.is_some();
        if !has_begun {
            state.thread.store(wait::thread_number(), Ordering::Relaxed);
            running().insert(state.id, self.cell.clone());
            wait::begins();
        }
        // Where cells take turns, so does what is not marked of their output.
        if !has_begun || here::current() != state.id {
            self.cell.is_current();
        }
        if !has_begun {
            self.live = state.timeline.then(|| Live::begin(state.id, &state.label));
        }
    }

    fn end(&mut self, ended: Result<(), Panic>) -> Outcome {
        let state = &self.cell.state;
        state.end_interrupts();
        running().remove(&state.id);
        wait::ends(Unit::Run(state.id).number(), &state.slot);
        wait::has_ended(state.id);
        let outcome = state.outcome().take();
        // What unwinds past the guard comes from dropping the cell's own values.
        let outcome = ended.map_or_else(Outcome::Panic, |()| outcome.unwrap_or(Outcome::Unit));
        output::flush();
        widget::flush();
        if let Some(live) = self.live.take() {
            live.finish(match outcome {
                Outcome::Panic(_) => End::Panicked,
                Outcome::Interrupted(_) => End::Aborted,
                _ => End::Finished,
            });
        }
        outcome
    }
}

impl Future for Run {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let run = &mut *self;
        run.take_turn();
        let _here = here::enter(run.cell.state.id, 0);
        let state = Arc::clone(&run.cell.state);
        // SAFETY: the cell's state is there until the end of this function.
        let _standing = unsafe { here::stand(&raw const state.slot, Unit::Run(state.id).number()) };
        state.turn(true);
        let polled = panic::catch_unwound(|| run.program.get_or_insert_with(&run.entry).as_mut().poll(context));
        state.turn(false);
        if resident::take_over(&mut run.program, matches!(polled, Ok(Poll::Pending))) {
            return Poll::Ready(run.end(Ok(())));
        }
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => Ok(()),
            // Its outcome is written down: it could not begin.
            Err(None) => Ok(()),
            Err(Some(panic)) => Err(panic),
        };
        let dropped = panic::catch(|| drop(run.program.take()));
        Poll::Ready(run.end(ended.and(dropped)))
    }
}

/// Writes down how the cell that runs has ended, as far as it knows by itself.
pub(crate) fn ends_as(outcome: Outcome) {
    if let Some(cell) = &*current() {
        *cell.state.outcome() = Some(outcome);
    }
}
