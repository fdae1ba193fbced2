//! The shells: the main one, and subshells, whose cells run while another shell's cell awaits.
//!
//! See [JEP 91](https://jupyter.org/enhancement-proposals/91-kernel-subshells/kernel-subshells.html). Each has a queue of
//! its own, and one cell at a time. The compiler, the worker and the notebook are one for all, and not known here.

use std::iter;

use ipc::CellId;
use serde_json::Value;

use super::{
    cell::{Cell, Step},
    question::Questions,
    queue::{Order, Queue},
    shell_id::ShellId,
    stage::Stage,
};
use crate::request::execute;

/// A shell: a queue of cells, and the one of them whose turn it is.
pub(super) struct Shell {
    pub(super) id: ShellId,
    pub(super) queue: Queue,
    pub(super) cell: Option<Cell>,
    /// What the present step of the cell waits for.
    pub(super) stage: Stage,
    /// Jupyter's `execution_count`: that of the last cell that was counted.
    pub(super) count: usize,
    /// What the cell, or a task while it has its turn, asks the user.
    pub(super) questions: Questions,
    pub(super) end: End,
}

/// The end of a shell: whether it ends with its present cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It goes on.
    Open,
    /// A frontend has deleted it: it takes nothing more.
    Deleted,
    /// `:quit`: the kernel ends.
    Quits,
}

impl Shell {
    fn new(id: ShellId) -> Self {
        Self {
            id,
            queue: Queue::default(),
            cell: None,
            stage: Stage::Between,
            count: 0,
            questions: Questions::default(),
            end: End::Open,
        }
    }

    /// Whether it takes cells.
    pub(super) fn is_open(&self) -> bool {
        self.end != End::Deleted
    }

    /// Whether it has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.cell.is_none() && self.queue.is_empty()
    }

    /// What its cells are called: `cell 3`, `subshell 1 cell 3`.
    pub(super) fn label(&self, cell: &str) -> String {
        match self.id {
            ShellId::Main => cell.to_owned(),
            ShellId::Sub(number) => format!("subshell {number} {cell}"),
        }
    }

    /// Answers a cell that is not run.
    pub(super) fn give_up(&self, order: Order) {
        order.request.reply_in_order(execute::aborted(self.count));
    }

    /// Answers all cells that wait. `refuse`: more is not taken in until the abort ends.
    pub(super) fn give_up_all(&mut self, refuse: bool) {
        for order in self.queue.abort(refuse) {
            self.give_up(order);
        }
    }

    /// The step is to be done next.
    pub(super) fn put_back(&mut self, step: Step) {
        self.put_first([step]);
    }

    /// These steps are to be done next.
    pub(super) fn put_first(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        if let Some(cell) = &mut self.cell {
            steps.into_iter().rev().for_each(|step| cell.steps.push_front(step));
        }
    }

    /// The result of a user expression is there.
    pub(super) fn expression(&mut self, name: String, result: Value) {
        if let Some(cell) = &mut self.cell {
            cell.answer.expressions.insert(name, result);
        }
    }
}

/// All shells.
pub(super) struct Shells {
    main: Shell,
    /// In the order in which they were made.
    subshells: Vec<Shell>,
    /// How many subshells there have been.
    made: u64,
}

/// The other shells, as one sees them: what they are busy with that it cannot do meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    /// One has the compiler, or awaits the worker's answer.
    pub(super) compile: bool,
    /// A cell of one is with the worker.
    pub(super) run: bool,
}

impl Shells {
    /// The main shell.
    pub(super) fn new() -> Self {
        Self { main: Shell::new(ShellId::Main), subshells: Vec::new(), made: 0 }
    }

    /// The main one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Shell> {
        iter::once(&self.main).chain(&self.subshells)
    }

    /// The main one first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Shell> {
        iter::once(&mut self.main).chain(&mut self.subshells)
    }

    /// The main shell, which is always there.
    pub(super) fn main(&mut self) -> &mut Shell {
        &mut self.main
    }

    /// The shell of this id, unless it is no more.
    pub(super) fn get(&mut self, id: ShellId) -> Option<&mut Shell> {
        self.iter_mut().find(|shell| shell.id == id)
    }

    /// The first that is in such a stage.
    pub(super) fn in_stage(&mut self, is_in: impl Fn(&Stage) -> bool) -> Option<&mut Shell> {
        self.iter_mut().find(|shell| is_in(&shell.stage))
    }

    /// The shell whose step the compiler has.
    pub(super) fn compiling(&mut self) -> Option<&mut Shell> {
        self.in_stage(|stage| matches!(stage, Stage::Compiling { .. }))
    }

    /// The shell that awaits the worker's answer.
    pub(super) fn reporting(&mut self) -> Option<&mut Shell> {
        self.in_stage(|stage| matches!(stage, Stage::Reporting(_)))
    }

    /// The shell that this run is of, while it runs.
    pub(super) fn running(&mut self, run: CellId) -> Option<&mut Shell> {
        self.in_stage(|stage| stage.runs(run))
    }

    /// The shell that has asked the user by this message.
    pub(super) fn asker(&mut self, message: &str) -> Option<&mut Shell> {
        self.iter_mut().find(|shell| shell.questions.has_sent(message))
    }

    /// What all but one are busy with.
    pub(super) fn others(&self, than: ShellId) -> Others {
        let others = || self.iter().filter(|shell| shell.id != than).map(|shell| &shell.stage);
        Others {
            compile: others().any(|stage| matches!(stage, Stage::Compiling { .. } | Stage::Reporting(_))),
            run: others().any(|stage| matches!(stage, Stage::Running { .. } | Stage::AwaitingWorker { .. })),
        }
    }

    /// A new subshell.
    pub(super) fn create(&mut self) -> ShellId {
        self.made += 1;
        let id = ShellId::Sub(self.made);
        self.subshells.push(Shell::new(id));
        id
    }

    /// The subshells that take cells.
    pub(super) fn subshells(&self) -> impl Iterator<Item = ShellId> {
        self.subshells.iter().filter(|shell| shell.is_open()).map(|shell| shell.id)
    }

    /// Those that were deleted are no more when their cells have ended.
    pub(super) fn forget_deleted(&mut self) {
        self.subshells.retain(|shell| shell.is_open() || shell.cell.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_shell_is_listed_no_more() {
        let mut shells = Shells::new();
        let (first, second) = (shells.create(), shells.create());
        assert_eq!(shells.subshells().collect::<Vec<_>>(), [first, second]);
        shells.get(first).unwrap().end = End::Deleted;
        assert_eq!(shells.subshells().collect::<Vec<_>>(), [second]);
        shells.forget_deleted();
        assert!(shells.get(first).is_none() && shells.get(second).is_some());
        assert_eq!(shells.create(), ShellId::Sub(3));
    }
}
