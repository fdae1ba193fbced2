//! The interface for cells with loans: what the code calls that the compiler writes around them.
//!
//! All that is generic here is thin: it is compiled in every cell that uses it.

use std::alloc::Layout;
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use std::pin::Pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::{ENDING, STAYED, loans};
use crate::here;
use crate::store::{self, Slot, misses};

/// A local of a cell's frame, whose borrow is the lifetime that the cell has loans for: see *(scope)*.
pub struct Token(());

impl Token {
    #[expect(clippy::new_without_default, reason = "generated code makes it, and by one name")]
    pub fn new() -> Self {
        Self(())
    }
}

/// The loans that a cell mentions, for as long as its frame is there.
pub struct Scope<'s> {
    id: u64,
    _invariant: PhantomData<Cell<&'s ()>>,
}

/// The id of a type that does not know its lifetimes.
pub(crate) fn type_id<T>() -> TypeId {
    trait Id {
        fn id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<T> Id for PhantomData<T> {
        fn id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }
    let marker = PhantomData::<T>;
    let object: &(dyn Id + '_) = &marker;
    // SAFETY: only the bound of the object is changed, and the method looks at nothing that lives for a time.
    let object: &(dyn Id + 'static) = unsafe { std::mem::transmute(object) };
    object.id()
}

/// # Safety
/// `value` must point to a valid `T` that is not used afterwards.
unsafe fn drop_glue<T>(value: *mut u8) {
    // SAFETY: as the caller promises.
    unsafe { value.cast::<T>().drop_in_place() };
}

fn drop_of<T>() -> Option<unsafe fn(*mut u8)> {
    needs_drop::<T>().then_some(drop_glue::<T> as unsafe fn(*mut u8))
}

/// Moves a value to the heap, and its lifetimes out of sight.
fn slot<T>(value: T) -> Slot {
    let value = ManuallyDrop::new(value);
    // SAFETY: the pointer is to a valid `T`, which nobody uses afterwards, and all the rest belongs to `T`.
    unsafe { Slot::new((&raw const value).cast(), Layout::new::<T>(), type_id::<T>(), drop_of::<T>()) }
}

impl<'s> Scope<'s> {
    /// A scope for a cell that mentions these.
    pub fn new(_: &'s Token, names: &[&str]) -> Self {
        Self { id: loans::open(names), _invariant: PhantomData }
    }

    /// Takes a value that borrows.
    ///
    /// # Safety
    /// `T` is the type that it was kept with, with all lifetimes that were erased as `'s`, and named when the scope
    /// was opened: (type) sees to the first but for the lifetimes.
    pub unsafe fn take<T: 's>(&self, name: &str) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: there is room for a `T`. (covariance), (ground): its references hold for as long as `'s`, as the scope
        // has taken over the grounds.
        unsafe {
            if !loans::take(self.id, name, value.as_mut_ptr().cast(), type_id::<T>()) {
                misses(name);
            }
            value.assume_init()
        }
    }

    /// Looks at an owner where it stands.
    ///
    /// # Safety
    /// As [`take`](Self::take).
    pub unsafe fn place<T: 's>(&self, name: &str) -> &'s T {
        let Some(at) = loans::place(name, type_id::<T>()) else { misses(name) };
        // SAFETY: (frame), (ground): it stands there for as long as the scope has its ground, and so for `'s`. (brand):
        // there was no unique loan when it was published, and all since are by shared references.
        unsafe { at.cast::<T>().as_ref() }
    }

    /// Looks at a variable, whether it borrows or is lent, if it is there.
    ///
    /// # Safety
    /// As [`take`](Self::take); and nobody takes it while the reference lives.
    pub unsafe fn look<T: 's>(&self, name: &str) -> Option<&T> {
        // SAFETY: as in `place`; what borrows stands on the heap, where the caller leaves it.
        loans::look(name, type_id::<T>()).map(|at| unsafe { at.cast::<T>().as_ref() })
    }

    /// Puts back what was taken, unless the cell has kept a newer one of that name: then it goes.
    ///
    /// # Safety
    /// (covariance), unless it is `invariant`: (exact).
    pub unsafe fn put_back<T: 's>(&self, name: &str, value: T, invariant: bool) {
        loans::put_back(self.id, name, slot(value), invariant);
    }

    /// Keeps a new variable that borrows what this scope does, and nothing else.
    ///
    /// # Safety
    /// As [`put_back`](Self::put_back).
    pub unsafe fn keep<T: 's>(&self, name: &str, value: T, invariant: bool) {
        loans::keep(self.id, name, slot(value), invariant);
    }

    /// The last thing in the frame: up to here nothing that borrows may be moved.
    pub fn end(self) {}
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        loans::close(self.id);
    }
}

