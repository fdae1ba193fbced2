//! What becomes of a cell that ran: its result, its error, or the end of its worker.

use std::collections::BTreeMap;
use std::process::ExitStatus;

use compiler::{Farewell, Finished, Loan, LoanKind, Notebook};
use ipc::{CellId, MimeBundle, Outcome};
use serde_json::{Value, json};

use super::{Execution, cell::Step, failure::Failure, interrupt::Interrupt, library::Library, note, stage::Stage};
use crate::worker::death::{self, lost};

impl Execution {
    /// The worker is done with a program.
    pub(super) fn ran(&mut self, run: CellId, outcome: Outcome, variables: Vec<String>, kept: Vec<String>) {
        let (step, entry) = match std::mem::replace(&mut self.stage, Stage::Between) {
            Stage::Running { step, run: running, entry, since, .. } if running == run => {
                if let Some(cell) = &mut self.cell {
                    cell.run_time += since.elapsed();
                }
                (step, entry)
            }
            other => {
                tracing::error!("the worker ended a cell that does not run");
                self.stage = other;
                return;
            }
        };
        if let Some(bundle) = self.end_output(run) {
            let metadata = MimeBundle::new();
            match (&outcome, &step) {
                // The tail expression has displayed itself.
                (Outcome::Unit, Step::Code(_)) => self.say_result(bundle, metadata),
                _ => self.say(note::bundle(bundle, metadata)),
            }
            self.say_type(&step);
        }
        self.variables = variables;
        let success = matches!(outcome, Outcome::Value(_) | Outcome::Unit);
        let showed = matches!(outcome, Outcome::Value(_));
        let farewell = self.finish_with(Finished {
            entry,
            success,
            showed,
            variables: self.variables.clone(),
            kept,
            loans: BTreeMap::new(),
        });
        self.tell(step, outcome);
        if !farewell.notes.is_empty() {
            self.say(note::note(&farewell.notes.join("\n")));
        }
        self.forget.extend(farewell.forget);
    }

    /// What a program came to.
    fn tell(&mut self, step: Step, outcome: Outcome) {
        let failure = match outcome {
            Outcome::Value(value) => {
                match step {
                    Step::Code(_) => {
                        self.say_result(value.data, value.metadata);
                        self.say_type(&step);
                    }
                    Step::Command(_) | Step::Loaded(_) | Step::Configured => {
                        self.say(note::bundle(value.data, value.metadata))
                    }
                    Step::Expression { name, .. } => {
                        let result = json!({"status": "ok", "data": value.data, "metadata": value.metadata});
                        self.expression(name, result);
                    }
                }
                return;
            }
            Outcome::Unit => {
                if let Step::Expression { name, .. } = step {
                    let result = json!({"status": "ok", "data": {"text/plain": "()"}, "metadata": {}});
                    self.expression(name, result);
                }
                return;
            }
            Outcome::Error { type_name, message, sources, location } => {
                Failure::error(&type_name, &message, &sources, location.as_ref(), &self.hints)
            }
            Outcome::Panic(panic) => Failure::panic(&panic, &self.hints),
            Outcome::Interrupted => Failure::interrupted(),
            Outcome::LoadFailed { message } => Failure::new("LoadError", &message),
        };
        self.fail(&step, failure);
    }

    fn say_result(&self, data: MimeBundle, metadata: MimeBundle) {
        if let Some(cell) = &self.cell
            && cell.content.is_counted()
            && let Some(text) = data.get("text/plain").and_then(Value::as_str)
        {
            self.history.resulted(self.count, text);
        }
        self.say(note::result(data, metadata, self.count));
    }

    /// `:types`: behind a result, its type.
    fn say_type(&mut self, step: &Step) {
        let shown = self.cell.as_mut().filter(|_| matches!(step, Step::Code(_)));
        if let Some(type_name) = shown.and_then(|cell| cell.result_type.take()) {
            self.say(note::plain(&format!(": {type_name}")));
        }
    }

