//! The commands that a cell may begin with, `:name argument` or `%name argument`.
//!
//! A command has a row in the [table], and its meaning, its argument and its doing stand in one file with those of all that
//! the same part of the kernel answers: [`cell`], [`kernel`], [`compiler`], [`worker`], [`dependencies`]. What they come to
//! is an [`Answer`](answer::Answer); the cell that they are steps of is not known here.

mod action;
pub(super) mod answer;
pub(crate) mod cell;
pub(crate) mod compiler;
mod complete;
pub(crate) mod dependencies;
mod error;
mod evcxr;
mod habit;
pub(crate) mod kernel;
mod row;
mod table;
pub(super) mod worker;

use ::compiler::Command;

pub(crate) use self::{action::Action, complete::complete};
pub(super) use self::{error::CommandError, habit::of_crate};
use self::{
    kernel::KernelCommand,
    row::Row,
    table::{COMMANDS, row},
};

/// What a command line means.
pub(crate) fn parse(command: &Command) -> Result<Action, CommandError> {
    if let Some(row) = row(&command.name, command.whole_cell) {
        return row.parse(command.argument.trim(), command.whole_cell);
    }
    if let Some(sentence) = evcxr::replaced(&command.name) {
        return Ok(Action::Kernel(KernelCommand::Replaced(sentence)));
    }
    match habit::habit(command) {
        Some(Ok(habit::Habit::Same(same))) => parse(&same),
        Some(Ok(habit::Habit::Instead(sentence))) => Ok(Action::Kernel(KernelCommand::Replaced(sentence))),
        Some(Err(error)) => Err(error),
        None => Err(CommandError::Unknown { name: command.name.clone(), nearest: nearest(&command.name) }),
    }
}

/// The table that `:help` shows, and under it what the kernel has to go without.
pub(super) fn help(missing: Option<&str>) -> String {
    let mut text = String::from("Commands stand at the head of a cell; `%name` is the same as `:name`.\n");
    for row @ Row { name, argument, words, .. } in COMMANDS {
        let sigil = if row.is_for_line() { ":" } else { "%%" };
        let usage = format!("{sigil}{name} {argument}");
        text.push_str(&format!("\n  {usage:<22} {words}"));
    }
    text.push_str("\n\nevcxr's other commands say what is there instead of them.");
    if let Some(missing) = missing {
        text.push_str("\n\n");
        text.push_str(missing);
    }
    text
}

/// The command that was most likely meant, if any is near enough.
fn nearest(name: &str) -> Option<&'static str> {
    let begun = COMMANDS.iter().map(|row| row.name).find(|command| command.starts_with(name));
    begun.filter(|_| !name.is_empty()).or_else(|| {
        let candidates = COMMANDS.iter().map(|row| (strsim::osa_distance(name, row.name), row.name));
        candidates
            .min()
            .filter(|(distance, command)| *distance <= 2 && *distance < command.len())
            .map(|(_, command)| command)
    })
}

#[cfg(test)]
mod tests;
