//! The board of all progress bars: on which displays they stand, and when those are drawn.
//!
//! A board is one display: a bar, and those that the same code makes while it goes on. A loop in a loop makes one for each
//! round, so the next of them takes the place of the last. How a bar looks is [`draw`](super::draw)'s.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::draw;
use crate::display::show::made_id;
use crate::{here, runtime};

/// How often a board is drawn at most.
const INTERVAL: Duration = Duration::from_millis(100);
/// Behind so many intervals without an item the time alone is drawn, and after twice as many again.
const QUIET: u32 = 10;
/// The total of a bar that knows none.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// A bar, shared by the loop that moves it and the board that shows it.
#[derive(Debug)]
pub(super) struct Bar {
    /// Written by the loop alone.
    pub(super) done: AtomicU64,
    pub(super) total: AtomicU64,
    title: OnceLock<String>,
    begin: Instant,
    end: OnceLock<BarEnd>,
}

/// How a bar ended, and after how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BarEnd {
    pub(super) after: Duration,
    /// Whether the items came to their end.
    pub(super) is_whole: bool,
}

impl Bar {
    pub(super) fn new(total: Option<u64>) -> Self {
        Self {
            done: AtomicU64::new(0),
            total: AtomicU64::new(total.unwrap_or(UNKNOWN)),
            title: OnceLock::new(),
            begin: Instant::now(),
            end: OnceLock::new(),
        }
    }

    #[inline(never)]
    pub(super) fn set_title(&self, title: &str) {
        let _ = self.title.set(title.to_owned());
    }

    /// As it is now.
    pub(super) fn state(&self) -> draw::BarState<'_> {
        let end = self.end.get().copied();
        let total = self.total.load(Ordering::Relaxed);
        draw::BarState {
            title: self.title.get().map_or("", String::as_str),
            done: self.done.load(Ordering::Relaxed),
            total: (total != UNKNOWN).then_some(total),
            elapsed: end.map_or_else(|| self.begin.elapsed(), |end| end.after),
            is_whole: end.map(|end| end.is_whole),
        }
    }

    fn has_ended(&self) -> bool {
        self.end.get().is_some()
    }
}

/// Whose bars stand together: those of one run, and in it of one task; 0: of the cell itself, or of a thread.
type Owner = (u64, usize);

/// One display.
struct Board {
    owner: Owner,
    id: Arc<str>,
    lines: Vec<Line>,
    /// The sum of what was done when it was drawn, and how many intervals that is the same.
    drawn: u64,
    quiet: u32,
    changed: bool,
}

struct Line {
    bar: Arc<Bar>,
    /// The line of the bar that it was made under.
    parent: Option<usize>,
}

/// All boards with a bar that goes on.
static BOARDS: Mutex<Vec<Board>> = Mutex::new(Vec::new());
/// Whether there is a thread that draws them. Changed under the lock of the boards.
static IS_DRAWN: AtomicBool = AtomicBool::new(false);
/// What the thread sleeps by.
static NEVER: Condvar = Condvar::new();

fn boards() -> MutexGuard<'static, Vec<Board>> {
    BOARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bar begins, and is shown.
pub(super) fn begin(total: Option<u64>) -> Arc<Bar> {
    let bar = Arc::new(Bar::new(total));
    let owner = (here::run_or_current(), here::with(|here| here.task.get().addr()));
    if owner.0 == 0 {
        return bar;
    }
    let mut boards = boards();
    match boards.iter_mut().find(|board| board.owner == owner) {
        Some(board) => board.add(Arc::clone(&bar)),
        None => {
            let line = Line { bar: Arc::clone(&bar), parent: None };
            let board = Board { owner, id: made_id(), lines: vec![line], drawn: 0, quiet: 0, changed: true };
            board.show(false);
            boards.push(board);
        }
    }
    if !IS_DRAWN.swap(true, Ordering::Relaxed) {
        let drawer = std::thread::Builder::new().name("progress".into()).spawn(draw_all);
        // Without the thread there are the first and the last state.
        IS_DRAWN.store(drawer.is_ok(), Ordering::Relaxed);
    }
    bar
}

