//! Values whose types have no name: what they are kept as, and what rustc says to that.

use std::collections::BTreeMap;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticSpan};

use super::attempt::Attempt;
use super::compile::Files;
use crate::binding::{self, NotKept};
use crate::boxing::{self, Callable, FnTrait, NotebookNames, Plan, Threads};
use crate::parse::{self, Borrowing, Closure, Make, Space};
use crate::source_map::{Region, offset_in};

/// A cell's and the notebook's names, for plans.
struct Known<'a>(&'a Attempt<'a>);

impl NotebookNames for Known<'_> {
    fn is_variable(&self, name: &str) -> bool {
        let mut bound = self.0.parsed.bindings.iter();
        let is_inner = self.0.parsed.inner.contains(name);
        is_inner || self.0.notebook.bindings.contains_key(name) || bound.any(|bound| bound.name == name)
    }

    fn is_copy(&self, name: &str) -> bool {
        !self.0.parsed.inner.contains(name) && self.0.copies(name).unwrap_or(true)
    }

    fn returned_by(&self, function: &str) -> Option<Plan> {
        let is_named = |named: &Option<(Space, String)>| {
            named.as_ref().is_some_and(|(space, name)| *space == Space::Value && name == function)
        };
        let live = self.0.items.items.iter().rev().find(|live| is_named(&live.item.name))?;
        if live.item.is_async {
            return Some(Plan::Lazy { send: true });
        }
        let (returned, is_generic) = live.item.opaque.as_ref()?;
        boxing::of_opaque(returned, *is_generic)
    }
}

