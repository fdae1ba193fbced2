//! Foreign text on its way into a display: made safe for the format, and as long as there is room for.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text for HTML and XML, between tags or in a quoted attribute.
///
/// Control characters are replaced: XML has no way to write them, and nobody sees them.
pub(crate) fn escape(text: &str) -> String {
    html_escape::encode_double_quoted_attribute(&printable(text)).into_owned()
}

/// Text on one line, without control characters and what XML does not allow.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let foreign = |character: char| character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}');
    if !text.contains(foreign) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(foreign, " "))
}

/// How many columns of a terminal the text takes: Chinese takes two for each character.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The text with spaces behind it, so that it takes that many columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{text}{:missing$}", "")
}

/// The text with spaces before it, so that it takes that many columns.
pub(crate) fn padded_left(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{:missing$}{text}", "")
}

/// The text in at most that many columns, with an ellipsis at its end if it is longer.
pub(crate) fn head(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    Cow::Owned(fitting(text.chars(), width.saturating_sub(1)).into_iter().chain(['…']).collect())
}

/// The text in at most that many columns, with an ellipsis in its middle if it is longer: the start of a name says
/// where it is from, and the end what it is.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let room = width.saturating_sub(1);
    let head = fitting(text.chars(), room.div_ceil(2));
    let rest = text.chars().rev().take(text.chars().count() - head.len());
    let used: usize = head.iter().filter_map(|character| character.width()).sum();
    let tail = fitting(rest, room.saturating_sub(used));
    Cow::Owned(head.into_iter().chain(['…']).chain(tail.into_iter().rev()).collect())
}

/// The characters up to that many columns.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> Vec<char> {
    let mut used = 0;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= width
    };
    characters.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_do_not_come_through() {
        assert_eq!(escape("<a & \"b\">\u{1b}[0m"), "&lt;a &amp; &quot;b&quot;&gt; [0m");
    }

    #[test]
    fn long_text_loses_its_middle() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("fetch_all_the_pages", 9), "fetc…ages");
        assert_eq!(cut("喫茶店喫茶店", 7), "喫…茶店");
        assert_eq!(cut("ab", 1), "…");
        assert_eq!(cut("ab", 0), "…");
    }
}
