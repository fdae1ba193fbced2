//! What a cell consists of: its commands and its code become steps, and what concerns the whole cell is noted in it.

use std::collections::VecDeque;

use compiler::split_commands;
use serde_json::Value;

use super::{
    cell::{Cell, Step},
    command, dependency,
    failure::Failure,
};
use crate::command::{Action, CommandError, dependency_table, parse};

/// Splits a cell into its steps.
pub(super) fn plan(cell: &mut Cell) -> Result<VecDeque<Step>, Failure> {
    let (commands, code) = split_commands(&cell.content.code);
    let mut steps = VecDeque::new();
    let mut is_table = false;
    let (mut format, mut lint) = (Vec::new(), None);
    for command in &commands {
        match parse(command) {
            Ok(Action::OptOnce(level)) => cell.options.opt_level = Some(level),
            Ok(Action::TimingOnce) => cell.options.timing = true,
            Ok(Action::TimelineOnce) => cell.options.timeline = true,
            Ok(Action::DependencyTable) => is_table = true,
            Ok(Action::FormatCell) => format.push(command.line),
            Ok(Action::LintCell) => lint = Some(command.line),
            Ok(Action::Dependencies(change)) => dependency::add_step(&mut steps, change),
            Ok(action) => steps.push_back(Step::Command(action)),
            Err(error) => {
                return Err(Failure::command(&error.to_string(), &place(&cell.label, command.line)));
            }
        }
    }
    if let Some(line) = format.first().copied().or(lint).filter(|_| is_table) {
        return Err(Failure::command(&CommandError::Table.to_string(), &place(&cell.label, line)));
    }
    if !format.is_empty() {
        let end = commands.last().map_or(0, |command| command.line);
        steps = VecDeque::from([Step::Command(command::format(&cell.content.code, &format, end))]);
    } else if lint.is_some() {
        steps.push_back(Step::Command(Action::Lint(code)));
    } else if is_table {
        match dependency_table(&code) {
            Ok(action) => steps.push_back(Step::Command(action)),
            Err(error) => return Err(Failure::command(&error.to_string(), &cell.label)),
        }
    } else if !code.trim().is_empty() {
        steps.push_back(Step::Code(code));
    }
    for (name, code) in std::mem::take(&mut cell.content.user_expressions) {
        match code {
            Value::String(code) => steps.push_back(Step::Expression { name, code }),
            _ => {
                let failure = Failure::new("MalformedRequest", "a user expression has to be text");
                cell.answer.expressions.insert(name, failure.to_expression());
            }
        }
    }
    Ok(steps)
}

/// Where a line of a cell is, for the end of a message.
pub(super) fn place(label: &str, line: usize) -> String {
    format!("{label}, line {line}")
}
