//! That there is always a worker: one is started before it is needed, and again when it has ended. What its end means
//! for a cell is not known here.

use std::{
    collections::BTreeMap,
    future::pending,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use super::{
    death::LastWords,
    process::{Happening, WorkerProcess},
};
use crate::output::Stream;

/// How long a worker may take to end by itself.
const GRACE: Duration = Duration::from_millis(300);

/// The supervisor of workers: it starts them.
pub(crate) struct Supervisor {
    directory: PathBuf,
    program: Option<PathBuf>,
    /// What workers find in their environment besides the kernel's own.
    environment: BTreeMap<String, String>,
    worker: Worker,
}

enum Worker {
    /// None was started yet.
    None,
    Starting(WorkerProcess),
    Ready(WorkerProcess),
    /// It could not be started, or ended before it was ready: a sentence. It is tried again when it is needed.
    Failed(String),
}

/// The readiness of the worker: whether a cell can run now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    Soon,
    Failed(String),
}

/// What tells the crates that colour text (`colored`, `owo-colors`, `anstream`) and child processes that frontends show colours,
/// though no terminal is there. ipykernel sets the same. The user's own settings are left, and `NO_COLOR` says no.
fn colours(is_set: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    if is_set("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return environment;
    }
    for name in ["CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
        if is_set(name).is_none() {
            environment.insert(name.to_owned(), "1".to_owned());
        }
    }
    if is_set("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        environment.insert("TERM".to_owned(), "xterm-256color".to_owned());
    }
    environment
}

impl Supervisor {
    /// Workers are told that `directory` is the kernel's.
    pub(crate) fn new(directory: &Path) -> Self {
        let environment = colours(|name| std::env::var(name).ok());
        Self { directory: directory.to_owned(), program: None, environment, worker: Worker::None }
    }

    /// Starts the first worker.
    pub(crate) fn start(&mut self, program: &Path) {
        self.program = Some(program.to_owned());
        self.spawn();
    }

    /// Workers that are started from now on have this variable.
    pub(crate) fn set_env(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    fn spawn(&mut self) {
        let Some(program) = &self.program else { return };
        self.worker = match WorkerProcess::spawn(program, &self.directory, &self.environment) {
            Ok(process) => Worker::Starting(process),
            Err(error) => Worker::Failed(format!("the worker `{}` cannot be started: {error}", program.display())),
        };
    }

    /// Whether a cell can run now. If the last try to start a worker failed, tries again.
    pub(crate) fn readiness(&mut self) -> Readiness {
        match &self.worker {
            Worker::Ready(_) => Readiness::Ready,
            Worker::Starting(_) => Readiness::Soon,
            Worker::Failed(_) | Worker::None => {
                self.spawn();
                match &self.worker {
                    Worker::Failed(sentence) => Readiness::Failed(sentence.clone()),
                    _ => Readiness::Soon,
                }
            }
        }
    }

    /// Whether there is a worker that has been ready.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.worker, Worker::Ready(_))
    }

    /// Why the worker that was waited for did not come.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.worker {
            Worker::Failed(sentence) => Some(sentence),
            _ => None,
        }
    }

    /// The worker has said that it is ready.
    pub(crate) fn ready(&mut self) {
        self.worker = match std::mem::replace(&mut self.worker, Worker::None) {
            Worker::Starting(process) => Worker::Ready(process),
            other => other,
        };
    }

    /// The worker has ended: starts another, unless it never was ready, which the next would not be either.
    pub(crate) fn exited(&mut self, status: ExitStatus, last_words: &LastWords) {
        match &self.worker {
            Worker::Ready(_) => self.spawn(),
            _ => {
                let sentence = format!("the worker ended while it started ({status})\n{}", last_words.text());
                self.worker = Worker::Failed(sentence.trim_end().to_owned());
            }
        }
    }

    /// Ends the worker and starts another one.
    pub(crate) fn replace(&mut self, program: &Path) {
        self.worker = Worker::None;
        self.start(program);
    }

    /// Sends a request to the worker, if there is one.
    pub(crate) fn send(&self, request: ipc::Request) {
        if let Some(process) = self.process() {
            process.send(request);
        }
    }

    /// Kills the worker; its end is told as any other.
    pub(crate) fn kill(&self) {
        if let Some(process) = self.process() {
            process.kill();
        }
    }

    /// What is in the worker's pipes now.
    pub(crate) fn drain(&self) -> Vec<(Stream, Vec<u8>)> {
        self.process().map(WorkerProcess::drain).into_iter().flatten().filter(|(_, bytes)| !bytes.is_empty()).collect()
    }

    /// What comes next from the worker.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(crate) async fn next(&mut self) -> Happening {
        match &mut self.worker {
            Worker::Starting(process) | Worker::Ready(process) => process.next().await,
            Worker::None | Worker::Failed(_) => pending().await,
        }
    }

    /// Ends the worker: it is asked to, and killed if it does not.
    pub(crate) async fn end(&mut self) {
        self.program = None;
        let (Worker::Starting(mut process) | Worker::Ready(mut process)) =
            std::mem::replace(&mut self.worker, Worker::None)
        else {
            return;
        };
        process.send(ipc::Request::Shutdown);
        let ended = async { while !matches!(process.next().await, Happening::Exited(_)) {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            process.kill();
            // It is waited for, so that it is gone when the kernel says that it is.
            let ended = async { while !matches!(process.next().await, Happening::Exited(_)) {} };
            let _ = tokio::time::timeout(GRACE, ended).await;
        }
    }

    fn process(&self) -> Option<&WorkerProcess> {
        match &self.worker {
            Worker::Starting(process) | Worker::Ready(process) => Some(process),
            Worker::None | Worker::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_wanted_unless_the_user_says_no() {
        let names = |set: &[(&str, &str)]| {
            let value = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
            colours(value).into_keys().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&[]), "CLICOLOR CLICOLOR_FORCE FORCE_COLOR TERM");
        assert_eq!(names(&[("TERM", "xterm"), ("CLICOLOR_FORCE", "0")]), "CLICOLOR FORCE_COLOR");
        assert_eq!(names(&[("NO_COLOR", "1")]), "");
    }
}
