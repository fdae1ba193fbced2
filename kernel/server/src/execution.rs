//! Cells and what they need: [`Execution`] takes in what requests, the worker and the compiler have to say, and hands it to
//! the shell that it is about.
//!
//! A [`shell`] owns a queue and the one cell of it whose turn it is; what there is once for all of them stands in
//! [owners](common) with names of their own. The [`life`] of a cell, from its turn to its reply, is a list of
//! [steps](step) (its commands, its code, its `user_expressions`), and a [`Stage`](stage::Stage) says what the present
//! step waits for. Compiling and running are two stages that know nothing of each other, and what waits is
//! compiled [ahead] while a cell runs. Nothing here waits: what takes time is started, and comes back as an event.
//! How Rust is compiled is not known here, nor how a library is run.

mod advice;
mod again;
mod ahead;
mod audience;
mod cell;
mod comm;
pub(crate) mod command;
mod common;
mod compiler;
mod dependency;
mod exit;
pub(crate) mod failure;
mod input;
mod interrupt;
pub(crate) mod library;
mod life;
mod load;
mod look;
mod misplaced;
mod note;
mod notice;
mod outcome;
mod plan;
mod progress;
mod question;
mod queue;
mod settings;
mod shell;
mod shell_id;
mod stage;
mod step;
mod task;
mod variables;
mod widget;

use std::{path::Path, sync::Arc, time::Instant};

use ::compiler::Knowledge;
use ipc::Comm;

use self::{
    common::Common,
    library::Found,
    queue::Order,
    shell::{End, Shells},
    shell_id::ShellId,
    task::Tasks,
};
pub(crate) use self::{
    look::{Look, Looker},
    notice::Notice,
    task::TaskDone,
};
use crate::{
    analysis::Analyzer,
    channel::Outgoing,
    events::Events,
    history::History,
    message::{Parent, Request},
    request::{
        execute::{self, Payload},
        pending::Pending,
    },
    worker::{Happening, Supervisor},
};

/// The shells, and what they share.
pub(crate) struct Execution {
    shells: Shells,
    common: Common,
}

impl Execution {
    /// Begins with what is known of the session library: a worker is started, or a build.
    pub(crate) fn new(
        outgoing: Outgoing,
        events: Events<Notice>,
        directory: &Path,
        found: Found,
        history: History,
        analyzer: Analyzer,
    ) -> Self {
        let common = Common::new(outgoing, events, directory, found, history, analyzer);
        Self { shells: Shells::new(), common }
    }

    /// The version of the rustc that the session library was built with.
    pub(crate) fn rustc_version(&self) -> &str {
        self.common.compiler.rustc_version()
    }

    /// What is live, as far as it is known at this moment.
    pub(crate) fn knowledge(&mut self) -> Arc<Knowledge> {
        self.common.compiler.knowledge()
    }

    /// Who looks at variables, whenever that is.
    pub(crate) fn looker(&self) -> Looker {
        Looker::new(self.common.events.clone())
    }

    /// How many programs of cells have ended: what variables are may have changed with each.
    pub(crate) fn runs(&self) -> u64 {
        self.common.variables.runs()
    }

    /// The open comms of a target, or all: id and target.
    pub(crate) fn comms(&self, target: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
        self.common.comms.open(target)
    }

    /// What the loop is to wait for: the compiler's work, and the worker.
    pub(crate) fn sources(&mut self) -> (Tasks<'_>, &mut Supervisor) {
        (Tasks(self.common.compiler.task()), &mut self.common.supervisor)
    }

    /// When [`deadline_passed`](Self::deadline_passed) is to be called.
    pub(crate) fn deadline(&self) -> Option<tokio::time::Instant> {
        let graces = self.shells.iter().filter_map(|shell| shell.stage.grace());
        let ahead = self.common.ahead_due(&self.shells);
        self.common.audience.due().into_iter().chain(graces).chain(ahead).min().map(Into::into)
    }

