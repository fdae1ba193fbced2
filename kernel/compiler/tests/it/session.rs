//! A notebook and a real worker, without Jupyter: what a cell does, as text.

use std::fmt::Write as _;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use build::{Change, DependencyError, Progress, SessionLibrary};
use compiler::{Changed, Finished, Loan, LoanKind, Notebook, PrepareError, Source, Stored, split_commands};
use expect_test::Expect;
use ipc::{CellId, Event, Outcome, Request};
use tokio_util::sync::CancellationToken;

/// Runs cells in one session; the answer of the last one is compared.
#[track_caller]
pub(crate) fn check(cells: &[&str], expected: Expect) {
    let mut session = Session::new();
    let (last, before) = cells.split_last().expect("there is a cell");
    for cell in before {
        session.run(cell);
    }
    expected.assert_eq(&session.run(last));
}

/// A kernel's inner half.
pub(crate) struct Session {
    pub(crate) notebook: Notebook,
    worker: Child,
    socket: UnixStream,
    mark: String,
    count: u64,
    /// The newest cell.
    text: String,
    /// How many calls of rustc the last cell took.
    compiles: u32,
    /// Of the cells to come.
    pub(crate) opt_level: Option<u8>,
    /// Whether the cells to come have a timeline.
    pub(crate) timeline: bool,
    /// Variables that the worker is to forget before the next cell.
    pub(crate) forget: Vec<String>,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

/// The session library, built once for all tests of a process (and, by its cache, for all processes).
pub(crate) fn library() -> SessionLibrary {
    static LIBRARY: OnceLock<SessionLibrary> = OnceLock::new();
    let find = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let found = SessionLibrary::find().unwrap();
        found.unwrap_or_else(|| {
            runtime.block_on(SessionLibrary::build(|progress| eprintln!("{}", progress.doing))).unwrap()
        })
    };
    LIBRARY.get_or_init(find).clone()
}

