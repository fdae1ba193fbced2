//! Spawned tasks: the wrapper that the compiler's instrumentation puts around spawns in cells.
//!
//! The hooks know a task by its number. What its future is called, that it was aborted, and by what it can be, is only
//! known where it is given away. All that is generic here is compiled in the cells that use it, so it is thin.

use std::any::type_name;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use kissaten_instances::Task;
use tokio::task::{AbortHandle, Id, JoinHandle};

use super::hooks::{self, id_number};
use super::record::{self, Record, TypeName};
use super::unhooked;
use crate::here::{self, Here};
use crate::{panic, trace};

/// What is given to a `spawn`, of whichever type: a future becomes a [`TaskFuture`], all else stays what it is.
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
    type Out = TaskFuture<F>;
    #[track_caller]
    fn carry(self) -> TaskFuture<F> {
        panic::spawns(Some(Location::caller()));
        TaskFuture {
            future: taken(&mut self.0),
            own: Own { run: here::run_or_current(), name: type_name::<F>, polled: false, ready: false },
        }
    }
}

/// The same for a `spawn` that asks for a future which is `Send`. Where such a future's result is a usual one, all that tokio
/// does with it is in the session library; the cell compiles the future alone.
pub trait SendFuture {
    type Out;
    fn carry(self) -> Self::Out;
}

impl<F: Future + Send + 'static> SendFuture for &mut &mut Carry<F> {
    type Out = Task<F::Output>;
    #[track_caller]
    fn carry(self) -> Task<F::Output> {
        Box::pin(CarryFuture::carry(self))
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
pub struct TaskFuture<F> {
    future: F,
    own: Own,
}

/// What is known of the task beside its future.
///
/// It is dropped with the future, which is before whoever awaits the task is woken: so its end is known by then.
struct Own {
    /// Whose it is where no hook tells: on a `LocalSet`, on another runtime.
    run: u64,
    name: TypeName,
    polled: bool,
    ready: bool,
}

impl<F: Future> Future for TaskFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is pinned with what it is in, and never moved out; the rest may be moved.
        let (future, own) = unsafe {
            let lane = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut lane.future), &mut lane.own)
        };
        let polling = own.begin();
        let poll = future.poll(context);
        drop(polling);
        own.ready = poll.is_ready();
        poll
    }
}

/// The record of the task whose code runs here, if the hooks told of it.
fn hooked(here: &Here) -> Option<&Record> {
    let record = here.task()?;
    // A `LocalSet` within a task polls others, and a task may drop others.
    let is_its_own = tokio::task::try_id().map(id_number) == Some(record.id.load(Ordering::Relaxed));
    is_its_own.then_some(record)
}

impl Own {
    /// The future is polled, until what is returned is dropped.
    #[inline(never)]
    fn begin(&mut self) -> Option<unhooked::UnhookedPolling> {
        self.polled = true;
        here::with(|here| match hooked(here) {
            Some(record) => {
                if !record.is_known() {
                    record.set_type_name(self.name);
                    trace::named(self.run, record.lane.load(Ordering::Relaxed), self.name);
                }
                None
            }
            None => Some(unhooked::poll(self.run, self.name)),
        })
    }
}

impl Drop for Own {
    #[inline(never)]
    fn drop(&mut self) {
        here::with(|here| match hooked(here) {
            // Somebody dropped it unpolled, in a task that is another one.
            Some(record) if !self.polled && record.is_known() => {}
            Some(record) => {
                if !self.polled {
                    trace::named(self.run, record.lane.load(Ordering::Relaxed), self.name);
                }
                hooks::tell_end(record, !self.ready);
            }
            None => unhooked::ends(),
        });
    }
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
    panic::spawns(None);
    let number = id_number(id);
    let keep = |record: &Record| {
        let mut kept = record.handle();
        // It may have ended by now, and then nobody would take the handle out again.
        if record.id.load(Ordering::Acquire) == number {
            *kept = Some(handle.clone());
        }
    };
    if record::with(number, keep).is_none() && !handle.is_finished() {
        unhooked::begins(number, location, handle);
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

/// Wraps what is given to a `spawn` that asks for what is `Send`.
#[doc(hidden)]
#[macro_export]
macro_rules! __task {
    ($argument:expr) => {
        match $crate::__cell::Carry::new($argument) {
            mut carry => {
                #[allow(unused_imports)]
                use $crate::__cell::tasks::*;
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
