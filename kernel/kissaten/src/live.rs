//! The picture of a cell's timeline, drawn while the cell runs and when it has ended.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::display::Display as _;
use crate::timeline::End;
use crate::{runtime, trace};

/// How often a running cell's picture is drawn. A cell that is done before is drawn once.
const INTERVAL: Duration = Duration::from_millis(500);

/// The picture of a cell that runs.
pub(crate) struct Live {
    run: u64,
    shared: Arc<Shared>,
    drawer: Option<JoinHandle<bool>>,
}

#[derive(Default)]
struct Shared {
    done: Mutex<bool>,
    changed: Condvar,
}

impl Live {
    /// Begins to record, and to draw.
    pub(crate) fn begin(run: u64, label: &str) -> Self {
        trace::begin(run, label);
        let shared = Arc::<Shared>::default();
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
        let drawn = self.drawer.take().and_then(|drawer| drawer.join().ok()).unwrap_or(false);
        show(self.run, drawn);
    }
}

impl Shared {
    /// Draws until the cell is done; whether anything was drawn.
    fn draw(&self, run: u64) -> bool {
        let mut drawn = false;
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (guard, waited) =
                self.changed.wait_timeout_while(done, INTERVAL, |done| !*done).unwrap_or_else(PoisonError::into_inner);
            done = guard;
            if !waited.timed_out() {
                return drawn;
            }
            drop(done);
            show(run, drawn);
            drawn = true;
            done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn show(run: u64, update: bool) {
    let id = format!("kissaten-timeline-{run}");
    runtime::send_display(run, trace::timeline().mime_bundle(), Some(id), update);
}
