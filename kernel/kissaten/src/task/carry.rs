//! Carried closures: the wrapper that the compiler's instrumentation puts around closures that are given to a thread.
//!
//! The closure counts as the code that gave it away: its output goes where that one's goes, an interrupt of that one ends
//! it too, and it has a lane in the timeline. Who runs it, and whether anybody ever does, is not known here.

use std::any::type_name;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::hooks::id_number;
use super::record::{self, TypeName, now};
use super::unhooked;
use crate::here;
use crate::interrupt::closures;
use crate::timeline::End;
use crate::trace::{self, Polling};

/// A closure for another thread, which counts as the code that gave it there.
#[track_caller]
pub fn carry<R, F: FnOnce() -> R>(closure: F) -> impl FnOnce() -> R {
    let ticket = ticket(Location::caller(), type_name::<F>);
    move || {
        let _running = ticket.begin();
        closure()
    }
}

/// Closures that were given to threads and have not ended.
static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// Whether there are such closures.
pub(crate) fn runs_threads() -> bool {
    GIVEN.load(Ordering::Relaxed) > 0
}

/// On whose behalf a closure will run.
struct Ticket {
    run: u64,
    lane: u32,
    number: u64,
    location: &'static Location<'static>,
    begun: bool,
}

#[inline(never)]
fn ticket(location: &'static Location<'static>, name: TypeName) -> Ticket {
    let (run, parent) = (here::run_or_current(), here::with(|here| here.lane.get()));
    let lane = trace::spawned(run, parent, 0, location);
    // A function that was given by its name has one.
    trace::named(run, lane, if name().ends_with("{{closure}}") { || "closure" } else { name });
    GIVEN.fetch_add(1, Ordering::Relaxed);
    Ticket { run, lane, number: closures::given(run), location, begun: false }
}

impl Ticket {
    #[inline(never)]
    fn begin(mut self) -> RunningClosure {
        self.begun = true;
        let (run, lane, number) = (self.run, self.lane, self.number);
        let is_in_task = here::with(|here| here.task().is_some());
        // On the task's own thread: it said that it blocks.
        here::with(|here| here.in_place.set(is_in_task));
        if is_in_task {
            GIVEN.fetch_sub(1, Ordering::Relaxed);
        }
        let id = if is_in_task { None } else { tokio::task::try_id().map(id_number) };
        match id {
            Some(id) => unhooked::closure_begins(id, run, self.location),
            None => closures::gone(run, number),
        }
        let outer = here::with(|here| here.closure.replace(id.map(|_| number)));
        RunningClosure { run, lane, number, id, is_in_task, outer, polling: Some(trace::seen_poll(run, lane)) }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.begun {
            GIVEN.fetch_sub(1, Ordering::Relaxed);
            closures::gone(self.run, self.number);
            if self.lane != 0 {
                trace::left(self.run, self.lane, now(), End::Aborted);
            }
        }
    }
}

/// A closure that runs.
struct RunningClosure {
    run: u64,
    lane: u32,
    number: u64,
    /// Tokio's id, if it is one of `spawn_blocking`.
    id: Option<u64>,
    /// On the thread of the task that gave it.
    is_in_task: bool,
    /// The one that the thread ran already.
    outer: Option<u64>,
    polling: Option<Polling>,
}

impl Drop for RunningClosure {
    fn drop(&mut self) {
        self.polling = None;
        if !self.is_in_task {
            GIVEN.fetch_sub(1, Ordering::Relaxed);
        }
        here::with(|here| here.closure.set(self.outer));
        let end = match self.id {
            Some(id) if record::is_to_abort(id) => End::Aborted,
            _ if std::thread::panicking() => End::Panicked,
            _ => End::Finished,
        };
        trace::left(self.run, self.lane, now(), end);
        if let Some(id) = self.id {
            record::end(id);
            closures::gone(self.run, self.number);
        }
    }
}