/// The seat that a cell may take, if it comes to its end. It is a local of the cell's outer frame.
pub struct Seat(Rc<State>);

struct State {
    id: u64,
    scope: u64,
    /// Whether the cell has become resident.
    is_taken: Cell<bool>,
    /// Older variables that were not lent, and have left the frame.
    gone: RefCell<Vec<String>>,
}

impl Seat {
    pub fn new(scope: Option<&Scope<'_>>) -> Self {
        let scope = scope.map_or(0, |scope| scope.id);
        Self(Rc::new(State { id: loans::number(), scope, is_taken: Cell::new(false), gone: RefCell::default() }))
    }

    /// Whether the cell has not stayed: its older variables are where they were.
    pub fn is_free(&self) -> bool {
        !self.0.is_taken.get()
    }

    /// An owner of the cell's own, when its loans are over.
    pub fn give_back<T: 'static>(&self, name: &str, value: T) {
        loans::give_back(self.0.id, name, slot(value), None);
    }

    /// An older variable at the end of the frame, whatever has happened in it.
    pub fn put_back<T: 'static>(&self, name: &str, value: T) {
        let state = &*self.0;
        if let Some(value) = state.still_here(name, value) {
            if state.is_taken.get() {
                loans::give_back(state.id, name, slot(value), None);
            } else {
                crate::__cell::put_back(name, value);
            }
        }
    }

    /// As the one above, of a value that borrows.
    ///
    /// # Safety
    /// (covariance), unless it is `invariant`: (exact); it is of the seat's scope.
    pub unsafe fn put_back_lent<T>(&self, name: &str, value: T, invariant: bool) {
        let state = &*self.0;
        if let Some(value) = state.still_here(name, value) {
            if state.is_taken.get() {
                loans::give_back(state.id, name, slot(value), Some(invariant));
            } else {
                loans::put_back(state.scope, name, slot(value), invariant);
            }
        }
    }
}

impl State {
    /// The value, unless its bytes have gone back already.
    fn still_here<T>(&self, name: &str, value: T) -> Option<T> {
        if self.gone.borrow().iter().any(|gone| gone == name) {
            std::mem::forget(value);
            return None;
        }
        Some(value)
    }
}

/// What a cell hands over when it becomes resident. Nothing of it is done before it waits: see *(commit)*.
pub struct Resident<'g> {
    seat: Rc<State>,
    staged: RefCell<Vec<(&'static str, Staged)>>,
    _invariant: PhantomData<Cell<&'g ()>>,
}

enum Staged {
    Keep(Slot),
    Lend {
        slot: Slot,
        invariant: bool,
    },
    Publish {
        at: NonNull<u8>,
        type_id: TypeId,
        stays: bool,
        invariant: bool,
    },
    Hide,
    HandBack {
        at: NonNull<u8>,
        layout: Layout,
        type_id: TypeId,
        drop_in_place: Option<unsafe fn(*mut u8)>,
        lent: Option<bool>,
    },
}

impl<'g> Resident<'g> {
    /// `'g` ends within the cell's own frame, where the anchor stands, so it is not `'static`.
    pub fn new(seat: &Seat, _: &'g Token) -> Self {
        Self { seat: Rc::clone(&seat.0), staged: RefCell::default(), _invariant: PhantomData }
    }