impl Attempt<'_> {
    /// Whether a new variable is an async closure: what its call makes borrows from it, and from what it borrows from.
    pub(super) fn is_async_closure(&self, name: &str) -> bool {
        let mut bound = self.parsed.bindings.iter();
        bound.any(|bound| bound.name == name && matches!(&bound.make, Make::Closure(closure) if closure.is_async))
    }

    /// The plans that the cell's text gives: they save a compile.
    pub(super) fn box_by_text(&mut self) {
        let known = Known(self);
        let plan = |bound: &crate::parse::BoundName| {
            Some((bound.name.clone(), boxing::of_text(&bound.make, bound.mutable, &known)?))
        };
        let plans: BTreeMap<String, Plan> = self.parsed.bindings.iter().filter_map(plan).collect();
        self.boxing = plans;
    }

    /// A closure or an async block that borrows from nothing but variables of `Copy` types that nobody can change may as well
    /// have copies of them: then it borrows from nothing, and can be kept.
    pub(super) fn moves_of_copies(&self) -> Vec<(usize, &'static str)> {
        // One that measures it would see the difference.
        if !self.boxes || ["size_of_val", "align_of_val"].iter().any(|measure| self.parsed.mentions.contains(*measure))
        {
            return Vec::new();
        }
        let copies = |name: &String| self.copies(name);
        let is_safe = |one: &&Borrowing| {
            let captured: Vec<bool> = one.mentions.iter().filter_map(copies).collect();
            !captured.is_empty() && captured.iter().all(|is_copy| *is_copy)
        };
        self.parsed.borrowing.iter().filter(is_safe).map(|one| (one.at, one.word)).collect()
    }

    /// Whether a variable without `mut` is surely `Copy`. `None`: it is no variable.
    fn copies(&self, name: &str) -> Option<bool> {
        match self.parsed.bindings.iter().find(|bound| bound.name == *name) {
            Some(bound) => Some(bound.is_copy),
            None => {
                let binding = self.notebook.binding(name)?;
                Some(!binding.mutable && parse::is_copy_type(&binding.type_text))
            }
        }
    }

    /// The plans for what turned out to have no name by its type. Whether there are new ones.
    pub(super) fn box_by_type(
        &mut self,
        files: &Files,
        types: &BTreeMap<String, String>,
        boxed: &BTreeMap<String, String>,
    ) -> bool {
        if !self.boxes {
            return false;
        }
        let mut found = Vec::new();
        for bound in &self.parsed.bindings {
            let name = &bound.name;
            let Some(printed) = boxed.get(name).or_else(|| types.get(name)) else { continue };
            let is_nameless = matches!(
                binding::usable_type(printed),
                Err(NotKept::Closure(_) | NotKept::Nameless(_) | NotKept::Traits(_))
            );
            if !is_nameless || self.not_kept.contains_key(name) {
                continue;
            }
            let place = |place: &str| self.closure_at(files, place);
            // Whether a closure is called as `FnMut` cannot be seen in a type, so a `mut` says it.
            let callable = |closure: &Closure| boxing::callable(closure, bound.mutable, None, &Known(self));
            let of_type = |printed: &str| {
                let closures = closures_in(printed).into_iter();
                let found = closures.filter_map(|at| Some((at.to_owned(), callable(place(at)?)))).collect();
                plan(printed, &found)
            };
            let plan = match self.boxing.get(name) {
                None => of_type(printed),
                Some(older) => refined(older, printed, &of_type).filter(|plan| plan != older),
            };
            if let Some(plan) = plan {
                found.push((name.clone(), plan));
            }
        }
        let changed = !found.is_empty();
        self.boxing.extend(found);
        changed
    }

    /// The closure that rustc prints as standing at a place: `cell 3:1:9: 1:16`.
    fn closure_at(&self, files: &Files, place: &str) -> Option<&Closure> {
        let (start, _) = place.rsplit_once(": ")?;
        let (start, column) = start.rsplit_once(':')?;
        let (file, line) = start.rsplit_once(':')?;
        let generated = files.get(file)?;
        let offset = offset_in(generated.text(), line.parse().ok()?, column.parse().ok()?)?;
        let at = generated.user_offset(offset)?;
        self.parsed.closures.iter().find(|closure| closure.range.start == at)
    }

    /// What rustc objects to in how a variable is boxed is left out of it. Whether there was anything.
    pub(super) fn adjust_boxing(&mut self, files: &Files, error: &Diagnostic) -> bool {
        let code = error.code.as_ref().map_or("", |code| code.code.as_str());
        let is_of = |span: &&DiagnosticSpan| code == "E0525" || span.is_primary;
        let kept = error.spans.iter().filter(is_of).find_map(|span| match super::adjust::region(files, span) {
            Some(Region::Keep(name)) => Some(name),
            _ => None,
        });
        let Some(name) = kept else { return false };
        let Some(plan) = self.boxing.get_mut(&name) else { return false };
        let message = error.message.as_str();
        match code {
            "E0525" => {
                let only = message.rsplit_once("only implements `").map_or("", |(_, only)| only.trim_end_matches('`'));
                let kind = match only {
                    "FnMut" => FnTrait::FnMut,
                    "FnOnce" => FnTrait::FnOnce,
                    _ => return self.give_up_boxing(&name),
                };
                plan.limit_calls(kind) || self.give_up_boxing(&name)
            }
            "" | "E0277" if message.contains("cannot be sent between threads") => {
                plan.limit_threads(Threads::Neither) || self.give_up_boxing(&name)
            }
            "" | "E0277" if message.contains("cannot be shared between threads") => {
                // Of what cannot be shared, these cannot be sent either.
                let is_neither = ["::rc::", "`*", "NonNull", "dyn "].iter().any(|what| message.contains(what));
                let most = if is_neither { Threads::Neither } else { Threads::Send };
                plan.limit_threads(most) || plan.limit_threads(Threads::Neither) || self.give_up_boxing(&name)
            }
            // It captures something all the same, by a macro.
            "E0308" => plan.limit_calls(FnTrait::Fn) || self.give_up_boxing(&name),
            "E0277" | "E0282" | "E0283" | "E0284" | "E0038" | "E0225" | "E0599" | "E0271" | "E0631" | "E0593" => {
                self.give_up_boxing(&name)
            }
            _ => false,
        }
    }

    fn give_up_boxing(&mut self, name: &str) -> bool {
        let bound = self.parsed.bindings.iter().find(|bound| bound.name == name);
        let boxed = bound.and_then(|bound| bound.boxed.clone());
        let reason = match self.boxing.remove(name) {
            Some(Plan::Call(_)) => NotKept::Closure(boxed),
            _ => NotKept::Nameless("it".to_owned()),
        };
        self.not_kept.insert(name.to_owned(), reason).is_none()
    }
}

/// The places of the closures in a printed type.
fn closures_in(printed: &str) -> Vec<&str> {
    let places = printed.split("closure@").skip(1);
    places.filter_map(|rest| rest.split('}').next()).collect()
}

fn plan(printed: &str, closures: &BTreeMap<String, Callable>) -> Option<Plan> {
    boxing::of_type(printed, &|place: &str| closures.get(place).cloned())
}

/// The plan with what a call returns boxed as well, which only the type of the box tells.
fn refined(older: &Plan, printed: &str, of_type: &dyn Fn(&str) -> Option<Plan>) -> Option<Plan> {
    let Plan::Call(callable) = older else { return None };
    let (_, output) = printed.split_once(") -> ")?;
    let output = &output[..binding::end_of_bounds(output)];
    let output = output.split(" + std::marker::S").next()?;
    let output = of_type(output)?;
    let kind = callable.kind.max(FnTrait::Fn);
    Some(Plan::Call(Box::new(Callable { output, kind, ..(**callable).clone() })))
}
