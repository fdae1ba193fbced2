//! What users of other kernels write at the head of a cell, as our own commands: `!program` is `:sh program`, `?name` and
//! `name?` are `:doc name`, and a table between `---` and `---`, as cargo's scripts have it, is `:script_deps`.

use super::Command;

/// A line that is one, if it can be no Rust: `!x` can, where `x` is a name that there is, or a value.
pub(super) fn line(line: &str, number: usize, is_name: &dyn Fn(&str) -> bool) -> Option<Command> {
    let command = |name: &str, argument: &str| Command {
        name: name.to_owned(),
        argument: argument.trim().to_owned(),
        line: number,
        lines: 1,
        whole_cell: false,
    };
    if let Some(program) = line.strip_prefix('!') {
        return is_program(program.trim_start(), is_name).then(|| command("sh", program));
    }
    let path = line.strip_prefix('?')?.trim_start_matches('?').trim();
    is_path(path).then(|| command("doc", path))
}

/// A cell that is nothing but `name?`.
pub(super) fn question(text: &str, is_name: &dyn Fn(&str) -> bool) -> Option<Command> {
    let path = text.trim().strip_suffix('?')?;
    let path = path.strip_suffix('?').unwrap_or(path);
    if !is_path(path) || is_name(first_name(path)) {
        return None;
    }
    let line = text[..text.len() - text.trim_start().len()].matches('\n').count() + 1;
    Some(Command { name: "doc".to_owned(), argument: path.to_owned(), line, lines: 1, whole_cell: false })
}

/// The table between two lines of hyphens, of which the first begins the text; it is this line of the cell.
pub(super) fn front_matter(text: &str, number: usize) -> Option<Command> {
    let mut lines = text.lines();
    let first = lines.next()?.trim_end();
    // Behind the hyphens may stand what the table is for.
    let hyphens = first.len() - first.trim_start_matches('-').len();
    let info = first[hyphens..].trim();
    if hyphens < 3 || !(info.is_empty() || info == "cargo") {
        return None;
    }
    let fence = &first[..hyphens];
    let table: Vec<&str> = lines.clone().take_while(|line| line.trim_end() != fence).collect();
    let is_closed = lines.nth(table.len()).is_some();
    let (argument, lines) = match table.iter().find(|line| !line.trim().is_empty()) {
        _ if is_closed => (table.join("\n"), table.len() + 2),
        // Nothing else could be meant.
        Some(line) if line.starts_with('[') || line.contains('=') => (OPEN_TABLE.to_owned(), table.len() + 1),
        _ => return None,
    };
    Some(Command { name: "script_deps".to_owned(), argument, line: number, lines, whole_cell: false })
}

/// What stands for a table without an end.
pub const OPEN_TABLE: &str = "---";

/// Whether the words behind a `!` begin with a program, and not with an expression.
fn is_program(words: &str, is_name: &dyn Fn(&str) -> bool) -> bool {
    let program = words.split_whitespace().next().unwrap_or_default().trim_end_matches(';');
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_alphabetic() || "./~_".contains(first))
            && word.chars().all(|character| character.is_alphanumeric() || "._-+/~".contains(character))
    };
    is_word(program)
        && !["true", "false", "self", "loop", "match", "if", "unsafe"].contains(&program)
        && !is_name(first_name(program))
}

/// The name that a path or a word begins with.
fn first_name(word: &str) -> &str {
    word.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default()
}

/// Whether this is a path of Rust, as `Vec::push` or `println!`.
fn is_path(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && name.chars().all(|character| character.is_alphanumeric() || character == '_')
    };
    text.strip_suffix('!').unwrap_or(text).split("::").all(is_name)
}

#[cfg(test)]
mod tests {
    use super::super::split_commands_among;

    fn check(text: &str) -> Vec<(String, String)> {
        let (commands, rest) = split_commands_among(text, &|name| name == "done");
        assert_eq!(rest.matches('\n').count(), text.matches('\n').count(), "{text:?}");
        commands.into_iter().map(|command| (command.name, command.argument)).collect()
    }

    fn one(name: &str, argument: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), argument.to_owned())]
    }

    #[test]
    fn programs_are_told_from_expressions() {
        for program in ["ls", "ls -l | wc", "./a.sh --x=1", "cargo +nightly -V", "echo a && b", "g++ x.cpp", "pwd; ls"]
        {
            assert_eq!(check(&format!("!{program}")), one("sh", program));
        }
        for rust in
            ["!done", "!done && x", "!true", "!(a)", "!v.is_empty()", "!0", "!matches!(x, y)", "!", "!=", "!\"x\""]
        {
            assert_eq!(check(rust), [], "{rust}");
        }
        assert_eq!(check("let x = 1;\n!ls"), [], "it stands at the head");
        assert_eq!(check("!ls\n! pwd\n1").len(), 2);
    }

    #[test]
    fn a_question_is_one_of_a_name() {
        for question in ["?Vec::push", "?? Vec::push", "Vec::push?", " Vec::push??\n"] {
            assert_eq!(check(question), one("doc", "Vec::push"), "{question}");
        }
        assert_eq!(check("println!?"), one("doc", "println!"));
        for rust in ["done?", "a.b?", "f()?", "x?\n1", "?Sized + T", "?"] {
            assert_eq!(check(rust), [], "{rust}");
        }
    }

    #[test]
    fn a_table_stands_between_fences() {
        let (commands, rest) = split_commands_among("---\n[dependencies]\nrand = \"0.9\"\n---\nlet x = 1;", &|_| false);
        let [table] = &commands[..] else { panic!("{commands:?}") };
        assert_eq!((table.name.as_str(), table.line, table.lines), ("script_deps", 1, 4));
        assert_eq!(table.argument, "[dependencies]\nrand = \"0.9\"");
        assert_eq!(rest, "\n\n\n\nlet x = 1;");
        assert_eq!(check("#!/usr/bin/env cargo\n---cargo\n---\n:opt 3").len(), 2);
        assert_eq!(check("-----\n---\n-----"), one("script_deps", "---"));
        assert_eq!(check("---\nrand = \"0.9\"\n"), one("script_deps", "---"));
        for rust in ["---\n1", "---", "--1", "---x\n---", "1\n---\n---"] {
            assert_eq!(check(rust), [], "{rust}");
        }
    }

    #[test]
    fn what_stands_below_is_no_rust() {
        assert_eq!(check("%%bash\n!x\n:opt 3\n# y"), one("bash", ""));
        assert_eq!(check(":opt 3\n%%markdown\n%vars"), [one("opt", "3"), one("markdown", "")].concat());
    }
}
