//! Who holds a lock: whoever took it last, as far as code of cells did.
//!
//! That a lock was taken is known when its taker goes on to the next `.await`; that it was given back is not seen. But
//! somebody who waits for a lock and is not woken waits because it is held.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Key, Noted, Whereabouts};
use crate::here;

/// More locks than this are not kept in mind.
const MOST: usize = 10_000;

/// Who took a lock last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// A [`Unit`](super::Unit)'s number.
    pub(crate) by: u64,
    pub(crate) at: Noted,
}

static TAKEN: Mutex<Option<HashMap<u64, Taken>>> = Mutex::new(None);

fn taken() -> MutexGuard<'static, Option<HashMap<u64, Taken>>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was noted in the slot of whoever is polled here has come to its end.
#[cold]
#[inline(never)]
pub(super) fn took_before(slot: &Whereabouts) {
    if let Some(noted) = slot.noted() {
        took(noted, here::with(|here| here.unit.get()));
    }
}

/// What was noted has come to its end.
#[cold]
#[inline(never)]
fn took(at: Noted, by: u64) {
    let mut taken = taken();
    let taken = taken.get_or_insert_default();
    if taken.len() >= MOST {
        taken.clear();
    }
    taken.insert(at.key.address(), Taken { by, at });
}

/// Somebody of whom nothing is known may take that: who had it before does not have it then.
#[cold]
#[inline(never)]
pub(super) fn unknown(key: Key) {
    if key.is_held()
        && let Some(taken) = &mut *taken()
    {
        taken.remove(&key.address());
    }
}

/// Whose slot that is has come to its end.
pub(crate) fn ends(by: u64, slot: &Whereabouts) {
    if let Some(noted) = slot.noted()
        && noted.key.is_held()
    {
        took(noted, by);
    }
}

/// Who took what, by address.
pub(super) fn all() -> HashMap<u64, Taken> {
    taken().clone().unwrap_or_default()
}
