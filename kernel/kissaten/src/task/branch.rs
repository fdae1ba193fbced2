//! Branches: the wrapper that the compiler's instrumentation puts around futures that are polled as a part of another
//! one: the arguments of `join!`, `select!` and `timeout`, and in a cell with a timeline what it awaits itself.
//!
//! Those side by side are units of their own (see [`wait`](crate::wait)): where one waits is noted apart from the others.

use std::any::type_name;
use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::FusedFuture;

use super::function_name;
use super::name::is_of_a_cell;
use super::record::{TypeName, now};
use crate::here::{self, Standing};
use crate::timeline::End;
use crate::trace::{self, Polling};
use crate::wait::{self, Key, Limit, Stand, Text, Unit, Whereabouts};

/// A future that a cell awaits, drawn as a lane of its own.
#[track_caller]
pub fn branch<F: IntoFuture>(future: F) -> Branch<F::IntoFuture> {
    Branch { lane: branch_lane(type_name::<F::IntoFuture>, Location::caller(), None), future: future.into_future() }
}

/// What a future among others is made a part with.
struct PartBirth {
    key: u64,
    text: Text,
    /// It is told about, also where nothing is known of it.
    always: bool,
    limit: u64,
}

/// A future that is polled side by side with others.
#[track_caller]
pub fn beside<F: IntoFuture>(key: u64, future: F, text: Text) -> Branch<F::IntoFuture> {
    let part = PartBirth { key, text, always: true, limit: 0 };
    Branch {
        lane: branch_lane(type_name::<F::IntoFuture>, Location::caller(), Some(part)),
        future: future.into_future(),
    }
}

/// The same of one that ends early where another one is ready: it is told about only where something is known of it.
#[track_caller]
pub fn arm<F: IntoFuture>(key: u64, future: F, text: Text) -> Branch<F::IntoFuture> {
    let part = PartBirth { key, text, always: false, limit: 0 };
    Branch {
        lane: branch_lane(type_name::<F::IntoFuture>, Location::caller(), Some(part)),
        future: future.into_future(),
    }
}

/// The same of one that has so much time (see [`limited`](wait::limited)).
#[track_caller]
pub fn timed<F: IntoFuture>(limit: u64, key: u64, future: F, text: Text) -> Branch<F::IntoFuture> {
    let part = PartBirth { key, text, always: false, limit };
    Branch {
        lane: branch_lane(type_name::<F::IntoFuture>, Location::caller(), Some(part)),
        future: future.into_future(),
    }
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
        lane.polled(polling, poll.is_ready());
        poll
    }
}

impl<F: FusedFuture> FusedFuture for Branch<F> {
    fn is_terminated(&self) -> bool {
        self.future.is_terminated()
    }
}

/// What is known of a branch beside its future.
struct BranchLane {
    run: u64,
    /// 0: it is not drawn.
    lane: u32,
    finished: bool,
    part: Option<Box<Part>>,
}

/// A poll of a branch, until it is dropped.
struct BranchPolling {
    _polling: Option<Polling>,
    _standing: Option<Standing>,
}

/// One of several futures that somebody polls.
struct Part {
    slot: Whereabouts,
    /// 0: it has not waited yet, and nobody knows it.
    id: AtomicU64,
    run: u64,
    name: TypeName,
    /// How it was written.
    text: Text,
    limit: Limit,
    /// Whose part it is: the number of a [`Unit`].
    parent: AtomicU64,
}

/// The parts that wait, by their numbers. They are taken out before they are dropped.
static PARTS: Mutex<BTreeMap<u64, PartPointer>> = Mutex::new(BTreeMap::new());

struct PartPointer(*const Part);

// SAFETY: all of a part may be looked at by any thread, and it is there while it is in the map.
unsafe impl Send for PartPointer {}

fn parts() -> MutexGuard<'static, BTreeMap<u64, PartPointer>> {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at all parts that wait.
pub(crate) fn each(mut look: impl FnMut(u64, Stand)) {
    for (id, pointer) in &*parts() {
        // SAFETY: it is in the map.
        let part = unsafe { &*pointer.0 };
        let type_name = (part.name)();
        let name = if is_of_a_cell(type_name) { function_name(type_name) } else { (*part.text).to_owned() };
        let mut stand = Stand::new(part.run, name, &part.slot);
        stand.parent = Some(part.parent.load(Ordering::Relaxed));
        stand.limit = part.limit;
        look(*id, stand);
    }
}

#[inline(never)]
fn branch_lane(name: TypeName, location: &'static Location<'static>, part: Option<PartBirth>) -> BranchLane {
    let (run, parent) = here::with(|here| (here.run.get(), here.lane.get()));
    let is_of_a_cell = is_of_a_cell(name());
    // A handle's task has a lane of its own, and what libraries wait for is drawn as the waiting of who awaits it.
    let lane = if trace::is_on(run) && is_of_a_cell {
        let lane = trace::branched(run, parent, location);
        trace::named(run, lane, name);
        lane
    } else {
        0
    };
    trace::take_name(run, lane);
    let part = part.filter(|part| part.always || part.key != 0 || is_of_a_cell).map(
        |PartBirth { key, text, limit, .. }| {
            let (slot, id, parent) = (Whereabouts::default(), AtomicU64::new(0), AtomicU64::new(0));
            let part = Part { slot, id, run, name, text, parent, limit: Limit::of(limit) };
            part.slot.set(Key(key), text, location);
            Box::new(part)
        },
    );
    BranchLane { run, lane, finished: false, part }
}

impl BranchLane {
    #[inline(never)]
    fn begin(&mut self) -> BranchPolling {
        BranchPolling {
            _polling: (self.lane != 0).then(|| Polling::new(self.run, self.lane, here::enter(here::run(), self.lane))),
            _standing: self.part.as_ref().map(|part| part.stand()),
        }
    }

    #[inline(never)]
    fn polled(&mut self, polling: BranchPolling, is_ready: bool) {
        drop(polling);
        if !is_ready {
            if let Some(part) = &self.part {
                part.waits();
                trace::waits(self.run, self.lane, || part.slot.noted());
            }
        } else if !self.finished {
            self.finished = true;
            if let Some(part) = self.part.take() {
                // Whose part it is has what comes of it.
                wait::ends(here::with(|here| here.unit.get()), &part.slot);
            }
            if self.lane != 0 {
                trace::left(self.run, self.lane, now(), End::Finished);
            }
        }
    }
}

impl Part {
    fn stand(&self) -> Standing {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let mut id = self.id.load(Ordering::Relaxed);
        if id == 0 {
            id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            self.id.store(id, Ordering::Relaxed);
        }
        // SAFETY: the part is there while the branch is polled.
        unsafe { here::stand(&raw const self.slot, Unit::Branch(id).number()) }
    }

    /// It has been polled, and waits.
    fn waits(&self) {
        let parent = here::with(|here| here.unit.get());
        if self.parent.swap(parent, Ordering::Relaxed) != parent {
            parts().insert(self.id.load(Ordering::Relaxed), PartPointer(self));
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let id = self.id.load(Ordering::Relaxed);
        if self.parent.load(Ordering::Relaxed) != 0 {
            parts().remove(&id);
        }
    }
}

impl Drop for BranchLane {
    #[inline(never)]
    fn drop(&mut self) {
        if !self.finished && self.lane != 0 {
            let end = if std::thread::panicking() { End::Panicked } else { End::Aborted };
            if end == End::Aborted {
                trace::stood(self.run, self.lane, self.part.as_ref().and_then(|part| part.slot.noted()));
            }
            trace::left(self.run, self.lane, now(), end);
        }
    }
}
