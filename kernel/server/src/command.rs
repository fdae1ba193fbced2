//! The commands that a cell may begin with, `:name argument` or `%name argument`: which there are, and what their
//! arguments mean. Doing them is [`execution`](crate::execution)'s.

mod complete;
mod evcxr;
mod habit;

use std::path::PathBuf;

use compiler::{Change, Command};
use ipc::{Hint, Layout, Report};

pub(crate) use self::complete::complete;
pub(crate) use self::habit::of_crate;
use crate::hint;

/// Where `:timeline export` writes to if it is not told.
const EXPORT: &str = "timeline.json";

/// What a command asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Help,
    Vars,
    Clear,
    ShowOpt,
    SetOpt(u8),
    /// `%%opt`: for this cell alone.
    OptOnce(u8),
    Timing,
    /// `%%timing`: for this cell alone.
    TimingOnce,
    /// What the worker is asked to tell. A path in it is as it was written.
    Report(Report),
    /// `%%timeline`: for this cell alone.
    TimelineOnce,
    ListHints,
    /// `None`: all kinds.
    SwitchHints {
        kind: Option<Hint>,
        on: bool,
    },
    Version,
    /// Dependencies are added or taken away. An empty change builds those anew whose source has changed.
    Dependencies(Change),
    /// `%%deps`: the cell is a table of dependencies.
    DependencyTable,
    ShowDependencies,
    /// `:offline`; `None`: shows whether.
    Offline(Option<bool>),
    /// `:type`: of an expression that is not run.
    TypeOf(String),
    /// `:doc`: of a name.
    Doc(String),
    /// `:types`
    Types,
    /// `:fmt`; `None`: shows how.
    Layout(Option<Layout>),
    SetEnv {
        name: String,
        value: String,
    },
    Explain,
    /// `:load`
    Load(PathBuf),
    LastCompileDir,
    Export(PathBuf),
    Quit,
    /// `:fmt_cell`, `%%fmt`: the cell is formatted, and not run.
    FormatCell,
    /// The code of such a cell, and the lines above it, which stay.
    Format {
        head: String,
        code: String,
    },
    /// `%%clippy`: the cell is judged, and not run.
    LintCell,
    /// The code of such a cell.
    Lint(String),
    /// One of evcxr's that does nothing here: what is said instead.
    Replaced(String),
}

