//! Handles: what code of cells holds of a widget. The last one that goes takes the widget with it.

use std::sync::{Arc, Mutex, PoisonError};

use super::fallback;
use super::kind::WidgetKind;
use super::message;
use super::model::{Counts, Event, Model};
use super::registry::VIEW;
use super::state::{self, Fields};
use super::wait::EventWait;
use crate::display::MimeBundle;
use crate::display::value::Value;
use crate::here;

/// What can be shown by the page and stand in a [`Row`](super::Row) or a [`Column`](super::Column): all that this module
/// has, and nothing else.
pub trait Widget: crate::Display {
    #[doc(hidden)]
    fn handle(&self) -> &Handle;
}

impl<W: Widget + ?Sized> Widget for &W {
    fn handle(&self) -> &Handle {
        (**self).handle()
    }
}

impl<W: Widget + ?Sized> Widget for Box<W> {
    fn handle(&self) -> &Handle {
        (**self).handle()
    }
}

/// What all handles of one model share.
#[derive(Debug)]
pub(super) struct Alive {
    pub(super) model: Arc<Model>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.model.abandoned();
    }
}

/// What a handle has heard already, in which run.
#[derive(Debug)]
pub(super) struct Cursor(Mutex<(u64, Counts)>);

impl Cursor {
    /// Where one begins to listen: behind what was heard, and in another run behind what has happened.
    fn begin(&self, run: u64, counts: Counts, event: Event) -> u64 {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.0 != run {
            *heard = (run, counts);
        }
        heard.1[event as usize]
    }

    pub(super) fn heard(&self, event: Event, count: u64) {
        let heard = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1[event as usize];
        *heard = count.max(*heard);
    }
}

/// A handle of a widget.
#[doc(hidden)]
#[derive(Debug)]
pub struct Handle {
    alive: Arc<Alive>,
    cursor: Arc<Cursor>,
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        let heard = *self.cursor.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self { alive: Arc::clone(&self.alive), cursor: Arc::new(Cursor(Mutex::new(heard))) }
    }
}

impl Handle {
    pub(super) fn new(kind: &'static WidgetKind, fields: Fields) -> Self {
        let alive = Arc::new(Alive { model: Model::new(kind, fields) });
        Self { alive, cursor: Arc::new(Cursor(Mutex::new((here::run_or_current(), [0, 0])))) }
    }

    pub(super) fn model(&self) -> &Arc<Model> {
        &self.alive.model
    }

    pub(super) fn alive(&self) -> Arc<Alive> {
        Arc::clone(&self.alive)
    }

    /// Waits for what this handle has not heard of.
    pub(super) fn wait(&self, event: Event) -> EventWait {
        let counts = self.model().state().counts;
        let from = self.cursor.begin(here::run_or_current(), counts, event);
        EventWait::new(Arc::clone(self.model()), Some(Arc::clone(&self.cursor)), event, from)
    }

    /// Waits for what happens from now on, again and again.
    pub(super) fn listen(&self, event: Event) -> EventWait {
        let from = self.model().state().counts[event as usize];
        EventWait::new(Arc::clone(self.model()), None, event, from)
    }

    pub(super) fn read<T>(&self, read: fn(&Fields) -> T) -> T {
        read(&self.model().state().fields)
    }

    pub(super) fn set(&self, name: &'static str, value: impl Into<Value>) {
        self.model().set(name, value.into());
    }

    /// The same of a text, and compiled here: a cell that calls a method of a generic widget compiles that method, and with
    /// it all that is generic below.
    #[inline(never)]
    pub(super) fn set_text(&self, name: &'static str, text: &str) {
        self.set(name, text);
    }

    /// The same of what is so or not.
    #[inline(never)]
    pub(super) fn set_flag(&self, name: &'static str, is_so: bool) {
        self.set(name, is_so);
    }

    /// Closes it.
    #[inline(never)]
    pub(super) fn close(&self) {
        self.model().close();
    }

    /// Whether it was closed.
    #[inline(never)]
    pub(super) fn is_closed(&self) -> bool {
        self.model().state().closed().is_some()
    }

