//! What the compiler's instrumentation puts around spawns in cells.
//!
//! The hooks know a task by its number. What its future is called, that it was aborted and by what it can be, and whose
//! a closure on a thread of its own is, is only known where it is given away. All that is generic here is compiled in
//! the cells that use it, so it is thin.

use std::any::type_name;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::task::{AbortHandle, Id, JoinHandle};

use super::hooks::{id_number, spawned};
use super::name::is_of_a_cell;
use super::record::{self, TypeName, now};
use crate::here::{self, Entered};
use crate::timeline::End;
use crate::trace;

/// What is given to a `spawn`, of whichever type: a future becomes a [`Lane`], all else stays what it is.
pub struct Carry<T>(Option<T>);

impl<T> Carry<T> {
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }
}

pub trait CarryFuture {
    type Out;
    fn carry(self) -> Self::Out;
}

impl<F: Future> CarryFuture for &mut &mut Carry<F> {
    type Out = Lane<F>;
    fn carry(self) -> Lane<F> {
        Lane { future: taken(&mut self.0), run: here::run_or_current() }
    }
}

pub trait CarryOther {
    type Out;
    fn carry(self) -> Self::Out;
}

impl<T> CarryOther for &mut Carry<T> {
    type Out = T;
    fn carry(self) -> T {
        taken(&mut self.0)
    }
}

fn taken<T>(value: &mut Option<T>) -> T {
    value.take().expect("a value is carried once")
}

/// The future of a task that a cell spawned.
pub struct Lane<F> {
    future: F,
    /// Whose it is where no hook tells: on a `LocalSet`, on another runtime.
    run: u64,
}

impl<F: Future> Future for Lane<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = enter_lane(self.run, type_name::<F>);
        // SAFETY: the future is pinned with what it is in, and never moved out.
        unsafe { self.map_unchecked_mut(|lane| &mut lane.future) }.poll(context)
    }
}

#[inline(never)]
fn enter_lane(run: u64, name: TypeName) -> Option<Entered> {
    here::with(|here| {
        // SAFETY: while a task is polled, its record is there.
        let record = unsafe { here.task.get().as_ref() };
        let Some(record) = record.filter(|record| record.run.load(Ordering::Relaxed) == run) else {
            return Some(here::enter(run, here.lane.get()));
        };
        if !here.own_poll.replace(true) && record.polls.load(Ordering::Relaxed) == 0 {
            record.set_type_name(name);
            trace::named(run, record.lane.load(Ordering::Relaxed), name);
        }
        None
    })
}

/// What a `spawn` returned, of whichever type.
pub struct Spawned<'a, T>(pub &'a T);

pub trait SpawnedHandle {
    fn note(self);
}

impl<T> SpawnedHandle for &&Spawned<'_, JoinHandle<T>> {
    #[track_caller]
    fn note(self) {
        note(self.0.id(), self.0.abort_handle(), Location::caller());
    }
}

impl SpawnedHandle for &&Spawned<'_, AbortHandle> {
    #[track_caller]
    fn note(self) {
        note(self.0.id(), self.0.clone(), Location::caller());
    }
}

pub trait SpawnedOther {
    fn note(self);
}

impl<T> SpawnedOther for &Spawned<'_, T> {
    fn note(self) {}
}

/// Keeps the handle of a task while that lives.
#[inline(never)]
fn note(id: Id, handle: AbortHandle, location: &'static Location<'static>) {
    let number = id_number(id);
    let keep = |record: &record::Record| {
        let mut kept = record.handle();
        // It may have ended by now, and then nobody would take the handle out again.
        if record.id.load(Ordering::Acquire) == number {
            *kept = Some(handle.clone());
        }
    };
    if record::with(number, keep).is_none() && !handle.is_finished() {
        // No hook tells of the beginning of a closure on a thread of its own, or of a task on a `LocalSet`. The first
        // one's end is told.
        spawned(number, location, true);
        record::with(number, |record| *record.handle() = Some(handle.clone()));
        if handle.is_finished() {
            record::end(number);
        }
    }
}

/// A closure for another thread, which counts as the code that gave it there.
///
/// Its output goes where that one's goes, an interrupt of that one ends it too, and it has a lane in the timeline.
#[track_caller]
pub fn carry<R, F: FnOnce() -> R>(closure: F) -> impl FnOnce() -> R {
    let ticket = ticket(Location::caller(), type_name::<F>);
    move || {
        let _guard = ticket.begin();
        closure()
    }
}

