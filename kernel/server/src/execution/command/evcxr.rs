//! evcxr's commands that have nothing to do here, so that its notebooks and its `init.evcxr` go on: each says in a line
//! what is there instead. Those that Kissaten has under the same names are not here.

/// Names and what replaces them.
const REPLACED: [(&str, &str); 14] = [
    ("allow_static_linking", "every cell links to one tokio, always: there is no other way of linking."),
    ("build_env", "rustc has the environment that the kernel was started with: set the variable there."),
    ("clear_cache", "what was compiled is kept and cleaned up by itself; `:cache clear` forgets what cells became."),
    ("codegen_backend", "cells are compiled with rustc's own backend."),
    ("efmt", "an error that a `?` returns is shown by `Display`, with its sources, or by `Debug` if it has no other."),
    ("internal_debug", "start the kernel with `KISSATEN_LOG=debug` to see what it does."),
    ("last_error_json", "errors are shown whole; `:explain` explains the last one."),
    ("linker", "the linker that comes with rustc is used, where there is one: it is the fastest."),
    ("load_config", "`init.evcxr` and `prelude.rs` are read when the kernel starts: restart it."),
    ("preserve_vars_on_panic", "variables survive every panic."),
    ("restart", "restart the kernel from the frontend's menu; `:clear` forgets all variables and items."),
    ("sccache", "what was compiled is kept by itself: there is nothing to switch on."),
    ("time_passes", "`:timing` tells how long compiling and running take."),
    ("toolchain", "cells are compiled by the rustc that the kernel was started with; `:version` tells which."),
];

/// What there is instead of a command of evcxr's: a sentence for a note.
pub(super) fn replaced(name: &str) -> Option<String> {
    let (name, sentence) = REPLACED.iter().find(|(replaced, _)| *replaced == name)?;
    Some(format!("`:{name}` does nothing here: {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_says_by_what_in_a_line() {
        for (name, sentence) in REPLACED {
            assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{name}");
        }
        assert!(REPLACED.is_sorted());
        assert_eq!(
            replaced("preserve_vars_on_panic").as_deref(),
            Some("`:preserve_vars_on_panic` does nothing here: variables survive every panic.")
        );
        assert_eq!(replaced("vars"), None);
    }
}
