//! The slot in which the code of a thread notes what it awaits: one word for each thread.
//!
//! It is read at every `.await` of a cell, and half of what that costs would be the way to a `thread_local!` of a shared library:
//! a call for each look. The session library is there from the process's start, so where we know how (x86-64 under Linux) its word
//! is found like one of the program itself. Elsewhere it is a plain `thread_local!`.

use crate::wait::Whereabouts;

/// Where the code of this thread notes what it awaits; null: nowhere.
#[inline(always)]
pub(crate) fn slot() -> *const Whereabouts {
    word::get()
}

/// Puts another slot there; the one before.
pub(crate) fn set_slot(slot: *const Whereabouts) -> *const Whereabouts {
    let before = word::get();
    word::set(slot);
    before
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_pointer_width = "64"))]
mod word {
    use std::arch::{asm, global_asm};

    use super::Whereabouts;

    global_asm!(
        ".pushsection .tbss.kissaten_slot,\"awT\",@nobits",
        ".globl kissaten_slot",
        ".hidden kissaten_slot",
        ".type kissaten_slot,@object",
        ".size kissaten_slot, 8",
        ".p2align 3",
        "kissaten_slot:",
        ".zero 8",
        ".popsection",
    );

    #[inline(always)]
    pub(super) fn get() -> *const Whereabouts {
        let word;
        // SAFETY: the word is above, one for each thread, and all that is ever written there is a pointer of this type.
        unsafe {
            asm!(
                "mov {word}, qword ptr [rip + kissaten_slot@GOTTPOFF]",
                "mov {word}, qword ptr fs:[{word}]",
                word = out(reg) word,
                options(nostack, preserves_flags, readonly),
            );
        }
        word
    }

    #[inline(always)]
    pub(super) fn set(slot: *const Whereabouts) {
        // SAFETY: as above.
        unsafe {
            asm!(
                "mov {offset}, qword ptr [rip + kissaten_slot@GOTTPOFF]",
                "mov qword ptr fs:[{offset}], {slot}",
                offset = out(reg) _,
                slot = in(reg) slot,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_pointer_width = "64")))]
mod word {
    use std::cell::Cell;

    use super::Whereabouts;

    thread_local! {
        static SLOT: Cell<*const Whereabouts> = const { Cell::new(std::ptr::null()) };
    }

    #[inline]
    pub(super) fn get() -> *const Whereabouts {
        SLOT.with(Cell::get)
    }

    #[inline]
    pub(super) fn set(slot: *const Whereabouts) {
        SLOT.with(|word| word.set(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_a_slot_of_its_own() {
        let own = Whereabouts::default();
        assert!(set_slot(&raw const own).is_null());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let theirs = Whereabouts::default();
                assert!(slot().is_null());
                assert!(set_slot(&raw const theirs).is_null());
                assert_eq!(slot(), &raw const theirs);
            });
        });
        assert_eq!(set_slot(std::ptr::null()), &raw const own);
        assert!(slot().is_null());
    }
}
