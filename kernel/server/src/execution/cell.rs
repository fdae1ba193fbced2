//! One cell on its way through the kernel: what it still has to do, and what became of it.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use super::failure::Failure;
use crate::{command::Action, message::Parent, request::execute::Content};

/// A cell that is being executed.
pub(super) struct Cell {
    pub(super) parent: Arc<Parent>,
    pub(super) content: Content,
    /// What it is called: `cell 3`.
    pub(super) label: String,
    /// `metadata.cellId`: stays when the cell is run again.
    pub(super) cell_id: Option<String>,
    pub(super) steps: VecDeque<Step>,
    /// When its turn began.
    pub(super) since: Instant,
    pub(super) opt_level: Option<u8>,
    /// Whether its tasks are drawn.
    pub(super) timeline: bool,
    /// Whether it tells how long it took.
    pub(super) timing: bool,
    pub(super) compile_time: Duration,
    pub(super) run_time: Duration,
    /// The `display_id` under which it shows the progress of the session library's build.
    pub(super) progress: Option<String>,
    /// The one under which it shows how far the build of its dependencies is.
    pub(super) dependency_progress: Option<String>,
    /// What it erred with.
    pub(super) failure: Option<Failure>,
    /// The results of its `user_expressions`.
    pub(super) expressions: Map<String, Value>,
}

/// What a cell consists of, in this order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Command(Action),
    Code(String),
    /// One of the `user_expressions`.
    Expression {
        name: String,
        code: String,
    },
}

impl Cell {
    pub(super) fn new(parent: Arc<Parent>, metadata: &Value, content: Content, label: String) -> Self {
        Self {
            parent,
            label,
            cell_id: metadata.get("cellId").and_then(Value::as_str).map(str::to_owned),
            content,
            steps: VecDeque::new(),
            since: Instant::now(),
            opt_level: None,
            timeline: false,
            timing: false,
            compile_time: Duration::ZERO,
            run_time: Duration::ZERO,
            progress: None,
            dependency_progress: None,
            failure: None,
            expressions: Map::new(),
        }
    }

    /// Under which request its outputs are published; `None`: not at all.
    pub(super) fn audience(&self) -> Option<&Arc<Parent>> {
        (!self.content.silent).then_some(&self.parent)
    }
}
