//! Commands that the worker answers: what it tells about tasks. What a report looks like is not known here.

use ipc::{MimeBundle, Report};

use super::{cell::Step, common::Common, failure::Failure, note, shell::Shell, stage::Stage};
use crate::worker::supervisor::Readiness;

/// What is said where no task can be.
const NO_TASKS: &str = "no tasks live";
const NO_TIMELINE: &str = "there is no timeline, as no cell has run yet";

impl Common {
    /// Asks the worker.
    pub(super) fn report(&mut self, shell: &mut Shell, step: &Step, report: Report) {
        // A worker that is not ready has not run anything.
        if self.supervisor.readiness() != Readiness::Ready {
            return match report {
                Report::Tasks | Report::AbortTasks { .. } => self.say(shell, note::note(NO_TASKS)),
                Report::AbortTask { id } => self.fail(shell, step, refusal(&format!("there is no task {id}"))),
                Report::Timeline | Report::ExportTimeline { .. } => self.fail(shell, step, refusal(NO_TIMELINE)),
            };
        }
        let report = match report {
            Report::ExportTimeline { path } => match std::path::absolute(&path) {
                Ok(path) => Report::ExportTimeline { path },
                Err(error) => {
                    let sentence = format!("the timeline cannot be written to `{}`: {error}", path.display());
                    return self.fail(shell, step, refusal(&sentence));
                }
            },
            other => other,
        };
        self.supervisor.send(ipc::Request::Report(report));
        shell.stage = Stage::Reporting(step.clone());
    }

    /// The worker has answered.
    pub(super) fn reported(&mut self, shell: &mut Shell, report: Result<MimeBundle, String>) {
        let step = match std::mem::take(&mut shell.stage) {
            Stage::Reporting(step) => step,
            other => {
                shell.stage = other;
                return;
            }
        };
        match report {
            Ok(bundle) if bundle.is_empty() => {}
            Ok(bundle) => self.say(shell, note::bundle(bundle, MimeBundle::new())),
            Err(sentence) => self.fail(shell, &step, refusal(&sentence)),
        }
    }
}

fn refusal(sentence: &str) -> Failure {
    Failure::new("CommandError", sentence)
}
