//! Commands about the notebook's dependencies. How one is added to a notebook while it runs is told by
//! [`dependency`](crate::execution::dependency).

use std::{env, io, path::Path};

use build::Change;
use compiler::{Notebook, OPEN_TABLE};

use super::{answer::Answer, error::CommandError};
use crate::execution::{common::Common, compiler::not_there, failure::Failure, note};

/// A command about the dependencies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DependencyCommand {
    /// They are added or taken away. An empty change builds those anew whose source has changed.
    Change(Change),
    Show,
    /// `:offline`; `None`: shows whether.
    Offline(Option<bool>),
}

/// `:dep`
pub(super) fn dependency(argument: &str) -> Result<DependencyCommand, CommandError> {
    if argument.is_empty() {
        return Ok(DependencyCommand::Show);
    }
    let change = here(|here| Change::from_line(argument, here).map_err(|error| error.to_string()))?;
    Ok(DependencyCommand::Change(change))
}

/// `:offline`
pub(super) fn offline(argument: &str) -> Result<DependencyCommand, CommandError> {
    let switch = match argument {
        "" => None,
        "on" | "1" => Some(true),
        "off" | "0" => Some(false),
        other => return Err(CommandError::Offline(other.to_owned())),
    };
    Ok(DependencyCommand::Offline(switch))
}

/// The dependencies of a `%%deps` cell.
pub(in crate::execution) fn table(text: &str) -> Result<Change, CommandError> {
    here(|here| Change::from_table(text, here).map_err(|error| error.to_string()))
}

/// The dependencies of a script of cargo's, whose table may also say what concerns cargo alone.
pub(super) fn script(table: &str) -> Result<DependencyCommand, CommandError> {
    if table == OPEN_TABLE {
        return Err(CommandError::OpenTable);
    }
    let change = here(|here| Change::from_script(table, here).map_err(|error| error.to_string()))?;
    Ok(DependencyCommand::Change(change))
}

/// Paths are relative to where the kernel was started, which is where the notebook is.
fn here(change: impl FnOnce(&Path) -> Result<Change, String>) -> Result<Change, CommandError> {
    let here = env::current_dir().map_err(|error: io::Error| error.to_string());
    here.and_then(|here| change(&here)).map_err(CommandError::Dependency)
}

impl DependencyCommand {
    /// Does it.
    pub(in crate::execution) fn perform(&self, common: &mut Common) -> Result<Answer, Failure> {
        let notebook = common.compiler.notebook().ok_or_else(not_there)?;
        Ok(match self {
            Self::Change(change) => Answer::Change(change.clone()),
            Self::Show => Answer::Say(note::plain(&list(notebook))),
            Self::Offline(switch) => {
                if let Some(offline) = switch {
                    notebook.set_offline(*offline);
                }
                let where_ = if notebook.is_offline() { "on this machine only" } else { "in the registries too" };
                Answer::Say(note::note(&format!("Dependencies are looked for {where_}.")))
            }
        })
    }
}

/// What `:show_deps` shows.
fn list(notebook: &Notebook) -> String {
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
