//! What a cell that erred says: the one [`error`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#execution-errors)
//! that is published for it, which also stands in its reply.

use compiler::CompileError;
use ipc::{Location, Panic};
use jupyter_protocol::ErrorOutput;
use serde_json::{Value, json};

use crate::worker::death::{Death, lost};

/// Bold red, as rustc shows the word `error`.
const RED: &str = "\x1b[1;31m";
/// As rustc shows places.
const BLUE: &str = "\x1b[1;34m";
/// As rustc shows the word `help`.
const CYAN: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

/// Why a cell erred, in the messaging spec's three parts.
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

    /// A `?` at the top level.
    pub(super) fn error(type_name: &str, message: &str, sources: &[String]) -> Self {
        let sources = sources.iter().map(|source| format!("  {BLUE}caused by{PLAIN}: {source}"));
        let mut failure = Self::with("Error", message, sources);
        failure.traceback.push(format!("  {BLUE}type{PLAIN}: {type_name}"));
        failure
    }

    /// A panic in the cell's own future.
    pub(super) fn panic(panic: &Panic) -> Self {
        let mut more: Vec<String> =
            panic.location.iter().map(|location| format!("  {BLUE}-->{PLAIN} {}", place(location))).collect();
        if is_about_runtimes(&panic.message) {
            more.push(format!(
                "  {CYAN}help{PLAIN}: this cell already runs on the kernel's runtime: write `main().await`"
            ));
        }
        Self::with("Panic", &panic.message, more)
    }

    /// The cell was interrupted and nothing was lost.
    pub(super) fn interrupted() -> Self {
        Self { traceback: vec![format!("{RED}Interrupted{PLAIN}")], ..Self::new("Interrupted", "Interrupted") }
    }

    /// The cell was interrupted at the price of the worker.
    pub(super) fn interrupted_by_force(variables: &[String]) -> Self {
        Self {
            traceback: vec![
                format!("{RED}Interrupted{PLAIN}: the cell did not await, so its process was ended"),
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

/// `cell 3, line 2` in user code, `src/lib.rs:7:5` elsewhere.
fn place(location: &Location) -> String {
    let Location { file, line, column } = location;
    if file.contains(['/', '.']) { format!("{file}:{line}:{column}") } else { format!("{file}, line {line}") }
}

/// Whether tokio complains that a runtime was started, used or dropped within a runtime.
fn is_about_runtimes(message: &str) -> bool {
    message.contains("within a runtime") || message.contains("in a context where blocking is not allowed")
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
        plain(&Failure::panic(&Panic { message: message.to_owned(), location }))
    }

    #[test]
    fn a_panic_tells_its_place() {
        assert_eq!(panic("no\nway", "cell 3"), "Panic: no\nway\n  --> cell 3, line 2");
        assert_eq!(panic("no", "/registry/src/lib.rs"), "Panic: no\n  --> /registry/src/lib.rs:2:5");
        assert_eq!(plain(&Failure::panic(&Panic { message: String::new(), location: None })), "Panic: ");
    }

    #[test]
    fn a_runtime_within_the_runtime_gets_a_hint() {
        let text = panic("Cannot start a runtime from within a runtime. This happens because …", "cell 3");
        assert!(text.ends_with("help: this cell already runs on the kernel's runtime: write `main().await`"));
    }

    #[test]
    fn an_error_tells_its_sources() {
        let failure = Failure::error("std::io::Error", "no file", &["no disk".to_owned()]);
        assert_eq!(plain(&failure), "Error: no file\n  caused by: no disk\n  type: std::io::Error");
    }
}
