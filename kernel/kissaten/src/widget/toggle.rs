//! What is on or off.

use super::handle::{Handle, control, labelled, value, widget};
use super::kind::{CHECKBOX, TOGGLE, WidgetKind};
use super::state::{self, Fields};

fn value(fields: &Fields) -> bool {
    state::is_true(state::field(fields, "value"))
}

fn switch(kind: &'static WidgetKind, label: &str) -> Handle {
    Handle::new(kind, vec![("description", label.into()), ("value", false.into()), ("disabled", false.into())])
}

macro_rules! switches {
    ($($(#[$doc:meta])* $type:ident $kind:ident)*) => { $(
        $(#[$doc])*
        pub struct $type(Handle);

        widget! { $type }
        labelled! { $type }
        control! { $type }
        value! { $type, bool, value }

        impl $type {
            /// One with these words, which is off.
            pub fn new(label: &str) -> Self {
                Self::of(switch(&$kind, label))
            }

            fn of(handle: Handle) -> Self {
                Self(handle)
            }

            /// The same, on or off.
            #[must_use]
            pub fn with_value(self, is_on: bool) -> Self {
                self.set(is_on);
                self
            }

            /// Switches it.
            pub fn set(&self, is_on: bool) {
                self.0.set("value", is_on);
            }
        }
    )* };
}

switches! {
    /// A checkbox with words behind it.
    ///
    /// ```
    /// # use kissaten::widget::Checkbox;
    /// let sugar = Checkbox::new("Sugar").with_value(true);
    /// assert!(sugar.value());
    /// ```
    Checkbox CHECKBOX
    /// A button that stays down until it is clicked again.
    ///
    /// ```
    /// # use kissaten::widget::Toggle;
    /// let paused = Toggle::new("Pause");
    /// assert!(!paused.value());
    /// ```
    Toggle TOGGLE
}
