//! What a cell consists of: its commands and its code become steps, and what concerns the whole cell is noted in it.

use std::collections::VecDeque;

use compiler::split_commands_among;
use serde_json::Value;

use super::{
    cell::{CellOptions, Step},
    command::{
        self, Action, CommandError,
        cell::{self, CellOption, split_head},
        compiler::CompilerCommand,
        dependencies::{self, DependencyCommand},
    },
    failure::Failure,
};
use crate::request::execute::ExecuteRequest;

/// The plan of a cell: what it does, and what it asks for as a whole.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: VecDeque<Step>,
    pub(super) options: CellOptions,
    /// User expressions that are none, and what is said of them.
    pub(super) refused: Vec<(String, Failure)>,
}

/// Splits a cell into its steps.
/// `is_name`: whether the notebook has a variable of a name.
pub(super) fn plan(content: &ExecuteRequest, label: &str, is_name: &dyn Fn(&str) -> bool) -> Result<Plan, Failure> {
    let (commands, code) = split_commands_among(&content.code, is_name);
    let (mut steps, mut options) = (VecDeque::new(), CellOptions::default());
    let mut is_table = false;
    let (mut format, mut lint) = (Vec::new(), None);
    let mut other = None;
    for command in &commands {
        let action = command::parse(command);
        match action.map_err(|error| failed(&error, &place(label, command.line)))?.into_step() {
            Err(CellOption::OptLevel(level)) => options.opt_level = Some(level),
            Err(CellOption::Timing) => options.timing = true,
            Err(CellOption::Timeline) => options.timeline = true,
            Err(CellOption::Table) => is_table = true,
            Err(CellOption::Format) => format.push(command.line),
            Err(CellOption::Lint) => lint = Some(command.line),
            Err(option @ (CellOption::Script(_) | CellOption::Content(_))) => other = cell::other_code(option, &code),
            Ok(step) => add(&mut steps, step),
        }
    }
    if let Some(line) = format.first().copied().or(lint).filter(|_| is_table) {
        return Err(failed(&CommandError::Table, &place(label, line)));
    }
    if !format.is_empty() {
        let end = commands.last().map_or(0, |command| command.line);
        let (head, code) = split_head(&content.code, &format, end);
        steps = VecDeque::from([Step::Compiler(CompilerCommand::Format { head, code })]);
    } else if let Some(command) = other {
        steps.push_back(Step::Kernel(command));
    } else if lint.is_some() {
        steps.push_back(Step::Compiler(CompilerCommand::Lint(code)));
    } else if is_table {
        let change = dependencies::table(&code).map_err(|error| failed(&error, label))?;
        steps.push_back(Step::Dependencies(DependencyCommand::Change(change)));
    } else if !code.trim().is_empty() {
        steps.push_back(Step::Code(code));
    }
    let mut refused = Vec::new();
    for (name, code) in content.user_expressions.clone() {
        match code {
            Value::String(code) => steps.push_back(Step::Expression { name, code }),
            _ => refused.push((name, Failure::new("MalformedRequest", "a user expression has to be text"))),
        }
    }
    Ok(Plan { steps, options, refused })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of a cell, or its error, and what was asked for of the whole cell.
    fn check(code: &str) -> (Result<Vec<Step>, String>, String) {
        let mut content = ExecuteRequest::silent();
        code.clone_into(&mut content.code);
        match plan(&content, "cell 1", &|_| false) {
            Ok(plan) => (Ok(plan.steps.into()), format!("{:?}", plan.options)),
            Err(failure) => (Err(failure.evalue), String::new()),
        }
    }

    #[test]
    fn commands_are_steps_before_the_code() {
        let (steps, options) = check("%%timing\n:opt 1\n%%opt 3\n1");
        let level = Step::Compiler(CompilerCommand::OptLevel(Some(1)));
        assert_eq!(steps, Ok(vec![level, Step::Code("\n\n\n1".to_owned())]));
        assert_eq!(options, "CellOptions { opt_level: Some(3), timeline: false, timing: true }");
        assert_eq!(check("// nothing but words\n").0, Ok(vec![Step::Code("// nothing but words\n".to_owned())]));
        assert_eq!(check(" \n").0, Ok(Vec::new()));
    }

    #[test]
    fn a_cell_that_is_formatted_or_judged_is_not_run() {
        let (head, code) = (":version\n".to_owned(), "\n\n1".to_owned());
        assert_eq!(check(":version\n%%fmt\n1").0, Ok(vec![Step::Compiler(CompilerCommand::Format { head, code })]));
        assert_eq!(check("%%clippy\n1").0, Ok(vec![Step::Compiler(CompilerCommand::Lint("\n1".to_owned()))]));
        for line in ["%%fmt", "%%clippy"] {
            assert_eq!(check(&format!("%%deps\n{line}\n1")).0, Err(CommandError::Table.to_string()));
        }
    }

    #[test]
    fn changes_of_the_dependencies_are_made_at_once() {
        let steps = check(":dep rand\n:dep serde\n:show_deps\n:dep log\n%%deps\nregex = \"1\"").0.unwrap();
        let changes = steps.iter().map(|step| matches!(step, Step::Dependencies(DependencyCommand::Change(_))));
        assert_eq!(changes.collect::<Vec<_>>(), [true, false, true, true]);
    }
}
