//! Hints: what goes wrong in async code, told in a sentence under the cell that it happened in.

use std::collections::HashSet;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::display::duration::duration;
use crate::label;
use crate::runtime::{self, Hint, Notice, Panic};
use crate::task::place_of;

/// Places that were told of, so that a loop does not tell it again and again.
static TOLD: Mutex<Option<HashSet<(u64, usize)>>> = Mutex::new(None);
/// How many are remembered, and so told, at most.
const MOST: usize = 1000;

/// A poll held its worker for this long.
pub(crate) fn long_poll(run: u64, name: Option<&str>, spawned_at: &'static Location<'static>, length: Duration) {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let told = told.get_or_insert_default();
    if told.len() >= MOST || !told.insert((run, std::ptr::from_ref(spawned_at).addr())) {
        return;
    }
    let task = task(name, Some(&place_of(spawned_at)));
    let text = format!(
        "{task} ran for {} without an `.await`, and other tasks had to wait for its thread. \
         Where it sleeps, use `tokio::time::sleep(…).await`; what computes for long is for `tokio::task::spawn_blocking`.",
        duration(length)
    );
    runtime::send(Notice::Hint { cell: run, hint: Hint::Blocking, text });
}

/// A panic that does not end a cell: in a task, in a thread, or caught by user code.
pub(crate) fn panicked(run: u64, who: &str, panic: &Panic) {
    let place = panic.location.as_ref().map(|at| format!(" at {}", label::place(&at.file, at.line)));
    let text = format!("{who} panicked{}:\n{}", place.unwrap_or_default(), panic.message);
    runtime::send(Notice::Hint { cell: run, hint: Hint::Panic, text });
}

/// A value that goes panicked in its `Drop`; whose, in words.
pub(crate) fn panicked_while_dropped(run: u64, whose: &str, panic: &Panic) {
    let place = panic.location.as_ref().map(|at| format!(" at {}", label::place(&at.file, at.line)));
    let text = format!("{whose} panicked while it was dropped{}:\n{}", place.unwrap_or_default(), panic.message);
    runtime::send(Notice::Hint { cell: run, hint: Hint::Drop, text });
}

/// An interrupt came while it was dropped.
pub(crate) fn drop_interrupted(run: u64, whose: &str) {
    let text = format!("{whose} was interrupted while it was dropped");
    runtime::send(Notice::Hint { cell: run, hint: Hint::Drop, text });
}

/// A task in a sentence.
pub(crate) fn task(name: Option<&str>, place: Option<&str>) -> String {
    let place = place.map(|place| format!(" (spawned at {place})")).unwrap_or_default();
    match name {
        Some("async block") | None => format!("a task{place}"),
        Some(name) => format!("the task `{name}`{place}"),
    }
}
