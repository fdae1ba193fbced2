//! What the present step of a shell's cell waits for: the session library, the compiler, the worker.

use std::time::Instant;

use compiler::Program;
use ipc::{CellId, Script};
use tokio_util::sync::CancellationToken;

use super::cell::Step;

/// The stage of a shell's present step: what it waits for.
#[derive(Default)]
pub(super) enum Stage {
    /// Nothing is waited for: the next step can begin.
    #[default]
    Between,
    /// The session library is being built.
    AwaitingLibrary(Step),
    /// The compiler has it.
    Compiling { step: Step, cancel: CancellationToken },
    /// It can run, and there is no worker yet.
    AwaitingWorker { step: Step, runnable: Runnable },
    /// The worker runs it.
    Running { step: Step, run: CellId, entry: String, since: Instant, interrupt: Interrupt },
    /// The worker tells about tasks.
    Reporting(Step),
}

/// What the worker is to run.
pub(super) enum Runnable {
    Program(Program),
    Script(Script),
}

impl Runnable {
    /// The name under which the notebook hears of its end; a shell's has none.
    pub(super) fn entry(&self) -> &str {
        match self {
            Self::Program(program) => &program.entry,
            Self::Script(_) => "",
        }
    }
}

/// The interrupt of a running cell: how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    None,
    /// The worker was told; until then it may end by itself.
    Asked {
        until: Instant,
    },
    /// It did not, and the user knows that the next interrupt is the worker's end.
    Unheeded,
    /// The worker is being killed.
    Forced,
}

impl Stage {
    /// The worker begins now.
    pub(super) fn running(step: Step, run: CellId, entry: String) -> Self {
        Self::Running { step, run, entry, since: Instant::now(), interrupt: Interrupt::None }
    }

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
