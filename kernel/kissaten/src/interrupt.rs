//! Interrupts of code that does not await: the checkpoints that the compiler puts into loops, functions and closures
//! of cells.
//!
//! A checkpoint reads one flag. Only while somebody is being interrupted or aborted is it set, and only then does
//! anything else happen: the checkpoint asks whether it is meant, and unwinds if it is.

pub(crate) mod closures;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{here, task};

/// Whether any checkpoint has to look closer.
///
/// Cells of opt-level 0 read it as it stands: there every read is one of memory, and a call would cost more than the
/// loop that it is in. Everybody else goes through [`check`] and [`flag`].
pub static mut CHECK: bool = false;

/// How many reasons there are for the flag.
static REASONS: AtomicUsize = AtomicUsize::new(0);

/// The runs of cells that are being interrupted, and whether code of them has been unwound.
static INTERRUPTED: Mutex<BTreeMap<u64, bool>> = Mutex::new(BTreeMap::new());

fn interrupted() -> MutexGuard<'static, BTreeMap<u64, bool>> {
    INTERRUPTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a checkpoint unwinds with: no panic, so no hook is called and nothing is printed.
pub(crate) struct Unwound;

fn flag() -> &'static AtomicBool {
    // SAFETY: the static lives for ever and is aligned; this crate accesses it atomically only.
    unsafe { AtomicBool::from_ptr(&raw mut CHECK) }
}

/// One reason more.
pub(crate) fn hold() {
    REASONS.fetch_add(1, Ordering::SeqCst);
    flag().store(true, Ordering::SeqCst);
}

/// One reason less.
pub(crate) fn release() {
    if REASONS.fetch_sub(1, Ordering::SeqCst) == 1 {
        flag().store(false, Ordering::SeqCst);
        // Somebody may have come with a reason in between.
        flag().store(REASONS.load(Ordering::SeqCst) > 0, Ordering::SeqCst);
    }
}

/// Checkpoints of this cell, and of threads that work for it, unwind until [`end`].
pub(crate) fn begin(run: u64) {
    let is_new = !interrupted().contains_key(&run);
    if is_new {
        interrupted().insert(run, false);
        hold();
        closures::stop(run);
    }
}

/// Whether a checkpoint has ended some of the interrupted cell's code. What that code results in after all, because
/// it caught the unwinding, is not what it was written for.
pub(crate) fn was_heeded(run: u64) -> bool {
    interrupted().get(&run).is_some_and(|heeded| *heeded)
}

/// The cell has ended.
pub(crate) fn end(run: u64) {
    let was_there = interrupted().remove(&run).is_some();
    if was_there {
        // Others may have been given away since the interrupt.
        closures::stop(run);
        release();
    }
}

/// A checkpoint in optimised code.
///
/// Two calls instead of one of [`checkpoint`], because a call that may unwind *and* return costs registers even where
/// it is never made: what is live on both ways out of it (a sum, say) stays in memory in the whole loop around it.
/// [`is_meant`] never unwinds, and [`unwind`] never returns.
#[inline(always)]
pub fn check() {
    // SAFETY: as in `flag`, which is written out here because cells compile it.
    if unsafe { AtomicBool::from_ptr(&raw mut CHECK) }.load(Ordering::Relaxed) && is_meant() {
        unwind();
    }
}

/// What a checkpoint does when the flag is set.
#[cold]
#[inline(never)]
pub fn checkpoint() {
    if is_meant() {
        unwind();
    }
}

/// Whether a checkpoint of this thread is to unwind: in a task that is to be aborted, or in code of an interrupted cell.
/// Tasks of an interrupted cell go on, as they would if they awaited.
///
/// `extern "C"` tells callers that it does not unwind itself.
#[cold]
#[inline(never)]
extern "C" fn is_meant() -> bool {
    // To unwind out of a destructor that runs because of an unwinding would abort the process.
    if std::thread::panicking() {
        return false;
    }
    let (run, is_task, closure) = here::with(|here| (here.run.get(), here.task().is_some(), here.closure.get()));
    match (is_task, closure) {
        (true, _) => task::wants_abort(),
        (_, Some(number)) => task::wants_abort() || closures::is_stopped(run, number),
        // A task of a `LocalSet` runs in the cell's own poll.
        _ => is_interrupted(run) || task::wants_abort(),
    }
}

fn is_interrupted(run: u64) -> bool {
    run != 0 && interrupted().contains_key(&run)
}

/// Ends what the checkpoint is in.
#[cold]
#[inline(never)]
fn unwind() -> ! {
    if let Some(heeded) = interrupted().get_mut(&here::run()) {
        *heeded = true;
    }
    resume_unwind(Box::new(Unwound));
}
