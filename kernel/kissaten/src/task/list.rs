//! The living tasks, as users see them.

use std::ops::Deref;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::hooks::id_number;
use super::name::function_name;
use super::record::{self, Record, now};
use crate::display::table::{CellRow, TaskRow, tasks_table};
use crate::display::text::escape;
use crate::display::{Display, MimeBundle};
use crate::wait::{Scene, Stand, Unit, Wait};
use crate::{interrupt, label};

/// A task that lives, as it was when [`tasks`] was called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Tokio's id, as `tokio::task::id()` and `JoinHandle::id` have it.
    pub id: u64,
    /// The function whose future it is, or `async block`; of a task that a dependency spawned: `task`.
    pub name: String,
    /// The cell that it belongs to: the one that spawned it, or one of its ancestors: `cell 3`.
    pub cell: String,
    /// Where it was spawned: `cell 3, line 2`.
    pub place: String,
    /// The task that spawned it; `None`: a cell did.
    pub parent: Option<u64>,
    /// The time since its spawn.
    pub age: Duration,
    pub state: TaskState,
    /// How often its future was polled.
    pub polls: u64,
    /// For how long, in all.
    pub busy: Duration,
    /// Where it waits, and for whom; `None`: it is polled, or its code is no cell's.
    pub wait: Option<Wait>,
}

/// What a task does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It is polled; of a closure on a thread of its own: it has not ended.
    Running,
    /// It waits to be woken, or for its turn.
    Waiting,
}

impl Task {
    /// Aborts it: it ends at its next `.await`, or at its next checkpoint in code of cells. Whether it lived, and could
    /// be aborted: what a dependency spawned can not.
    pub fn abort(&self) -> bool {
        abort(self.id).is_ok()
    }
}

/// All living tasks, in the order of their spawns. Shows as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    tasks: Vec<Task>,
    /// The cells that run as well, for the table.
    cells: Vec<RunningCell>,
}

/// A cell that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RunningCell {
    label: String,
    is_polled: bool,
    since: Duration,
    wait: Option<Wait>,
}

/// The tasks that live now on the kernel's runtime: those of cells and those of their dependencies.
pub fn tasks() -> Tasks {
    // Of very many nobody reads where each waits.
    let scene = (!are_many()).then(Scene::now);
    let mut all = Vec::new();
    let now = now();
    let mut ended = Vec::new();
    record::each(|id, record| {
        // Of what no hook tells, an end may have been missed.
        if record.handle().as_ref().is_some_and(AbortHandle::is_finished) {
            ended.push(id);
        } else {
            let wait = scene.as_ref().and_then(|scene| scene.wait(Unit::Task(id)));
            all.push(Task { wait, ..describe(id, record, now) });
        }
    });
    ended.into_iter().for_each(record::end);
    Tasks { tasks: all, cells: Vec::new() }
}

/// As [`tasks`], with the cells that run, for who asks from outside of them.
pub(crate) fn tasks_and_cells() -> Tasks {
    let scene = Scene::now();
    let cells = scene.all.iter().filter_map(|(unit, stand)| match unit {
        Unit::Run(run) => Some(RunningCell {
            label: label::of(*run),
            is_polled: stand.is_polled,
            since: Duration::from_nanos(scene.now.saturating_sub(stand.since)),
            wait: scene.wait(*unit),
        }),
        _ => None,
    });
    Tasks { cells: cells.collect(), ..tasks() }
}

/// More tasks than this are not looked at every second.
const MANY: usize = 20_000;

/// Whether there are so many tasks that to look at each takes its time.
pub(crate) fn are_many() -> bool {
    record::count() > MANY
}

/// Looks at where all tasks stand.
pub(crate) fn each_stand(mut look: impl FnMut(u64, Stand)) {
    record::each(|id, record| {
        let name = record.type_name().map_or_else(|| "task".to_owned(), function_name);
        let mut stand = Stand::new(record.run.load(Ordering::Relaxed), name, &record.slot);
        let polled_since = record.polled_since.load(Ordering::Relaxed);
        stand.is_closure = record.blocking.load(Ordering::Relaxed);
        stand.is_polled = stand.is_closure || polled_since != 0;
        stand.since = if polled_since == 0 { record.waits_since.load(Ordering::Relaxed) } else { polled_since };
        stand.thread = record.thread.load(Ordering::Relaxed);
        stand.polls = record.polls.load(Ordering::Relaxed);
        look(id, stand);
    });
}

