//! For tests: what the fuzz targets of the workspace share, their corpus and how long they try. What is tried, and how it
//! is changed, is each target's own.
//!
//! `arbtest` changes at random, for a bounded time, in every run of the tests, as coverage-guided fuzzing needs a nightly
//! compiler. A failure prints its seed, and `KISSATEN_FUZZ_SEED` runs that one again; `KISSATEN_FUZZ_MS` is another time.

use std::path::Path;
use std::{env, fs, io};

pub use arbtest::arbitrary::{Result, Unstructured};

/// How long is tried, in milliseconds.
const BUDGET: u64 = 3_000;

/// The files of a corpus, in the order of their names.
///
/// # Errors
/// When they cannot be read.
pub fn corpus(folder: impl AsRef<Path>) -> io::Result<Vec<Vec<u8>>> {
    let paths: io::Result<Vec<_>> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.sort();
    paths.iter().map(fs::read).collect()
}

/// Tries a property for a bounded time, or with the one seed that the environment names. Panics where it does not hold,
/// with the seed.
pub fn try_out(property: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    let test = arbtest::arbtest(property).size_max(4096).budget_ms(number("KISSATEN_FUZZ_MS").unwrap_or(BUDGET));
    match number("KISSATEN_FUZZ_SEED") {
        Some(seed) => drop(test.seed(seed)),
        None => drop(test),
    }
}

/// A number that the environment has, as it is printed: `0x1f` or `31`.
fn number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    value.strip_prefix("0x").map_or_else(|| value.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "none is even")]
    fn a_property_that_does_not_hold_is_found() {
        try_out(|u| {
            assert!(u.arbitrary::<u8>()? % 2 == 1, "none is even");
            Ok(())
        });
    }
}
