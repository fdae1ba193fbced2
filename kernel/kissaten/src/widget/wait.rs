//! Futures and streams of what happens to a widget.
//!
//! What of them is generic is compiled into cells, so it is one call.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll};

use futures::Stream;

use super::handle::Cursor;
use super::model::{Closed, Event, Model, ModelState};
use super::state::Fields;

/// Waits for events of one model, again and again.
pub(super) struct EventWait {
    model: Arc<Model>,
    cursor: Option<Arc<Cursor>>,
    event: Event,
    /// How many are heard.
    from: u64,
    slot: Option<u64>,
}

impl EventWait {
    pub(super) fn new(model: Arc<Model>, cursor: Option<Arc<Cursor>>, event: Event, from: u64) -> Self {
        Self { model, cursor, event, from, slot: None }
    }

    /// The state in which there is something to hear, which is still to be heard.
    pub(super) fn look(&mut self, context: &mut Context<'_>) -> Poll<Result<MutexGuard<'_, ModelState>, Closed>> {
        let Self { model, event, from, slot, .. } = self;
        let mut state = model.state();
        if state.counts[*event as usize] > *from {
            return Poll::Ready(Ok(state));
        }
        if let Some(closed) = state.closed() {
            return Poll::Ready(Err(closed));
        }
        *slot = Some(state.wait(*slot, context.waker()));
        Poll::Pending
    }

    /// The state in which it is heard: each signal once, and of changes the latest.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<MutexGuard<'_, ModelState>, Closed>> {
        match self.look(context) {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(closed)) => return Poll::Ready(Err(closed)),
            Poll::Pending => return Poll::Pending,
        }
        let Self { model, cursor, event, from, .. } = self;
        // Counts only grow, so there still is something.
        let state = model.state();
        *from = if *event == Event::Change { state.counts[*event as usize] } else { *from + 1 };
        if let Some(cursor) = cursor {
            cursor.heard(*event, *from);
        }
        Poll::Ready(Ok(state))
    }
}

impl Drop for EventWait {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.model.state().wait_no_more(slot);
        }
    }
}

impl fmt::Debug for EventWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of a {}", self.event, self.model.kind.noun)
    }
}

/// A future of the next value of a widget.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Change<T> {
    wait: EventWait,
    read: fn(&Fields) -> T,
}

impl<T> Change<T> {
    pub(super) fn new(wait: EventWait, read: fn(&Fields) -> T) -> Self {
        Self { wait, read }
    }
}

impl<T> Future for Change<T> {
    type Output = Result<T, Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let read = self.read;
        self.wait.poll(context).map(|state| state.map(|state| read(&state.fields)))
    }
}

/// A stream of the values that a widget gets; see `changes` of any with a value.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Changes<T> {
    wait: EventWait,
    read: fn(&Fields) -> T,
}

impl<T> Changes<T> {
    pub(super) fn new(wait: EventWait, read: fn(&Fields) -> T) -> Self {
        Self { wait, read }
    }
}

impl<T> Stream for Changes<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let read = self.read;
        self.wait.poll(context).map(|state| state.ok().map(|state| read(&state.fields)))
    }
}
