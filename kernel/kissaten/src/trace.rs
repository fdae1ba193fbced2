//! The recording of one cell's timeline.
//!
//! One run of a cell is traced at a time, until the next traced one begins: also the tasks that outlive the cell are.
//! What is kept is bounded: so many lanes, so many polls of each, and counts of all tasks beyond. A lane is a number
//! that travels with whoever runs in it: 0 is none, small numbers are lanes, and those with [`FOLD`] are counts.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::here;
use crate::task::{Record, TypeName, function_name, now, place_of, polled_since};
use crate::timeline::{End, Fold, Lane, Timeline};

/// Lanes that are told one by one.
const LANES: usize = 2000;
/// Polls of a lane that are told one by one.
const POLLS: usize = 256;
/// Places at which tasks beyond the lanes are counted apart.
const FOLDS: usize = 500;
/// Marks a number as that of a count.
const FOLD: u32 = 1 << 31;

/// The lane of the cell's own future.
const OWN: u32 = 1;

/// When the present poll of the cell's own future began; 0: it waits.
static OWN_SINCE: AtomicU64 = AtomicU64::new(0);
/// The run that is traced; 0: none.
static RUN: AtomicU64 = AtomicU64::new(0);
static TRACE: Mutex<Option<Trace>> = Mutex::new(None);

struct Trace {
    label: String,
    start: u64,
    end: Option<u64>,
    lanes: Vec<Traced>,
    folds: Vec<Folded>,
    /// Where the counts of a place are.
    fold_at: HashMap<usize, u32>,
}

struct Traced {
    parent: u32,
    task: u64,
    name: Option<TypeName>,
    location: Option<&'static Location<'static>>,
    spawned: u64,
    end: Option<(u64, End)>,
    polls: Vec<(u64, u64)>,
    /// Polls that are nearer to one another than this are one.
    resolution: u64,
    count: u64,
    busy: u64,
    /// Since when it runs, if it is a closure.
    begun: Option<u64>,
}

struct Folded {
    parent: u32,
    location: &'static Location<'static>,
    name: Option<TypeName>,
    first: u64,
    last: u64,
    tasks: u64,
    finished: u64,
    panicked: u64,
    aborted: u64,
    polls: u64,
    busy: u64,
    /// The sums of the moments at which they began, and at which they ended.
    begun: u128,
    ended: u128,
    /// How many lived from when on, told apart no finer than the resolution.
    living: Vec<(u64, u64)>,
    resolution: u64,
}

fn trace() -> MutexGuard<'static, Option<Trace>> {
    TRACE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with the trace, if it is that of this run.
fn of<R>(run: u64, change: impl FnOnce(&mut Trace) -> R) -> Option<R> {
    if !is_on(run) {
        return None;
    }
    let mut trace = trace();
    // It may have been replaced meanwhile.
    if is_on(run) { trace.as_mut().map(change) } else { None }
}

/// Whether this run is traced.
pub(crate) fn is_on(run: u64) -> bool {
    run != 0 && RUN.load(Ordering::Relaxed) == run
}

/// From now on this run is traced, and none before.
pub(crate) fn begin(run: u64, label: &str) {
    let mut trace = trace();
    let start = now();
    let own = Traced::new(0, 0, None, start);
    *trace = Some(Trace {
        label: label.to_owned(),
        start,
        end: None,
        lanes: vec![own],
        folds: Vec::new(),
        fold_at: HashMap::new(),
    });
    RUN.store(run, Ordering::Relaxed);
}

/// The cell's own future is polled, until this is dropped.
pub(crate) fn own_poll(run: u64) -> OwnPoll {
    let lane = if is_on(run) { OWN } else { 0 };
    OWN_SINCE.store(now(), Ordering::Relaxed);
    OwnPoll { run, lane, since: OWN_SINCE.load(Ordering::Relaxed), _entered: here::enter(run, lane) }
}

/// A poll of the cell's own future.
pub(crate) struct OwnPoll {
    run: u64,
    lane: u32,
    since: u64,
    _entered: here::Entered,
}

impl Drop for OwnPoll {
    fn drop(&mut self) {
        OWN_SINCE.store(0, Ordering::Relaxed);
        polled(self.run, self.lane, self.since, now());
    }
}

/// The cell itself has ended; its tasks may go on.
pub(crate) fn finish(run: u64, end: End) {
    of(run, |trace| {
        let at = now();
        trace.end = Some(at);
        trace.lanes[0].end = Some((at, end));
    });
}

