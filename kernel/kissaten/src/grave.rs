//! Values that are variables no more, until they are dropped.
//!
//! To drop a value is to run user code: it prints, spawns, blocks, panics, takes a minute. So whoever changes the store
//! drops nothing, and what goes lies here, under the run of the cell that made it go. It is dropped on the thread that runs
//! cells, because it need not be `Send`, but outside of [`Session::block_on`]: there tokio lets nobody block, and even a
//! `Runtime` could not be dropped. The runtime can be reached all the same. Each value is dropped by itself, and what goes
//! wrong with it is a hint under the cell and never the cell's own end.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use crate::runtime::{self, Cell, Hint, Notice, Session};
use crate::store::{self, Slot};
use crate::{here, hint, output, panic};

thread_local! {
    static GRAVES: RefCell<VecDeque<Grave>> = const { RefCell::new(VecDeque::new()) };
}

/// Why it is a variable no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    /// There is a newer one of its name.
    Replaced,
    /// Its type was redefined, or all were cleared.
    Forgotten,
}

/// One value that is to be dropped.
pub(crate) struct Grave {
    run: u64,
    name: String,
    was: Was,
    slot: Slot,
}

impl Grave {
    /// What is dropped, in words.
    fn title(&self) -> String {
        match self.was {
            Was::Replaced => format!("the older `{}`", self.name),
            Was::Forgotten => format!("`{}`", self.name),
        }
    }
}

/// Lays a value here, for the cell whose code runs.
pub(crate) fn lay(name: &str, was: Was, slot: Option<Slot>) {
    // What has nothing to run need not wait.
    let Some(slot) = slot.filter(Slot::needs_drop) else { return };
    let grave = Grave { run: here::run(), name: name.to_owned(), was, slot };
    GRAVES.with_borrow_mut(|graves| graves.push_back(grave));
}

/// The next value of this run, which the caller drops.
pub(crate) fn open(run: u64) -> Option<Grave> {
    GRAVES.with_borrow_mut(|graves| {
        let first = graves.iter().position(|grave| grave.run == run)?;
        graves.remove(first)
    })
}

/// Every value that lies here.
pub(crate) fn each(mut change: impl FnMut(&mut Slot)) {
    GRAVES.with_borrow_mut(|graves| graves.iter_mut().for_each(|grave| change(&mut grave.slot)));
}

/// The next value of any run.
#[cfg(test)]
pub(crate) fn open_any() -> Option<Grave> {
    GRAVES.with_borrow_mut(VecDeque::pop_front)
}

impl Session {
    /// Forgets variables: these are none any more, and are dropped for a cell that is about to begin. On the thread of
    /// [`block_on`](Self::block_on) and outside of that, as the two others.
    pub fn forget(&self, cell: &Cell, names: &[String]) {
        {
            let _here = here::enter(cell.state.id, 0);
            store::forget(names);
        }
        self.drop_what_is_due(cell);
    }

    /// There are no variables any more: all are dropped for this cell, which has no code of its own.
    pub fn clear(&self, cell: &Cell) {
        {
            let _here = here::enter(cell.state.id, 0);
            store::clear();
        }
        self.bury(cell);
    }

    /// Drops what a cell that has ended replaced.
    ///
    /// An interrupt ends the `Drop`s that are due at their checkpoints, and is none of the cell.
    pub fn bury(&self, cell: &Cell) {
        cell.state.ended.store(false, Ordering::SeqCst);
        self.drop_what_is_due(cell);
        cell.state.end_interrupts();
    }

    /// What borrows goes before the frames that it borrows from, and with those may go more.
    fn drop_what_is_due(&self, cell: &Cell) {
        loop {
            self.drop_what_lies(cell);
            let _here = here::enter(cell.state.id, 0);
            if !self.end_residents() {
                break;
            }
        }
    }

    fn drop_what_lies(&self, cell: &Cell) {
        let run = cell.state.id;
        let Some(mut grave) = open(run) else { return };
        let _context = self.enter();
        let _here = here::enter(run, 0);
        if here::current() != run {
            cell.is_current();
        }
        loop {
            let title = grave.title();
            let watched = watch(run, &title);
            match panic::catch_unwound(|| drop(grave)) {
                Ok(()) => {}
                Err(Some(panic)) => hint::panicked_while_dropped(run, &title, &panic),
                Err(None) => hint::drop_interrupted(run, &title),
            }
            drop(watched);
            match open(run) {
                Some(next) => grave = next,
                None => break,
            }
        }
        output::flush();
    }
}

/// How long a value may take to be dropped until the user is told what the cell is busy with.
const LONG: Duration = Duration::from_secs(2);

/// What is being dropped now.
static WATCHED: Mutex<Option<Watched>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();
static WATCHER: Once = Once::new();

struct Watched {
    since: Instant,
    run: u64,
    title: String,
    is_told: bool,
}

/// Until it is dropped, somebody looks how long that takes.
struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        *watched() = None;
    }
}

fn watched() -> MutexGuard<'static, Option<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(run: u64, title: &str) -> Watch {
    *watched() = Some(Watched { since: Instant::now(), run, title: title.to_owned(), is_told: false });
    WATCHER.call_once(|| {
        // Without it, it is only told to nobody.
        let _ = std::thread::Builder::new().name("drops".into()).spawn(watch_for_ever);
    });
    CHANGED.notify_one();
    Watch
}

fn watch_for_ever() {
    let mut now = watched();
    loop {
        let left = match &*now {
            Some(watched) if !watched.is_told => LONG.saturating_sub(watched.since.elapsed()),
            _ => Duration::MAX,
        };
        if let Some(watched) = now.as_mut().filter(|_| left.is_zero()) {
            watched.is_told = true;
            let text = format!(
                "{} takes long to be dropped; the cell itself has done its work, and ends when that is over",
                watched.title
            );
            runtime::send(Notice::Hint { cell: watched.run, hint: Hint::Drop, text });
            continue;
        }
        // Whoever begins wakes this thread, and who is done in time need not.
        now = if left == Duration::MAX {
            CHANGED.wait(now).unwrap_or_else(PoisonError::into_inner)
        } else {
            CHANGED.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner).0
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__cell::keep;
    use std::rc::Rc;

    #[test]
    fn what_lies_is_dropped_for_the_run_that_replaced_it() {
        let counted = Rc::new(());
        let keep_in = |run| {
            let _here = here::enter(run, 0);
            keep("x", Rc::clone(&counted));
        };
        keep_in(1);
        keep_in(2);
        keep_in(3);
        assert!(open(1).is_none());
        assert_eq!(open(3).map(|grave| grave.title()).as_deref(), Some("the older `x`"));
        assert_eq!(Rc::strong_count(&counted), 3);
        assert!(open(2).is_some() && open(2).is_none());
        assert_eq!(Rc::strong_count(&counted), 2);
    }

    #[test]
    fn what_panics_gives_its_memory_back_and_the_next_is_dropped() {
        struct Loud(#[expect(dead_code, reason = "it is dropped with it")] Rc<()>);
        impl Drop for Loud {
            fn drop(&mut self) {
                panic!("loud");
            }
        }
        let counted = Rc::new(());
        keep("a", Loud(Rc::clone(&counted)));
        keep("b", Rc::clone(&counted));
        store::clear();
        let panicked = panic::catch_unwound(|| drop(open(0)));
        assert!(matches!(panicked, Err(Some(_))));
        assert_eq!(Rc::strong_count(&counted), 2);
        drop(open(0));
        assert_eq!(Rc::strong_count(&counted), 1);
    }
}
