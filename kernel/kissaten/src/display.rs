//! Displays: MIME bundles, the trait for them, and the choice for a tail expression.

pub(crate) mod adapter;
mod bundle;
pub(crate) mod debug;
pub(crate) mod duration;
pub(crate) mod json;
mod kind;
mod lines;
pub mod probe;
mod rows;
pub(crate) mod show;
pub(crate) mod table;
pub(crate) mod text;
mod type_name;
pub(crate) mod value;

use std::fmt::{self, Debug, Write};

pub use self::bundle::MimeBundle;
use self::debug::debug_text;
pub use self::json::{Json, JsonError};
pub use self::kind::{Html, Jpeg, Latex, Markdown, Plain, Png, Svg};
pub use self::rows::table;
pub use self::show::{DisplayHandle, clear_output, display, display_under, display_with_id, update_display};
pub(crate) use self::type_name::short_type;

/// Longer than this, in bytes, and a shown text is cut: a frontend must stay usable.
const TOO_LONG: usize = 1 << 20;

/// A type that says itself how it is shown in a notebook: as the value of a cell, and by [`display`].
///
/// ```
/// struct Rgb(u8, u8, u8);
///
/// impl kissaten::Display for Rgb {
///     fn mime_bundle(&self) -> kissaten::MimeBundle {
///         let Rgb(r, g, b) = self;
///         kissaten::Html(format!(r#"<b style="color: rgb({r} {g} {b})">■</b>"#)).into()
///     }
/// }
/// ```
///
/// References and smart pointers show what they point to. `Some` and `Ok` show what is in them, `None` and `Err` say so.
pub trait Display {
    /// All representations; the frontend shows the richest that it can.
    fn mime_bundle(&self) -> MimeBundle;
}

impl Display for MimeBundle {
    fn mime_bundle(&self) -> MimeBundle {
        self.clone()
    }
}

macro_rules! pointers {
    ($($pointer:ty)*) => { $(
        impl<T: Display + ?Sized> Display for $pointer {
            fn mime_bundle(&self) -> MimeBundle {
                (**self).mime_bundle()
            }
        }
    )* };
}

pointers! { &T &mut T Box<T> std::rc::Rc<T> std::sync::Arc<T> }

impl<T: Display> Display for Option<T> {
    fn mime_bundle(&self) -> MimeBundle {
        self.as_ref().map_or_else(|| plain("None".to_owned()), T::mime_bundle)
    }
}

impl<T: Display, E: Debug> Display for Result<T, E> {
    fn mime_bundle(&self) -> MimeBundle {
        match self {
            Ok(value) => value.mime_bundle(),
            Err(error) => plain(debug_text(&Err::<(), _>(error))),
        }
    }
}

fn plain(text: String) -> MimeBundle {
    MimeBundle::new().with("text/plain", text)
}

/// A value in at most so many characters, for a table.
fn short_text(value: &dyn Debug, characters: usize) -> String {
    let mut text = Limited { text: String::new(), limit: characters * 4 };
    let whole = write!(text, "{value:?}").is_ok() && text.text.chars().count() <= characters;
    if whole { text.text } else { text.text.chars().take(characters.saturating_sub(1)).chain(['…']).collect() }
}

/// Text that refuses to grow beyond a limit, which ends the formatting of an endless value early.
struct Limited {
    text: String,
    limit: usize,
}

impl Write for Limited {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.text.len());
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.text.push_str(&more[..more.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_value_shows_it() {
        let shown = |value: &dyn Display| value.mime_bundle().get("text/plain").map(str::to_owned);
        assert_eq!(shown(&&Box::new(std::sync::Arc::new(Plain("x")))), Some("x".into()));
        assert_eq!(shown(&Some(Plain("x"))), Some("x".into()));
        assert_eq!(shown(&None::<MimeBundle>), Some("None".into()));
        assert_eq!(shown(&Ok::<_, ()>(Plain("x"))), Some("x".into()));
        assert_eq!(shown(&Err::<MimeBundle, _>("oh")), Some("Err(\"oh\")".into()));
    }

    #[test]
    fn a_short_value_counts_characters() {
        assert_eq!(short_text(&"ähm", 10), "\"ähm\"");
        assert_eq!(short_text(&"喫茶店喫茶店", 5), "\"喫茶店…");
    }
}
