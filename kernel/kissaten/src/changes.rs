//! What has become of the variables since they were told last, so that a cell costs what it touches, however many there are.
//!
//! It compares names and loans. Values, and who makes or drops them, are the store's and the resident cells'.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::resident::{self, Loan};
use crate::store;

thread_local! {
    /// Ordinary variables that came or went.
    static TOUCHED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    /// Loans as they were told last.
    static TOLD: RefCell<BTreeMap<String, Loan>> = const { RefCell::new(BTreeMap::new()) };
}

/// The variables that have changed, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableChanges {
    /// Ordinary ones that came, or went and came again.
    pub ordinary: Vec<String>,
    /// Those that borrow or are lent, where they have come or are something else now.
    pub loans: Vec<Loan>,
    /// Names that stand for nothing any more, and perhaps never did.
    pub gone: Vec<String>,
}

/// An ordinary variable came or went.
pub(crate) fn touch(name: &str) {
    TOUCHED.with_borrow_mut(|touched| {
        if !touched.contains(name) {
            touched.insert(name.to_owned());
        }
    });
}

/// What has changed since this was asked last, or `all` that there are.
pub(crate) fn take(all: bool) -> VariableChanges {
    let touched = TOUCHED.take();
    let ordinary = if all { store::names() } else { touched.iter().filter(|name| store::has(name)).cloned().collect() };
    let is_gone = |name: &&String| !store::has(name) && !resident::has(name);
    let mut gone: BTreeSet<String> = touched.iter().filter(is_gone).cloned().collect();
    // What holds a loan hangs on all that borrow, so these are compared; most cells have to do with none.
    let mut loans = Vec::new();
    if resident::take_changed() || all {
        let now: BTreeMap<String, Loan> = resident::loans().into_iter().map(|loan| (loan.name.clone(), loan)).collect();
        let told = TOLD.take();
        gone.extend(told.keys().filter(is_gone).cloned());
        let is_new = |loan: &&Loan| all || told.get(&loan.name) != Some(*loan);
        loans = now.values().filter(is_new).cloned().collect();
        TOLD.set(now);
    }
    VariableChanges { ordinary, loans, gone: gone.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__cell::{keep, put_back, try_take};

    fn check(expected: [&[&str]; 2]) {
        let VariableChanges { ordinary, loans, gone } = take(false);
        assert_eq!(
            (ordinary, gone),
            (
                expected[0].iter().map(|n| (*n).to_owned()).collect(),
                expected[1].iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()
            )
        );
        assert_eq!(loans, []);
    }

    #[test]
    fn only_what_a_cell_touches_is_told() {
        let _turn = resident::tests::turn();
        for n in 0..1000 {
            keep(&format!("n{n}"), n);
        }
        assert_eq!(take(false).ordinary.len(), 1000);
        check([&[], &[]]);
        // Looked for under another type: it is where it was.
        assert!(try_take::<String>("n7").is_none());
        check([&[], &[]]);
        let seven = try_take::<i32>("n7").unwrap();
        check([&[], &["n7"]]);
        put_back("n7", seven);
        check([&["n7"], &[]]);
        // It came and went: nobody need know, and it does not harm.
        keep("short", 1);
        store::forget(&["short".to_owned(), "nobody".to_owned()]);
        check([&[], &["short"]]);
        keep("n8", 80);
        store::forget(&["n9".to_owned()]);
        check([&["n8"], &["n9"]]);
        store::clear();
        assert_eq!(take(false).gone.len(), 999);
        check([&[], &[]]);
    }

    #[test]
    fn all_is_what_there_is() {
        let _turn = resident::tests::turn();
        keep("a", 1);
        keep("b", 1);
        take(false);
        store::forget(&["a".to_owned()]);
        assert_eq!(take(true).ordinary, ["b"]);
        check([&[], &[]]);
    }
}
