//! Tasks.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A closure for another thread, which counts as the code that gave it there: its output goes where that one's goes.
pub fn carry<R, F: FnOnce() -> R>(closure: F) -> impl FnOnce() -> R {
    move || closure()
}

/// What is given to a `spawn`, of whichever type: a future becomes a [`Lane`], all else stays what it is.
pub struct Carry<T>(pub Option<T>);

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
        Lane { future: self.0.take().expect("it is carried once") }
    }
}

pub trait CarryOther {
    type Out;
    fn carry(self) -> Self::Out;
}

impl<T> CarryOther for &mut Carry<T> {
    type Out = T;
    fn carry(self) -> T {
        self.0.take().expect("it is carried once")
    }
}

/// The future of a task that a cell spawned.
pub struct Lane<F> {
    future: F,
}

impl<F: Future> Future for Lane<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is pinned with what it is in, and never moved out.
        unsafe { self.map_unchecked_mut(|lane| &mut lane.future) }.poll(context)
    }
}

/// What a `spawn` returned, of whichever type.
pub struct Spawned<'a, T>(pub &'a T);

pub trait SpawnedHandle {
    fn note(self);
}

impl<T> SpawnedHandle for &&Spawned<'_, tokio::task::JoinHandle<T>> {
    fn note(self) {}
}

impl SpawnedHandle for &&Spawned<'_, tokio::task::AbortHandle> {
    fn note(self) {}
}

pub trait SpawnedOther {
    fn note(self);
}

impl<T> SpawnedOther for &Spawned<'_, T> {
    fn note(self) {}
}

/// A future that is polled as a part of another one, and drawn as a lane of its own.
#[track_caller]
pub fn branch<F: IntoFuture>(future: F) -> Branch<F::IntoFuture> {
    Branch { future: future.into_future() }
}

/// See [`branch`].
pub struct Branch<F> {
    future: F,
}

impl<F: Future> Future for Branch<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: as in `Lane`.
        unsafe { self.map_unchecked_mut(|branch| &mut branch.future) }.poll(context)
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

/// A variable of a type of lock, and whether it was poisoned when the cell began.
pub fn is_poisoned<L: Lock + ?Sized>(lock: &L) -> bool {
    lock.is_poisoned()
}

/// Takes the poison off a lock that was not poisoned before, if the cell was interrupted: nothing panicked.
pub fn unpoison<L: Lock + ?Sized>(lock: &L, was_poisoned: bool) {
    let _ = (lock, was_poisoned);
}

/// Std's locks, also in an `Arc`.
pub trait Lock {
    fn is_poisoned(&self) -> bool;
    fn clear_poison(&self);
}

impl<T: ?Sized> Lock for std::sync::Mutex<T> {
    fn is_poisoned(&self) -> bool {
        self.is_poisoned()
    }
    fn clear_poison(&self) {
        self.clear_poison();
    }
}

impl<T: ?Sized> Lock for std::sync::RwLock<T> {
    fn is_poisoned(&self) -> bool {
        self.is_poisoned()
    }
    fn clear_poison(&self) {
        self.clear_poison();
    }
}

impl<L: Lock + ?Sized> Lock for std::sync::Arc<L> {
    fn is_poisoned(&self) -> bool {
        (**self).is_poisoned()
    }
    fn clear_poison(&self) {
        (**self).clear_poison();
    }
}
