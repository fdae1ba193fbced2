//! What each cell is to do to the variables: written anew, in few words.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::*;
use super::values::*;
use super::{LEAKED, bury, poll};
use crate::__cell::keep;
use crate::changes::{self, VariableChanges};
use crate::resident::{self, Loan, LoanKind, loans::loans};
use crate::runtime::Program;
use crate::store;

/// What a name is in the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Is {
    Own,
    Value(BTreeSet<u64>),
    Place(u64),
    Hidden(u64),
}

/// A resident cell in the model: what it may refer to, and its owners, with whether they borrow.
#[derive(Clone, Debug)]
pub(super) struct Stays {
    grounds: BTreeSet<u64>,
    owners: Vec<(Name, bool)>,
}

/// A cell that waits: it holds these, and will do that.
pub(super) struct Waits {
    program: Program,
    run: u64,
    grounds: BTreeSet<u64>,
    took: Vec<Name>,
    keeps: Option<Name>,
    end: End,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) names: BTreeMap<Name, Is>,
    pub(super) residents: BTreeMap<u64, Stays>,
    pub(super) waiting: Vec<Waits>,
    /// Which waiting run will put which name back.
    taken: BTreeMap<Name, u64>,
    /// The variables, as whoever hears the differences has them.
    told: BTreeMap<String, Option<Loan>>,
    last: u64,
    pub(super) random: u64,
    pub(super) trail: Vec<String>,
}

