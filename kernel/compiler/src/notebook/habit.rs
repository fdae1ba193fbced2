//! What is written out of habit from other kernels, and is no command: what is said of it where rustc misses something.

/// A note on an error that a habit led to; `line` is the text of the line that it points at.
pub(super) fn note(message: &str, code: &str, line: &str) -> Option<String> {
    let name = message.split('`').nth(1).unwrap_or_default();
    let is_underscore = message.starts_with("in expressions, `_` can only be used");
    if is_underscore || code == "E0425" && is_result(name) {
        return Some("a result has no name here, as `_` and `Out[3]` are in IPython: write `let x = …;` to keep one, and `x` to show it".to_owned());
    }
    let line = line.trim();
    let word =
        line.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default();
    let is_syntax = message.starts_with("expected ");
    if line.starts_with('!') && (code == "E0425" || is_syntax) {
        return Some("help: `!program` stands above the code, at the head of a cell".to_owned());
    }
    if let Some(asked) = asked(line).filter(|_| is_syntax || matches!(code, "E0423" | "E0425" | "E0277")) {
        return Some(format!("help: `:doc {asked}` at the head of a cell shows the documentation"));
    }
    if code == "E0425" && (name == line || line.starts_with(&format!("{name}("))) {
        let instead = match name {
            "quit" | "exit" => "`:quit` at the head of a cell ends the kernel",
            "dir" | "vars" | "globals" | "locals" => "`:vars` at the head of a cell lists the variables",
            "help" => "`:help` at the head of a cell lists the commands",
            _ => return None,
        };
        return Some(format!("help: {instead}"));
    }
    if line.starts_with("# ") && is_syntax {
        return Some("help: a comment begins with `//` in Rust".to_owned());
    }
    let is_python = matches!(word, "import" | "from" | "def") && line.starts_with(&format!("{word} "));
    (is_python && is_syntax).then(|| format!("a cell is Rust: `{word}` is Python's"))
}

/// What is asked for in the ways of IPython: `?Vec`, `Vec?`, `Vec??`, `help(Vec)`.
fn asked(line: &str) -> Option<&str> {
    let called = line.strip_prefix("help(").and_then(|line| line.strip_suffix(')'));
    let name = called.or_else(|| line.strip_prefix('?').or_else(|| line.strip_suffix('?')))?.trim_matches('?').trim();
    let is_path = |character: char| character == '_' || character == ':' || character.is_alphanumeric();
    (!name.is_empty() && name.chars().all(is_path)).then_some(name)
}

/// IPython's `Out`, `In`, `_`, `__`, `_3`, `_i3`, `_ih`.
fn is_result(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|character| character.is_ascii_digit());
    matches!(name, "Out" | "In" | "__" | "___" | "_i" | "_ih" | "_oh" | "_ii")
        || name.strip_prefix("_i").or_else(|| name.strip_prefix('_')).is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_no_names() {
        let missing = |name: &str| note(&format!("cannot find value `{name}` in this scope"), "E0425", "").is_some();
        assert!(missing("Out") && missing("_3") && missing("__") && missing("_i12"));
        assert!(!missing("_x") && !missing("out") && !missing("x_3") && missing("_i"));
        assert!(note("in expressions, `_` can only be used on the left-hand side of an assignment", "", "").is_some());
        assert!(note("cannot find type `Out` in this scope", "E0412", "").is_none());
    }

    #[test]
    fn what_is_asked_in_another_language_is_answered() {
        let told = |line: &str, message: &str, code: &str| note(message, code, line);
        let missing =
            |line: &str, name: &str| told(line, &format!("cannot find value `{name}` in this scope"), "E0425");
        assert!(missing("!ls", "ls").unwrap().contains("at the head of a cell"));
        assert!(missing("let x = !ls;", "ls").is_none());
        assert!(told("?Vec", "expected expression, found `?`", "").unwrap().contains("`:doc Vec`"));
        assert!(told("Vec?", "expected value, found struct `Vec`", "E0423").unwrap().contains("`:doc Vec`"));
        assert!(missing("help(Vec::push)", "help").unwrap().contains("`:doc Vec::push`"));
        assert!(missing("let n = text.parse()?", "text").is_none());
        assert!(missing("quit()", "quit").unwrap().contains("`:quit`"));
        assert!(missing("exit", "exit").unwrap().contains("`:quit`"));
        assert!(missing("dir()", "dir").unwrap().contains("`:vars`"));
        assert!(missing("let x = dir();", "dir").is_none());
        assert!(told("import numpy as np", "expected one of 8 possible tokens", "").unwrap().contains("`import`"));
        assert!(told("# a word", "expected one of `!` or `[`, found `a`", "").unwrap().contains("`//`"));
        assert!(told("importer(1)", "expected one of 8 possible tokens", "").is_none());
    }
}
