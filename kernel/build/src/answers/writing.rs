//! Which answers are being written, by threads that nobody waits for: whoever counts, reads or throws away waits until they
//! are. What is written is not known here.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::AnswerKey;

/// The keys of the answers that are being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Writing(Arc<(Mutex<BTreeSet<AnswerKey>>, Condvar)>);

impl Writing {
    /// Says that an answer is being written, until what is returned is dropped.
    pub(super) fn begin(&self, key: AnswerKey) -> IsWritten {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        IsWritten { writing: self.clone(), key }
    }

    /// Waits until this one is written.
    pub(super) fn wait_for(&self, key: AnswerKey) {
        self.wait_while(|keys| keys.contains(&key));
    }

    /// Waits until all are.
    pub(super) fn wait(&self) {
        self.wait_while(|keys| !keys.is_empty());
    }

    fn wait_while(&self, condition: impl Fn(&BTreeSet<AnswerKey>) -> bool) {
        let (keys, changed) = &*self.0;
        let keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(keys, |keys| condition(keys)).unwrap_or_else(PoisonError::into_inner));
    }
}

/// The guard of an answer that is being written: dropped, it is, or was given up.
pub(super) struct IsWritten {
    writing: Writing,
    key: AnswerKey,
}

impl Drop for IsWritten {
    fn drop(&mut self) {
        let (keys, changed) = &*self.writing.0;
        keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        changed.notify_all();
    }
}
