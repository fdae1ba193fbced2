//! Text that can be replaced where it stands.

use super::handle::{Handle, labelled, widget};
use super::kind::{HTML, LABEL, WidgetKind};
use super::state;

fn shown(kind: &'static WidgetKind, text: &str) -> Handle {
    Handle::new(kind, vec![("value", text.into()), ("placeholder", "\u{200b}".into())])
}

macro_rules! texts {
    ($($(#[$doc:meta])* $type:ident $kind:ident)*) => { $(
        $(#[$doc])*
        pub struct $type(Handle);

        widget! { $type }
        labelled! { $type }

        impl $type {
            /// One that shows this.
            pub fn new(text: &str) -> Self {
                Self::of(shown(&$kind, text))
            }

            fn of(handle: Handle) -> Self {
                Self(handle)
            }

            /// What it shows.
            pub fn value(&self) -> String {
                self.0.read(|fields| state::text(state::field(fields, "value")).to_owned())
            }

            /// Shows this instead. It may be called as often as one likes: of what comes faster than a page draws, the
            /// last is shown.
            pub fn set(&self, text: &str) {
                self.0.set("value", text);
            }
        }
    )* };
}

texts! {
    /// A line of text.
    ///
    /// ```
    /// # use kissaten::widget::Label;
    /// let state = Label::new("grinding");
    /// state.set(&format!("{} g", 18));
    /// ```
    Label LABEL
    /// Text that is shown as HTML.
    ///
    /// ```
    /// # use kissaten::widget::Html;
    /// let state = Html::new("<b>grinding</b>");
    /// ```
    Html HTML
}
