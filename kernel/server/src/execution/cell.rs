//! One cell on its way through the kernel: what it still has to do, and what became of it.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use ipc::Report;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{
    command::{compiler::CompilerCommand, dependencies::DependencyCommand, kernel::KernelCommand},
    failure::Failure,
    look, queue,
};
use crate::{
    message::Parent,
    request::{
        execute::{ExecuteRequest, Payload},
        pending::Pending,
    },
};

/// A cell that is being executed.
pub(super) struct Cell {
    pub(super) asker: Asker,
    pub(super) content: ExecuteRequest,
    /// What it is called: `cell 3`.
    pub(super) label: String,
    /// `metadata.cellId`: stays when the cell is run again.
    pub(super) cell_id: Option<String>,
    pub(super) steps: VecDeque<Step>,
    /// When its turn began.
    pub(super) since: Instant,
    /// The user's configuration runs, which shows nothing.
    pub(super) quiet: bool,
    pub(super) options: CellOptions,
    pub(super) spent: Spent,
    pub(super) displays: Displays,
    /// The type of its result, if that is to be shown.
    pub(super) result_type: Option<String>,
    pub(super) answer: CellAnswer,
}

/// The options of a cell: what was asked for of it alone.
#[derive(Debug, Default)]
pub(super) struct CellOptions {
    pub(super) opt_level: Option<u8>,
    /// Whether its tasks are drawn.
    pub(super) timeline: bool,
    /// Whether it tells how long it took.
    pub(super) timing: bool,
}

/// The time that a cell's steps took.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) compiling: Duration,
    pub(super) running: Duration,
}

/// The displays of a cell that replace themselves.
#[derive(Debug, Default)]
pub(super) struct Displays {
    /// The progress of the session library's build.
    pub(super) build: Option<Bar>,
    /// How far the build of its dependencies is.
    pub(super) dependencies: Option<Bar>,
}

/// A bar that is shown: its `display_id`, and the quarter of the way that it was first shown in.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) id: String,
    pub(super) quarter: usize,
}

/// The content of a cell's reply, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct CellAnswer {
    /// What it asks of the frontend, besides showing outputs.
    pub(super) payloads: Vec<Payload>,
    /// What it erred with.
    pub(super) failure: Option<Failure>,
    /// The results of its `user_expressions`.
    pub(super) expressions: Map<String, Value>,
}

/// The asker of a cell: who waits for it.
pub(super) enum Asker {
    /// A frontend, which gets a reply.
    Request(Pending),
    /// Somebody who wants to know the value of a variable, for a request that is another's to answer.
    Onlooker { parent: Arc<Parent>, sender: oneshot::Sender<Option<Value>> },
}

/// A step of a cell: a command, its code, or what stands for code.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Kernel(KernelCommand),
    Compiler(CompilerCommand),
    Worker(Report),
    Dependencies(DependencyCommand),
    Code(String),
    /// The user's configuration ends, and the cell itself begins.
    Configured,
    /// Code that does not stand in the cell: a file's, or what a command stands for.
    Loaded(Loaded),
    /// All variables are looked at, for a panel that lists them.
    Details,
    /// One of the `user_expressions`.
    Expression {
        name: String,
        code: String,
    },
}

impl Step {
    /// Where the cell's reply has what it comes to, if that is nothing that is shown.
    pub(super) fn expression(&self) -> Option<&str> {
        match self {
            Self::Expression { name, .. } => Some(name),
            Self::Details => Some(look::NAME),
            _ => None,
        }
    }

    /// Whether later cells are compiled as they were without it.
    pub(super) fn changes_nothing(&self) -> bool {
        match self {
            Self::Kernel(command) => command.changes_nothing(),
            Self::Compiler(command) => command.changes_nothing(),
            Self::Dependencies(command) => !matches!(command, DependencyCommand::Change(_)),
            Self::Worker(_) | Self::Configured | Self::Details | Self::Expression { .. } => true,
            Self::Code(_) | Self::Loaded(_) => false,
        }
    }

    /// Whether it cannot be done without the notebook.
    pub(super) fn needs_notebook(&self) -> bool {
        match self {
            // A worker needs the session library.
            Self::Kernel(KernelCommand::Shell(_)) => true,
            Self::Kernel(_) | Self::Worker(_) | Self::Configured => false,
            Self::Compiler(_)
            | Self::Dependencies(_)
            | Self::Code(_)
            | Self::Loaded(_)
            | Self::Details
            | Self::Expression { .. } => true,
        }
    }
}

/// Code from elsewhere, with a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) code: String,
    /// What it is called in messages and panics.
    pub(super) label: String,
    /// Stays when the same file is loaded again.
    pub(super) id: Option<String>,
}

impl Cell {
    /// A cell that a frontend sent.
    pub(super) fn new(request: Pending, content: ExecuteRequest, label: String) -> Self {
        let cell_id = queue::cell_id(&request);
        Self { cell_id, ..Self::of(Asker::Request(request), content, label) }
    }

    /// Whether a console asked for it: it has no names for cells, and somebody sits there.
    pub(super) fn is_of_console(&self) -> bool {
        self.cell_id.is_none() && self.content.allow_stdin
    }

    /// One that shows nothing, for whoever wants to know a value.
    pub(super) fn look(parent: Arc<Parent>, sender: oneshot::Sender<Option<Value>>, label: String) -> Self {
        Self::of(Asker::Onlooker { parent, sender }, ExecuteRequest::silent(), label)
    }

    fn of(asker: Asker, content: ExecuteRequest, label: String) -> Self {
        Self {
            asker,
            label,
            cell_id: None,
            content,
            steps: VecDeque::new(),
            since: Instant::now(),
            quiet: false,
            options: CellOptions::default(),
            spent: Spent::default(),
            displays: Displays::default(),
            result_type: None,
            answer: CellAnswer::default(),
        }
    }

    /// The request that it is run for.
    pub(super) fn parent(&self) -> &Arc<Parent> {
        match &self.asker {
            Asker::Request(request) => request.parent(),
            Asker::Onlooker { parent, .. } => parent,
        }
    }

    /// Under which request its outputs are published now; `None`: not at all.
    pub(super) fn audience(&self) -> Option<&Arc<Parent>> {
        (!self.content.silent && !self.quiet).then_some(self.parent())
    }
}
