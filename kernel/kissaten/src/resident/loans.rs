//! Loans: values without their lifetimes, owners in the frames of resident cells, and those frames.
//!
//! It keeps the books of *(ground)* and *(type)* of the invariants; what a cell calls is in `frame`.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ptr::NonNull;
use std::rc::Rc;

use super::{Frame, Ground, Grounds, Loan, LoanKind};
use crate::grave::{self, Was};
use crate::here;
use crate::store::{self, Slot};

thread_local! {
    static LOANS: RefCell<Loans> = const { RefCell::new(Loans::new()) };
}

/// What is behind a name.
enum Lent {
    Value { slot: Slot, invariant: bool },
    Place(Place),
    Hidden { of: u64 },
}

/// An owner in the frame of a resident cell.
struct Place {
    at: NonNull<u8>,
    type_id: TypeId,
    of: u64,
    invariant: bool,
    /// Its own frame, where that cannot give it back and so lasts as long as the name.
    _stays: Option<Rc<Ground>>,
}

struct Loans {
    variables: BTreeMap<String, Lent>,
    /// The runs that made them, until they have been taken since.
    made: BTreeMap<String, u64>,
    /// Values that cells have taken: by which scope, and in which run.
    taken: BTreeMap<String, (u64, u64)>,
    /// The grounds of the cells that run.
    scopes: BTreeMap<u64, Grounds>,
    frames: BTreeMap<u64, Frame>,
    /// What the cell that has just stayed holds; its future comes when it has been polled.
    staying: Option<(Rc<Ground>, Grounds)>,
    /// The cell that is being ended, and what its locals may refer to.
    ending: Option<(u64, Grounds)>,
    last: u64,
    /// Whether something may be another than when all were told last.
    is_changed: bool,
}

impl Loans {
    const fn new() -> Self {
        Self {
            variables: BTreeMap::new(),
            made: BTreeMap::new(),
            taken: BTreeMap::new(),
            scopes: BTreeMap::new(),
            frames: BTreeMap::new(),
            staying: None,
            ending: None,
            last: 0,
            is_changed: false,
        }
    }

    fn ground(&self, id: u64) -> Option<&Rc<Ground>> {
        let staying = self.staying.as_ref().map(|(ground, _)| ground).filter(|ground| ground.0 == id);
        self.frames.get(&id).map(|frame| &frame.ground).or(staying)
    }

    fn grounds_of_scope(&self, scope: u64) -> Grounds {
        self.scopes.get(&scope).cloned().unwrap_or_default()
    }

    /// Mixes grounds: whoever may share something with what is exact may come to refer to all of these: see *(exact)*.
    fn mix(&mut self, exact: &Grounds, all: &Grounds) {
        if exact.len() == all.len() {
            return;
        }
        let is_in = |grounds: &Grounds| grounds.iter().any(|ground| exact.iter().any(|known| known.0 == ground.0));
        let add = |grounds: &mut Grounds| {
            if is_in(grounds) {
                unite(grounds, all);
            }
        };
        for lent in self.variables.values_mut() {
            if let Lent::Value { slot, .. } = lent {
                add(&mut slot.grounds);
            }
        }
        self.scopes.values_mut().for_each(add);
        for frame in self.frames.values_mut() {
            if is_in(&vec![Rc::clone(&frame.ground)]) || is_in(&frame.grounds) {
                unite(&mut frame.grounds, all);
                let own = frame.ground.0;
                frame.grounds.retain(|ground| ground.0 != own);
            }
        }
        grave::each(|slot| add(&mut slot.grounds));
    }

    /// Whether what this scope has taken is still the variable of that name.
    fn is_taken_by(&self, name: &str, scope: u64) -> bool {
        self.taken.get(name).is_some_and(|(by, _)| *by == scope)
    }

