//! Keys: what is known of the thing that is awaited, from its type.
//!
//! The compiler writes `(&&Awaits(&rx)).key()` for expressions that look as if they were of a type that is known here.
//! Method lookup finds the key of such a type, and 0 for all others; a cell is compiled for each type that it so asks about, so
//! all that is generic here is one call.

use std::sync::Arc;

use futures::channel as channels;
use tokio::sync::{self, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::task::id_number;

/// What somebody waits for, in one word: a kind and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) u64);

/// A kind of what can be awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Not known: a sleep, a socket, a function.
    Other,
    Task,
    Lock,
    /// A lock that several can have at once.
    Shared,
    Semaphore,
    Receiver,
    Sender,
    Oneshot,
    Notify,
    Watch,
    Barrier,
    /// The tasks of a `JoinSet`.
    Set,
    /// All futures of a `join!` and its like.
    All,
    /// One of several futures, of which some are not known.
    Some,
}

const KINDS: [Kind; 14] = [
    Kind::Other,
    Kind::Task,
    Kind::Lock,
    Kind::Shared,
    Kind::Semaphore,
    Kind::Receiver,
    Kind::Sender,
    Kind::Oneshot,
    Kind::Notify,
    Kind::Watch,
    Kind::Barrier,
    Kind::Set,
    Kind::All,
    Kind::Some,
];
const _: () = {
    let mut at = 0;
    while at < KINDS.len() {
        assert!(KINDS[at] as usize == at);
        at += 1;
    }
};

/// Bits of the word below the kind.
const BITS: u32 = 56;
/// Of these, the bits of an address.
const ADDRESS: u32 = 48;

impl Key {
    pub(crate) const fn new(kind: Kind, detail: u64) -> Self {
        Self((kind as u64) << BITS | detail & ((1 << BITS) - 1))
    }

    pub(crate) fn kind(self) -> Kind {
        KINDS.get((self.0 >> BITS) as usize).copied().unwrap_or(Kind::Other)
    }

    /// A task's id, or how many there are: of senders, of places in the channel, of futures.
    pub(crate) fn detail(self) -> u64 {
        self.0 & ((1 << BITS) - 1)
    }

    /// Of futures of which one is awaited: how many there are, of how many of them it is known by the key alone that others decide
    /// when they come, and the first of those.
    pub(crate) fn arms(self) -> (u64, u64, Self) {
        let detail = self.detail();
        let first = Self((detail >> 16 & 0xff) << BITS | detail >> 24);
        (detail & 0xff, detail >> 8 & 0xff, first)
    }

    /// Of a lock or a semaphore: which.
    pub(crate) fn address(self) -> u64 {
        self.0 & ((1 << ADDRESS) - 1)
    }

    /// Whether it is something of which others decide when it comes: a lock, a permit, a message.
    pub(crate) fn is_shared(self) -> bool {
        !matches!(self.kind(), Kind::Other | Kind::Task | Kind::Set | Kind::All | Kind::Some)
    }

    /// Whether it is something that one has once it was awaited.
    pub(crate) fn is_held(self) -> bool {
        let kind = self.0 >> BITS;
        kind >= Kind::Lock as u64 && kind <= Kind::Semaphore as u64
    }
}

/// The key of futures of which one is awaited: so many, with the keys of those among them that are not looked into.
#[must_use]
#[inline(never)]
pub fn some(arms: u64, keys: &[u64]) -> u64 {
    let mut things = keys.iter().map(|key| Key(*key)).filter(|key| key.is_shared() && !key.is_held());
    let first =
        things.clone().next().map_or(0, |key| key.detail().min(u64::from(u32::MAX)) << 24 | (key.kind() as u64) << 16);
    Key::new(Kind::Some, first | (things.by_ref().count() as u64).min(0xff) << 8 | arms.min(0xff)).0
}

/// A reference to what may be of a known type.
pub struct Awaits<'a, T: ?Sized>(pub &'a T);

pub trait AwaitsKnown {
    fn key(self) -> u64;
}

impl<T: Known + ?Sized> AwaitsKnown for &&Awaits<'_, T> {
    fn key(self) -> u64 {
        self.0.known()
    }
}

