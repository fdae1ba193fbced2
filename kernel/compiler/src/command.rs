//! Command lines at the head of a cell: `:name argument`, `%name argument`, `%%name argument`, and what users of other
//! kernels write for some: `!program`, `?name`, a table of dependencies between two fences.

mod habit;

pub use self::habit::OPEN_TABLE;

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub name: String,
    pub argument: String,
    /// Counted from 1.
    pub line: usize,
    /// How many lines it takes: more than one only between fences.
    pub lines: usize,
    /// `%%name`: it is about this cell only.
    pub whole_cell: bool,
}

/// Splits the command lines off the head of a cell. In what is left they are blank, so that line numbers stay. So is what
/// a file may begin with and is no Rust: a byte order mark, a line `#!/usr/bin/env …`.
///
/// The head ends with the first line that is neither a command nor blank nor a `//` comment: further down, `:` and
/// `%` are Rust. It also ends with a command that says that what stands below is no Rust ([`is_other_code`]).
pub fn split_commands(text: &str) -> (Vec<Command>, String) {
    split_commands_among(text, &|_| false)
}

/// As [`split_commands`], where `!x` and `x?` are Rust if `x` is one of the names that the notebook has.
pub fn split_commands_among(text: &str, is_name: &dyn Fn(&str) -> bool) -> (Vec<Command>, String) {
    let (marks, text) = split_file_marks(text);
    let (commands, rest) = split(text, is_name);
    (commands, " ".repeat(marks.chars().count()) + &rest)
}

/// Whether what stands below `%%name` is no Rust, to its last line.
pub fn is_other_code(name: &str) -> bool {
    ["bash", "html", "latex", "markdown", "sh", "svg"].contains(&name)
}

/// What makes a file of a text, of one line and without its end, and the text.
fn split_file_marks(text: &str) -> (&str, &str) {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let line = ra_ap_rustc_lexer::strip_shebang(&text[mark..]).unwrap_or(0);
    text.split_at(mark + line)
}

fn split(text: &str, is_name: &dyn Fn(&str) -> bool) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let mut rest = String::with_capacity(text.len());
    let mut in_head = true;
    // The lines of a table between fences that are still to come.
    let mut fenced = 0;
    let mut read = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let from_here = &text[read..];
        read += line.len();
        if fenced > 0 {
            fenced -= 1;
            rest.push_str(end_of_line(line));
            continue;
        }
        let trimmed = line.trim();
        let found = || {
            let habit =
                || habit::line(trimmed, index + 1, is_name).or_else(|| habit::front_matter(from_here, index + 1));
            command(trimmed, index + 1).or_else(habit)
        };
        match in_head.then(found).flatten() {
            Some(command) => {
                in_head = !(command.whole_cell && is_other_code(&command.name));
                fenced = command.lines - 1;
                commands.push(command);
                rest.push_str(end_of_line(line));
            }
            None => {
                in_head &= trimmed.is_empty() || trimmed.starts_with("//");
                rest.push_str(line);
            }
        }
    }
    if let Some(command) = habit::question(&rest, is_name).filter(|_| in_code(&commands)) {
        commands.push(command);
        rest = rest.split_inclusive('\n').map(end_of_line).collect();
    }
    (commands, rest)
}

/// Whether what stands below these is Rust.
fn in_code(commands: &[Command]) -> bool {
    !commands.iter().any(|command| command.whole_cell && is_other_code(&command.name))
}

/// What ends a line, which stays where the line goes.
fn end_of_line(line: &str) -> &str {
    &line[line.trim_end_matches(['\r', '\n']).len()..]
}

/// The cell with its command lines blank, and every other byte where it was.
pub(crate) fn blank_commands(text: &str) -> String {
    let commands = split_commands(text).0;
    let lines: Vec<usize> = commands.iter().flat_map(|command| command.line..command.line + command.lines).collect();
    let (marks, code) = split_file_marks(text);
    let text = " ".repeat(marks.len()) + code;
    let lines = text.split_inclusive('\n').enumerate().map(|(index, line)| match lines.contains(&(index + 1)) {
        true => line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect(),
        false => line.to_owned(),
    });
    lines.collect()
}

