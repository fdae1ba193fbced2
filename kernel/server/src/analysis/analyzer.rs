//! That there is an analyzer when it is wanted, and none when it is not: a task of its own starts it at the first question,
//! asks it one question after the other, and ends it when nobody has asked for a while. Whatever becomes of the process, a
//! question without an answer is all that is lost.

use std::{
    collections::BTreeSet,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use compiler::{AnalyzerPlace, Question};
use ipc::analyzer::{Answer, Wish};
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    task::{JoinError, JoinHandle},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::process::{self, AnalyzerProcess, ProcessError};
use super::typing::Typed;

/// After how long without a question it is ended; it has a third of a gigabyte.
const IDLE: Duration = Duration::from_secs(600);
/// Another number of seconds for that.
const IDLE_VARIABLE: &str = "KISSATEN_ANALYZER_IDLE";
/// How long its start may take: crates may have to be downloaded.
const START: Duration = Duration::from_secs(180);
/// After how long it counts as hung.
const HANG: Duration = Duration::from_secs(20);
/// How many questions may wait for it.
const WAITING: usize = 32;
/// How often it may end by itself before nobody starts it any more.
const DEATHS: u32 = 5;

/// What is said where it is missing.
const NOT_BUILT: &str = "the analyzer is not built; `./install.sh` without `--no-analyzer` builds it";
const NO_SOURCE: &str =
    "the source of std is missing; `rustup component add rust-src` gets it (Debian: the package rust-web-src)";

/// The state of the analyzer: how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Asleep,
    Starting,
    Ready,
    /// It cannot be had: a sentence.
    Missing(String),
}

/// The analyzer's client: it asks the process, which it starts when it is needed.
#[derive(Clone)]
pub(crate) struct Analyzer {
    queries: mpsc::Sender<Inquiry>,
    state: watch::Receiver<State>,
    ending: CancellationToken,
    keeper: Arc<Mutex<Option<JoinHandle<()>>>>,
}

struct Inquiry {
    place: AnalyzerPlace,
    what: Wish,
    question: Question,
    /// Whether who asks waits for as long as it takes.
    is_patient: bool,
    answer: oneshot::Sender<Answer>,
}

impl Analyzer {
    /// Starts the task, and no process. Must be called within a tokio runtime.
    pub(super) fn new(directory: &Path, ending: CancellationToken) -> Self {
        let (queries, receiver) = mpsc::channel(WAITING);
        let (sender, state) = watch::channel(State::Asleep);
        let directory = directory.join("analyzer");
        let keeper = Keeper {
            directory,
            state: sender,
            process: None,
            successor: None,
            named: BTreeSet::new(),
            typed: None,
            starts: 0,
            deaths: 0,
            unfit: None,
        };
        let keeper = tokio::spawn(keeper.keep(receiver, ending.clone()));
        Self { queries, state, ending, keeper: Arc::new(Mutex::new(Some(keeper))) }
    }

    /// Asks. With `patience`, no longer than that, and not at all for what is not there yet: it is being started then, for
    /// the next time. `None`: no answer.
    ///
    /// # Cancel safety
    /// Nothing is lost but the answer.
    pub(super) async fn ask(
        &self,
        place: &AnalyzerPlace,
        what: Wish,
        question: Question,
        patience: Option<Duration>,
    ) -> Option<Answer> {
        if matches!(*self.state.borrow(), State::Missing(_)) && process::find().is_none() {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        let was_ready = *self.state.borrow() == State::Ready;
        let is_patient = patience.is_none();
        self.queries.try_send(Inquiry { place: place.clone(), what, question, is_patient, answer: sender }).ok()?;
        let answer = async { answer.await.ok() };
        let answering = async {
            match patience {
                Some(_) if !was_ready => None,
                Some(patience) => timeout(patience, answer).await.ok().flatten(),
                None => answer.await,
            }
        };
        self.unless_ending(answering).await.flatten()
    }

    /// What comes of something, unless the kernel ends before.
    pub(super) async fn unless_ending<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            what = something => Some(what),
            () = self.ending.cancelled() => None,
        }
    }

    /// What `:help` says of it: why less is known than could be; `None`: nothing is missing.
    pub(crate) fn note(&self, place: Option<&AnalyzerPlace>) -> Option<String> {
        let reason = match &*self.state.borrow() {
            State::Missing(reason) => Some(reason.clone()),
            State::Ready | State::Starting => None,
            State::Asleep => match place {
                _ if process::find().is_none() => Some(NOT_BUILT.to_owned()),
                Some(place) if place.std_source.is_none() => Some(NO_SOURCE.to_owned()),
                _ => None,
            },
        }?;
        Some(format!("Completion and inspection know only the notebook's own names: {reason}."))
    }

    /// The task is done, and the process has ended.
    pub(super) async fn ended(&self) {
        if let Some(keeper) = self.keeper.lock().await.take() {
            let _ = keeper.await;
        }
    }
}