    /// The worker is gone, and all variables with it.
    pub(super) fn worker_exited(&mut self, status: ExitStatus) {
        // Nobody is left to hear an answer.
        self.each_shell(|shell| drop(shell.questions.clear()));
        let last_words = self.end_outputs();
        let death = death::explain(status, &last_words);
        let was_ready = self.supervisor.is_ready();
        self.close_comms();
        self.supervisor.exited(status, &last_words);
        let mut is_told = matches!(self.library, Library::Compiling);
        let variables = if was_ready && !is_told { self.forget_worker() } else { self.variables.clone() };
        if was_ready && is_told {
            // The notebook hears of it when it is back.
            self.died = Some(death.between_cells());
        }
        self.each_shell(|shell| match std::mem::take(&mut shell.stage) {
            Stage::Running { step, interrupt, .. } => {
                is_told = true;
                shell.fail(
                    &step,
                    match interrupt {
                        Interrupt::Forced => Failure::interrupted_by_force(&variables),
                        _ => Failure::worker_died(&death, &variables),
                    },
                );
            }
            Stage::Reporting(step) => {
                is_told = true;
                shell.fail(&step, Failure::worker_died(&death, &variables));
            }
            Stage::AwaitingWorker { step, program } if shell.supervisor.failure().is_some() => {
                let sentence = shell.supervisor.failure().unwrap_or_default().to_owned();
                shell.finish_step(&program.entry, false);
                shell.fail(&step, Failure::new("WorkerError", &sentence));
            }
            other => shell.stage = other,
        });
        if was_ready && !is_told {
            self.news = Some(format!("{} {}", death.between_cells(), lost(&variables)));
        }
    }

    /// The worker's variables are gone: the notebook forgets them, and says which they were.
    pub(super) fn forget_worker(&mut self) -> Vec<String> {
        self.variables.clear();
        self.loans.clear();
        self.forget.clear();
        self.unfinished.clear();
        match &mut self.library {
            Library::Ready(notebook) => notebook.worker_lost(),
            _ => Vec::new(),
        }
    }

    /// Tells the notebook which variables there are now.
    pub(super) fn finish_step(&mut self, entry: &str, success: bool) {
        let (entry, variables) = (entry.to_owned(), self.variables.clone());
        // It has not run, so there is nothing to be said.
        self.finish_with(Finished {
            entry,
            success,
            showed: false,
            variables,
            kept: Vec::new(),
            loans: BTreeMap::new(),
        });
    }

    /// What is to be done about variables that went.
    fn finish_with(&mut self, mut finished: Finished) -> Farewell {
        let loan = |loan: &ipc::Loan| {
            let kind = match loan.kind {
                ipc::LoanKind::Value => LoanKind::Value,
                ipc::LoanKind::Place => LoanKind::Place,
                ipc::LoanKind::Hidden => LoanKind::Hidden,
            };
            (loan.name.clone(), Loan { kind, held_by: loan.held_by.clone() })
        };
        finished.loans = self.loans.iter().map(loan).collect();
        match &mut self.library {
            Library::Ready(notebook) => notebook.finish(&finished),
            _ => {
                let audience = self.cell.as_ref().and_then(|cell| cell.audience().cloned());
                self.unfinished.push((finished, audience));
                Farewell::default()
            }
        }
    }

    /// The compiler is done with the notebook, which hears of what happened meanwhile.
    pub(super) fn notebook_is_back(&mut self, mut notebook: Box<Notebook>) {
        for (finished, audience) in self.unfinished.drain(..) {
            let Farewell { notes, forget } = notebook.finish(&finished);
            self.forget.extend(forget);
            if let Some(parent) = audience.filter(|_| !notes.is_empty()) {
                self.outgoing.publish(note::note(&notes.join("\n")), Some(&parent));
            }
        }
        self.library = Library::Ready(notebook);
    }

    pub(super) fn expression(&mut self, name: String, result: serde_json::Value) {
        if let Some(cell) = &mut self.cell {
            cell.expressions.insert(name, result);
        }
    }
}
