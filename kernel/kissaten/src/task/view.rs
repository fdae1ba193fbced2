//! The live view of tasks: a display that is drawn anew while cells run.
//!
//! It goes on when the cell that shows it has ended, until that one is run again. While no cell runs it is drawn only where more
//! than the times has changed: a notebook in which nothing happens is not changed either.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use super::list::{Tasks, are_many, tasks_and_cells};
use super::record;
use crate::display::text::escape;
use crate::display::{Display as _, MimeBundle};
use crate::{here, runtime};

/// How often it is drawn.
const INTERVAL: Duration = Duration::from_millis(500);
/// More tasks than this are counted.
const MOST_ROWS: usize = 60;
/// More views than this nobody looks at: the oldest ends.
const MOST_VIEWS: usize = 4;

/// What a view shows, as far as it is no time: who is there, whether it is polled, and where it waits.
type Content = Vec<(String, bool, Option<String>)>;

/// A view's last picture.
struct View {
    id: String,
    content: Content,
    shown: MimeBundle,
}

/// The views by the runs that show them.
static VIEWS: (Mutex<BTreeMap<u64, View>>, Condvar) = (Mutex::new(BTreeMap::new()), Condvar::new());

fn views() -> MutexGuard<'static, BTreeMap<u64, View>> {
    VIEWS.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the tasks that live and the cells that run, under the cell that calls it: what they are about, where they wait and
/// how busy they were. The display goes on when the cell has ended, until that cell is run again; `:tasks live` is this as a
/// command.
pub fn watch_tasks() {
    static START: Once = Once::new();
    let run = here::run_or_current();
    let id = format!("kissaten-tasks-{run}");
    let (shown, content) = drawn(run);
    let mut views = views();
    // A second call in the same cell goes on with what the first one shows.
    runtime::send_display(run, shown.clone(), Some(id.clone()), views.contains_key(&run));
    views.insert(run, View { id, content, shown });
    if views.len() > MOST_VIEWS {
        views.pop_first();
    }
    VIEWS.1.notify_all();
    // Without the thread it stays as it is.
    START.call_once(|| drop(std::thread::Builder::new().name("tasks".into()).spawn(draw)));
}

/// The cell of these runs is run again.
pub(crate) fn ends(runs: &[u64]) {
    views().retain(|run, _| !runs.contains(run));
}

fn draw() {
    let mut views = views();
    loop {
        views = VIEWS.1.wait_while(views, |views| views.is_empty()).unwrap_or_else(PoisonError::into_inner);
        views = VIEWS.1.wait_timeout(views, INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
        let are_running = runtime::are_running();
        for (run, view) in &mut *views {
            let (shown, content) = drawn(*run);
            // What does not change is not sent again.
            if are_running && shown != view.shown || content != view.content {
                runtime::send_display(*run, shown.clone(), Some(view.id.clone()), true);
                (view.shown, view.content) = (shown, content);
            }
        }
    }
}

/// All but the cell that shows it.
fn drawn(run: u64) -> (MimeBundle, Content) {
    if are_many() {
        let text = format!("{} tasks live", record::count());
        let shown = MimeBundle::new().with("text/html", format!("<p>{text}</p>")).with("text/plain", text.clone());
        return (shown, vec![(text, false, None)]);
    }
    let all = tasks_and_cells().without(run);
    let text = all.mime_bundle().iter().find(|(kind, _)| *kind == "text/plain").map(|(_, text)| text.to_owned());
    let shown = MimeBundle::new().with("text/html", html(&all)).with("text/plain", text.unwrap_or_default());
    (shown, all.places())
}

/// The titles of the columns, the last of which alone may be broken into lines.
const TITLES: [&str; 5] = ["cell", "task", "state", "busy", "waits"];

fn html(all: &Tasks) -> String {
    let cells: Vec<_> = all.cells().collect();
    if all.is_empty() && cells.is_empty() {
        return "<p>no tasks live</p>".to_owned();
    }
    let count = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let counts: Vec<String> =
        [count(cells.len(), "running cell"), count(all.len(), "living task")].into_iter().flatten().collect();
    let mut html = format!("<table><caption style=\"text-align: left\">{}</caption><thead><tr>", counts.join(", "));
    for (title, style) in TITLES.into_iter().zip(styles()) {
        let _ = write!(html, "<th scope=\"col\"{style}>{title}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for (label, is_polled, wait) in cells {
        row(&mut html, [label, "", state(is_polled), "", &wait]);
    }
    let mut tasks: Vec<_> = all.iter().collect();
    tasks.sort_by(|one, other| (&one.cell, one.id).cmp(&(&other.cell, other.id)));
    for task in tasks.iter().take(MOST_ROWS) {
        let share = task.busy.as_secs_f64() / task.age.as_secs_f64().max(1e-9);
        let share = (share * 100.0).clamp(0.0, 100.0).round();
        let busy = format!(
            "<progress max=\"100\" value=\"{share}\" style=\"width: 6em\" aria-label=\"busy\"></progress> {share}\u{a0}%"
        );
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

/// The styles of the columns. Pages break texts as short as `cell 5` where the last column is long.
fn styles() -> impl Iterator<Item = &'static str> {
    let last = " style=\"text-align: left\"";
    std::iter::repeat_n(" style=\"text-align: left; white-space: nowrap\"", TITLES.len() - 1).chain([last])
}

fn row(html: &mut String, cells: [&str; 5]) {
    html.push_str("<tr>");
    for (cell, style) in cells.into_iter().zip(styles()) {
        let _ = write!(html, "<td{style}>{cell}</td>");
    }
    html.push_str("</tr>");
}