/// A process with what it has to go without, or why there is none: a sentence.
type Started = Result<(AnalyzerProcess, Option<String>), String>;

/// Waits for what becomes of a start; for ever, if there is none.
///
/// # Cancel safety
/// Nothing is lost when it is dropped.
async fn until_started(
    successor: &mut Option<(AnalyzerPlace, AbortOnDropHandle<Started>)>,
) -> Result<Started, JoinError> {
    match successor {
        Some((_, starting)) => starting.await,
        None => std::future::pending().await,
    }
}

/// The task that owns the analyzer's process.
struct Keeper {
    directory: PathBuf,
    state: watch::Sender<State>,
    process: Option<(AnalyzerPlace, AnalyzerProcess)>,
    /// The one that is being started to take its place.
    successor: Option<(AnalyzerPlace, AbortOnDropHandle<Started>)>,
    /// The crates that questions have named, of those that are read only then.
    named: BTreeSet<String>,
    /// What this process was last asked to complete.
    typed: Option<Typed>,
    starts: u32,
    deaths: u32,
    /// With what it was no use to start it.
    unfit: Option<AnalyzerPlace>,
}

impl Keeper {
    async fn keep(mut self, mut queries: mpsc::Receiver<Inquiry>, ending: CancellationToken) {
        let idle = std::env::var(IDLE_VARIABLE).ok().and_then(|seconds| seconds.parse().ok());
        let idle = idle.map_or(IDLE, Duration::from_secs_f64);
        loop {
            let query = tokio::select! {
                query = self.next(&mut queries, idle) => query,
                () = ending.cancelled() => break,
            };
            let Some(query) = query else { break };
            tokio::select! {
                () = self.serve(query) => {}
                () = ending.cancelled() => break,
            }
        }
        self.end_process().await;
    }

    /// The next question. While nobody asks, the process may end, or be ended.
    async fn next(&mut self, queries: &mut mpsc::Receiver<Inquiry>, idle: Duration) -> Option<Inquiry> {
        while let Some((_, process)) = &mut self.process {
            tokio::select! {
                query = queries.recv() => return query,
                () = process.ended() => self.died("it has ended"),
                started = until_started(&mut self.successor) => self.succeed(started).await,
                () = tokio::time::sleep(idle) => {
                    tracing::debug!("nobody has asked the analyzer for {idle:?}");
                    self.end_process().await;
                    self.state.send_replace(State::Asleep);
                }
            }
        }
        queries.recv().await
    }

    async fn serve(&mut self, query: Inquiry) {
        let Inquiry { place, what, question, is_patient, answer } = query;
        self.named.extend(place.named_in(&question.text));
        let place = place.with(&self.named);
        if self.process.is_none() && !self.start(&place).await {
            return;
        }
        // Other crates, or another compiler. Until the new one is ready, the old one knows the rest.
        if self.process.as_ref().is_some_and(|(with, _)| *with != place) {
            self.prepare(&place);
            if is_patient && self.successor.is_some() {
                let started = until_started(&mut self.successor).await;
                self.succeed(started).await;
            }
        }
        // Who does not wait any more was answered otherwise.
        if answer.is_closed() {
            return;
        }
        let Some((_, process)) = &mut self.process else { return };
        if what == Wish::Complete
            && let Some(found) = self.typed.as_ref().and_then(|typed| typed.narrowed(&question))
        {
            drop(answer.send(found));
            return;
        }
        match timeout(HANG, process.ask(what, question.clone())).await {
            Ok(Ok(found)) => {
                self.typed = Typed::keep(&question, &found).or_else(|| self.typed.take());
                drop(answer.send(found));
            }
            Ok(Err(error)) => self.died(&error.to_string()),
            Err(_) => self.died("it did not answer"),
        }
    }

