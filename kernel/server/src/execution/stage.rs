//! The steps of a cell, one stage after the other: the session library, the compiler, the worker.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use compiler::{
    Artifact, Changed, CompileError, DependencyError, HintKind, Notebook, PrepareError, Program, Rendered,
    SessionLibrary, Source,
};
use futures::{FutureExt, future::LocalBoxFuture};
use ipc::{CellId, Hint, MimeBundle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Execution,
    cell::{Loaded, Step},
    failure::Failure,
    inquiry,
    interrupt::Interrupt,
    library::{DEFECT, Library},
    note,
};
use crate::{
    command::Action,
    hint,
    request::execute::Payload,
    worker::{Happening, death::lost, supervisor::Readiness},
};

/// What the present step of a shell's present cell waits for.
#[derive(Default)]
pub(super) enum Stage {
    /// Nothing: the next step can begin.
    #[default]
    Between,
    /// The session library is being built.
    AwaitingLibrary(Step),
    /// The compiler has it.
    Compiling { step: Step, cancel: CancellationToken },
    /// It is compiled, and there is no worker yet.
    AwaitingWorker { step: Step, program: Program },
    /// The worker runs it.
    Running { step: Step, run: CellId, entry: String, since: Instant, interrupt: Interrupt },
    /// The worker tells about tasks.
    Reporting(Step),
}

impl Stage {
    /// When an interrupted cell's time is over.
    pub(super) fn grace(&self) -> Option<Instant> {
        match self {
            Self::Running { interrupt: Interrupt::Asked { until }, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether the worker runs this.
    pub(super) fn runs(&self, cell: CellId) -> bool {
        matches!(self, Self::Running { run, .. } if *run == cell)
    }

    /// Cancels what the compiler does.
    pub(super) fn cancel(&self) {
        if let Self::Compiling { cancel, .. } = self {
            cancel.cancel();
        }
    }
}

/// What the compiler has ended to be busy with.
pub(super) struct Done {
    pub(super) step: Step,
    pub(super) cancel: CancellationToken,
    /// Whether the worker died meanwhile.
    pub(super) died: bool,
}

/// Something that takes time.
pub(super) type Task = LocalBoxFuture<'static, TaskDone>;

/// What has come of it.
pub(crate) enum TaskDone {
    Built(Result<SessionLibrary, String>),
    Compiled {
        notebook: Box<Notebook>,
        result: Result<Compiled, Refusal>,
    },
    Changed {
        notebook: Box<Notebook>,
        result: Result<Changed, DependencyError>,
    },
    /// What there is to say of a name; nothing was compiled for it.
    Documented(Option<MimeBundle>),
}

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

/// What the compiler made of a step.
#[derive(Default)]
pub(crate) struct Compiled {
    program: Option<Program>,
    /// The answer to a command that runs nothing.
    answer: Option<MimeBundle>,
    result_type: Option<String>,
    warnings: Option<Rendered>,
    notes: Vec<String>,
    hints: Vec<(Hint, String)>,
    forget: Vec<String>,
    compile_time: Duration,
    /// What the cell is to be from now on.
    new_text: Option<String>,
}

impl Compiled {
    /// The answer to a command.
    pub(super) fn answer(bundle: MimeBundle) -> Self {
        Self { answer: Some(bundle), ..Self::default() }
    }

    /// The cell is to be another.
    pub(super) fn new_text(text: String) -> Self {
        Self { new_text: Some(text), ..Self::default() }
    }

    /// What rustc or clippy warns of.
    pub(super) fn warnings(warnings: Rendered) -> Self {
        Self { warnings: Some(warnings), ..Self::default() }
    }

    /// A sentence or a few.
    pub(super) fn note(text: String) -> Self {
        Self { notes: vec![text], ..Self::default() }
    }
}

/// Why there is nothing to run.
pub(crate) enum Refusal {
    /// rustc did not like it.
    Refused(CompileError),
    Cancelled,
    /// The compiler could not work: a sentence.
    Unable(String),
}

impl From<PrepareError> for Refusal {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Compile(error) => Self::Refused(error),
            PrepareError::Cancelled => Self::Cancelled,
            other => Self::Unable(other.to_string()),
        }
    }
}

/// Ready when the present task is done, which is then no more; never while there is none. Cancel safe.
pub(crate) struct Tasks<'a>(pub(super) &'a mut Option<Task>);

impl Future for Tasks<'_> {
    type Output = TaskDone;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<TaskDone> {
        let Some(task) = self.0.as_mut() else { return Poll::Pending };
        let done = std::task::ready!(task.as_mut().poll(context));
        *self.0 = None;
        Poll::Ready(done)
    }
}

