//! Cells that stay: variables that borrow from others, and the frames that hold what they borrow from.
//!
//! A cell whose new variables borrow from its locals does not end. Its future is pinned on the heap and waits for ever, so
//! its locals stay where they are; what borrows from them is moved out, with its lifetimes erased, and later cells take it
//! with a lifetime that ends with them. This is the one place in the kernel where a mistake is unsound, so here is why
//! nothing dangles. Each `unsafe` of this module and its parts names the line that it needs.
//!
//! * **(frame)** The future of a resident cell is on the heap, is neither moved nor dropped while it waits, and is polled
//!   once more only to end it. Locals that something borrows while a future waits stand in the future itself. So an address
//!   that was published holds until then. What cannot be ended is leaked.
//! * **(ground)** Each resident cell has one [`Ground`], and whatever may hold a reference into its frame holds a clone of
//!   that: a value without its lifetimes ([`Slot`], also one that waits to be dropped), a running cell that has taken one or
//!   looks at an owner ([`Scope`]), and a resident cell that did when it became one. A frame ends only when nobody but the
//!   list of frames holds its ground. So values are dropped before the frames that they borrow from, whatever the order.
//! * **(scope)** A cell that takes values or looks at owners does so with one invariant lifetime, `'s`, that rustc must make
//!   end within the cell's frame, because it comes from a borrow of a local of that frame. What the cell can reach by it
//!   lies in the frames whose grounds the scope holds. What it keeps has to outlive `'s`, so it holds nothing of the cell's
//!   own locals; and it takes over all grounds of the scope.
//! * **(covariance)** A type that is covariant in its lifetimes is kept without them; the compiler has rustc check that
//!   (a function from `T<'long>` to `T<'short>`). So a later cell may take any of its lifetimes for `'s`, and cannot write
//!   something that lives for `'s` into a place that others see with a longer lifetime.
//! * **(exact)** A type that is invariant in its lifetimes (`Peekable<Chars<'_>>`, `&mut Vec<&str>`) is kept with the promise that
//!   all of its lifetimes are `'g` or `'s`, which rustc checks, as neither can be `'static`. What is written into such a value
//!   others may see that share it. They were made where it was, so they hold one of its grounds: a cell that mentions such a
//!   value and has other grounds too gives all its grounds to all of them, to values, scopes, frames, and what waits to be
//!   dropped. An owner of such a type is never given back.
//! * **(brand)** While a cell hands over, all that it lends outlives one invariant lifetime, `'g`, which lasts until the cell
//!   waits. So rustc refuses to move or change what is lent in between; what has been published has no unique loan.
//! * **(commit)** Nothing is handed over before the cell waits for the first time, and then all is, in one call that runs no
//!   code of the user's and cannot fail. A panic, an error or an interrupt before that finds a cell as any other, and
//!   after that the guard of the cell lets none of them end it.
//! * **(type)** A value is taken only with the type that it was kept with; the ids of types do not know lifetimes.
//! * **(thread)** All of this is on the one thread that runs cells.

mod frame;
mod loans;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::Cell as StdCell;
use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::runtime::{self, Program, Session};
use crate::{grave, here, hint, panic};

pub(crate) use frame::type_id;
pub use frame::{Resident, Scope, Seat, Stay, Token};
pub(crate) use loans::{clear, displace, forget_taken, has, kept_by, loans, take_changed};

/// A variable that is in no store of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loan {
    pub name: String,
    pub kind: LoanKind,
    /// Of an owner: the variables that have to go until its cell ends; an empty name stands for what has none.
    pub held_by: Vec<String>,
}

/// What a later cell can do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoanKind {
    /// It borrows; whoever mentions it has the value itself.
    Value,
    /// It is lent, and can be looked at where it stands.
    Place,
    /// It is lent to one that may change it.
    Hidden,
}

/// The frame of one resident cell, as those hold it that may have a reference into it: see *(ground)*.
pub(crate) struct Ground(pub(crate) u64);

