//! Instances: what cells would instantiate alike, compiled once for all of them.
//!
//! rustc takes a generic function with these very types from a crate below, where that has it and gives it on: crates do
//! that which are optimised little, so the profile names this one. A cell that spawns would otherwise compile some two
//! hundred functions of tokio. What a cell does with them is not known here.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use tokio::task::{AbortHandle, Id, JoinError, JoinHandle};

/// The future of a task, of which only the result has a type.
pub type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a handle is polled.
type Polls<T> = fn(Pin<&mut JoinHandle<T>>, &mut Context<'_>) -> Poll<Result<T, JoinError>>;

/// What there is of a task with a result of this type. Never called: it is compiled with all that it names.
struct Instances<T: 'static> {
    _spawn: fn(Task<T>) -> JoinHandle<T>,
    _poll: Polls<T>,
    _drop: unsafe fn(*mut JoinHandle<T>),
    _result: unsafe fn(*mut Result<T, JoinError>),
    _unwrap: fn(Result<T, JoinError>) -> T,
    _abort: fn(&JoinHandle<T>),
    _abort_handle: fn(&JoinHandle<T>) -> AbortHandle,
    _id: fn(&JoinHandle<T>) -> Id,
    _is_finished: fn(&JoinHandle<T>) -> bool,
}

impl<T: Send + 'static> Instances<T> {
    fn new() -> Self {
        Self {
            _spawn: tokio::spawn::<Task<T>>,
            _poll: <JoinHandle<T> as Future>::poll,
            _drop: ptr::drop_in_place::<JoinHandle<T>>,
            _result: ptr::drop_in_place::<Result<T, JoinError>>,
            _unwrap: Result::<T, JoinError>::unwrap,
            _abort: JoinHandle::<T>::abort,
            _abort_handle: JoinHandle::<T>::abort_handle,
            _id: JoinHandle::<T>::id,
            _is_finished: JoinHandle::<T>::is_finished,
        }
    }
}

/// The results that are usual.
#[doc(hidden)]
pub fn instances() {
    black_box(Instances::<()>::new());
    black_box(Instances::<bool>::new());
    black_box(Instances::<i32>::new());
    black_box(Instances::<i64>::new());
    black_box(Instances::<u32>::new());
    black_box(Instances::<u64>::new());
    black_box(Instances::<usize>::new());
    black_box(Instances::<f64>::new());
    black_box(Instances::<String>::new());
    black_box(Instances::<&'static str>::new());
}
