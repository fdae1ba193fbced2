//! Thousands of sequences of cells, against a model of which variable may refer to what.
//!
//! The cells are written here as the compiler writes them. Every value says when it is used after it was dropped; under
//! valgrind (`tests/memory`) the same is true of each byte.

use std::cell::Cell as StdCell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::{LoanKind, Resident, Scope, Seat, Token, end_all, loans, take_over};
use crate::__cell::{CellError, Guarded, keep, put_back, take};
use crate::runtime::{self, Cell, Program};
use crate::{grave, here, panic, store};

const MAGIC: u64 = 0x6b69_7373_6174_656e;

thread_local! {
    static ALIVE: StdCell<i64> = const { StdCell::new(0) };
    /// Every so many drops one panics; 0: none.
    static LOUD: StdCell<u64> = const { StdCell::new(0) };
    static DROPS: StdCell<u64> = const { StdCell::new(0) };
    /// Whether cells that wait may go on.
    static GO: StdCell<bool> = const { StdCell::new(false) };
}

fn may_panic() {
    DROPS.set(DROPS.get() + 1);
    if LOUD.get() > 0 && DROPS.get() % LOUD.get() == 0 && !std::thread::panicking() {
        std::panic::resume_unwind(Box::new("loud"));
    }
}

struct Probe(Box<u64>);

impl Probe {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(Box::new(MAGIC))
    }

    fn check(&self) {
        assert_eq!(*self.0, MAGIC, "used after it was dropped");
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.check();
        *self.0 = 0;
        ALIVE.set(ALIVE.get() - 1);
        may_panic();
    }
}

type Owner = Vec<Probe>;

fn owner() -> Owner {
    vec![Probe::new(), Probe::new()]
}

struct Refs<'a>(Vec<&'a Probe>);
struct Unique<'a>(&'a mut Owner);
struct Deep<'a>(&'a Refs<'a>);

fn covariant<'short, 'long: 'short>(
    values: (Refs<'long>, Unique<'long>, Deep<'long>),
) -> (Refs<'short>, Unique<'short>, Deep<'short>) {
    values
}

trait Checked {
    fn check(&self);
}
impl Checked for Refs<'_> {
    fn check(&self) {
        self.0.iter().for_each(|probe| probe.check());
    }
}
impl Checked for Unique<'_> {
    fn check(&self) {
        self.0.iter().for_each(Probe::check);
    }
}
impl Checked for Deep<'_> {
    fn check(&self) {
        self.0.check();
    }
}

/// What borrows is dropped while what it borrows from is there.
macro_rules! look_when_dropped {
    ($($name:ident)*) => { $(impl Drop for $name<'_> {
        fn drop(&mut self) {
            self.check();
            may_panic();
        }
    })* };
}
look_when_dropped! { Refs Unique Deep }

/// How a cell ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Well,
    Panics,
    Errs,
}

macro_rules! end {
    ($end:expr) => {
        match $end {
            End::Well => {}
            End::Panics => std::panic::resume_unwind(Box::new("the cell's")),
            End::Errs => return Err(CellError::from(std::fmt::Error)),
        }
    };
}

async fn wait() {
    std::future::poll_fn(|_| if GO.get() { Poll::Ready(()) } else { Poll::Pending }).await;
}

macro_rules! refs {
    ($scope:ident, $name:expr) => {{
        fn typed<'x>(scope: &Scope<'x>, name: &str) -> Refs<'x> {
            // SAFETY: (type): it was kept as this.
            unsafe { scope.take(name) }
        }
        typed(&$scope, $name)
    }};
}

macro_rules! placed {
    ($scope:ident, $name:expr, $type:ty) => {{
        fn typed<'x>(scope: &Scope<'x>, name: &str) -> &'x $type {
            // SAFETY: (type): it was published as this.
            unsafe { scope.place(name) }
        }
        typed(&$scope, $name)
    }};
}

type Name = &'static str;

fn own(name: Name, end: End) -> Program {
    Box::pin(async move {
        let body = pin!(async {
            let value = owner();
            end!(end);
            keep(name, value);
            Ok(())
        });
        Guarded(body).await;
    })
}

