//! The interface for generated code: what the code that the compiler writes around a cell calls. Nothing here is for
//! users.
//!
//! Everything generic is thin: a cell pays for what it instantiates, every time it is compiled.

pub mod boxed;

use std::alloc::Layout;
use std::any::TypeId;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};

pub use crate::awaited::{Awaited, awaited};
pub use crate::chunk::{Chunk, Chunks, Count, chunks, rounds};
pub use crate::ctrl_c::{CtrlC, ctrl_c};
pub use crate::display::adapter::{FrameColumn, show_frame, show_page};
use crate::display::json::text_of;
pub use crate::display::probe::{Tail, Variable, show_debug, show_text};
use crate::display::value::Value;
pub use crate::error::{CellDebugError, CellError};
pub use crate::guard::{Guarded, GuardedDebug, guarded, guarded_debug};
pub use crate::interrupt::{CHECK, check, checkpoint};
pub use crate::label::shown;
pub use crate::lock::{is_poisoned, unpoison};
pub use crate::logger::{has_set_logger, sets_logger};
pub use crate::output::{stderr, stdout};
pub use crate::resident::{Resident, Scope, Seat, Stay, Token};
pub use crate::runtime::Program;
pub use crate::task::branch::{Branch, arm, beside, branch, timed};
pub use crate::task::carry::carry;
pub use crate::task::lane::{Carry, Spawned, TaskFuture};

pub use crate::trace::{behind, made, names};
pub use crate::wait::{ALL, Apart, Awaits, SOME, apart, apart_here, at, at_key, limit, limited, note, some};

/// The traits of the choice what is known of something that is awaited; they must be in scope for it.
pub mod awaits {
    pub use crate::wait::{Awaits, AwaitsKnown, AwaitsOther};
}

/// The traits of the choice how a value is shown; they must be in scope for it.
pub mod probes {
    pub use crate::display::probe::{
        Fallback, HasShown, NoText, ShowDebug, ShowDisplay, ShowFuture, ShowHandle, ShowName, ShowUnit, TextOfDebug,
    };
}

/// The traits of the choice what becomes of a `spawn`'s argument and result; they must be in scope for it.
pub mod carries {
    pub use crate::task::lane::{CarryFuture, CarryOther, SpawnedHandle, SpawnedOther};
}

/// The same for what has to be `Send`.
pub mod tasks {
    pub use crate::task::lane::{CarryOther, SendFuture};
}

use crate::display;
use crate::runtime::{self, Outcome};
use crate::store;

/// The type `!`, by a way that stable Rust has for naming it.
pub type Never = <fn() -> ! as Returns>::Output;

/// What a function type returns.
pub trait Returns {
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

/// A cell that awaits nothing, as a program: a closure costs rustc less than a future.
pub fn plain(statements: Box<dyn FnOnce()>) -> Program {
    Box::pin(async move { statements() })
}

/// Moves a variable out of the store, where the compiler knows it to be.
#[inline]
pub fn take<T: 'static>(name: &str) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the pointer is to a `T`, whose id is given with it; the call returns only if it was written.
    unsafe {
        take_or_end(name, value.as_mut_ptr().cast(), TypeId::of::<T>());
        value.assume_init()
    }
}

/// Moves a variable out of the store, if it is there.
#[inline]
pub fn try_take<T: 'static>(name: &str) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as in `take`; it is taken for initialised only if it was written.
    unsafe { store::take_raw(name, value.as_mut_ptr().cast(), TypeId::of::<T>()).then(|| value.assume_init()) }
}

/// # Safety
/// As `store::take_raw`.
#[inline(never)]
unsafe fn take_or_end(name: &str, to: *mut u8, type_id: TypeId) {
    // SAFETY: as the caller promises.
    if !unsafe { store::take_raw(name, to, type_id) } {
        store::misses(name);
    }
}

