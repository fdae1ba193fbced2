//! The error of a cell: what a `?` at its top level turns an error into.
//!
//! There are two types because no single bound admits every error *and* keeps what it says for people: the
//! compiler first tries [`CellError`], and [`CellDebugError`] only for a cell that rustc refused for it. Neither
//! holds anything: the words are written down at once, so that no cell has to drop them.

use std::any::TypeId;
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::panic::Location as Caller;

use crate::resident::type_id;
use crate::runtime::{self, Location, Outcome};
use crate::{input, logger, panic};

/// Any error that has words for people: everything that is `Error`, strings, boxed errors, `anyhow`'s.
///
/// It implements neither `Error` nor `Debug`, which is what lets it have its blanket `From`.
pub struct CellError(());

impl<E: Into<Box<dyn Error>>> From<E> for CellError {
    // Std's `?` hands its place on.
    #[track_caller]
    fn from(error: E) -> Self {
        describe(std::any::type_name::<E>(), error.into(), Caller::caller());
        Self(())
    }
}

/// Any error that is at least `Debug`, as `fn main() -> Result<(), E>` takes it; may borrow.
pub struct CellDebugError(());

impl<E: Debug> From<E> for CellDebugError {
    #[track_caller]
    fn from(error: E) -> Self {
        describe_debug(std::any::type_name::<E>(), type_id::<E>(), &error, (&raw const error).cast(), Caller::caller());
        Self(())
    }
}

/// `type_id` is that of the error, and `at` where it stands.
#[inline(never)]
fn describe_debug(type_name: &str, type_id: TypeId, error: &dyn Debug, at: *const u8, caller: &Caller<'_>) {
    // SAFETY: it is what `From::from` has, and `type_id` that of its type.
    match unsafe { boxed(type_id, at) } {
        Some(error) => describe_words(type_name, error, caller),
        None => ends_as(type_name, format!("{error:?}"), Vec::new(), caller),
    }
}

/// An error in a box that other threads may have, as functions of tasks return it: std has no way from it to the other box.
///
/// # Safety
/// `at` points to a value of the type that `type_id` is of, but for lifetimes, which lives as long as the reference.
unsafe fn boxed<'a>(type_id: TypeId, at: *const u8) -> Option<&'a (dyn Error + 'static)> {
    type Shared = Box<dyn Error + Send + Sync>;
    type Sent = Box<dyn Error + Send>;
    // SAFETY: the types are equal but for what the error may borrow, and nothing of it is kept.
    unsafe {
        if type_id == TypeId::of::<Shared>() {
            Some(&**at.cast::<Shared>())
        } else if type_id == TypeId::of::<Sent>() {
            Some(&**at.cast::<Sent>())
        } else {
            None
        }
    }
}

#[inline(never)]
fn describe(type_name: &str, error: Box<dyn Error>, caller: &Caller<'_>) {
    describe_words(type_name, &*error, caller);
}

fn describe_words(type_name: &str, error: &(dyn Error + 'static), caller: &Caller<'_>) {
    let mut sources = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = words(source);
        // Many wrappers repeat their source's words; a cyclic chain must end.
        if sources.last() != Some(&text) {
            sources.push(text);
        }
        next = if sources.len() < 32 { source.source() } else { None };
    }
    ends_as(type_name, words(error), sources, caller);
}