/// An owner and what borrows from it, both new.
fn both(o: Name, b: Name, end: End) -> Program {
    Box::pin(async move {
        let seat = Seat::new(None);
        let body = pin!(async {
            let value = owner();
            let refs = Refs(value.iter().collect());
            let _not_kept = owner();
            end!(end);
            let anchor = Token::new();
            let resident = Resident::new(&seat, &anchor);
            // SAFETY: (covariance): see `covariant`, here and below; it stands in the frame.
            unsafe { resident.publish(o, &value, false, false) };
            // SAFETY: (covariance).
            unsafe { resident.lend(b, refs, false) };
            resident.stay().await;
            seat.give_back(o, value);
            Ok(())
        });
        Guarded(body).await;
    })
}

/// An older owner is lent, and another is changed and goes back.
fn lend(o: Name, b: Name, other: Option<Name>, end: End) -> Program {
    Box::pin(async move {
        let seat = Seat::new(None);
        let value: Owner = take(o);
        let mut changed: Option<Owner> = other.map(take);
        {
            let body = pin!(async {
                let refs = Refs(value.iter().collect());
                if let Some(changed) = &mut changed {
                    changed.push(Probe::new());
                }
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                // SAFETY: (covariance); it stands in the frame.
                unsafe { resident.publish(o, &value, false, false) };
                // SAFETY: (covariance).
                unsafe { resident.lend(b, refs, false) };
                if let (Some(other), Some(changed)) = (other, &mut changed) {
                    // SAFETY: it goes to `put_back` below.
                    unsafe { resident.hand_back(other, changed) };
                }
                resident.stay().await;
                Ok(())
            });
            Guarded(body).await;
        }
        if let (Some(other), Some(changed)) = (other, changed) {
            seat.put_back(other, changed);
        }
        seat.put_back(o, value);
    })
}

fn unique(o: Name, u: Name, end: End) -> Program {
    Box::pin(async move {
        let seat = Seat::new(None);
        let mut value: Owner = take(o);
        {
            let body = pin!(async {
                let unique = Unique(&mut value);
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                resident.hide(o);
                // SAFETY: (covariance).
                unsafe { resident.lend(u, unique, false) };
                resident.stay().await;
                Ok(())
            });
            Guarded(body).await;
        }
        seat.put_back(o, value);
    })
}

/// One more that borrows from an owner which is lent already.
fn again(o: Name, b: Name, end: End, waits: bool) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[o]);
        let value = placed!(scope, o, Owner);
        {
            let body = pin!(async {
                let refs = Refs(value.iter().collect());
                if waits {
                    wait().await;
                }
                refs.check();
                end!(end);
                // SAFETY: (covariance).
                unsafe { scope.keep(b, refs, false) };
                Ok(())
            });
            Guarded(body).await;
        }
        scope.end();
    })
}

/// What borrows is lent itself; a new owner goes along.
fn deep(b: Name, d: Name, o: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[b]);
        let seat = Seat::new(Some(&scope));
        let refs = refs!(scope, b);
        {
            let body = pin!(async {
                let fresh = owner();
                let deep = Deep(&refs);
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                // SAFETY: (covariance); it stands in the frame.
                unsafe { resident.publish(b, &refs, false, false) };
                resident.keep(o, fresh);
                // SAFETY: (covariance).
                unsafe { resident.lend(d, deep, false) };
                resident.stay().await;
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { seat.put_back_lent(b, refs, false) };
        scope.end();
    })
}

/// A new owner is lent while an older one that borrows goes back.
fn beside(b: Name, o: Name, c: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[b]);
        let seat = Seat::new(Some(&scope));
        let mut refs = refs!(scope, b);
        {
            let body = pin!(async {
                let value = owner();
                let new = Refs(value.iter().chain(refs.0.iter().copied()).collect());
                refs.0.reverse();
                end!(end);
                let anchor = Token::new();
                let resident = Resident::new(&seat, &anchor);
                // SAFETY: (covariance); it stands in the frame.
                unsafe { resident.publish(o, &value, false, false) };
                // SAFETY: (covariance).
                unsafe { resident.lend(c, new, false) };
                // SAFETY: it goes to `put_back_lent` below; (covariance).
                unsafe { resident.hand_back_lent(b, &mut refs, false) };
                resident.stay().await;
                seat.give_back(o, value);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { seat.put_back_lent(b, refs, false) };
        scope.end();
    })
}

