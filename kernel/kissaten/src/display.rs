//! How values are shown: MIME bundles, the trait for them, and the choice for a tail expression.

pub(crate) mod duration;
pub mod probe;
pub(crate) mod table;
pub(crate) mod text;

use std::fmt::{self, Debug, Write};

use crate::{here, runtime};

/// Longer than this, in characters, and a `Debug` text is laid out over several lines.
const LONG: usize = 80;
/// Longer than this, in bytes, and a shown text is cut: a frontend must stay usable.
const TOO_LONG: usize = 1 << 20;

/// Representations of one thing: MIME type and content. The content of JSON types is JSON text, that of binary
/// types base64, that of all others the text itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimeBundle(Vec<(String, String)>);

impl MimeBundle {
    /// An empty bundle; it needs at least one representation to be shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a representation, or replaces the one of this type.
    #[must_use]
    pub fn with(mut self, mime_type: impl Into<String>, content: impl Into<String>) -> Self {
        let (mime_type, content) = (mime_type.into(), content.into());
        self.0.retain(|(present, _)| *present != mime_type);
        self.0.push((mime_type, content));
        self
    }

    /// The representations, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(mime_type, content)| (mime_type.as_str(), content.as_str()))
    }
}

/// A type that says itself how it is shown in a notebook.
pub trait Display {
    /// All representations; the frontend shows the richest that it can.
    fn mime_bundle(&self) -> MimeBundle;
}

impl Display for MimeBundle {
    fn mime_bundle(&self) -> MimeBundle {
        self.clone()
    }
}

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident $mime:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub T);

        impl<T: AsRef<str>> Display for $name<T> {
            fn mime_bundle(&self) -> MimeBundle {
                MimeBundle::new().with($mime, self.0.as_ref()).with("text/plain", self.0.as_ref())
            }
        }
    )* };
}

text_types! {
    /// Text that is shown as HTML.
    Html "text/html";
    /// Text that is shown as Markdown.
    Markdown "text/markdown";
    /// Text that is shown as an SVG picture.
    Svg "image/svg+xml";
    /// Text that is shown as it is, without quotes.
    Plain "text/plain";
}

/// Shows a value at once, under the cell that the running code belongs to: a task's under the cell that spawned it.
pub fn display<T: Display + ?Sized>(value: &T) {
    match here::run_or_current() {
        0 => {}
        cell => runtime::send_display(cell, value.mime_bundle(), None, false),
    }
}

/// The text of a `Debug` value: on one line, or laid out where that line would be long; cut where it is endless.
fn debug_text(value: &dyn Debug) -> String {
    let mut line = Limited { text: String::new(), limit: LONG * 4 };
    let fits = write!(line, "{value:?}").is_ok() && line.text.chars().count() <= LONG;
    if fits {
        return line.text;
    }
    let mut text = Limited { text: String::new(), limit: TOO_LONG };
    if write!(text, "{value:#?}").is_err() {
        text.text.push_str("\n… (cut)");
    }
    text.text
}

/// A value in at most so many characters, for a table.
fn short_text(value: &dyn Debug, characters: usize) -> String {
    let mut text = Limited { text: String::new(), limit: characters * 4 };
    let whole = write!(text, "{value:?}").is_ok() && text.text.chars().count() <= characters;
    if whole { text.text } else { text.text.chars().take(characters.saturating_sub(1)).chain(['…']).collect() }
}

/// A type's name without the paths in it.
pub(crate) fn short_type(name: &str) -> String {
    let is_part = |character: char| character == '_' || character.is_alphanumeric();
    let mut out = String::with_capacity(name.len());
    for piece in name.split_inclusive(|character| !is_part(character) && character != ':') {
        // A path, and what ended it.
        let path = piece.trim_end_matches(|character| !is_part(character));
        if path.starts_with("::") {
            // It goes on behind a bracket, as in `<B as D>::E`.
            out.push_str("::");
        }
        out.push_str(path.rsplit("::").next().unwrap_or(path));
        out.push_str(&piece[path.len()..]);
    }
    out
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
    fn a_long_value_is_laid_out_and_an_endless_one_is_cut() {
        assert_eq!(debug_text(&vec![1, 2]), "[1, 2]");
        assert!(debug_text(&vec![123_456; 20]).contains("\n    123456,"));
        let endless = debug_text(&vec![0_u8; 10_000_000]);
        assert!(endless.len() < TOO_LONG + 100 && endless.ends_with("… (cut)"));
    }

    #[test]
    fn types_are_named_without_their_paths() {
        assert_eq!(short_type("alloc::vec::Vec<notebook::P>"), "Vec<P>");
        assert_eq!(short_type("(i32, &str)"), "(i32, &str)");
        assert_eq!(short_type("<a::B as c::D>::E"), "<B as D>::E");
    }

    #[test]
    fn a_short_value_counts_characters() {
        assert_eq!(short_text(&"ähm", 10), "\"ähm\"");
        assert_eq!(short_text(&"喫茶店喫茶店", 5), "\"喫茶店…");
    }
}
