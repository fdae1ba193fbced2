//! Places in which cells set the logger of the process. There can be one, and it stays; a cell that is run again sets
//! it again, and what that says is nothing of the place where it was set.
//!
//! The compiler puts `__logger!` around calls that may set one, by their names. It counts only where somebody says that
//! there was one already, so a method of the same name does no harm.

use std::cell::Cell;
use std::panic::Location;
use std::sync::OnceLock;

use crate::label;

/// What is said of a second one, by `tracing` and by `log`.
const SET_BEFORE: [&str; 3] = [
    "a global default trace dispatcher has already been set",
    "after the logging system was already initialized",
    "SetLoggerError(())",
];

/// The place of a call that sets a logger.
type SetterPlace = &'static Location<'static>;

/// Where the first was set.
static FIRST: OnceLock<SetterPlace> = OnceLock::new();

thread_local! {
    /// Where this thread sets one now.
    static SETS: Cell<Option<SetterPlace>> = const { Cell::new(None) };
}

/// A call that may set a logger begins.
#[track_caller]
pub fn sets_logger() {
    SETS.set(Some(Location::caller()));
}

/// The call that sets a logger has returned.
pub fn has_set_logger() {
    if let Some(place) = SETS.take() {
        let _ = FIRST.set(place);
    }
}

/// What can be added to words that say that there was a logger before, and where the present call of a cell is.
pub(crate) fn set_before(message: &str) -> Option<(String, Option<SetterPlace>)> {
    let now = SETS.take();
    SET_BEFORE.iter().any(|words| message.contains(words)).then(|| {
        let first = FIRST.get().filter(|first| now.is_none_or(|now| ***first != *now));
        let before = match first {
            Some(first) => format!("in {}, line {}", label::shown(first.file()), first.line()),
            None => "before, by this line or by code that no cell wrote".to_owned(),
        };
        (format!("\nThe logger of this session was set {before}."), now)
    })
}

/// Wraps a call that may set a logger.
#[doc(hidden)]
#[macro_export]
macro_rules! __logger {
    ($call:expr) => {{
        $crate::__cell::sets_logger();
        match $call {
            value => {
                $crate::__cell::has_set_logger();
                value
            }
        }
    }};
}
