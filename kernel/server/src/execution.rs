//! The queue of cells and the life of one: taken in, counted, compiled, run, answered.
//!
//! A cell is a list of steps (its commands, its code, its `user_expressions`), and [`Stage`] says what the present step
//! waits for. Compiling and running are two stages that know nothing of each other, so that a queued cell could be
//! compiled while the one before it runs. Nothing here waits: what takes time is started, and comes back as an event.
//! How Rust is compiled is not known here, nor how a library is run.

mod advice;
mod cell;
mod comm;
mod command;
mod dependency;
pub(crate) mod failure;
mod input;
mod inquiry;
mod interrupt;
pub(crate) mod library;
mod load;
mod look;
mod note;
mod notice;
mod outcome;
mod output;
mod payload;
mod question;
mod queue;
mod report;
mod shell;
mod stage;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use compiler::{Finished, Knowledge, split_commands};
use ipc::CellId;
use jupyter_protocol::{ExecuteInput, ExecutionCount, JupyterMessageContent};
use serde_json::Value as Json;

use self::{
    cell::{Asker, Cell, Step},
    comm::Comms,
    failure::Failure,
    library::{Found, Library},
    question::Questions,
    queue::{Order, Queue},
    shell::{Shell, ShellId},
    stage::{Stage, Task, Tasks},
};
pub(crate) use self::{look::Looker, notice::Notice, stage::TaskDone};
use crate::{
    analysis::Analyzer,
    channel::Outgoing,
    command::{Action, CommandError},
    events::Events,
    hint::Hints,
    history::History,
    message::Parent,
    output::Outputs,
    request::{
        execute::{self, Payload},
        pending::Pending,
    },
    worker::Supervisor,
};

/// All that cells need, and the cells.
pub(crate) struct Execution {
    outgoing: Outgoing,
    events: Events<Notice>,
    history: History,
    /// The kernel's own; libraries and sources go there.
    directory: PathBuf,

    library: Library,
    /// What was live when somebody last asked, or when the compiler was last given the notebook.
    known: Arc<Knowledge>,
    /// Who knows of names what the notebook does not.
    analyzer: Analyzer,
    rustc_version: Option<String>,
    supervisor: Supervisor,
    /// What the compiler is doing; one thing at a time.
    task: Option<Task>,

    /// The shell that has its turn, and the others. What follows is the present one's.
    shell: ShellId,
    others: BTreeMap<ShellId, Shell>,
    /// How many subshells there have been.
    subshells: u64,
    /// It takes nothing more.
    deleted: bool,
    queue: Queue,
    /// The cell whose turn it is.
    cell: Option<Cell>,
    stage: Stage,
    /// Jupyter's `execution_count`: that of the last cell that was counted.
    count: usize,
    /// What the cell, or a task while it has its turn, asks the user.
    questions: Questions,
    /// `:quit`: the kernel ends with the present cell.
    quits: bool,

    /// How many programs were run, user expressions and silent cells too.
    runs: u64,
    /// How many user expressions were compiled.
    expressions: u64,
    /// `:timing`.
    timing: bool,
    /// `:types`.
    types: bool,
    /// `:fmt`.
    layout: ipc::Layout,
    /// The codes of the last compile error, for `:explain`.
    last_error: Vec<String>,
    /// Whether the user's configuration was read.
    configured: bool,
    /// How often code of a name was loaded.
    loaded: HashMap<String, u64>,

    /// `:hints`.
    hints: Hints,

    /// What frontends and cells have open between them.
    comms: Comms,
    outputs: Outputs,
    /// Under whom a run's output is published, also when it has long ended; under nobody if the cell was silent.
    audiences: HashMap<CellId, Option<Arc<Parent>>>,

