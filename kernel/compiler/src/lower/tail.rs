//! What goes around the tail expression of a cell: what it shows.

use std::ops::Range;

use super::Frame;
use crate::parse::{OkUnit, Parsed};

/// What rustc's lint prints the type of the tail expression for.
pub(crate) const ASKED: &str = "__kissaten_tail as &_";

/// What is done with the tail expression; see `kissaten::display::probe`.
const SHOW: &str = "use ::kissaten::__cell::probes::*; \
    let __kissaten_shown = __kissaten_tail.evcxr_display(); \
    if !(&__kissaten_shown).has_shown() { \
    (&&&&&&::kissaten::__cell::Tail(__kissaten_tail)).show(); }";

/// The text before the tail expression and that behind it.
pub(super) fn around(text: &str, tail: &Range<usize>, parsed: &Parsed, frame: &Frame<'_>) -> (&'static str, String) {
    match parsed.ok_unit {
        Some(OkUnit::Bare) => ("let _: ::core::result::Result<(), ::kissaten::__cell::CellError> = ", ";".to_owned()),
        Some(OkUnit::Typed) => ("let _: _ = ", ";".to_owned()),
        None => {
            let asked =
                if frame.show_type { format!("#[warn(trivial_casts)] let _ = {ASKED};") } else { String::new() };
            let show = if frame.shows_debug {
                "::kissaten::__cell::show_debug(__kissaten_tail);".to_owned()
            } else {
                shown(text, tail, parsed, frame)
            };
            ("match &(", format!("\n) {{ __kissaten_tail => {{ {asked} {show} }} }}"))
        }
    }
}

/// What is done with the tail expression.
fn shown(text: &str, tail: &Range<usize>, parsed: &Parsed, frame: &Frame<'_>) -> String {
    match callable(text, tail, parsed, frame) {
        Some(words) => format!("let _ = __kissaten_tail; ::kissaten::__cell::show_text({words:?});"),
        None => SHOW.to_owned(),
    }
}

/// What is said of a closure, where more is known of it than its type has in its name: that it is async, or what it was
/// before it was boxed. In the words of `kissaten/src/display/type_name.rs`.
fn callable(text: &str, tail: &Range<usize>, parsed: &Parsed, frame: &Frame<'_>) -> Option<String> {
    let said = |is_async: bool, type_text: Option<&str>| {
        let (kind, and) = if is_async { ("an async closure", " and awaited") } else { ("a closure", "") };
        let type_text = type_text.map(|type_text| format!(" (`{type_text}`)")).unwrap_or_default();
        format!("{kind}{type_text}, which has nothing to show until it is called{and}")
    };
    if let Some(closure) = parsed.closures.iter().find(|closure| closure.range == *tail) {
        return closure.is_async.then(|| said(true, None));
    }
    let name = &text[tail.clone()];
    let is_new = parsed.bindings.iter().any(|binding| binding.name == name);
    let binding = frame.take.iter().find(|binding| binding.name == name && !is_new)?;
    let shown = binding.shown_type();
    let mut held = shown.as_str();
    for holder in ["Box<", "Arc<", "Rc<", "dyn ", "impl "] {
        held = held.strip_prefix(holder).unwrap_or(held);
    }
    if let Some((_, behind)) = held.strip_prefix("for<").and_then(|bound| bound.split_once("> ")) {
        held = behind;
    }
    ["Fn(", "FnMut(", "FnOnce("].iter().any(|call| held.starts_with(call)).then(|| {
        let is_async = ["-> impl Future", "-> Pin<Box<dyn Future"].iter().any(|future| shown.contains(future));
        said(is_async, Some(&shown))
    })
}
