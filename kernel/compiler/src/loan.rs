//! The types of variables that borrow: which have lifetimes, and how a later cell writes them.
//!
//! rustc prints a type with its lifetimes left out, as `'_`, or as what they are called; those of a `for<'a>` it always
//! calls by name. So whatever has no name is one that the variable borrows for.

use std::borrow::Cow;

use crate::binding::end_of_bounds;

/// Whether the type has no lifetime in it: nothing that borrows can be put into such a value.
pub(crate) fn is_plain(type_text: &str) -> bool {
    !type_text.contains(['&', '\'']) && !type_text.contains("dyn ")
}

/// Whether a type may be read back as another one than rustc meant: it prints lifetimes that it has erased as if they were
/// left out, and in what a function takes and returns a lifetime that is left out is any.
pub(crate) fn is_of_calls(type_text: &str) -> bool {
    ["fn(", "Fn(", "FnMut(", "FnOnce("].iter().any(|call| type_text.contains(call))
}

/// The type of a variable that borrows from nothing that ends, as generated code writes it.
pub(crate) fn lasting(type_text: &str) -> Cow<'_, str> {
    if is_of_calls(type_text) { with_lifetime(type_text, "'static").into() } else { type_text.into() }
}

/// The type with one lifetime in place of each that has no name.
pub(crate) fn with_lifetime(type_text: &str, lifetime: &str) -> String {
    let mut out = String::with_capacity(type_text.len() + 32);
    let mut rest = type_text;
    while let Some(at) = rest.find(['&', '\'', 'd']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after_word = |text: &str| !text.ends_with(|last: char| last == '_' || last.is_alphanumeric());
        if let Some(after) = from.strip_prefix('&') {
            out.push('&');
            if !after.starts_with('\'') {
                out.push_str(lifetime);
                out.push(' ');
            }
            rest = after;
        } else if let Some(after) = from.strip_prefix("'_")
            && !after.starts_with(|next: char| next == '_' || next.is_alphanumeric())
        {
            out.push_str(lifetime);
            rest = after;
        } else if from.starts_with("dyn ") && after_word(&out) {
            let end = end_of_bounds(from);
            let (bounds, after) = from.split_at(end);
            object(&mut out, bounds, lifetime);
            rest = after;
        } else {
            let (first, after) = from.split_at(1);
            out.push_str(first);
            rest = after;
        }
    }
    out + rest
}

/// A trait object with a bound; `&dyn A + 'a` would be read as something else.
fn object(out: &mut String, bounds: &str, lifetime: &str) {
    let before = out.strip_suffix(' ').and_then(|before| before.rsplit(['&', '*', ' ']).next());
    let in_brackets = before.is_some_and(|word| word.starts_with('\'') || matches!(word, "mut" | "const"));
    let inner = format!("dyn {}", with_lifetime(&bounds["dyn ".len()..], lifetime));
    let is_bound = has_lifetime_bound(&inner);
    let bound = if is_bound { String::new() } else { format!(" + {lifetime}") };
    if in_brackets {
        out.push_str(&format!("({inner}{bound})"));
    } else {
        out.push_str(&format!("{inner}{bound}"));
    }
}

/// Whether one of the bounds, on their own level, is a lifetime.
fn has_lifetime_bound(bounds: &str) -> bool {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, character) in bounds.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if previous == '-' => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            '+' if depth == 0 && bounds[at + 1..].trim_start().starts_with('\'') => return true,
            _ => {}
        }
        previous = character;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_without_a_name_get_one() {
        let named = |text| with_lifetime(text, "'x");
        assert_eq!(named("std::vec::Vec<&str>"), "std::vec::Vec<&'x str>");
        assert_eq!(
            named("&mut std::vec::Vec<notebook::d::P<'_, i32>>"),
            "&'x mut std::vec::Vec<notebook::d::P<'x, i32>>"
        );
        assert_eq!(named("&'static str"), "&'static str");
        assert_eq!(
            named("std::boxed::Box<dyn std::ops::Fn() -> usize>"),
            "std::boxed::Box<dyn std::ops::Fn() -> usize + 'x>"
        );
        assert_eq!(named("&dyn std::fmt::Debug"), "&'x (dyn std::fmt::Debug + 'x)");
        assert_eq!(named("&(dyn A + B)"), "&'x (dyn A + B + 'x)");
        assert_eq!(named("(&[&str], &[u8; 3])"), "(&'x [&'x str], &'x [u8; 3])");
        assert_eq!(named("for<'a> fn(&'a str) -> &'a str"), "for<'a> fn(&'a str) -> &'a str");
        assert_eq!(named("Box<dyn A + 'static>"), "Box<dyn A + 'static>");
        assert_eq!(
            named("Box<dyn for<'a> std::ops::Fn(&'a str, &str) -> Box<dyn B> + Send>"),
            "Box<dyn for<'a> std::ops::Fn(&'a str, &'x str) -> Box<dyn B + 'x> + Send + 'x>"
        );
        assert_eq!(named("notebook::Padyn<dyn_x>"), "notebook::Padyn<dyn_x>");
    }

    #[test]
    fn what_is_called_takes_and_returns_what_lasts() {
        assert_eq!(lasting("fn(&str, (&mut u8, u128)) -> Row"), "fn(&'static str, (&'static mut u8, u128)) -> Row");
        assert_eq!(
            lasting("(u8, std::sync::Arc<dyn std::ops::Fn() -> P<'_> + Send>)"),
            "(u8, std::sync::Arc<dyn std::ops::Fn() -> P<'static> + Send + 'static>)"
        );
        assert_eq!(lasting("for<'a> fn(&'a str, &str) -> &'a str"), "for<'a> fn(&'a str, &'static str) -> &'a str");
        assert_eq!(lasting("std::vec::Vec<&str>"), "std::vec::Vec<&str>");
    }

    #[test]
    fn plain_types_have_no_lifetime() {
        assert!(is_plain("std::vec::Vec<(std::string::String, [u8; 3])>"));
        for text in ["&str", "P<'_>", "std::boxed::Box<dyn A>", "for<'a> fn(&'a str)"] {
            assert!(!is_plain(text));
        }
    }
}
