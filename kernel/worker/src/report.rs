//! Reports about tasks, answered at once, whatever the cell does.

use std::path::Path;
use std::time::Duration;

use ipc::Report;
use kissaten::runtime::{self, abort_task, abort_tasks};
use kissaten::timeline::{Lane, Timeline};
use kissaten::{Display as _, MimeBundle, Plain};
use serde_json::{Value, json};

use crate::evaluate::bundle;

/// Answers; an error is a sentence for the user.
pub(crate) fn make(report: Report) -> Result<ipc::MimeBundle, String> {
    let made = match report {
        Report::Tasks => runtime::tasks_and_cells().mime_bundle(),
        Report::AbortTask { id } => {
            abort_task(id)?;
            sentence(&format!("Aborted the task {id}."))
        }
        Report::AbortTasks { label } => sentence(&abort_tasks(label.as_deref())?),
        Report::Timeline => recorded()?.mime_bundle(),
        Report::ExportTimeline { path } => {
            let timeline = recorded()?;
            export(&timeline, &path)
                .map_err(|error| format!("the timeline could not be written to `{}`: {error}", path.display()))?;
            sentence(&format!("The timeline of {} is in {}.", timeline.label, path.display()))
        }
    };
    Ok(bundle(made).0)
}

fn sentence(text: &str) -> MimeBundle {
    Plain(text).mime_bundle()
}

fn recorded() -> Result<Timeline, String> {
    let timeline = kissaten::timeline();
    if timeline.lanes.is_empty() {
        return Err("no cell has recorded a timeline yet: put `%%timeline` at its head and run it".to_owned());
    }
    Ok(timeline)
}

/// Writes Chrome's trace events, which Perfetto reads as well: one thread for each lane, one slice for each life and each
/// poll in it. See the "Trace Event Format" of the Chromium project.
fn export(timeline: &Timeline, path: &Path) -> std::io::Result<()> {
    let mut events = vec![json!({"ph": "M", "pid": 1, "name": "process_name", "args": {"name": timeline.label}})];
    for (index, lane) in timeline.lanes.iter().enumerate() {
        lane_events(timeline, index, lane, &mut events);
    }
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    serde_json::to_writer(file, &json!({"displayTimeUnit": "ms", "traceEvents": events}))?;
    Ok(())
}

fn lane_events(timeline: &Timeline, index: usize, lane: &Lane, events: &mut Vec<Value>) {
    let name = match lane.task {
        Some(id) => format!("{} (task {id})", lane.name),
        None => lane.name.clone(),
    };
    events.push(json!({"ph": "M", "pid": 1, "tid": index, "name": "thread_name", "args": {"name": name}}));
    events.push(json!({"ph": "M", "pid": 1, "tid": index, "name": "thread_sort_index", "args": {"sort_index": index}}));
    let end = lane.end.map_or(timeline.elapsed.max(lane.spawned), |(at, _)| at);
    let arguments = json!({
        "place": lane.place,
        "spawned by": lane.parent.and_then(|parent| timeline.lanes.get(parent)).map(|parent| &parent.name),
        "polls": lane.poll_count,
        "busy ms": lane.busy.as_secs_f64() * 1e3,
        "end": lane.end.map(|(_, end)| format!("{end:?}").to_lowercase()),
    });
    events.push(slice(index, &lane.name, "task", (lane.spawned, end), &arguments));
    for poll in &lane.polls {
        events.push(slice(index, "poll", "poll", *poll, &json!({})));
    }
}

fn slice(lane: usize, name: &str, category: &str, (from, to): (Duration, Duration), arguments: &Value) -> Value {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    json!({
        "ph": "X", "pid": 1, "tid": lane, "name": name, "cat": category,
        "ts": micros(from), "dur": micros(to.saturating_sub(from)), "args": arguments,
    })
}
