//! The bounds of trait objects in types that rustc prints: where they end, and the brackets that they need. It knows types as
//! text alone.

/// `&dyn A + B` is what rustc prints and does not read: it wants `&(dyn A + B)`.
pub(super) fn parenthesised(printed: &str) -> String {
    let mut out = String::with_capacity(printed.len() + 2);
    let mut rest = printed;
    while let Some(at) = rest.find("dyn ") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = end_of_bounds(from);
        let (bounds, after) = from.split_at(end);
        let behind_pointer = before.ends_with('&') || before.ends_with("mut ") || before.ends_with("const ");
        // Bounds can hold further trait objects.
        let inner = format!("dyn {}", parenthesised(&bounds["dyn ".len()..]));
        if behind_pointer && has_plus(bounds) {
            out.push('(');
            out.push_str(&inner);
            out.push(')');
        } else {
            out.push_str(&inner);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where the bounds of a trait object end: at what closes or separates on their own level.
pub(crate) fn end_of_bounds(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if previous == '-' => {}
            '>' | ')' | ']' | ',' | ';' if depth == 0 => return at,
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        previous = character;
    }
    text.len()
}

/// Whether there is a `+` on the bounds' own level.
fn has_plus(bounds: &str) -> bool {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for character in bounds.chars() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if previous == '-' => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            '+' if depth == 0 => return true,
            _ => {}
        }
        previous = character;
    }
    false
}
