//! Hints at what compiles and is hardly meant: what the parser guessed, and futures that nobody awaits.

use std::collections::BTreeMap;

use super::attempt::Attempt;
use crate::api::{Hint, HintKind};
use crate::binding::{self, Binding};
use crate::parse::{self, Future, FutureOf};
use crate::source_map::position_in;

impl Attempt<'_> {
    /// The hints on a cell that compiled, in the order of its text. `types` are those of its new variables, `kept` the ones
    /// of them that later cells have.
    pub(super) fn hints(&self, types: &BTreeMap<String, String>, kept: &[Binding]) -> Vec<Hint> {
        let guesses = self.parsed.guesses.iter().map(|guess| (guess.at, guess.kind, guess.text.clone()));
        let is_kept = |name: &String| kept.iter().any(|binding| binding.name == *name);
        let futures = self.parsed.futures.iter().filter(|future| self.is_future(future, types));
        let futures = futures.filter(|future| !future.name.as_ref().is_some_and(is_kept));
        let futures = futures.map(|future| (future.at, HintKind::Unawaited, never_awaited(future)));
        let mut found: Vec<(usize, HintKind, String)> = guesses.chain(futures).chain(self.dropped_futures()).collect();
        found.sort_by_key(|(at, ..)| *at);
        found.into_iter().map(|(at, kind, text)| Hint { kind, text: format!("{}: {text}", self.place(at)) }).collect()
    }

    fn place(&self, at: usize) -> String {
        format!("{}, line {}", self.cell.label, position_in(&self.cell.text, at).0)
    }

    /// Where a kept variable was made, if it is a future that the cell does nothing with.
    pub(super) fn unawaited(&self, bound: &parse::BoundName, type_text: &str) -> Option<String> {
        let is_unused = self.parsed.futures.iter().any(|future| future.name.as_ref() == Some(&bound.name));
        let is_future = self.boxing.contains_key(&bound.name) && binding::is_boxed_future(type_text);
        (is_unused && is_future).then(|| self.place(bound.range.start))
    }

    /// Futures of earlier cells that end here, and nobody ever did anything with.
    fn dropped_futures(&self) -> impl Iterator<Item = (usize, HintKind, String)> {
        let unused = self.parsed.unused.iter().filter(|name| self.notebook.holder(name).is_none());
        unused.filter_map(|name| {
            let made = self.notebook.binding(name)?.unawaited.as_ref()?;
            let text = format!("`{name}` of {made} was dropped and never awaited: it did nothing");
            let bound = self.parsed.bindings.iter().find(|bound| bound.name == *name);
            let at = bound.map(|bound| bound.range.start).or_else(|| self.cell.text.find(name.as_str()))?;
            Some((at, HintKind::Unawaited, text))
        })
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
