//! Records of living tasks, by tokio's id of it.
//!
//! Tokio counts ids up, so records lie in chunks of neighbouring ids: the chunk that a thread used last nearly always
//! has the next record too, and is found without a lock. A chunk is given back when none of its tasks lives.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio::task::AbortHandle;

use super::{function_name, place_of};
use crate::wait::Whereabouts;
use crate::{here, hint, interrupt};

/// `std::any::type_name` of a type: one word, which a name is not.
pub(crate) type TypeName = fn() -> &'static str;

/// Ids in a chunk; a power of two.
const CHUNK: u64 = 256;

/// One task. All of it is atomic because any thread may list tasks while others run them.
#[derive(Default)]
pub(crate) struct Record {
    /// Tokio's id; 0: no task lives here.
    pub(super) id: AtomicU64,
    /// The run of the cell that it, or who spawned it, was spawned in.
    pub(super) run: AtomicU64,
    /// The task that spawned it; 0: none did.
    pub(super) parent: AtomicU64,
    /// When, in nanoseconds since the session's start.
    pub(super) spawned: AtomicU64,
    /// The place of the spawn: a `&'static Location`.
    location: AtomicPtr<Location<'static>>,
    /// What tells the name of its future's type, once that has been polled: a `TypeName`.
    name: AtomicPtr<()>,
    /// Its lane in the timeline, as `trace` counts them.
    pub(super) lane: AtomicU32,
    pub(super) polls: AtomicU64,
    /// Nanoseconds in polls that have ended.
    pub(super) busy: AtomicU64,
    /// When the present poll began; 0: it waits.
    pub(super) polled_since: AtomicU64,
    /// When the last poll ended, else when it was spawned.
    pub(super) waits_since: AtomicU64,
    /// The thread that polled it last, as the system counts them.
    pub(super) thread: AtomicU32,
    /// Where it waits.
    pub(super) slot: Whereabouts,
    pub(super) panicked: AtomicBool,
    /// The timeline knows of its end.
    pub(super) told: AtomicBool,
    /// Somebody wants it to end at its next checkpoint.
    pub(super) abort: AtomicBool,
    /// A closure on a thread of its own, not a future.
    pub(super) blocking: AtomicBool,
    pub(super) handle: Mutex<Option<AbortHandle>>,
}

impl Record {
    pub(super) fn location(&self) -> Option<&'static Location<'static>> {
        // SAFETY: only `'static` locations are ever stored.
        unsafe { self.location.load(Ordering::Acquire).as_ref() }
    }

    /// The name of its future's type.
    pub(super) fn type_name(&self) -> Option<&'static str> {
        let name = self.name.load(Ordering::Relaxed);
        // SAFETY: what is stored there is null or a `TypeName`.
        (!name.is_null()).then(|| unsafe { std::mem::transmute::<*mut (), TypeName>(name) }())
    }

    pub(super) fn set_type_name(&self, name: TypeName) {
        self.name.store(name as *mut (), Ordering::Relaxed);
    }

    /// Whether its future's name is known.
    pub(super) fn is_known(&self) -> bool {
        !self.name.load(Ordering::Relaxed).is_null()
    }

    /// The present poll has ended: from when and until when it was.
    pub(super) fn polled(&self) -> (u64, u64) {
        let (since, until) = (self.polled_since.swap(0, Ordering::Relaxed), now());
        self.waits_since.store(until, Ordering::Relaxed);
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.busy.fetch_add(until.saturating_sub(since), Ordering::Relaxed);
        (since, until)
    }

    /// How often it was polled until `at`, and for how many nanoseconds in all.
    pub(crate) fn work(&self, at: u64) -> (u64, u64) {
        let (polls, busy) = (self.polls.load(Ordering::Relaxed), self.busy.load(Ordering::Relaxed));
        match self.polled_since.load(Ordering::Relaxed) {
            0 => (polls, busy),
            since => (polls + 1, busy + at.saturating_sub(since)),
        }
    }

    pub(super) fn handle(&self) -> MutexGuard<'_, Option<AbortHandle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a task is begun with.
pub(super) struct Birth {
    pub(super) id: u64,
    pub(super) run: u64,
    pub(super) parent: u64,
    pub(super) location: &'static Location<'static>,
    pub(super) lane: u32,
}

/// The records of neighbouring ids.
struct RecordChunk {
    /// The first id.
    base: u64,
    records: Box<[Record]>,
    live: AtomicU32,
    /// It is not in the map any more, and nothing may begin in it.
    retired: AtomicBool,
}

/// All chunks in which a task lives, and a few in which none does any more.
struct RecordChunks {
    map: HashMap<u64, Arc<RecordChunk>>,
    /// When the map has grown to this, chunks without tasks are looked for.
    sweep_at: usize,
}

static CHUNKS: Mutex<Option<RecordChunks>> = Mutex::new(None);
/// The first id of the newest chunk.
static NEWEST: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The chunk that this thread used last.
    static LAST: RefCell<Option<Arc<RecordChunk>>> = const { RefCell::new(None) };
}

