//! Command lines at the head of a cell: `:name argument`, `%name argument`, `%%name argument`.

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub name: String,
    pub argument: String,
    /// Counted from 1.
    pub line: usize,
    /// `%%name`: it is about this cell only.
    pub whole_cell: bool,
}

/// Splits the command lines off the head of a cell. In what is left they are blank, so that line numbers stay.
///
/// The head ends with the first line that is neither a command nor blank nor a `//` comment: further down, `:` and
/// `%` are Rust.
pub fn split_commands(text: &str) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let mut rest = String::with_capacity(text.len());
    let mut in_head = true;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim();
        match command(trimmed, index + 1).filter(|_| in_head) {
            Some(command) => {
                commands.push(command);
                rest.push_str(&line[line.trim_end_matches(['\r', '\n']).len()..]);
            }
            None => {
                in_head &= trimmed.is_empty() || trimmed.starts_with("//");
                rest.push_str(line);
            }
        }
    }
    (commands, rest)
}

fn command(line: &str, number: usize) -> Option<Command> {
    let (body, whole_cell) = match line.strip_prefix("%%") {
        Some(body) => (body, true),
        None => (line.strip_prefix(':').or_else(|| line.strip_prefix('%'))?, false),
    };
    // `::path` goes on an expression, and is none of ours.
    if !body.starts_with(|first: char| first.is_alphabetic() || first == '?') {
        return None;
    }
    let (name, argument) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    Some(Command { name: name.to_owned(), argument: argument.trim().to_owned(), line: number, whole_cell })
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_off_the_head_only() {
        let (commands, rest) = split_commands("// first\n:opt 3\n\n%vars\n%%opt  2 \nlet a = b\n%c;\n:d");
        let names: Vec<_> =
            commands.iter().map(|c| (c.name.as_str(), c.argument.as_str(), c.line, c.whole_cell)).collect();
        assert_eq!(names, [("opt", "3", 2, false), ("vars", "", 4, false), ("opt", "2", 5, true)]);
        assert_eq!(rest, "// first\n\n\n\n\nlet a = b\n%c;\n:d");
    }

    #[test]
    fn paths_and_empty_cells_are_no_commands() {
        assert_eq!(split_commands("::std::mem::drop(1)"), (vec![], "::std::mem::drop(1)".to_owned()));
        assert_eq!(split_commands(""), (vec![], String::new()));
    }
}
