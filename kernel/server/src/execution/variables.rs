//! The variables, and what was lost of them: what the worker keeps, and what the notebook is still to hear of that. What a
//! variable is, is the compiler crate's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use compiler::{Farewell, Finished, Loan, LoanKind, Notebook, Stored};

use super::compiler::Compiler;
use crate::message::Parent;

/// The variables: what is in the worker's store, and what is to become of it.
///
/// The worker tells what has changed, in order, and each such word goes on to the notebook with the end of a run. Where
/// something is forgotten here that was told once, the worker is asked to tell all.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// The names, as the worker last told.
    names: BTreeSet<String>,
    /// How often a program of a cell has ended.
    runs: u64,
    /// What the notebook is still to hear.
    untold: BTreeMap<String, Stored>,
    /// Whether the worker is to tell all, as what it told before is not known any more.
    wants_all: bool,
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
    pub(super) fn names(&self) -> &BTreeSet<String> {
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

    /// A run has ended, and this is what there is now, or what has changed.
    pub(super) fn told(&mut self, variables: ipc::Variables) {
        let ipc::Variables { whole, there, gone } = variables;
        if whole {
            let all = std::mem::take(&mut self.names);
            self.untold.extend(all.into_iter().map(|name| (name, Stored::Nothing)));
        }
        for name in gone {
            self.names.remove(&name);
            self.untold.insert(name, Stored::Nothing);
        }
        for ipc::Variable { name, loan } in there {
            self.names.insert(name.clone());
            self.untold.insert(name, loan.map_or(Stored::Ordinary, stored));
        }
    }

    /// Whether the worker is to tell all; it is asked once.
    pub(super) fn take_wants_all(&mut self) -> bool {
        std::mem::take(&mut self.wants_all)
    }

    /// These are no more: the worker is to forget them before it runs the next program.
    pub(super) fn lose(&mut self, names: Vec<String>) {
        for name in &names {
            self.names.remove(name);
        }
        self.forget.extend(names);
    }

    /// What the worker is to forget now.
    pub(super) fn take_forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forget)
    }

    /// All are no more: the notebook and the worker know, or will.
    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.untold.clear();
        self.forget.clear();
        self.wants_all = true;
    }

    /// The worker is no more.
    pub(super) fn worker_lost(&mut self) {
        self.clear();
        self.unfinished.clear();
    }

    /// Tells the notebook of a step that ran nothing.
    pub(super) fn skip(&mut self, compiler: &mut Compiler, entry: &str, success: bool, parent: Option<&Arc<Parent>>) {
        // It has not run, so there is nothing to be said.
        self.finish(compiler, Run { entry: entry.to_owned(), success, ..Run::default() }, parent);
    }

    /// Tells the notebook how a run has ended, now or when it is back; what is to be said about that.
    pub(super) fn finish(&mut self, compiler: &mut Compiler, run: Run, parent: Option<&Arc<Parent>>) -> Vec<String> {
        let Run { entry, success, showed, kept } = run;
        let finished = Finished { entry, success, showed, changes: std::mem::take(&mut self.untold), kept };
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

/// What the worker has, in the compiler's words.
fn stored(loan: ipc::Loan) -> Stored {
    let kind = match loan.kind {
        ipc::LoanKind::Value => LoanKind::Value,
        ipc::LoanKind::Place => LoanKind::Place,
        ipc::LoanKind::Hidden => LoanKind::Hidden,
    };
    Stored::Loan(Loan { kind, held_by: loan.held_by })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &mut Variables, whole: bool, there: &[&str], gone: &[&str]) {
        let ordinary = |name: &&str| ipc::Variable { name: (*name).to_owned(), loan: None };
        let there = there.iter().map(ordinary).collect();
        variables.told(ipc::Variables { whole, there, gone: gone.iter().map(|name| (*name).to_owned()).collect() });
    }

    fn names(variables: &Variables) -> Vec<&str> {
        variables.names().iter().map(String::as_str).collect()
    }

    #[test]
    fn what_is_told_adds_up() {
        let mut variables = Variables::default();
        told(&mut variables, true, &["a", "b"], &[]);
        told(&mut variables, false, &["c", "a"], &["b", "nobody"]);
        assert_eq!(names(&variables), ["a", "c"]);
        // The notebook hears of both words with the next end of a run.
        let untold: Vec<_> = variables.untold.iter().map(|(name, stored)| (name.as_str(), stored.clone())).collect();
        let (here, gone) = (Stored::Ordinary, Stored::Nothing);
        assert_eq!(untold, [("a", here.clone()), ("b", gone.clone()), ("c", here), ("nobody", gone)]);
    }

    #[test]
    fn the_whole_counts_more_than_what_was_told_before() {
        let mut variables = Variables::default();
        told(&mut variables, true, &["a", "b"], &[]);
        told(&mut variables, true, &["b", "c"], &[]);
        assert_eq!(names(&variables), ["b", "c"]);
        assert_eq!(variables.untold.get("a"), Some(&Stored::Nothing));
        assert_eq!(variables.untold.get("b"), Some(&Stored::Ordinary));
    }

    #[test]
    fn who_forgets_asks_for_the_whole_once() {
        let mut variables = Variables::default();
        told(&mut variables, true, &["a", "b"], &[]);
        // What is lost by name is known here; nothing has to be asked.
        variables.lose(vec!["a".to_owned()]);
        assert_eq!(names(&variables), ["b"]);
        assert!(!variables.take_wants_all());
        assert_eq!(variables.take_forgotten(), ["a"]);
        for forget in [Variables::clear, Variables::worker_lost] {
            told(&mut variables, false, &["x"], &[]);
            forget(&mut variables);
            assert!(variables.names().is_empty() && variables.untold.is_empty());
            assert!(variables.take_wants_all());
            assert!(!variables.take_wants_all());
        }
    }
}
