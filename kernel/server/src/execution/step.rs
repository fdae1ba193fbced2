//! One step of a cell after the other: begun, given to the compiler, given to the worker. How it ends is told by
//! [`outcome`](super::outcome).

use compiler::{Program, Source};
use ipc::{CellId, MimeBundle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    cell::{Cell, CellOptions, Loaded, Step},
    command::{self, answer::Answer, compiler::CompilerCommand, dependencies::DependencyCommand, worker},
    common::Common,
    compiler::Library,
    failure::Failure,
    misplaced::compile_failure,
    note,
    shell::{End, Others, Shell, Shells},
    stage::{Runnable, Stage},
    task::{self, Compiled, Refusal},
};
use crate::{
    hint,
    request::execute::Payload,
    worker::{death::lost, supervisor::Readiness},
};

/// The step that the compiler is done with.
pub(super) struct Done {
    pub(super) step: Step,
    pub(super) cancel: CancellationToken,
    /// Whether the worker died meanwhile.
    pub(super) died: bool,
}

impl Common {
    /// Begins a step of the shell's cell.
    pub(super) fn perform(&mut self, shell: &mut Shell, step: Step, others: Others) {
        if step.needs_notebook() && !self.has_notebook(shell, &step, others) {
            return;
        }
        let Some(cell) = &shell.cell else { return };
        let origin = Origin::of(cell);
        let own = |code: &str| origin.source(code);
        let answer = match &step {
            Step::Configured => return self.configured(shell),
            Step::Kernel(command) => command.perform(self),
            Step::Compiler(command) => command.perform(self, own),
            Step::Worker(report) => worker::perform(report, self),
            Step::Dependencies(command) => command.perform(self),
            Step::Code(code) => Ok(Answer::Compile(task::prepare(origin.own_code(code, self.settings.types)))),
            Step::Loaded(Loaded { code, label, id }) => {
                let loaded = Origin { label, cell_id: id.as_ref(), ..origin };
                Ok(Answer::Compile(task::prepare(loaded.source(code))))
            }
            Step::Details => Ok(Answer::Compile(task::prepare_details())),
            Step::Expression { code, .. } => {
                // An expression is not the cell: it must not take the place of what the cell defined.
                let label = format!("expression {}", self.numbers.next_expression());
                let source = Origin { label: &label, cell_id: None, ..origin }.source(code);
                Ok(Answer::Compile(task::prepare(Source { remember: false, is_expression: true, ..source })))
            }
        };
        match answer {
            Ok(answer) => self.answered(shell, step, answer),
            Err(failure) => self.fail(shell, &step, failure),
        }
    }

    /// Whether the notebook is there for a step, and the step can have it. Where not, that was seen to.
    fn has_notebook(&mut self, shell: &mut Shell, step: &Step, others: Others) -> bool {
        if matches!(step, Step::Dependencies(DependencyCommand::Change(_))) && others.run {
            let sentence = "dependencies cannot be changed while a cell of another shell runs: its process may have to be \
                            started anew; run this when it has ended";
            self.fail(shell, step, Failure::new("Busy", sentence));
            return false;
        }
        self.compiler.look_again(&mut self.supervisor, &self.events);
        match self.compiler.library() {
            Library::Ready(notebook) => {
                let is_cell = matches!(step, Step::Code(_) | Step::Compiler(CompilerCommand::Lint(_)));
                let is_stale = is_cell && !others.run && notebook.has_stale_dependencies();
                if is_stale {
                    self.renew_dependencies(shell, step.clone());
                }
                !is_stale
            }
            Library::Building { .. } => {
                shell.stage = Stage::AwaitingLibrary(step.clone());
                self.show_build(shell);
                false
            }
            Library::Failed(sentence) => {
                let failure = Failure::new("SessionLibraryError", sentence);
                self.fail(shell, step, failure);
                false
            }
            Library::Compiling => unreachable!("one step is compiled at a time, and others wait for that"),
        }
    }

