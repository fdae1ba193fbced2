//! The watch over cells that run: one that nothing ends says so, in a line under it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use super::{Scene, Stand, Unit};
use crate::runtime::{self, Notice};
use crate::task;

/// How long nothing may be polled before a cell is told about, unless the environment says so many milliseconds.
const AFTER: Duration = Duration::from_secs(5);
const SETTING: &str = "KISSATEN_WAIT_HINT";
/// How often it is looked.
const OFTEN: Duration = Duration::from_secs(1);

/// Tasks of other cells that have been polled so often beside a wait that is so many times as long are not what it waits for.
const TICKS: u64 = 5;
const TIMES: u64 = 12;

/// Whether cells run.
static RUNNING: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// A cell begins.
pub(crate) fn begins() {
    static START: Once = Once::new();
    START.call_once(|| {
        // Without the thread nothing is told.
        let _ = std::thread::Builder::new().name("waits".into()).spawn(watch);
    });
    let mut running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
    if !*running {
        *running = true;
        RUNNING.1.notify_one();
    }
}

/// What stands under the runs that were told about; `None`: nothing any more.
static TOLD: Mutex<BTreeMap<u64, Option<String>>> = Mutex::new(BTreeMap::new());

/// A cell has ended, and does not run any more.
pub(crate) fn has_ended(run: u64) {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
    if let Some(Some(_)) = told {
        send(run, None, true);
    }
}

/// A cell that waits, and how often tasks had been polled when that was seen first.
#[derive(Default)]
struct Beside {
    since: u64,
    polls: HashMap<u64, u64>,
}

impl Beside {
    /// Looks once more: which tasks of other cells go on without ending the wait.
    fn tickers(&mut self, run: u64, scene: &Scene, after: u64) -> BTreeSet<u64> {
        let Some(own) = scene.all.get(&Unit::Run(run)) else { return BTreeSet::new() };
        if own.since != self.since {
            *self = Self { since: own.since, polls: HashMap::new() };
        }
        let is_long = scene.now.saturating_sub(own.since) >= after.saturating_mul(TIMES);
        let ticks = |(unit, stand): (&Unit, &Stand)| {
            let Unit::Task(id) = *unit else { return None };
            let before = *self.polls.entry(id).or_insert(stand.polls);
            let ticks = stand.run != run && stand.polls.saturating_sub(before) >= TICKS;
            (ticks && is_long).then_some(id)
        };
        scene.all.iter().filter_map(ticks).collect()
    }
}

fn watch() {
    let setting = std::env::var(SETTING).ok().and_then(|setting| setting.parse().ok());
    let after = setting.map_or(AFTER, Duration::from_millis);
    let often = OFTEN.min(after);
    let mut beside = BTreeMap::new();
    let mut running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        running = RUNNING.1.wait_while(running, |running| !*running).unwrap_or_else(PoisonError::into_inner);
        *running = runtime::are_running();
        if !*running {
            continue;
        }
        // Nobody notifies while it is true: this is a pause.
        drop(RUNNING.1.wait_timeout(running, often).unwrap_or_else(PoisonError::into_inner));
        look(after, &mut beside);
        running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
    }
}

/// Tells about those that are stuck, and takes back what is not so any more.
fn look(after: Duration, beside: &mut BTreeMap<u64, Beside>) {
    let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
    // Whoever ends meanwhile waits for this, so that nothing is told of it afterwards.
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = runtime::idle_for(after);
    beside.retain(|run, _| idle.contains(run));
    let mut now = BTreeMap::new();
    if !idle.is_empty() && !task::are_many() {
        let mut scene = Scene::now();
        for run in idle {
            scene.tickers = beside.entry(run).or_default().tickers(run, &scene, after);
            let chain = scene.chain(Unit::Run(run));
            if scene.is_stuck(&chain, after)
                && let Some(text) = scene.stuck(run, &chain)
            {
                now.insert(run, text);
            }
        }
    }
    for (run, text) in told.iter_mut().filter(|(run, text)| text.is_some() && !now.contains_key(run)) {
        send(*run, None, true);
        *text = None;
    }
    for (run, text) in now {
        let before = told.get(&run);
        if before != Some(&Some(text.clone())) {
            send(run, Some(text.clone()), before.is_some());
            told.insert(run, Some(text));
        }
    }
}

fn send(cell: u64, text: Option<String>, update: bool) {
    runtime::send(Notice::Waiting { cell, text, update });
}
