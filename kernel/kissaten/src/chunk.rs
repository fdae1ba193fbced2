//! Ranges in stretches: checkpoints of tight loops in optimised code.
//!
//! A checkpoint in every round of a loop that does next to nothing costs several times the loop: it is one more way
//! out, which keeps the optimiser from unrolling the loop and from moving things out of it. So the compiler gives
//! such a loop over a range a loop around it, and only that one has a checkpoint.

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
}
