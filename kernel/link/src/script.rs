//! What is exported, in the words of a version script as rustc writes it: names, and all others are local.

use std::collections::HashSet;

use crate::elsewhere::{Result, not_ours};

/// The names that `{ global: a; b; local: *; };` exports.
pub(crate) fn exported(script: &str) -> Result<HashSet<&str>> {
    let mut words = script.split_whitespace();
    let mut names = HashSet::new();
    if words.next() != Some("{") {
        return not_ours("a version script of another kind");
    }
    let mut is_global = false;
    while let Some(word) = words.next() {
        match (word, word.strip_suffix(';')) {
            ("global:", _) => is_global = true,
            ("local:", _) => {
                let rest: Vec<_> = words.collect();
                return if rest == ["*;", "};"] { Ok(names) } else { not_ours("a version script with other locals") };
            }
            (_, Some(name))
                if is_global && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"*?[\"{};".contains(&byte)) =>
            {
                names.insert(name);
            }
            _ => return not_ours(format!("{word} in a version script")),
        }
    }
    not_ours("a version script without its end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exported() {
        let names = exported("{\n  global:\n    a;\n    _ZN1$b.2E;\n\n  local:\n    *;\n};").unwrap();
        assert_eq!(names, ["a", "_ZN1$b.2E"].into());
        assert!(exported("{\n  local:\n    *;\n};").unwrap().is_empty());
        for script in
            ["", "VERS_1 { global: a; };", "{ global: a*; local: *; };", "{ global: a; };", "{ global: a; local: b; };"]
        {
            assert!(exported(script).is_err(), "{script}");
        }
    }
}