/// What an error says; without a number where that is ours and tells nobody anything.
fn words(error: &(dyn Error + 'static)) -> String {
    let number = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    number.and_then(input::words).map_or_else(|| error.to_string(), str::to_owned)
}

fn ends_as(type_name: &str, mut message: String, sources: Vec<String>, caller: &Caller<'_>) {
    let location =
        Location { file: panic::short(caller.file()).into_owned(), line: caller.line(), column: caller.column() };
    let type_name = public_path(type_name);
    message.extend(logger::set_before(&message).map(|(more, _)| more));
    runtime::ends_as(Outcome::Error { type_name, message, sources, location: Some(location) });
}

/// Where errors of std, tokio and futures are defined, and where they can be named.
const PUBLIC: &[(&str, &str)] = &[
    ("alloc::collections::", "std::collections::"),
    ("alloc::string::", "std::string::"),
    ("core::array::", "std::array::"),
    ("core::cell::", "std::cell::"),
    ("core::char::convert::", "std::char::"),
    ("core::char::decode::", "std::char::"),
    ("core::fmt::", "std::fmt::"),
    ("core::net::parser::", "std::net::"),
    ("core::num::dec2flt::", "std::num::"),
    ("core::num::error::", "std::num::"),
    ("core::str::error::", "std::str::"),
    ("core::time::", "std::time::"),
    ("futures_channel::", "futures::channel::"),
    ("futures_util::", "futures::"),
    ("std::io::error::", "std::io::"),
    ("std::sync::poison::", "std::sync::"),
    ("std::thread::local::", "std::thread::"),
    ("tokio::runtime::task::error::", "tokio::task::"),
    ("tokio::sync::batch_semaphore::", "tokio::sync::"),
];

/// A type's name by which others can name it. Only rustc knows that of any type; but a module `error` that a crate keeps
/// its errors in is private, or what is in it is exported beside it as well.
fn public_path(type_name: &str) -> String {
    let (path, generic) = type_name.split_at(type_name.find('<').unwrap_or(type_name.len()));
    let known = PUBLIC.iter().find_map(|(from, to)| Some(format!("{to}{}", path.strip_prefix(from)?)));
    let path = known.unwrap_or_else(|| {
        // Those of tokio's channels are public there, and nowhere else; the notebook's own is where its user put it.
        let elsewhere = !["tokio::", "notebook::"].iter().any(|root| path.starts_with(root));
        let mut parts: Vec<&str> = path.split("::").collect();
        if let [_, .., "error" | "errors", _] = parts.as_slice()
            && elsewhere
        {
            parts.remove(parts.len() - 2);
        }
        parts.join("::")
    });
    path + generic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_boxes_that_other_threads_may_have_are_found() {
        fn words_of<E: Debug>(error: &E) -> Option<String> {
            // SAFETY: it is what it says.
            unsafe { boxed(type_id::<E>(), (&raw const *error).cast()) }.map(ToString::to_string)
        }
        let number: Box<dyn Error + Send + Sync> = "x".parse::<u8>().unwrap_err().into();
        assert_eq!(words_of(&number).as_deref(), Some("invalid digit found in string"));
        let sent: Box<dyn Error + Send> = Box::new(std::fmt::Error);
        assert_eq!(words_of(&sent), Some(std::fmt::Error.to_string()));
        assert_eq!(words_of(&"text"), None);
        assert_eq!(words_of(&Box::new(3)), None);
    }

    #[test]
    fn errors_are_called_by_their_public_paths() {
        for (type_name, public) in [
            ("std::io::error::Error", "std::io::Error"),
            ("core::num::error::ParseIntError", "std::num::ParseIntError"),
            (
                "std::sync::poison::PoisonError<std::sync::MutexGuard<u8>>",
                "std::sync::PoisonError<std::sync::MutexGuard<u8>>",
            ),
            ("tokio::runtime::task::error::JoinError", "tokio::task::JoinError"),
            ("tokio::sync::mpsc::error::SendError<i32>", "tokio::sync::mpsc::error::SendError<i32>"),
            ("tokio::time::error::Elapsed", "tokio::time::error::Elapsed"),
            ("serde_json::error::Error", "serde_json::Error"),
            ("toml::de::error::Error", "toml::de::Error"),
            ("alloc::boxed::Box<dyn core::error::Error>", "alloc::boxed::Box<dyn core::error::Error>"),
            ("notebook::error::Error", "notebook::error::Error"),
            ("error::Error", "error::Error"),
            ("anyhow::Error", "anyhow::Error"),
            ("&str", "&str"),
        ] {
            assert_eq!(public_path(type_name), public);
        }
    }
}
