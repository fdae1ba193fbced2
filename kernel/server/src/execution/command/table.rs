//! The table of all commands, as `:help` lists them. A command is added by a row here and in the file of those who answer it.

use Form::{Alone, With};

use super::{
    action::Action,
    cell::{self, CellOption},
    compiler::{self, CompilerCommand},
    dependencies::{self, DependencyCommand},
    kernel::{self, KernelCommand},
    row::{Form, Offers, Row},
    worker,
};

/// The row of a command, by one of its names.
pub(super) fn row(name: &str, whole_cell: bool) -> Option<&'static Row> {
    let name = match (name, whole_cell) {
        ("t", _) => "type",
        ("fmt", true) => "fmt_cell",
        (name, _) => name,
    };
    COMMANDS.iter().find(|row| row.name == name)
}

/// All commands.
pub(super) const COMMANDS: &[Row] = &[
    Row::new("help", "", "lists the commands", Alone(|| Action::Kernel(KernelCommand::Help))),
    Row::new(
        "vars",
        "",
        "lists the variables with their types and values",
        Alone(|| Action::Compiler(CompilerCommand::Variables)),
    ),
    Row::new(
        "clear",
        "",
        "forgets all variables, items and `use`s",
        Alone(|| Action::Compiler(CompilerCommand::Clear)),
    ),
    Row::new(
        "opt",
        "[0-3]",
        "shows or sets how much rustc optimises; `%%opt 3` is for one cell",
        With(|level| compiler::opt_level(level).map(Action::Compiler)),
    )
    .for_cell(With(|level| cell::level(level).map(CellOption::OptLevel).map(Action::Cell)))
    .offering(Offers::Words(&["0", "1", "2", "3"])),
    Row::new(
        "timing",
        "",
        "switches on and off that cells tell how long they took; `%%timing` is for one cell",
        Alone(|| Action::Kernel(KernelCommand::Timing)),
    )
    .for_cell(Alone(|| Action::Cell(CellOption::Timing))),
    Row::new(
        "tasks",
        "[live | abort …]",
        "lists the living tasks and where they wait, `live` again and again; `abort 12`, `abort cell 3` and `abort all` end them",
        With(|what| match what {
            "live" => Ok(Action::Kernel(KernelCommand::WatchTasks)),
            what => worker::tasks(what).map(Action::Worker),
        }),
    )
    .offering(Offers::Words(&["abort", "all", "cell", "live"])),
    Row::new(
        "timeline",
        "[export …]",
        "draws the tasks of the last cell, or writes them to a file; `%%timeline` draws its own cell's",
        With(|what| worker::timeline(what).map(Action::Worker)),
    )
    .for_cell(Alone(|| Action::Cell(CellOption::Timeline)))
    .offering(Offers::Words(&["export"])),
    Row::new(
        "dep",
        "rand = \"0.9\"",
        "adds a dependency, as Cargo.toml has it; `:dep -rand` takes it away",
        With(|line| dependencies::dependency(line).map(Action::Dependencies)),
    )
    .offering(Offers::Crates),
    Row::new(
        "deps",
        "",
        "`%%deps` makes the cell a `[dependencies]` table; alone it lists them",
        Alone(|| Action::Dependencies(DependencyCommand::Show)),
    )
    .for_cell(Alone(|| Action::Cell(CellOption::Table))),
    Row::new(
        "script_deps",
        "[dependencies]",
        "is what a table between `---` and `---` stands for, as cargo's scripts have it",
        With(|table| dependencies::script(table).map(Action::Dependencies)),
    ),
    Row::new("show_deps", "", "lists the dependencies", Alone(|| Action::Dependencies(DependencyCommand::Show))),
    Row::new(
        "offline",
        "[on|off]",
        "says whether dependencies are looked for on this machine only",
        With(|switch| dependencies::offline(switch).map(Action::Dependencies)),
    )
    .offering(Offers::Words(&["off", "on"])),
    Row::new(
        "cache",
        "[clear|on|off]",
        "tells how many compiles are remembered; `clear` forgets them, `off` does without in this session",
        With(|what| compiler::cache(what).map(Action::Compiler)),
    )
    .offering(Offers::Words(&["clear", "off", "on"])),
    Row::new(
        "hints",
        "[on|off] [kind]",
        "lists the kinds of hints, or switches them on and off",
        With(|switch| kernel::hints(switch).map(Action::Kernel)),
    )
    .offering(Offers::Hints),
    Row::new(
        "type",
        "expression",
        "tells the type of an expression without running it; also `:t`",
        With(|code| compiler::type_of(code).map(Action::Compiler)),
    )
    .offering(Offers::Rust),
    Row::new(
        "doc",
        "name",
        "shows the documentation of a name, as `:doc Vec::push`; also `?Vec::push`",
        With(|path| compiler::doc(path).map(Action::Compiler)),
    )
    .offering(Offers::Rust),
    Row::new(
        "fmt",
        "[{:?}|{:#?}]",
        "shows or sets how values are laid out: `fit`, as at first, puts on a line what fits on it",
        With(|layout| kernel::layout(layout).map(Action::Kernel)),
    ),
    Row::new(
        "types",
        "",
        "switches on and off that results tell their type",
        Alone(|| Action::Kernel(KernelCommand::Types)),
    ),
    Row::new(
        "env",
        "NAME=value",
        "sets an environment variable for the notebook's code",
        With(|set| kernel::env(set).map(Action::Kernel)),
    ),
    Row::new(
        "sh",
        "program",
        "runs a program by the shell; also `!program`, and `%%sh` makes the cell a script",
        With(|program| kernel::shell(program).map(Action::Kernel)),
    )
    .for_cell(Alone(|| Action::Cell(CellOption::Script("sh"))))
    .offering(Offers::Paths),
    Row::of_cells("bash", "makes the cell a script of bash", || Action::Cell(CellOption::Script("bash"))),
    Row::of_cells("html", "shows the cell as HTML", || Action::Cell(CellOption::Content("text/html"))),
    Row::of_cells("markdown", "shows the cell as Markdown", || Action::Cell(CellOption::Content("text/markdown"))),
    Row::of_cells("latex", "shows the cell as LaTeX", || Action::Cell(CellOption::Content("text/latex"))),
    Row::of_cells("svg", "shows the cell as a picture", || Action::Cell(CellOption::Content("image/svg+xml"))),
    Row::new(
        "rust",
        "install",
        "gets Rust by rustup, where there is none: into your own folders, without root",
        With(|what| kernel::rust(what).map(Action::Kernel)),
    )
    .offering(Offers::Words(&["install"])),
    Row::new(
        "explain",
        "",
        "shows rustc's explanation of the last compile error",
        Alone(|| Action::Compiler(CompilerCommand::Explain)),
    ),
    Row::new(
        "load",
        "file",
        "runs the content of a file as a cell",
        With(|file| kernel::load(file).map(Action::Kernel)),
    )
    .offering(Offers::Paths),
    Row::new(
        "fmt_cell",
        "",
        "formats the cell with rustfmt instead of running it; also `%%fmt`",
        Alone(|| Action::Cell(CellOption::Format)),
    )
    .for_cell(Alone(|| Action::Cell(CellOption::Format))),
    Row::new(
        "clippy",
        "",
        "`%%clippy` shows clippy's lints about the cell instead of running it",
        Alone(|| Action::Cell(CellOption::Lint)),
    )
    .for_cell(Alone(|| Action::Cell(CellOption::Lint))),
    Row::new(
        "export",
        "[--script] path",
        "writes the notebook so far as a cargo project that does the same, or as one file",
        With(|folder| compiler::export(folder).map(Action::Compiler)),
    )
    .offering(Offers::Paths),
    Row::new(
        "last_compile_dir",
        "",
        "tells where the kernel keeps what it compiles",
        Alone(|| Action::Kernel(KernelCommand::LastCompileDir)),
    ),
    Row::new("quit", "", "ends the kernel", Alone(|| Action::Kernel(KernelCommand::Quit))),
    Row::new(
        "version",
        "",
        "shows the versions of Kissaten and rustc",
        Alone(|| Action::Compiler(CompilerCommand::Version)),
    ),
];
