//! The session library's first build, as the cells see it that wait for it: a display that replaces itself, and then their
//! turn.

use build::SessionLibrary;

use super::{
    common::Common,
    compiler::Library,
    failure::Failure,
    note,
    shell::{Shell, Shells},
    stage::Stage,
};

impl Common {
    /// A line of the build.
    pub(super) fn build_progress(&mut self, shells: &mut Shells, line: String) {
        if self.compiler.build_progress(line) {
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
        let text = match self.compiler.library() {
            Library::Building { last_line } => format!("Preparing Kissaten for this rustc, once: {last_line}"),
            _ => "Kissaten is prepared for this rustc.".to_owned(),
        };
        let update = cell.displays.build.is_some();
        let id = cell.displays.build.get_or_insert_with(|| format!("kissaten-build-{}", self.numbers.runs())).clone();
        self.say(shell, note::changing(&text, &id, update));
    }
}