    /// Goes on with what a command, or code, comes to.
    fn answered(&mut self, shell: &mut Shell, step: Step, answer: Answer) {
        match answer {
            Answer::Say(content) => self.say(shell, content),
            Answer::List { missing } => self.say(shell, note::plain(&command::help(missing.as_deref()))),
            Answer::Quit => {
                shell.end = End::Quits;
                if let Some(cell) = &mut shell.cell {
                    cell.steps.clear();
                }
            }
            Answer::Run(code) => self.load_code(shell, code),
            Answer::Shell(script) => self.run(shell, step, Runnable::Script(script)),
            Answer::Load { path, text } => self.load(shell, &step, &path, &text),
            Answer::Await => shell.stage = Stage::Reporting(step),
            Answer::Drop(content) => {
                self.drop_variables(shell, step, None);
                self.say(shell, content);
            }
            Answer::Compile(work) => {
                let cancel = begin_compiling(shell, step);
                self.compiler.begin_with(|notebook| task::compile(notebook, work, cancel));
            }
            Answer::Look(looking) => {
                let cancel = begin_compiling(shell, step);
                self.compiler.begin(task::look(looking, cancel));
            }
            Answer::InstallRust => self.install_rust(shell, step),
            Answer::Change(change) => self.change_dependencies(shell, step, change),
        }
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
            // It was compiled with variables that are no more, and has its turn again.
            return shell.put_back(step);
        }
        let compiled = match result {
            Ok(compiled) => compiled,
            Err(Refusal::Refused(error)) => {
                self.compiler.last_error = error.codes.clone();
                let failure = compile_failure(shell, &step, &error);
                return self.fail(shell, &step, failure);
            }
            Err(Refusal::Cancelled) => return self.fail(shell, &step, Failure::interrupted()),
            Err(Refusal::Failed(failure)) => return self.fail(shell, &step, failure),
        };
        self.variables.lose(compiled.forget);
        if let Some(cell) = &mut shell.cell {
            cell.spent.compiling += compiled.compile_time;
            cell.result_type = compiled.result_type;
            let text = compiled.new_text.map(|text| Payload::SetNextInput { text, replace: true });
            cell.answer.payloads.extend(text);
            cell.answer.payloads.extend(compiled.page.map(|data| Payload::Page { data }));
        }
        if let Some(answer) = compiled.answer {
            self.say(shell, note::bundle(answer, MimeBundle::new()));
        }
        if step.expression().is_none() {
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
            Some(program) => self.run(shell, step, Runnable::Program(program)),
            None => {
                self.skip(shell, &entry, true);
                if let Some(name) = step.expression() {
                    shell.expression(name.to_owned(), json!({"status": "ok", "data": {}, "metadata": {}}));
                } else {
                    let names = self.variables.take_forgotten();
                    if !names.is_empty() {
                        self.drop_variables(shell, step, Some(names));
                    }
                }
            }
        }
    }

    /// Gives something to run to the worker.
    fn run(&mut self, shell: &mut Shell, step: Step, runnable: Runnable) {
        match self.supervisor.readiness() {
            Readiness::Soon => shell.stage = Stage::AwaitingWorker { step, runnable },
            Readiness::Failed(sentence) => {
                self.skip(shell, runnable.entry(), false);
                self.fail(shell, &step, Failure::new("WorkerError", &sentence));
            }
            Readiness::Ready => {
                let run = self.begin_run(shell);
                let Some(cell) = &shell.cell else { return };
                if self.settings.layout != ipc::Layout::default() {
                    // The worker may be a new one.
                    self.supervisor.send(ipc::Request::Layout(self.settings.layout));
                }
                let label = cell.label.clone();
                let (request, entry) = match runnable {
                    Runnable::Script(script) => (ipc::Request::Shell { cell: run, label, script }, String::new()),
                    Runnable::Program(Program { library, entry, symbol }) => {
                        let forget = self.variables.take_forgotten();
                        let tell_all = self.variables.take_wants_all();
                        let timeline = cell.options.timeline && matches!(step, Step::Code(_));
                        let request =
                            ipc::Request::Run { cell: run, label, library, entry: symbol, forget, tell_all, timeline };
                        (request, entry)
                    }
                };
                self.supervisor.send(request);
                shell.stage = Stage::running(step, run, entry);
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
        let tell_all = self.variables.take_wants_all();
        self.supervisor.send(ipc::Request::Drop { cell: run, label, names, tell_all });
        shell.stage = Stage::running(step, run, String::new());
    }

    /// The worker is about to be asked to run something of the shell's cell.
    fn begin_run(&mut self, shell: &Shell) -> CellId {
        let run = self.numbers.next_run();
        if let Some(cell_id) = shell.cell.as_ref().and_then(|cell| cell.cell_id.as_deref()) {
            self.cell_runs.add(cell_id, run);
        }
        self.audience.begin(run, shell.cell.as_ref().and_then(Cell::audience), &self.supervisor);
        run
    }

    /// The worker has answered a command.
    pub(super) fn reported(&mut self, shell: &mut Shell, report: Result<MimeBundle, String>) {
        let step = match std::mem::take(&mut shell.stage) {
            Stage::Reporting(step) => step,
            other => {
                shell.stage = other;
                return;
            }
        };
        match report {
            Ok(bundle) if bundle.is_empty() => {}
            Ok(bundle) => self.say(shell, note::bundle(bundle, MimeBundle::new())),
            Err(sentence) => self.fail(shell, &step, worker::refusal(&sentence)),
        }
    }

    /// A worker is ready, and its words have this mark: what waited for it runs.
    pub(super) fn worker_is_ready(&mut self, shells: &mut Shells, mark: &str) {
        self.supervisor.ready();
        self.audience.expect(mark);
        for shell in shells.iter_mut() {
            match std::mem::take(&mut shell.stage) {
                Stage::AwaitingWorker { step, runnable } => self.run(shell, step, runnable),
                other => shell.stage = other,
            }
        }
    }
}

/// The compiler has a step from now on; what cancels that.
pub(super) fn begin_compiling(shell: &mut Shell, step: Step) -> CancellationToken {
    let cancel = CancellationToken::new();
    shell.stage = Stage::Compiling { step, cancel: cancel.clone() };
    cancel
}

/// Where code comes from: what the compiler is to know of the cell.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) label: &'a str,
    pub(super) cell_id: Option<&'a String>,
    pub(super) options: &'a CellOptions,
    pub(super) is_silent: bool,
}

impl<'a> Origin<'a> {
    pub(super) fn of(cell: &'a Cell) -> Self {
        let Cell { label, cell_id, options, content, .. } = cell;
        Self { label, cell_id: cell_id.as_ref(), options, is_silent: content.silent }
    }

    /// Code of a step, as the compiler takes it.
    fn source(self, code: &str) -> Source {
        Source {
            text: code.to_owned(),
            label: self.label.to_owned(),
            cell_id: self.cell_id.cloned(),
            opt_level: self.options.opt_level,
            timeline: false,
            show_type: false,
            remember: !self.is_silent,
            is_expression: false,
        }
    }

    /// The same of what stands in the cell itself. `types`: whether results tell their type.
    pub(super) fn own_code(self, code: &str, types: bool) -> Source {
        Source { timeline: self.options.timeline, show_type: types, ..self.source(code) }
    }
}