/// The frames that something may have references into, each once.
pub(crate) type Grounds = Vec<Rc<Ground>>;

/// A cell that stays.
struct Frame {
    ground: Rc<Ground>,
    /// The grounds that its own locals may have references into.
    grounds: Grounds,
    program: NonNull<dyn Future<Output = ()>>,
}

thread_local! {
    /// The resident cell that the running cell has just become; 0: none.
    static STAYED: StdCell<u64> = const { StdCell::new(0) };
    /// The resident cell that is being ended; 0: none.
    static ENDING: StdCell<u64> = const { StdCell::new(0) };
}

/// Whether the cell that is polled has become resident: nothing may end it now, see *(commit)*.
pub(crate) fn has_stayed() -> bool {
    STAYED.get() != 0
}

/// Whether a resident cell is being ended: its guard has no cell to ask.
pub(crate) fn is_ending() -> bool {
    ENDING.get() != 0
}

/// Looks after a poll of a cell whether that has become resident, and takes it over if so.
///
/// `is_pending` is what the poll said; whether the cell has ended for whoever runs it.
pub(crate) fn take_over(program: &mut Option<Program>, is_pending: bool) -> bool {
    let id = STAYED.replace(0);
    if id == 0 {
        return false;
    }
    let Some(program) = program.take().filter(|_| is_pending) else {
        // What was handed over would dangle. No path leads here: see (commit).
        std::process::abort();
    };
    // SAFETY: (frame): the box is not moved out of; it is pinned again wherever it is used.
    let program = Box::into_raw(unsafe { Pin::into_inner_unchecked(program) });
    let Some(program) = NonNull::new(program) else { return true };
    loans::seat(id, program);
    true
}

impl Session {
    /// Ends the cells that stayed for loans which are over, the newest first. On the thread of
    /// [`block_on`](Session::block_on) and outside of that; when all that is to be dropped was.
    pub(crate) fn end_residents(&self) -> bool {
        let _context = self.enter();
        end_all()
    }
}

/// Whether there was any to end.
fn end_all() -> bool {
    let mut has_ended = false;
    while let Some(frame) = loans::next_to_end() {
        has_ended = true;
        end(frame);
    }
    has_ended
}

/// Lets a resident cell run to its end. Its owners go back into the store; what else it has is dropped.
fn end(frame: Frame) {
    let Frame { ground, grounds, mut program } = frame;
    loans::begin_end(ground.0, grounds);
    ENDING.set(ground.0);
    let mut context = Context::from_waker(Waker::noop());
    let polled = panic::catch_unwound(|| {
        // SAFETY: (frame): it has not moved since it was pinned. Nobody else has a reference into it: (ground).
        unsafe { Pin::new_unchecked(program.as_mut()) }.poll(&mut context)
    });
    ENDING.set(0);
    match polled {
        // It waits for something else, which no cell of ours does here.
        Ok(Poll::Pending) => return loans::end_end(),
        Ok(Poll::Ready(())) => {}
        Err(panic) => told(panic),
    }
    let dropped = panic::catch_unwound(|| {
        // SAFETY: it came from a box, is used no more, and has nothing left that somebody could refer to: (ground).
        drop(unsafe { Box::from_raw(program.as_ptr()) });
    });
    if let Err(panic) = dropped {
        told(panic);
    }
    loans::end_end();
}

/// What the end of a resident cell's own variables said.
pub(crate) fn told(panic: Option<runtime::Panic>) {
    let run = here::run_or_current();
    match panic {
        Some(panic) => hint::panicked_while_dropped(run, WHOSE, &panic),
        None => hint::drop_interrupted(run, WHOSE),
    }
}

const WHOSE: &str = "what a cell had that stayed for a loan";

/// Lays what a cell had under that name, where nobody waits for it.
fn lay(name: &str, slot: crate::store::Slot) {
    grave::lay(name, grave::Was::Replaced, Some(slot));
}
