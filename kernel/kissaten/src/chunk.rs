//! Ranges and countings in stretches: checkpoints of tight loops in optimised code.
//!
//! A checkpoint in every round of a loop that does next to nothing costs several times the loop: it is one more way
//! out, which keeps the optimiser from unrolling the loop and from moving things out of it. So the compiler gives
//! such a loop over a range a loop around it, and one that counts in a `while` a loop within it; only the outer one
//! has a checkpoint.

use std::ops::Range;

use crate::interrupt;

/// Rounds between two checkpoints: few enough that nobody waits for them, and the checkpoint costs nothing.
const LENGTH: u16 = 1024;

/// A number that a range can count.
pub trait Chunk: Copy + PartialOrd {
    /// The end of the stretch that begins with `self`.
    fn chunk_end(self, end: Self) -> Self;
}

macro_rules! chunk {
    ($($number:ty)*) => { $(
        impl Chunk for $number {
            #[inline(always)]
            fn chunk_end(self, end: Self) -> Self {
                let far = self.saturating_add(<$number>::try_from(LENGTH).unwrap_or(<$number>::MAX));
                if far < end { far } else { end }
            }
        }
    )* };
}

chunk! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

impl Chunk for char {
    #[inline(always)]
    fn chunk_end(self, end: Self) -> Self {
        end
    }
}

/// See [`chunks`].
pub struct Chunks<T>(Range<T>);

/// The stretches of a range, with a checkpoint before each.
#[inline(always)]
pub fn chunks<T: Chunk>(range: Range<T>) -> Chunks<T> {
    Chunks(range)
}

impl<T: Chunk> Iterator for Chunks<T> {
    type Item = Range<T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Range<T>> {
        let Range { start, end } = self.0;
        if start >= end {
            return None;
        }
        interrupt::check();
        self.0.start = start.chunk_end(end);
        Some(start..self.0.start)
    }
}

/// A number that a `while` can count.
pub trait Count: Copy {
    /// How many rounds of `while self < bound { self += step }` begin before a number overflows, up to a stretch; with
    /// `<=` if the bound is counted too. At least one: the caller has just compared.
    fn rounds(self, bound: Self, step: Self, is_inclusive: bool) -> u32;
}

macro_rules! count {
    ($($number:ty)*) => { $(
        impl Count for $number {
            #[inline(always)]
            fn rounds(self, bound: Self, step: Self, is_inclusive: bool) -> u32 {
                let distance = bound.abs_diff(self);
                let last = if is_inclusive { distance } else { distance.saturating_sub(1) };
                let more = last.checked_div(step.abs_diff(0)).unwrap_or(0);
                // As few steps as can be: how far the optimiser unrolls the rounds hangs on what it sees here.
                match u32::try_from(more) {
                    Ok(more) if more < u32::from(LENGTH) => more + 1,
                    _ => u32::from(LENGTH),
                }
            }
        }
    )* };
}

count! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

/// The rounds of a stretch of a `while` that counts, with a checkpoint before them.
#[inline(always)]
pub fn rounds<T: Count>(counter: T, bound: T, step: T, is_inclusive: bool) -> Range<u32> {
    interrupt::check();
    0..counter.rounds(bound, step, is_inclusive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_make_up_the_range() {
        let all = |range: Range<i32>| chunks(range).flatten().collect::<Vec<_>>();
        for range in [0..0, 5..5, -1..1, 0..1024, 0..1025, -3000..3000, i32::MAX - 2000..i32::MAX] {
            assert_eq!(all(range.clone()), range.collect::<Vec<_>>());
        }
        assert_eq!(chunks(0..255_u8).flatten().count(), 255);
        assert_eq!(chunks(-128..127_i8).flatten().count(), 255);
        assert_eq!(chunks('a'..'e').flatten().collect::<String>(), "abcd");
        assert_eq!(chunks(0..3000_u16).count(), 3);
    }
    #[test]
    fn rounds_end_where_the_condition_does_or_a_number_overflows() {
        assert_eq!(
            [1, 2, 1023, 1024, 1025, u64::MAX].map(|bound| 0.rounds(bound, 1, false)),
            [1, 2, 1023, 1024, 1024, 1024]
        );
        assert_eq!([0, 1, 2, 3, 5, 6].map(|bound: u64| 0.rounds(bound, 3, true)), [1, 1, 1, 2, 2, 3]);
        assert_eq!([1, 2, 3, 4, 6, 7].map(|bound: u64| 0.rounds(bound, 3, false)), [1, 1, 1, 2, 2, 3]);
        // The next of which would be 258, and 3 is less than 255 again.
        assert_eq!([0, 253, 254].map(|counter: u8| counter.rounds(255, 3, false)), [85, 1, 1]);
        assert_eq!(i8::MIN.rounds(i8::MAX, 1, true), 256);
        assert_eq!(i64::MIN.rounds(i64::MAX, 1, true), 1024);
        assert_eq!(i128::MIN.rounds(i128::MIN + 9, 2, true), 5);
        assert_eq!(u128::MAX.rounds(u128::MAX, 1, true), 1);
        assert_eq!(rounds(-1_i32, 0, 7, false), 0..1);
    }
}