/// The command line that the cursor is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandAt {
    /// Where its name begins, behind `:` or `%`; bytes into the cell.
    pub start: usize,
    /// `%%`: it is about this cell only.
    pub whole_cell: bool,
    /// The name, as far as the cursor; all of it where there is an argument.
    pub name: String,
    /// What of the argument stands before the cursor, and where it begins. `None`: the cursor is in the name.
    pub argument: Option<(usize, String)>,
}

/// The command that is being written at the cursor, a number of bytes into the cell, if it is one.
pub fn command_at(text: &str, cursor: usize) -> Option<CommandAt> {
    let marks = split_file_marks(text).0.len();
    let before = text.get(..cursor)?;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    // Only at the head.
    let is_head = |line: &str| line.is_empty() || line.starts_with("//") || command(line, 1).is_some();
    let head = before[..begin].get(marks..).unwrap_or_default();
    if !head.lines().all(|line| is_head(line.trim())) {
        return None;
    }
    let begin = begin.max(marks.min(before.len()));
    let line = &before[begin..];
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let sigil = ["%%", "%", ":"].into_iter().find(|sigil| rest.starts_with(sigil))?;
    let body = &rest[sigil.len()..];
    if body.starts_with([':', '%']) {
        return None;
    }
    let start = begin + indent + sigil.len();
    let (name, argument) = match body.find(char::is_whitespace) {
        Some(at) => {
            let argument = body[at..].trim_start();
            (&body[..at], Some((cursor - argument.len(), argument.to_owned())))
        }
        None => (body, None),
    };
    Some(CommandAt { start, whole_cell: sigil == "%%", name: name.to_owned(), argument })
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
    Some(Command { name: name.to_owned(), argument: argument.trim().to_owned(), line: number, lines: 1, whole_cell })
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
    fn what_only_a_file_begins_with_is_blank() {
        let check = |text: &str| {
            let (commands, rest) = split_commands(text);
            (commands.iter().map(|command| command.line).collect::<Vec<_>>(), rest)
        };
        assert_eq!(check("\u{feff}:dep x\n1"), (vec![1], " \n1".to_owned()));
        assert_eq!(check("#!/usr/bin/env x\n:opt 3\n1"), (vec![2], "                \n\n1".to_owned()));
        assert_eq!(check("\u{feff}#!x"), (vec![], "    ".to_owned()));
        assert_eq!(check("#![allow(x)]\n1"), (vec![], "#![allow(x)]\n1".to_owned()));
        assert_eq!(blank_commands("\u{feff}#!é\n:opt\n1"), "       \n    \n1");
        assert_eq!(command_at("\u{feff}:dep", 5).map(|found| found.start), Some(4));
    }

    #[test]
    fn commands_are_blanked_in_place() {
        assert_eq!(blank_commands(":é x\nlet a = 1;\n"), "     \nlet a = 1;\n");
    }

    #[test]
    fn the_command_at_the_cursor_is_found() {
        let check = |text: &str| {
            let cursor = text.find('|').unwrap();
            let found = command_at(&text.replace('|', ""), cursor)?;
            Some((found.name, found.start, found.whole_cell, found.argument))
        };
        assert_eq!(check(":de|p"), Some(("de".to_owned(), 1, false, None)));
        assert_eq!(check("// a\n%%|"), Some((String::new(), 7, true, None)));
        assert_eq!(check(" :dep  ra|nd"), Some(("dep".to_owned(), 2, false, Some((7, "ra".to_owned())))));
        assert_eq!(check("let a = b\n:de|"), None);
        assert_eq!(check("::st|"), None);
        assert_eq!(check("x|"), None);
    }

    #[test]
    fn paths_and_empty_cells_are_no_commands() {
        assert_eq!(split_commands("::std::mem::drop(1)"), (vec![], "::std::mem::drop(1)".to_owned()));
        assert_eq!(split_commands(""), (vec![], String::new()));
    }
}
