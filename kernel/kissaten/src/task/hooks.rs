//! Tokio's hooks: what happens at the spawn, around every poll and at the end of every task of the kernel's runtime.
//!
//! They need `--cfg tokio_unstable`, which is no unstable Rust. They run for every task, so what is not asked for costs
//! nothing here: a record's fields, two looks at the clock for a poll, and no lock.

use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::{Builder, TaskMeta};

use super::record::{self, Birth, Record, now};
use crate::timeline::End;
use crate::wait::Unit;
use crate::{here, hint, trace, wait};

/// Nanoseconds after which a poll is told to hold its worker for too long.
const LONG: u64 = 100_000_000;

/// Puts the hooks into a runtime in the making.
pub(crate) fn install(builder: &mut Builder) {
    builder.on_task_spawn(|meta| spawned(number(meta), meta.spawned_at(), true));
    builder.on_before_task_poll(before_poll);
    builder.on_after_task_poll(after_poll);
    builder.on_task_terminate(terminated);
}

fn number(meta: &TaskMeta<'_>) -> u64 {
    id_number(meta.id())
}

/// Tokio's ids are numbers, which they tell in writing and to whoever hashes them; the second costs nothing.
pub(crate) fn id_number(id: tokio::task::Id) -> u64 {
    struct Number(u64);
    impl Hasher for Number {
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = self.0 << 8 | u64::from(*byte);
            }
        }
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut number = Number(0);
    id.hash(&mut number);
    number.finish()
}

/// A task begins on behalf of whoever spawns it. What no hook tells of has a lane by other means, or none.
pub(super) fn spawned(id: u64, location: &'static Location<'static>, is_hooked: bool) {
    let (run, parent, lane) = here::with(|here| {
        let parent = here.task().map_or(0, |record| record.id.load(Ordering::Relaxed));
        (here.run.get(), parent, here.lane.get())
    });
    let run = if run == 0 { here::current() } else { run };
    let lane = if is_hooked { trace::spawned(run, lane, id, location) } else { 0 };
    trace::take_name(run, lane);
    record::begin(&Birth { id, run, parent, location, lane });
}

fn before_poll(meta: &TaskMeta<'_>) {
    record::with(number(meta), |record| {
        record.polled_since.store(now(), Ordering::Relaxed);
        record.thread.store(wait::thread_number(), Ordering::Relaxed);
        here::with(|here| {
            here.run.set(record.run.load(Ordering::Relaxed));
            here.lane.set(record.lane.load(Ordering::Relaxed));
            here.task.set(std::ptr::from_ref(record));
            here::set_slot(&raw const record.slot);
            here.unit.set(Unit::Task(record.id.load(Ordering::Relaxed)).number());
            here.ended.set(false);
            here.in_place.set(false);
        });
    });
}

fn after_poll(meta: &TaskMeta<'_>) {
    let (record, ended, in_place) = here::with(|here| {
        here.run.set(0);
        here.lane.set(0);
        here::set_slot(std::ptr::null());
        (here.task.replace(std::ptr::null()), here.ended.get(), here.in_place.get())
    });
    // SAFETY: the record is the one of this task, which is only forgotten below.
    let Some(record) = (unsafe { record.as_ref() }) else { return };
    let (since, until) = record.polled();
    let (run, lane) = (record.run.load(Ordering::Relaxed), record.lane.load(Ordering::Relaxed));
    // What told its end has told of this poll with it, as far as it mattered.
    if !record.told.load(Ordering::Relaxed) {
        trace::polled(run, lane, since, until);
        trace::waits(run, lane, || record.slot.noted());
    }
    let length = until - since;
    if length >= LONG && !in_place {
        let name = record.type_name().map(super::function_name);
        hint::long_poll(run, name.as_deref(), meta.spawned_at(), Duration::from_nanos(length));
    }
    if ended {
        tell_end(record, false);
        record::end(number(meta));
    }
}

fn terminated(meta: &TaskMeta<'_>) {
    let id = number(meta);
    // In the midst of its last poll, whose end is still to come.
    let in_poll = here::with(|here| {
        let is_this = here.task().is_some_and(|record| record.id.load(Ordering::Relaxed) == id);
        if is_this {
            here.ended.set(true);
        }
        is_this
    });
    if !in_poll {
        let Some(record) = record::with(id, std::ptr::from_ref) else { return };
        // SAFETY: the record is forgotten by nobody else, and only below.
        tell_end(unsafe { &*record }, true);
        record::end(id);
    }
}

/// Tells the timeline of a task's end, once: its own future is the first to know.
pub(super) fn tell_end(record: &Record, dropped: bool) {
    let lane = record.lane.load(Ordering::Relaxed);
    if lane == 0 || record.told.swap(true, Ordering::Relaxed) {
        return;
    }
    let end = match (record.panicked.load(Ordering::Relaxed), dropped) {
        _ if record.abort.load(Ordering::Relaxed) => End::Aborted,
        (true, _) => End::Panicked,
        (_, true) => End::Aborted,
        _ => End::Finished,
    };
    let at = now();
    let run = record.run.load(Ordering::Relaxed);
    // Whoever awaits the task may draw its timeline before the hook behind this poll has run.
    match record.polled_since.load(Ordering::Relaxed) {
        0 => {}
        since => trace::polled(run, lane, since, at),
    }
    if end == End::Aborted {
        trace::stood(run, lane, record.slot.noted());
    }
    trace::ended(run, lane, at, end, record.work(at));
}
