//! Commands that the worker answers: what it tells about tasks. What a report looks like is not known here.

use ipc::{MimeBundle, Report};

use super::{Execution, cell::Step, failure::Failure, note, stage::Stage};
use crate::worker::supervisor::Readiness;

/// What is said where no task can be.
const NO_TASKS: &str = "no tasks live";
const NO_TIMELINE: &str = "there is no timeline, as no cell has run yet";

impl Execution {
    /// Asks the worker.
    pub(super) fn report(&mut self, step: &Step, report: Report) {
        // A worker that is not ready has not run anything.
        if self.supervisor.readiness() != Readiness::Ready {
            return match report {
                Report::Tasks | Report::AbortTasks { .. } => self.say(note::note(NO_TASKS)),
                Report::AbortTask { id } => self.fail(step, refusal(&format!("there is no task {id}"))),
                Report::Timeline | Report::ExportTimeline { .. } => self.fail(step, refusal(NO_TIMELINE)),
            };
        }
        let report = match report {
            Report::ExportTimeline { path } => match std::path::absolute(&path) {
                Ok(path) => Report::ExportTimeline { path },
                Err(error) => {
                    let sentence = format!("the timeline cannot be written to `{}`: {error}", path.display());
                    return self.fail(step, refusal(&sentence));
                }
            },
            other => other,
        };
        self.supervisor.send(ipc::Request::Report(report));
        self.stage = Stage::Reporting(step.clone());
    }

    /// The worker has answered.
    pub(super) fn reported(&mut self, report: Result<MimeBundle, String>) {
        let step = match std::mem::replace(&mut self.stage, Stage::Between) {
            Stage::Reporting(step) => step,
            other => {
                tracing::error!("the worker reports what nobody asked for");
                self.stage = other;
                return;
            }
        };
        match report {
            Ok(bundle) if bundle.is_empty() => {}
            Ok(bundle) => self.say(note::bundle(bundle, MimeBundle::new())),
            Err(sentence) => self.fail(&step, refusal(&sentence)),
        }
    }
}

fn refusal(sentence: &str) -> Failure {
    Failure::new("CommandError", sentence)
}
