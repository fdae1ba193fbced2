//! The one runtime, and the run of a cell on it.
//!
//! A cell's own future runs by `block_on` on the thread that calls [`Session::run`], so it need not be `Send`;
//! what it spawns runs on the runtime's workers and goes on when the cell has ended.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use crate::display::MimeBundle;
use crate::error::{CellDebugError, CellError};
use crate::{panic, store};

/// What a cell's entry point returns: all of the cell, from taking its variables to putting them back.
pub type Program = Pin<Box<dyn Future<Output = ()>>>;

/// A cell's entry point, as the compiler writes it.
pub type Entry = fn() -> Program;

/// How a cell ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Value(MimeBundle),
    Unit,
    Error { type_name: String, message: String, sources: Vec<String> },
    Panic(Panic),
    Interrupted,
}

/// What a panic said, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Panic {
    pub message: String,
    pub location: Option<Location>,
}

/// A place as rustc wrote it down; `file` is the cell's label.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

/// One display, on its way to the frontend.
#[derive(Clone, Debug, PartialEq)]
pub struct Displayed {
    /// The run of the cell that it belongs to.
    pub cell: u64,
    pub data: MimeBundle,
    pub display_id: Option<String>,
    pub update: bool,
}

/// Where displays go; called from any thread.
pub type DisplaySink = Box<dyn Fn(Displayed) + Send + Sync>;

static DISPLAY_SINK: OnceLock<DisplaySink> = OnceLock::new();

/// The cell that runs, else the one that ran last.
static CURRENT: Mutex<Option<Cell>> = Mutex::new(None);

pub(crate) fn current() -> MutexGuard<'static, Option<Cell>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn send_display(displayed: Displayed) {
    if let Some(sink) = DISPLAY_SINK.get() {
        sink(displayed);
    }
}

/// The runtime of a kernel's life. One per process.
pub struct Session {
    runtime: tokio::runtime::Runtime,
}

impl Session {
    /// Starts the runtime's workers and takes over the panic hook.
    pub fn start(sink: DisplaySink) -> std::io::Result<Self> {
        panic::install_hook();
        let _ = DISPLAY_SINK.set(sink);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { runtime })
    }

    /// Runs a cell to its end and says how it ended.
    ///
    /// Blocks; must be called on one and the same thread always, which is where the variables live.
    pub fn run(&self, cell: Cell, entry: Entry) -> Outcome {
        *current() = Some(cell.clone());
        let ended = panic::catch(|| self.runtime.block_on(entry()));
        let outcome = cell.state.outcome().take();
        // What unwinds past the guard comes from dropping the cell's own values.
        let outcome = ended.map_or_else(Outcome::Panic, |()| outcome.unwrap_or(Outcome::Unit));
        // A user's own `stdout().write` without a newline is still in std's buffer.
        let _ = std::io::Write::flush(&mut std::io::stdout());
        outcome
    }

    /// Drops these variables, on the thread that runs cells; their `Drop` may use the runtime, or panic.
    pub fn forget(&self, names: &[String]) {
        let _context = self.runtime.enter();
        if let Err(panic) = panic::catch(|| store::forget(names)) {
            crate::output::stderr(format_args!("a dropped variable panicked: {}", panic.message), true);
        }
    }

    /// Drops all variables, likewise.
    pub fn clear(&self) {
        let _context = self.runtime.enter();
        if let Err(panic) = panic::catch(store::clear) {
            crate::output::stderr(format_args!("a dropped variable panicked: {}", panic.message), true);
        }
    }

    /// The names of all variables, on the thread that runs cells.
    pub fn variables(&self) -> Vec<String> {
        store::names()
    }
}

/// One run of one cell; a handle for who runs it and who interrupts it.
#[derive(Clone)]
pub struct Cell {
    pub(crate) state: Arc<State>,
}

pub(crate) struct State {
    pub(crate) id: u64,
    interrupted: AtomicBool,
    waker: AtomicWaker,
    outcome: Mutex<Option<Outcome>>,
}

impl State {
    pub(crate) fn outcome(&self) -> MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cell {
    pub fn new(id: u64) -> Self {
        let state =
            State { id, interrupted: AtomicBool::new(false), waker: AtomicWaker::new(), outcome: Mutex::new(None) };
        Self { state: Arc::new(state) }
    }

    /// Cancels the cell: at its next `.await` it ends as [`Outcome::Interrupted`]. From any thread.
    pub fn interrupt(&self) {
        self.state.interrupted.store(true, Ordering::Release);
        self.state.waker.wake();
    }
}

/// The user's part of a cell: ends when it ends, panics, or is interrupted, and writes down which.
///
/// The caller still owns the variables that `body` only borrows: whatever happens in it, they are put back. There is
/// one such type for each type of error, because what is generic here would be compiled in every cell.
macro_rules! guarded {
    ($(#[$doc:meta])* $name:ident, $error:ty) => {
        $(#[$doc])*
        #[doc(hidden)]
        pub struct $name<'a>(pub Pin<&'a mut (dyn Future<Output = Result<(), $error>> + 'a)>);

        impl Future for $name<'_> {
            type Output = ();

            #[inline(never)]
            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                let body = &mut self.0;
                poll_guarded(context, &mut |context| body.as_mut().poll(context).map(drop))
            }
        }
    };
}

guarded! {
    /// A body whose errors have words for people.
    Guarded, CellError
}
guarded! {
    /// A body whose errors are only `Debug`.
    GuardedDebug, CellDebugError
}

fn poll_guarded(context: &mut Context<'_>, poll: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>) -> Poll<()> {
    let Some(cell) = current().clone() else { return Poll::Ready(()) };
    let state = &*cell.state;
    let interrupted = || {
        *state.outcome() = Some(Outcome::Interrupted);
        Poll::Ready(())
    };
    state.waker.register(context.waker());
    // Asked before and after the poll: before, so that what is woken by the interrupt ends without running on; after,
    // so that an interrupt during a long poll is not overlooked until the next wake-up.
    if state.interrupted.load(Ordering::Acquire) {
        return interrupted();
    }
    match panic::catch(|| poll(context)) {
        Ok(Poll::Pending) if state.interrupted.load(Ordering::Acquire) => interrupted(),
        Ok(poll) => poll,
        Err(panic) => {
            *state.outcome() = Some(Outcome::Panic(panic));
            Poll::Ready(())
        }
    }
}

/// Writes down how the cell that runs has ended, as far as it knows by itself.
pub(crate) fn ends_as(outcome: Outcome) {
    if let Some(cell) = &*current() {
        *cell.state.outcome() = Some(outcome);
    }
}