    /// What is in the worker's store, as it last told.
    variables: Vec<String>,
    /// Those of them that borrow or are lent.
    loans: Vec<ipc::Loan>,
    /// How cells have ended while the notebook was with the compiler.
    unfinished: Vec<(Finished, Option<Arc<Parent>>)>,
    /// What the worker is still to be told to forget.
    forget: Vec<String>,
    /// The worker died while the notebook was with the compiler, and this is what happened.
    died: Option<String>,
    /// What the next cell says first.
    news: Option<String>,
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
        let mut execution = Self {
            outgoing,
            events,
            history,
            directory: directory.to_owned(),
            library: Library::Failed(String::new()),
            known: Arc::default(),
            analyzer,
            rustc_version: None,
            supervisor: Supervisor::new(directory),
            task: None,
            shell: None,
            others: BTreeMap::new(),
            subshells: 0,
            deleted: false,
            queue: Queue::default(),
            cell: None,
            stage: Stage::Between,
            count: 0,
            runs: 0,
            expressions: 0,
            timing: false,
            types: false,
            layout: ipc::Layout::default(),
            quits: false,
            last_error: Vec::new(),
            configured: false,
            loaded: HashMap::new(),
            hints: Hints::default(),
            questions: Questions::default(),
            comms: Comms::default(),
            outputs: Outputs::new(),
            audiences: HashMap::new(),
            variables: Vec::new(),
            loans: Vec::new(),
            unfinished: Vec::new(),
            forget: Vec::new(),
            died: None,
            news: None,
        };
        execution.found(found);
        execution
    }

    /// The version of the rustc that the session library was built with.
    pub(crate) fn rustc_version(&self) -> &str {
        self.rustc_version.as_deref().unwrap_or("unknown")
    }

    /// What the loop is to wait for: the compiler's work, and the worker.
    pub(crate) fn sources(&mut self) -> (Tasks<'_>, &mut Supervisor) {
        (Tasks(&mut self.task), &mut self.supervisor)
    }

    /// Takes in an `execute_request`; it will be answered when its turn is over.
    pub(crate) fn submit(&mut self, request: Pending) {
        match request.request().content() {
            Ok(content) => {
                self.turn_to(&request.parent().subshell_id);
                if let Some(order) = self.queue.push(Order { request, content }) {
                    self.give_up(order);
                }
                self.pump();
            }
            Err(error) => request.reply(Err(error)),
        }
    }

    /// Something that was begun tells how far it is. Why the kernel is to end now, if it is.
    pub(crate) fn notice(&mut self, notice: Notice) -> Option<&'static str> {
        match notice {
            Notice::BuildProgress(line) => self.build_progress(&line),
            Notice::DependencyProgress(progress) => self.dependency_progress(&progress),
            Notice::AbortEnds(shell) => self.abort_ends(&shell),
            Notice::Look { name, under, sender } => self.look(&name, under, sender),
            Notice::Quits => return Some("`:quit`"),
        }
        None
    }

    /// All that was received before a cell of this shell erred has been given up.
    fn abort_ends(&mut self, shell: &ShellId) {
        if self.turn_to(shell) && !self.deleted {
            self.queue.abort_ends();
        }
    }

    /// When [`deadline_passed`](Self::deadline_passed) is to be called.
    pub(crate) fn deadline(&self) -> Option<tokio::time::Instant> {
        let graces = self.stages().filter_map(|(_, stage)| stage.grace());
        self.outputs.due().into_iter().chain(graces).min().map(Into::into)
    }

    /// Sends output that is due, and tells of a cell that does not heed an interrupt.
    pub(crate) fn deadline_passed(&mut self) {
        let now = Instant::now();
        if self.outputs.due().is_some_and(|due| due <= now) {
            for (run, pieces) in self.outputs.take_due() {
                self.print(run, pieces);
            }
        }
        self.each_shell(|shell| {
            if shell.stage.grace().is_some_and(|grace| grace <= now) {
                shell.interrupt_unheeded();
            }
        });
    }

    /// Ends everything; whoever waits for a reply gets one. Returns when the worker has ended.
    pub(crate) async fn end(&mut self) {
        self.each_shell(|shell| {
            for order in shell.queue.abort(false) {
                shell.give_up(order);
            }
            shell.stage.cancel();
        });
        // The compiler's processes end with it.
        self.task = None;
        self.end_outputs();
        self.supervisor.end().await;
        self.each_shell(|shell| {
            if let Some(cell) = &mut shell.cell {
                cell.steps.clear();
                cell.failure = Some(Failure::new("KernelEnded", "the kernel was shut down while the cell ran"));
                shell.conclude();
            }
        });
    }

    /// Goes on in all shells until there is something to wait for.
    fn pump(&mut self) {
        self.each_shell(|shell| {
            shell.advance();
            shell.forget_deleted();
        });
    }

    fn advance(&mut self) {
        loop {
            let Some(cell) = &self.cell else {
                match self.queue.pop() {
                    Some(order) => self.begin(order),
                    None => return,
                }
                continue;
            };
            if !matches!(self.stage, Stage::Between) {
                return;
            }
            if !cell.steps.is_empty() && self.must_wait() {
                return;
            }
            match self.cell.as_mut().and_then(|cell| cell.steps.pop_front()) {
                Some(step) => self.perform(step),
                None => self.conclude(),
            }
        }
    }

    /// A cell's turn begins.
    fn begin(&mut self, order: Order) {
        let Order { request, content } = order;
        self.runs += 1;
        let label = if content.is_counted() {
            self.count += 1;
            self.history.ran(self.count, &content.code);
            self.label(&format!("cell {}", self.count))
        } else {
            format!("unnumbered cell {}", self.runs)
        };
        let mut request = request;
        request.begin();
        let mut cell = Cell::new(request, content, label);
        cell.timing = self.timing;
        if let Some(parent) = cell.audience() {
            let code = cell.content.code.clone();
            let input = ExecuteInput { code, execution_count: ExecutionCount::new(self.count) };
            self.outgoing.publish(input, Some(parent));
        }
        match plan(&mut cell) {
            Ok(steps) => cell.steps = steps,
            Err(failure) => {
                self.publish_failure(&cell, &failure);
                cell.failure = Some(failure);
            }
        }
        self.configure(&mut cell);
        let silent = cell.content.silent || cell.quiet;
        let price = cell.opt_level.filter(|_| cell.failure.is_none()).and_then(command::price);
        self.cell = Some(cell);
        if !silent && let Some(news) = self.news.take() {
            self.say(note::note(&news));
        }
        if let Some(price) = price {
            self.say(note::note(price));
        }
    }

    /// A cell's turn is over, and all its output is published: its reply, then idle.
    fn conclude(&mut self) {
        self.stage = Stage::Between;
        self.end_questions();
        let Some(cell) = self.cell.take() else { return };
        let worked = !(cell.compile_time + cell.run_time).is_zero();
        if cell.timing
            && worked
            && let Some(parent) = cell.audience()
        {
            let text = format!("Compiled in {}, ran in {}.", shown(cell.compile_time), shown(cell.run_time));
            self.outgoing.publish(note::note(&text), Some(parent));
        }
        let result = cell.failure.as_ref().map_or(Ok(&cell.expressions), Err);
        let request = match cell.asker {
            Asker::Request(request) => request,
            Asker::Onlooker { sender, .. } => return look::looked(&cell.expressions, sender),
        };
        let mut payloads = cell.payloads;
        if self.quits {
            payloads.push(Payload::AskExit);
        }
        let reply = execute::reply(self.count, result, &payloads);
        // Whatever the reader of the socket has passed on by now stands before this event, and whoever knows of the reply
        // comes behind it.
        let stops = cell.failure.is_some() && cell.content.stop_on_error;
        let marked = stops && self.events.try_send(Notice::AbortEnds(self.shell.clone()));
        request.reply_in_order(reply);
        if self.quits {
            self.quit();
        }
        if stops {
            for order in self.queue.abort(marked) {
                self.give_up(order);
            }
        }
    }

    /// Answers a cell that is not run.
    fn give_up(&self, order: Order) {
        order.request.reply_in_order(execute::aborted(self.count));
    }

    /// The step erred. A user expression's error is its result; any other ends the cell.
    fn fail(&mut self, step: &Step, failure: Failure) {
        self.stage = Stage::Between;
        let Some(mut cell) = self.cell.take() else { return };
        if let Step::Expression { name, .. } = step {
            cell.expressions.insert(name.clone(), failure.to_expression());
        } else if cell.quiet {
            self.configuration_failed(&mut cell, &failure);
        } else {
            self.publish_failure(&cell, &failure);
            cell.steps.clear();
            cell.failure = Some(failure);
        }
        self.cell = Some(cell);
    }

    /// The step is to be done next.
    fn put_back(&mut self, step: Step) {
        if let Some(cell) = &mut self.cell {
            cell.steps.push_front(step);
        }
    }

    fn publish_failure(&self, cell: &Cell, failure: &Failure) {
        if let Some(parent) = cell.audience() {
            self.outgoing.error(failure.into(), parent);
        }
    }

    /// Publishes something under the cell whose turn it is.
    fn say(&self, content: impl Into<JupyterMessageContent>) {
        if let Some(parent) = self.cell.as_ref().and_then(Cell::audience) {
            self.outgoing.publish(content, Some(parent));
        }
    }
}