    /// Before it is shown.
    pub(super) fn with(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn bundle(&self) -> MimeBundle {
        self.model().open();
        let [text, html] = fallback::of(self.model());
        MimeBundle::new().with(VIEW, message::view(&self.model().id)).with("text/plain", text).with("text/html", html)
    }

    pub(super) fn debug(&self, name: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.model().state();
        let mut shown = f.debug_struct(name);
        let label = state::text(state::field(&state.fields, "description"));
        if !label.is_empty() {
            shown.field("label", &label);
        }
        if let Some(value) = fallback::value(self.model().kind, &state.fields) {
            shown.field("value", &format_args!("{value}"));
        }
        if state.closed().is_some() { shown.field("is_closed", &true).finish() } else { shown.finish() }
    }
}

/// What all widgets have: a type with a `Handle` in its first field.
macro_rules! widget {
    ($type:ident $(<$parameter:ident: $bound:path>)?) => {
        impl $(<$parameter: $bound>)? Clone for $type $(<$parameter>)? {
            /// Another handle of the same widget, which listens for itself.
            fn clone(&self) -> Self {
                Self::of(self.0.clone())
            }
        }

        impl $(<$parameter: $bound>)? std::fmt::Debug for $type $(<$parameter>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.debug(stringify!($type), f)
            }
        }

        impl $(<$parameter: $bound>)? crate::Display for $type $(<$parameter>)? {
            fn mime_bundle(&self) -> crate::MimeBundle {
                self.0.bundle()
            }
        }

        impl $(<$parameter: $bound>)? super::handle::Widget for $type $(<$parameter>)? {
            fn handle(&self) -> &super::handle::Handle {
                &self.0
            }
        }

        impl $(<$parameter: $bound>)? $type $(<$parameter>)? {
            /// Closes it: its views go, and whoever waits for it gets [`Closed`](super::Closed).
            pub fn close(&self) {
                self.0.close();
            }

            /// Whether it was closed, here or by the frontend.
            pub fn is_closed(&self) -> bool {
                self.0.is_closed()
            }
        }
    };
}

/// What widgets with words beside them have.
macro_rules! labelled {
    ($type:ident $(<$parameter:ident: $bound:path>)?) => {
        impl $(<$parameter: $bound>)? $type $(<$parameter>)? {
            /// The same with these words beside it.
            #[must_use]
            pub fn label(self, label: &str) -> Self {
                self.set_label(label);
                self
            }

            /// Puts these words beside it.
            pub fn set_label(&self, label: &str) {
                self.0.set_text("description", label);
            }

            /// The same with words that are shown where the mouse rests on it.
            #[must_use]
            pub fn tooltip(self, words: &str) -> Self {
                self.0.set_text("tooltip", words);
                self
            }
        }
    };
}

/// What widgets that one can use have.
macro_rules! control {
    ($type:ident $(<$parameter:ident: $bound:path>)?) => {
        impl $(<$parameter: $bound>)? $type $(<$parameter>)? {
            /// Whether it can be used; where it cannot, it is grey.
            pub fn set_enabled(&self, is_enabled: bool) {
                self.0.set_flag("disabled", !is_enabled);
            }
        }
    };
}

/// What widgets with a value have; `$read`: a function from the fields, `$now`: one from the handle.
macro_rules! value {
    ($type:ident $(<$parameter:ident: $bound:path>)?, $value:ty, $read:expr) => {
        super::handle::value! { $type $(<$parameter: $bound>)?, $value, $read, |handle| handle.read($read) }
    };
    ($type:ident $(<$parameter:ident: $bound:path>)?, $value:ty, $read:expr, $now:expr) => {
        impl $(<$parameter: $bound>)? $type $(<$parameter>)? {
            /// The value that it has now.
            pub fn value(&self) -> $value {
                let now: fn(&super::handle::Handle) -> $value = $now;
                now(&self.0)
            }

            /// Waits for another value than the last that this handle gave, by whomever, and gives it: the latest, where
            /// there were several.
            ///
            /// # Errors
            /// [`Closed`](super::Closed), when there will be no more.
            ///
            /// # Cancel safety
            /// Nothing is lost when it is dropped: the next call gives what this one would have given.
            pub fn changed(&self) -> super::Change<$value> {
                super::Change::new(self.0.wait(super::model::Event::Change), $read)
            }

            /// The values that it gets from now on, until it is closed. Who reads slowly misses those between: the latest
            /// wins.
            pub fn changes(&self) -> super::Changes<$value> {
                super::Changes::new(self.0.listen(super::model::Event::Change), $read)
            }
        }
    };
}

pub(super) use {control, labelled, value, widget};