fn chunks<R>(look: impl FnOnce(&mut RecordChunks) -> R) -> R {
    let mut chunks = CHUNKS.lock().unwrap_or_else(PoisonError::into_inner);
    look(chunks.get_or_insert_with(|| RecordChunks { map: HashMap::new(), sweep_at: 16 }))
}

impl RecordChunks {
    fn get_or_make(&mut self, base: u64) -> Arc<RecordChunk> {
        if let Some(chunk) = self.map.get(&base) {
            return Arc::clone(chunk);
        }
        if self.map.len() >= self.sweep_at {
            self.sweep();
        }
        NEWEST.fetch_max(base, Ordering::Relaxed);
        let records = (0..CHUNK).map(|_| Record::default()).collect();
        let chunk = Arc::new(RecordChunk { base, records, live: AtomicU32::new(0), retired: AtomicBool::new(false) });
        self.map.insert(base, Arc::clone(&chunk));
        chunk
    }

    /// Gives up the chunks in which no task lives.
    fn sweep(&mut self) {
        self.map.retain(|_, chunk| !chunk.try_retire());
        self.sweep_at = (self.map.len() * 2).max(16);
    }

    /// Gives up a chunk, if no task lives in it.
    fn retire(&mut self, chunk: &Arc<RecordChunk>) {
        let is_ours = self.map.get(&chunk.base).is_some_and(|ours| Arc::ptr_eq(ours, chunk));
        if is_ours && chunk.try_retire() {
            self.map.remove(&chunk.base);
            self.sweep_at = self.sweep_at.min((self.map.len() * 2).max(16));
        }
    }
}

impl RecordChunk {
    /// Turns away who would begin a task here, if none lives; called with the map locked.
    fn try_retire(&self) -> bool {
        if self.live.load(Ordering::SeqCst) > 0 {
            return false;
        }
        // Whoever begins a task counts first and looks at this second; here it is the other way round, so one of the
        // two sees the other. Who is turned away then waits for the map.
        self.retired.store(true, Ordering::SeqCst);
        let lives = self.live.load(Ordering::SeqCst) > 0;
        if lives {
            self.retired.store(false, Ordering::SeqCst);
        }
        !lives
    }

    fn record(&self, id: u64) -> &Record {
        &self.records[(id % CHUNK) as usize]
    }