    /// What keeps each frame from ending, by name.
    fn holders(&self) -> BTreeMap<u64, BTreeSet<&str>> {
        let mut holders: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (name, lent) in &self.variables {
            match lent {
                Lent::Value { slot, .. } => slot.grounds.iter().for_each(|ground| {
                    holders.entry(ground.0).or_default().insert(name);
                }),
                Lent::Place(Place { of, _stays: Some(_), .. }) => {
                    holders.entry(*of).or_default().insert(name);
                }
                Lent::Place(_) | Lent::Hidden { .. } => {}
            }
        }
        for ground in self.scopes.values().flatten() {
            holders.entry(ground.0).or_default().insert("");
        }
        // A frame refers to older ones, and what holds it holds those.
        for (id, frame) in self.frames.iter().rev() {
            let names = holders.get(id).cloned().unwrap_or_default();
            for ground in frame.grounds.iter().filter(|_| !names.is_empty()) {
                holders.entry(ground.0).or_default().extend(&names);
            }
        }
        holders
    }

    /// Whether the name still is that of the owner in this frame.
    fn is_of(&self, name: &str, frame: u64) -> bool {
        match self.variables.get(name) {
            Some(Lent::Place(place)) => place.of == frame,
            Some(Lent::Hidden { of }) => *of == frame,
            _ => false,
        }
    }
}

fn with<R>(change: impl FnOnce(&mut Loans) -> R) -> R {
    LOANS.with_borrow_mut(change)
}

/// As [`with`], for what changes anything that is told of loans.
fn change<R>(change: impl FnOnce(&mut Loans) -> R) -> R {
    with(|loans| {
        loans.is_changed = true;
        change(loans)
    })
}

fn unite(into: &mut Grounds, more: &Grounds) {
    for ground in more {
        if !into.iter().any(|known| known.0 == ground.0) {
            into.push(Rc::clone(ground));
        }
    }
}

/// The number of a scope or a frame.
pub(super) fn number() -> u64 {
    with(|loans| {
        loans.last += 1;
        loans.last
    })
}

/// Opens a scope for a cell that mentions these.
pub(super) fn open(names: &[&str]) -> u64 {
    let scope = number();
    change(|loans| {
        let (mut grounds, mut exact) = (Grounds::new(), Grounds::new());
        for name in names {
            let (of, invariant) = match loans.variables.get(*name) {
                Some(Lent::Value { slot, invariant }) => (slot.grounds.clone(), *invariant),
                Some(Lent::Place(place)) => {
                    let inside = loans.frames.get(&place.of).filter(|_| place.invariant);
                    let inside = inside.into_iter().flat_map(|frame| &frame.grounds);
                    (loans.ground(place.of).into_iter().chain(inside).cloned().collect(), place.invariant)
                }
                _ => continue,
            };
            unite(&mut grounds, &of);
            if invariant {
                unite(&mut exact, &of);
            }
        }
        loans.mix(&exact, &grounds);
        loans.scopes.insert(scope, grounds);
    });
    scope
}

pub(super) fn close(scope: u64) {
    change(|loans| {
        loans.taken.retain(|_, (by, _)| *by != scope);
        loans.scopes.remove(&scope)
    });
}

/// Moves the bytes of a value out; whether it was there with this type.
///
/// # Safety
/// `to` must be valid for writes of the type that `type_id` names, whatever its lifetimes.
pub(super) unsafe fn take(scope: u64, name: &str, to: *mut u8, type_id: TypeId) -> bool {
    let slot = change(|loans| match loans.variables.get(name) {
        Some(Lent::Value { slot, .. }) if slot.is_of(type_id) => {
            let Some(Lent::Value { slot, .. }) = loans.variables.remove(name) else { return None };
            loans.taken.insert(name.to_owned(), (scope, here::run()));
            Some(slot)
        }
        _ => None,
    });
    // SAFETY: (type): it is of the type that the caller has room for.
    slot.map(|slot| unsafe { slot.move_to(to) }).is_some()
}

