//! What the futures of a list are called: they are made at one place, `let all: Vec<_> = ….collect()`, and get their lanes at
//! another, `join_all(all)`, in the same order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::NEXT;

/// More are not told.
const MOST: usize = super::LANES;
/// More lists than this are not joined later: the oldest is forgotten.
const MOST_LISTS: usize = 100;

static LISTS: Mutex<BTreeMap<u64, VecDeque<Option<String>>>> = Mutex::new(BTreeMap::new());

fn lists() -> MutexGuard<'static, BTreeMap<u64, VecDeque<Option<String>>>> {
    LISTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A list that is being made; closures take it along.
#[derive(Clone, Copy)]
pub struct Made(u64);

/// A list is made now.
pub fn made() -> Made {
    static LAST: AtomicU64 = AtomicU64::new(0);
    Made(LAST.fetch_add(1, Ordering::Relaxed))
}

impl Made {
    /// The one that is made next has the name that was told.
    pub fn add(self, _names: u64) {
        let name = NEXT.try_with(|next| next.borrow_mut().take()).ok().flatten();
        let mut lists = lists();
        let names = lists.entry(self.0).or_default();
        if names.len() < MOST {
            names.push_back(name);
        }
        if lists.len() > MOST_LISTS {
            lists.pop_first();
        }
    }

    /// The next one gets its lane.
    pub fn next(self) {
        let name = lists().get_mut(&self.0).and_then(VecDeque::pop_front).flatten();
        let _ = NEXT.try_with(|next| *next.borrow_mut() = name);
    }
}
