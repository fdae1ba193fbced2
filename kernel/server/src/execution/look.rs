//! The value of a variable, looked at between two cells; and words about a name, for `:doc`.

use std::sync::Arc;

use ipc::MimeBundle;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{
    cell::{Cell, Step},
    common::Common,
    failure::Failure,
    notice::Notice,
    shell::{Shell, Shells},
    stage::Stage,
    step::Done,
    task::TaskDone,
};
use crate::{
    analysis::{self, Asked},
    events::Events,
    message::Parent,
    request::execute::Payload,
    worker::supervisor::Readiness,
};

/// Who can look at variables, for answers that are made beside the cells.
#[derive(Clone)]
pub(crate) struct Looker(Events<Notice>);

impl Looker {
    /// Asks by these.
    pub(super) fn new(events: Events<Notice>) -> Self {
        Self(events)
    }

    /// Asks for the text of a variable's value, which may come late or be unknown; `None` if the kernel has ended.
    pub(crate) async fn look(&self, name: String, under: &Arc<Parent>) -> Option<oneshot::Receiver<Option<String>>> {
        let (sender, value) = oneshot::channel();
        self.0.send(Notice::Look { name, under: Arc::clone(under), sender }).await.then_some(value)
    }
}

/// Under which name the value is among the user expressions of its own cell.
const NAME: &str = "value";

impl Common {
    /// Looks at a variable's value, where no cell has its turn and none waits: its `Debug` is the user's code, and runs as
    /// a cell does. Otherwise whoever waits for it is told so at once.
    pub(super) fn look(
        &mut self,
        shells: &mut Shells,
        name: &str,
        under: Arc<Parent>,
        sender: oneshot::Sender<Option<String>>,
    ) {
        let is_idle = shells.iter().all(|shell| matches!(shell.stage, Stage::Between));
        let shell = shells.main();
        let is_free = is_idle && shell.cell.is_none() && shell.queue.is_empty();
        let is_there = self.compiler.notebook().is_some() && self.variables.names().iter().any(|other| other == name);
        if !is_free || !is_there || self.supervisor.readiness() != Readiness::Ready {
            return;
        }
        let run = self.numbers.next_run();
        let mut cell = Cell::look(under, sender, format!("look {}", run.0));
        cell.steps.push_back(Step::Expression { name: NAME.to_owned(), code: name.to_owned() });
        shell.cell = Some(cell);
    }

    /// `:doc`
    pub(super) fn document(&mut self, shell: &mut Shell, step: Step, path: &str) {
        let (known, analyzer) = (self.compiler.knowledge(), self.analyzer.clone());
        let cancel = tokio_util::sync::CancellationToken::new();
        let (token, code) = (cancel.clone(), path.to_owned());
        shell.stage = Stage::Compiling { step, cancel };
        self.compiler.begin(Box::pin(async move {
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
    pub(super) fn documented(&mut self, shell: &mut Shell, found: Option<MimeBundle>) {
        let Some(Done { step, cancel, .. }) = self.compiler_is_done(shell) else { return };
        match (found, &mut shell.cell) {
            _ if cancel.is_cancelled() => self.fail(shell, &step, Failure::interrupted()),
            (Some(data), Some(cell)) => cell.answer.payloads.push(Payload::Page { data }),
            _ => {
                let note = self.analyzer.note(Some(self.compiler.knowledge().place()));
                let sentence = ["nothing is known of this name".to_owned()].into_iter().chain(note);
                let sentence = sentence.collect::<Vec<_>>().join(". ");
                self.fail(shell, &step, Failure::new("DocError", &sentence));
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