/// Where an owner stands, if it is there with this type.
pub(super) fn place(name: &str, type_id: TypeId) -> Option<NonNull<u8>> {
    with(|loans| match loans.variables.get(name) {
        Some(Lent::Place(place)) if place.type_id == type_id => Some(place.at),
        _ => None,
    })
}

/// Where the value of a variable is, whether it borrows or is lent, for who only looks at it in this scope.
pub(super) fn look(name: &str, type_id: TypeId) -> Option<NonNull<u8>> {
    let value = with(|loans| match loans.variables.get(name) {
        Some(Lent::Value { slot, .. }) if slot.is_of(type_id) => Some(slot.address()),
        _ => None,
    });
    value.or_else(|| place(name, type_id))
}

/// A new value of this scope.
pub(super) fn keep(scope: u64, name: &str, mut slot: Slot, invariant: bool) {
    slot.grounds = with(|loans| loans.grounds_of_scope(scope));
    insert(name, Lent::Value { slot, invariant });
    is_made(name);
}

/// A value that this scope has taken; it goes if there is a newer one of its name.
pub(super) fn put_back(scope: u64, name: &str, mut slot: Slot, invariant: bool) {
    let is_wanted = with(|loans| {
        slot.grounds = loans.grounds_of_scope(scope);
        loans.is_taken_by(name, scope)
    });
    if is_wanted { insert(name, Lent::Value { slot, invariant }) } else { super::lay(name, slot) }
}

fn insert(name: &str, lent: Lent) {
    store::displace(name);
    displace(name, Was::Replaced);
    change(|loans| {
        loans.made.remove(name);
        loans.variables.insert(name.to_owned(), lent)
    });
}

/// The name is to be that of another variable, or of none. What borrows goes; an owner stays where it is, without a name.
pub(crate) fn displace(name: &str, was: Was) {
    let lent = with(|loans| {
        loans.taken.remove(name);
        let lent = loans.variables.remove(name);
        loans.is_changed |= lent.is_some();
        lent
    });
    if let Some(Lent::Value { slot, .. }) = lent {
        grave::lay(name, was, Some(slot));
    }
}

/// What this run has taken under that name goes when it would go back.
pub(crate) fn forget_taken(name: &str) {
    with(|loans| {
        if loans.taken.get(name).is_some_and(|(_, run)| *run == here::run()) {
            loans.taken.remove(name);
        }
    });
}

/// There are no variables any more.
pub(crate) fn clear() {
    let names: Vec<String> = with(|loans| loans.taken.keys().chain(loans.variables.keys()).cloned().collect());
    for name in names {
        displace(&name, Was::Forgotten);
    }
}

/// Whether there is one of that name.
pub(crate) fn has(name: &str) -> bool {
    with(|loans| loans.variables.contains_key(name))
}

/// Whether anything may have changed of them since this was asked last.
pub(crate) fn take_changed() -> bool {
    with(|loans| std::mem::take(&mut loans.is_changed))
}

/// All that are lent or borrow, by name.
pub(crate) fn loans() -> Vec<Loan> {
    with(|loans| {
        let holders = loans.holders();
        let held_by =
            |frame: &u64| holders.get(frame).map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let loan = |(name, lent): (&String, &Lent)| {
            let (kind, frame) = match lent {
                Lent::Value { .. } => (LoanKind::Value, None),
                Lent::Place(place) => (LoanKind::Place, Some(place.of)),
                Lent::Hidden { of } => (LoanKind::Hidden, Some(*of)),
            };
            Loan { name: name.clone(), kind, held_by: frame.as_ref().and_then(held_by).unwrap_or_default() }
        };
        loans.variables.iter().map(loan).collect()
    })
}

/// The running cell of this scope is about to stay, under this number.
pub(super) fn begin_stay(id: u64, scope: u64) {
    change(|loans| {
        let grounds = loans.scopes.remove(&scope).unwrap_or_default();
        loans.staying = Some((Rc::new(Ground(id)), grounds));
    });
}

