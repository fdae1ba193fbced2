//! The choice of how a tail expression is shown, made by rustc's method lookup in the cell's own compile.
//!
//! Stable Rust has no specialisation, but a method call tries the receiver as it is, then with references taken
//! off: of several traits that have the same method for differently referenced receivers, the first that fits
//! wins. So one compile decides between what `T` has, and a cell instantiates only that.

use std::fmt::{Debug, Write};
use std::future::Future;

use crate::panic;
use crate::runtime::{self, Outcome};
use crate::widget;

use super::{Display, Limited, MimeBundle, debug_text, short_text, short_type, type_name};

/// Of a value that is unfolded, no more than this is written, in bytes.
const MOST_DETAIL: usize = 1 << 16;

/// Writes down what the tail expression shows.
#[inline(never)]
pub(super) fn shows(data: MimeBundle) {
    widget::shown_as_result(&data);
    runtime::ends_as(Outcome::Value(data));
}

fn plain(text: String) {
    shows(super::plain(text));
}

#[inline(never)]
fn debug_value(value: &dyn Debug, type_name: &str) {
    plain(type_name::pointer(type_name).unwrap_or_else(|| debug_text(value)));
}

/// A tail expression's value. Called as `(&&&&&&Tail(&value)).show()`.
pub struct Tail<'a, T: ?Sized>(pub &'a T);

/// Nothing to show.
pub trait ShowUnit {
    fn show(self);
}

impl ShowUnit for &&&&&&Tail<'_, ()> {
    fn show(self) {}
}

/// The type says itself.
pub trait ShowDisplay {
    fn show(self);
}

impl<T: Display + ?Sized> ShowDisplay for &&&&&Tail<'_, T> {
    fn show(self) {
        shows(self.0.mime_bundle());
    }
}

/// A task's handle is a future, but unlike the others it runs already.
pub trait ShowHandle {
    fn show(self);
}

impl<T> ShowHandle for &&&&Tail<'_, tokio::task::JoinHandle<T>> {
    fn show(self) {
        handle_text(self.0.id(), self.0.is_finished());
    }
}

#[inline(never)]
fn handle_text(id: tokio::task::Id, is_finished: bool) {
    let state = if is_finished { "has finished" } else { "is running" };
    let text = format!("JoinHandle {{ id: Id({id}) }}\nThis task {state}: add `.await` for its result.");
    plain(text);
}

/// A future has not run: that is the lesson, more than its `Debug` text.
pub trait ShowFuture {
    fn show(self);
}

impl<T: Future + ?Sized> ShowFuture for &&&Tail<'_, T> {
    fn show(self) {
        future_text(std::any::type_name::<T::Output>());
    }
}

#[inline(never)]
fn future_text(output: &str) {
    let output = short_type(output);
    plain(format!(
        "a future of `{output}` that has not run: futures do nothing until they are awaited.\n\
         Add `.await` to run it here, or give it to `tokio::spawn` to run it in the background."
    ));
}

/// What most types have.
pub trait ShowDebug {
    fn show(self);
}

impl<T: Debug + ?Sized> ShowDebug for &&Tail<'_, T> {
    fn show(self) {
        debug_value(&self.0, std::any::type_name::<T>());
    }
}

/// What is left: the name of the type.
pub trait ShowName {
    fn show(self);
}

impl<T: ?Sized> ShowName for &Tail<'_, T> {
    fn show(self) {
        name_text(std::any::type_name::<T>(), size_of_val(self.0) == 0);
    }
}

#[inline(never)]
fn name_text(type_name: &str, is_empty: bool) {
    plain(type_name::nameless(type_name, is_empty));
}

/// Shows a value whose type rustc settles last of all, so that no method of it can be looked up.
pub fn show_debug<T: Debug>(value: &T) {
    debug_value(value, std::any::type_name::<T>());
}

/// What the compiler knows better than the type's name says it.
#[inline(never)]
pub fn show_text(text: &str) {
    plain(text.to_owned());
}

/// Evcxr's way first: `evcxr_display` of the type itself, or of a trait in scope, wins over [`Fallback`]'s,
/// because the lookup finds it one reference earlier.
pub trait Fallback {
    fn evcxr_display(&self) -> NotShown {
        NotShown
    }
}

impl<T: ?Sized> Fallback for &T {}

/// What [`Fallback::evcxr_display`] returns: the value has not shown itself.
pub struct NotShown;

impl NotShown {
    #[must_use]
    pub fn has_shown(&self) -> bool {
        false
    }
}

/// What anything else returned means: it has.
pub trait HasShown {
    fn has_shown(&self) -> bool {
        true
    }
}

impl<T: ?Sized> HasShown for T {}

/// A variable for the table of `:vars`. Called as `(&&Variable(&value)).text()`.
pub struct Variable<'a, T: ?Sized>(pub &'a T);

pub trait TextOfDebug {
    fn text(self) -> Option<String>;
    /// All of it, for whoever unfolds it.
    fn detail(self) -> Option<String>;
}

impl<T: Debug + ?Sized> TextOfDebug for &&Variable<'_, T> {
    fn text(self) -> Option<String> {
        variable_text(&self.0, std::any::type_name::<T>())
    }

    fn detail(self) -> Option<String> {
        variable_detail(&self.0, std::any::type_name::<T>())
    }
}

/// A value with a line for each field, cut where it is very long. A `Debug` that panics costs nobody else's value.
#[inline(never)]
fn variable_detail(value: &dyn Debug, type_name: &str) -> Option<String> {
    if type_name::is_pointer(type_name) {
        return None;
    }
    let written = panic::catch(|| {
        let mut text = Limited { text: String::new(), limit: MOST_DETAIL };
        match write!(text, "{value:#?}") {
            Ok(()) => text.text,
            Err(_) => text.text + "…",
        }
    });
    Some(written.unwrap_or_else(|panic| format!("its `Debug` panicked: {}", panic.message)))
}

#[inline(never)]
fn variable_text(value: &dyn Debug, type_name: &str) -> Option<String> {
    (!type_name::is_pointer(type_name)).then(|| short_text(value, 80))
}

pub trait NoText {
    fn text(self) -> Option<String>;
    fn detail(self) -> Option<String>;
}

impl<T: ?Sized> NoText for &Variable<'_, T> {
    fn text(self) -> Option<String> {
        None
    }

    fn detail(self) -> Option<String> {
        None
    }
}