fn describe(id: u64, record: &Record, now: u64) -> Task {
    let since = |moment: u64| Duration::from_nanos(now.saturating_sub(moment));
    let blocking = record.blocking.load(Ordering::Relaxed);
    let polled_since = record.polled_since.load(Ordering::Relaxed);
    let busy = Duration::from_nanos(record.busy.load(Ordering::Relaxed));
    let age = since(record.spawned.load(Ordering::Relaxed));
    let name = record.type_name().map(function_name);
    Task {
        id,
        name: name.unwrap_or_else(|| if blocking { "blocking closure" } else { "task" }.to_owned()),
        cell: label::of(record.run.load(Ordering::Relaxed)),
        place: record.location().map(place_of).unwrap_or_default(),
        parent: Some(record.parent.load(Ordering::Relaxed)).filter(|parent| *parent != 0),
        age,
        state: if blocking || polled_since != 0 { TaskState::Running } else { TaskState::Waiting },
        polls: record.polls.load(Ordering::Relaxed),
        busy: match (blocking, polled_since) {
            (true, _) => age,
            (false, 0) => busy,
            (false, since_then) => busy + since(since_then),
        },
        wait: None,
    }
}

/// A place for people: `cell 3, line 2`; of a dependency: `hyper-1.0.0/src/server.rs:12`.
pub(crate) fn place_of(location: &Location<'_>) -> String {
    label::place(&crate::panic::short(location.file()), location.line())
}

impl Tasks {
    /// The same without the cell of that run.
    pub(crate) fn without(mut self, run: u64) -> Self {
        let label = label::of(run);
        self.cells.retain(|cell| cell.label != label);
        self
    }

    /// Who is there, whether it is polled, and at which place it waits.
    pub(crate) fn places(&self) -> Vec<(String, bool, Option<String>)> {
        let place = |wait: &Option<Wait>| wait.as_ref().map(|wait| wait.place.clone());
        let cells = self.cells.iter().map(|cell| (cell.label.clone(), cell.is_polled, place(&cell.wait)));
        let of_task = |task: &Task| (task.id.to_string(), task.state == TaskState::Running, place(&task.wait));
        cells.chain(self.tasks.iter().map(of_task)).collect()
    }

    /// The cells that run: what they are called, whether they are polled now, and where they wait.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, bool, String)> {
        let wait = |cell: &RunningCell| cell.wait.as_ref().map(|wait| escape(&wait.shown())).unwrap_or_default();
        self.cells.iter().map(move |cell| (cell.label.as_str(), cell.is_polled, wait(cell)))
    }
}

impl Deref for Tasks {
    type Target = [Task];

    fn deref(&self) -> &[Task] {
        &self.tasks
    }
}

impl IntoIterator for Tasks {
    type Item = Task;
    type IntoIter = std::vec::IntoIter<Task>;

    fn into_iter(self) -> Self::IntoIter {
        self.tasks.into_iter()
    }
}

impl Display for Tasks {
    fn mime_bundle(&self) -> MimeBundle {
        let row = |task: &Task| TaskRow {
            id: task.id,
            name: task.name.clone(),
            place: task.place.clone(),
            parent: task.parent,
            age: task.age,
            running: task.state == TaskState::Running,
            polls: task.polls,
            busy: task.busy,
            wait: task.wait.as_ref().map(Wait::shown).unwrap_or_default(),
        };
        let rows: Vec<TaskRow> = self.tasks.iter().map(row).collect();
        let cell = |cell: &RunningCell| CellRow {
            label: cell.label.clone(),
            running: cell.is_polled,
            since: cell.since,
            wait: cell.wait.as_ref().map(Wait::shown).unwrap_or_default(),
        };
        tasks_table(&self.cells.iter().map(cell).collect::<Vec<_>>(), &rows)
    }
}

/// Aborts a task. The error is a sentence.
pub(crate) fn abort(id: u64) -> Result<(), String> {
    let found = record::with(id, |record| {
        let handle = record.handle();
        // It may have ended since it was found; it cannot while the handle is held.
        (record.id.load(Ordering::Acquire) == id).then(|| match &*handle {
            Some(handle) => {
                want_end(record);
                Ok(handle.clone())
            }
            None => Err(record.location().map(place_of).unwrap_or_default()),
        })
    });
    match found.flatten() {
        Some(Ok(handle)) => {
            handle.abort();
            Ok(())
        }
        Some(Err(place)) => Err(format!(
            "the task {id} was spawned by code that no cell wrote ({place}), so there is no handle to abort it by"
        )),
        None => Err(format!("there is no task {id} any more; `:tasks` lists those that live")),
    }
}

/// Aborts the tasks of a cell, or all. How many there were, and how many of them cannot be aborted.
pub(crate) fn abort_all(runs: Option<&[u64]>) -> (usize, usize) {
    let mut ids = Vec::new();
    record::each(|id, record| {
        if runs.is_none_or(|runs| runs.contains(&record.run.load(Ordering::Relaxed))) {
            ids.push(id);
        }
    });
    let refused = ids.iter().filter(|id| abort(**id).is_err()).count();
    (ids.len() - refused, refused)
}

/// The next checkpoint in the task ends it, if no `.await` does before.
fn want_end(record: &Record) {
    if !record.abort.swap(true, Ordering::Relaxed) {
        interrupt::hold();
    }
}

/// Whether the task that runs on this thread is to end.
pub(crate) fn wants_abort() -> bool {
    tokio::task::try_id().is_some_and(|id| record::is_to_abort(id_number(id)))
}