/// A bar has ended; only the first time counts.
pub(super) fn end(bar: &Arc<Bar>, is_whole: bool) {
    if bar.end.set(BarEnd { after: bar.begin.elapsed(), is_whole }).is_err() {
        return;
    }
    let mut boards = boards();
    let is_its = |board: &Board| board.lines.iter().any(|line| Arc::ptr_eq(&line.bar, bar));
    let Some(place) = boards.iter().position(is_its) else { return };
    if boards[place].lines.iter().all(|line| line.bar.has_ended()) {
        // Under the lock, so that no earlier state comes behind the last.
        boards.remove(place).show(true);
    } else {
        boards[place].changed = true;
    }
}

impl Board {
    /// A bar is made under the last one that goes on; it takes the place of one that ended there.
    fn add(&mut self, bar: Arc<Bar>) {
        let parent = self.lines.iter().rposition(|line| !line.bar.has_ended());
        let same = self.lines.iter().position(|line| line.parent == parent && line.bar.has_ended());
        let line = Line { bar, parent };
        match same {
            Some(place) if parent < Some(place) => {
                // What stood below it was made under it.
                self.lines.truncate(place);
                self.lines.push(line);
            }
            _ => self.lines.push(line),
        }
        self.changed = true;
    }

    fn done(&self) -> u64 {
        self.lines.iter().fold(0, |sum, line| sum.wrapping_add(line.bar.done.load(Ordering::Relaxed)))
    }

    /// One interval more.
    fn tick(&mut self) {
        let done = self.done();
        let is_same = done == self.drawn && !self.changed;
        self.quiet = if is_same { self.quiet.saturating_add(1) } else { 0 };
        if !is_same || (self.quiet.is_multiple_of(QUIET) && (self.quiet / QUIET).is_power_of_two()) {
            (self.drawn, self.changed) = (done, false);
            self.show(true);
        }
    }

    fn show(&self, update: bool) {
        let states: Vec<draw::BarState<'_>> = self.lines.iter().map(|line| line.bar.state()).collect();
        runtime::send_display(self.owner.0, draw::bundle(&states), Some((*self.id).to_owned()), update);
    }
}

/// Draws all boards until there are none.
fn draw_all() {
    let mut boards = boards();
    loop {
        (boards, _) = NEVER.wait_timeout(boards, INTERVAL).unwrap_or_else(PoisonError::into_inner);
        if boards.is_empty() {
            IS_DRAWN.store(false, Ordering::Relaxed);
            return;
        }
        boards.iter_mut().for_each(Board::tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(bars: &[&Arc<Bar>]) -> Board {
        let lines = vec![Line { bar: Arc::clone(bars[0]), parent: None }];
        let mut board = Board { owner: (1, 0), id: "x".into(), lines, drawn: 0, quiet: 0, changed: false };
        for bar in &bars[1..] {
            board.add(Arc::clone(bar));
        }
        board
    }

    fn bar() -> Arc<Bar> {
        Arc::new(Bar::new(Some(3)))
    }

    #[test]
    fn a_bar_in_a_loop_takes_the_place_of_the_last() {
        let (outer, inner, deep) = (bar(), bar(), bar());
        let mut board = board(&[&outer, &inner, &deep]);
        assert_eq!(board.lines.iter().map(|line| line.parent).collect::<Vec<_>>(), [None, Some(0), Some(1)]);
        end(&deep, true);
        board.add(bar());
        assert_eq!(board.lines.len(), 3);
        for line in &board.lines[1..] {
            end(&line.bar, true);
        }
        let next = bar();
        board.add(Arc::clone(&next));
        assert_eq!(board.lines.len(), 2);
        assert!(Arc::ptr_eq(&board.lines[1].bar, &next) && board.lines[1].parent == Some(0));
    }

    #[test]
    fn what_goes_on_and_what_was_not_made_there_stays() {
        let (first, second) = (bar(), bar());
        let mut board = board(&[&first, &second]);
        end(&first, true);
        board.add(bar());
        assert_eq!(board.lines.len(), 3);
        assert_eq!(board.lines[2].parent, Some(1));
    }

    #[test]
    fn only_the_first_end_counts() {
        let bar = bar();
        end(&bar, true);
        end(&bar, false);
        assert_eq!(bar.state().is_whole, Some(true));
    }
}
