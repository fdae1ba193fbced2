//! Why something is left to the compiler's own linker.

use std::io;

/// What this linker does not know, or cannot do; nothing was written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Elsewhere {
    #[error("{0}")]
    Unknown(String),
    #[error("{0}: {1}")]
    File(String, io::Error),
    #[error("a file is not as it should be: {0}")]
    Format(#[from] object::read::Error),
}

pub(crate) type Result<T> = std::result::Result<T, Elsewhere>;

/// Leaves it to the other linker.
pub(crate) fn not_ours<T>(why: impl Into<String>) -> Result<T> {
    Err(Elsewhere::Unknown(why.into()))
}

/// A name, for people.
pub(crate) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
