//! The picture of a cell's timeline, drawn while the cell runs and when it has ended.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::display::Display as _;
use crate::timeline::End;
use crate::{runtime, trace};

/// How often a running cell's picture is drawn.
const INTERVAL: Duration = Duration::from_millis(500);

/// The picture of a cell that runs.
pub(crate) struct Live {
    run: u64,
    shared: Arc<Stopping>,
    drawer: Option<JoinHandle<()>>,
}

/// The sign for the drawing thread that the cell has ended.
#[derive(Default)]
struct Stopping {
    done: Mutex<bool>,
    changed: Condvar,
}

impl Live {
    /// Begins to record, and to draw.
    ///
    /// The picture stands above all that the cell prints, however long it runs: it can be replaced, but not moved.
    pub(crate) fn begin(run: u64, label: &str) -> Self {
        trace::begin(run, label);
        show(run, false);
        let shared = Arc::<Stopping>::default();
        let theirs = Arc::clone(&shared);
        // Without the thread there is the last picture.
        let drawer = std::thread::Builder::new().name("timeline".into()).spawn(move || theirs.draw(run)).ok();
        Self { run, shared, drawer }
    }

    /// The cell has ended: draws it a last time.
    pub(crate) fn finish(mut self, end: End) {
        trace::finish(self.run, end);
        *self.shared.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_all();
        if let Some(drawer) = self.drawer.take() {
            let _ = drawer.join();
        }
        show(self.run, true);
    }
}

impl Stopping {
    /// Draws until the cell is done.
    fn draw(&self, run: u64) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (guard, waited) =
                self.changed.wait_timeout_while(done, INTERVAL, |done| !*done).unwrap_or_else(PoisonError::into_inner);
            if !waited.timed_out() {
                return;
            }
            drop(guard);
            show(run, true);
            done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn show(run: u64, update: bool) {
    // A cell of another shell may be the one that is drawn by now: the picture stays as it was.
    if !trace::is_on(run) {
        return;
    }
    let id = format!("kissaten-timeline-{run}");
    runtime::send_display(run, trace::timeline().mime_bundle(), Some(id), update);
}
