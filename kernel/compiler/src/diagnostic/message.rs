//! The words of a diagnostic, as the user may read them.
//!
//! Answers for what must not be read: our names, paths of this machine, flags of a command that the user never gave.
//! Knows no places.

use annotate_snippets::normalize_untrusted_str;
use cargo_metadata::diagnostic::Diagnostic;

use super::SourceMap;
use super::parse::is_error;

/// A type can be megabytes long (futures, iterators), and a message holds several.
const LONGEST: usize = 1500;

/// For one line: `E0308: mismatched types`, and how many errors there are beside it.
pub(crate) fn summary(diagnostics: &[&Diagnostic], map: &dyn SourceMap) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| is_error(diagnostic)).count();
    let first = diagnostics.iter().find(|diagnostic| is_error(diagnostic)).or(diagnostics.first());
    let Some(first) = first else { return String::new() };
    let message = words(&first.message, map);
    let message = message.lines().next().unwrap_or_default();
    let code = error_code(first).map(|code| format!("{code}: ")).unwrap_or_default();
    match errors.saturating_sub(1) {
        0 => format!("{code}{message}"),
        1 => format!("{code}{message}, and 1 more error"),
        more => format!("{code}{message}, and {more} more errors"),
    }
}

/// `E0308`. Lints have a code too, but rustc does not print it.
pub(super) fn error_code(diagnostic: &Diagnostic) -> Option<&str> {
    let code = diagnostic.code.as_ref()?.code.as_str();
    let number = code.strip_prefix('E')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// A message or label in the form in which it may be shown.
pub(super) fn words(message: &str, map: &dyn SourceMap) -> String {
    let mut message = without_machine_paths(&with_places_of_types(&map.clean(message), map));
    if let Some((end, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(end);
        message.push('…');
    }
    normalize_untrusted_str(&message)
}

/// A note, help or label; `None` if it is about what the user did not write.
pub(super) fn remark(message: &str, map: &dyn SourceMap) -> Option<String> {
    let message = words(message, map);
    let about_us = ["__kissaten", "kissaten::"].iter().any(|name| message.contains(name));
    let about_the_command = message.starts_with("requested on the command line with")
        || message.starts_with("the full name for the type has been written to")
        || message.starts_with("the full type name has been written to")
        || message.starts_with("consider using `--verbose`")
        || message.contains("-Wl,")
        || message.contains("object files omitted");
    (!about_us && !about_the_command).then_some(message)
}

/// A note whose place cannot be shown, if it means anything without it ("required by a bound in `spawn`" does,
/// "method defined here" does not).
pub(super) fn placeless(message: String) -> Option<String> {
    let points = message.ends_with(" here") || message.ends_with("here:") || message.ends_with(':');
    (!points).then_some(message)
}

/// The types of closures and futures have a place for a name, `{closure@cell 3:8:10: 8:13}`: told in the user's lines,
/// or left out where the user did not write them.
fn with_places_of_types(message: &str, map: &dyn SourceMap) -> String {
    let mut parts = message.split('@');
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match place_of_type(part) {
            Some((file, [line, column, end_line, end_column], rest)) => {
                let position = |line, column| Some(position(map.source(file)?, map.offset(file, line, column)?));
                if let (Some(from), Some(to)) = (position(line, column), position(end_line, end_column)) {
                    told.push_str(&format!("@{file}:{from}: {to}"));
                }
                told.push_str(rest);
            }
            None => {
                told.push('@');
                told.push_str(part);
            }
        }
    }
    told
}

/// Splits `cell 3:8:10: 8:13}, …` into the file, the four numbers and the rest from `}` on.
fn place_of_type(text: &str) -> Option<(&str, [usize; 4], &str)> {
    let end = text.find('}')?;
    let mut numbers = [0; 4];
    let mut parts = text[..end].rsplitn(5, ':');
    for number in numbers.iter_mut().rev() {
        *number = parts.next()?.trim_start().parse().ok()?;
    }
    Some((parts.next()?, numbers, &text[end..]))
}

/// `line:column`, both from 1, the column in chars.
fn position(text: &str, offset: usize) -> String {
    let (mut line, mut column) = (1, 1);
    for (_, char) in text.char_indices().take_while(|(at, _)| *at < offset) {
        (line, column) = if char == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    format!("{line}:{column}")
}

/// A `?` on an `Option` where the cell's own future returns: that it does, and what, is ours, and says nothing to the user.
pub(super) fn name_top_level(diagnostic: &mut Diagnostic) {
    let is_ours = |label: &str| label.contains("CellError>`") || label.contains("CellDebugError>`");
    let labels = diagnostic.spans.iter_mut().filter_map(|span| span.label.as_mut());
    let mut at_top = false;
    for label in labels.filter(|label| is_ours(label)) {
        at_top = true;
        if let Some((help, _)) = label.split_once(" to provide an error compatible with ") {
            *label = help.replace(".ok_or(...)?", ".ok_or(\"what is missing\")?");
        }
    }
    if at_top {
        let block = "in an async block that returns `Result`";
        diagnostic.message = diagnostic.message.replace(block, "at the top level of a cell");
    }
}

/// Leaves the file's name of a path into a toolchain, a registry or rustc's temporary files.
fn without_machine_paths(message: &str) -> String {
    const MACHINERY: [&str; 5] = ["/rustc/", "/.rustup/", "/.cargo/", "/rustlib/", "/tmp/"];

    if !MACHINERY.iter().any(|part| message.contains(part)) {
        return message.to_owned();
    }
    let ends_a_path = |char: char| char.is_whitespace() || "\"'`(),=<>".contains(char);
    message
        .split_inclusive(ends_a_path)
        .map(|word| match word.rfind('/') {
            Some(slash) if word.starts_with('/') && MACHINERY.iter().any(|part| word.contains(part)) => {
                &word[slash + 1..]
            }
            _ => word,
        })
        .collect()
}

/// std's macros in whose place cells have ours. rustc says of no error that it originates in one of these.
const PRINTERS: [&str; 5] = ["`print`", "`println`", "`eprint`", "`eprintln`", "`dbg`"];

/// "this error originates in the macro …", which rustc adds only to its own rendering.
pub(super) fn origin(diagnostic: &Diagnostic) -> Option<&str> {
    let note = diagnostic.rendered.as_deref()?.lines().find_map(|line| {
        let note = line.trim_start().strip_prefix("= note: ")?;
        (note.starts_with("this ") && note.contains(" originates in the ")).then_some(note)
    })?;
    let note = note.split_once(" (in Nightly builds").map_or(note, |(note, _)| note);
    // A macro of the user's own that prints is called first.
    (!PRINTERS.iter().any(|printer| note.ends_with(printer))).then_some(note)
}
