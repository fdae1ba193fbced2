//! The stop button as code hears it: what Ctrl-C is to a program.
//!
//! The process of the cells has no terminal, so no SIGINT comes to it. The compiler puts [`CtrlC`] around calls of
//! `ctrl_c()`: an interrupt of a cell in which, or in a task of which, such a future is awaited is its answer, and the cell
//! goes on to end as it wants to. The next interrupt ends the cell, unless it awaits one again.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::here;

/// The wakers of who waits, by the run that is to be interrupted.
static WAITING: Mutex<BTreeMap<u64, BTreeMap<u64, Waker>>> = Mutex::new(BTreeMap::new());
static COUNT: AtomicU64 = AtomicU64::new(0);

fn waiting() -> MutexGuard<'static, BTreeMap<u64, BTreeMap<u64, Waker>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An interrupt of this run; whether somebody has waited for it.
pub(crate) fn hear(run: u64) -> bool {
    let wakers = waiting().remove(&run).unwrap_or_default();
    let is_heard = !wakers.is_empty();
    wakers.into_values().for_each(Waker::wake);
    is_heard
}

/// Puts a future that ends with SIGINT on the list of those that an interrupt ends.
pub fn ctrl_c<F: Future<Output = io::Result<()>>>(future: F) -> CtrlC<F> {
    CtrlC { future, wait: Listing::default() }
}

/// See [`ctrl_c`].
pub struct CtrlC<F> {
    future: F,
    wait: Listing,
}

impl<F: Future<Output = io::Result<()>>> Future for CtrlC<F> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // SAFETY: the future is pinned with what it is in, and never moved out; the rest may be moved.
        let (future, wait) = unsafe {
            let own = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut own.future), &mut own.wait)
        };
        if wait.is_over(context) { Poll::Ready(Ok(())) } else { future.poll(context) }
    }
}

/// A place on the list, once it was polled.
#[derive(Default)]
struct Listing(Option<(u64, u64)>);

impl Listing {
    /// Whether the interrupt has come; else it wakes whoever polls.
    #[inline(never)]
    fn is_over(&mut self, context: &Context<'_>) -> bool {
        let is_new = self.0.is_none();
        let (run, id) =
            *self.0.get_or_insert_with(|| (here::run_or_current(), COUNT.fetch_add(1, Ordering::Relaxed) + 1));
        let mut waiting = waiting();
        if !is_new && !waiting.get(&run).is_some_and(|of_run| of_run.contains_key(&id)) {
            return true;
        }
        waiting.entry(run).or_default().insert(id, context.waker().clone());
        false
    }
}

impl Drop for Listing {
    #[inline(never)]
    fn drop(&mut self) {
        let Some((run, id)) = self.0 else { return };
        let mut waiting = waiting();
        let Some(of_run) = waiting.get_mut(&run) else { return };
        let waker = of_run.remove(&id);
        if of_run.is_empty() {
            waiting.remove(&run);
        }
        // It is user code's, and may come back here.
        drop(waiting);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn an_interrupt_is_heard_by_those_of_its_run_that_wait() {
        let mut context = Context::from_waker(Waker::noop());
        let never = std::future::pending::<io::Result<()>>;
        let (mut first, mut second) = (Box::pin(ctrl_c(never())), pin!(ctrl_c(never())));
        let other = {
            let _other = here::enter(77_001, 0);
            assert!(!hear(77_001), "nobody was polled yet");
            let mut other = Box::pin(ctrl_c(never()));
            assert!(other.as_mut().poll(&mut context).is_pending());
            other
        };
        let _run = here::enter(77_000, 0);
        for _ in 0..2 {
            assert!(first.as_mut().poll(&mut context).is_pending() && second.as_mut().poll(&mut context).is_pending());
        }
        drop(first);
        assert!(hear(77_000));
        assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
        assert!(!hear(77_000));
        drop(other);
        assert!(!hear(77_001));
    }
}