/// Something begins: a task, a branch, a closure. Returns its lane.
pub(crate) fn spawned(run: u64, parent: u32, task: u64, location: &'static Location<'static>) -> u32 {
    let begin = |trace: &mut Trace| {
        let number = u32::try_from(trace.lanes.len()).unwrap_or(u32::MAX);
        if trace.lanes.len() < LANES {
            trace.lanes.push(Traced::new(parent, task, Some(location), now()));
            return number + 1;
        }
        trace.fold(parent, location)
    };
    of(run, begin).unwrap_or(0)
}

/// What something in a lane is called.
pub(crate) fn named(run: u64, lane: u32, name: TypeName) {
    if lane != 0 {
        of(run, |trace| match trace.lane(lane) {
            Some(traced) => traced.name = Some(name),
            None => trace.folds[(lane & !FOLD) as usize].name = Some(name),
        });
    }
}

/// A closure begins to run, which will be told as one poll when it has ended.
pub(crate) fn begun(run: u64, lane: u32, since: u64) {
    if lane != 0 {
        of(run, |trace| {
            if let Some(traced) = trace.lane(lane) {
                traced.begun = Some(since);
            }
        });
    }
}

/// Somebody was polled.
pub(crate) fn polled(run: u64, lane: u32, since: u64, until: u64) {
    // Tasks that are only counted have their own count of it.
    if lane != 0 && lane & FOLD == 0 {
        of(run, |trace| {
            if let Some(traced) = trace.lane(lane) {
                traced.polled(since, until);
            }
        });
    }
}

/// A task has ended.
pub(crate) fn ended(run: u64, lane: u32, at: u64, end: End, record: &Record) {
    if lane & FOLD == 0 {
        return left(run, lane, at, end);
    }
    of(run, |trace| {
        let fold = &mut trace.folds[(lane & !FOLD) as usize];
        let (polls, busy) = record.work();
        fold.polls += polls;
        fold.busy += busy;
        fold.end(at, end);
    });
}

/// Something else has ended.
pub(crate) fn left(run: u64, lane: u32, at: u64, end: End) {
    if lane != 0 {
        of(run, |trace| match trace.lane(lane) {
            Some(traced) => traced.end = Some((at, end)),
            None => trace.folds[(lane & !FOLD) as usize].end(at, end),
        });
    }
}

/// The timeline of the cell that ran last with `%%timeline`, as it is now; empty if none has.
pub fn timeline() -> Timeline {
    trace().as_ref().map(Trace::timeline).unwrap_or_default()
}

impl Trace {
    /// `None` for a count.
    fn lane(&mut self, lane: u32) -> Option<&mut Traced> {
        if lane & FOLD == 0 { self.lanes.get_mut(lane as usize - 1) } else { None }
    }

    /// Counts one more at its place.
    fn fold(&mut self, parent: u32, location: &'static Location<'static>) -> u32 {
        let key = std::ptr::from_ref(location).addr();
        let at = match self.fold_at.get(&key) {
            Some(at) => *at,
            None => {
                // The last count takes all places beyond.
                let at = u32::try_from(self.folds.len().min(FOLDS - 1)).unwrap_or(0);
                if self.folds.len() < FOLDS {
                    let first = now();
                    self.folds.push(Folded::new(parent, location, first));
                    self.fold_at.insert(key, at);
                }
                at
            }
        };
        self.folds[at as usize].begin(now());
        FOLD | at
    }

