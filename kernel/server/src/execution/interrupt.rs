//! Interrupts: a cell is asked to end at its next `.await` or checkpoint, and the second time it is ended.
//!
//! Nothing is lost by the first interrupt. Only a cell that is still there after a grace time, blocked in code that has
//! neither, can be ended by a second one, at the price of the worker and all variables; it says so before.

use std::time::{Duration, Instant};

use super::{
    common::Common,
    failure::Failure,
    note,
    shell::Shell,
    stage::{Interrupt, Stage},
};

/// How long an interrupted cell may go on before the user is told what it takes to end it.
const GRACE: Duration = Duration::from_secs(2);

impl Common {
    /// The cell of a shell is to end.
    pub(super) fn interrupt_cell(&mut self, shell: &mut Shell) {
        match std::mem::take(&mut shell.stage) {
            Stage::AwaitingLibrary(step) => self.fail(shell, &step, Failure::interrupted()),
            Stage::AwaitingWorker { step, runnable } => {
                self.skip(shell, runnable.entry(), false);
                self.fail(shell, &step, Failure::interrupted());
            }
            Stage::Compiling { step, cancel } => {
                cancel.cancel();
                shell.stage = Stage::Compiling { step, cancel };
            }
            Stage::Running { step, run, entry, since, interrupt } => {
                let interrupt = match interrupt {
                    Interrupt::None => {
                        self.supervisor.send(ipc::Request::Interrupt { cell: run });
                        // Behind the interrupt, so that who waits for an answer in vain knows why.
                        self.end_questions(shell);
                        Interrupt::Asked { until: Instant::now() + GRACE }
                    }
                    // Who presses the button again and again is not to lose the variables by it.
                    Interrupt::Asked { until } => Interrupt::Asked { until },
                    Interrupt::Unheeded | Interrupt::Forced => {
                        self.supervisor.kill();
                        Interrupt::Forced
                    }
                };
                shell.stage = Stage::Running { step, run, entry, since, interrupt };
            }
            other @ (Stage::Between | Stage::Reporting(_)) => shell.stage = other,
        }
    }

    /// An interrupted cell goes on: it is blocked in code without a checkpoint.
    pub(super) fn interrupt_unheeded(&self, shell: &mut Shell) {
        if let Stage::Running { interrupt, .. } = &mut shell.stage {
            *interrupt = Interrupt::Unheeded;
        }
        let names: Vec<String> = self.variables.names().iter().map(|name| format!("`{name}`")).collect();
        let price = if names.is_empty() {
            "no variables would be lost".to_owned()
        } else {
            format!("these variables would be lost: {}", names.join(", "))
        };
        self.say(shell, note::note(&format!(
            "The cell is blocked in code without a checkpoint: in code that no cell defines, in a sleep of `std`, or in \
             code that was compiled with `opt-level` 2 or 3. Interrupt again to end its process; {price}."
        )));
    }
}

impl Shell {
    /// An interrupted cell goes on, as its code wants to end by itself: the next interrupt is a first one.
    pub(super) fn interrupt_heard(&mut self) {
        if let Stage::Running { interrupt, .. } = &mut self.stage {
            *interrupt = Interrupt::None;
        }
    }
}
