//! Names that other kernels give to results: what is said of them where somebody writes them out of habit.

/// A note on an error that such a name led to.
pub(super) fn note(message: &str, code: &str) -> Option<String> {
    let name = message.split('`').nth(1).unwrap_or_default();
    let is_underscore = message.starts_with("in expressions, `_` can only be used");
    let is_missed = is_underscore || code == "E0425" && is_result(name);
    if !is_missed {
        return None;
    }
    Some("a result has no name here, as `_` and `Out[3]` are in IPython: write `let x = …;` to keep one, and `x` to show it".to_owned())
}

/// IPython's `Out`, `In`, `_`, `__`, `_3`, `_i3`, `_ih`.
fn is_result(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|character| character.is_ascii_digit());
    matches!(name, "Out" | "In" | "__" | "___" | "_i" | "_ih" | "_oh" | "_ii")
        || name.strip_prefix("_i").or_else(|| name.strip_prefix('_')).is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_no_names() {
        let missing = |name: &str| note(&format!("cannot find value `{name}` in this scope"), "E0425").is_some();
        assert!(missing("Out") && missing("_3") && missing("__") && missing("_i12"));
        assert!(!missing("_x") && !missing("out") && !missing("x_3") && missing("_i"));
        assert!(note("in expressions, `_` can only be used on the left-hand side of an assignment", "").is_some());
        assert!(note("cannot find type `Out` in this scope", "E0412").is_none());
    }
}
