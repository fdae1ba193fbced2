//! `:dep` and its kin: a change of the dependencies as a step of a cell, its progress as one display, and the start of
//! another worker where the old one's memory does not fit any more. How dependencies are built is the compiler crate's.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use compiler::{Change, Changed, DependencyError, Notebook, Progress, Restart};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{
    Execution,
    cell::Step,
    failure::Failure,
    library::{DEFECT, Library},
    note,
    notice::Notice,
    stage::{Done, Stage, TaskDone},
};
use crate::{
    command::{self, Action},
    worker::death::lost,
};

/// How long a change may take without a display.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often the display changes at most.
const PACE: Duration = Duration::from_millis(150);
/// How often it changes if it is only the time that does.
const TICK: Duration = Duration::from_secs(1);

/// Dependencies that stand one after the other are built together.
pub(super) fn add_step(steps: &mut VecDeque<Step>, change: Change) {
    match steps.back_mut() {
        Some(Step::Command(Action::Dependencies(before))) => before.and(change),
        _ => steps.push_back(Step::Command(Action::Dependencies(change))),
    }
}

/// What `:show_deps` shows.
pub(super) fn list(notebook: &Notebook) -> String {
    let dependencies = notebook.dependencies();
    if dependencies.is_empty() {
        return "There are no dependencies besides `tokio` and `futures`, which are always there.".to_owned();
    }
    let versions = notebook.dependency_versions();
    let mut text = String::from("[dependencies]");
    for line in dependencies.lines() {
        let name = line.split(' ').next().unwrap_or_default().replace('-', "_");
        let version = versions.iter().find(|(found, _)| *found == name).map_or("", |(_, version)| version);
        text.push_str(&format!("\n{line}  # {version}"));
    }
    text
}

/// What `:offline` says.
pub(super) fn offline(notebook: &Notebook) -> &'static str {
    if notebook.is_offline() {
        "Dependencies are looked for on this machine only."
    } else {
        "Dependencies are looked for in the registries too."
    }
}

impl Execution {
    pub(super) fn has_stale_dependencies(&self) -> bool {
        matches!(&self.library, Library::Ready(notebook) if notebook.has_stale_dependencies())
    }

    /// Builds the user's own dependencies anew before the step.
    pub(super) fn renew_dependencies(&mut self, step: Step) {
        self.put_back(step);
        let change = Change::default();
        self.change_dependencies(Step::Command(Action::Dependencies(change.clone())), change);
    }

    /// Gives a change to the compiler, and the notebook with it.
    pub(super) fn change_dependencies(&mut self, step: Step, change: Change) {
        self.knowledge();
        let Library::Ready(mut notebook) = std::mem::replace(&mut self.library, Library::Compiling) else {
            unreachable!("the caller has seen that the notebook is there");
        };
        let cancel = CancellationToken::new();
        let (token, events) = (cancel.clone(), self.events.clone());
        self.stage = Stage::Compiling { step, cancel };
        self.task = Some(Box::pin(async move {
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
        }));
    }

    /// How far the build is.
    pub(super) fn dependency_progress(&mut self, progress: &Progress) {
        let is_change =
            |stage: &Stage| matches!(stage, Stage::Compiling { step: Step::Command(Action::Dependencies(_)), .. });
        if !self.turn_where(is_change) {
            return;
        }
        let Some(cell) = &self.cell else { return };
        let seconds = cell.since.elapsed().as_secs();
        let count = match progress.total {
            0 => String::new(),
            total => format!(" {} of {total},", progress.done),
        };
        let text = format!("Building dependencies:{count} {seconds} s, `{}`", progress.doing);
        self.show_dependency_progress(&text, (progress.done, progress.total));
    }

    fn show_dependency_progress(&mut self, text: &str, bar: (usize, usize)) {
        let Some(cell) = &mut self.cell else { return };
        let update = cell.dependency_progress.is_some();
        let id = format!("kissaten-dependencies-{}", cell.label.replace(' ', "-"));
        let id = cell.dependency_progress.get_or_insert(id).clone();
        self.say(note::progress(text, bar, &id, update));
    }

    /// The compiler is done with a change.
    pub(super) fn dependencies_changed(&mut self, notebook: Box<Notebook>, result: Result<Changed, DependencyError>) {
        self.notebook_is_back(notebook);
        let Some(Done { step, .. }) = self.compiler_is_done() else { return };
        let failure = match result {
            Ok(mut changed) => {
                let refused = std::mem::take(&mut changed.refused);
                self.dependencies_ready(changed);
                if refused.is_empty() {
                    return;
                }
                return self.fail(&step, Failure::new("DependencyError", &refused.join("\n")));
            }
            Err(DependencyError::Cancelled) => Failure::interrupted(),
            Err(DependencyError::Environment(sentence)) => Failure::new("EnvironmentError", &sentence),
            Err(error) => Failure::new("DependencyError", &error.to_string()),
        };
        self.end_dependency_progress("The dependencies are as they were.");
        self.fail(&step, failure);
    }

    fn dependencies_ready(&mut self, changed: Changed) {
        if let Some(cell) = &self.cell {
            let seconds = cell.since.elapsed().as_secs_f64();
            let names = if changed.added.is_empty() { "The dependencies".to_owned() } else { changed.added.join(", ") };
            let verb = if changed.added.len() == 1 { "is" } else { "are" };
            let crates = if changed.compiled == 1 { "crate" } else { "crates" };
            let text = format!("{names} {verb} ready: {} {crates} compiled, {seconds:.1} s.", changed.compiled);
            self.end_dependency_progress(&text);
        }
        if let Some(words) = changed.added.iter().find_map(|added| command::of_crate(added)) {
            self.say(note::note(words));
        }
        for warning in &changed.warnings {
            self.say(note::plain(&format!("warning: {warning}")));
        }
        if let Some(restart) = changed.restart {
            self.restart(restart);
        }
        self.variables.retain(|name| !changed.lost.contains(name));
        self.forget.extend(changed.lost);
        for sentence in &changed.notes {
            self.say(note::note(sentence));
        }
    }

    /// Says how it ended, where it was said that it had begun.
    fn end_dependency_progress(&mut self, text: &str) {
        if self.cell.as_ref().is_some_and(|cell| cell.dependency_progress.is_some()) {
            self.show_dependency_progress(text, (0, 0));
        }
    }

    /// Starts another worker in place of one whose memory does not fit the dependencies.
    fn restart(&mut self, restart: Restart) {
        let Restart { worker, reason, lost: variables } = restart;
        self.questions.clear();
        self.end_outputs();
        self.variables.clear();
        self.forget.clear();
        self.supervisor.replace(&worker);
        self.close_comms();
        // Who has run nothing has lost nothing.
        if self.runs > 0 {
            self.say(note::note(&format!(
                "The process that runs the cells was started anew, as {reason}. {} Tasks and statics are gone too; items \
                 and `use`s are as they were.",
                lost(&variables)
            )));
        }
    }
}
