//! The session library's first build, and before it Rust itself where that is missing, as the cells see it that wait for it: a
//! display that replaces itself, and then their turn.

use build::{Progress, SessionLibrary};

use super::{
    cell::Step,
    common::Common,
    compiler::{Building, Library},
    failure::Failure,
    note,
    shell::{Shell, Shells},
    stage::Stage,
};

impl Common {
    /// Gets Rust and what cells are compiled against; the step has its turn again when they are there.
    pub(super) fn install_rust(&mut self, shell: &mut Shell, step: Step) {
        self.compiler.look_again(&mut self.supervisor, &self.events);
        self.compiler.install_rust(self.events.clone());
        if let Library::Building { .. } = self.compiler.library() {
            shell.stage = Stage::AwaitingLibrary(step);
            self.show_build(shell);
        } else {
            self.say(shell, note::note(&format!("rustc {} is there.", self.compiler.rustc_version())));
        }
    }

    /// How far the build is.
    pub(super) fn build_progress(&mut self, shells: &mut Shells, progress: Progress) {
        if self.compiler.build_progress(progress) {
            shells.iter_mut().for_each(|shell| self.show_build(shell));
        }
    }

    /// The build has ended: whoever waited for it has its turn.
    pub(super) fn built(&mut self, shells: &mut Shells, built: Result<SessionLibrary, String>) {
        let built = self.compiler.built(built, &mut self.supervisor);
        for shell in shells.iter_mut() {
            if built.is_ok() {
                self.show_build(shell);
            }
            match (std::mem::take(&mut shell.stage), &built) {
                // It is performed in its turn.
                (Stage::AwaitingLibrary(step), Ok(())) => shell.put_back(step),
                (Stage::AwaitingLibrary(step), Err(sentence)) => {
                    self.fail(shell, &step, Failure::new("SessionLibraryError", sentence));
                }
                (other, _) => shell.stage = other,
            }
        }
    }

    /// Tells the waiting cell how far the build is, in a display that replaces itself.
    pub(super) fn show_build(&self, shell: &mut Shell) {
        let waits = matches!(shell.stage, Stage::AwaitingLibrary(_));
        let (Some(cell), true) = (&mut shell.cell, waits) else { return };
        let seconds = cell.since.elapsed().as_secs();
        let (text, bar) = match self.compiler.library() {
            Library::Building { of: Building::Rust, progress } => {
                (format!("Getting Rust: {seconds} s, {}", progress.doing), (0, 0))
            }
            Library::Building { of: Building::SessionLibrary, progress: Progress { done, total, doing } } => {
                let count = if *total == 0 { String::new() } else { format!(" {done} of {total},") };
                let text = format!(
                    "Preparing Kissaten for this rustc, once, in about a minute:{count} {seconds} s, `{doing}`"
                );
                (text, (*done, *total))
            }
            _ => (format!("Kissaten is prepared for rustc {}.", self.compiler.rustc_version()), (0, 0)),
        };
        let update = cell.displays.build.is_some();
        let id = cell.displays.build.get_or_insert_with(|| format!("kissaten-build-{}", self.numbers.runs())).clone();
        self.say(shell, note::progress(&text, bar, &id, update));
    }
}
