//! Tasks of which no hook tells: closures of `spawn_blocking`, tasks of a `LocalSet`, tasks on a runtime of the user's
//! own. The instrumentation sees them begin and end; what it did not spawn is not known.

use std::panic::Location;
use std::sync::atomic::Ordering;

use tokio::task::AbortHandle;

use super::hooks::{id_number, spawned};
use super::record::{self, Record, TypeName, now};
use crate::here::{self, Entered, Standing};
use crate::wait::Unit;

/// The spawn of one has returned.
pub(super) fn begins(id: u64, location: &'static Location<'static>, handle: AbortHandle) {
    spawned(id, location, false);
    record::with(id, |record| *record.handle() = Some(handle.clone()));
    // If it has ended meanwhile, nobody will tell that again.
    if handle.is_finished() {
        record::end(id);
    }
}

/// A closure of `spawn_blocking` begins to run; its spawn may not have returned yet.
pub(super) fn closure_begins(id: u64, run: u64, location: &'static Location<'static>) {
    if record::with(id, |_| ()).is_none() {
        let _entered = here::enter(run, 0);
        spawned(id, location, false);
    }
    record::with(id, |record| record.blocking.store(true, Ordering::Relaxed));
}

/// The future of such a task is polled, until what is returned is dropped.
pub(super) fn poll(run: u64, name: TypeName) -> UnhookedPolling {
    let id = tokio::task::try_id().map_or(0, id_number);
    record::with(id, |record| {
        record.set_type_name(name);
        record.polled_since.store(now(), Ordering::Relaxed);
    });
    let slot = record::with(id, |record| &raw const record.slot);
    // SAFETY: its record is there while it is polled, as it lives.
    let _standing = slot.map(|slot| unsafe { here::stand(slot, Unit::Task(id).number()) });
    UnhookedPolling { id, _standing, _entered: here::enter(run, here::with(|here| here.lane.get())) }
}

/// The future of such a task is dropped.
pub(super) fn ends() {
    if let Some(id) = tokio::task::try_id() {
        record::end(id_number(id));
    }
}

/// A poll of such a task.
pub(super) struct UnhookedPolling {
    id: u64,
    _standing: Option<Standing>,
    _entered: Entered,
}

impl Drop for UnhookedPolling {
    fn drop(&mut self) {
        record::with(self.id, Record::polled);
    }
}