impl Execution {
    /// A task is done.
    pub(crate) fn done(&mut self, done: TaskDone) {
        match done {
            TaskDone::Built(built) => self.built(built),
            TaskDone::Compiled { notebook, result } => {
                self.turn_where(|stage| matches!(stage, Stage::Compiling { .. }));
                self.compiled(notebook, result);
            }
            TaskDone::Changed { notebook, result } => {
                self.turn_where(|stage| matches!(stage, Stage::Compiling { .. }));
                self.dependencies_changed(notebook, result);
            }
            TaskDone::Documented(found) => {
                self.turn_where(|stage| matches!(stage, Stage::Compiling { .. }));
                self.documented(found);
            }
        }
        self.pump();
    }

    /// Something came from the worker.
    pub(crate) fn worker(&mut self, happening: Happening) {
        match happening {
            Happening::Output(pipe, bytes) => self.outputs.read(pipe, bytes),
            Happening::Message(ipc::Event::Ready { mark }) => {
                self.supervisor.ready();
                self.outputs.expect(&mark);
                self.each_shell(|shell| match std::mem::take(&mut shell.stage) {
                    Stage::AwaitingWorker { step, program } => shell.run(step, program),
                    other => shell.stage = other,
                });
            }
            Happening::Message(ipc::Event::Display(display)) => {
                let run = display.cell;
                match display.number {
                    Some(_) => self.outputs.display(display),
                    None if display.update => {
                        // What it replaces may be in the pipes yet.
                        self.drain();
                        self.outputs.display(display);
                    }
                    None => {
                        // What was printed before it stands before it.
                        self.drain();
                        self.outputs.display(display);
                        self.settle(run);
                    }
                }
            }
            Happening::Message(ipc::Event::Done { cell, outcome, variables, kept, loans }) => {
                self.turn_where(|stage| stage.runs(cell));
                self.loans = loans;
                self.ran(cell, outcome, variables, kept);
            }
            Happening::Message(ipc::Event::Hint { cell, hint, text }) => self.hint(cell, hint, &text),
            Happening::Message(ipc::Event::Input { id, cell, prompt, password }) => {
                self.ask(id, cell, prompt, password);
            }
            Happening::Message(ipc::Event::Heard { cell }) => self.each_shell(|shell| shell.interrupt_heard(cell)),
            Happening::Message(ipc::Event::InputWithdrawn { id }) => self.each_shell(|shell| shell.withdraw(id)),
            Happening::Message(ipc::Event::Comm { cell, comm }) => self.comm_from_cell(cell, comm),
            Happening::Message(ipc::Event::Page { cell, data }) => self.payload(cell, Payload::Page { data }),
            Happening::Message(ipc::Event::NextInput { cell, text }) => {
                self.payload(cell, Payload::SetNextInput { text, replace: false });
            }
            Happening::Message(ipc::Event::CommTarget { name, is_there }) => self.comms.target(name, is_there),
            Happening::Message(ipc::Event::Report(report)) => {
                self.turn_where(|stage| matches!(stage, Stage::Reporting(_)));
                self.reported(report);
            }
            Happening::Exited(status) => self.worker_exited(status),
        }
        self.pump();
    }

    /// Begins a step of the present cell.
    pub(super) fn perform(&mut self, step: Step) {
        if step == Step::Configured {
            return self.configured();
        }
        if let Step::Command(action) = &step {
            if let Action::Report(report) = action {
                return self.report(&step, report.clone());
            }
            if let Action::Load(path) = action {
                return self.load(&step, path);
            }
            if self.perform_without_notebook(action) {
                return;
            }
        }
        if let Some(failure) = self.refusal(&step) {
            return self.fail(&step, failure);
        }
        // All others need the notebook.
        if matches!(self.library, Library::Failed(_)) {
            self.look_again();
        }
        match &self.library {
            Library::Ready(_) => match &step {
                Step::Command(action) if self.perform_with_notebook(action) => {}
                Step::Command(Action::Clear) => self.clear(step),
                Step::Command(Action::Dependencies(change)) => {
                    let change = change.clone();
                    self.change_dependencies(step, change);
                }
                Step::Command(Action::Doc(path)) => {
                    let path = path.clone();
                    self.document(step, &path);
                }
                Step::Code(_) | Step::Command(Action::Lint(_))
                    if self.has_stale_dependencies() && !self.others_run() =>
                {
                    self.renew_dependencies(step)
                }
                _ => self.compile(step),
            },
            Library::Building { .. } => {
                self.stage = Stage::AwaitingLibrary(step);
                self.show_progress();
            }
            Library::Failed(sentence) => {
                let failure = Failure::new("SessionLibraryError", sentence);
                self.fail(&step, failure);
            }
            Library::Compiling => unreachable!("one step is compiled at a time, and others wait for that"),
        }
    }

