//! The way into the kernel's one queue of events, for a source that knows its own kind of event alone. Which other kinds
//! there are, and who takes them out, is not known here.
//!
//! One queue for all keeps the order in which they were put in: what was received before a cell erred stands before it.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// A sender of events of one source, into the queue of all. Clones share it.
pub(crate) struct Events<T>(Arc<dyn Entrance<T>>);

impl<T: Send + 'static> Events<T> {
    /// An end of a queue of events that `T` becomes one of.
    pub(crate) fn of<E: From<T> + Send + 'static>(queue: &mpsc::Sender<E>) -> Self {
        Self(Arc::new(queue.clone()))
    }

    /// Waits for room; whether there is still somebody who takes events out.
    ///
    /// # Cancel safety
    /// It is put in or not; which is not known when this is dropped before its end.
    pub(crate) async fn send(&self, event: T) -> bool {
        self.0.send(event).await
    }

    /// Never waits; whether there was room.
    pub(crate) fn try_send(&self, event: T) -> bool {
        self.0.try_send(event)
    }
}

impl<T> Clone for Events<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A sender of a queue whose events are of more kinds than this.
trait Entrance<T>: Send + Sync {
    fn send(&self, event: T) -> BoxFuture<'_, bool>;
    fn try_send(&self, event: T) -> bool;
}

impl<T: Send + 'static, E: From<T> + Send + 'static> Entrance<T> for mpsc::Sender<E> {
    fn send(&self, event: T) -> BoxFuture<'_, bool> {
        Box::pin(async move { Self::send(self, event.into()).await.is_ok() })
    }

    fn try_send(&self, event: T) -> bool {
        Self::try_send(self, event.into()).is_ok()
    }
}
