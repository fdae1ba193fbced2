//! A command in the wrong place: below code, where it is Rust that does not compile.

use compiler::{CompileError, split_commands};

use super::{
    cell::Step,
    command::{self, CommandError},
    failure::Failure,
    plan::place,
    shell::Shell,
};

/// What rustc refused, which may be a command in the wrong place.
pub(super) fn compile_failure(shell: &Shell, step: &Step, error: &CompileError) -> Failure {
    let (Step::Code(code), Some(cell)) = (step, &shell.cell) else { return Failure::compile(error) };
    match misplaced(code, &error.rendered.plain) {
        Some(found) if found.is_sure => Failure::command(&found.help, &place(&cell.label, found.line)),
        Some(found) => Failure::compile(error).with_help(&found.help),
        None => Failure::compile(error),
    }
}

/// A command that stands below code, where it is Rust that does not compile; `error` says where.
struct Misplaced {
    line: usize,
    /// What to do about it.
    help: String,
    /// Whether it cannot be meant as Rust either, so that what rustc says of it helps nobody.
    is_sure: bool,
}

fn misplaced(code: &str, error: &str) -> Option<Misplaced> {
    code.lines().zip(1..).find_map(|(text, line)| {
        let (commands, _) = split_commands(text);
        let is_known = |command| !matches!(command::parse(command), Err(CommandError::Unknown { .. }));
        let is_meant = commands.first().is_some_and(is_known) && error.contains(&format!(":{line}:"));
        let text = text.trim();
        let help =
            format!("commands stand above the code: move `{text}` to the head of the cell, or to a cell of its own");
        let is_remainder = text.starts_with('%') && !text.starts_with("%%");
        is_meant.then_some(Misplaced { line, help, is_sure: !is_remainder })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_below_code_is_told_where_it_belongs() {
        let check = |code| misplaced(code, " --> cell 1:2:1").map(|found| (found.help, found.is_sure));
        let help = "commands stand above the code: move `:dep rand` to the head of the cell, or to a cell of its own";
        assert_eq!(check("let a = 1;\n  :dep rand\n"), Some((help.to_owned(), true)));
        assert!(check("let a = 1;\n%%timing").is_some_and(|(_, is_sure)| is_sure));
        assert!(check("a\n%vars").is_some_and(|(_, is_sure)| !is_sure));
        // What is no command, and what is not what is wrong.
        assert_eq!(check("let a = b\n: u8;"), None);
        assert_eq!(check("let a = 1;\n\n:dep rand"), None);
    }
}