    /// Gives a step to the compiler, and the notebook with it.
    fn compile(&mut self, step: Step) {
        self.knowledge();
        let Library::Ready(mut notebook) = std::mem::replace(&mut self.library, Library::Compiling) else {
            unreachable!("the caller has seen that the notebook is there");
        };
        let cell = self.cell.as_ref().expect("a step belongs to a cell");
        let source = |code: &str, label: &str, cell_id: Option<&String>| Source {
            text: code.to_owned(),
            label: label.to_owned(),
            cell_id: cell_id.cloned(),
            opt_level: cell.opt_level,
            timeline: cell.timeline && matches!(step, Step::Code(_)),
            show_type: self.types && matches!(step, Step::Code(_)),
            remember: !cell.content.silent && !matches!(step, Step::Expression { .. }),
            is_expression: matches!(step, Step::Expression { .. }),
        };
        let own = |code: &str| source(code, &cell.label, cell.cell_id.as_ref());
        let work = match &step {
            Step::Code(code) => Work::Code(own(code)),
            Step::Loaded(Loaded { code, label, id }) => Work::Code(source(code, label, id.as_ref())),
            Step::Expression { code, .. } => {
                self.expressions += 1;
                // An expression is not the cell: it must not take the place of what the cell defined.
                Work::Code(source(code, &format!("expression {}", self.expressions), None))
            }
            Step::Command(Action::TypeOf(expression)) => Work::TypeOf(expression.clone()),
            Step::Command(Action::Explain) => Work::Explain(self.last_error.clone()),
            Step::Command(Action::Export(folder)) => Work::Export(folder.clone()),
            Step::Command(Action::Lint(code)) => Work::Lint(own(code)),
            Step::Command(Action::Format { head, code }) => Work::Format { head: head.clone(), source: own(code) },
            Step::Command(_) | Step::Configured => Work::Variables,
        };
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        self.stage = Stage::Compiling { step, cancel };
        self.task = Some(Box::pin(async move {
            let compiling = async {
                match work {
                    Work::Code(source) => prepare(&mut notebook, &source, &token).await,
                    Work::Variables => prepare_variables(&mut notebook, &token).await,
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
        }));
    }

    /// What the compiler was busy with. Where the worker has died meanwhile, it is told what was lost.
    pub(super) fn compiler_is_done(&mut self) -> Option<Done> {
        let (step, cancel) = match std::mem::take(&mut self.stage) {
            Stage::Compiling { step, cancel } => (step, cancel),
            other => {
                self.stage = other;
                return None;
            }
        };
        let died = self.died.take();
        if let Some(sentence) = &died {
            let variables = self.forget_worker();
            self.say(note::note(&format!("{sentence} {}", lost(&variables))));
        }
        Some(Done { step, cancel, died: died.is_some() })
    }

    /// The compiler is done with a step.
    fn compiled(&mut self, notebook: Box<Notebook>, result: Result<Compiled, Refusal>) {
        self.notebook_is_back(notebook);
        let Some(Done { step, cancel, died }) = self.compiler_is_done() else { return };
        if died && !cancel.is_cancelled() {
            // It was compiled with variables that are no more.
            return self.compile(step);
        }
        let compiled = match result {
            Ok(compiled) => compiled,
            Err(Refusal::Refused(error)) => {
                self.last_error = error.codes();
                let failure = self.compile_failure(&step, &error);
                return self.fail(&step, failure);
            }
            Err(Refusal::Cancelled) => return self.fail(&step, Failure::interrupted()),
            Err(Refusal::Unable(sentence)) => return self.fail(&step, Failure::new("EnvironmentError", &sentence)),
        };
        self.forget.extend(compiled.forget);
        self.variables.retain(|name| !self.forget.contains(name));
        if let Some(cell) = &mut self.cell {
            cell.compile_time += compiled.compile_time;
            cell.result_type = compiled.result_type;
            let text = compiled.new_text.map(|text| Payload::SetNextInput { text, replace: true });
            cell.payloads.extend(text);
        }
        if let Some(answer) = compiled.answer {
            self.say(note::bundle(answer, MimeBundle::new()));
        }
        if !matches!(step, Step::Expression { .. }) {
            if let Some(warnings) = &compiled.warnings {
                self.say(note::plain(&warnings.ansi));
            }
            if !compiled.notes.is_empty() {
                self.say(note::note(&compiled.notes.join("\n")));
            }
            for (kind, text) in &compiled.hints {
                if self.hints.is_on(*kind) {
                    self.say(note::note(&hint::shown(text)));
                }
            }
        }
        let entry = compiled.program.as_ref().map(|program| program.entry.clone()).unwrap_or_default();
        match compiled.program {
            // It came too late for the compiler, and not for the cell.
            _ if cancel.is_cancelled() => {
                self.finish_step(&entry, false);
                self.fail(&step, Failure::interrupted());
            }
            Some(program) => self.run(step, program),
            None => {
                self.finish_step(&entry, true);
                if let Step::Expression { name, .. } = step {
                    self.expression(name, json!({"status": "ok", "data": {}, "metadata": {}}));
                } else if !self.forget.is_empty() {
                    let names = std::mem::take(&mut self.forget);
                    self.drop_variables(step, Some(names));
                }
            }
        }
    }

    /// Gives a program to the worker.
    fn run(&mut self, step: Step, program: Program) {
        match self.supervisor.readiness() {
            Readiness::Soon => self.stage = Stage::AwaitingWorker { step, program },
            Readiness::Failed(sentence) => {
                self.finish_step(&program.entry, false);
                self.fail(&step, Failure::new("WorkerError", &sentence));
            }
            Readiness::Ready => {
                let Some(run) = self.begin_run() else { return };
                let Some(cell) = &self.cell else { return };
                if self.layout != ipc::Layout::default() {
                    // The worker may be a new one.
                    self.supervisor.send(ipc::Request::Layout(self.layout));
                }
                self.supervisor.send(ipc::Request::Run {
                    cell: run,
                    label: cell.label.clone(),
                    library: program.library,
                    entry: program.entry.clone(),
                    forget: std::mem::take(&mut self.forget),
                    timeline: cell.timeline && matches!(step, Step::Code(_)),
                });
                let (entry, since, interrupt) = (program.entry, Instant::now(), Interrupt::None);
                self.stage = Stage::Running { step, run, entry, since, interrupt };
            }
        }
    }

    /// Lets the worker drop variables, or all; what that runs is the present cell's, as if it were code of it.
    pub(super) fn drop_variables(&mut self, step: Step, names: Option<Vec<String>>) {
        // A worker that is not ready has no variables.
        if self.supervisor.readiness() != Readiness::Ready {
            return;
        }
        let Some(run) = self.begin_run() else { return };
        let label = self.cell.as_ref().map(|cell| cell.label.clone()).unwrap_or_default();
        self.supervisor.send(ipc::Request::Drop { cell: run, label, names });
        let (entry, since, interrupt) = (String::new(), Instant::now(), Interrupt::None);
        self.stage = Stage::Running { step, run, entry, since, interrupt };
    }

    /// The worker is about to be asked to run something of the present cell.
    fn begin_run(&mut self) -> Option<CellId> {
        self.runs += 1;
        let run = CellId(self.runs);
        // Where the worker does not say whose its output is, it is the last run's that began.
        self.drain();
        self.outputs.begin(run);
        self.audiences.insert(run, self.cell.as_ref()?.audience().cloned());
        Some(run)
    }
}

async fn prepare(notebook: &mut Notebook, source: &Source, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let artifact = notebook.prepare(source, cancel).await?;
    Ok(Compiled {
        hints: hints(&artifact),
        program: artifact.program,
        answer: None,
        result_type: artifact.result_type,
        warnings: artifact.warnings,
        notes: artifact.notes,
        forget: artifact.forget,
        compile_time: artifact.compile_time,
        new_text: None,
    })
}

/// What the compiler has to say that is no warning of rustc's.
fn hints(artifact: &Artifact) -> Vec<(Hint, String)> {
    let kind = |kind: HintKind| match kind {
        HintKind::Blocking => Hint::Blocking,
        HintKind::Unawaited => Hint::Unawaited,
        HintKind::Guard => Hint::Guard,
    };
    artifact.hints.iter().map(|hint| (kind(hint.kind), hint.text.clone())).collect()
}

async fn prepare_variables(notebook: &mut Notebook, cancel: &CancellationToken) -> Result<Compiled, Refusal> {
    let begin = Instant::now();
    let program = notebook.prepare_variables(cancel).await?;
    let notes = if program.is_none() { vec!["There are no variables.".to_owned()] } else { Vec::new() };
    Ok(Compiled { program, notes, compile_time: begin.elapsed(), ..Compiled::default() })
}
