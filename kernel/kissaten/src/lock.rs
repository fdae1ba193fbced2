//! Std's locks in variables of an interrupted cell.
//!
//! A checkpoint unwinds, and to a guard that is dropped by that it looks like a panic: the lock is poisoned. Nothing has
//! panicked, and whoever waits for the variable in the next cell is not to suffer for it.

use crate::runtime;

/// Std's locks, also in an `Arc`.
pub trait Lock {
    fn is_poisoned(&self) -> bool;
    fn clear_poison(&self);
}

macro_rules! locks {
    ($($lock:ident)*) => { $(
        impl<T: ?Sized> Lock for std::sync::$lock<T> {
            fn is_poisoned(&self) -> bool {
                self.is_poisoned()
            }
            fn clear_poison(&self) {
                self.clear_poison();
            }
        }
    )* };
}

locks! { Mutex RwLock }

impl<L: Lock + ?Sized> Lock for std::sync::Arc<L> {
    fn is_poisoned(&self) -> bool {
        (**self).is_poisoned()
    }
    fn clear_poison(&self) {
        (**self).clear_poison();
    }
}

/// Whether a variable that is a lock was poisoned when the cell began.
pub fn is_poisoned<L: Lock + ?Sized>(lock: &L) -> bool {
    lock.is_poisoned()
}

/// Takes the poison off a lock that was not poisoned before, if the cell was interrupted: nothing panicked.
pub fn unpoison<L: Lock + ?Sized>(lock: &L, was_poisoned: bool) {
    if !was_poisoned && runtime::is_interrupted() {
        lock.clear_poison();
    }
}
