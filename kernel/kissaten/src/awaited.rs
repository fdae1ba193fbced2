//! A future of the notebook that a cell awaits by its name: it is used up only when it has come to its end.
//!
//! An interrupt, or an error elsewhere in the cell, ends the waiting and not what is waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::store;

/// A future that goes back into the store unless it comes to its end.
pub struct Awaited<'a, F> {
    name: &'a str,
    future: &'a mut F,
}

/// The variable `name` is awaited.
pub fn awaited<'a, F: Future + Unpin>(name: &'a str, future: &'a mut F) -> Awaited<'a, F> {
    Awaited { name, future }
}

impl<F: Future + Unpin> Future for Awaited<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let polled = Pin::new(&mut *self.future).poll(context);
        if polled.is_ready() {
            store::forget_taken(self.name);
        }
        polled
    }
}
