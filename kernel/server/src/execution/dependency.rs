//! `:dep` and its kin: a change of the dependencies as a step of a cell, its progress as one display, and the start of
//! another worker where the old one's memory does not fit any more. How dependencies are built is the compiler crate's.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use build::{Change, DependencyError, Progress};
use compiler::{Changed, Restart};
use futures::FutureExt;

use super::{
    cell::Step,
    command::{self, dependencies::DependencyCommand},
    common::Common,
    failure::Failure,
    library::DEFECT,
    note,
    notice::Notice,
    progress::display_of,
    shell::Shell,
    stage::Stage,
    step::{Done, begin_compiling},
    task::TaskDone,
};
use crate::worker::death::lost;

/// How long a change may take without a display.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often the display changes at most.
const PACE: Duration = Duration::from_millis(150);
/// How often it changes if it is only the time that does.
const TICK: Duration = Duration::from_secs(1);

impl Common {
    /// Builds the user's own dependencies anew before the step.
    pub(super) fn renew_dependencies(&mut self, shell: &mut Shell, step: Step) {
        shell.put_back(step);
        let change = Change::default();
        self.change_dependencies(shell, Step::Dependencies(DependencyCommand::Change(change.clone())), change);
    }

    /// Gives a change to the compiler, and the notebook with it.
    pub(super) fn change_dependencies(&mut self, shell: &mut Shell, step: Step, change: Change) {
        let (token, events) = (begin_compiling(shell, step), self.events.clone());
        self.compiler.begin_with(|mut notebook| {
            Box::pin(async move {
                let (begin, mut last) = (Instant::now(), None::<(Instant, Progress)>);
                let mut told = move |progress: Progress| {
                    let pace = |shown: &Progress| if shown.doing == progress.doing { TICK } else { PACE };
                    let is_news = last.as_ref().is_none_or(|(at, shown)| at.elapsed() >= pace(shown));
                    // What is there already needs no display.
                    if is_news && begin.elapsed() > PATIENCE {
                        last = Some((Instant::now(), progress.clone()));
                        // One that is not seen is no loss.
                        events.try_send(Notice::DependencyProgress(progress));
                    }
                };
                let changing = notebook.change_dependencies(&change, &mut told, &token);
                let result = AssertUnwindSafe(changing).catch_unwind().await;
                let result = result.unwrap_or_else(|_| Err(DependencyError::Environment(DEFECT.to_owned())));
                TaskDone::Changed { notebook, result }
            })
        });
    }

    /// How far the build is.
    pub(super) fn dependency_progress(&self, shell: &mut Shell, progress: &Progress) {
        if !matches!(shell.stage, Stage::Compiling { step: Step::Dependencies(_), .. }) {
            return;
        }
        let Some(cell) = &shell.cell else { return };
        let seconds = cell.since.elapsed().as_secs();
        let count = match progress.total {
            0 => String::new(),
            total => format!(" {} of {total},", progress.done),
        };
        let text = format!("Building dependencies:{count} {seconds} s, `{}`", progress.doing);
        self.show_dependency_progress(shell, &text, (progress.done, progress.total));
    }

    fn show_dependency_progress(&self, shell: &mut Shell, text: &str, bar: (usize, usize)) {
        let Some(cell) = &mut shell.cell else { return };
        let is_of_console = cell.is_of_console();
        let id = format!("kissaten-dependencies-{}", cell.label.replace(' ', "-"));
        let (id, update) = display_of(&mut cell.displays.dependencies, id, bar, is_of_console);
        self.say(shell, note::progress(text, bar, &id, update));
    }

    /// The compiler is done with a change.
    pub(super) fn dependencies_changed(&mut self, shell: &mut Shell, result: Result<Changed, DependencyError>) {
        let Some(Done { step, .. }) = self.compiler_is_done(shell) else { return };
        let failure = match result {
            Ok(mut changed) => {
                let refused = std::mem::take(&mut changed.refused);
                self.dependencies_ready(shell, changed);
                if refused.is_empty() {
                    return;
                }
                return self.fail(shell, &step, Failure::new("DependencyError", &refused.join("\n")));
            }
            Err(DependencyError::Cancelled) => Failure::interrupted(),
            Err(DependencyError::Environment(sentence)) => Failure::new("EnvironmentError", &sentence),
            Err(error) => Failure::new("DependencyError", &error.to_string()),
        };
        self.end_dependency_progress(shell, "The dependencies are as they were.");
        self.fail(shell, &step, failure);
    }

    fn dependencies_ready(&mut self, shell: &mut Shell, changed: Changed) {
        if let Some(cell) = &shell.cell {
            let seconds = cell.since.elapsed().as_secs_f64();
            let names = if changed.added.is_empty() { "The dependencies".to_owned() } else { changed.added.join(", ") };
            let verb = if changed.added.len() == 1 { "is" } else { "are" };
            let crates = if changed.compiled == 1 { "crate" } else { "crates" };
            let text = format!("{names} {verb} ready: {} {crates} compiled, {seconds:.1} s.", changed.compiled);
            self.end_dependency_progress(shell, &text);
        }
        if let Some(words) = changed.added.iter().find_map(|added| command::of_crate(added)) {
            self.say(shell, note::note(words));
        }
        for warning in &changed.warnings {
            self.say(shell, note::plain(&format!("warning: {warning}")));
        }
        if let Some(restart) = changed.restart {
            self.restart(shell, restart);
        }
        self.variables.lose(changed.lost);
        for sentence in &changed.notes {
            self.say(shell, note::note(sentence));
        }
    }

    /// Says how it ended, where it was said that it had begun.
    fn end_dependency_progress(&self, shell: &mut Shell, text: &str) {
        if shell.cell.as_ref().is_some_and(|cell| cell.displays.dependencies.is_some()) {
            self.show_dependency_progress(shell, text, (0, 0));
        }
    }

    /// Starts another worker in place of one whose memory does not fit the dependencies.
    fn restart(&mut self, shell: &mut Shell, restart: Restart) {
        let Restart { worker, reason, lost: variables } = restart;
        shell.questions.clear();
        self.audience.end_worker(&self.supervisor);
        self.variables.worker_lost();
        self.supervisor.replace(&worker);
        self.comms.close(&self.outgoing);
        // Who has run nothing has lost nothing.
        if self.numbers.runs() > 0 {
            self.say(shell, note::note(&format!(
                "The process that runs the cells was started anew, as {reason}. {} Tasks and statics are gone too; items \
                 and `use`s are as they were.",
                lost(&variables)
            )));
        }
    }
}