    /// Takes in an `execute_request`; it will be answered when its turn is over.
    pub(crate) fn submit(&mut self, request: Pending) {
        let content = match request.request().content() {
            Ok(content) => content,
            Err(error) => return request.reply(Err(error)),
        };
        let number = self.common.numbers.next_order();
        let id = ShellId::named(request.parent().subshell_id.as_deref());
        let Some(shell) = id.and_then(|id| self.shells.get(id)) else {
            return request.reply_in_order(execute::aborted(0));
        };
        if let Some(order) = shell.queue.push(Order { number, request, content }) {
            shell.give_up(order);
        }
        self.pump();
    }

    /// The user does not want to wait any longer: for no cell of any shell, as the spec has it.
    pub(crate) fn interrupt(&mut self) {
        self.common.ahead.end();
        self.shells.iter_mut().for_each(|shell| self.common.interrupt_cell(shell));
        self.pump();
    }

    /// A new subshell; its id.
    pub(crate) fn create_subshell(&mut self) -> String {
        self.shells.create().to_string()
    }

    /// Ends a subshell: what waits in it is given up, and its cell is interrupted. Whether there was one.
    pub(crate) fn delete_subshell(&mut self, id: &str) -> bool {
        let shell = ShellId::named(Some(id)).and_then(|id| self.shells.get(id));
        let Some(shell) = shell.filter(|shell| shell.is_open()) else { return false };
        if shell.end == End::Open {
            shell.end = End::Deleted;
        }
        shell.give_up_all(true);
        self.common.interrupt_cell(shell);
        self.pump();
        true
    }

    /// The subshells that there are, in the order in which they were made.
    pub(crate) fn subshells(&self) -> impl Iterator<Item = String> {
        self.shells.subshells().map(|id| id.to_string())
    }

    /// Whether there is a subshell of this id.
    pub(crate) fn has_subshell(&self, id: &str) -> bool {
        self.shells.subshells().any(|shell| shell.to_string() == id)
    }

    /// A frontend says something by a comm.
    pub(crate) fn comm_from_frontend(&mut self, message: Comm, parent: &Parent) {
        self.common.comms.hear_frontend(message, parent, &self.common.supervisor, &self.common.outgoing);
    }

    /// [`input_reply`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-stdin-router-dealer-channel)
    pub(crate) fn input_reply(&mut self, request: &Request) {
        self.common.input_reply(&mut self.shells, request);
    }

    /// The frontend did not take a question.
    pub(crate) fn undelivered(&mut self, message: &str) {
        self.common.undelivered(&mut self.shells, message);
    }