pub(super) const OWNERS: [Name; 4] = ["o1", "o2", "o3", "o4"];
pub(super) const REFS: [Name; 4] = ["b1", "b2", "b3", "b4"];
pub(super) const UNIQUES: [Name; 2] = ["u1", "u2"];
pub(super) const DEEPS: [Name; 2] = ["d1", "d2"];
pub(super) const SHARED: [Name; 3] = ["c1", "c2", "c3"];

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, ..Self::default() }
    }

    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % below as u64).unwrap()
    }

    fn one(&mut self, of: &[Name]) -> Name {
        of[self.random(of.len())]
    }

    fn end(&mut self) -> End {
        match self.random(8) {
            0 => End::Panics,
            1 => End::Errs,
            _ => End::Well,
        }
    }

    fn some(&mut self, of: &[Name], is: fn(&Is) -> bool) -> Option<Name> {
        let found: Vec<Name> = of.iter().copied().filter(|name| self.names.get(name).is_some_and(is)).collect();
        if found.is_empty() { None } else { Some(self.one(&found)) }
    }

    fn set(&mut self, name: Name, is: Is) {
        self.taken.remove(name);
        self.names.insert(name, is);
    }

    fn grounds(&self, names: &[Name]) -> BTreeSet<u64> {
        let of = |name: &Name| match self.names.get(name) {
            Some(Is::Value(grounds)) => grounds.clone(),
            Some(Is::Place(id)) => BTreeSet::from([*id]),
            _ => BTreeSet::new(),
        };
        names.iter().flat_map(of).collect()
    }

    /// Whoever may share a cell with `c` may come to refer to what `b` does.
    fn mix(&mut self, c: Name, b: Name) {
        let (exact, all) = (self.grounds(&[c]), self.grounds(&[c, b]));
        // Whoever shares it has all of its grounds already.
        if exact == all {
            return;
        }
        let shares = |grounds: &BTreeSet<u64>| grounds.iter().any(|id| exact.contains(id));
        for is in self.names.values_mut() {
            if let Is::Value(grounds) = is
                && shares(grounds)
            {
                grounds.extend(&all);
            }
        }
        for waits in self.waiting.iter_mut().filter(|waits| shares(&waits.grounds)) {
            waits.grounds.extend(&all);
        }
        for (id, stays) in &mut self.residents {
            if exact.contains(id) || shares(&stays.grounds) {
                stays.grounds.extend(&all);
                stays.grounds.remove(id);
            }
        }
    }

    fn reside(&mut self, grounds: BTreeSet<u64>, owners: &[(Name, bool)]) -> u64 {
        self.last += 1;
        self.residents.insert(self.last, Stays { grounds, owners: owners.to_vec() });
        self.last
    }

    /// What has to go before this resident ends; what has no name has an empty one.
    fn holders(&self, id: u64) -> BTreeSet<String> {
        let mut ids = BTreeSet::from([id]);
        // Residents refer to older ones.
        for (newer, stays) in &self.residents {
            if !stays.grounds.is_disjoint(&ids) {
                ids.insert(*newer);
            }
        }
        let holds = |is: &Is| matches!(is, Is::Value(grounds) if !grounds.is_disjoint(&ids));
        let named = self.names.iter().filter(|(_, is)| holds(is)).map(|(name, _)| (*name).to_owned());
        let waiting = self.waiting.iter().filter(|waits| !waits.grounds.is_disjoint(&ids)).map(|_| String::new());
        named.chain(waiting).collect()
    }

    /// Ends the residents that nothing refers to.
    fn settle(&mut self) {
        loop {
            let refers = |id: u64| {
                self.names.values().any(|is| matches!(is, Is::Value(grounds) if grounds.contains(&id)))
                    || self.waiting.iter().any(|waits| waits.grounds.contains(&id))
                    || self.residents.values().any(|stays| stays.grounds.contains(&id))
            };
            let Some(id) = self.residents.keys().rev().copied().find(|id| !refers(*id)) else { return };
            let Some(stays) = self.residents.remove(&id) else { return };
            for (name, borrows) in stays.owners {
                if matches!(self.names.get(name), Some(Is::Place(of) | Is::Hidden(of)) if *of == id) {
                    let is = if borrows { Is::Value(stays.grounds.clone()) } else { Is::Own };
                    self.names.insert(name, is);
                }
            }
        }
    }

    pub(super) fn step(&mut self) {
        let end = self.end();
        let well = end == End::Well;
        let is_own = |is: &Is| *is == Is::Own;
        let value = |is: &Is| matches!(is, Is::Value(_));
        let place = |is: &Is| matches!(is, Is::Place(_));
        match self.random(18) {
            0 => {
                let o = self.one(&OWNERS);
                self.run(&format!("own {o}"), own(o, end));
                if well {
                    self.set(o, Is::Own);
                }
            }
            1 => {
                let (o, b) = (self.one(&OWNERS), self.one(&REFS));
                self.run(&format!("both {o} {b}"), both(o, b, end));
                if well {
                    let id = self.reside(BTreeSet::new(), &[(o, false)]);
                    self.set(o, Is::Place(id));
                    self.set(b, Is::Value(BTreeSet::from([id])));
                }
            }
            2 | 3 => {
                let Some(o) = self.some(&OWNERS, is_own) else { return };
                let other = self.some(&OWNERS, is_own).filter(|other| *other != o);
                let b = self.one(&REFS);
                self.run(&format!("lend {o} {b} {other:?}"), lend(o, b, other, end));
                if well {
                    let id = self.reside(BTreeSet::new(), &[(o, false)]);
                    self.set(o, Is::Place(id));
                    self.set(b, Is::Value(BTreeSet::from([id])));
                }
            }
            4 => {
                let Some(o) = self.some(&OWNERS, is_own) else { return };
                let u = self.one(&UNIQUES);
                self.run(&format!("unique {o} {u}"), unique(o, u, end));
                if well {
                    let id = self.reside(BTreeSet::new(), &[(o, false)]);
                    self.set(o, Is::Hidden(id));
                    self.set(u, Is::Value(BTreeSet::from([id])));
                }
            }
            5 => {
                let Some(o) = self.some(&OWNERS, place) else { return };
                let b = self.one(&REFS);
                let waits = self.random(3) == 0;
                let grounds = self.grounds(&[o]);
                self.begin(&format!("again {o} {b} {waits}"), again(o, b, end, waits), grounds, &[], Some(b), end);
            }
            6 => {
                let Some(b) = self.some(&REFS, value) else { return };
                let (d, o) = (self.one(&DEEPS), self.one(&OWNERS));
                let grounds = self.grounds(&[b]);
                self.run(&format!("deep {b} {d} {o}"), deep(b, d, o, end));
                if well {
                    let id = self.reside(grounds, &[(b, true)]);
                    self.set(b, Is::Place(id));
                    self.set(o, Is::Own);
                    self.set(d, Is::Value(BTreeSet::from([id])));
                }
            }
            7 => {
                let Some(b) = self.some(&REFS, value) else { return };
                let (o, c) = (self.one(&OWNERS), self.one(&REFS));
                if c == b {
                    return;
                }
                let grounds = self.grounds(&[b]);
                self.run(&format!("beside {b} {o} {c}"), beside(b, o, c, end));
                if well {
                    let id = self.reside(grounds, &[(o, false)]);
                    self.set(o, Is::Place(id));
                    self.set(c, Is::Value(BTreeSet::from([id])));
                }
            }
            8 => {
                let (Some(b), Some(c)) = (self.some(&REFS, value), self.some(&REFS, value)) else { return };
                if b == c {
                    return;
                }
                let waits = self.random(3) == 0;
                let grounds = self.grounds(&[b, c]);
                self.begin(&format!("join {b} {c} {waits}"), join(b, c, end, waits), grounds, &[b, c], None, end);
            }
            9 | 10 => {
                let Some(b) = self.some(&REFS, value) else { return };
                let to = if self.random(2) == 0 { None } else { Some(self.one(&REFS)) };
                let grounds = self.grounds(&[b]);
                self.run(&format!("moved {b} {to:?}"), moved(b, to, end));
                self.names.remove(b);
                if let Some(to) = to.filter(|_| well) {
                    self.set(to, Is::Value(grounds));
                }
            }
            16 => {
                let Some(o) = self.some(&OWNERS, place) else { return };
                let (c, d) = (self.one(&SHARED), self.one(&SHARED));
                if c == d {
                    return;
                }
                let grounds = self.grounds(&[o]);
                self.run(&format!("share {o} {c} {d}"), share(o, c, d, end));
                if well {
                    self.set(c, Is::Value(grounds.clone()));
                    self.set(d, Is::Value(grounds));
                }
            }
            17 => {
                let (Some(c), Some(b)) = (self.some(&SHARED, value), self.some(&REFS, value)) else { return };
                self.mix(c, b);
                let grounds = self.grounds(&[c, b]);
                self.run(&format!("write {c} {b}"), write(c, b, end));
                self.set(b, Is::Value(grounds.clone()));
                self.set(c, Is::Value(grounds));
            }
            11 => {
                let Some(u) = self.some(&UNIQUES, value) else { return };
                self.run(&format!("push {u}"), push(u, end));
            }
            12 => {
                let all = loans();
                let known = |name: &str| {
                    OWNERS.iter().chain(&REFS).chain(&UNIQUES).chain(&DEEPS).chain(&SHARED).find(|n| **n == name)
                };
                let named = all.iter().filter_map(|loan| Some((*known(&loan.name)?, loan.kind))).collect();
                self.run("look", look(named));
            }
            13 => {
                let Some(o) = self.some(&OWNERS, is_own) else { return };
                self.run(&format!("ordinary {o}"), ordinary(o, end));
            }
            14 => {
                let names: Vec<Name> = self.names.keys().copied().collect();
                if names.is_empty() {
                    return;
                }
                let name = self.one(&names);
                self.trail.push(format!("forget {name}"));
                store::forget(&[name.to_owned()]);
                self.names.remove(name);
            }
            _ => match self.random(6) {
                0 => {
                    self.trail.push("clear".to_owned());
                    store::clear();
                    self.names.clear();
                    self.taken.clear();
                }
                1 | 2 => {
                    // A name that belonged to something that borrows becomes an ordinary one's.
                    let b = self.one(&DEEPS);
                    self.trail.push(format!("shadow {b}"));
                    keep(b, 1_u8);
                    self.set(b, Is::Own);
                }
                _ => self.go_on(),
            },
        }
    }

    /// Runs a cell to its end.
    fn run(&mut self, what: &str, program: Program) {
        self.trail.push(what.to_owned());
        self.last += 1;
        let mut program = Some(program);
        assert!(poll(self.last, &mut program), "{what} waits");
    }

    /// Begins a cell that may wait.
    fn begin(
        &mut self,
        what: &str,
        program: Program,
        grounds: BTreeSet<u64>,
        took: &[Name],
        keeps: Option<Name>,
        end: End,
    ) {
        self.trail.push(what.to_owned());
        self.last += 1;
        let run = self.last;
        for name in took {
            self.names.remove(name);
            self.taken.insert(name, run);
        }
        let mut program = Some(program);
        if poll(run, &mut program) {
            self.ended(run, &grounds, took, keeps, end);
        } else if let Some(program) = program {
            self.waiting.push(Waits { program, run, grounds, took: took.to_vec(), keeps, end });
        }
    }

    fn ended(&mut self, run: u64, grounds: &BTreeSet<u64>, took: &[Name], keeps: Option<Name>, end: End) {
        if let Some(name) = keeps.filter(|_| end == End::Well) {
            self.set(name, Is::Value(grounds.clone()));
        }
        for name in took {
            if self.taken.get(name) == Some(&run) {
                self.set(name, Is::Value(grounds.clone()));
            }
        }
    }

    /// A cell that waits goes on to its end.
    pub(super) fn go_on(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let index = self.random(self.waiting.len());
        let waits = self.waiting.remove(index);
        self.trail.push(format!("go on {}", waits.run));
        GO.set(true);
        let mut program = Some(waits.program);
        assert!(poll(waits.run, &mut program));
        GO.set(false);
        self.ended(waits.run, &waits.grounds, &waits.took, waits.keeps, waits.end);
    }

    /// What the session does after a cell, and whether all is as the model has it.
    pub(super) fn check(&mut self) {
        bury();
        self.settle();
        let kind = |is: &Is| match is {
            Is::Own => None,
            Is::Value(_) => Some(LoanKind::Value),
            Is::Place(_) => Some(LoanKind::Place),
            Is::Hidden(_) => Some(LoanKind::Hidden),
        };
        let expected: BTreeMap<String, Option<LoanKind>> =
            self.names.iter().map(|(name, is)| ((*name).to_owned(), kind(is))).collect();
        let mut found: BTreeMap<String, Option<LoanKind>> =
            store::names().into_iter().map(|name| (name, None)).collect();
        for loan in loans() {
            let frame = self.names.iter().find(|(name, _)| **name == loan.name).and_then(|(_, is)| match is {
                Is::Place(id) | Is::Hidden(id) => Some(*id),
                _ => None,
            });
            let held_by: BTreeSet<String> = frame.map(|id| self.holders(id)).unwrap_or_default();
            assert_eq!(loan.held_by.iter().cloned().collect::<BTreeSet<_>>(), held_by, "what holds {}", loan.name);
            assert!(found.insert(loan.name.clone(), Some(loan.kind)).is_none(), "{} is there twice", loan.name);
        }
        assert_eq!(found, expected);
        // Whoever hears the differences alone knows the same.
        let VariableChanges { ordinary, loans: changed, gone } = changes::take(false);
        for name in gone {
            self.told.remove(&name);
        }
        self.told.extend(ordinary.into_iter().map(|name| (name, None)));
        self.told.extend(changed.into_iter().map(|loan| (loan.name.clone(), Some(loan))));
        let all = store::names().into_iter().map(|name| (name, None));
        let all = all.chain(loans().into_iter().map(|loan| (loan.name.clone(), Some(loan))));
        assert_eq!(self.told, all.collect(), "what was told of variables");
        assert_eq!(resident::loans::frames(), self.residents.len() + LEAKED.get());
    }
}