/// Whether variables are in the store with the types that a cell was compiled for; where one is not, the cell has that error.
/// It is asked before any is taken, so that none is lost.
#[must_use]
#[inline(never)]
pub fn holds(variables: &[(&str, TypeId)]) -> bool {
    store::holds(variables)
}

/// Moves a variable into the store.
#[inline]
pub fn keep<T: 'static>(name: &str, value: T) {
    let value = ManuallyDrop::new(value);
    let drop_in_place = needs_drop::<T>().then_some(drop_glue::<T> as unsafe fn(*mut u8));
    // SAFETY: the pointer is to a valid `T`, which nobody uses afterwards, and all the rest belongs to `T`.
    unsafe {
        store::keep_raw(name, (&raw const value).cast(), Layout::new::<T>(), TypeId::of::<T>(), drop_in_place);
    }
}

/// Moves a variable back into the store, unless the cell has kept a newer one of that name: then it is dropped.
#[inline]
pub fn put_back<T: 'static>(name: &str, value: T) {
    let mut value = ManuallyDrop::new(value);
    let drop_in_place = needs_drop::<T>().then_some(drop_glue::<T> as unsafe fn(*mut u8));
    // SAFETY: as in `keep`.
    unsafe {
        store::put_back_raw(name, (&raw mut value).cast(), Layout::new::<T>(), TypeId::of::<T>(), drop_in_place);
    }
}

/// An older variable of this name, which the cell has taken, does not go back.
pub fn forget(name: &str) {
    store::forget_taken(name);
}

/// # Safety
/// `value` must point to a valid `T` that is not used afterwards.
unsafe fn drop_glue<T>(value: *mut u8) {
    // SAFETY: as the caller promises.
    unsafe { value.cast::<T>().drop_in_place() };
}

/// What was in a lock, whether or not a panic has poisoned it.
pub fn inner<T>(inner: Result<T, std::sync::PoisonError<T>>) -> T {
    inner.unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Stands for a variable that an earlier cell moved, in code that rustc refuses for using it before it is filled again.
/// Never runs.
pub fn moved<T>() -> T {
    panic!("a cell that uses a moved variable was compiled")
}

/// Writes down the table of `:vars`: names, types, and values where they have `Debug`.
pub fn show_variables(rows: &[(&str, &str, Option<String>)]) {
    runtime::ends_as(Outcome::Value(display::table::variables_table(rows)));
}

/// Writes down the variables for a panel that lists them: as JSON, with values that can be unfolded.
pub fn show_details(rows: &[(&str, &str, Option<String>)]) {
    // The type is the compiler's to tell.
    let row = |(name, _, text): &(&str, &str, Option<String>)| {
        let text = text.as_ref().map_or(Value::Null, |text| text.as_str().into());
        Value::Map([("name", (*name).into()), ("text", text)].map(named).into(), 0)
    };
    let json = text_of(&Value::Sequence(rows.iter().map(row).collect(), 0));
    runtime::ends_as(Outcome::Value(display::MimeBundle::new().with("application/json", json)));
}

fn named((name, value): (&str, Value)) -> (String, Value) {
    (name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::runtime::{Cell, Run};

    #[test]
    fn a_variable_of_another_type_ends_the_cell_and_costs_no_other_one() {
        fn entry() -> Program {
            Box::pin(async {
                if !holds(&[("b", TypeId::of::<u8>())]) {
                    return;
                }
                let (a, b) = (take::<i32>("a"), take::<u8>("b"));
                put_back("a", a);
                put_back("b", b);
            })
        }
        keep("a", 1);
        keep("b", String::new());
        let mut run = Run::new(Cell::new(1, "cell 1", false), entry);
        let ended = Pin::new(&mut run).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Outcome::Error { type_name, message, .. }) = ended else { panic!("{ended:?}") };
        assert_eq!(type_name, "VariableError");
        assert!(message.contains("another type than `b` has"));
        assert_eq!(store::names(), ["a", "b"]);
    }
}
