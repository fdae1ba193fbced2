//! Interrupts of code that does not await: the checkpoints that the compiler puts into loops, functions and closures
//! of cells.
//!
//! A checkpoint reads one flag. Only while somebody is being interrupted or aborted is it set, and only then does
//! anything else happen: the checkpoint asks whether it is meant, and unwinds if it is.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether any checkpoint has to look closer.
///
/// Cells of opt-level 0 read it as it stands: there every read is one of memory, and a call would cost more than the
/// loop that it is in. Everybody else goes through [`check`] and [`flag`].
pub static mut CHECK: bool = false;

fn flag() -> &'static AtomicBool {
    // SAFETY: the static lives for ever and is aligned; this crate accesses it atomically only.
    unsafe { AtomicBool::from_ptr(&raw mut CHECK) }
}

/// A checkpoint in optimised code.
#[inline(always)]
pub fn check() {
    // SAFETY: as in `flag`, which is written out here because cells compile it.
    if unsafe { AtomicBool::from_ptr(&raw mut CHECK) }.load(Ordering::Relaxed) {
        checkpoint();
    }
}

/// What a checkpoint does when the flag is set.
#[cold]
#[inline(never)]
pub fn checkpoint() {
    let _ = flag();
}
