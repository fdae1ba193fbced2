//! What a cell that erred says: the one [`error`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#execution-errors)
//! that is published for it, which also stands in its reply.

use compiler::CompileError;
use ipc::{Location, Panic};
use jupyter_protocol::ErrorOutput;
use serde_json::{Value, json};

use super::advice::{self, Advice};
use crate::{
    hint::Hints,
    worker::death::{Death, lost},
};

/// Bold red, as rustc shows the word `error`.
const RED: &str = "\x1b[1;31m";
/// As rustc shows places.
const BLUE: &str = "\x1b[1;34m";
/// As rustc shows the word `help`; here it is for hints.
const CYAN: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

/// An error of a cell: why it erred, in the messaging spec's three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) ename: String,
    pub(crate) evalue: String,
    pub(crate) traceback: Vec<String>,
}

impl Failure {
    /// A name and a sentence that say it all.
    pub(super) fn new(ename: &str, evalue: &str) -> Self {
        Self::with(ename, evalue, [])
    }

    fn with(ename: &str, evalue: &str, more: impl IntoIterator<Item = String>) -> Self {
        let mut lines = evalue.lines();
        let mut traceback = vec![format!("{RED}{ename}{PLAIN}: {}", lines.next().unwrap_or_default())];
        traceback.extend(lines.map(str::to_owned));
        traceback.extend(more);
        Self { ename: ename.to_owned(), evalue: evalue.to_owned(), traceback }
    }

    /// A command that cannot be done.
    pub(super) fn command(error: &str, place: &str) -> Self {
        Self::with("CommandError", error, [format!("  {BLUE}-->{PLAIN} {place}")])
    }

    /// rustc refused it; its own rendering says all.
    pub(super) fn compile(error: &CompileError) -> Self {
        Self {
            ename: "CompileError".to_owned(),
            evalue: error.summary.clone(),
            traceback: error.rendered.ansi.lines().map(str::to_owned).collect(),
        }
    }

    /// The same with a line of help, as rustc has it.
    pub(super) fn with_help(mut self, help: &str) -> Self {
        self.traceback.push(format!("  {BLUE}={PLAIN} {CYAN}help{PLAIN}: {help}"));
        self
    }

    /// A `?` at the top level.
    pub(super) fn error(
        type_name: &str,
        message: &str,
        sources: &[String],
        location: Option<&Location>,
        hints: &Hints,
    ) -> Self {
        // A `?` elsewhere is in the code of a macro.
        let location = location.filter(|location| is_label(&location.file));
        let location = location.map(|location| format!("  {BLUE}-->{PLAIN} {}", place(location)));
        let sources_shown = sources.iter().map(|source| format!("  {BLUE}caused by{PLAIN}: {source}"));
        let mut more: Vec<String> = location.into_iter().chain(sources_shown).collect();
        let name = short_name(type_name);
        let in_notebook = type_name.starts_with("notebook::") || type_name.starts_with("kissaten_cell_");
        // Many types are called so.
        if name == "Error" && type_name != name && !in_notebook {
            more.push(format!("  {BLUE}type{PLAIN}: {type_name}"));
        }
        more.extend(advised(advice::on_error(type_name, message, sources), hints));
        Self::with(&name, message, more)
    }

    /// A panic in the cell's own future.
    pub(super) fn panic(panic: &Panic, hints: &Hints) -> Self {
        let advice = advised(advice::on_panic(&panic.message), hints);
        // Advice says more than a line of tokio.
        let location = panic.location.iter().filter(|location| advice.is_none() || is_label(&location.file));
        let mut more: Vec<String> =
            location.map(|location| format!("  {BLUE}-->{PLAIN} {}", place(location))).collect();
        more.extend(advice);
        Self::with("Panic", &panic.message, more)
    }

    /// The cell was interrupted and nothing was lost.
    pub(super) fn interrupted() -> Self {
        Self { traceback: vec![format!("{RED}Interrupted{PLAIN}")], ..Self::new("Interrupted", "Interrupted") }
    }

    /// The cell was interrupted and nothing was lost; `was`: what it was about.
    pub(super) fn interrupted_at(was: Option<&str>) -> Self {
        was.map_or_else(Self::interrupted, |was| Self::new("Interrupted", was))
    }

    /// The cell was interrupted at the price of the worker.
    pub(super) fn interrupted_by_force(variables: &[String]) -> Self {
        Self {
            traceback: vec![
                format!("{RED}Interrupted{PLAIN}: the cell could not be ended otherwise, so its process was ended"),
                lost(variables),
            ],
            ..Self::new("Interrupted", "Interrupted")
        }
    }

    /// The worker died under the cell.
    pub(super) fn worker_died(death: &Death, variables: &[String]) -> Self {
        Self::with(&death.name, &death.sentence, [lost(variables)])
    }

    /// What one of the `user_expressions` has in the reply when it erred.
    pub(super) fn to_expression(&self) -> Value {
        json!({"status": "error", "ename": self.ename, "evalue": self.evalue, "traceback": self.traceback})
    }
}

impl From<&Failure> for ErrorOutput {
    fn from(failure: &Failure) -> Self {
        Self { ename: failure.ename.clone(), evalue: failure.evalue.clone(), traceback: failure.traceback.clone() }
    }
}

