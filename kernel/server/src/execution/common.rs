//! What all shells share: one compiler, one worker, one set of variables. Each part is an owner of its own; what a shell
//! is, or a cell, is known to none of them.

use std::{collections::HashMap, path::Path};

use ipc::CellId;

use super::{
    again::CellRuns, ahead::Ahead, audience::Audience, comm::Comms, compiler::Compiler, library::Found, notice::Notice,
    settings::Settings, variables::Variables,
};
use crate::{analysis::Analyzer, channel::Outgoing, events::Events, history::History, worker::Supervisor};

/// The owners of all that there is once.
pub(super) struct Common {
    pub(super) outgoing: Outgoing,
    /// What takes time tells how far it is by these.
    pub(super) events: Events<Notice>,
    pub(super) history: History,
    /// The analyzer's client.
    pub(super) analyzer: Analyzer,
    pub(super) supervisor: Supervisor,
    pub(super) compiler: Compiler,
    /// What is compiled for cells that wait.
    pub(super) ahead: Ahead,
    pub(super) variables: Variables,
    pub(super) audience: Audience,
    /// What frontends and cells have open between them.
    pub(super) comms: Comms,
    pub(super) settings: Settings,
    pub(super) numbers: Numbers,
    pub(super) cell_runs: CellRuns,
}

impl Common {
    /// Begins with what is known of the session library: a worker is started, or a build.
    pub(super) fn new(
        outgoing: Outgoing,
        events: Events<Notice>,
        directory: &Path,
        found: Found,
        history: History,
        analyzer: Analyzer,
    ) -> Self {
        let mut supervisor = Supervisor::new(directory);
        let mut compiler = Compiler::new(directory);
        compiler.found(found, &mut supervisor, &events);
        Self {
            audience: Audience::new(outgoing.clone()),
            outgoing,
            events,
            history,
            analyzer,
            supervisor,
            compiler,
            ahead: Ahead::default(),
            variables: Variables::default(),
            comms: Comms::default(),
            settings: Settings::default(),
            numbers: Numbers::default(),
            cell_runs: CellRuns::default(),
        }
    }

    /// The worker's variables are gone: the notebook forgets them, and says which they were.
    pub(super) fn forget_worker(&mut self) -> Vec<String> {
        self.variables.worker_lost();
        self.compiler.notebook().map(compiler::Notebook::worker_lost).unwrap_or_default()
    }
}

/// Numbers that tell things of one kind apart, for as long as the kernel lives.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    runs: u64,
    orders: u64,
    expressions: u64,
    /// How often code of a name was loaded.
    loaded: HashMap<String, u64>,
}

impl Numbers {
    /// The number of the next program, user expressions and silent cells too.
    pub(super) fn next_run(&mut self) -> CellId {
        self.runs += 1;
        CellId(self.runs)
    }

    /// How many there were.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// The number of the next cell that is to wait for its turn.
    pub(super) fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// The number of the next user expression.
    pub(super) fn next_expression(&mut self) -> u64 {
        self.expressions += 1;
        self.expressions
    }

    /// What code that does not stand in a cell is called: unique within the kernel.
    pub(super) fn label(&mut self, name: &str) -> String {
        let times = self.loaded.entry(name.to_owned()).or_default();
        *times += 1;
        if *times == 1 { name.to_owned() } else { format!("{name} ({times})") }
    }
}