/// On whose behalf a closure will run.
struct Ticket {
    run: u64,
    lane: u32,
    begun: bool,
}

#[inline(never)]
fn ticket(location: &'static Location<'static>, name: TypeName) -> Ticket {
    let (run, parent) = (here::run_or_current(), here::with(|here| here.lane.get()));
    let lane = trace::spawned(run, parent, 0, location);
    // A function that was given by its name has one.
    trace::named(run, lane, if name().ends_with("{{closure}}") { || "closure" } else { name });
    Ticket { run, lane, begun: false }
}

impl Ticket {
    #[inline(never)]
    fn begin(mut self) -> Running {
        self.begun = true;
        // On the task's own thread: it said that it blocks.
        here::with(|here| here.in_place.set(!here.task.get().is_null()));
        let (run, lane, since) = (self.run, self.lane, now());
        trace::begun(run, lane, since);
        let polling = Polling { run, lane, since, _entered: here::enter(run, lane) };
        Running { run, lane, polling: Some(polling) }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.begun && self.lane != 0 {
            trace::left(self.run, self.lane, now(), End::Aborted);
        }
    }
}

/// A closure that runs.
struct Running {
    run: u64,
    lane: u32,
    polling: Option<Polling>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.polling = None;
        let end = if std::thread::panicking() { End::Panicked } else { End::Finished };
        trace::left(self.run, self.lane, now(), end);
    }
}

/// A future that is polled as a part of another one, and drawn as a lane of its own.
#[track_caller]
pub fn branch<F: IntoFuture>(future: F) -> Branch<F::IntoFuture> {
    let future = future.into_future();
    let lane = branch_lane(type_name::<F::IntoFuture>, Location::caller());
    Branch { future, lane }
}

/// See [`branch`].
pub struct Branch<F> {
    future: F,
    lane: BranchLane,
}

impl<F: Future> Future for Branch<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is pinned with what it is in, and never moved out; the lane may be moved.
        let (future, lane) = unsafe {
            let branch = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut branch.future), &mut branch.lane)
        };
        let polling = lane.begin();
        let poll = future.poll(context);
        drop(polling);
        if poll.is_ready() {
            lane.finish();
        }
        poll
    }
}

/// The lane of a branch; 0: it is not drawn.
struct BranchLane {
    run: u64,
    lane: u32,
    finished: bool,
}

#[inline(never)]
fn branch_lane(name: TypeName, location: &'static Location<'static>) -> BranchLane {
    let (run, parent) = here::with(|here| (here.run.get(), here.lane.get()));
    // A handle's task has a lane of its own, and what libraries wait for is drawn as the waiting of who awaits it.
    let lane = if trace::is_on(run) && is_of_a_cell(name()) {
        let lane = trace::spawned(run, parent, 0, location);
        trace::named(run, lane, name);
        lane
    } else {
        0
    };
    BranchLane { run, lane, finished: lane == 0 }
}

impl BranchLane {
    #[inline(never)]
    fn begin(&self) -> Option<Polling> {
        let begin =
            || Polling { run: self.run, lane: self.lane, since: now(), _entered: here::enter(here::run(), self.lane) };
        (self.lane != 0).then(begin)
    }

    #[inline(never)]
    fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            trace::left(self.run, self.lane, now(), End::Finished);
        }
    }
}

impl Drop for BranchLane {
    fn drop(&mut self) {
        if !self.finished {
            let end = if std::thread::panicking() { End::Panicked } else { End::Aborted };
            trace::left(self.run, self.lane, now(), end);
        }
    }
}

/// A poll of a branch, or the run of a closure.
struct Polling {
    run: u64,
    lane: u32,
    since: u64,
    _entered: Entered,
}

impl Drop for Polling {
    fn drop(&mut self) {
        trace::polled(self.run, self.lane, self.since, now());
    }
}

/// Wraps what is given to a `spawn`.
#[doc(hidden)]
#[macro_export]
macro_rules! __lane {
    ($argument:expr) => {
        match $crate::__cell::Carry::new($argument) {
            mut carry => {
                #[allow(unused_imports)]
                use $crate::__cell::carries::*;
                (&mut &mut carry).carry()
            }
        }
    };
}

/// Wraps a call of a `spawn`.
#[doc(hidden)]
#[macro_export]
macro_rules! __spawned {
    ($call:expr) => {
        match $call {
            value => {
                {
                    #[allow(unused_imports)]
                    use $crate::__cell::carries::*;
                    (&&$crate::__cell::Spawned(&value)).note();
                }
                value
            }
        }
    };
}
