//! The live view of tasks: a display that is drawn anew while tasks live and cells run.
//!
//! There is one at a time: a new one takes the place of the one before, as when the cell that shows it is run again.

use std::fmt::Write;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use super::list::{Tasks, tasks_and_cells};
use crate::display::text::escape;
use crate::display::{Display as _, MimeBundle};
use crate::{here, runtime};

/// How often it is drawn.
const INTERVAL: Duration = Duration::from_millis(500);
/// More tasks than this are counted.
const MOST_ROWS: usize = 60;

struct View {
    run: u64,
    id: String,
    /// What was shown last, without the times.
    shown: MimeBundle,
}

static VIEW: (Mutex<Option<View>>, Condvar) = (Mutex::new(None), Condvar::new());

fn view() -> MutexGuard<'static, Option<View>> {
    VIEW.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the tasks that live and the cells that run, under the cell that calls it: what they are about, where they wait and
/// how busy they were. The display goes on when the cell has ended, until the next call; `:tasks live` is this as a
/// command.
pub fn watch_tasks() {
    static START: Once = Once::new();
    let run = here::run_or_current();
    let id = format!("kissaten-tasks-{run}");
    let shown = drawn(run);
    runtime::send_display(run, shown.clone(), Some(id.clone()), false);
    *view() = Some(View { run, id, shown });
    VIEW.1.notify_all();
    // Without the thread it stays as it is.
    START.call_once(|| drop(std::thread::Builder::new().name("tasks".into()).spawn(draw)));
}

fn draw() {
    let mut view = view();
    loop {
        view = VIEW.1.wait_while(view, |view| view.is_none()).unwrap_or_else(PoisonError::into_inner);
        view = VIEW.1.wait_timeout(view, INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
        let Some(present) = view.as_mut() else { continue };
        let shown = drawn(present.run);
        // What does not change is not sent again.
        if shown != present.shown {
            present.shown = shown.clone();
            runtime::send_display(present.run, shown, Some(present.id.clone()), true);
        }
    }
}

/// All but the cell that shows it.
fn drawn(run: u64) -> MimeBundle {
    let all = tasks_and_cells().without(run);
    let text = all.mime_bundle().iter().find(|(kind, _)| *kind == "text/plain").map(|(_, text)| text.to_owned());
    MimeBundle::new().with("text/html", html(&all)).with("text/plain", text.unwrap_or_default())
}

fn html(all: &Tasks) -> String {
    if all.is_empty() && all.cells().next().is_none() {
        return "<p>no tasks live</p>".to_owned();
    }
    let mut html = String::from(
        "<table><thead><tr><th style=\"text-align: left\">cell</th><th style=\"text-align: left\">task</th>\
         <th style=\"text-align: left\">state</th><th style=\"text-align: left\">busy</th>\
         <th style=\"text-align: left\">waits</th></tr></thead><tbody>",
    );
    for (label, is_polled, wait) in all.cells() {
        row(&mut html, [label, "", state(is_polled), "", &wait]);
    }
    let mut tasks: Vec<_> = all.iter().collect();
    tasks.sort_by(|one, other| (&one.cell, one.id).cmp(&(&other.cell, other.id)));
    for task in tasks.iter().take(MOST_ROWS) {
        let share = task.busy.as_secs_f64() / task.age.as_secs_f64().max(1e-9);
        let share = (share * 100.0).clamp(0.0, 100.0).round();
        let busy = format!("<progress max=\"100\" value=\"{share}\" aria-label=\"busy\"></progress> {share} %");
        let wait = task.wait.as_ref().map(|wait| escape(&wait.shown())).unwrap_or_default();
        let name = escape(&format!("{} {}", task.id, task.name));
        row(&mut html, [&escape(&task.cell), &name, state(task.state == super::TaskState::Running), &busy, &wait]);
    }
    html.push_str("</tbody></table>");
    if let Some(more) = tasks.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        let _ = write!(html, "<p>and {more} more</p>");
    }
    html
}

fn state(is_polled: bool) -> &'static str {
    if is_polled { "running" } else { "waiting" }
}

fn row(html: &mut String, cells: [&str; 5]) {
    html.push_str("<tr>");
    for cell in cells {
        let _ = write!(html, "<td style=\"text-align: left\">{cell}</td>");
    }
    html.push_str("</tr>");
}