/// Why a command cannot be done. The texts are for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("there is no command `:{name}`{}", nearest.map_or_else(
        || "; `:help` lists them".to_owned(),
        |nearest| format!("; did you mean `:{nearest}`?"),
    ))]
    Unknown { name: String, nearest: Option<&'static str> },
    #[error("`:{0}` takes no argument")]
    Argument(&'static str),
    #[error("`:opt` takes a level from 0 to 3, not `{0}`")]
    Level(String),
    #[error("`:tasks` takes `abort 12`, `abort cell 3`, `abort all` or nothing, not `{0}`")]
    Tasks(String),
    #[error("`:timeline` takes `export`, `export some/file.json` or nothing, not `{0}`")]
    Timeline(String),
    #[error("{0}")]
    Dependency(String),
    #[error("`:offline` takes `on`, `off` or nothing, not `{0}`")]
    Offline(String),
    #[error("`:fmt` takes `fit`, `{{:?}}`, `{{:#?}}` or nothing, not `{0}`")]
    Layout(String),
    #[error("`:hints` takes `on`, `off`, `off blocking` or nothing, not `{0}`")]
    Hints(String),
    #[error("there is no kind of hints `{0}`; there are {names}", names = hint::names())]
    Kind(String),
    #[error("`:type` takes an expression, as `:type 1 + 1`")]
    Type,
    #[error("`:doc` takes a name, as `:doc Vec::push`")]
    Doc,
    #[error("`:env` takes a name and a value, as `:env NAME=value`")]
    Env,
    #[error("`:export` takes the path of a folder")]
    Export,
    #[error("`:load` takes the path of a file")]
    Load,
    #[error("a table of dependencies is no Rust code")]
    Table,
    #[error("`%%{0}` takes no argument")]
    OnceArgument(&'static str),
    #[error("`%%{0}` would be for one cell; write `:{0}`")]
    NotForOneCell(&'static str),
    #[error("`%time` takes no code; `%%timing` above a cell tells how long that took")]
    Time,
    #[error("`%%{name}` is none of Kissaten's, whose cells are Rust: {instead}")]
    OtherCode { name: String, instead: &'static str },
}

/// Names, arguments and words of all commands, as `:help` lists them.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "", "lists the commands"),
    ("vars", "", "lists the variables with their types and values"),
    ("clear", "", "forgets all variables, items and `use`s"),
    ("opt", "[0-3]", "shows or sets how much rustc optimises; `%%opt 3` is for one cell"),
    ("timing", "", "switches on and off that cells tell how long they took; `%%timing` is for one cell"),
    ("tasks", "[abort …]", "lists the living tasks; `abort 12`, `abort cell 3` and `abort all` end them"),
    (
        "timeline",
        "[export …]",
        "draws the tasks of the last cell, or writes them to a file; `%%timeline` draws its own cell's",
    ),
    ("dep", "rand = \"0.9\"", "adds a dependency, as Cargo.toml has it; `:dep -rand` takes it away"),
    ("deps", "", "`%%deps` makes the cell a `[dependencies]` table; alone it lists them"),
    ("show_deps", "", "lists the dependencies"),
    ("offline", "[on|off]", "says whether dependencies are looked for on this machine only"),
    ("hints", "[on|off] [kind]", "lists the kinds of hints, or switches them on and off"),
    ("type", "expression", "tells the type of an expression without running it; also `:t`"),
    ("doc", "name", "shows the documentation of a name, as `:doc Vec::push`"),
    (
        "fmt",
        "[{:?}|{:#?}]",
        "shows or sets how values are laid out: `fit`, as at first, puts on a line what fits on it",
    ),
    ("types", "", "switches on and off that results tell their type"),
    ("env", "NAME=value", "sets an environment variable for the notebook's code"),
    ("explain", "", "shows rustc's explanation of the last compile error"),
    ("load", "file", "runs the content of a file as a cell"),
    ("fmt_cell", "", "formats the cell with rustfmt instead of running it; also `%%fmt`"),
    ("clippy", "", "`%%clippy` shows clippy's lints about the cell instead of running it"),
    ("export", "folder", "writes the notebook so far as a cargo project that does the same"),
    ("last_compile_dir", "", "tells where the kernel keeps what it compiles"),
    ("quit", "", "ends the kernel"),
    ("version", "", "shows the versions of Kissaten and rustc"),
];

/// What a command line means.
pub(crate) fn parse(command: &Command) -> Result<Action, CommandError> {
    let typed = match (command.name.as_str(), command.whole_cell) {
        ("t", _) => "type",
        ("fmt", true) => "fmt_cell",
        (name, _) => name,
    };
    let Some(&(name, ..)) = COMMANDS.iter().find(|(name, ..)| *name == typed) else {
        if let Some(sentence) = evcxr::replaced(&command.name) {
            return Ok(Action::Replaced(sentence));
        }
        match habit::habit(command) {
            Some(Ok(habit::Habit::Same(same))) => return parse(&same),
            Some(Ok(habit::Habit::Instead(sentence))) => return Ok(Action::Replaced(sentence)),
            Some(Err(error)) => return Err(error),
            None => {}
        }
        return Err(CommandError::Unknown { name: command.name.clone(), nearest: nearest(&command.name) });
    };
    let argument = command.argument.trim();
    if name == "opt" {
        return match (argument, command.whole_cell) {
            ("", false) => Ok(Action::ShowOpt),
            ("0" | "1" | "2" | "3", whole_cell) => {
                let level = argument.as_bytes()[0] - b'0';
                Ok(if whole_cell { Action::OptOnce(level) } else { Action::SetOpt(level) })
            }
            _ => Err(CommandError::Level(argument.to_owned())),
        };
    }
    match (name, command.whole_cell) {
        ("tasks", false) => return tasks(argument).map(Action::Report),
        ("timeline", false) => return timeline(argument).map(Action::Report),
        ("hints", false) => return hints(argument),
        ("dep", false) if !argument.is_empty() => return dependency(argument),
        ("offline", false) => return offline(argument),
        ("fmt", false) => return layout(argument),
        ("type", false) => return some(argument, CommandError::Type).map(Action::TypeOf),
        ("doc", false) => return some(argument, CommandError::Doc).map(Action::Doc),
        ("env", false) => return env(argument),
        ("export", false) => return some(argument, CommandError::Export).map(|path| Action::Export(path.into())),
        ("load", false) => return some(argument, CommandError::Load).map(|path| Action::Load(path.into())),
        (_, true) if !argument.is_empty() => return Err(CommandError::OnceArgument(name)),
        _ if !argument.is_empty() => return Err(CommandError::Argument(name)),
        _ => {}
    }
    match (name, command.whole_cell) {
        ("timeline", true) => Ok(Action::TimelineOnce),
        ("deps", true) => Ok(Action::DependencyTable),
        ("dep" | "deps" | "show_deps", false) => Ok(Action::ShowDependencies),
        ("fmt_cell", _) => Ok(Action::FormatCell),
        ("clippy", _) => Ok(Action::LintCell),
        ("timing", true) => Ok(Action::TimingOnce),
        ("timing", false) => Ok(Action::Timing),
        (_, true) => Err(CommandError::NotForOneCell(name)),
        ("help", false) => Ok(Action::Help),
        ("vars", false) => Ok(Action::Vars),
        ("clear", false) => Ok(Action::Clear),
        ("types", false) => Ok(Action::Types),
        ("explain", false) => Ok(Action::Explain),
        ("last_compile_dir", false) => Ok(Action::LastCompileDir),
        ("quit", false) => Ok(Action::Quit),
        _ => Ok(Action::Version),
    }
}

fn some(argument: &str, missing: CommandError) -> Result<String, CommandError> {
    if argument.is_empty() { Err(missing) } else { Ok(argument.to_owned()) }
}

fn env(argument: &str) -> Result<Action, CommandError> {
    let (name, value) = argument.split_once('=').ok_or(CommandError::Env)?;
    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
    // What the system's own call would refuse.
    if name.is_empty() || name.contains('\0') || value.contains('\0') {
        return Err(CommandError::Env);
    }
    Ok(Action::SetEnv { name, value })
}

fn tasks(argument: &str) -> Result<Report, CommandError> {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let number = |word: &str| word.parse::<u64>().map_err(|_| CommandError::Tasks(argument.to_owned()));
    match words.as_slice() {
        [] => Ok(Report::Tasks),
        ["abort", "all"] => Ok(Report::AbortTasks { label: None }),
        ["abort", "cell", cell] => Ok(Report::AbortTasks { label: Some(format!("cell {}", number(cell)?)) }),
        ["abort", id] => Ok(Report::AbortTask { id: number(id)? }),
        _ => Err(CommandError::Tasks(argument.to_owned())),
    }
}

fn timeline(argument: &str) -> Result<Report, CommandError> {
    match argument.split_once(char::is_whitespace).unwrap_or((argument, "")) {
        ("", _) => Ok(Report::Timeline),
        ("export", path) => {
            let path = path.trim();
            Ok(Report::ExportTimeline { path: if path.is_empty() { EXPORT } else { path }.into() })
        }
        _ => Err(CommandError::Timeline(argument.to_owned())),
    }
}

fn dependency(argument: &str) -> Result<Action, CommandError> {
    // Paths are relative to where the kernel was started, which is where the notebook is.
    let change = std::env::current_dir().map_err(|error| error.to_string());
    let change = change.and_then(|here| Change::from_line(argument, &here).map_err(|error| error.to_string()));
    change.map(Action::Dependencies).map_err(CommandError::Dependency)
}

/// The dependencies of a `%%deps` cell.
pub(crate) fn dependency_table(text: &str) -> Result<Action, CommandError> {
    let change = std::env::current_dir().map_err(|error| error.to_string());
    let change = change.and_then(|here| Change::from_table(text, &here).map_err(|error| error.to_string()));
    change.map(Action::Dependencies).map_err(CommandError::Dependency)
}

fn offline(argument: &str) -> Result<Action, CommandError> {
    match argument {
        "" => Ok(Action::Offline(None)),
        "on" | "1" => Ok(Action::Offline(Some(true))),
        "off" | "0" => Ok(Action::Offline(Some(false))),
        other => Err(CommandError::Offline(other.to_owned())),
    }
}

fn layout(argument: &str) -> Result<Action, CommandError> {
    match argument {
        "" => Ok(Action::Layout(None)),
        "fit" => Ok(Action::Layout(Some(Layout::Fit))),
        "{:?}" => Ok(Action::Layout(Some(Layout::Line))),
        "{:#?}" => Ok(Action::Layout(Some(Layout::Pretty))),
        other => Err(CommandError::Layout(other.to_owned())),
    }
}

fn hints(argument: &str) -> Result<Action, CommandError> {
    let (switch, kind) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    let on = match switch {
        "" => return Ok(Action::ListHints),
        "on" => true,
        "off" => false,
        _ => return Err(CommandError::Hints(argument.to_owned())),
    };
    let kind = match kind.trim() {
        "" => None,
        kind => Some(hint::named(kind).ok_or_else(|| CommandError::Kind(kind.to_owned()))?),
    };
    Ok(Action::SwitchHints { kind, on })
}

/// The table that `:help` shows, and under it what the kernel has to go without.
pub(crate) fn help(note: Option<&str>) -> String {
    let mut text = String::from("Commands stand at the head of a cell; `%name` is the same as `:name`.\n");
    for (name, argument, words) in COMMANDS {
        let usage = format!(":{name} {argument}");
        text.push_str(&format!("\n  {usage:<22} {words}"));
    }
    text.push_str("\n\nevcxr's other commands say what is there instead of them.");
    if let Some(note) = note {
        text.push_str("\n\n");
        text.push_str(note);
    }
    text
}

/// The command that was most likely meant, if any is near enough.
fn nearest(name: &str) -> Option<&'static str> {
    let begun = COMMANDS.iter().map(|(command, ..)| *command).find(|command| command.starts_with(name));
    begun.filter(|_| !name.is_empty()).or_else(|| {
        let candidates = COMMANDS.iter().map(|(command, ..)| (distance(name, command), *command));
        candidates
            .min()
            .filter(|(distance, command)| *distance <= 2 && *distance < command.len())
            .map(|(_, command)| command)
    })
}

/// How many characters must be changed, added, taken away or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                let least = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                    least.min(rows[i - 2][j - 2] + 1)
                } else {
                    least
                }
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Action, String> {
        let whole_cell = line.starts_with("%%");
        let (name, argument) = line.trim_start_matches([':', '%']).split_once(' ').unwrap_or((&line[1..], ""));
        let name = name.trim_start_matches('%').to_owned();
        parse(&Command { name, argument: argument.to_owned(), line: 1, whole_cell }).map_err(|error| error.to_string())
    }

    #[test]
    fn every_listed_command_is_understood() {
        for (name, ..) in COMMANDS {
            let unknown = format!("there is no command `:{name}`");
            assert!(!check(&format!(":{name}")).is_err_and(|error| error.starts_with(&unknown)), "{name}");
            assert!(help(None).contains(&format!(":{name}")));
        }
    }

    #[test]
    fn arguments_are_checked() {
        assert_eq!(check(":opt 2"), Ok(Action::SetOpt(2)));
        assert_eq!(check("%opt"), Ok(Action::ShowOpt));
        assert_eq!(check("%%opt 3"), Ok(Action::OptOnce(3)));
        assert_eq!(check("%%timing"), Ok(Action::TimingOnce));
        assert_eq!(check(":opt 4"), Err("`:opt` takes a level from 0 to 3, not `4`".to_owned()));
        assert_eq!(check(":clear all"), Err("`:clear` takes no argument".to_owned()));
        assert_eq!(check("%%vars"), Err("`%%vars` would be for one cell; write `:vars`".to_owned()));
    }

    #[test]
    fn tasks_are_listed_and_aborted() {
        assert_eq!(check(":tasks"), Ok(Action::Report(Report::Tasks)));
        assert_eq!(check(":tasks abort 12"), Ok(Action::Report(Report::AbortTask { id: 12 })));
        let of_cell = Report::AbortTasks { label: Some("cell 3".to_owned()) };
        assert_eq!(check("%tasks abort  cell 3"), Ok(Action::Report(of_cell)));
        assert_eq!(check(":tasks abort all"), Ok(Action::Report(Report::AbortTasks { label: None })));
        for wrong in ["abort", "abort x", "abort cell", "abort cell x", "abort 1 2", "list", "abort -1"] {
            let error = format!("`:tasks` takes `abort 12`, `abort cell 3`, `abort all` or nothing, not `{wrong}`");
            assert_eq!(check(&format!(":tasks {wrong}")), Err(error));
        }
        assert_eq!(check("%%tasks"), Err("`%%tasks` would be for one cell; write `:tasks`".to_owned()));
    }

    #[test]
    fn timelines_are_drawn_and_exported() {
        let export = |path: &str| Ok(Action::Report(Report::ExportTimeline { path: path.into() }));
        assert_eq!(check(":timeline"), Ok(Action::Report(Report::Timeline)));
        assert_eq!(check("%%timeline"), Ok(Action::TimelineOnce));
        assert_eq!(check(":timeline export"), export("timeline.json"));
        assert_eq!(check(":timeline export  my files/a.json"), export("my files/a.json"));
        let error = "`:timeline` takes `export`, `export some/file.json` or nothing, not `exports`";
        assert_eq!(check(":timeline exports"), Err(error.to_owned()));
        assert_eq!(check("%%timeline export"), Err("`%%timeline` takes no argument".to_owned()));
    }

    #[test]
    fn hints_are_listed_and_switched() {
        assert_eq!(check(":hints"), Ok(Action::ListHints));
        assert_eq!(check(":hints off"), Ok(Action::SwitchHints { kind: None, on: false }));
        let blocking = Action::SwitchHints { kind: Some(Hint::Blocking), on: true };
        assert_eq!(check(":hints on blocking"), Ok(blocking));
        let error = "`:hints` takes `on`, `off`, `off blocking` or nothing, not `blocking`";
        assert_eq!(check(":hints blocking"), Err(error.to_owned()));
        let error = "there is no kind of hints `x`; there are `blocking`, `panic`, `drop`, `unawaited`, `guard`, `runtime`, \
             `channel`";
        assert_eq!(check(":hints off x"), Err(error.to_owned()));
    }

    #[test]
    fn cells_are_formatted_and_judged() {
        for line in [":fmt_cell", "%%fmt", "%%fmt_cell"] {
            assert_eq!(check(line), Ok(Action::FormatCell), "{line}");
        }
        assert_eq!(check("%%clippy"), Ok(Action::LintCell));
        assert_eq!(check("%%clippy all"), Err("`%%clippy` takes no argument".to_owned()));
    }

    #[test]
    fn values_are_laid_out_as_evcxr_says_it() {
        for (line, layout) in [
            (":fmt", None),
            (":fmt fit", Some(Layout::Fit)),
            (":fmt {:?}", Some(Layout::Line)),
            ("%fmt {:#?}", Some(Layout::Pretty)),
        ] {
            assert_eq!(check(line), Ok(Action::Layout(layout)), "{line}");
        }
        assert_eq!(check(":fmt x"), Err("`:fmt` takes `fit`, `{:?}`, `{:#?}` or nothing, not `x`".to_owned()));
    }

    #[test]
    fn evcxrs_commands_are_known() {
        assert_eq!(check(":t a + b"), Ok(Action::TypeOf("a + b".to_owned())));
        assert_eq!(check(":type"), Err("`:type` takes an expression, as `:type 1 + 1`".to_owned()));
        let set = Action::SetEnv { name: "A".to_owned(), value: "b=c".to_owned() };
        assert_eq!(check(":env A=b=c"), Ok(set));
        for wrong in [":env", ":env A", ":env =b"] {
            assert_eq!(check(wrong), Err("`:env` takes a name and a value, as `:env NAME=value`".to_owned()));
        }
        assert_eq!(check(":load a b.rs"), Ok(Action::Load("a b.rs".into())));
        assert!(matches!(check(":efmt {:?}"), Ok(Action::Replaced(_))));
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        for (typed, meant) in [
            ("hlep", "help"),
            ("var", "vars"),
            ("versoin", "version"),
            ("op", "opt"),
            ("ti", "timing"),
            ("tsaks", "tasks"),
            ("timelin", "timeline"),
        ] {
            let message = check(&format!(":{typed}")).unwrap_err();
            assert_eq!(message, format!("there is no command `:{typed}`; did you mean `:{meant}`?"));
        }
        assert_eq!(check(":xyzzy").unwrap_err(), "there is no command `:xyzzy`; `:help` lists them");
    }
}