    fn timeline(&self) -> Timeline {
        let now = now();
        let since_start = |moment: u64| Duration::from_nanos(moment.saturating_sub(self.start));
        let lane = |(index, traced): (usize, &Traced)| {
            let mut polls: Vec<_> = traced.polls.iter().map(|(a, b)| (since_start(*a), since_start(*b))).collect();
            let (mut count, mut busy) = (traced.count, traced.busy);
            // What is polled at this moment has not been written down yet.
            if let Some(since) = traced.polled_since() {
                polls.push((since_start(since), since_start(now)));
                count += 1;
                busy += now.saturating_sub(since);
            }
            Lane {
                parent: index_of(traced.parent),
                task: Some(traced.task).filter(|task| *task != 0),
                name: match traced.name {
                    _ if index == 0 => self.label.clone(),
                    Some(name) => function_name(name()),
                    None => "task".to_owned(),
                },
                place: traced.location.map(place_of),
                spawned: since_start(traced.spawned),
                end: traced.end.map(|(at, end)| (since_start(at), end)),
                polls,
                poll_count: count,
                busy: Duration::from_nanos(busy),
            }
        };
        let fold = |fold: &Folded| Fold {
            name: fold.name.map_or_else(|| "task".to_owned(), |name| function_name(name())),
            place: Some(place_of(fold.location)),
            parent: index_of(fold.parent),
            tasks: fold.tasks,
            finished: fold.finished,
            panicked: fold.panicked,
            aborted: fold.aborted,
            first: since_start(fold.first),
            last: (fold.alive() == 0).then(|| since_start(fold.last)),
            living: fold.living.iter().map(|(from, living)| (since_start(*from), *living)).collect(),
            lived: fold.lived(now),
            poll_count: fold.polls,
            busy: Duration::from_nanos(fold.busy),
        };
        Timeline {
            label: self.label.clone(),
            elapsed: since_start(self.end.unwrap_or(now)),
            running: self.end.is_none(),
            lanes: self.lanes.iter().enumerate().map(lane).collect(),
            folded: self.folds.iter().map(fold).collect(),
        }
    }
}

fn index_of(lane: u32) -> Option<usize> {
    if lane & FOLD == 0 { (lane as usize).checked_sub(1) } else { Some(0) }
}

impl Traced {
    fn new(parent: u32, task: u64, location: Option<&'static Location<'static>>, spawned: u64) -> Self {
        let polls = Vec::new();
        Self {
            parent,
            task,
            name: None,
            location,
            spawned,
            end: None,
            polls,
            resolution: 0,
            count: 0,
            busy: 0,
            begun: None,
        }
    }

    fn polled(&mut self, since: u64, until: u64) {
        self.count += 1;
        self.busy += until.saturating_sub(since);
        match self.polls.last_mut() {
            Some(last) if since.saturating_sub(last.1) < self.resolution => last.1 = until,
            _ => self.polls.push((since, until)),
        }
        while self.polls.len() >= POLLS {
            self.resolution = (self.resolution * 2).max(1000);
            let resolution = self.resolution;
            self.polls.dedup_by(|next, last| {
                let near = next.0.saturating_sub(last.1) < resolution;
                if near {
                    last.1 = next.1;
                }
                near
            });
        }
    }

    fn polled_since(&self) -> Option<u64> {
        match (self.end, self.location) {
            (Some(_), _) => None,
            (None, None) => Some(OWN_SINCE.load(Ordering::Relaxed)).filter(|since| *since != 0),
            (None, Some(_)) if self.task == 0 => self.begun,
            (None, Some(_)) => polled_since(self.task),
        }
    }
}

impl Folded {
    fn new(parent: u32, location: &'static Location<'static>, first: u64) -> Self {
        Self {
            parent,
            location,
            name: None,
            first,
            last: first,
            tasks: 0,
            finished: 0,
            panicked: 0,
            aborted: 0,
            polls: 0,
            busy: 0,
            begun: 0,
            ended: 0,
            living: Vec::new(),
            resolution: 0,
        }
    }

    fn alive(&self) -> u64 {
        self.tasks - self.finished - self.panicked - self.aborted
    }

    fn begin(&mut self, at: u64) {
        self.tasks += 1;
        self.begun += u128::from(at);
        self.count(at);
    }

    fn end(&mut self, at: u64, end: End) {
        match end {
            End::Finished => self.finished += 1,
            End::Panicked => self.panicked += 1,
            End::Aborted => self.aborted += 1,
        }
        self.last = self.last.max(at);
        self.ended += u128::from(at);
        self.count(at);
    }

    /// Writes down how many live now.
    fn count(&mut self, at: u64) {
        let alive = self.alive();
        match self.living.last_mut() {
            Some(last) if at.saturating_sub(last.0) < self.resolution => last.1 = alive,
            _ => self.living.push((at, alive)),
        }
        while self.living.len() >= POLLS {
            self.resolution = (self.resolution * 2).max(1000);
            let resolution = self.resolution;
            self.living.dedup_by(|next, last| {
                let near = next.0.saturating_sub(last.0) < resolution;
                if near {
                    last.1 = next.1;
                }
                near
            });
        }
    }

    /// The sum of their lives, to their ends or to now.
    fn lived(&self, now: u64) -> Duration {
        let sum = (self.ended + u128::from(now) * u128::from(self.alive())).saturating_sub(self.begun);
        Duration::from_nanos(u64::try_from(sum).unwrap_or(u64::MAX))
    }
}
