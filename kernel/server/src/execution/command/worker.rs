//! Commands that the worker answers: what it tells about tasks. What a report looks like is not known here.

use ipc::Report;

use super::{answer::Answer, error::CommandError};
use crate::{
    execution::{common::Common, failure::Failure, note},
    worker::supervisor::Readiness,
};

/// Where `:timeline export` writes to if it is not told.
const EXPORT: &str = "timeline.json";
/// What is said where no task can be.
const NO_TASKS: &str = "no tasks live";
const NO_TIMELINE: &str = "there is no timeline, as no cell has run yet";

/// `:tasks`
pub(super) fn tasks(argument: &str) -> Result<Report, CommandError> {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let number = |word: &str| word.parse::<u64>().map_err(|_| CommandError::Tasks(argument.to_owned()));
    Ok(match words.as_slice() {
        [] => Report::Tasks,
        ["abort", "all"] => Report::AbortTasks { label: None },
        ["abort", "cell", cell] => Report::AbortTasks { label: Some(format!("cell {}", number(cell)?)) },
        ["abort", id] => Report::AbortTask { id: number(id)? },
        _ => return Err(CommandError::Tasks(argument.to_owned())),
    })
}

/// `:timeline`. A path in it is as it was written.
pub(super) fn timeline(argument: &str) -> Result<Report, CommandError> {
    match argument.split_once(char::is_whitespace).unwrap_or((argument, "")) {
        ("", _) => Ok(Report::Timeline),
        ("export", path) => {
            let path = path.trim();
            let path = if path.is_empty() { EXPORT } else { path }.into();
            Ok(Report::ExportTimeline { path })
        }
        _ => Err(CommandError::Timeline(argument.to_owned())),
    }
}

/// Asks the worker.
pub(in crate::execution) fn perform(report: &Report, common: &mut Common) -> Result<Answer, Failure> {
    // A worker that is not ready has not run anything.
    if common.supervisor.readiness() != Readiness::Ready {
        return match report {
            Report::Tasks | Report::AbortTasks { .. } => Ok(Answer::Say(note::note(NO_TASKS))),
            Report::AbortTask { id } => Err(refusal(&format!("there is no task {id}"))),
            Report::Timeline | Report::ExportTimeline { .. } => Err(refusal(NO_TIMELINE)),
        };
    }
    let report = match report {
        Report::ExportTimeline { path } => match std::path::absolute(path) {
            Ok(path) => Report::ExportTimeline { path },
            Err(error) => {
                return Err(refusal(&format!("the timeline cannot be written to `{}`: {error}", path.display())));
            }
        },
        Report::Tasks | Report::AbortTasks { .. } | Report::AbortTask { .. } | Report::Timeline => report.clone(),
    };
    common.supervisor.send(ipc::Request::Report(report));
    Ok(Answer::Await)
}

/// The worker, or the kernel for it, says no.
pub(in crate::execution) fn refusal(sentence: &str) -> Failure {
    Failure::new("CommandError", sentence)
}
