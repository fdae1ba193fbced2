//! What a cell consists of: its commands and its code become steps, and what concerns the whole cell is noted in it.

use std::collections::VecDeque;

use compiler::split_commands;
use serde_json::Value;

use super::{
    cell::{Cell, Step},
    command::{
        self, Action, CommandError,
        cell::{CellOption, split_head},
        compiler::CompilerCommand,
        dependencies::{self, DependencyCommand},
    },
    failure::Failure,
};

/// Splits a cell into its steps.
pub(super) fn plan(cell: &mut Cell) -> Result<VecDeque<Step>, Failure> {
    let (commands, code) = split_commands(&cell.content.code);
    let mut steps = VecDeque::new();
    let mut is_table = false;
    let (mut format, mut lint) = (Vec::new(), None);
    for command in &commands {
        let action = command::parse(command);
        match action.map_err(|error| failed(&error, &place(&cell.label, command.line)))?.into_step() {
            Err(CellOption::OptLevel(level)) => cell.options.opt_level = Some(level),
            Err(CellOption::Timing) => cell.options.timing = true,
            Err(CellOption::Timeline) => cell.options.timeline = true,
            Err(CellOption::Table) => is_table = true,
            Err(CellOption::Format) => format.push(command.line),
            Err(CellOption::Lint) => lint = Some(command.line),
            Ok(step) => add(&mut steps, step),
        }
    }
    if let Some(line) = format.first().copied().or(lint).filter(|_| is_table) {
        return Err(failed(&CommandError::Table, &place(&cell.label, line)));
    }
    if !format.is_empty() {
        let end = commands.last().map_or(0, |command| command.line);
        let (head, code) = split_head(&cell.content.code, &format, end);
        steps = VecDeque::from([Step::Compiler(CompilerCommand::Format { head, code })]);
    } else if lint.is_some() {
        steps.push_back(Step::Compiler(CompilerCommand::Lint(code)));
    } else if is_table {
        let change = dependencies::table(&code).map_err(|error| failed(&error, &cell.label))?;
        steps.push_back(Step::Dependencies(DependencyCommand::Change(change)));
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

fn failed(error: &CommandError, place: &str) -> Failure {
    Failure::command(&error.to_string(), place)
}

/// Changes of the dependencies that stand one after the other are built together.
fn add(steps: &mut VecDeque<Step>, step: Step) {
    match (steps.back_mut(), step) {
        (
            Some(Step::Dependencies(DependencyCommand::Change(before))),
            Step::Dependencies(DependencyCommand::Change(change)),
        ) => {
            before.and(change);
        }
        (_, step) => steps.push_back(step),
    }
}

impl Action {
    /// What it is among the steps of a cell, or what it asks for of the whole cell.
    pub(super) fn into_step(self) -> Result<Step, CellOption> {
        match self {
            Self::Cell(option) => Err(option),
            Self::Kernel(command) => Ok(Step::Kernel(command)),
            Self::Compiler(command) => Ok(Step::Compiler(command)),
            Self::Worker(report) => Ok(Step::Worker(report)),
            Self::Dependencies(command) => Ok(Step::Dependencies(command)),
        }
    }
}
