//! Commands that the kernel answers by itself, at once: its settings, and what it is told to do next.

use std::{fs, path::PathBuf};

use ipc::{Hint, Layout, MimeBundle, Script};

use super::{
    answer::Answer,
    error::{CommandError, some},
};
use crate::{
    execution::{common::Common, failure::Failure, note},
    hint,
};

/// A command that the kernel answers by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KernelCommand {
    Help,
    Timing,
    ListHints,
    /// `:tasks live`
    WatchTasks,
    /// `None`: all kinds.
    SwitchHints {
        kind: Option<Hint>,
        on: bool,
    },
    Types,
    /// `:fmt`; `None`: shows how values are laid out.
    Layout(Option<Layout>),
    /// `:sh`, `%%bash`
    Shell(Script),
    /// `%%html`: a text of this MIME type is shown.
    Show {
        mime_type: &'static str,
        text: String,
    },
    SetEnv {
        name: String,
        value: String,
    },
    Load(PathBuf),
    /// `:rust install`
    InstallRust,
    LastCompileDir,
    Quit,
    /// One of others' that does nothing here: what is said instead.
    Replaced(String),
}

impl KernelCommand {
    /// Whether later cells are compiled as they were without it.
    pub(in crate::execution) fn changes_nothing(&self) -> bool {
        match self {
            Self::Types | Self::SetEnv { .. } | Self::Load(_) | Self::InstallRust | Self::Quit => false,
            Self::Help
            | Self::Timing
            | Self::ListHints
            | Self::WatchTasks
            | Self::SwitchHints { .. }
            | Self::Layout(_)
            | Self::Shell(_)
            | Self::Show { .. }
            | Self::LastCompileDir
            | Self::Replaced(_) => true,
        }
    }
}

/// `:hints`
pub(super) fn hints(argument: &str) -> Result<KernelCommand, CommandError> {
    let (switch, kind) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    let on = match switch {
        "" => return Ok(KernelCommand::ListHints),
        "on" => true,
        "off" => false,
        _ => return Err(CommandError::Hints(argument.to_owned())),
    };
    let kind = match kind.trim() {
        "" => None,
        kind => Some(hint::named(kind).ok_or_else(|| CommandError::Kind(kind.to_owned()))?),
    };
    Ok(KernelCommand::SwitchHints { kind, on })
}

/// `:fmt`
pub(super) fn layout(argument: &str) -> Result<KernelCommand, CommandError> {
    let layout = match argument {
        "" => None,
        "fit" => Some(Layout::Fit),
        "{:?}" => Some(Layout::Line),
        "{:#?}" => Some(Layout::Pretty),
        other => return Err(CommandError::Layout(other.to_owned())),
    };
    Ok(KernelCommand::Layout(layout))
}

/// `:env`
pub(super) fn env(argument: &str) -> Result<KernelCommand, CommandError> {
    let (name, value) = argument.split_once('=').ok_or(CommandError::Env)?;
    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
    // What the system's own call would refuse.
    if name.is_empty() || name.contains('\0') || value.contains('\0') {
        return Err(CommandError::Env);
    }
    Ok(KernelCommand::SetEnv { name, value })
}

/// `:sh`
pub(super) fn shell(argument: &str) -> Result<KernelCommand, CommandError> {
    let text = some(argument, CommandError::Shell)?;
    Ok(KernelCommand::Shell(Script { shell: "sh".to_owned(), text, strict: false }))
}

/// `:load`
pub(super) fn load(argument: &str) -> Result<KernelCommand, CommandError> {
    some(argument, CommandError::Load).map(|path| KernelCommand::Load(path.into()))
}

/// `:rust`
pub(super) fn rust(argument: &str) -> Result<KernelCommand, CommandError> {
    if argument == "install" { Ok(KernelCommand::InstallRust) } else { Err(CommandError::Rust) }
}

impl KernelCommand {
    /// Does it.
    pub(in crate::execution) fn perform(&self, common: &mut Common) -> Result<Answer, Failure> {
        Ok(match self {
            Self::Help => {
                let known = common.compiler.knowledge();
                Answer::List { missing: common.analyzer.note(known.place().is_known().then(|| known.place())) }
            }
            Self::Timing => {
                common.settings.timing = !common.settings.timing;
                Answer::Say(note::note(&format!("Timing is {}.", on_or_off(common.settings.timing))))
            }
            Self::WatchTasks => Answer::Run("::kissaten::watch_tasks();".to_owned()),
            Self::ListHints => Answer::Say(note::plain(&common.settings.hints.list())),
            Self::SwitchHints { kind, on } => {
                common.settings.hints.switch(*kind, *on);
                Answer::Say(note::plain(&common.settings.hints.list()))
            }
            Self::Types => {
                common.settings.types = !common.settings.types;
                Answer::Say(note::note(&format!("Types of results are {}.", on_or_off(common.settings.types))))
            }
            Self::Layout(layout) => {
                if let Some(layout) = layout {
                    common.settings.layout = *layout;
                    common.supervisor.send(ipc::Request::Layout(*layout));
                }
                let how = match common.settings.layout {
                    Layout::Fit => "so that what fits on a line is on one",
                    Layout::Line => "on one line, as `{:?}` does",
                    Layout::Pretty => "with a line for each field, as `{:#?}` does",
                };
                Answer::Say(note::note(&format!("Values are laid out {how}.")))
            }
            Self::SetEnv { name, value } => {
                // Now, and in every worker to come.
                common.supervisor.set_env(name, value);
                Answer::Run(format!("unsafe {{ ::std::env::set_var({name:?}, {value:?}) }};"))
            }
            Self::Shell(script) => Answer::Shell(script.clone()),
            Self::Show { mime_type, text } => {
                let data = [*mime_type, "text/plain"].map(|kind| (kind.to_owned(), text.clone().into()));
                Answer::Say(note::bundle(MimeBundle::from_iter(data), MimeBundle::new()))
            }
            Self::Load(path) => match fs::read_to_string(path) {
                Ok(text) => Answer::Load { path: path.clone(), text },
                Err(error) => {
                    let sentence = format!("`{}` cannot be read: {error}", path.display());
                    return Err(Failure::new("CommandError", &sentence));
                }
            },
            Self::InstallRust => Answer::InstallRust,
            Self::LastCompileDir => Answer::Say(note::plain(&common.compiler.directory().display().to_string())),
            Self::Quit => Answer::Quit,
            Self::Replaced(sentence) => Answer::Say(note::note(sentence)),
        })
    }
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
