use ipc::{Hint, Layout, Report};

use super::{cell::CellOption, compiler::CompilerCommand, *};

fn check(line: &str) -> Result<Action, String> {
    let whole_cell = line.starts_with("%%");
    let (name, argument) = line.trim_start_matches([':', '%']).split_once(' ').unwrap_or((&line[1..], ""));
    let name = name.trim_start_matches('%').to_owned();
    parse(&Command { name, argument: argument.to_owned(), line: 1, lines: 1, whole_cell })
        .map_err(|error| error.to_string())
}

fn cell(option: CellOption) -> Result<Action, String> {
    Ok(Action::Cell(option))
}

fn kernel(command: KernelCommand) -> Result<Action, String> {
    Ok(Action::Kernel(command))
}

fn compiler(command: CompilerCommand) -> Result<Action, String> {
    Ok(Action::Compiler(command))
}

#[test]
fn every_listed_command_is_understood() {
    for Row { name, .. } in COMMANDS {
        let unknown = format!("there is no command `:{name}`");
        assert!(!check(&format!(":{name}")).is_err_and(|error| error.starts_with(&unknown)), "{name}");
        assert!([":", "%%"].iter().any(|sigil| help(None).contains(&format!("{sigil}{name} "))), "{name}");
    }
}

#[test]
fn arguments_are_checked() {
    assert_eq!(check(":opt 2"), compiler(CompilerCommand::OptLevel(Some(2))));
    assert_eq!(check("%opt"), compiler(CompilerCommand::OptLevel(None)));
    assert_eq!(check("%%opt 3"), cell(CellOption::OptLevel(3)));
    assert_eq!(check("%%timing"), cell(CellOption::Timing));
    assert_eq!(check(":opt 4"), Err("`:opt` takes a level from 0 to 3, not `4`".to_owned()));
    assert_eq!(check(":clear all"), Err("`:clear` takes no argument".to_owned()));
    assert_eq!(check("%%vars"), Err("`%%vars` would be for one cell; write `:vars`".to_owned()));
}

#[test]
fn tasks_are_listed_and_aborted() {
    assert_eq!(check(":tasks"), Ok(Action::Worker(Report::Tasks)));
    assert_eq!(check(":tasks live"), kernel(KernelCommand::WatchTasks));
    assert_eq!(check(":tasks abort 12"), Ok(Action::Worker(Report::AbortTask { id: 12 })));
    let of_cell = Report::AbortTasks { label: Some("cell 3".to_owned()) };
    assert_eq!(check("%tasks abort  cell 3"), Ok(Action::Worker(of_cell)));
    assert_eq!(check(":tasks abort all"), Ok(Action::Worker(Report::AbortTasks { label: None })));
    for wrong in ["abort", "abort x", "abort cell", "abort cell x", "abort 1 2", "list", "abort -1"] {
        let error = format!("`:tasks` takes `live`, `abort 12`, `abort cell 3`, `abort all` or nothing, not `{wrong}`");
        assert_eq!(check(&format!(":tasks {wrong}")), Err(error));
    }
    assert_eq!(check("%%tasks"), Err("`%%tasks` would be for one cell; write `:tasks`".to_owned()));
}

#[test]
fn timelines_are_drawn_and_exported() {
    let export = |path: &str| Ok(Action::Worker(Report::ExportTimeline { path: path.into() }));
    assert_eq!(check(":timeline"), Ok(Action::Worker(Report::Timeline)));
    assert_eq!(check("%%timeline"), cell(CellOption::Timeline));
    assert_eq!(check(":timeline export"), export("timeline.json"));
    assert_eq!(check(":timeline export  my files/a.json"), export("my files/a.json"));
    let error = "`:timeline` takes `export`, `export some/file.json` or nothing, not `exports`";
    assert_eq!(check(":timeline exports"), Err(error.to_owned()));
    assert_eq!(check("%%timeline export"), Err("`%%timeline` takes no argument".to_owned()));
}

#[test]
fn hints_are_listed_and_switched() {
    assert_eq!(check(":hints"), kernel(KernelCommand::ListHints));
    assert_eq!(check(":hints off"), kernel(KernelCommand::SwitchHints { kind: None, on: false }));
    let blocking = KernelCommand::SwitchHints { kind: Some(Hint::Blocking), on: true };
    assert_eq!(check(":hints on blocking"), kernel(blocking));
    let error = "`:hints` takes `on`, `off`, `off blocking` or nothing, not `blocking`";
    assert_eq!(check(":hints blocking"), Err(error.to_owned()));
    let error = "there is no kind of hints `x`; there are `blocking`, `panic`, `drop`, `unawaited`, `guard`, `runtime`, \
         `channel`, `waiting`";
    assert_eq!(check(":hints off x"), Err(error.to_owned()));
}

#[test]
fn cells_are_formatted_and_judged() {
    for line in [":fmt_cell", "%%fmt", "%%fmt_cell"] {
        assert_eq!(check(line), cell(CellOption::Format), "{line}");
    }
    assert_eq!(check("%%clippy"), cell(CellOption::Lint));
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
        assert_eq!(check(line), kernel(KernelCommand::Layout(layout)), "{line}");
    }
    assert_eq!(check(":fmt x"), Err("`:fmt` takes `fit`, `{:?}`, `{:#?}` or nothing, not `x`".to_owned()));
}

#[test]
fn evcxrs_commands_are_known() {
    assert_eq!(check(":t a + b"), compiler(CompilerCommand::TypeOf("a + b".to_owned())));
    assert_eq!(check(":type"), Err("`:type` takes an expression, as `:type 1 + 1`".to_owned()));
    let set = KernelCommand::SetEnv { name: "A".to_owned(), value: "b=c".to_owned() };
    assert_eq!(check(":env A=b=c"), kernel(set));
    for wrong in [":env", ":env A", ":env =b"] {
        assert_eq!(check(wrong), Err("`:env` takes a name and a value, as `:env NAME=value`".to_owned()));
    }
    assert_eq!(check(":load a b.rs"), kernel(KernelCommand::Load("a b.rs".into())));
    assert!(matches!(check(":efmt {:?}"), Ok(Action::Kernel(KernelCommand::Replaced(_)))));
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
