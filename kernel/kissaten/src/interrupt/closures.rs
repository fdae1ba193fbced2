//! Closures that were given to threads, by the run of their cell, and which of them an interrupt ends. What gives them, and
//! who waits for them, is not known here.
//!
//! A cell that awaits one ends before it at an interrupt. The closure works for nobody then, and ends at its own next
//! checkpoint; one that no thread has begun yet, at its first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{hold, release};

static CLOSURES: Mutex<Closures> = Mutex::new(Closures { next: 1, of_runs: BTreeMap::new() });

struct Closures {
    /// The number of the one that is given next.
    next: u64,
    of_runs: BTreeMap<u64, OfRun>,
}

#[derive(Default)]
struct OfRun {
    /// Those that may run, or will.
    numbers: BTreeSet<u64>,
    /// All with lower numbers are to end.
    stopped: Option<u64>,
}

fn closures() -> MutexGuard<'static, Closures> {
    CLOSURES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A closure of a run is given to a thread; its number, which is not 0.
pub(crate) fn given(run: u64) -> u64 {
    let mut closures = closures();
    let number = closures.next;
    closures.next += 1;
    closures.of_runs.entry(run).or_default().numbers.insert(number);
    number
}

/// It has ended, is never to begin, or is none that an interrupt ends.
pub(crate) fn gone(run: u64, number: u64) {
    let mut closures = closures();
    let Some(of_run) = closures.of_runs.get_mut(&run) else { return };
    of_run.numbers.remove(&number);
    if of_run.stopped.is_some_and(|stopped| of_run.numbers.range(..stopped).next().is_none()) {
        of_run.stopped = None;
        release();
    }
    if of_run.numbers.is_empty() {
        closures.of_runs.remove(&run);
    }
}

/// All that were given until now are to end.
pub(super) fn stop(run: u64) {
    let mut closures = closures();
    let next = closures.next;
    if let Some(of_run) = closures.of_runs.get_mut(&run)
        && of_run.stopped.replace(next).is_none()
    {
        hold();
    }
}

/// Whether this one is to end.
pub(super) fn is_stopped(run: u64, number: u64) -> bool {
    closures().of_runs.get(&run).is_some_and(|of_run| of_run.stopped.is_some_and(|stopped| number < stopped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_before_an_interrupt_ends_whether_it_has_begun_or_not() {
        let (run, other) = (u64::MAX, u64::MAX - 1);
        let (early, late, of_other) = (given(run), given(run), given(other));
        stop(run);
        let after = given(run);
        let stopped = || {
            [(run, early), (run, late), (run, after), (other, of_other)].map(|(run, number)| is_stopped(run, number))
        };
        assert_eq!(stopped(), [true, true, false, false]);
        gone(run, early);
        assert_eq!(stopped(), [true, true, false, false], "numbers are given once");
        gone(run, late);
        assert_eq!(stopped(), [false; 4], "nobody is left to be stopped");
        stop(run);
        assert_eq!(stopped(), [true, true, true, false]);
        gone(run, after);
        gone(other, of_other);
        assert!(!closures().of_runs.contains_key(&run) && !closures().of_runs.contains_key(&other));
        stop(run);
        assert!(!is_stopped(run, given(run)), "nothing was given by then");
    }
}
