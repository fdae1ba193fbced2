//! What is live, for whoever asks about code; and the value of a variable, looked at between two cells.

use std::sync::Arc;

use compiler::Knowledge;
use ipc::MimeBundle;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{
    Execution,
    cell::{Cell, Step},
    failure::Failure,
    library::Library,
    notice::Notice,
};
use crate::{
    analysis::{self, Asked},
    events::Events,
    execution::stage::{Done, Stage, TaskDone},
    message::Parent,
    request::execute::Payload,
    worker::supervisor::Readiness,
};

/// Who can look at variables, for answers that are made beside the cells.
#[derive(Clone)]
pub(crate) struct Looker(Events<Notice>);

impl Looker {
    /// Asks for the text of a variable's value, which may come late or be unknown; `None` if the kernel has ended.
    pub(crate) async fn look(&self, name: String, under: &Arc<Parent>) -> Option<oneshot::Receiver<Option<String>>> {
        let (sender, value) = oneshot::channel();
        self.0.send(Notice::Look { name, under: Arc::clone(under), sender }).await.then_some(value)
    }
}

/// Under which name the value is among the user expressions of its own cell.
const NAME: &str = "value";

impl Execution {
    /// What is live, as far as it is known at this moment: while the notebook is with the compiler, what was before.
    pub(crate) fn knowledge(&mut self) -> Arc<Knowledge> {
        if let Library::Ready(notebook) = &self.library
            && (notebook.revision() != self.known.revision() || !self.known.place().is_known())
        {
            self.known = Arc::new(notebook.knowledge());
        }
        Arc::clone(&self.known)
    }

    /// Who looks at variables, whenever that is.
    pub(crate) fn looker(&self) -> Looker {
        Looker(self.events.clone())
    }

    /// Looks at a variable's value, where no cell has its turn and none waits: its `Debug` is the user's code, and runs as
    /// a cell does. Otherwise whoever waits for it is told so at once.
    pub(super) fn look(&mut self, name: &str, under: Arc<Parent>, sender: oneshot::Sender<Option<String>>) {
        let is_idle = self.stages().all(|(_, stage)| matches!(stage, Stage::Between));
        let idle = is_idle && self.turn_to(&None) && self.cell.is_none() && self.queue.is_empty();
        let there = matches!(self.library, Library::Ready(_)) && self.variables.iter().any(|variable| variable == name);
        if !idle || !there || self.supervisor.readiness() != Readiness::Ready {
            return;
        }
        self.runs += 1;
        let mut cell = Cell::look(under, sender, format!("look {}", self.runs));
        cell.steps.push_back(Step::Expression { name: NAME.to_owned(), code: name.to_owned() });
        self.cell = Some(cell);
        self.pump();
    }

    /// `:doc`
    pub(super) fn document(&mut self, step: Step, path: &str) {
        let (known, analyzer) = (self.knowledge(), self.analyzer.clone());
        let cancel = tokio_util::sync::CancellationToken::new();
        let (token, code) = (cancel.clone(), path.to_owned());
        self.stage = Stage::Compiling { step, cancel };
        self.task = Some(Box::pin(async move {
            let looking = async {
                let own = analysis::own_words(&known, &code, code.len()).await;
                let asked = Asked { code: &code, cursor: code.len(), detail: 0, patient: true };
                analysis::inspect(known, &analyzer, asked, own, None).await
            };
            let found = tokio::select! {
                found = looking => found,
                () = token.cancelled() => None,
            };
            TaskDone::Documented(found)
        }));
    }

    /// The answer to `:doc` is there.
    pub(super) fn documented(&mut self, found: Option<MimeBundle>) {
        let Some(Done { step, cancel, .. }) = self.compiler_is_done() else { return };
        match (found, &mut self.cell) {
            _ if cancel.is_cancelled() => self.fail(&step, Failure::interrupted()),
            (Some(data), Some(cell)) => cell.payloads.push(Payload::Page { data }),
            _ => {
                let note = self.analyzer.note(Some(self.known.place()));
                let sentence = ["nothing is known of this name".to_owned()].into_iter().chain(note);
                let sentence = sentence.collect::<Vec<_>>().join(". ");
                self.fail(&step, Failure::new("DocError", &sentence));
            }
        }
    }
}

/// A cell that looks at a value is done.
pub(super) fn looked(expressions: &Map<String, Value>, sender: oneshot::Sender<Option<String>>) {
    let value = expressions.get(NAME).and_then(|value| value["data"]["text/plain"].as_str());
    // Who asked may have lost patience.
    let _ = sender.send(value.map(str::to_owned));
}
