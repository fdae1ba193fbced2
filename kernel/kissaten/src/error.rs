//! What a `?` at the top level of a cell turns an error into.
//!
//! There are two types because no single bound admits every error *and* keeps what it says for people: the
//! compiler first tries [`CellError`], and [`CellDebugError`] only for a cell that rustc refused for it. Neither
//! holds anything: the words are written down at once, so that no cell has to drop them.

use std::error::Error;
use std::fmt::Debug;

use crate::runtime::{self, Outcome};

/// Any error that has words for people: everything that is `Error`, strings, boxed errors, `anyhow`'s.
///
/// It implements neither `Error` nor `Debug`, which is what lets it have its blanket `From`.
pub struct CellError(());

impl<E: Into<Box<dyn Error>>> From<E> for CellError {
    fn from(error: E) -> Self {
        describe(std::any::type_name::<E>(), error.into());
        Self(())
    }
}

/// Any error that is at least `Debug`, as `fn main() -> Result<(), E>` takes it; may borrow.
pub struct CellDebugError(());

impl<E: Debug> From<E> for CellDebugError {
    fn from(error: E) -> Self {
        describe_debug(std::any::type_name::<E>(), &error);
        Self(())
    }
}

#[inline(never)]
fn describe_debug(type_name: &str, error: &dyn Debug) {
    let message = format!("{error:?}");
    runtime::ends_as(Outcome::Error { type_name: type_name.to_owned(), message, sources: Vec::new() });
}

#[inline(never)]
fn describe(type_name: &str, error: Box<dyn Error>) {
    let mut sources = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        // Many wrappers repeat their source's words; a cyclic chain must end.
        if sources.last() != Some(&text) {
            sources.push(text);
        }
        next = if sources.len() < 32 { source.source() } else { None };
    }
    runtime::ends_as(Outcome::Error { type_name: type_name.to_owned(), message: error.to_string(), sources });
}
