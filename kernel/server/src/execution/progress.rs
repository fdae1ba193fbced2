//! The session library's first build, and before it Rust itself where that is missing, as the cells see it that wait for it: a
//! display that replaces itself, and then their turn.

use build::{Progress, SessionLibrary};

use super::{
    cell::{Bar, Step},
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
        let is_of_console = cell.is_of_console();
        let id = format!("kissaten-build-{}", self.numbers.runs());
        let (id, update) = display_of(&mut cell.displays.build, id, bar, is_of_console);
        self.say(shell, note::progress(&text, bar, &id, update));
    }
}

/// The id of the display that shows how far something is, and whether it is there already.
///
/// A console prints displays and knows no update of one: there each quarter of the way is a display of its own.
pub(super) fn display_of(
    shown: &mut Option<Bar>,
    id: String,
    (done, total): (usize, usize),
    is_of_console: bool,
) -> (String, bool) {
    let quarter = (4 * done).checked_div(total).unwrap_or(0);
    match shown {
        Some(bar) if !is_of_console || quarter <= bar.quarter => (bar.id.clone(), true),
        Some(bar) => {
            *bar = Bar { id: format!("{id}-{quarter}"), quarter };
            (bar.id.clone(), false)
        }
        None => (shown.insert(Bar { id, quarter }).id.clone(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_has_a_display_for_each_quarter_and_others_have_one() {
        let shown = |is_of_console| {
            let mut bar = None;
            let way = [(0, 0), (1, 8), (2, 8), (3, 8), (7, 8), (8, 8), (0, 0)];
            way.map(|way| display_of(&mut bar, "bar".to_owned(), way, is_of_console))
        };
        assert_eq!(shown(false).map(|(_, update)| update), [false, true, true, true, true, true, true]);
        let ids = ["bar", "bar", "bar-1", "bar-1", "bar-3", "bar-4", "bar-4"];
        assert_eq!(shown(true).map(|(id, _)| id), ids);
        assert_eq!(shown(true).map(|(_, update)| update), [false, true, false, true, false, false, true]);
    }
}
