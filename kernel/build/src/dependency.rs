//! The crates that a notebook depends on: asked for, built by cargo, and linked into libraries that the worker loads.
//!
//! cargo compiles them beside the session library, with its flags and below the same features, so that the tokio that
//! they use is the session's. Then they are linked into a `dylib`, a [`Layer`](set::Layer), which takes tokio from the
//! session library. Each further change that only adds crates is one more layer upon the others, so that what is loaded
//! stays as it is. What a cell is, and what runs it, is not known here.

mod build;
mod cache;
mod clean;
mod generation;
mod layer;
mod manifest;
mod native;
mod own;
mod refusal;
mod request;
mod set;
mod words;

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use toml::Table;

use crate::session_library::{SessionError, SessionLibrary};

pub use cache::use_of;
pub use clean::{Cleaned, parse_size};
pub(crate) use clean::{everything, size_of, to_limit};
pub use refusal::refusal;
pub use request::Change;
pub use request::to_text;
pub use set::{Content, Extern, Replaced, Set};

/// Why the dependencies are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DependencyError {
    /// What was asked for makes no sense: a sentence.
    #[error("{0}")]
    Request(String),
    /// cargo did not like it; its own words.
    #[error("{0}")]
    Cargo(String),
    #[error("cancelled")]
    Cancelled,
    /// No room on the disk, no cargo, …: a sentence that says what to do.
    #[error("{0}")]
    Environment(String),
}

impl From<SessionError> for DependencyError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Cancelled => Self::Cancelled,
            SessionError::Build(words) => Self::Cargo(words),
            other => Self::Environment(other.to_string()),
        }
    }
}

/// How far a build is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How much of the work is done, and how much there is, as far as it is known.
    pub done: usize,
    pub total: usize,
    /// What is done now: the name of a crate, or a few words.
    pub doing: String,
}

/// What is wanted.
pub struct Wanted<'a> {
    pub session: &'a SessionLibrary,
    pub requirements: &'a Table,
    /// What the worker may have loaded.
    pub base: Option<&'a Set>,
    pub offline: bool,
    /// How many session libraries were found not to fit.
    pub steps: u8,
}

/// A set that fits what is wanted, and what it took.
pub struct Obtained {
    pub set: Set,
    pub session: SessionLibrary,
    pub compiled: usize,
    /// A lock: as long as it is held, nobody cleans the set away.
    pub used: Option<Arc<File>>,
    /// Why it is another session library than the one that was wanted.
    pub reason: Option<String>,
}

/// Finds the set among those that were built before, or builds it.
///
/// # Cancel safety
/// Whatever runs is ended when `cancel` is triggered or this is dropped; what was compiled until then is found again by the
/// next build.
pub async fn obtain(
    wanted: &Wanted<'_>,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: &CancellationToken,
) -> Result<Obtained, DependencyError> {
    let key = set::key(wanted);
    if let Some((set, used)) = cache::find(wanted.session, &key) {
        return Ok(found(wanted, set, used));
    }
    if let Some((session, reason)) = generation::find(wanted, &key) {
        let again = Wanted { session: &session, base: None, steps: wanted.steps + 1, ..*wanted };
        let obtained = Box::pin(obtain(&again, progress, cancel)).await?;
        return Ok(Obtained { reason: Some(reason), ..obtained });
    }
    let target = cache::own_target(wanted.session)?;
    let _lock = cache::lock(&target, progress, cancel).await?;
    // Whoever held the lock may have built just this.
    if let Some((set, used)) = cache::find(wanted.session, &key) {
        return Ok(found(wanted, set, used));
    }
    let mut obtained = match build::build(wanted, &key, &target, progress, cancel).await {
        Err(error) if !matches!(error, DependencyError::Cancelled) => {
            cache::remove_unfinished(&target, &key);
            return Err(error);
        }
        built => built?,
    };
    if obtained.used.is_none() {
        obtained.used = cache::use_of(&cache::set_folder(&target, &key));
    }
    clean::to_limit(&target);
    Ok(obtained)
}

fn found(wanted: &Wanted<'_>, set: Set, used: Option<Arc<File>>) -> Obtained {
    Obtained { set, session: wanted.session.clone(), compiled: 0, used, reason: None }
}

fn cannot(what: &std::path::Path) -> impl Fn(io::Error) -> DependencyError {
    let what = what.display().to_string();
    move |error| {
        DependencyError::Environment(format!(
            "`{what}` cannot be used: {error}; free some room, or set KISSATEN_CACHE to a folder that can be written"
        ))
    }
}
