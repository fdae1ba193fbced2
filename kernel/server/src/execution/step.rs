//! One step of a cell after the other: begun, given to the compiler, given to the worker. How it ends is told by
//! [`outcome`](super::outcome).

use std::{panic::AssertUnwindSafe, path::PathBuf};

use compiler::{Program, Source};
use futures::FutureExt;
use ipc::{CellId, MimeBundle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    cell::{Cell, Loaded, Step},
    command,
    common::Common,
    compiler::Library,
    failure::Failure,
    inquiry,
    library::DEFECT,
    note,
    shell::{Others, Shell, Shells},
    stage::Stage,
    task::{self, Compiled, Refusal, TaskDone},
};
use crate::{
    command::Action,
    hint,
    request::execute::Payload,
    worker::{death::lost, supervisor::Readiness},
};

/// What the compiler is to do.
enum Work {
    Code(Source),
    /// `:vars`
    Variables,
    TypeOf(String),
    /// The codes of errors.
    Explain(Vec<String>),
    Export(PathBuf),
    Lint(Source),
    Format {
        head: String,
        source: Source,
    },
}

/// What the compiler has ended to be busy with.
pub(super) struct Done {
    pub(super) step: Step,
    pub(super) cancel: CancellationToken,
    /// Whether the worker died meanwhile.
    pub(super) died: bool,
}

impl Common {
    /// Begins a step of the shell's cell.
    pub(super) fn perform(&mut self, shell: &mut Shell, step: Step, others: Others) {
        if step == Step::Configured {
            return self.configured(shell);
        }
        if let Step::Command(action) = &step {
            if let Action::Report(report) = action {
                return self.report(shell, &step, report.clone());
            }
            if let Action::Load(path) = action {
                return self.load(shell, &step, path);
            }
            if self.perform_without_notebook(shell, action) {
                return;
            }
        }
        if matches!(step, Step::Command(Action::Dependencies(_))) && others.run {
            let sentence = "dependencies cannot be changed while a cell of another shell runs: its process may have to be \
                            started anew; run this when it has ended";
            return self.fail(shell, &step, Failure::new("Busy", sentence));
        }
        // All others need the notebook.
        self.compiler.look_again(&mut self.supervisor, &self.events);
        match self.compiler.library() {
            Library::Ready(_) => match &step {
                Step::Command(action) if self.perform_with_notebook(shell, action) => {}
                Step::Command(Action::Clear) => self.clear(shell, step),
                Step::Command(Action::Dependencies(change)) => {
                    let change = change.clone();
                    self.change_dependencies(shell, step, change);
                }
                Step::Command(Action::Doc(path)) => {
                    let path = path.clone();
                    self.document(shell, step, &path);
                }
                Step::Code(_) | Step::Command(Action::Lint(_)) if !others.run && self.has_stale_dependencies() => {
                    self.renew_dependencies(shell, step);
                }
                _ => self.compile(shell, step),
            },
            Library::Building { .. } => {
                shell.stage = Stage::AwaitingLibrary(step);
                self.show_build(shell);
            }
            Library::Failed(sentence) => {
                let failure = Failure::new("SessionLibraryError", sentence);
                self.fail(shell, &step, failure);
            }
            Library::Compiling => unreachable!("one step is compiled at a time, and others wait for that"),
        }
    }

