//! Commands that the server does by itself. Which there are, and what their arguments mean, is told by
//! [`command`](crate::command).

use compiler::{CompileError, split_commands};
use ipc::Layout;

use super::{
    cell::Step,
    common::Common,
    failure::Failure,
    note,
    plan::place,
    shell::{End, Shell},
};
use crate::command::{self, Action, CommandError};

/// What the optimiser costs, where it is chosen.
const NO_CHECKPOINTS: &str = "From level 2 on there are no checkpoints in the code: where it does not await, it can be interrupted \
                              only by ending its process.";

/// The formatting of a cell whose commands end with line `end`. All lines of them stay but `lines`, which asked for it.
pub(super) fn format(cell: &str, lines: &[usize], end: usize) -> Action {
    let numbered = cell.split_inclusive('\n').zip(1..);
    let (mut head, mut code) = (String::new(), String::new());
    for (line, number) in numbered {
        if number > end {
            code.push_str(line);
            continue;
        }
        // What is wrong with the code is told by its lines in the cell.
        code.push('\n');
        if !lines.contains(&number) {
            head.push_str(line);
        }
    }
    Action::Format { head, code }
}

/// A command that stands below code, where it is Rust that does not compile; `error` says where.
pub(super) struct Misplaced {
    pub(super) line: usize,
    /// What to do about it.
    pub(super) help: String,
    /// Whether it cannot be meant as Rust either, so that what rustc says of it helps nobody.
    pub(super) is_sure: bool,
}

pub(super) fn misplaced(code: &str, error: &str) -> Option<Misplaced> {
    code.lines().zip(1..).find_map(|(text, line)| {
        let (commands, _) = split_commands(text);
        let is_known = |command| !matches!(command::parse(command), Err(CommandError::Unknown { .. }));
        let is_meant = commands.first().is_some_and(is_known) && error.contains(&format!(":{line}:"));
        let text = text.trim();
        let help =
            format!("commands stand above the code: move `{text}` to the head of the cell, or to a cell of its own");
        let is_remainder = text.starts_with('%') && !text.starts_with("%%");
        is_meant.then_some(Misplaced { line, help, is_sure: !is_remainder })
    })
}

/// What rustc refused, which may be a command in the wrong place.
pub(super) fn compile_failure(shell: &Shell, step: &Step, error: &CompileError) -> Failure {
    let (Step::Code(code), Some(cell)) = (step, &shell.cell) else { return Failure::compile(error) };
    match misplaced(code, &error.rendered.plain) {
        Some(found) if found.is_sure => Failure::command(&found.help, &place(&cell.label, found.line)),
        Some(found) => Failure::compile(error).with_help(&found.help),
        None => Failure::compile(error),
    }
}

impl Common {
    /// Does a command that needs no notebook; whether it is one.
    pub(super) fn perform_without_notebook(&mut self, shell: &mut Shell, action: &Action) -> bool {
        match action {
            Action::Help => {
                let known = self.compiler.knowledge();
                let missing = self.analyzer.note(known.place().is_known().then(|| known.place()));
                self.say(shell, note::plain(&command::help(missing.as_deref())));
            }
            Action::Timing => {
                self.settings.timing = !self.settings.timing;
                if let Some(cell) = &mut shell.cell {
                    cell.options.timing = self.settings.timing;
                }
                let word = if self.settings.timing { "on" } else { "off" };
                self.say(shell, note::note(&format!("Timing is {word}.")));
            }
            Action::ListHints => self.say(shell, note::plain(&self.settings.hints.list())),
            Action::SwitchHints { kind, on } => {
                self.settings.hints.switch(*kind, *on);
                self.say(shell, note::plain(&self.settings.hints.list()));
            }
            Action::Types => {
                self.settings.types = !self.settings.types;
                let word = if self.settings.types { "on" } else { "off" };
                self.say(shell, note::note(&format!("Types of results are {word}.")));
            }
            Action::SetEnv { name, value } => self.set_env(shell, name, value),
            Action::LastCompileDir => self.say(shell, note::plain(&self.compiler.directory().display().to_string())),
            Action::Layout(layout) => self.lay_out(shell, *layout),
            Action::Replaced(sentence) => self.say(shell, note::note(sentence)),
            Action::Quit => {
                shell.end = End::Quits;
                if let Some(cell) = &mut shell.cell {
                    cell.steps.clear();
                }
            }
            _ => return false,
        }
        true
    }

