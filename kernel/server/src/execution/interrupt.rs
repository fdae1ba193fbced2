//! Interrupts: a cell is asked to end at its next `.await` or checkpoint, and the second time it is ended.
//!
//! Nothing is lost by the first interrupt. Only a cell that is still there after a grace time, blocked in code that has
//! neither, can be ended by a second one, at the price of the worker and all variables; it says so before.

use std::time::{Duration, Instant};

use super::{Execution, failure::Failure, note, stage::Stage};

/// How long an interrupted cell may go on before the user is told what it takes to end it.
const GRACE: Duration = Duration::from_secs(2);

/// How far the interrupt of a running cell has come.
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

impl Execution {
    /// The user does not want to wait any longer: for no cell of any shell, as the spec has it.
    pub(crate) fn interrupt(&mut self) {
        self.each_shell(Self::interrupt_cell);
        self.pump();
    }

    /// The cell that has its turn is to end.
    pub(super) fn interrupt_cell(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Between) {
            Stage::AwaitingLibrary(step) => self.fail(&step, Failure::interrupted()),
            Stage::AwaitingWorker { step, program } => {
                self.finish_step(&program.entry, false);
                self.fail(&step, Failure::interrupted());
            }
            Stage::Compiling { step, cancel } => {
                cancel.cancel();
                self.stage = Stage::Compiling { step, cancel };
            }
            Stage::Running { step, run, entry, since, interrupt } => {
                let interrupt = match interrupt {
                    Interrupt::None => {
                        self.supervisor.send(ipc::Request::Interrupt { cell: run });
                        // Behind the interrupt, so that who waits for an answer in vain knows why.
                        self.end_questions();
                        Interrupt::Asked { until: Instant::now() + GRACE }
                    }
                    // Who presses the button again and again is not to lose the variables by it.
                    Interrupt::Asked { until } => Interrupt::Asked { until },
                    Interrupt::Unheeded | Interrupt::Forced => {
                        self.supervisor.kill();
                        Interrupt::Forced
                    }
                };
                self.stage = Stage::Running { step, run, entry, since, interrupt };
            }
            other @ (Stage::Between | Stage::Reporting(_)) => self.stage = other,
        }
    }

    /// An interrupted cell goes on, as its code wants to end by itself: the next interrupt is a first one.
    pub(super) fn interrupt_heard(&mut self, cell: ipc::CellId) {
        if let Stage::Running { run, interrupt, .. } = &mut self.stage
            && *run == cell
        {
            *interrupt = Interrupt::None;
        }
    }

    /// An interrupted cell goes on: it is blocked in code without a checkpoint.
    pub(super) fn interrupt_unheeded(&mut self) {
        if let Stage::Running { interrupt, .. } = &mut self.stage {
            *interrupt = Interrupt::Unheeded;
        }
        let names: Vec<String> = self.variables.iter().map(|name| format!("`{name}`")).collect();
        let price = if names.is_empty() {
            "no variables would be lost".to_owned()
        } else {
            format!("these variables would be lost: {}", names.join(", "))
        };
        self.say(note::note(&format!(
            "The cell is blocked in code without a checkpoint: in code that no cell defines, in a sleep of `std`, or in \
             code that was compiled with `opt-level` 2 or 3. Interrupt again to end its process; {price}."
        )));
    }
}
