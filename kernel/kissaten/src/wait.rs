//! Waits: the note of what is awaited, which the compiler's instrumentation takes at each `.await` of a cell's code.
//!
//! Whoever is polled on its own (a cell, a task, a future among others in a `join!`) has one slot, in which the `.await`
//! that it has come to last is noted: while it waits, that is where. A note is three stores, as it is taken at every
//! `.await`; all that is made of it (who waits for whom, and for how long) is found out when somebody asks.

mod apart;
mod awaits;
mod held;
mod limit;
mod scene;
mod thread;
mod watch;
mod words;

use std::panic::Location;
use std::ptr::{from_ref, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

pub use apart::{Apart, apart, apart_here};
pub(crate) use awaits::Key;
pub use awaits::{Awaits, AwaitsKnown, AwaitsOther, some};
pub(crate) use held::ends;
pub(crate) use limit::Limit;
pub use limit::{limit, limited};
pub(crate) use scene::{Scene, Stand, Unit};
pub(crate) use thread::{number as thread_number, waited_for_processors};
pub(crate) use watch::{begins, has_ended};
pub use words::Wait;
pub(crate) use words::interrupted;

use crate::here;
use awaits::Kind;

/// The key of futures that are awaited all together.
pub const ALL: u64 = Key::new(Kind::All, 0).0;
/// The key of futures of which one is awaited, without their number.
pub const SOME: u64 = Key::new(Kind::Some, 0).0;

/// The text of what is awaited: one word, which a `&str` is not.
pub(crate) type Text = &'static &'static str;

/// Where somebody waits.
#[derive(Default)]
pub(crate) struct Whereabouts {
    /// A [`Text`]; null: nothing was noted.
    text: AtomicPtr<&'static str>,
    location: AtomicPtr<Location<'static>>,
    key: AtomicU64,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    pub(crate) text: &'static str,
    pub(crate) location: &'static Location<'static>,
    pub(crate) key: Key,
}

impl Whereabouts {
    pub(crate) fn set(&self, key: Key, text: Text, location: &'static Location<'static>) {
        self.text.store(from_ref(text).cast_mut(), Ordering::Relaxed);
        self.location.store(from_ref(location).cast_mut(), Ordering::Relaxed);
        self.key.store(key.0, Ordering::Relaxed);
    }

    /// Somebody else has it from now on.
    pub(crate) fn clear(&self) {
        self.text.store(null_mut(), Ordering::Relaxed);
        self.location.store(null_mut(), Ordering::Relaxed);
        self.key.store(0, Ordering::Relaxed);
    }

    pub(crate) fn noted(&self) -> Option<Noted> {
        // SAFETY: only `'static` texts and locations are ever stored.
        let (text, location) =
            unsafe { (self.text.load(Ordering::Relaxed).as_ref()?, self.location.load(Ordering::Relaxed).as_ref()?) };
        Some(Noted { text, location, key: Key(self.key.load(Ordering::Relaxed)) })
    }
}

/// Notes what is about to be awaited, and returns it as it is.
#[track_caller]
#[inline(always)]
pub fn at<F>(future: F, text: Text) -> F {
    note(0, text);
    future
}

/// The same, where it is known for whom or for what that waits.
#[track_caller]
#[inline(always)]
pub fn at_key<F>(key: u64, future: F, text: Text) -> F {
    note(key, text);
    future
}

/// Notes what is about to be awaited.
#[track_caller]
#[inline(never)]
pub fn note(key: u64, text: Text) {
    let location = Location::caller();
    // SAFETY: whose slot it is, is polled now, and so is there.
    let Some(slot) = (unsafe { here::slot().as_ref() }) else { return held::unknown(Key(key)) };
    if Key(slot.key.load(Ordering::Relaxed)).is_held() {
        held::took_before(slot);
    }
    slot.set(Key(key), text, location);
}