    /// `:fmt`: how values are laid out, from here on.
    fn lay_out(&mut self, shell: &Shell, layout: Option<Layout>) {
        if let Some(layout) = layout {
            self.settings.layout = layout;
            self.supervisor.send(ipc::Request::Layout(layout));
        }
        let how = match self.settings.layout {
            Layout::Fit => "so that what fits on a line is on one",
            Layout::Line => "on one line, as `{:?}` does",
            Layout::Pretty => "with a line for each field, as `{:#?}` does",
        };
        self.say(shell, note::note(&format!("Values are laid out {how}.")));
    }

    /// Does a command that the notebook is there for; whether it is one.
    pub(super) fn perform_with_notebook(&mut self, shell: &Shell, action: &Action) -> bool {
        let Some(notebook) = self.compiler.notebook() else { return false };
        match action {
            Action::Version => {
                let (version, rustc) = (env!("CARGO_PKG_VERSION"), self.compiler.rustc_version());
                self.say(shell, note::plain(&format!("Kissaten {version}, rustc {rustc}")));
            }
            Action::ShowOpt => {
                let level = notebook.opt_level();
                self.say(shell, note::note(&format!("Cells are compiled with `opt-level` {level}.")));
            }
            Action::SetOpt(level) => {
                notebook.set_opt_level(*level);
                let sentence = format!("Cells are compiled with `opt-level` {level} from now on.");
                match price(*level) {
                    Some(price) => self.say(shell, note::note(&format!("{sentence} {price}"))),
                    None => self.say(shell, note::note(&sentence)),
                }
            }
            Action::ShowDependencies => {
                let text = super::dependency::list(notebook);
                self.say(shell, note::plain(&text));
            }
            Action::Offline(switch) => {
                if let Some(offline) = switch {
                    notebook.set_offline(*offline);
                }
                let text = super::dependency::offline(notebook);
                self.say(shell, note::note(text));
            }
            _ => return false,
        }
        true
    }

    /// `:clear`
    pub(super) fn clear(&mut self, shell: &mut Shell, step: Step) {
        if let Some(notebook) = self.compiler.notebook() {
            notebook.clear();
        }
        self.variables.clear();
        self.drop_variables(shell, step, None);
        self.say(shell, note::note("All variables, items and `use`s are forgotten."));
    }
}

/// What is to be known of a level before it is chosen.
pub(super) fn price(level: u8) -> Option<&'static str> {
    (level >= 2).then_some(NO_CHECKPOINTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cell: &str, lines: &[usize], end: usize) -> (String, String) {
        match format(cell, lines, end) {
            Action::Format { head, code } => (head, code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_below_code_is_told_where_it_belongs() {
        let check = |code| misplaced(code, " --> cell 1:2:1").map(|found| (found.help, found.is_sure));
        let help = "commands stand above the code: move `:dep rand` to the head of the cell, or to a cell of its own";
        assert_eq!(check("let a = 1;\n  :dep rand\n"), Some((help.to_owned(), true)));
        assert!(check("let a = 1;\n%%timing").is_some_and(|(_, is_sure)| is_sure));
        assert!(check("a\n%vars").is_some_and(|(_, is_sure)| !is_sure));
        // What is no command, and what is not what is wrong.
        assert_eq!(check("let a = b\n: u8;"), None);
        assert_eq!(check("let a = 1;\n\n:dep rand"), None);
    }

    #[test]
    fn commands_stay_above_the_code() {
        let both = |head: &str, code: &str| (head.to_owned(), code.to_owned());
        assert_eq!(check("%%fmt\n1", &[1], 1), both("", "\n1"));
        assert_eq!(check(":opt 3\n// why\n%%fmt\n\n1\n", &[3], 3), both(":opt 3\n// why\n", "\n\n\n\n1\n"));
        assert_eq!(check("%%fmt", &[1], 1), both("", "\n"));
    }
}