/// A frame's value that borrows.
pub(super) fn lend(id: u64, name: &str, mut slot: Slot, invariant: bool) {
    slot.grounds = with(|loans| loans.ground(id).cloned().into_iter().collect());
    insert(name, Lent::Value { slot, invariant });
    is_made(name);
}

/// A frame's older value that borrows, of which it lends nothing.
pub(super) fn hand_back(name: &str, scope: u64, mut slot: Slot, invariant: bool) {
    let is_wanted = with(|loans| {
        slot.grounds = loans.staying.as_ref().map(|(_, grounds)| grounds.clone()).unwrap_or_default();
        loans.is_taken_by(name, scope)
    });
    if is_wanted { insert(name, Lent::Value { slot, invariant }) } else { super::lay(name, slot) }
}

/// A frame's owner; `stays`: it is not given back when the loan is over.
pub(super) fn publish(id: u64, name: &str, at: NonNull<u8>, type_id: TypeId, stays: bool, invariant: bool) {
    let stays = with(|loans| loans.ground(id).filter(|_| stays).cloned());
    insert(name, Lent::Place(Place { at, type_id, of: id, invariant, _stays: stays }));
    is_made(name);
}

/// A frame's owner that nobody may look at.
pub(super) fn hide(id: u64, name: &str) {
    insert(name, Lent::Hidden { of: id });
    is_made(name);
}

/// The run that is now has made this variable.
fn is_made(name: &str) {
    with(|loans| loans.made.insert(name.to_owned(), here::run()));
}

/// The names of those that this run has made, or lends.
pub(crate) fn kept_by(run: u64) -> Vec<String> {
    with(|loans| {
        let made = loans.made.iter().filter(|(name, by)| **by == run && loans.variables.contains_key(*name));
        made.map(|(name, _)| name.clone()).collect()
    })
}

/// The future of the cell that has just stayed.
pub(super) fn seat(id: u64, program: NonNull<dyn Future<Output = ()>>) {
    change(|loans| {
        if let Some((ground, grounds)) = loans.staying.take() {
            loans.frames.insert(id, Frame { ground, grounds, program });
        }
    });
}

/// The newest frame that nothing has a reference into.
pub(super) fn next_to_end() -> Option<Frame> {
    with(|loans| {
        let is_free = |frame: &&Frame| Rc::strong_count(&frame.ground) == 1;
        let id = loans.frames.values().rev().find(is_free)?.ground.0;
        loans.is_changed = true;
        loans.frames.remove(&id)
    })
}

pub(super) fn begin_end(id: u64, grounds: Grounds) {
    with(|loans| loans.ending = Some((id, grounds)));
}

/// The frame that was ended is no more, nor what it held.
pub(super) fn end_end() {
    let ended = change(|loans| {
        let ended = loans.ending.take();
        // Owners that it did not give back have gone with it.
        if let Some((id, _)) = &ended {
            let names: Vec<String> = loans.variables.keys().filter(|name| loans.is_of(name, *id)).cloned().collect();
            for name in names {
                loans.variables.remove(&name);
            }
        }
        ended
    });
    drop(ended);
}

/// An owner of the cell that is being ended goes back. `borrows`: without its lifetimes, and whether it is invariant in them.
pub(super) fn give_back(id: u64, name: &str, mut slot: Slot, borrows: Option<bool>) {
    let is_wanted = with(|loans| {
        if let Some((_, grounds)) = &loans.ending
            && borrows.is_some()
        {
            slot.grounds.clone_from(grounds);
        }
        loans.is_of(name, id)
    });
    match (is_wanted, borrows) {
        (true, Some(invariant)) => insert(name, Lent::Value { slot, invariant }),
        (true, None) => store::insert(name, slot),
        (false, _) => super::lay(name, slot),
    }
}

/// How many cells stay.
#[cfg(test)]
pub(super) fn frames() -> usize {
    with(|loans| loans.frames.len())
}