    /// Something that was begun tells how far it is. Why the kernel is to end now, if it is.
    pub(crate) fn notice(&mut self, notice: Notice) -> Option<&'static str> {
        let Self { shells, common } = self;
        match notice {
            Notice::BuildProgress(progress) => common.build_progress(shells, progress),
            Notice::DependencyProgress(progress) => {
                if let Some(shell) = shells.compiling() {
                    common.dependency_progress(shell, &progress);
                }
            }
            Notice::AbortEnds(id) => {
                if let Some(shell) = shells.get(id).filter(|shell| shell.is_open()) {
                    shell.queue.abort_ends();
                }
            }
            Notice::Look { what, under, sender } => {
                common.look(shells, what, under, sender);
                self.pump();
            }
            Notice::Quits => return Some("`:quit`"),
        }
        None
    }

    /// The compiler is done with what it was given.
    pub(crate) fn done(&mut self, done: TaskDone) {
        let Self { shells, common } = self;
        match done {
            TaskDone::Built(built) => common.built(shells, built),
            TaskDone::Compiled { notebook, result } => {
                if let Some(notebook) = notebook {
                    common.notebook_is_back(notebook);
                }
                match shells.compiling() {
                    Some(shell) => common.compiled(shell, result),
                    None => tracing::error!("what was compiled is no shell's"),
                }
            }
            TaskDone::Changed { notebook, result } => {
                common.notebook_is_back(notebook);
                match shells.compiling() {
                    Some(shell) => common.dependencies_changed(shell, result),
                    None => tracing::error!("a change of the dependencies is no shell's"),
                }
            }
        }
        self.pump();
    }

    /// Something came from the worker.
    pub(crate) fn worker(&mut self, happening: Happening) {
        match happening {
            Happening::Output(pipe, bytes) => self.common.audience.read(pipe, bytes),
            Happening::Message(event) => self.told(event),
            Happening::Exited(status) => self.common.worker_exited(&mut self.shells, status),
        }
        self.pump();
    }

    fn told(&mut self, event: ipc::Event) {
        let Self { shells, common } = self;
        match event {
            ipc::Event::Ready { mark } => common.worker_is_ready(shells, &mark),
            ipc::Event::Display(display) => common.audience.display(display, &common.supervisor),
            ipc::Event::Done { cell, outcome, variables, kept } => {
                common.variables.told(variables);
                match shells.running(cell) {
                    Some(shell) => common.ran(shell, outcome, kept),
                    None => tracing::error!("the worker ended a cell that does not run"),
                }
            }
            ipc::Event::Hint { cell, hint, text } => common.hint(cell, hint, &text),
            ipc::Event::Waiting { cell, text, update } => common.waiting(cell, text.as_deref(), update),
            ipc::Event::Input { id, cell, prompt, password } => common.ask(shells, id, cell, prompt, password),
            ipc::Event::InputWithdrawn { id } => shells.iter_mut().for_each(|shell| common.withdraw(shell, id)),
            ipc::Event::Heard { cell } => {
                if let Some(shell) = shells.running(cell) {
                    shell.interrupt_heard();
                }
            }
            ipc::Event::Comm { cell, comm } => {
                common.comms.hear_cell(cell, comm, &mut common.audience, &common.supervisor, &common.outgoing);
            }
            // It is for whoever sees to the worker's end, and does not come this far.
            ipc::Event::ProgramGroup { .. } => {}
            ipc::Event::CommTarget { name, is_there } => common.comms.target(name, is_there),
            ipc::Event::Page { cell, data } => common.payload(shells.running(cell), cell, Payload::Page { data }),
            ipc::Event::NextInput { cell, text } => {
                common.payload(shells.running(cell), cell, Payload::SetNextInput { text, replace: false });
            }
            ipc::Event::Report(report) => match shells.reporting() {
                Some(shell) => common.reported(shell, report),
                None => tracing::error!("the worker reports what nobody asked for"),
            },
        }
    }

    /// Sends output that is due, and tells of a cell that does not heed an interrupt.
    pub(crate) fn deadline_passed(&mut self) {
        let now = Instant::now();
        self.common.audience.print_due(now);
        for shell in self.shells.iter_mut() {
            if shell.stage.grace().is_some_and(|grace| grace <= now) {
                self.common.interrupt_unheeded(shell);
            }
        }
        self.common.look_ahead(&self.shells);
    }

    /// Ends everything; whoever waits for a reply gets one. Returns when the worker has ended.
    pub(crate) async fn end(&mut self) {
        for shell in self.shells.iter_mut() {
            shell.give_up_all(false);
            shell.stage.cancel();
        }
        self.common.compiler.end();
        self.common.ahead.end();
        self.common.audience.end_worker(&self.common.supervisor);
        self.common.supervisor.end().await;
        for shell in self.shells.iter_mut() {
            self.common.kernel_ends(shell);
        }
    }

    /// Goes on in all shells until there is something to wait for.
    fn pump(&mut self) {
        let ids: Vec<ShellId> = self.shells.iter().map(|shell| shell.id).collect();
        for id in ids {
            let others = self.shells.others(id);
            if let Some(shell) = self.shells.get(id) {
                self.common.advance(shell, others);
            }
        }
        self.shells.forget_deleted();
        self.common.look_ahead(&self.shells);
    }
}
