//! The guard around the user's code in a cell, and around each part of it: how that ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use crate::error::{CellDebugError, CellError};
use crate::runtime::{CellState, Outcome, current};
use crate::{interrupt, panic, resident, trace};

/// The user's part of a cell: ends when it ends, panics, or is interrupted, and writes down which.
///
/// Where a cell is cut into parts, each holds the next one in a guard of its own. The innermost is where it ends early; those
/// around it then go on, with nothing left to do but to keep what they have made.
///
/// The caller still owns the variables that `body` only borrows: whatever happens in it, they are put back. There is
/// one such type for each type of error, because what is generic here would be compiled in every cell.
macro_rules! guarded {
    ($(#[$doc:meta])* $name:ident, $function:ident, $error:ty) => {
        $(#[$doc])*
        #[doc(hidden)]
        pub struct $name<'a>(pub Pin<&'a mut (dyn Future<Output = Result<(), $error>> + 'a)>);

        impl Future for $name<'_> {
            type Output = ();

            #[inline(never)]
            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                let body = &mut self.0;
                poll_guarded(context, &mut |context| body.as_mut().poll(context).map(drop))
            }
        }

        /// The same for a body that awaits nothing.
        #[doc(hidden)]
        pub fn $function(body: Box<dyn FnOnce() -> Result<(), $error> + '_>) {
            let mut body = Some(body);
            // Nobody wakes what has ended when it was polled.
            let _ = poll_guarded(&mut Context::from_waker(Waker::noop()), &mut |_| {
                let _ = body.take().map(|body| body());
                Poll::Ready(())
            });
        }
    };
}

guarded! {
    /// A body whose errors have words for people.
    Guarded, guarded, CellError
}
guarded! {
    /// A body whose errors are only `Debug`.
    GuardedDebug, guarded_debug, CellDebugError
}

fn poll_guarded(context: &mut Context<'_>, poll: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>) -> Poll<()> {
    if resident::is_ending() {
        return panic::catch_unwound(|| poll(context)).unwrap_or_else(|panic| {
            resident::told(panic);
            Poll::Ready(())
        });
    }
    let Some(cell) = current().clone() else { return Poll::Ready(()) };
    let state = &*cell.state;
    let depth = state.depth.fetch_add(1, Ordering::Relaxed);
    state.innermost.fetch_max(depth, Ordering::Relaxed);
    let polled = poll_at(depth, state, context, poll);
    if polled.is_ready() {
        state.innermost.store(depth.saturating_sub(1), Ordering::Relaxed);
    }
    state.depth.fetch_sub(1, Ordering::Relaxed);
    polled
}

fn poll_at(
    depth: usize,
    state: &CellState,
    context: &mut Context<'_>,
    poll: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
) -> Poll<()> {
    let is_innermost = || state.innermost.load(Ordering::Relaxed) == depth;
    state.waker.register(context.waker());
    // Asked before and after the poll: before, so that what is woken by the interrupt ends without running on; after,
    // so that an interrupt during a long poll is not overlooked until the next wake-up.
    if state.interrupted.load(Ordering::Acquire) && is_innermost() {
        return interrupted(state);
    }
    let polled = {
        let _lane = (depth == 0).then(|| trace::own_poll(state.id));
        panic::catch(|| poll(context))
    };
    let is_interrupted = state.interrupted.load(Ordering::Acquire);
    match polled {
        // It came to its end, and others may refer to what it holds.
        Ok(Poll::Pending) if resident::has_stayed() => {
            state.end_interrupts();
            Poll::Pending
        }
        Ok(Poll::Pending) if is_interrupted && is_innermost() => interrupted(state),
        // What an interrupt made of it: a checkpoint's unwinding, or an error for whoever waited for input.
        Err(_) if is_interrupted => interrupted(state),
        Ok(Poll::Ready(()))
            if is_interrupted
                && (interrupt::was_heeded(state.id) || matches!(&*state.outcome(), Some(Outcome::Error { .. }))) =>
        {
            interrupted(state)
        }
        Ok(poll) => {
            if poll.is_ready() && depth == 0 {
                state.end_interrupts();
            }
            poll
        }
        Err(panic) => {
            state.end_interrupts();
            *state.outcome() = Some(Outcome::Panic(panic));
            Poll::Ready(())
        }
    }
}

fn interrupted(state: &CellState) -> Poll<()> {
    state.end_interrupts();
    *state.outcome() = Some(Outcome::Interrupted(state.was_at().take()));
    Poll::Ready(())
}