/// A type's name as people write it: the last segment of every path in it, generic arguments too.
fn short_name(type_name: &str) -> String {
    // Types that a block of a cell defines have the block in their path.
    let type_name = type_name.replace("{{closure}}", "closure");
    let is_path = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let mut name = String::with_capacity(type_name.len());
    let mut rest = type_name.as_str();
    while !rest.is_empty() {
        let path = &rest[..rest.find(|character| !is_path(character)).unwrap_or(rest.len())];
        let between = &rest[path.len()..];
        let between = &between[..between.find(is_path).unwrap_or(between.len())];
        name.push_str(if path.starts_with("::") { path } else { path.rsplit("::").next().unwrap_or(path) });
        name.push_str(between);
        rest = &rest[path.len() + between.len()..];
    }
    name
}

/// `cell 3, line 2` in user code, `tokio-1.54.1/src/lib.rs:7:5` elsewhere: nothing tells which cell's line led there.
fn place(location: &Location) -> String {
    let Location { file, line, column } = location;
    if is_label(file) { format!("{file}, line {line}") } else { format!("{file}:{line}:{column}") }
}

/// Whether rustc took the text from a cell and not from a file.
fn is_label(file: &str) -> bool {
    let number = ["cell ", "unnumbered cell ", "expression "].iter().find_map(|kind| file.strip_prefix(kind));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Advice as the last line of a traceback, unless its kind is switched off.
fn advised(advice: Option<Advice>, hints: &Hints) -> Option<String> {
    let (_, text) = advice.filter(|(kind, _)| hints.is_on(*kind))?;
    Some(format!("  {CYAN}hint{PLAIN}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(failure: &Failure) -> String {
        let mut text = failure.traceback.join("\n");
        for code in [RED, BLUE, CYAN, PLAIN] {
            text = text.replace(code, "");
        }
        text
    }

    fn panic(message: &str, file: &str) -> String {
        let location = Some(Location { file: file.to_owned(), line: 2, column: 5 });
        plain(&Failure::panic(&Panic { message: message.to_owned(), location }, &Hints::default()))
    }

    #[test]
    fn a_panic_tells_its_place() {
        assert_eq!(panic("no\nway", "cell 3"), "Panic: no\nway\n  --> cell 3, line 2");
        assert_eq!(panic("no", "unnumbered cell 12"), "Panic: no\n  --> unnumbered cell 12, line 2");
        assert_eq!(panic("no", "tokio-1.54.1/src/lib.rs"), "Panic: no\n  --> tokio-1.54.1/src/lib.rs:2:5");
        assert_eq!(panic("no", "build"), "Panic: no\n  --> build:2:5");
        let nothing = Panic { message: String::new(), location: None };
        assert_eq!(plain(&Failure::panic(&nothing, &Hints::default())), "Panic: ");
    }

    #[test]
    fn advice_is_the_last_line_unless_it_is_switched_off() {
        let message = "Cannot start a runtime from within a runtime.";
        let advice = format!("\n  hint: {}", advice::on_panic(message).unwrap().1);
        assert_eq!(panic(message, "cell 3"), format!("Panic: {message}\n  --> cell 3, line 2{advice}"));
        assert_eq!(panic(message, "tokio-1.54.1/src/lib.rs"), format!("Panic: {message}{advice}"));
        let mut hints = Hints::default();
        hints.switch(Some(ipc::Hint::Runtime), false);
        let panic = Panic { message: message.to_owned(), location: None };
        assert_eq!(plain(&Failure::panic(&panic, &hints)), format!("Panic: {message}"));
        let failure = Failure::error("anyhow::Error", "channel closed", &[], None, &hints);
        assert!(plain(&failure).ends_with("\n  hint: the other end of the channel was dropped"));
    }

    #[test]
    fn an_error_tells_its_sources() {
        let error = |type_name: &str, message: &str, sources: &[&str]| {
            let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
            let location = Location { file: "cell 3".to_owned(), line: 2, column: 5 };
            Failure::error(type_name, message, &sources, Some(&location), &Hints::default())
        };
        let failure = error("std::io::Error", "no file", &["no disk"]);
        assert_eq!(failure.ename, "Error");
        let place = "--> cell 3, line 2";
        assert_eq!(plain(&failure), format!("Error: no file\n  {place}\n  caused by: no disk\n  type: std::io::Error"));
        assert_eq!(plain(&error("notebook::Burnt", "3 minutes", &[])), format!("Burnt: 3 minutes\n  {place}"));
        for own in ["notebook::Error", "kissaten_cell_7::entry::{{closure}}::Error"] {
            assert_eq!(plain(&error(own, "3 minutes", &[])), format!("Error: 3 minutes\n  {place}"));
        }
    }

    #[test]
    fn types_are_called_what_people_call_them() {
        for (type_name, name) in [
            ("core::num::error::ParseIntError", "ParseIntError"),
            ("notebook::MyErr", "MyErr"),
            ("kissaten_cell_7::entry::{{closure}}::{{closure}}::MyErr", "MyErr"),
            ("alloc::boxed::Box<dyn core::error::Error + core::marker::Send>", "Box<dyn Error + Send>"),
            ("a::Both<b::Left, (c::Right<&d::E>, [u8; 4])>", "Both<Left, (Right<&E>, [u8; 4])>"),
            ("<a::B as c::D>::E", "<B as D>::E"),
            ("&str", "&str"),
            ("notebook::Fehler_ä", "Fehler_ä"),
            ("", ""),
        ] {
            assert_eq!(short_name(type_name), name);
        }
    }
}
