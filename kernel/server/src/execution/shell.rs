//! The shells: the main one, and subshells, whose cells run while another shell's cell awaits.
//!
//! See [JEP 91](https://jupyter.org/enhancement-proposals/91-kernel-subshells/kernel-subshells.html). Each has a queue of
//! its own, and one cell at a time. All of [`Execution`] works on the shell that has its turn; the others are put aside,
//! and whoever takes something in says first whose turn it is. The compiler, the worker and the notebook are one for all.

use std::sync::Arc;

use super::{
    Execution,
    cell::{Cell, Step},
    failure::Failure,
    question::Questions,
    queue::Queue,
    stage::Stage,
};
use crate::command::Action;

/// The spec's `subshell_id`; `None` is the main shell.
pub(crate) type ShellId = Option<Arc<str>>;

/// A shell that is put aside.
#[derive(Default)]
pub(super) struct Shell {
    queue: Queue,
    cell: Option<Cell>,
    stage: Stage,
    count: usize,
    questions: Questions,
    quits: bool,
    deleted: bool,
}

impl Execution {
    /// A new subshell; its id.
    pub(crate) fn create_subshell(&mut self) -> Arc<str> {
        self.subshells += 1;
        let id: Arc<str> = format!("subshell-{}", self.subshells).into();
        self.others.insert(Some(Arc::clone(&id)), Shell::default());
        id
    }

    /// Ends a subshell: what waits in it is given up, and its cell is interrupted. Whether there was one.
    pub(crate) fn delete_subshell(&mut self, id: &str) -> bool {
        if !self.has_subshell(id) || !self.turn_to(&Some(Arc::from(id))) {
            return false;
        }
        self.deleted = true;
        for order in self.queue.abort(true) {
            self.give_up(order);
        }
        self.interrupt_cell();
        self.pump();
        true
    }

    /// The subshells that there are, in the order in which they were made.
    pub(crate) fn subshells(&self) -> Vec<Arc<str>> {
        let others = self.others.iter().filter(|(_, shell)| !shell.deleted).map(|(id, _)| id);
        let present = (!self.deleted).then_some(&self.shell);
        let mut ids: Vec<Arc<str>> = others.chain(present).flatten().cloned().collect();
        ids.sort_by_key(|id| (id.len(), Arc::clone(id)));
        ids
    }

    /// Whether there is a subshell of this id.
    pub(crate) fn has_subshell(&self, id: &str) -> bool {
        self.subshells().iter().any(|present| **present == *id)
    }

    /// What its cells are called: `cell 3`, `subshell 1 cell 3`.
    pub(super) fn label(&self, cell: &str) -> String {
        match &self.shell {
            None => cell.to_owned(),
            Some(id) => format!("{} {cell}", id.replace('-', " ")),
        }
    }

    /// The shell of this id has its turn; whether there is one.
    pub(super) fn turn_to(&mut self, id: &ShellId) -> bool {
        if self.shell == *id {
            return true;
        }
        let Some(mut next) = self.others.remove(id) else { return false };
        std::mem::swap(&mut self.queue, &mut next.queue);
        std::mem::swap(&mut self.cell, &mut next.cell);
        std::mem::swap(&mut self.stage, &mut next.stage);
        std::mem::swap(&mut self.count, &mut next.count);
        std::mem::swap(&mut self.questions, &mut next.questions);
        std::mem::swap(&mut self.quits, &mut next.quits);
        std::mem::swap(&mut self.deleted, &mut next.deleted);
        let before = std::mem::replace(&mut self.shell, id.clone());
        self.others.insert(before, next);
        true
    }

    /// The shell that is in such a stage has its turn; whether there is one.
    pub(super) fn turn_where(&mut self, is_in: impl Fn(&Stage) -> bool) -> bool {
        let Some(id) = self.stages().find(|(_, stage)| is_in(stage)).map(|(id, _)| id.clone()) else { return false };
        self.turn_to(&id)
    }

    /// All shells have a turn, the main one first.
    pub(super) fn each_shell(&mut self, mut act: impl FnMut(&mut Self)) {
        let mut ids: Vec<ShellId> = self.stages().map(|(id, _)| id.clone()).collect();
        ids.sort();
        for id in ids {
            if self.turn_to(&id) {
                act(self);
            }
        }
    }

    /// What each shell waits for.
    pub(super) fn stages(&self) -> impl Iterator<Item = (&ShellId, &Stage)> {
        let others = self.others.iter().map(|(id, shell)| (id, &shell.stage));
        std::iter::once((&self.shell, &self.stage)).chain(others)
    }

    /// A subshell that was deleted is no more when its cell has ended.
    pub(super) fn forget_deleted(&mut self) {
        if self.deleted && self.cell.is_none() && self.turn_to(&None) {
            self.others.retain(|_, shell| !shell.deleted || shell.cell.is_some());
        }
    }

    /// Whether another shell has what this one's next step needs: the compiler, or the worker's answer.
    pub(super) fn must_wait(&self) -> bool {
        let mut others = self.others.values();
        others.any(|shell| matches!(shell.stage, Stage::Compiling { .. } | Stage::Reporting(_)))
    }

    /// Whether a cell of another shell is with the worker.
    pub(super) fn others_run(&self) -> bool {
        let mut others = self.others.values();
        others.any(|shell| matches!(shell.stage, Stage::Running { .. } | Stage::AwaitingWorker { .. }))
    }

    /// Why a step cannot be done while a cell of another shell runs.
    pub(super) fn refusal(&self, step: &Step) -> Option<Failure> {
        let needs_all = matches!(step, Step::Command(Action::Dependencies(_)));
        let sentence = "dependencies cannot be changed while a cell of another shell runs: its process may have to be \
                        started anew; run this when it has ended";
        (needs_all && self.others_run()).then(|| Failure::new("Busy", sentence))
    }
}
