//! The values of variables, looked at between two cells.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{
    cell::{Cell, Step},
    common::Common,
    notice::Notice,
    shell::Shells,
    stage::Stage,
};
use crate::{events::Events, message::Parent, worker::supervisor::Readiness};

/// A handle for looking at variables, for answers that are made beside the cells.
#[derive(Clone)]
pub(crate) struct Looker(Events<Notice>);

impl Looker {
    /// Asks by these.
    pub(super) fn new(events: Events<Notice>) -> Self {
        Self(events)
    }

    /// Asks for the MIME bundle of a variable's value, or of all, which may come late or be unknown; `None` if the kernel has
    /// ended.
    pub(crate) async fn look(&self, what: Look, under: &Arc<Parent>) -> Option<oneshot::Receiver<Option<Value>>> {
        let (sender, value) = oneshot::channel();
        self.0.send(Notice::Look { what, under: Arc::clone(under), sender }).await.then_some(value)
    }
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// One variable.
    Value(String),
    /// All, in detail.
    All,
}

/// Under which name the value is among the user expressions of its own cell.
pub(super) const NAME: &str = "value";

impl Common {
    /// Looks at a variable's value, where no cell has its turn and none waits: its `Debug` is the user's code, and runs as
    /// a cell does. Otherwise whoever waits for it is told so at once.
    pub(super) fn look(
        &mut self,
        shells: &mut Shells,
        what: Look,
        under: Arc<Parent>,
        sender: oneshot::Sender<Option<Value>>,
    ) {
        let is_idle = shells.iter().all(|shell| matches!(shell.stage, Stage::Between));
        let shell = shells.main();
        let is_free = is_idle && shell.cell.is_none() && shell.queue.is_empty();
        let is_there = match &what {
            Look::Value(name) => self.variables.names().contains(name),
            Look::All => true,
        };
        if !is_free
            || !is_there
            || self.compiler.notebook().is_none()
            || self.supervisor.readiness() != Readiness::Ready
        {
            return;
        }
        let run = self.numbers.next_run();
        let mut cell = Cell::look(under, sender, format!("look {}", run.0));
        cell.steps.push_back(match what {
            Look::Value(code) => Step::Expression { name: NAME.to_owned(), code },
            Look::All => Step::Details,
        });
        shell.cell = Some(cell);
    }
}

/// A cell that looks at a value is done.
pub(super) fn looked(expressions: &Map<String, Value>, sender: oneshot::Sender<Option<Value>>) {
    let value = expressions.get(NAME).map(|value| value["data"].clone());
    // Who asked may have lost patience.
    let _ = sender.send(value.filter(Value::is_object));
}
