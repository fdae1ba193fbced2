//! The variables of the notebook between cells.
//!
//! Values of any type, also such that are not `Send`: they live in a thread-local of the one thread that runs
//! cells, and never leave it here. The functions that a cell instantiates for its own types are thin; all that
//! does not depend on the type is compiled once, in this library, because code that a cell instantiates is paid
//! for in every cell.
//!
//! Nothing here drops a value: what goes is laid into [`grave`](crate::grave), because a `Drop` is user code.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::any::TypeId;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::NonNull;

use crate::changes;
use crate::grave::{self, Was};
use crate::here;
use crate::interrupt::Unwound;
use crate::resident::{self, Grounds};
use crate::runtime::{self, Outcome};

thread_local! {
    static STORE: RefCell<BTreeMap<String, Slot>> = const { RefCell::new(BTreeMap::new()) };
    /// Which run has taken which variable out, and will put it back if nobody has kept, taken, or forgotten one of that
    /// name since.
    static TAKEN: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// One kept value, boxed, with what is needed to drop it.
pub(crate) struct Slot {
    value: NonNull<u8>,
    layout: Layout,
    type_id: TypeId,
    drop_in_place: Option<unsafe fn(*mut u8)>,
    /// The run that made a variable of it; 0: it has gone back since.
    pub(crate) kept_by: u64,
    /// The frames that it may have references into; they last until it was dropped.
    pub(crate) grounds: Grounds,
}

impl Slot {
    /// Moves the bytes of a value to the heap.
    ///
    /// # Safety
    /// As [`keep_raw`].
    pub(crate) unsafe fn new(
        from: *const u8,
        layout: Layout,
        type_id: TypeId,
        drop_in_place: Option<unsafe fn(*mut u8)>,
    ) -> Self {
        let value = if layout.size() == 0 {
            // A well-aligned address is all that a value without size needs.
            NonNull::new(std::ptr::without_provenance_mut(layout.align())).unwrap_or(NonNull::dangling())
        } else {
            // SAFETY: the size is not zero.
            let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
            // SAFETY: both are valid for `layout.size()` bytes and the new one overlaps with nothing.
            unsafe { std::ptr::copy_nonoverlapping(from, memory.as_ptr(), layout.size()) };
            memory
        };
        Self { value, layout, type_id, drop_in_place, kept_by: 0, grounds: Grounds::new() }
    }

    /// Whether dropping it runs code.
    pub(crate) fn needs_drop(&self) -> bool {
        self.drop_in_place.is_some()
    }

    /// Whether it is of this type.
    pub(crate) fn is_of(&self, type_id: TypeId) -> bool {
        self.type_id == type_id
    }

    /// Where the value stands.
    pub(crate) fn address(&self) -> NonNull<u8> {
        self.value
    }

    /// Moves the value out.
    ///
    /// # Safety
    /// `to` must be valid for writes of the type that the value is of.
    pub(crate) unsafe fn move_to(self, to: *mut u8) {
        // SAFETY: as the caller promises, `to` takes `layout.size()` bytes; the slot owns them.
        unsafe { std::ptr::copy_nonoverlapping(self.value.as_ptr(), to, self.layout.size()) };
        self.release();
    }

    /// Gives the memory back without dropping the value.
    fn release(mut self) {
        drop(std::mem::take(&mut self.grounds));
        if self.layout.size() > 0 {
            // SAFETY: `value` was allocated with this very layout in `new` and is released once: the `forget`
            // below keeps `Drop` from running.
            unsafe { dealloc(self.value.as_ptr(), self.layout) };
        }
        std::mem::forget(self);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        /// Gives the memory back also where the value's `Drop` panics.
        struct Memory(NonNull<u8>, Layout);
        impl Drop for Memory {
            fn drop(&mut self) {
                if self.1.size() > 0 {
                    // SAFETY: as in `release`; the value in it was dropped, or its `Drop` has panicked.
                    unsafe { dealloc(self.0.as_ptr(), self.1) };
                }
            }
        }
        let memory = Memory(self.value, self.layout);
        if let Some(drop_in_place) = self.drop_in_place {
            // SAFETY: the slot owns a valid value of the type that `drop_in_place` was made for.
            unsafe { drop_in_place(memory.0.as_ptr()) };
        }
    }
}

/// Moves the bytes of a value out of the store.
///
/// Returns whether it was there with this type; only then was anything written.
///
/// # Safety
/// `to` must be valid for writes of the type that `type_id` names.
#[inline(never)]
pub(crate) unsafe fn take_raw(name: &str, to: *mut u8, type_id: TypeId) -> bool {
    STORE.with_borrow_mut(|store| {
        if store.get(name).is_none_or(|slot| slot.type_id != type_id) {
            return false;
        }
        let Some(slot) = store.remove(name) else { return false };
        // SAFETY: the types are equal.
        unsafe { slot.move_to(to) };
        changes::touch(name);
        TAKEN.with_borrow_mut(|taken| taken.insert(name.to_owned(), here::run()));
        true
    })
}

/// Whether variables are here with these types; where one is not, the cell ends with that error.
pub(crate) fn holds(variables: &[(&str, TypeId)]) -> bool {
    let is_here = |(name, type_id): &&(&str, TypeId)| {
        STORE.with_borrow(|store| store.get(*name).is_some_and(|slot| slot.type_id == *type_id))
    };
    let missed = variables.iter().find(|variable| !is_here(variable));
    if let Some((name, _)) = missed {
        runtime::ends_as(mismatch(name));
    }
    missed.is_none()
}

/// Ends the cell, as a variable is not what it was compiled for.
#[cold]
pub(crate) fn misses(name: &str) -> ! {
    runtime::ends_as(mismatch(name));
    std::panic::resume_unwind(Box::new(Unwound))
}

/// What is told where the compiler and the store do not agree on a type. Two types that rustc prints alike are how that can
/// come; a type that the user writes is one that both take from there.
fn mismatch(name: &str) -> Outcome {
    let message = format!(
        "this cell was compiled for another type than `{name}` has, so it did not run; write the type where `{name}` is \
         made, as in `let {name}: … = …;`, and run that cell again, or use `{name}` in the cell that makes it"
    );
    Outcome::Error { type_name: "VariableError".to_owned(), message, sources: Vec::new(), location: None }
}

/// Moves the bytes of a value into the store; what was there under that name goes.
///
/// # Safety
/// `from` must point to a valid value of the type that `layout`, `type_id` and `drop_in_place` belong to; it is
/// moved out of.
#[inline(never)]
pub(crate) unsafe fn keep_raw(
    name: &str,
    from: *const u8,
    layout: Layout,
    type_id: TypeId,
    drop_in_place: Option<unsafe fn(*mut u8)>,
) {
    // SAFETY: as the caller promises.
    keep(name, unsafe { Slot::new(from, layout, type_id, drop_in_place) });
}

/// A variable that the run has made; what was there under that name goes.
pub(crate) fn keep(name: &str, mut slot: Slot) {
    slot.kept_by = here::run();
    insert(name, slot);
}

/// A variable that was one before, likewise.
pub(crate) fn insert(name: &str, slot: Slot) {
    resident::displace(name, Was::Replaced);
    TAKEN.with_borrow_mut(|taken| taken.remove(name));
    let older = STORE.with_borrow_mut(|store| store.insert(name.to_owned(), slot));
    changes::touch(name);
    grave::lay(name, Was::Replaced, older);
}

/// As [`keep_raw`], but for a variable that this run has taken. Where there is a newer one of that name, or it is to be
/// forgotten, the value goes instead.
///
/// # Safety
/// As [`keep_raw`].
#[inline(never)]
pub(crate) unsafe fn put_back_raw(
    name: &str,
    from: *mut u8,
    layout: Layout,
    type_id: TypeId,
    drop_in_place: Option<unsafe fn(*mut u8)>,
) {
    // SAFETY: as the caller promises.
    put_back(name, unsafe { Slot::new(from, layout, type_id, drop_in_place) }, here::run());
}

/// A variable that this run has taken.
pub(crate) fn put_back(name: &str, slot: Slot, run: u64) {
    if TAKEN.with_borrow(|taken| taken.get(name) == Some(&run)) {
        insert(name, slot);
    } else {
        grave::lay(name, Was::Replaced, Some(slot));
    }
}

/// The name is to be that of a variable which is elsewhere.
pub(crate) fn displace(name: &str) {
    TAKEN.with_borrow_mut(|taken| taken.remove(name));
    grave::lay(name, Was::Replaced, remove(name));
}

fn remove(name: &str) -> Option<Slot> {
    let slot = STORE.with_borrow_mut(|store| store.remove(name));
    if slot.is_some() {
        changes::touch(name);
    }
    slot
}

/// What this run has taken under that name is no variable any more, and goes when it would go back.
pub(crate) fn forget_taken(name: &str) {
    resident::forget_taken(name);
    TAKEN.with_borrow_mut(|taken| {
        if taken.get(name) == Some(&here::run()) {
            taken.remove(name);
        }
    });
}

/// Forgets variables: these are none any more; names that are not there are passed over.
pub(crate) fn forget(names: &[String]) {
    for name in names {
        resident::displace(name, Was::Forgotten);
        TAKEN.with_borrow_mut(|taken| taken.remove(name));
        grave::lay(name, Was::Forgotten, remove(name));
    }
}

/// There are no variables any more.
pub(crate) fn clear() {
    // What borrows goes before what it may borrow from.
    resident::clear();
    TAKEN.with_borrow_mut(BTreeMap::clear);
    let all = STORE.with_borrow_mut(std::mem::take);
    for (name, slot) in all {
        changes::touch(&name);
        grave::lay(&name, Was::Forgotten, Some(slot));
    }
}

/// The names of the variables that this run has made, sorted.
pub(crate) fn kept_by(run: u64) -> Vec<String> {
    STORE.with_borrow(|store| {
        let kept = store.iter().filter(|(_, slot)| slot.kept_by == run);
        kept.map(|(name, _)| name.clone()).collect()
    })
}

/// Whether there is a variable of that name.
pub(crate) fn has(name: &str) -> bool {
    STORE.with_borrow(|store| store.contains_key(name))
}

/// The names of all variables, sorted.
pub(crate) fn names() -> Vec<String> {
    STORE.with_borrow(|store| store.keys().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__cell::{keep, put_back, try_take};
    use std::rc::Rc;

    #[test]
    fn a_value_comes_back_once_and_with_its_own_type_only() {
        keep("x", String::from("kept"));
        assert!(try_take::<Vec<u8>>("x").is_none());
        assert_eq!(try_take::<String>("x").as_deref(), Some("kept"));
        assert!(try_take::<String>("x").is_none());
    }

    /// What a cell comes to that was compiled for other types than the store has.
    fn outcome(entry: runtime::Entry) -> Outcome {
        let mut run = runtime::Run::new(runtime::Cell::new(7, "cell 7", false), entry);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match Future::poll(std::pin::Pin::new(&mut run), &mut context) {
            std::task::Poll::Ready(outcome) => outcome,
            std::task::Poll::Pending => panic!("it waits for nothing"),
        }
    }

    #[test]
    fn another_type_than_expected_is_an_error_of_the_cell_that_loses_nothing() {
        let _turn = resident::tests::turn();
        keep("held", String::from("kept"));
        keep("n", 1_u8);
        let both = outcome(|| {
            Box::pin(async {
                let asked = [("held", TypeId::of::<String>()), ("n", TypeId::of::<u16>())];
                if crate::__cell::holds(&asked) {
                    unreachable!("`n` is of another type");
                }
            })
        });
        let alone = outcome(|| {
            Box::pin(async {
                let _: u16 = crate::__cell::take("n");
            })
        });
        for outcome in [both, alone] {
            let Outcome::Error { type_name, message, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(type_name, "VariableError");
            assert!(message.contains("write the type where `n` is made"), "{message}");
        }
        assert_eq!(try_take::<String>("held").as_deref(), Some("kept"));
        assert_eq!(try_take::<u8>("n"), Some(1));
    }

    #[test]
    fn what_is_replaced_forgotten_or_cleared_is_dropped_once() {
        let counted = Rc::new(());
        for name in ["a", "a", "b", "c"] {
            keep(name, Rc::clone(&counted));
        }
        assert_eq!(Rc::strong_count(&counted), 5);
        forget(&["a".into(), "nobody".into()]);
        assert_eq!(names(), ["b", "c"]);
        clear();
        // Not here and now, but where whoever runs cells says so.
        assert_eq!(Rc::strong_count(&counted), 5);
        while let Some(grave) = grave::open(0) {
            drop(grave);
        }
        assert_eq!(Rc::strong_count(&counted), 1);
    }

    #[test]
    fn a_variable_goes_back_only_where_nothing_newer_is() {
        let run = |run| here::enter(run, 0);
        keep("x", 1);
        let mut x = run_in(run(1), || try_take::<i32>("x").unwrap());
        x += 1;
        run_in(run(1), || put_back("x", x));
        // Another run keeps a newer one, which a third has taken when the first ends.
        let old = run_in(run(1), || try_take::<i32>("x").unwrap());
        run_in(run(2), || keep("x", 30));
        let newer = run_in(run(3), || try_take::<i32>("x").unwrap());
        run_in(run(1), || put_back("x", old));
        assert!(names().is_empty());
        run_in(run(3), || put_back("x", newer));
        // What is forgotten while it is out does not come back.
        let x = try_take::<i32>("x").unwrap();
        assert_eq!((old, x), (2, 30));
        forget(&["x".to_owned()]);
        put_back("x", x);
        assert!(names().is_empty());
    }

    fn run_in<T>(_here: here::Entered, run: impl FnOnce() -> T) -> T {
        run()
    }

    #[test]
    fn values_without_size_and_with_large_alignment_are_kept() {
        #[repr(align(64))]
        #[derive(PartialEq, Debug)]
        struct Wide(u8);
        keep("unit", ());
        keep("wide", Wide(7));
        assert_eq!(try_take::<()>("unit"), Some(()));
        assert_eq!(try_take::<Wide>("wide"), Some(Wide(7)));
    }
}
