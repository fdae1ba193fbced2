//! Answers about code that is being written: from what the notebook knows by itself, at once, and from the analyzer where it
//! is quick enough. What Rust is, is known to neither this module nor its children: the compiler crate and the analyzer
//! are asked.

mod analyzer;
mod merge;
mod offer;
mod process;
mod render;
mod typing;

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use compiler::{Completions, Inspection, Knowledge};
use ipc::{
    MimeBundle,
    analyzer::{Answer, Match, Wish},
};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::{
    analyzer::Analyzer,
    offer::{Completed, Offer},
    process::find as program,
};

/// How long the analyzer is waited for before the answer is given without it.
const PATIENCE: Duration = Duration::from_millis(250);
/// The same for a command, whose answer nobody waits for while typing: the analyzer may even be started for it.
const PATIENCE_OF_COMMANDS: Duration = Duration::from_secs(20);
/// How long answers that are being made may still take when the kernel ends.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// The answers that are being made, and the analyzer that they ask.
pub(crate) struct Analysis {
    analyzer: Analyzer,
    answers: TaskTracker,
    ending: CancellationToken,
}

impl Analysis {
    /// The analyzer's files go into `directory`. No process is started.
    pub(crate) fn new(directory: &Path) -> Self {
        let ending = CancellationToken::new();
        Self { analyzer: Analyzer::new(directory, ending.clone()), answers: TaskTracker::new(), ending }
    }

    /// The analyzer, to ask it.
    pub(crate) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Makes an answer while other requests are handled.
    pub(crate) fn answer(&self, answering: impl Future<Output = ()> + Send + 'static) {
        self.answers.spawn(answering);
    }

    /// Gives the answers that are being made, from what is known, and ends the analyzer.
    pub(crate) async fn end(&self) {
        self.ending.cancel();
        self.answers.close();
        let _ = tokio::time::timeout(LAST_ANSWERS, self.answers.wait()).await;
        self.analyzer.ended().await;
    }
}

/// What completes the word at the cursor, a number of bytes into the cell.
pub(crate) async fn complete(known: Arc<Knowledge>, analyzer: &Analyzer, code: String, cursor: usize) -> Completed {
    let (own, question) = blocking({
        let known = Arc::clone(&known);
        move || (known.complete(&code, cursor), known.completion_question(&code, cursor))
    })
    .await
    .unwrap_or_else(|| (Completions { range: cursor..cursor, matches: Vec::new() }, None));
    let answer = match question {
        Some(question) => analyzer.ask(known.place(), Wish::Complete, question, Some(PATIENCE)).await,
        None => None,
    };
    let theirs: Vec<Match> = match answer {
        Some(Answer::Completions(matches)) => matches,
        _ => Vec::new(),
    };
    merge::completions(own, theirs)
}

/// What the notebook itself knows of the name at the cursor.
pub(crate) async fn own_words(known: &Arc<Knowledge>, code: &str, cursor: usize) -> Option<Inspection> {
    let (known, code) = (Arc::clone(known), code.to_owned());
    blocking(move || known.inspect(&code, cursor)).await.flatten()
}

/// Words about the name at the cursor in the forms of a MIME bundle; `None`: nothing is known.
///
/// `own`: what the notebook knows. `value`: the value of the variable that it is, where somebody is asked for it.
pub(crate) async fn inspect(
    known: Arc<Knowledge>,
    analyzer: &Analyzer,
    asked: Asked<'_>,
    own: Option<Inspection>,
    value: Option<oneshot::Receiver<Option<Value>>>,
) -> Option<MimeBundle> {
    if let Some(own) = own {
        let value = match value {
            // A value may take as long as a cell, which the kernel's end does not wait for.
            Some(value) => analyzer.unless_ending(value).await.and_then(Result::ok).flatten(),
            None => None,
        };
        let value = value.as_ref().and_then(|value| value["text/plain"].as_str());
        return Some(render::inspection(&own, value, asked.detail));
    }
    let question = blocking({
        let (known, code, cursor) = (Arc::clone(&known), asked.code.to_owned(), asked.cursor);
        move || known.inspection_question(&code, cursor)
    });
    let patience = if asked.patient { PATIENCE_OF_COMMANDS } else { PATIENCE };
    let question = question.await.flatten()?;
    // Who is patient waits for a start as well.
    let answer = match asked.patient {
        true => {
            tokio::time::timeout(patience, analyzer.ask(known.place(), Wish::Inspect, question, None)).await.ok()?
        }
        false => analyzer.ask(known.place(), Wish::Inspect, question, Some(patience)).await,
    };
    match answer? {
        Answer::Words { plain, markdown, html } => Some(render::words(plain, markdown, html)),
        _ => None,
    }
}

/// A question about a place in code.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) code: &'a str,
    /// Bytes into the code.
    pub(crate) cursor: usize,
    /// From 1 on with the source.
    pub(crate) detail: u64,
    /// Whether the answer may take seconds.
    pub(crate) patient: bool,
}

/// Runs what takes the processor for a while; `None`: it panicked, which is a defect, and nobody's loss.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.inspect_err(|error| tracing::error!("no answer: {error}")).ok()
}
