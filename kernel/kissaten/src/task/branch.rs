//! Branches: the wrapper that the compiler's instrumentation puts around futures that are polled as a part of another
//! one: the arguments of
//! `join!`, and in a cell with a timeline what it awaits itself.

use std::any::type_name;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::name::is_of_a_cell;
use super::record::{TypeName, now};
use crate::here;
use crate::timeline::End;
use crate::trace::{self, Polling};

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
        (self.lane != 0).then(|| Polling::new(self.run, self.lane, here::enter(here::run(), self.lane)))
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