    /// Gives a step to the compiler, and the notebook with it.
    fn compile(&mut self, shell: &mut Shell, step: Step) {
        let show_type = self.settings.types && matches!(step, Step::Code(_));
        let cell = shell.cell.as_ref().expect("a step belongs to a cell");
        let source = |code: &str, label: &str, cell_id: Option<&String>| Source {
            text: code.to_owned(),
            label: label.to_owned(),
            cell_id: cell_id.cloned(),
            opt_level: cell.options.opt_level,
            timeline: cell.options.timeline && matches!(step, Step::Code(_)),
            show_type,
            remember: !cell.content.silent && !matches!(step, Step::Expression { .. }),
            is_expression: matches!(step, Step::Expression { .. }),
        };
        let own = |code: &str| source(code, &cell.label, cell.cell_id.as_ref());
        let work = match &step {
            Step::Code(code) => Work::Code(own(code)),
            Step::Loaded(Loaded { code, label, id }) => Work::Code(source(code, label, id.as_ref())),
            Step::Expression { code, .. } => {
                // An expression is not the cell: it must not take the place of what the cell defined.
                Work::Code(source(code, &format!("expression {}", self.numbers.next_expression()), None))
            }
            Step::Command(Action::TypeOf(expression)) => Work::TypeOf(expression.clone()),
            Step::Command(Action::Explain) => Work::Explain(self.compiler.last_error.clone()),
            Step::Command(Action::Export(folder)) => Work::Export(folder.clone()),
            Step::Command(Action::Lint(code)) => Work::Lint(own(code)),
            Step::Command(Action::Format { head, code }) => Work::Format { head: head.clone(), source: own(code) },
            Step::Command(_) | Step::Configured => Work::Variables,
        };
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        shell.stage = Stage::Compiling { step, cancel };
        self.compiler.begin_with(|mut notebook| {
            Box::pin(async move {
                let compiling = async {
                    match work {
                        Work::Code(source) => task::prepare(&mut notebook, &source, &token).await,
                        Work::Variables => task::prepare_variables(&mut notebook, &token).await,
                        Work::TypeOf(expression) => inquiry::type_of(&mut notebook, &expression, &token).await,
                        Work::Export(folder) => inquiry::export(&notebook, &folder, &token).await,
                        Work::Lint(source) => inquiry::lint(&mut notebook, &source, &token).await,
                        Work::Format { head, source } => inquiry::format(&mut notebook, &head, &source, &token).await,
                        Work::Explain(codes) => inquiry::explain(&notebook, &codes).await,
                    }
                };
                let result = AssertUnwindSafe(compiling).catch_unwind().await;
                let result = result.unwrap_or_else(|_| Err(Refusal::Unable(DEFECT.to_owned())));
                TaskDone::Compiled { notebook, result }
            })
        });
    }

    /// What the compiler was busy with. Where the worker has died meanwhile, it is told what was lost.
    pub(super) fn compiler_is_done(&mut self, shell: &mut Shell) -> Option<Done> {
        let (step, cancel) = match std::mem::take(&mut shell.stage) {
            Stage::Compiling { step, cancel } => (step, cancel),
            other => {
                shell.stage = other;
                return None;
            }
        };
        let died = self.variables.died.take();
        if let Some(sentence) = &died {
            let variables = self.forget_worker();
            self.say(shell, note::note(&format!("{sentence} {}", lost(&variables))));
        }
        Some(Done { step, cancel, died: died.is_some() })
    }

