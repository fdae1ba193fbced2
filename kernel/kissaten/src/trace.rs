//! The recording of one cell's timeline.
//!
//! One run of a cell is traced at a time, until the next traced one begins: also the tasks that outlive the cell are.
//! What is kept is bounded: so many lanes, so many polls of each, and counts of all tasks beyond. A lane is a number
//! that travels with whoever runs in it: 0 is none, small numbers are lanes, and those with [`FOLD`] are counts.

mod fold;
mod lane;
mod made;

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::here::{self, Entered};
use crate::task::{TypeName, function_name, now};
use crate::timeline::{End, Timeline};
use crate::wait::{Noted, waited_for_processors};
use fold::Folded;
use lane::Traced;
pub use made::made;

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
    /// For how long the process's threads had waited for a processor by then, in nanoseconds.
    delayed: u64,
    /// They waited so long that it shows.
    crowded: bool,
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
        delayed: waited_for_processors(),
        crowded: false,
    });
    RUN.store(run, Ordering::Relaxed);
}

/// The cell's own future is polled, until this is dropped.
pub(crate) fn own_poll(run: u64) -> Polling {
    seen_poll(run, if is_on(run) { OWN } else { 0 })
}

/// Something in a lane of that run is polled, and a picture that is drawn meanwhile shows it.
pub(crate) fn seen_poll(run: u64, lane: u32) -> Polling {
    let polling = Polling::new(run, lane, here::enter(run, lane));
    if lane != 0 {
        of(run, |trace| {
            if let Some(traced) = trace.lane(lane) {
                traced.polled_since = Some(polling.since);
            }
        });
    }
    polling
}

/// A poll, or the run of a closure, until it is dropped.
pub(crate) struct Polling {
    run: u64,
    lane: u32,
    since: u64,
    _entered: Entered,
}

impl Polling {
    /// One in a lane of that run, by code that belongs to whom `entered` says.
    pub(crate) fn new(run: u64, lane: u32, entered: Entered) -> Self {
        Self { run, lane, since: now(), _entered: entered }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        polled(self.run, self.lane, self.since, now());
    }
}

