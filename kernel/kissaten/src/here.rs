//! The owner of what a thread does: the run of a cell, the task, and the lane in its timeline.
//!
//! Tokio's hooks set it around every poll of a task, the guard of a cell around every poll of the cell's own future, and
//! `carry` around a closure on a thread of its own. Who prints, displays, spawns or asks for input looks here.

mod slot;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::task::Record;
use crate::wait::Whereabouts;
pub(crate) use slot::{set_slot, slot};

thread_local! {
    static HERE: Here = const {
        Here {
            run: Cell::new(0),
            task: Cell::new(std::ptr::null()),
            lane: Cell::new(0),
            unit: Cell::new(0),
            closure: Cell::new(None),
            ended: Cell::new(false),
            in_place: Cell::new(false),
            limit: Cell::new(0),
        }
    };
}

/// The run of the cell that runs, else of the one that ran last; 0 before the first.
static CURRENT: AtomicU64 = AtomicU64::new(0);

/// What is known of the code that the thread runs now.
pub(crate) struct Here {
    /// The run of a cell that it belongs to; 0: not known.
    pub(crate) run: Cell<u64>,
    /// The record of the task that is polled; null outside of tasks.
    pub(crate) task: Cell<*const Record>,
    /// Its lane in the timeline, as [`trace`](crate::trace) counts them; 0: none.
    pub(crate) lane: Cell<u32>,
    /// Whose [`slot`] that is in which it notes what it awaits, as [`wait`](crate::wait) counts them.
    pub(crate) unit: Cell<u64>,
    /// The number of the closure of `spawn_blocking` that runs here.
    pub(crate) closure: Cell<Option<u64>>,
    /// Whether the task has come to its end in this poll.
    pub(crate) ended: Cell<bool>,
    /// Whether it said that it blocks, by `block_in_place`.
    pub(crate) in_place: Cell<bool>,
    /// How long the future that is made next may take, as [`wait`](crate::wait) writes it.
    pub(crate) limit: Cell<u64>,
}

impl Here {
    /// The record of the task that is polled.
    pub(crate) fn task(&self) -> Option<&Record> {
        // SAFETY: while a task is polled, its record is there.
        unsafe { self.task.get().as_ref() }
    }
}

/// What is known here.
pub(crate) fn with<R>(look: impl FnOnce(&Here) -> R) -> R {
    HERE.with(look)
}

/// The run of a cell that the code of this thread belongs to; 0: not known.
pub(crate) fn run() -> u64 {
    with(|here| here.run.get())
}

/// The run of this thread, and where that is not known the run of the present or last cell.
pub(crate) fn run_or_current() -> u64 {
    match run() {
        0 => current(),
        run => run,
    }
}

/// The run of the cell that runs, else of the one that ran last.
pub(crate) fn current() -> u64 {
    CURRENT.load(Ordering::Relaxed)
}

pub(crate) fn set_current(run: u64) {
    CURRENT.store(run, Ordering::Relaxed);
}

/// Until it is dropped the thread's code belongs to this run and lane; then to those before.
pub(crate) struct Entered {
    run: u64,
    lane: u32,
}

pub(crate) fn enter(run: u64, lane: u32) -> Entered {
    with(|here| Entered { run: here.run.replace(run), lane: here.lane.replace(lane) })
}

impl Drop for Entered {
    fn drop(&mut self) {
        with(|here| {
            here.run.set(self.run);
            here.lane.set(self.lane);
        });
    }
}

/// Until it is dropped the thread's code is polled as that unit; then as the one before.
pub(crate) struct Standing {
    slot: *const Whereabouts,
    unit: u64,
}

/// # Safety
/// The slot must be there until what is returned is dropped.
pub(crate) unsafe fn stand(slot: *const Whereabouts, unit: u64) -> Standing {
    Standing { slot: set_slot(slot), unit: with(|here| here.unit.replace(unit)) }
}

impl Drop for Standing {
    fn drop(&mut self) {
        set_slot(self.slot);
        with(|here| here.unit.set(self.unit));
    }
}