fn start(program: &Path) -> (Child, UnixStream) {
    let (socket, theirs) = UnixStream::pair().unwrap();
    // The worker's end is inherited by number.
    nix::fcntl::fcntl(&theirs, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let mut command = Command::new(program);
    command.env(ipc::CONTROL_SOCKET, theirs.as_raw_fd().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    (command.spawn().unwrap(), socket)
}

impl Session {
    pub(crate) fn new() -> Self {
        let library = library();
        let folder = tempfile::tempdir().unwrap();
        let (worker, socket) = start(library.worker());
        let notebook = Notebook::new(library, folder.path()).unwrap();
        // What a cell becomes is what is tested, with the files that it is compiled from.
        notebook.answers().switch(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (mark, opt_level, timeline) = (String::new(), None, false);
        let (count, text, compiles, forget) = (0, String::new(), 0, Vec::new());
        let mut session = Self {
            notebook,
            worker,
            socket,
            mark,
            count,
            text,
            compiles,
            opt_level,
            timeline,
            forget,
            folder,
            runtime,
        };
        session.await_worker();
        session
    }

    fn await_worker(&mut self) {
        let Event::Ready { mark } = self.event() else { panic!("the worker is not ready") };
        self.mark = mark;
    }

    /// Ends the worker and starts another one.
    pub(crate) fn restart_worker(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
        (self.worker, self.socket) = start(library().worker());
        self.await_worker();
    }

    /// Changes the dependencies.
    pub(crate) fn change_dependencies(
        &mut self,
        change: &Change,
        cancel: &CancellationToken,
    ) -> Result<Changed, DependencyError> {
        self.runtime.block_on(self.notebook.change_dependencies(change, &mut |_| {}, cancel))
    }

    /// The same, and somebody hears how far it is, and may put an end to it.
    pub(crate) fn change_with_progress(
        &mut self,
        change: &Change,
        progress: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<Changed, DependencyError> {
        self.runtime.block_on(self.notebook.change_dependencies(change, progress, cancel))
    }

    fn event(&mut self) -> Event {
        ipc::read(&mut self.socket).unwrap().expect("the worker goes on")
    }

    /// Runs a cell: what it printed, then how it ended, then what was said about it.
    pub(crate) fn run(&mut self, text: &str) -> String {
        self.run_as(text, None)
    }

    /// Runs a cell that the frontend knows by an id.
    pub(crate) fn run_as(&mut self, text: &str, cell_id: Option<&str>) -> String {
        self.count += 1;
        let (_, text) = split_commands(text);
        self.text.clone_from(&text);
        let label = format!("cell {}", self.count);
        let source = Source {
            text,
            label: label.clone(),
            cell_id: cell_id.map(str::to_owned),
            opt_level: self.opt_level,
            timeline: self.timeline,
            show_type: false,
            remember: true,
            is_expression: false,
        };
        let prepared = self.runtime.block_on(self.notebook.prepare(&source, &CancellationToken::new()));
        let artifact = match prepared {
            Ok(artifact) => artifact,
            Err(PrepareError::Compile(error)) => return error.rendered.plain,
            Err(other) => return format!("{other}"),
        };
        self.compiles = artifact.compiles;
        let (mut out, mut notes) = (String::new(), artifact.notes);
        if let Some(program) = artifact.program {
            let cell = CellId(self.count);
            let mut forget = std::mem::take(&mut self.forget);
            forget.extend(artifact.forget);
            let run = Request::Run {
                cell,
                label,
                library: program.library,
                entry: program.symbol,
                forget,
                tell_all: false,
                timeline: self.timeline,
            };
            ipc::write(&mut self.socket, &run).unwrap();
            let (outcome, variables, kept) = loop {
                match self.event() {
                    Event::Done { outcome, variables, kept, .. } => break (outcome, variables, kept),
                    // A picture of times, which differ from run to run.
                    Event::Display(display) if display.display_id.is_some() => {}
                    Event::Display(display) => writeln!(out, "display: {:?}", display.data).unwrap(),
                    Event::Hint { cell, text, .. } => writeln!(out, "hint for run {}: {text}", cell.0).unwrap(),
                    other => panic!("unexpected {other:?}"),
                }
            };
            let success = matches!(outcome, Outcome::Value(_) | Outcome::Unit);
            let (entry, showed) = (program.entry, matches!(outcome, Outcome::Value(_)));
            let kind = |kind| match kind {
                ipc::LoanKind::Value => LoanKind::Value,
                ipc::LoanKind::Place => LoanKind::Place,
                ipc::LoanKind::Hidden => LoanKind::Hidden,
            };
            let loan = |loan: ipc::Loan| Stored::Loan(Loan { kind: kind(loan.kind), held_by: loan.held_by });
            let there = variables.there.into_iter().map(|new| (new.name, new.loan.map_or(Stored::Ordinary, loan)));
            let gone = variables.gone.into_iter().map(|name| (name, Stored::Nothing));
            let changes = gone.chain(there).collect();
            let farewell = self.notebook.finish(&Finished { entry, success, showed, changes, kept });
            notes.extend(farewell.notes);
            out.push_str(&self.printed());
            match outcome {
                Outcome::Value(value) => writeln!(out, "= {}", value.data["text/plain"].as_str().unwrap()).unwrap(),
                Outcome::Unit => {}
                Outcome::Panic(panic) => {
                    let at = panic.location.map(|at| format!(" at {}:{}", at.file, at.line)).unwrap_or_default();
                    writeln!(out, "panic{at}: {}", panic.message).unwrap();
                }
                other => writeln!(out, "{other:?}").unwrap(),
            }
        }
        if let Some(warnings) = artifact.warnings {
            writeln!(out, "{}", warnings.plain).unwrap();
        }
        for hint in artifact.hints {
            writeln!(out, "hint: {}", hint.text).unwrap();
        }
        for note in notes {
            writeln!(out, "note: {note}").unwrap();
        }
        out.trim_end().to_owned()
    }

    /// How many calls of rustc the last cell took.
    pub(crate) fn compiles(&self) -> u32 {
        self.compiles
    }

    /// Whether what was compiled last of the newest cell had been instrumented.
    pub(crate) fn is_instrumented(&self) -> bool {
        let files = compiler::files_of(&format!("cell {}", self.count), &self.text);
        files.iter().filter_map(|file| std::fs::read_to_string(self.folder.path().join(file)).ok()).any(|text| {
            let calls = ["CHECK", "check()", "carry(", "branch("].map(|call| format!("::kissaten::__cell::{call}"));
            calls.iter().any(|call| text.contains(call))
                || ["lane", "task"].iter().any(|wrap| text.contains(&format!("::kissaten::__{wrap}!")))
        })
    }

    /// What is in the pipes now; all that was printed before an event was read is.
    fn printed(&mut self) -> String {
        fn drain(pipe: &mut (impl Read + AsRawFd + std::os::fd::AsFd)) -> String {
            let mut bytes = vec![0; 1 << 16];
            let mut text = Vec::new();
            loop {
                let mut poll = [nix::poll::PollFd::new(pipe.as_fd(), nix::poll::PollFlags::POLLIN)];
                if nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO).unwrap() == 0 {
                    return String::from_utf8_lossy(&text).into_owned();
                }
                match pipe.read(&mut bytes).unwrap() {
                    0 => return String::from_utf8_lossy(&text).into_owned(),
                    count => text.extend_from_slice(&bytes[..count]),
                }
            }
        }
        let (mut text, mut errors) = (String::new(), String::new());
        for pipe in [drain(self.worker.stdout.as_mut().unwrap()), drain(self.worker.stderr.as_mut().unwrap())] {
            let mut is_error = false;
            for (index, piece) in pipe.split(kissaten_marks::BEGIN).enumerate() {
                // Each piece but the first begins with the rest of a word.
                let (word, rest) = piece.split_once(kissaten_marks::END).filter(|_| index > 0).unwrap_or(("", piece));
                match word.strip_prefix(self.mark.as_str()).and_then(|word| word.chars().next()) {
                    Some('e') => is_error = true,
                    Some(_) => is_error = false,
                    None => {}
                }
                if is_error { errors.push_str(rest) } else { text.push_str(rest) }
            }
        }
        for line in errors.lines() {
            writeln!(text, "stderr: {line}").unwrap();
        }
        text
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
    }
}
