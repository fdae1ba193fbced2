//! The life of a cell, from its turn to its reply: taken from the queue, counted, planned, performed step by step,
//! answered. What a step does is told by [`step`](super::step).

use std::time::Duration;

use jupyter_protocol::{ExecuteInput, ExecutionCount, JupyterMessageContent};

use super::{
    cell::{Asker, Cell, Step},
    command::compiler::price,
    common::Common,
    failure::Failure,
    look, note,
    notice::Notice,
    plan::{Plan, plan},
    queue::Order,
    shell::{End, Others, Shell},
    stage::Stage,
};
use crate::request::execute::{self, Payload};

impl Common {
    /// Goes on with a shell until there is something to wait for, be it another shell.
    pub(super) fn advance(&mut self, shell: &mut Shell, others: Others) {
        loop {
            let Some(cell) = &mut shell.cell else {
                match shell.queue.pop() {
                    Some(order) => self.begin(shell, order),
                    None => return,
                }
                continue;
            };
            if !matches!(shell.stage, Stage::Between) || (!cell.steps.is_empty() && others.compile) {
                return;
            }
            match cell.steps.pop_front() {
                Some(step) => self.perform(shell, step, others),
                None => self.conclude(shell),
            }
        }
    }

    /// A cell's turn begins.
    fn begin(&mut self, shell: &mut Shell, order: Order) {
        let Order { mut request, content, .. } = order;
        let run = self.numbers.next_run();
        let label = if content.is_counted() {
            shell.count += 1;
            self.history.ran(shell.count, &content.code);
            shell.label(&format!("cell {}", shell.count))
        } else {
            format!("unnumbered cell {}", run.0)
        };
        request.begin();
        let mut cell = Cell::new(request, content, label);
        if let Some(cell_id) = &cell.cell_id {
            let cells = self.cell_runs.take(cell_id);
            if !cells.is_empty() {
                self.supervisor.send(ipc::Request::Again { cells });
            }
        }
        if let Some(parent) = cell.audience() {
            let code = cell.content.code.clone();
            let input = ExecuteInput { code, execution_count: ExecutionCount::new(shell.count) };
            self.outgoing.publish(input, Some(parent));
        }
        let names = self.variables.names();
        match plan(&cell.content, &cell.label, &|name| names.contains(name)) {
            Ok(Plan { steps, options, refused }) => {
                (cell.steps, cell.options) = (steps, options);
                let refused = refused.into_iter().map(|(name, failure)| (name, failure.to_expression()));
                cell.answer.expressions.extend(refused);
            }
            Err(failure) => {
                self.publish_failure(&cell, &failure);
                cell.answer.failure = Some(failure);
            }
        }
        self.configure(&mut cell);
        let silent = cell.content.silent || cell.quiet;
        let has_failed = cell.answer.failure.is_some();
        let price = cell.options.opt_level.filter(|_| !has_failed).and_then(price);
        shell.cell = Some(cell);
        if !silent && let Some(news) = self.variables.news.take() {
            self.say(shell, note::note(&news));
        }
        if let Some(price) = price {
            self.say(shell, note::note(price));
        }
    }

    /// A cell's turn is over, and all its output is published: its reply, then idle.
    fn conclude(&mut self, shell: &mut Shell) {
        shell.stage = Stage::Between;
        self.end_questions(shell);
        let Some(cell) = shell.cell.take() else { return };
        self.tell_time(&cell);
        let mut answer = cell.answer;
        let request = match cell.asker {
            Asker::Request(request) => request,
            Asker::Onlooker { sender, .. } => return look::looked(&answer.expressions, sender),
        };
        let quits = shell.end == End::Quits;
        if quits {
            answer.payloads.push(Payload::AskExit);
        }
        let result = answer.failure.as_ref().map_or(Ok(&answer.expressions), Err);
        let reply = execute::reply(shell.count, result, &answer.payloads);
        // Whatever the reader of the socket has passed on by now stands before this event, and whoever knows of the reply
        // comes behind it.
        let stops = answer.failure.is_some() && cell.content.stop_on_error;
        let marked = stops && self.events.try_send(Notice::AbortEnds(shell.id));
        request.reply_in_order(reply);
        if quits {
            self.quit();
        }
        if stops {
            shell.give_up_all(marked);
        }
    }

    /// `:timing`, `%%timing`
    fn tell_time(&self, cell: &Cell) {
        let (compiling, running) = (cell.spent.compiling, cell.spent.running);
        if (cell.options.timing || self.settings.timing)
            && !(compiling + running).is_zero()
            && let Some(parent) = cell.audience()
        {
            let text = format!("Compiled in {}, ran in {}.", shown(compiling), shown(running));
            self.outgoing.publish(note::note(&text), Some(parent));
        }
    }

    /// Ends the kernel, once all that happens now is told.
    fn quit(&self) {
        let events = self.events.clone();
        // Not from here, where nothing may wait.
        tokio::spawn(async move { events.send(Notice::Quits).await });
    }

    /// The step erred. A user expression's error is its result; any other ends the cell.
    pub(super) fn fail(&mut self, shell: &mut Shell, step: &Step, failure: Failure) {
        shell.stage = Stage::Between;
        let Some(cell) = &mut shell.cell else { return };
        if let Some(name) = step.expression() {
            cell.answer.expressions.insert(name.to_owned(), failure.to_expression());
        } else if cell.quiet {
            self.configuration_failed(cell, &failure);
        } else {
            self.publish_failure(cell, &failure);
            cell.steps.clear();
            cell.answer.failure = Some(failure);
        }
    }

    /// The kernel ends, and nobody runs the cell any more.
    pub(super) fn kernel_ends(&mut self, shell: &mut Shell) {
        if let Some(cell) = &mut shell.cell {
            cell.steps.clear();
            cell.answer.failure = Some(Failure::new("KernelEnded", "the kernel was shut down while the cell ran"));
            self.conclude(shell);
        }
    }

    fn publish_failure(&self, cell: &Cell, failure: &Failure) {
        if let Some(parent) = cell.audience() {
            self.outgoing.error(failure.into(), parent);
        }
    }

    /// Publishes something under the cell whose turn it is.
    pub(super) fn say(&self, shell: &Shell, content: impl Into<JupyterMessageContent>) {
        if let Some(parent) = shell.cell.as_ref().and_then(Cell::audience) {
            self.outgoing.publish(content, Some(parent));
        }
    }
}

/// A duration for people.
fn shown(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{} µs", duration.as_micros()),
        seconds if seconds < 1.0 => format!("{} ms", duration.as_millis()),
        seconds => format!("{seconds:.1} s"),
    }
}