    /// The compiler is done with a step.
    pub(super) fn compiled(&mut self, shell: &mut Shell, result: Result<Compiled, Refusal>) {
        let Some(Done { step, cancel, died }) = self.compiler_is_done(shell) else { return };
        if died && !cancel.is_cancelled() {
            // It was compiled with variables that are no more.
            return self.compile(shell, step);
        }
        let compiled = match result {
            Ok(compiled) => compiled,
            Err(Refusal::Refused(error)) => {
                self.compiler.last_error = error.codes();
                let failure = command::compile_failure(shell, &step, &error);
                return self.fail(shell, &step, failure);
            }
            Err(Refusal::Cancelled) => return self.fail(shell, &step, Failure::interrupted()),
            Err(Refusal::Unable(sentence)) => {
                return self.fail(shell, &step, Failure::new("EnvironmentError", &sentence));
            }
        };
        self.variables.lose(compiled.forget);
        if let Some(cell) = &mut shell.cell {
            cell.spent.compiling += compiled.compile_time;
            cell.result_type = compiled.result_type;
            let text = compiled.new_text.map(|text| Payload::SetNextInput { text, replace: true });
            cell.answer.payloads.extend(text);
        }
        if let Some(answer) = compiled.answer {
            self.say(shell, note::bundle(answer, MimeBundle::new()));
        }
        if !matches!(step, Step::Expression { .. }) {
            if let Some(warnings) = &compiled.warnings {
                self.say(shell, note::plain(&warnings.ansi));
            }
            if !compiled.notes.is_empty() {
                self.say(shell, note::note(&compiled.notes.join("\n")));
            }
            for (kind, text) in &compiled.hints {
                if self.settings.hints.is_on(*kind) {
                    self.say(shell, note::note(&hint::shown(text)));
                }
            }
        }
        let entry = compiled.program.as_ref().map(|program| program.entry.clone()).unwrap_or_default();
        match compiled.program {
            // It came too late for the compiler, and not for the cell.
            _ if cancel.is_cancelled() => {
                self.skip(shell, &entry, false);
                self.fail(shell, &step, Failure::interrupted());
            }
            Some(program) => self.run(shell, step, program),
            None => {
                self.skip(shell, &entry, true);
                if let Step::Expression { name, .. } = step {
                    shell.expression(name, json!({"status": "ok", "data": {}, "metadata": {}}));
                } else {
                    let names = self.variables.take_forgotten();
                    if !names.is_empty() {
                        self.drop_variables(shell, step, Some(names));
                    }
                }
            }
        }
    }

    /// Gives a program to the worker.
    fn run(&mut self, shell: &mut Shell, step: Step, program: Program) {
        match self.supervisor.readiness() {
            Readiness::Soon => shell.stage = Stage::AwaitingWorker { step, program },
            Readiness::Failed(sentence) => {
                self.skip(shell, &program.entry, false);
                self.fail(shell, &step, Failure::new("WorkerError", &sentence));
            }
            Readiness::Ready => {
                let run = self.begin_run(shell);
                let Some(cell) = &shell.cell else { return };
                if self.settings.layout != ipc::Layout::default() {
                    // The worker may be a new one.
                    self.supervisor.send(ipc::Request::Layout(self.settings.layout));
                }
                self.supervisor.send(ipc::Request::Run {
                    cell: run,
                    label: cell.label.clone(),
                    library: program.library,
                    entry: program.entry.clone(),
                    forget: self.variables.take_forgotten(),
                    timeline: cell.options.timeline && matches!(step, Step::Code(_)),
                });
                shell.stage = Stage::running(step, run, program.entry);
            }
        }
    }

    /// Lets the worker drop variables, or all; what that runs is the present cell's, as if it were code of it.
    pub(super) fn drop_variables(&mut self, shell: &mut Shell, step: Step, names: Option<Vec<String>>) {
        // A worker that is not ready has no variables.
        if self.supervisor.readiness() != Readiness::Ready {
            return;
        }
        let run = self.begin_run(shell);
        let label = shell.cell.as_ref().map(|cell| cell.label.clone()).unwrap_or_default();
        self.supervisor.send(ipc::Request::Drop { cell: run, label, names });
        shell.stage = Stage::running(step, run, String::new());
    }

    /// The worker is about to be asked to run something of the shell's cell.
    fn begin_run(&mut self, shell: &Shell) -> CellId {
        let run = self.numbers.next_run();
        self.audience.begin(run, shell.cell.as_ref().and_then(Cell::audience), &self.supervisor);
        run
    }

    /// A worker is ready, and its words have this mark: what waited for it runs.
    pub(super) fn worker_is_ready(&mut self, shells: &mut Shells, mark: &str) {
        self.supervisor.ready();
        self.audience.expect(mark);
        for shell in shells.iter_mut() {
            match std::mem::take(&mut shell.stage) {
                Stage::AwaitingWorker { step, program } => self.run(shell, step, program),
                other => shell.stage = other,
            }
        }
    }
}
