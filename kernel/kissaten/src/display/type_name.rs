//! What the name of a type, as rustc writes it into programs, says to people: shortened, and for values that can only be called
//! that they can.
//!
//! The compiler, which knows more of a variable, says it in the same words (`compiler/src/lower/tail.rs`). It needs nothing of the
//! crate around it: exported programs have it as well.

/// What rustc calls a closure in the name of a type, behind the path of what it stands in.
const CLOSURE: &str = "::{{closure}}";

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

/// What is shown of a value whose type has no `Debug`; `is_empty`: it takes no room.
pub(crate) fn nameless(type_name: &str, is_empty: bool) -> String {
    let name = without_places(type_name);
    if name == "{closure}" {
        return "a closure, which has nothing to show until it is called".to_owned();
    }
    let name = short_type(&name);
    if is_empty && name.starts_with(|first: char| first.is_lowercase()) {
        return format!("the function `{name}`, which has nothing to show until it is called");
    }
    format!("a value of type `{name}`, which cannot be shown: it has no `Debug` (try `#[derive(Debug)]`)")
}

/// What is shown of a pointer to a function, whose `Debug` is an address.
pub(crate) fn pointer(type_name: &str) -> Option<String> {
    is_pointer(type_name)
        .then(|| format!("a function (`{}`), which has nothing to show until it is called", short_type(type_name)))
}

/// Whether it is the type of a pointer to a function.
pub(crate) fn is_pointer(type_name: &str) -> bool {
    let rest = match type_name.strip_prefix("for<") {
        Some(bound) => bound.split_once("> ").map_or("", |(_, rest)| rest),
        None => type_name,
    };
    let rest = rest.strip_prefix("unsafe ").unwrap_or(rest);
    rest.starts_with("fn(") || rest.starts_with("extern \"")
}

/// A type's name in which closures are called so instead of by where they stand.
fn without_places(type_name: &str) -> String {
    let is_path = |character: char| character == '_' || character == ':' || character.is_alphanumeric();
    let mut out = String::with_capacity(type_name.len());
    let mut rest = type_name;
    while let Some(at) = rest.find(CLOSURE) {
        out.push_str(rest[..at].trim_end_matches(is_path));
        out.push_str("{closure}");
        rest = &rest[at..];
        while let Some(behind) = rest.strip_prefix(CLOSURE) {
            rest = behind;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_without_their_paths() {
        assert_eq!(short_type("alloc::vec::Vec<notebook::P>"), "Vec<P>");
        assert_eq!(short_type("(i32, &str)"), "(i32, &str)");
        assert_eq!(short_type("<a::B as c::D>::E"), "<B as D>::E");
    }

    #[test]
    fn what_can_only_be_called_says_so() {
        for (type_name, text) in [
            (
                "kissaten_cell_1::{{closure}}::{{closure}}::{{closure}}",
                "a closure, which has nothing to show until it is called",
            ),
            ("notebook::brew", "the function `brew`, which has nothing to show until it is called"),
            (
                "(notebook::make::{{closure}}, alloc::string::String)",
                "a value of type `({closure}, String)`, which cannot be shown: it has no `Debug` (try `#[derive(Debug)]`)",
            ),
            (
                "notebook::Cup",
                "a value of type `Cup`, which cannot be shown: it has no `Debug` (try `#[derive(Debug)]`)",
            ),
        ] {
            assert_eq!(nameless(type_name, true), text);
        }
    }

    #[test]
    fn pointers_to_functions_show_no_address() {
        assert_eq!(
            pointer("fn(u32) -> alloc::string::String").unwrap(),
            "a function (`fn(u32) -> String`), which has nothing to show until it is called"
        );
        for function in ["for<'a> fn(&'a str) -> &'a str", "unsafe extern \"C\" fn(i32)", "unsafe fn()"] {
            assert!(is_pointer(function), "{function}");
        }
        for other in ["notebook::fn_like", "alloc::vec::Vec<fn()>", "for_each"] {
            assert!(!is_pointer(other), "{other}");
        }
    }
}
