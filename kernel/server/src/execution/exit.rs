//! The end of the worker, and all variables with it: whom it takes along, and who is told.

use std::process::ExitStatus;

use super::{
    common::Common,
    compiler::Library,
    failure::Failure,
    shell::Shells,
    stage::{Interrupt, Stage},
};
use crate::worker::death::{self, lost};

impl Common {
    /// The worker is gone, and all variables with it.
    pub(super) fn worker_exited(&mut self, shells: &mut Shells, status: ExitStatus) {
        for shell in shells.iter_mut() {
            // Nobody is left to hear an answer.
            shell.questions.clear();
        }
        let last_words = self.audience.end_worker(&self.supervisor);
        let death = death::explain(status, &last_words);
        let was_ready = self.supervisor.is_ready();
        self.comms.close(&self.outgoing);
        self.supervisor.exited(status, &last_words);
        let mut is_told = matches!(self.compiler.library(), Library::Compiling);
        let variables =
            if was_ready && !is_told { self.forget_worker() } else { self.variables.names().iter().cloned().collect() };
        if was_ready && is_told {
            // The notebook hears of it when it is back.
            self.variables.died = Some(death.between_cells());
        }
        let failed = self.supervisor.failure().map(str::to_owned);
        for shell in shells.iter_mut() {
            match std::mem::take(&mut shell.stage) {
                Stage::Running { step, interrupt, .. } => {
                    is_told = true;
                    let failure = match interrupt {
                        Interrupt::Forced => Failure::interrupted_by_force(&variables),
                        _ => Failure::worker_died(&death, &variables),
                    };
                    self.fail(shell, &step, failure);
                }
                Stage::Reporting(step) => {
                    is_told = true;
                    self.fail(shell, &step, Failure::worker_died(&death, &variables));
                }
                Stage::AwaitingWorker { step, runnable } if failed.is_some() => {
                    self.skip(shell, runnable.entry(), false);
                    self.fail(shell, &step, Failure::new("WorkerError", failed.as_deref().unwrap_or_default()));
                }
                other => shell.stage = other,
            }
        }
        if was_ready && !is_told {
            self.variables.news = Some(format!("{} {}", death.between_cells(), lost(&variables)));
        }
    }
}
