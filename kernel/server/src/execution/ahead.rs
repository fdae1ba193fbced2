//! Compiling ahead: while a cell runs and others wait behind it, those are given to the compiler, as if all before them
//! succeed. Nothing of that is told to anybody: when the turn of one comes, its compile is remembered or it is not.
//!
//! What a guess is, and whether the machine has room for one, is the compiler's to know.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use compiler::{Foresight, Source};
use ipc::CellId;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    cell::Step,
    common::Common,
    plan::{Plan, plan},
    queue::Order,
    shell::{Shell, Shells},
    shell_id::ShellId,
    stage::{Interrupt, Stage},
    step::Origin,
};

/// How long a cell runs before anything is done for the next: most end sooner.
const PAUSE: Duration = Duration::from_millis(10);
/// Stands for the rest of the cell that runs, before all that wait.
const OWN: u64 = 0;

/// The present guess at what cells that wait will be.
#[derive(Default)]
pub(super) struct Ahead {
    guess: Option<Running>,
    /// For which run of which shell it was looked at what waits, and which was the last that did.
    looked: Option<(ShellId, CellId, u64)>,
}

/// A guess that is compiled. It ends when this is dropped.
struct Running {
    shell: ShellId,
    /// `None`: behind the last that it was given is one of which it cannot be known what it will do.
    sources: Option<UnboundedSender<(u64, Source)>>,
    /// The number of the last that it was given, and of the one that it is at.
    last: u64,
    at: Arc<AtomicU64>,
    stopped: CancellationToken,
    task: AbortOnDropHandle<()>,
}

/// What a cell that waits is for the compiler.
enum Next {
    Code(Source),
    /// It changes nothing that is compiled.
    Nothing,
    /// What will be after it cannot be known.
    Unknown,
}

impl Running {
    fn begin(guess: Foresight, shell: ShellId) -> Self {
        let (sender, sources) = mpsc::unbounded_channel();
        let (stopped, at) = (guess.stopped(), guess.at());
        let task = AbortOnDropHandle::new(tokio::spawn(guess.compile(sources)));
        Self { shell, sources: Some(sender), last: OWN, at, stopped, task }
    }

    fn tell(&mut self, number: u64, next: Next) {
        self.last = number;
        match (next, &self.sources) {
            // Who has ended hears nothing more.
            (Next::Code(source), Some(sources)) => drop(sources.send((number, source))),
            (Next::Unknown, _) => self.sources = None,
            (Next::Code(_) | Next::Nothing, _) => {}
        }
    }

    /// Whether it is of use: it goes on, or another one would get no further before that cell has had its turn.
    fn holds(&self, shell: &Shell) -> bool {
        let end = match &self.sources {
            _ if !self.task.is_finished() => return true,
            None => self.last,
            Some(_) => self.at.load(Ordering::Relaxed),
        };
        shell.queue.iter().any(|order| order.number == end)
    }
}

impl Ahead {
    /// Ends the guess: nobody waits for what was guessed at.
    pub(super) fn end(&mut self) {
        self.guess = None;
    }

    /// When it is to be looked at what waits behind a cell.
    fn due(&self, shell: &Shell) -> Option<Instant> {
        let last = shell.queue.iter().next_back()?.number;
        let Stage::Running { run, since, interrupt: Interrupt::None, .. } = &shell.stage else { return None };
        let is_stopped = self.guess.as_ref().is_some_and(|guess| guess.stopped.is_cancelled());
        let is_seen = !is_stopped && self.looked == Some((shell.id, *run, last));
        (!is_seen).then(|| *since + PAUSE)
    }
}

impl Common {
    /// When [`look_ahead`](Self::look_ahead) is to be called.
    pub(super) fn ahead_due(&self, shells: &Shells) -> Option<Instant> {
        shells.iter().find_map(|shell| self.ahead.due(shell))
    }

    /// Gives what waits behind a running cell to the compiler, where that is time.
    pub(super) fn look_ahead(&mut self, shells: &Shells) {
        let is_needed = |id: ShellId| shells.iter().any(|shell| shell.id == id && !shell.is_idle());
        self.ahead.guess.take_if(|guess| !is_needed(guess.shell));
        let now = Instant::now();
        let is_due = |shell: &&Shell| self.ahead.due(shell).is_some_and(|due| due <= now);
        let Some(shell) = shells.iter().find(is_due) else { return };
        let (Stage::Running { run, .. }, Some(last)) = (&shell.stage, shell.queue.iter().next_back()) else { return };
        self.ahead.looked = Some((shell.id, *run, last.number));
        let present = self.ahead.guess.take();
        let present =
            present.filter(|guess| guess.shell == shell.id && !guess.stopped.is_cancelled() && guess.holds(shell));
        let Some(mut guess) = present.or_else(|| self.begin_guess(shell)) else { return };
        let mut count = shell.count;
        for order in shell.queue.iter() {
            count += usize::from(order.content.is_counted());
            if order.number > guess.last && guess.sources.is_some() {
                guess.tell(order.number, self.next_of(order, &shell.label(&format!("cell {count}"))));
            }
        }
        self.ahead.guess = Some(guess);
    }

    /// A new guess, which begins with what is left of the cell that runs.
    fn begin_guess(&mut self, shell: &Shell) -> Option<Running> {
        let cell = shell.cell.as_ref()?;
        let next = next(&cell.steps, |code| Origin::of(cell).own_code(code, self.settings.types));
        let mut guess = Running::begin(self.compiler.notebook()?.guess()?, shell.id);
        guess.tell(OWN, next);
        Some(guess)
    }

    /// What a cell that waits is for the compiler, if its turn is as things are now.
    fn next_of(&self, order: &Order, label: &str) -> Next {
        let names = self.variables.names();
        let planned = plan(&order.content, label, &|name| names.contains(name));
        let Ok(Plan { steps, options, .. }) = planned else { return Next::Unknown };
        let cell_id = order.cell_id();
        let origin = Origin { label, cell_id: cell_id.as_ref(), options: &options, is_silent: order.content.silent };
        next(&steps, |code| origin.own_code(code, self.settings.types))
    }
}

/// What these steps are for the compiler.
fn next(steps: &VecDeque<Step>, source: impl Fn(&str) -> Source) -> Next {
    let mut next = Next::Nothing;
    for step in steps {
        match step {
            Step::Code(code) => next = Next::Code(source(code)),
            other if other.changes_nothing() => {}
            _ => return Next::Unknown,
        }
    }
    next
}
