//! Commands that are about the cell that they stand above: how it is compiled, what it tells, or what it is instead of code.
//! Doing what they say is up to the [plan](crate::execution::plan) of the cell.

use ipc::Script;

use super::{error::CommandError, kernel::KernelCommand};

/// A command for the one cell that it stands above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellOption {
    /// `%%opt`
    OptLevel(u8),
    /// `%%timing`
    Timing,
    /// `%%timeline`
    Timeline,
    /// `%%deps`: the cell is a table of dependencies.
    Table,
    /// `:fmt_cell`, `%%fmt`: the cell is formatted, and not run.
    Format,
    /// `%%clippy`: the cell is judged, and not run.
    Lint,
    /// `%%bash`: the cell is a script of this shell.
    Script(&'static str),
    /// `%%html`: the cell is a text of this MIME type.
    Content(&'static str),
}

/// What a cell comes to that is a script, or a text to be shown.
pub(in crate::execution) fn other_code(option: CellOption, text: &str) -> Option<KernelCommand> {
    // The commands above it are blank lines.
    let text = text.trim_start_matches(['\r', '\n']).to_owned();
    match option {
        CellOption::Script(shell) => Some(KernelCommand::Shell(Script { shell: shell.to_owned(), text, strict: true })),
        CellOption::Content(mime_type) => Some(KernelCommand::Show { mime_type, text }),
        _ => None,
    }
}

/// One of rustc's levels.
pub(super) fn level(argument: &str) -> Result<u8, CommandError> {
    match argument {
        "0" => Ok(0),
        "1" => Ok(1),
        "2" => Ok(2),
        "3" => Ok(3),
        _ => Err(CommandError::Level(argument.to_owned())),
    }
}

/// A cell that is to be formatted, whose commands end with line `end`: the lines above the code that stay, which are all
/// but `lines`, that asked for it; and the code.
pub(in crate::execution) fn split_head(cell: &str, lines: &[usize], end: usize) -> (String, String) {
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
    (head, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stay_above_the_code() {
        let both = |head: &str, code: &str| (head.to_owned(), code.to_owned());
        assert_eq!(split_head("%%fmt\n1", &[1], 1), both("", "\n1"));
        assert_eq!(split_head(":opt 3\n// why\n%%fmt\n\n1\n", &[3], 3), both(":opt 3\n// why\n", "\n\n\n\n1\n"));
        assert_eq!(split_head("%%fmt", &[1], 1), both("", "\n"));
    }
}
