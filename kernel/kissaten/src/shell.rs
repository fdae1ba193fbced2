//! Programs of a shell, run as cells are: what they print is the cell's, an interrupt ends them, and so does the kernel's end.

mod group;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::display::MimeBundle;
use crate::guard::GuardedDebug;
use crate::runtime::{self, Outcome, Program};

pub use self::group::end_programs;

/// How long a program that was told to end, and what it has started, may go on.
const GRACE: Duration = Duration::from_secs(1);

/// What a shell is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The shell: `sh`, `bash`.
    pub shell: String,
    pub text: String,
    /// Whether another exit code than 0 is an error, and not only told.
    pub strict: bool,
}

/// The program of a cell that runs it.
pub(crate) fn program(script: Script) -> Program {
    Box::pin(async move {
        let mut outcome = None;
        {
            let body = pin!(async {
                outcome = Some(run(&script).await);
                Ok(())
            });
            GuardedDebug(body).await;
        }
        // Where it was interrupted, the guard has said so.
        if let Some(outcome) = outcome {
            runtime::ends_as(outcome);
        }
    })
}

async fn run(script: &Script) -> Outcome {
    let Script { shell, text, strict } = script;
    let status = match begin(shell, text) {
        Ok(mut running) => running.end().await,
        Err(error) => Err(error),
    };
    match status {
        Ok(status) if status.success() => Outcome::Unit,
        Ok(status) if *strict => failed(format!("`{shell}` {}", words(status))),
        Ok(status) => {
            let text = format!("The program {}.", words(status));
            Outcome::Value(MimeBundle::new().with("text/plain", text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => failed(format!("there is no `{shell}` here")),
        Err(error) => failed(format!("`{shell}` cannot be run: {error}")),
    }
}

fn failed(message: String) -> Outcome {
    Outcome::Error { type_name: "ShellError".to_owned(), message, sources: Vec::new(), location: None }
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn begin(shell: &str, text: &str) -> io::Result<Running> {
    // It leads a group, so that all that it starts ends with it. What it prints goes where the cell's own output goes.
    let mut command = Command::new(shell);
    command.arg("-c").arg(text).stdin(Stdio::null());
    let (child, group) = group::start(command)?;
    Ok(Running { child: Some(child), group })
}

/// A shell that runs; dropping it ends it, with all that it has started. One that ends by itself may leave programs that go on,
/// until the kernel ends.
struct Running {
    child: Option<Child>,
    group: i32,
}

impl Running {
    async fn end(&mut self) -> io::Result<ExitStatus> {
        match &mut self.child {
            Some(child) => {
                let status = child.wait().await;
                self.child = None;
                group::left(self.group);
                status
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let group = self.group;
        group::tell(group, libc::SIGINT);
        // A shell that has gone may leave programs behind that SIGINT does not end: it starts those in the background deaf to it.
        // As long as nobody has waited for the shell, the group's number is still its own.
        tokio::spawn(async move {
            sleep(GRACE).await;
            group::tell(group, libc::SIGKILL);
            let _ = child.wait().await;
            group::gone(group);
        });
    }
}
