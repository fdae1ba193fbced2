//! The variables, and what was lost of them: what the worker keeps, and what the notebook is still to hear of that. What a
//! variable is, is the compiler crate's.

use std::{collections::BTreeMap, sync::Arc};

use compiler::{Farewell, Finished, Loan, LoanKind, Notebook};

use super::compiler::Compiler;
use crate::message::Parent;

/// The variables: what is in the worker's store, and what is to become of it.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// The names, as the worker last told.
    names: Vec<String>,
    /// How often a program of a cell has ended.
    runs: u64,
    /// Those of them that borrow or are lent.
    loans: Vec<ipc::Loan>,
    /// What the worker is still to be told to forget.
    forget: Vec<String>,
    /// How cells have ended while the notebook was with the compiler.
    unfinished: Vec<(Finished, Option<Arc<Parent>>)>,
    /// The worker died while the notebook was with the compiler, and this is what happened.
    pub(super) died: Option<String>,
    /// What the next cell says first.
    pub(super) news: Option<String>,
}

/// A late word: what the notebook said of a run that ended while the compiler had it, and under whom that is to be published.
pub(super) type Late = (Vec<String>, Option<Arc<Parent>>);

impl Variables {
    /// The names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// How often a program of a cell has ended.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// A program of a cell has ended.
    pub(super) fn count_run(&mut self) {
        self.runs += 1;
    }

    /// A run has ended, and this is what there is now.
    pub(super) fn told(&mut self, names: Vec<String>, loans: Vec<ipc::Loan>) {
        self.names = names;
        self.loans = loans;
    }

    /// These are no more: the worker is to forget them before it runs the next program.
    pub(super) fn lose(&mut self, names: Vec<String>) {
        self.forget.extend(names);
        self.names.retain(|name| !self.forget.contains(name));
    }

    /// What the worker is to forget now.
    pub(super) fn take_forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forget)
    }

    /// All are no more, and the worker knows.
    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.forget.clear();
    }

    /// The worker is no more.
    pub(super) fn worker_lost(&mut self) {
        self.clear();
        self.loans.clear();
        self.unfinished.clear();
    }

    /// Tells the notebook of a step that ran nothing.
    pub(super) fn skip(&mut self, compiler: &mut Compiler, entry: &str, success: bool, parent: Option<&Arc<Parent>>) {
        // It has not run, so there is nothing to be said.
        self.finish(compiler, Run { entry: entry.to_owned(), success, ..Run::default() }, parent);
    }

    /// Tells the notebook how a run has ended, now or when it is back; what is to be said about that.
    pub(super) fn finish(&mut self, compiler: &mut Compiler, run: Run, parent: Option<&Arc<Parent>>) -> Vec<String> {
        let loan = |loan: &ipc::Loan| {
            let kind = match loan.kind {
                ipc::LoanKind::Value => LoanKind::Value,
                ipc::LoanKind::Place => LoanKind::Place,
                ipc::LoanKind::Hidden => LoanKind::Hidden,
            };
            (loan.name.clone(), Loan { kind, held_by: loan.held_by.clone() })
        };
        let Run { entry, success, showed, kept } = run;
        let loans: BTreeMap<_, _> = self.loans.iter().map(loan).collect();
        let finished = Finished { entry, success, showed, variables: self.names.clone(), kept, loans };
        match compiler.notebook() {
            Some(notebook) => {
                let Farewell { notes, forget } = notebook.finish(&finished);
                self.forget.extend(forget);
                notes
            }
            None => {
                self.unfinished.push((finished, parent.cloned()));
                Vec::new()
            }
        }
    }

    /// The compiler is done with the notebook, which hears of what happened meanwhile; what is to be said about that.
    pub(super) fn catch_up(&mut self, notebook: &mut Notebook) -> Vec<Late> {
        let mut said = Vec::new();
        for (finished, parent) in self.unfinished.drain(..) {
            let Farewell { notes, forget } = notebook.finish(&finished);
            self.forget.extend(forget);
            said.push((notes, parent));
        }
        said
    }
}

/// The end of a program: how it has ended.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) entry: String,
    pub(super) success: bool,
    /// Whether it had a result.
    pub(super) showed: bool,
    /// What it handed over to the variables.
    pub(super) kept: Vec<String>,
}