    /// Starts a process; whether it can be asked.
    async fn start(&mut self, place: &AnalyzerPlace) -> bool {
        let Some(starting) = self.starting(place) else { return false };
        self.state.send_replace(State::Starting);
        let started = starting.await;
        self.started(place, started)
    }

    /// Starts the process that is to take the place of this one, unless it is being started already.
    fn prepare(&mut self, place: &AnalyzerPlace) {
        if self.successor.as_ref().is_some_and(|(with, _)| with == place) {
            return;
        }
        self.successor = None;
        if let Some(starting) = self.starting(place) {
            self.successor = Some((place.clone(), AbortOnDropHandle::new(tokio::spawn(starting))));
        }
    }

    /// Lets the successor take over, if it has come to be.
    async fn succeed(&mut self, started: Result<Started, JoinError>) {
        let Some((place, _)) = self.successor.take() else { return };
        match started {
            Ok(started @ Ok(_)) => {
                if let Some((_, process)) = self.process.take() {
                    process.end().await;
                }
                self.started(&place, started);
            }
            Ok(Err(reason)) => {
                tracing::warn!("the analyzer goes on without what is new: {reason}");
                self.unfit = Some(place);
            }
            Err(error) => tracing::warn!("the start of an analyzer: {error}"),
        }
    }

    /// The start of a process, if it is of any use.
    fn starting(&mut self, place: &AnalyzerPlace) -> Option<impl Future<Output = Started> + 'static> {
        if self.deaths >= DEATHS || self.unfit.as_ref() == Some(place) {
            return None;
        }
        let Some(program) = process::find() else {
            self.missing(NOT_BUILT.to_owned());
            return None;
        };
        if place.std_source.is_none() {
            self.missing(NO_SOURCE.to_owned());
            return None;
        }
        self.starts += 1;
        let folder = self.directory.join(self.starts.to_string());
        let place = place.clone();
        Some(async move {
            match timeout(START, AnalyzerProcess::start(&program, &folder, &place, place.online)).await {
                Ok(Ok((process, limits))) => Ok((process, limits)),
                Ok(Err(ProcessError::Unfit(reason))) => Err(reason),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("its start took too long".to_owned()),
            }
        })
    }

    /// What came of a start; whether there is a process now that can be asked.
    fn started(&mut self, place: &AnalyzerPlace, started: Started) -> bool {
        match started {
            Ok((process, limits)) => {
                if let Some(limits) = limits {
                    tracing::warn!("the analyzer is there, but {limits}");
                }
                self.process = Some((place.clone(), process));
                self.typed = None;
                self.state.send_replace(State::Ready);
                true
            }
            Err(reason) => {
                self.unfit = Some(place.clone());
                self.missing(format!("the analyzer does not start: {reason}"))
            }
        }
    }

    /// Says so once in the log.
    fn missing(&self, reason: String) -> bool {
        let missing = State::Missing(reason.clone());
        if self.state.send_replace(missing.clone()) != missing {
            tracing::warn!("completion and inspection know only the notebook's own names: {reason}");
        }
        false
    }

    /// The process is gone, or not worth waiting for; the next question starts another.
    fn died(&mut self, how: &str) {
        tracing::warn!("the analyzer is started anew when it is needed: {how}");
        self.process = None;
        self.successor = None;
        self.deaths += 1;
        if self.deaths >= DEATHS {
            self.missing(format!("the analyzer ended {DEATHS} times"));
        } else {
            self.state.send_replace(State::Asleep);
        }
    }

    async fn end_process(&mut self) {
        self.successor = None;
        if let Some((_, process)) = self.process.take() {
            process.end().await;
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