    fn stage(&self, name: &'static str, staged: Staged) {
        self.staged.borrow_mut().push((name, staged));
    }

    /// A new variable that neither borrows nor is lent.
    pub fn keep<T: 'static>(&self, name: &'static str, value: T) {
        self.stage(name, Staged::Keep(slot(value)));
    }

    /// A new variable that borrows.
    ///
    /// # Safety
    /// (covariance), unless it is `invariant`: (exact).
    pub unsafe fn lend<T: 'g>(&self, name: &'static str, value: T, invariant: bool) {
        self.stage(name, Staged::Lend { slot: slot(value), invariant });
    }

    /// An owner, which later cells can look at where it stands; `stays`: it is never given back.
    ///
    /// # Safety
    /// As [`lend`](Self::lend); and it stands in the frame of the cell.
    pub unsafe fn publish<T: 'g>(&self, name: &'static str, owner: &'g T, stays: bool, invariant: bool) {
        let (at, type_id) = (NonNull::from(owner).cast(), type_id::<T>());
        self.stage(name, Staged::Publish { at, type_id, stays, invariant });
    }

    /// An owner with a unique loan.
    pub fn hide(&self, name: &'static str) {
        self.stage(name, Staged::Hide);
    }

    /// An older variable that is not lent, as the unique reference says: it leaves the frame.
    ///
    /// # Safety
    /// At the end of the frame it goes to [`Seat::put_back`], before anything that may panic.
    pub unsafe fn hand_back<T: 'static>(&self, name: &'static str, value: &'g mut T) {
        self.stage(name, hand_back(value, TypeId::of::<T>(), None));
    }

    /// As the one above, of a value that borrows.
    ///
    /// # Safety
    /// As [`hand_back`](Self::hand_back), to [`Seat::put_back_lent`]; (covariance), unless it is `invariant`: (exact).
    pub unsafe fn hand_back_lent<T>(&self, name: &'static str, value: &'g mut T, invariant: bool) {
        self.stage(name, hand_back(value, type_id::<T>(), Some(invariant)));
    }

    /// The end of the cell, for now.
    pub fn stay(self) -> Stay<'g> {
        Stay(self)
    }
}

fn hand_back<T>(value: &mut T, type_id: TypeId, lent: Option<bool>) -> Staged {
    let (layout, drop_in_place) = (Layout::new::<T>(), drop_of::<T>());
    Staged::HandBack { at: NonNull::from(value).cast(), layout, type_id, drop_in_place, lent }
}

/// Waits until the loans of a cell are over.
pub struct Stay<'g>(Resident<'g>);

impl Future for Stay<'_> {
    type Output = ();

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let state = &*self.0.seat;
        if !state.is_taken.get() {
            commit(state, self.0.staged.take());
            return Poll::Pending;
        }
        if ENDING.get() == state.id { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Hands all over: see *(commit)*.
fn commit(state: &State, staged: Vec<(&'static str, Staged)>) {
    state.is_taken.set(true);
    STAYED.set(state.id);
    loans::begin_stay(state.id, state.scope);
    for (name, staged) in staged {
        match staged {
            Staged::Keep(slot) => store::keep(name, slot),
            Staged::Lend { slot, invariant } => loans::lend(state.id, name, slot, invariant),
            Staged::Publish { at, type_id, stays, invariant } => {
                loans::publish(state.id, name, at, type_id, stays, invariant);
            }
            Staged::Hide => loans::hide(state.id, name),
            Staged::HandBack { at, layout, type_id, drop_in_place, lent } => {
                state.gone.borrow_mut().push(name.to_owned());
                // SAFETY: (brand): the reference is unique until now, and the frame forgets the value, as `gone` says.
                let slot = unsafe { Slot::new(at.as_ptr(), layout, type_id, drop_in_place) };
                match lent {
                    Some(invariant) => loans::hand_back(name, state.scope, slot, invariant),
                    None => store::put_back(name, slot, here::run()),
                }
            }
        }
    }
}
