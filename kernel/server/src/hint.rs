//! The hints that the kernel gives, by kind: what each kind is called and is about, and which are switched off. Where
//! hints come from and how they are shown is not known here.

use std::{collections::BTreeSet, fmt::Write as _};

use ipc::Hint;

/// All kinds, as `:hints` lists them.
const KINDS: [(Hint, &str, &str); 8] = [
    (Hint::Blocking, "blocking", "code that holds a thread of the runtime for long without an `.await`"),
    (Hint::Panic, "panic", "tasks and threads that panicked"),
    (Hint::Drop, "drop", "variables that panicked while they were dropped, or took long"),
    (Hint::Unawaited, "unawaited", "futures that were dropped without being awaited"),
    (Hint::Guard, "guard", "locks of std that are held over an `.await`"),
    (Hint::Runtime, "runtime", "runtimes inside of the kernel's runtime"),
    (Hint::Channel, "channel", "channels whose other end is gone"),
    (Hint::Waiting, "waiting", "cells that wait for what nobody is left to do"),
];

/// The kind that is called so.
pub(crate) fn named(name: &str) -> Option<Hint> {
    KINDS.iter().find(|(_, known, _)| *known == name).map(|(hint, ..)| *hint)
}

/// What all kinds are called, for a sentence.
pub(crate) fn names() -> String {
    KINDS.map(|(_, name, _)| format!("`{name}`")).join(", ")
}

/// A hint, as it is shown.
pub(crate) fn shown(text: &str) -> String {
    format!("hint: {text}")
}

/// The switches of the kinds of hints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    off: BTreeSet<Hint>,
}

impl Hints {
    /// Whether this kind is given.
    pub(crate) fn is_on(&self, hint: Hint) -> bool {
        !self.off.contains(&hint)
    }

    /// Switches one kind on or off, or all of them.
    pub(crate) fn switch(&mut self, hint: Option<Hint>, on: bool) {
        for (kind, ..) in KINDS.iter().filter(|(kind, ..)| hint.is_none_or(|hint| hint == *kind)) {
            if on {
                self.off.remove(kind);
            } else {
                self.off.insert(*kind);
            }
        }
    }

    /// The table that `:hints` shows.
    pub(crate) fn list(&self) -> String {
        let mut text = String::from("`:hints off panic` switches a kind of hints off, `:hints off` all of them.\n");
        for (hint, name, words) in KINDS {
            let state = if self.is_on(hint) { "on" } else { "off" };
            let _ = write!(text, "\n  {name:<10} {state:<4} {words}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_switched_alone_and_together() {
        let mut hints = Hints::default();
        hints.switch(Some(Hint::Guard), false);
        let on = |hints: &Hints| KINDS.iter().filter(|(hint, ..)| hints.is_on(*hint)).count();
        assert_eq!((on(&hints), hints.is_on(Hint::Guard)), (7, false));
        assert!(hints.list().contains("\n  guard      off  locks"));
        hints.switch(None, false);
        assert_eq!(on(&hints), 0);
        hints.switch(Some(Hint::Guard), true);
        assert_eq!((on(&hints), hints.is_on(Hint::Guard)), (1, true));
        hints.switch(None, true);
        assert_eq!(on(&hints), 8);
    }

    #[test]
    fn names_are_the_wires() {
        for (hint, name, _) in KINDS {
            assert_eq!(serde_json::to_value(hint).unwrap(), name);
            assert_eq!(named(name), Some(hint));
        }
        assert_eq!(named("doom"), None);
    }
}
