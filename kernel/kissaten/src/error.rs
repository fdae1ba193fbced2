//! What a `?` at the top level of a cell turns an error into.
//!
//! There are two types because no single bound admits every error *and* keeps what it says for people: the
//! compiler first tries [`CellError`], and [`CellDebugError`] only for a cell that rustc refused for it.

use std::error::Error;
use std::fmt::Debug;

use crate::runtime::Outcome;

/// Any error that has words for people: everything that is `Error`, strings, boxed errors, `anyhow`'s.
///
/// It implements neither `Error` nor `Debug`, which is what lets it have its blanket `From`.
pub struct CellError(Outcome);

impl<E: Into<Box<dyn Error>>> From<E> for CellError {
    fn from(error: E) -> Self {
        Self(describe(std::any::type_name::<E>(), &*error.into()))
    }
}

/// Any error that is at least `Debug`, as `fn main() -> Result<(), E>` takes it; may borrow.
pub struct CellDebugError(Outcome);

impl<E: Debug> From<E> for CellDebugError {
    fn from(error: E) -> Self {
        let message = format!("{error:?}");
        Self(Outcome::Error { type_name: std::any::type_name::<E>().to_owned(), message, sources: Vec::new() })
    }
}

/// What both have in common for the guard of a cell.
#[doc(hidden)]
pub trait IntoOutcome {
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for CellError {
    fn into_outcome(self) -> Outcome {
        self.0
    }
}

impl IntoOutcome for CellDebugError {
    fn into_outcome(self) -> Outcome {
        self.0
    }
}

fn describe(type_name: &str, error: &dyn Error) -> Outcome {
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
    Outcome::Error { type_name: type_name.to_owned(), message: error.to_string(), sources }
}
