//! Hints at what compiles and is hardly meant: what the parser guessed, and futures that nobody awaits.

use std::collections::BTreeMap;

use super::attempt::Attempt;
use crate::api::{Hint, HintKind};
use crate::binding;
use crate::parse::{Future, FutureOf};
use crate::source_map::position_in;

impl Attempt<'_> {
    /// The hints on a cell that compiled, in the order of its text. `types` are those of its new variables.
    pub(super) fn hints(&self, types: &BTreeMap<String, String>) -> Vec<Hint> {
        let guesses = self.parsed.guesses.iter().map(|guess| (guess.at, guess.kind, guess.text.clone()));
        let futures = self.parsed.futures.iter().filter(|future| self.is_future(future, types));
        let futures = futures.map(|future| (future.at, HintKind::Unawaited, never_awaited(future)));
        let mut found: Vec<(usize, HintKind, String)> = guesses.chain(futures).collect();
        found.sort_by_key(|(at, ..)| *at);
        let place = |at: usize| format!("{}, line {}", self.cell.label, position_in(&self.cell.text, at).0);
        found.into_iter().map(|(at, kind, text)| Hint { kind, text: format!("{}: {text}", place(at)) }).collect()
    }

    fn is_future(&self, future: &Future, types: &BTreeMap<String, String>) -> bool {
        let by_type = || {
            let printed = future.name.as_ref().and_then(|name| types.get(name));
            printed.is_some_and(|printed| binding::is_nameless_future(printed))
        };
        match &future.of {
            FutureOf::Block => true,
            FutureOf::Call(function) => self.is_async(function) || by_type(),
            FutureOf::Type => by_type(),
        }
    }

    /// Whether a name is one of the notebook's async functions.
    fn is_async(&self, function: &str) -> bool {
        let named = |name: &str| name == function;
        self.items
            .items
            .iter()
            .any(|live| live.item.is_async && live.item.name.as_ref().is_some_and(|(_, name)| named(name)))
    }
}

fn never_awaited(future: &Future) -> String {
    let what = match (&future.name, &future.of) {
        (Some(name), _) => format!("`{name}` is a future that was never awaited"),
        (None, FutureOf::Call(function)) => format!("the future of `{function}` was never awaited"),
        (None, _) => "this future was never awaited".to_owned(),
    };
    format!("{what}: it did nothing; add `.await`")
}
