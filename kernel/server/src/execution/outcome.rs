//! What becomes of a step that ran: its result or its error.

use compiler::Notebook;
use ipc::{CellId, MimeBundle, Outcome};
use serde_json::{Value, json};

use super::{
    cell::{Asker, Cell, Step},
    common::Common,
    failure::Failure,
    note,
    shell::Shell,
    stage::Stage,
    variables::Run,
};
use crate::{hint, request::execute::Payload};

impl Common {
    /// The worker is done with a program, and these variables are of it.
    pub(super) fn ran(&mut self, shell: &mut Shell, outcome: Outcome, kept: Vec<String>) {
        let (step, run, entry) = match std::mem::take(&mut shell.stage) {
            Stage::Running { step, run, entry, since, .. } => {
                if let Some(cell) = &mut shell.cell {
                    cell.spent.running += since.elapsed();
                }
                (step, run, entry)
            }
            other => {
                shell.stage = other;
                return;
            }
        };
        // What was remembered may not fit this machine, whatever its checksum says.
        let again = matches!(outcome, Outcome::LoadFailed { .. })
            && self.compiler.notebook().is_some_and(|notebook| notebook.distrust(&entry));
        if let Some(bundle) = self.audience.end_run(run, &self.supervisor) {
            let metadata = MimeBundle::new();
            match (&outcome, &step) {
                // The tail expression has displayed itself.
                (Outcome::Unit, Step::Code(_)) => self.say_result(shell, bundle, metadata),
                _ => self.say(shell, note::bundle(bundle, metadata)),
            }
            self.say_type(shell, &step);
        }
        if shell.cell.as_ref().is_some_and(|cell| matches!(cell.asker, Asker::Request(_))) {
            self.variables.count_run();
        }
        let success = matches!(outcome, Outcome::Value(_) | Outcome::Unit);
        let showed = matches!(outcome, Outcome::Value(_));
        let parent = shell.cell.as_ref().and_then(Cell::audience);
        let notes = self.variables.finish(&mut self.compiler, Run { entry, success, showed, kept }, parent);
        if again {
            return shell.put_back(step);
        }
        self.tell(shell, step, outcome);
        if !notes.is_empty() {
            self.say(shell, note::note(&notes.join("\n")));
        }
    }

    /// What a program came to.
    fn tell(&mut self, shell: &mut Shell, step: Step, outcome: Outcome) {
        let failure = match outcome {
            Outcome::Value(value) => {
                match step {
                    Step::Code(_) => {
                        self.say_result(shell, value.data, value.metadata);
                        self.say_type(shell, &step);
                    }
                    Step::Kernel(_)
                    | Step::Compiler(_)
                    | Step::Worker(_)
                    | Step::Dependencies(_)
                    | Step::Loaded(_)
                    | Step::Configured => self.say(shell, note::bundle(value.data, value.metadata)),
                    Step::Details | Step::Expression { .. } => {
                        let result = json!({"status": "ok", "data": value.data, "metadata": value.metadata});
                        shell.expression(step.expression().unwrap_or_default().to_owned(), result);
                    }
                }
                return;
            }
            Outcome::Unit => {
                if let Some(name) = step.expression() {
                    let result = json!({"status": "ok", "data": {"text/plain": "()"}, "metadata": {}});
                    shell.expression(name.to_owned(), result);
                }
                return;
            }
            Outcome::Error { type_name, message, sources, location } => {
                Failure::error(&type_name, &message, &sources, location.as_ref(), &self.settings.hints)
            }
            Outcome::Panic(panic) => Failure::panic(&panic, &self.settings.hints),
            Outcome::Interrupted { was } => Failure::interrupted_at(was.as_deref()),
            Outcome::LoadFailed { message } => Failure::new("LoadError", &message),
        };
        self.fail(shell, &step, failure);
    }

    fn say_result(&self, shell: &Shell, data: MimeBundle, metadata: MimeBundle) {
        if let Some(cell) = &shell.cell
            && cell.content.is_counted()
            && let Some(text) = data.get("text/plain").and_then(Value::as_str)
        {
            self.history.resulted(shell.count, text);
        }
        self.say(shell, note::result(data, metadata, shell.count));
    }

    /// `:types`: behind a result, its type.
    fn say_type(&self, shell: &mut Shell, step: &Step) {
        let shown = shell.cell.as_mut().filter(|_| matches!(step, Step::Code(_)));
        if let Some(type_name) = shown.and_then(|cell| cell.result_type.take()) {
            self.say(shell, note::plain(&format!(": {type_name}")));
        }
    }

    /// Tells the notebook of a step that ran nothing.
    pub(super) fn skip(&mut self, shell: &Shell, entry: &str, success: bool) {
        self.variables.skip(&mut self.compiler, entry, success, shell.cell.as_ref().and_then(Cell::audience));
    }

    /// The compiler is done with the notebook, which hears of what happened meanwhile.
    pub(super) fn notebook_is_back(&mut self, mut notebook: Box<Notebook>) {
        for (notes, parent) in self.variables.catch_up(&mut notebook) {
            if let Some(parent) = parent.filter(|_| !notes.is_empty()) {
                self.outgoing.publish(note::note(&notes.join("\n")), Some(&parent));
            }
        }
        self.compiler.returned(notebook);
    }

    /// Shows a hint under the cell of a run, behind what that printed, unless its kind is switched off.
    pub(super) fn hint(&mut self, run: CellId, kind: ipc::Hint, text: &str) {
        if self.settings.hints.is_on(kind) {
            self.audience.say(run, note::note(&hint::shown(text)), &self.supervisor);
        }
    }

    /// Shows under the cell of a run what it waits for, in place of what stands there; `None`: it does so no more.
    pub(super) fn waiting(&mut self, run: CellId, text: Option<&str>, update: bool) {
        if text.is_none() || self.settings.hints.is_on(ipc::Hint::Waiting) {
            let text = text.map(hint::shown);
            let id = format!("kissaten-waiting-{}", run.0);
            self.audience.say(run, note::changing(text.as_deref(), &id, update), &self.supervisor);
        }
    }

    /// Code of a run asks something of its frontend: the reply of its cell, which this shell has, will say so.
    pub(super) fn payload(&mut self, shell: Option<&mut Shell>, run: CellId, payload: Payload) {
        if let Some(cell) = shell.and_then(|shell| shell.cell.as_mut()) {
            cell.answer.payloads.push(payload);
        } else if let (Payload::Page { data }, Some(parent)) = (payload, self.audience.of(run)) {
            // Its reply has left.
            self.outgoing.publish(note::bundle(data, MimeBundle::new()), Some(parent));
        }
    }
}