    /// Counts a task in; `false`: another chunk has taken this one's place.
    fn begin(&self) -> bool {
        self.live.fetch_add(1, Ordering::SeqCst);
        let may = !self.retired.load(Ordering::SeqCst);
        if !may {
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
        may
    }
}

/// Looks at the chunk that this thread used last; `None` while the thread ends, when that is gone.
fn last<R>(look: impl FnOnce(&mut Option<Arc<RecordChunk>>) -> R) -> Option<R> {
    LAST.try_with(|last| look(&mut last.borrow_mut())).ok()
}

/// Writes down a task that begins.
pub(super) fn begin(birth: &Birth) {
    let base = birth.id - birth.id % CHUNK;
    last(|last| {
        if !last.as_ref().is_some_and(|chunk| chunk.base == base && chunk.begin()) {
            *last = Some(chunks(|chunks| {
                loop {
                    let chunk = chunks.get_or_make(base);
                    // Nobody sweeps meanwhile, so this is true the first time.
                    if chunk.begin() {
                        break chunk;
                    }
                    chunks.map.remove(&base);
                }
            }));
        }
        if let Some(chunk) = last {
            write(chunk.record(birth.id), birth);
        }
    });
}

fn write(record: &Record, birth: &Birth) {
    record.run.store(birth.run, Ordering::Relaxed);
    record.parent.store(birth.parent, Ordering::Relaxed);
    let now = now();
    record.spawned.store(now, Ordering::Relaxed);
    record.waits_since.store(now, Ordering::Relaxed);
    record.slot.clear();
    record.location.store(std::ptr::from_ref(birth.location).cast_mut(), Ordering::Relaxed);
    record.name.store(std::ptr::null_mut(), Ordering::Relaxed);
    record.lane.store(birth.lane, Ordering::Relaxed);
    record.polls.store(0, Ordering::Relaxed);
    record.busy.store(0, Ordering::Relaxed);
    record.polled_since.store(0, Ordering::Relaxed);
    record.panicked.store(false, Ordering::Relaxed);
    record.abort.store(false, Ordering::Relaxed);
    record.told.store(false, Ordering::Relaxed);
    record.blocking.store(false, Ordering::Relaxed);
    record.id.store(birth.id, Ordering::Release);
}

/// Looks at the record of a task that lives; `None` for tasks that no hook told of.
pub(super) fn with<R>(id: u64, look: impl FnOnce(&Record) -> R) -> Option<R> {
    let base = id - id % CHUNK;
    last(|last| {
        let found = |chunk: &Arc<RecordChunk>| chunk.base == base && chunk.record(id).id.load(Ordering::Acquire) == id;
        if !last.as_ref().is_some_and(found) {
            let chunk = chunks(|chunks| chunks.map.get(&base).cloned())?;
            *last = Some(chunk).filter(found);
        }
        last.as_ref().map(|chunk| look(chunk.record(id)))
    })?
}

/// Forgets a task; its record may be another one's afterwards.
pub(super) fn end(id: u64) {
    let ended = with(id, |record| {
        let mut handle = record.handle();
        record.id.store(0, Ordering::Release);
        if record.abort.swap(false, Ordering::Relaxed) {
            interrupt::release();
        }
        handle.take()
    });
    if ended.is_some() {
        last(|last| {
            let Some(chunk) = last else { return };
            let lives = chunk.live.fetch_sub(1, Ordering::SeqCst) > 1;
            // Of the newest one more will be needed.
            if !lives && chunk.base < NEWEST.load(Ordering::Relaxed) {
                chunks(|chunks| chunks.retire(chunk));
            }
        });
    }
    drop(ended);
}

/// Looks at all tasks that live, in the order of their ids.
pub(super) fn each(mut look: impl FnMut(u64, &Record)) {
    let mut all: Vec<Arc<RecordChunk>> = chunks(|chunks| chunks.map.values().cloned().collect());
    all.sort_unstable_by_key(|chunk| chunk.base);
    for chunk in all {
        for record in &chunk.records {
            match record.id.load(Ordering::Acquire) {
                0 => {}
                id => look(id, record),
            }
        }
    }
}

/// How many live.
pub(super) fn count() -> usize {
    chunks(|chunks| chunks.map.values().map(|chunk| chunk.live.load(Ordering::Relaxed) as usize).sum())
}

/// When the present poll of a task began; `None`: it waits, or lives no more.
pub(crate) fn polled_since(id: u64) -> Option<u64> {
    with(id, |record| record.polled_since.load(Ordering::Relaxed)).filter(|since| *since != 0)
}

/// Whether somebody wants that task to end.
pub(super) fn is_to_abort(id: u64) -> bool {
    with(id, |record| record.abort.load(Ordering::Relaxed)).unwrap_or(false)
}

/// The task that this thread polls has panicked: notes it, and says who that is.
pub(crate) fn panicked() -> Option<String> {
    here::with(|here| {
        let record = here.task()?;
        record.panicked.store(true, Ordering::Relaxed);
        let name = record.type_name().map(function_name);
        Some(hint::task(name.as_deref(), record.location().map(place_of).as_deref()))
    })
}

/// Nanoseconds since the session's start; never 0.
pub(crate) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids far from those of any task that other tests spawn.
    const FAR: u64 = 1 << 40;

    fn birth(id: u64, run: u64) -> Birth {
        Birth { id, run, parent: 0, location: Location::caller(), lane: 0 }
    }

    fn run_of(id: u64) -> Option<u64> {
        with(id, |record| record.run.load(Ordering::Relaxed))
    }

    fn listed(from: u64, to: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        each(|id, _| ids.push(id));
        ids.retain(|id| (from..to).contains(id));
        ids
    }

    #[test]
    fn a_task_is_found_while_it_lives() {
        for id in [FAR, FAR + 1, FAR + CHUNK * 7] {
            begin(&birth(id, id + 5));
        }
        assert_eq!(run_of(FAR + 1), Some(FAR + 6));
        assert_eq!(listed(FAR, FAR + CHUNK * 10), [FAR, FAR + 1, FAR + CHUNK * 7]);
        end(FAR + 1);
        assert_eq!((run_of(FAR + 1), run_of(FAR), run_of(FAR + 2)), (None, Some(FAR + 5), None));
        end(FAR + 1);
        end(FAR);
        end(FAR + CHUNK * 7);
        assert!(listed(FAR, FAR + CHUNK * 10).is_empty());
    }

    #[test]
    fn many_threads_begin_and_end_tasks_and_one_that_stays_is_not_lost() {
        let from = FAR * 2;
        begin(&birth(from, 1));
        let next = AtomicU64::new(from + 1);
        let to = from + CHUNK * 400;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut living = Vec::new();
                    while let id = next.fetch_add(1, Ordering::Relaxed)
                        && id < to
                    {
                        begin(&birth(id, id));
                        living.push(id);
                        // Some live for long, most do not.
                        if living.len() > 40 {
                            let id = living.swap_remove(id as usize % living.len());
                            assert_eq!(run_of(id), Some(id));
                            end(id);
                        }
                    }
                    living.into_iter().for_each(end);
                });
            }
        });
        assert_eq!(listed(from, to), [from]);
        assert_eq!(run_of(from), Some(1));
        end(from);
        // What was made for them is given back when more is needed.
        chunks(RecordChunks::sweep);
        assert!(chunks(|chunks| chunks.map.keys().all(|base| !(from..to).contains(base))));
    }
}