/// The cell itself has ended; its tasks may go on.
pub(crate) fn finish(run: u64, end: End) {
    of(run, |trace| {
        let at = now();
        trace.end = Some(at);
        trace.lanes[0].end = Some((at, end));
        trace.crowded = trace.is_crowded(at);
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

/// A future begins that is polled as a part of another one. Returns its lane.
pub(crate) fn branched(run: u64, parent: u32, location: &'static Location<'static>) -> u32 {
    let lane = spawned(run, parent, 0, location);
    change_lane(run, lane, |traced| traced.is_branch = true);
    lane
}

/// Something in a lane waits, as noted there: if that is for what others have, lives do not add up.
pub(crate) fn waits(run: u64, lane: u32, noted: impl FnOnce() -> Option<Noted>) {
    if lane > OWN && is_on(run) && noted().is_some_and(|noted| noted.key.is_shared()) {
        change_lane(run, lane, |traced| traced.shares = true);
    }
}

/// Where something stood that is cut off.
pub(crate) fn stood(run: u64, lane: u32, noted: Option<Noted>) {
    change_lane(run, lane, |traced| traced.stood = noted);
}

/// What something in a lane is called, with what it was given.
fn called(run: u64, lane: u32, name: String) {
    change_lane(run, lane, |traced| traced.called = Some(name));
}

fn change_lane(run: u64, lane: u32, change: impl FnOnce(&mut Traced)) {
    if lane != 0 {
        of(run, |trace| trace.lane(lane).map(change));
    }
}

/// What something in a lane is called.
pub(crate) fn named(run: u64, lane: u32, name: TypeName) {
    if lane != 0 {
        of(run, |trace| match trace.lane(lane) {
            Some(traced) => traced.name = Some(name),
            None => trace.count(lane).name = Some(name),
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

/// A task has ended; `work`: how often it was polled, and for how many nanoseconds.
pub(crate) fn ended(run: u64, lane: u32, at: u64, end: End, work: (u64, u64)) {
    if lane & FOLD == 0 {
        return left(run, lane, at, end);
    }
    of(run, |trace| {
        let fold = trace.count(lane);
        fold.add_work(work);
        fold.end(at, end);
    });
}

/// Something else has ended.
pub(crate) fn left(run: u64, lane: u32, at: u64, end: End) {
    if lane != 0 {
        of(run, |trace| match trace.lane(lane) {
            Some(traced) => traced.end = Some((at, end)),
            None => trace.count(lane).end(at, end),
        });
    }
}

thread_local! {
    /// What the next future of this thread is called that begins.
    static NEXT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Longer arguments are not told.
const LONGEST_ARGUMENT: usize = 24;

/// The next future that begins here is called so, with what it is given: `brew("mocha")`. What is long or unknown of that is `…`; where
/// nothing is known the function's name is enough. Returns 0.
pub fn names(function: &str, arguments: &[Option<String>]) -> u64 {
    let is_short = |text: &&String| text.chars().count() <= LONGEST_ARGUMENT && !text.contains('\n');
    let mut texts: Vec<Option<&str>> =
        arguments.iter().map(|text| text.as_ref().filter(is_short).map(String::as_str)).collect();
    // One `…` stands for all at the end.
    let told = texts.iter().rposition(Option::is_some);
    texts.truncate(told.map_or(0, |last| last + 2));
    let texts: Vec<&str> = texts.into_iter().map(|text| text.unwrap_or("…")).collect();
    let name = told.map(|_| format!("{function}({})", texts.join(", ")));
    let _ = NEXT.try_with(|next| *next.borrow_mut() = name);
    0
}

/// A future behind its name, which is nobody else's.
pub fn behind<F>(_names: u64, future: F) -> F {
    forget_name();
    future
}

fn forget_name() {
    let _ = NEXT.try_with(|next| *next.borrow_mut() = None);
}

/// Whoever begins in that lane has the name that was told.
pub(crate) fn take_name(run: u64, lane: u32) {
    if is_on(run)
        && let Ok(Some(name)) = NEXT.try_with(|next| next.borrow_mut().take())
    {
        called(run, lane, name);
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

    /// The count that such a lane stands for.
    fn count(&mut self, lane: u32) -> &mut Folded {
        &mut self.folds[(lane & !FOLD) as usize]
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

    /// Whether threads waited for processors, or tasks for threads, for a good part of the time.
    fn is_crowded(&self, at: u64) -> bool {
        let elapsed = at.saturating_sub(self.start);
        let delayed = waited_for_processors().saturating_sub(self.delayed);
        let busy: u64 = self.lanes.iter().filter(|lane| lane.task != 0).map(|lane| lane.busy).sum();
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        delayed > elapsed / 10 || busy > elapsed / 2 * threads || self.lanes[0].busy > elapsed / 2
    }

    fn timeline(&self) -> Timeline {
        let clock = Clock { start: self.start, now: now() };
        let crowded = if self.end.is_some() { self.crowded } else { self.is_crowded(clock.now) };
        let mut lanes: Vec<_> = self.lanes.iter().map(|traced| traced.told(&clock)).collect();
        if let Some(own) = lanes.first_mut() {
            own.name.clone_from(&self.label);
        }
        Timeline {
            label: self.label.clone(),
            elapsed: clock.since_start(self.end.unwrap_or(clock.now)),
            running: self.end.is_none(),
            lanes,
            folded: self.folds.iter().map(|fold| fold.told(&clock)).collect(),
            contended: crowded || self.lanes.iter().any(|lane| lane.shares),
        }
    }
}

/// Makes durations of moments.
struct Clock {
    start: u64,
    now: u64,
}

impl Clock {
    fn since_start(&self, moment: u64) -> Duration {
        Duration::from_nanos(moment.saturating_sub(self.start))
    }
}

/// Stretches of time that are nearer to one another than `resolution` become one.
fn join<T>(all: &mut Vec<(u64, T)>, resolution: u64, end: impl Fn(&(u64, T)) -> u64, join: impl Fn(&mut T, &T)) {
    all.dedup_by(|next, last| {
        let is_near = next.0.saturating_sub(end(last)) < resolution;
        if is_near {
            join(&mut last.1, &next.1);
        }
        is_near
    });
}

/// What something in a lane is called, as far as that is known.
fn shown_name(name: Option<TypeName>) -> String {
    name.map_or_else(|| "task".to_owned(), |name| function_name(name()))
}

fn index_of(lane: u32) -> Option<usize> {
    if lane & FOLD == 0 { (lane as usize).checked_sub(1) } else { Some(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_is_short_and_known() {
        let check = |arguments: &[&str], expected: Option<&str>| {
            let arguments: Vec<_> = arguments.iter().map(|text| (*text != "-").then(|| (*text).to_owned())).collect();
            names("f", &arguments);
            assert_eq!(NEXT.with_borrow_mut(Option::take).as_deref(), expected);
        };
        check(&["1", "\"a\""], Some("f(1, \"a\")"));
        check(&["1", "-", "-"], Some("f(1, …)"));
        check(&["-", "-", "3"], Some("f(…, …, 3)"));
        check(&["a\nb", "1", "a name of more than twenty-four letters"], Some("f(…, 1, …)"));
        check(&["-"], None);
        check(&[], None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_nothing_is_miscounted() {
        let (run, here) = (u64::MAX, Location::caller());
        begin(run, "cell 9");
        assert_eq!(spawned(run - 1, OWN, 0, here), 0, "another run is not traced");
        let lanes: Vec<u32> = (0..LANES + 1000).map(|_| spawned(run, OWN, 0, here)).collect();
        let (first, last) = (lanes[0], lanes[LANES + 999]);
        let start = now();
        for number in 0..10_000 {
            polled(run, first, start + number * 5000, start + number * 5000 + 1000);
        }
        for (number, lane) in lanes.iter().enumerate() {
            left(run, *lane, start + 50_000_000, if number % 2 == 0 { End::Finished } else { End::Aborted });
        }
        named(run, last, || "notebook::fetch::{{closure}}");
        finish(run, End::Finished);

        let told = timeline();
        assert_eq!((told.label.as_str(), told.lanes.len(), told.running), ("cell 9", LANES, false));
        let lane = &told.lanes[1];
        assert_eq!((lane.parent, lane.poll_count, lane.busy), (Some(0), 10_000, Duration::from_millis(10)));
        assert!(lane.polls.len() < POLLS && lane.polls.is_sorted());
        assert_eq!(lane.end.map(|(_, end)| end), Some(End::Finished));
        let [fold] = told.folded.as_slice() else { panic!("{:?}", told.folded) };
        // One lane is the cell's own.
        assert_eq!((fold.tasks, fold.finished + fold.aborted, fold.name.as_str()), (1001, 1001, "fetch"));
        assert!(fold.living.len() < POLLS && fold.last.is_some());
        assert_eq!(fold.living.last().map(|(_, living)| *living), Some(0));
    }
}