/// What two refer to comes together in one.
fn join(into: Name, from: Name, end: End, waits: bool) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[into, from]);
        let mut all = refs!(scope, into);
        let more = refs!(scope, from);
        {
            let body = pin!(async {
                all.0.extend(more.0.iter().copied());
                all.0.truncate(12);
                if waits {
                    wait().await;
                }
                all.check();
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { scope.put_back(from, more, false) };
        // SAFETY: (covariance).
        unsafe { scope.put_back(into, all, false) };
        scope.end();
    })
}

/// What borrows gets another name, or goes.
fn moved(from: Name, to: Option<Name>, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[from]);
        let refs = refs!(scope, from);
        {
            let body = pin!(async {
                let refs = refs;
                end!(end);
                if let Some(to) = to {
                    // SAFETY: (covariance).
                    unsafe { scope.keep(to, refs, false) };
                }
                Ok(())
            });
            Guarded(body).await;
        }
        scope.end();
    })
}

fn push(u: Name, end: End) -> Program {
    Box::pin(async move {
        let token = Token::new();
        let scope = Scope::new(&token, &[u]);
        let unique = {
            fn typed<'x>(scope: &Scope<'x>, name: &str) -> Unique<'x> {
                // SAFETY: (type): it was kept as this.
                unsafe { scope.take(name) }
            }
            typed(&scope, u)
        };
        {
            let body = pin!(async {
                if unique.0.len() < 8 {
                    unique.0.push(Probe::new());
                }
                unique.check();
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        // SAFETY: (covariance).
        unsafe { scope.put_back(u, unique, false) };
        scope.end();
    })
}

fn look(names: Vec<(Name, LoanKind)>) -> Program {
    Box::pin(async move {
        let token = Token::new();
        for (name, kind) in names {
            let scope = Scope::new(&token, &[name]);
            // SAFETY: (type): they were kept or published as these, and nobody takes them meanwhile.
            unsafe {
                match (&name[..1], kind) {
                    ("o", LoanKind::Place) => scope.look::<Owner>(name).unwrap().iter().for_each(Probe::check),
                    ("b", _) => scope.look::<Refs<'_>>(name).unwrap().check(),
                    ("u", _) => scope.look::<Unique<'_>>(name).unwrap().check(),
                    ("d", _) => scope.look::<Deep<'_>>(name).unwrap().check(),
                    _ => {}
                }
            }
        }
    })
}

fn ordinary(o: Name, end: End) -> Program {
    Box::pin(async move {
        let mut value: Owner = take(o);
        {
            let body = pin!(async {
                value.iter().for_each(Probe::check);
                if value.len() < 8 {
                    value.push(Probe::new());
                }
                end!(end);
                Ok(())
            });
            Guarded(body).await;
        }
        put_back(o, value);
    })
}

/// What a name is in the model.
#[derive(Clone, Debug, PartialEq)]
enum Is {
    Own,
    Value(BTreeSet<u64>),
    Place(u64),
    Hidden(u64),
}

/// A resident cell in the model: what it may refer to, and its owners, with whether they borrow.
#[derive(Clone, Debug)]
struct Stays {
    grounds: BTreeSet<u64>,
    owners: Vec<(Name, bool)>,
}

/// A cell that waits: it holds these, and will do that.
struct Waits {
    program: Program,
    run: u64,
    grounds: BTreeSet<u64>,
    took: Vec<Name>,
    keeps: Option<Name>,
    end: End,
}

#[derive(Default)]
struct Model {
    names: BTreeMap<Name, Is>,
    residents: BTreeMap<u64, Stays>,
    waiting: Vec<Waits>,
    /// Which waiting run will put which name back.
    taken: BTreeMap<Name, u64>,
    last: u64,
    random: u64,
    trail: Vec<String>,
}

const OWNERS: [Name; 4] = ["o1", "o2", "o3", "o4"];
const REFS: [Name; 4] = ["b1", "b2", "b3", "b4"];
const UNIQUES: [Name; 2] = ["u1", "u2"];
const DEEPS: [Name; 2] = ["d1", "d2"];

impl Model {
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

    fn reside(&mut self, grounds: BTreeSet<u64>, owners: &[(Name, bool)]) -> u64 {
        self.last += 1;
        self.residents.insert(self.last, Stays { grounds, owners: owners.to_vec() });
        self.last
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

    fn step(&mut self) {
        let end = self.end();
        let well = end == End::Well;
        let is_own = |is: &Is| *is == Is::Own;
        let value = |is: &Is| matches!(is, Is::Value(_));
        let place = |is: &Is| matches!(is, Is::Place(_));
        match self.random(16) {
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
            11 => {
                let Some(u) = self.some(&UNIQUES, value) else { return };
                self.run(&format!("push {u}"), push(u, end));
            }
            12 => {
                let all = loans();
                let known = |name: &str| OWNERS.iter().chain(&REFS).chain(&UNIQUES).chain(&DEEPS).find(|n| **n == name);
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
    fn go_on(&mut self) {
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
    fn check(&mut self) {
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
            assert!(found.insert(loan.name.clone(), Some(loan.kind)).is_none(), "{} is there twice", loan.name);
        }
        assert_eq!(found, expected);
        assert_eq!(super::loans::frames(), self.residents.len());
    }
}

/// Polls a cell as a run does; whether it has ended.
fn poll(run: u64, program: &mut Option<Program>) -> bool {
    *runtime::current() = Some(Cell::new(run, "cell", false));
    let _here = here::enter(run, 0);
    let mut context = Context::from_waker(Waker::noop());
    let polled = panic::catch(|| program.as_mut().map(|program| program.as_mut().poll(&mut context)));
    let is_pending = matches!(polled, Ok(Some(Poll::Pending)));
    if take_over(program, is_pending) {
        return true;
    }
    if !is_pending {
        let _ = panic::catch(|| drop(program.take()));
    }
    !is_pending
}

/// Drops what is due, of whichever run.
fn bury() {
    loop {
        while let Some(grave) = grave::open_any() {
            let _ = panic::catch(|| drop(grave));
        }
        if !end_all() {
            break;
        }
    }
}

fn sequence(seed: u64, steps: usize, loud: u64) {
    let mut model = Model { random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, ..Model::default() };
    LOUD.set(loud);
    DROPS.set(0);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..steps {
            model.step();
            model.check();
        }
        while !model.waiting.is_empty() {
            model.go_on();
            model.check();
        }
        store::clear();
        model.names.clear();
        model.check();
        assert!(model.residents.is_empty());
        assert_eq!(ALIVE.get(), 0, "values that were never dropped");
    }));
    if let Err(panic) = done {
        eprintln!("seed {seed}, loud {loud}: {:#?}", model.trail);
        std::panic::resume_unwind(panic);
    }
}

/// How many sequences there are: `KISSATEN_LOAN_SEQUENCES`, as valgrind is slow.
fn sequences() -> u64 {
    std::env::var("KISSATEN_LOAN_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(4000)
}

/// The cell that runs is one for the whole process, so these tests take turns.
fn turn() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn nothing_dangles_whatever_cells_do() {
    let _turn = turn();
    let _ = covariant;
    for seed in 0..sequences() {
        sequence(seed, 60, 0);
    }
}

#[test]
fn nothing_dangles_where_drops_panic() {
    let _turn = turn();
    for seed in 0..sequences() {
        sequence(seed, 60, 1 + seed % 7);
    }
}

#[test]
fn a_thousand_residents_are_ended_one_after_another() {
    let _turn = turn();
    let names: Vec<(Name, Name)> = (0..1000)
        .map(|n| (&*format!("o{n}").leak(), &*format!("b{n}").leak()))
        .map(|(o, b): (&str, &str)| (o, b))
        .collect();
    for (o, b) in &names {
        assert!(poll(1, &mut Some(both(o, b, End::Well))));
    }
    assert_eq!(super::loans::frames(), 1000);
    store::forget(&names.iter().map(|(_, b)| (*b).to_owned()).collect::<Vec<_>>());
    bury();
    assert_eq!((super::loans::frames(), store::names().len()), (0, 1000));
    store::clear();
    bury();
    assert_eq!(ALIVE.get(), 0);
}