/// Splits a cell into its steps; what concerns the whole cell is noted in it.
fn plan(cell: &mut Cell) -> Result<VecDeque<Step>, Failure> {
    let (commands, code) = split_commands(&cell.content.code);
    let mut steps = VecDeque::new();
    let mut is_table = false;
    let (mut format, mut lint) = (Vec::new(), None);
    for command in &commands {
        match crate::command::parse(command) {
            Ok(Action::OptOnce(level)) => cell.opt_level = Some(level),
            Ok(Action::TimingOnce) => cell.timing = true,
            Ok(Action::TimelineOnce) => cell.timeline = true,
            Ok(Action::DependencyTable) => is_table = true,
            Ok(Action::FormatCell) => format.push(command.line),
            Ok(Action::LintCell) => lint = Some(command.line),
            Ok(Action::Dependencies(change)) => dependency::add_step(&mut steps, change),
            Ok(action) => steps.push_back(Step::Command(action)),
            Err(error) => {
                return Err(Failure::command(&error.to_string(), &place(&cell.label, command.line)));
            }
        }
    }
    if let Some(line) = format.first().copied().or(lint).filter(|_| is_table) {
        return Err(Failure::command(&CommandError::Table.to_string(), &place(&cell.label, line)));
    }
    if !format.is_empty() {
        let end = commands.last().map_or(0, |command| command.line);
        steps = VecDeque::from([Step::Command(command::format(&cell.content.code, &format, end))]);
    } else if lint.is_some() {
        steps.push_back(Step::Command(Action::Lint(code)));
    } else if is_table {
        match crate::command::dependency_table(&code) {
            Ok(action) => steps.push_back(Step::Command(action)),
            Err(error) => return Err(Failure::command(&error.to_string(), &cell.label)),
        }
    } else if !code.trim().is_empty() {
        steps.push_back(Step::Code(code));
    }
    for (name, code) in std::mem::take(&mut cell.content.user_expressions) {
        match code {
            Json::String(code) => steps.push_back(Step::Expression { name, code }),
            _ => {
                let failure = Failure::new("MalformedRequest", "a user expression has to be text");
                cell.expressions.insert(name, failure.to_expression());
            }
        }
    }
    Ok(steps)
}

fn place(label: &str, line: usize) -> String {
    format!("{label}, line {line}")
}

/// A duration for people.
fn shown(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{} µs", duration.as_micros()),
        seconds if seconds < 1.0 => format!("{} ms", duration.as_millis()),
        seconds => format!("{seconds:.1} s"),
    }
}