pub trait AwaitsOther {
    fn key(self) -> u64;
}

impl<T: ?Sized> AwaitsOther for &Awaits<'_, T> {
    fn key(self) -> u64 {
        0
    }
}

/// A type that is known.
pub trait Known {
    fn known(&self) -> u64;
}

macro_rules! known {
    ($( for[$($generics:tt)*] $type:ty => |$value:ident| $kind:ident, $detail:expr; )*) => { $(
        impl<$($generics)*> Known for $type {
            fn known(&self) -> u64 {
                let $value = self;
                Key::new(Kind::$kind, $detail).0
            }
        }
    )* };
}

known! {
    for[T] JoinHandle<T> => |handle| Task, id_number(handle.id());
    for[T: ?Sized] sync::Mutex<T> => |lock| Lock, address(lock);
    for[T: ?Sized] sync::RwLock<T> => |lock| Shared, address(lock);
    for[] sync::Semaphore => |semaphore| Semaphore, address(semaphore);
    for[T] mpsc::Receiver<T> => |receiver| Receiver, receiver.sender_strong_count() as u64;
    for[T] mpsc::UnboundedReceiver<T> => |receiver| Receiver, receiver.sender_strong_count() as u64;
    for[T] broadcast::Receiver<T> => |_receiver| Receiver, 0;
    for[T] mpsc::Sender<T> => |sender| Sender, sender.max_capacity() as u64;
    for[T] oneshot::Receiver<T> => |_receiver| Oneshot, 0;
    for[T] watch::Receiver<T> => |_receiver| Watch, 0;
    for[] sync::Notify => |_notify| Notify, 0;
    for[] sync::Barrier => |_barrier| Barrier, 0;
    for[T] JoinSet<T> => |set| Set, set.len() as u64;
    for[T] channels::mpsc::Receiver<T> => |_receiver| Receiver, 0;
    for[T] channels::mpsc::UnboundedReceiver<T> => |_receiver| Receiver, 0;
    for[T] channels::mpsc::Sender<T> => |_sender| Sender, 0;
    for[T] channels::oneshot::Receiver<T> => |_receiver| Oneshot, 0;
}

fn address<T: ?Sized>(value: &T) -> u64 {
    std::ptr::from_ref(value).cast::<()>().addr() as u64
}

macro_rules! through {
    ($($type:ty),*) => { $(
        impl<T: Known + ?Sized> Known for $type {
            fn known(&self) -> u64 {
                (**self).known()
            }
        }
    )* };
}

through! { &T, &mut T, Box<T>, Arc<T>, std::rc::Rc<T>, sync::MutexGuard<'_, T>, sync::OwnedMutexGuard<T> }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_through_what_they_stand_behind() {
        let lock = Arc::new(sync::Mutex::new(1));
        let key = Key((&&Awaits(&lock)).key());
        assert_eq!((key.kind(), key.is_held()), (Kind::Lock, true));
        assert_eq!(key, Key((&&Awaits(&&*lock)).key()));
        // As cells ask it: what no other lookup finds is behind one reference less.
        let of_std = std::sync::Mutex::new(1);
        let asked = &&Awaits(&of_std);
        assert_eq!(asked.key(), 0);
        let (_sender, mut receiver) = mpsc::channel::<i32>(3);
        let key = Key((&&Awaits(&&mut receiver)).key());
        assert_eq!((key.kind(), key.detail(), key.is_held()), (Kind::Receiver, 1, false));
    }

    #[test]
    fn of_some_futures_it_is_known_how_many_wait_for_others() {
        let of_lock = Key::new(Kind::Lock, 0x7f00_1234_5678).0;
        let of_channel = Key::new(Kind::Sender, 1 << 40).0;
        let key = Key(some(4, &[0, of_lock, of_channel, Key::new(Kind::Watch, 0).0]));
        assert_eq!(key.kind(), Kind::Some);
        assert_eq!(key.arms(), (4, 2, Key::new(Kind::Sender, u64::from(u32::MAX))));
        assert_eq!(Key(some(2, &[])), Key(super::super::SOME + 2));
    }
}
