//! The plan for a type as rustc prints it: where in it the nameless parts are.
//!
//! What has no name is printed in braces (`{closure@cell 3:1:9: 1:16}`); those become names, and what is left is a type that
//! `syn` reads.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

use super::holder::SHARED;
use super::{Callable, FnTrait, Holder, Plan, Threads};
use crate::parse;

/// What stands for a nameless part, with its index.
const PART: &str = "__kissaten_nameless_";

/// The nameless parts of a type, as they are printed between braces.
struct Printed<'a> {
    parts: Vec<&'a str>,
    /// The plan for a closure, by where rustc says that it stands.
    closure: &'a dyn Fn(&str) -> Option<Callable>,
}

/// The plan for a value of a type that rustc printed, with full paths; `closure` has the one of a closure from the place that is
/// printed for it. `None` where there is none.
pub(crate) fn of_type(printed: &str, closure: &(dyn Fn(&str) -> Option<Callable> + Sync)) -> Option<Plan> {
    let read = || {
        let (text, parts) = without_braces(printed)?;
        let read: Type = syn::parse_str(&text).ok()?;
        Printed { parts, closure }.plan(&read)
    };
    parse::on_large_stack(read).flatten().filter(|plan| !plan.does_nothing())
}

/// The plan for what a function returns as an `impl Trait`.
pub(crate) fn of_opaque(declared: &str, is_generic: bool) -> Option<Plan> {
    let read: Type = syn::parse_str(declared).ok()?;
    let plan = Printed { parts: Vec::new(), closure: &|_| None }.plan(&read)?;
    // The bounds are written in the function's own names.
    (!is_generic || matches!(plan, Plan::Lazy { .. })).then_some(plan)
}

/// The text with a name for each part in braces, and those parts. A function's own type (`fn() {name}`) becomes that of a pointer
/// to it.
fn without_braces(printed: &str) -> Option<(String, Vec<&str>)> {
    let (mut out, mut parts) = (String::with_capacity(printed.len()), Vec::new());
    let mut rest = printed;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        let mut depth = 0_usize;
        let end = from.char_indices().find_map(|(at, character)| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        })?;
        let part = from.get(1..end)?;
        let is_function = before.ends_with(' ') && !is_nameless(part);
        if is_function {
            out.push_str(before.trim_end());
        } else {
            out.push_str(before);
            out.push_str(&format!("{PART}{}", parts.len()));
            parts.push(part);
        }
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    Some((out, parts))
}

fn is_nameless(part: &str) -> bool {
    ["closure", "async", "coroutine", "type error"].iter().any(|kind| part.starts_with(kind))
}

impl Printed<'_> {
    /// `None` where something in it can neither be named nor boxed.
    fn plan(&self, read: &Type) -> Option<Plan> {
        match read {
            Type::FnPtr(function) => self.function(function),
            _ if !self.has_nameless(read) => Some(Plan::AsItIs),
            Type::Paren(inner) => self.plan(&inner.elem),
            Type::Group(inner) => self.plan(&inner.elem),
            Type::Tuple(tuple) => {
                Some(Plan::Tuple(tuple.elems.iter().map(|part| self.plan(part)).collect::<Option<_>>()?))
            }
            Type::Array(array) => Some(Plan::Mapped(Box::new(self.plan(&array.elem)?))),
            Type::ImplTrait(object) => self.opaque(object),
            Type::Path(path) => self.path(path),
            _ => None,
        }
    }

    fn has_nameless(&self, read: &Type) -> bool {
        let text = read.to_token_stream().to_string();
        text.contains(PART) || text.contains("impl ") || text.contains("fn (") || text.contains("fn(")
    }

    fn path(&self, path: &syn::TypePath) -> Option<Plan> {
        let last = path.path.segments.last()?;
        if let Some(part) = self.part(&last.ident.to_string()) {
            if let Some(place) = part.strip_prefix("closure@").or_else(|| part.strip_prefix("async closure@")) {
                return Some(Plan::Call(Box::new((self.closure)(place)?)));
            }
            return (!part.starts_with("type error")).then_some(Plan::Lazy { send: true });
        }
        let inside: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().filter_map(of_argument).collect(),
            _ => Vec::new(),
        };
        let first = || inside.first().map(|first| self.plan(first));
        match (last.ident.to_string().as_str(), inside.as_slice()) {
            ("Vec", [_]) => Some(Plan::Vec(Box::new(first()??))),
            ("Option", [_]) => Some(Plan::Mapped(Box::new(first()??))),
            ("Result", [_, error]) if !self.has_nameless(error) => Some(Plan::Mapped(Box::new(first()??))),
            ("Arc" | "Rc", [inner]) if self.shared(path, inner).is_some() => self.shared(path, inner),
            ("Box" | "Arc" | "Rc", [_]) => match first()?? {
                Plan::Call(mut callable) if callable.holder.is_none() && !callable.is_async => {
                    let holders = ["Box", "Arc", "Rc"];
                    callable.holder = holders.into_iter().find(|holder| last.ident == *holder);
                    callable.kind = callable.kind.max(FnTrait::Fn);
                    callable.is_copy = false;
                    if last.ident == "Rc" {
                        callable.threads = Threads::Neither;
                    }
                    // What it returns would have to be boxed within the holder.
                    callable.output.does_nothing().then_some(Plan::Call(callable))
                }
                // A box of an iterator is one itself; one of a future only where that may move, as its own box may.
                Plan::Lazy { send } if last.ident == "Box" && !self.is_future(inside[0]) => Some(Plan::Lazy { send }),
                plan if last.ident == "Box" => Some(Plan::Held(Holder::of("std::boxed::Box")?, Box::new(plan))),
                _ => None,
            },
            (_, [.., inner]) => match Holder::of(&full_path(path)) {
                Some(holder) if holder.parameters == inside.len() => {
                    let key_has_none = inside.len() == 1 || !self.has_nameless(inside[0]);
                    key_has_none.then(|| Some(Plan::Held(holder, Box::new(self.plan(inner)?))))?
                }
                _ => Some(Plan::Lazy { send: true }),
            },
            _ => Some(Plan::Lazy { send: true }),
        }
    }

    /// Whether it is an async block, or what an async function returns.
    fn is_future(&self, read: &Type) -> bool {
        match read {
            Type::ImplTrait(object) => text(object).contains("Future"),
            Type::Path(path) => {
                let part = path.path.get_ident().and_then(|name| self.part(&name.to_string()));
                part.is_some_and(|part| part.starts_with("async"))
            }
            _ => false,
        }
    }

    /// Something that can be called in a lock, or a cell, which is shared.
    fn shared(&self, path: &syn::TypePath, lock: &Type) -> Option<Plan> {
        let Type::Path(lock) = lock else { return None };
        let PathArguments::AngleBracketed(arguments) = &lock.path.segments.last()?.arguments else { return None };
        let (is_it, inner) = (format!("{}<{}", full_path(path), full_path(lock)), arguments.args.iter().next()?);
        let (_, holder) = SHARED.iter().find(|(printed, _)| *printed == is_it)?;
        let Plan::Call(mut callable) = self.plan(of_argument(inner)?)? else { return None };
        if callable.is_async || !callable.output.does_nothing() {
            return None;
        }
        (callable.holder, callable.kind) = (Some(*holder), callable.kind.max(FnTrait::Fn));
        callable.is_copy = false;
        // Whether it can be shared is the lock's business.
        callable.threads =
            if holder.contains("::rc::") || holder.contains("::cell::") { Threads::Neither } else { Threads::Send };
        Some(Plan::Call(callable))
    }

    fn part(&self, name: &str) -> Option<&str> {
        self.parts.get(name.strip_prefix(PART)?.parse::<usize>().ok()?).copied()
    }

    /// A function as a pointer, and where what it returns has no name, as a closure around it.
    fn function(&self, function: &syn::TypeFnPtr) -> Option<Plan> {
        match &function.output {
            ReturnType::Type(_, output) if self.has_nameless(output) && !matches!(**output, Type::FnPtr(_)) => {
                let parameters = function.inputs.iter().map(|input| text(&input.ty)).collect();
                self.callable(parameters, FnTrait::Fn, output)
            }
            _ => Some(Plan::Coerced(text(function))),
        }
    }

    fn callable(&self, parameters: Vec<String>, kind: FnTrait, output: &Type) -> Option<Plan> {
        let output = self.plan(output)?;
        let threads = if kind == FnTrait::Fn { Threads::SendSync } else { Threads::Send };
        Some(Plan::Call(Box::new(Callable {
            parameters,
            kind,
            threads,
            holder: None,
            is_copy: false,
            is_async: false,
            output,
        })))
    }

    fn opaque(&self, object: &syn::TypeImplTrait) -> Option<Plan> {
        let traits = object.bounds.iter().filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) if bound.maybe.is_none() => Some(bound),
            _ => None,
        });
        let name = |bound: &syn::TraitBound| bound.path.segments.last().map(|last| last.ident.to_string());
        // What every object can have, what comes from the value itself, and what cannot be asked of an object.
        let left_out = [
            "Send",
            "Sync",
            "Unpin",
            "UnwindSafe",
            "RefUnwindSafe",
            "Sized",
            "Clone",
            "Copy",
            "Eq",
            "PartialEq",
            "Ord",
            "PartialOrd",
            "Hash",
            "Default",
        ];
        let traits: Vec<&syn::TraitBound> =
            traits.filter(|bound| name(bound).is_some_and(|name| !left_out.contains(&name.as_str()))).collect();
        let lazy = [
            "Future",
            "FusedFuture",
            "Stream",
            "FusedStream",
            "Iterator",
            "DoubleEndedIterator",
            "ExactSizeIterator",
            "FusedIterator",
        ];
        if traits.iter().any(|bound| name(bound).is_some_and(|name| lazy.contains(&name.as_str()))) {
            return Some(Plan::Lazy { send: true });
        }
        let [bound] = traits.as_slice() else { return None };
        let last = bound.path.segments.last()?;
        let kind = match last.ident.to_string().as_str() {
            "Fn" => Some(FnTrait::Fn),
            "FnMut" => Some(FnTrait::FnMut),
            "FnOnce" => Some(FnTrait::FnOnce),
            _ => None,
        };
        match (kind, &last.arguments) {
            (Some(kind), PathArguments::Parenthesized(arguments)) => {
                let parameters = arguments.inputs.iter().map(|input| text(&input.ty)).collect();
                let unit = Type::Tuple(syn::TypeTuple {
                    paren_token: Default::default(),
                    elems: Default::default(),
                    attrs: Vec::new(),
                });
                let output = match &arguments.output {
                    ReturnType::Type(_, output) => output,
                    ReturnType::Default => &unit,
                };
                // A lifetime of any length in what it takes may be that of what it returns.
                if bound.lifetimes.is_some() || arguments.inputs.iter().any(|input| text(input).contains('&')) {
                    let bounds = text(bound);
                    return (!self.has_nameless(output)).then_some(Plan::Object { bounds, threads: Threads::SendSync });
                }
                self.callable(parameters, kind, output)
            }
            (Some(_), _) => None,
            (None, _) => Some(Plan::Object { bounds: text(bound), threads: Threads::SendSync }),
        }
    }
}

/// A path without what is in its brackets.
fn full_path(path: &syn::TypePath) -> String {
    let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    names.join("::")
}

fn of_argument(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

/// A part of a type as text. Tokens keep their spelling; the spaces between them mean nothing.
fn text<T: ToTokens + Spanned>(part: &T) -> String {
    part.to_token_stream().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(printed: &str) -> Option<Plan> {
        let closure = |place: &str| {
            assert_eq!(place, "cell 1:1:9: 1:12");
            Some(Callable {
                parameters: vec!["i32".to_owned()],
                kind: FnTrait::Fn,
                threads: Threads::SendSync,
                holder: None,
                is_copy: false,
                is_async: false,
                output: Plan::AsItIs,
            })
        };
        of_type(printed, &closure)
    }

    fn lazy() -> Plan {
        Plan::Lazy { send: true }
    }

    #[test]
    fn nameless_parts_are_found_where_they_stand() {
        assert_eq!(plan("std::vec::Vec<i32>"), None);
        assert_eq!(plan("impl std::future::Future<Output = u32>"), Some(lazy()));
        assert_eq!(plan("{async block@cell 1:1:9: 1:12}"), Some(lazy()));
        assert_eq!(plan("std::iter::Map<std::ops::Range<i32>, {closure@cell 1:1:9: 1:12}>"), Some(lazy()));
        let pair = plan("(i32, std::option::Option<{async fn body of notebook::brew()}>)");
        assert_eq!(pair, Some(Plan::Tuple(vec![Plan::AsItIs, Plan::Mapped(Box::new(lazy()))])));
        assert_eq!(plan("[impl Future<Output = ()>; 2]"), Some(Plan::Mapped(Box::new(lazy()))));
        assert_eq!(plan("std::vec::Vec<impl Future<Output = ()>>"), Some(Plan::Vec(Box::new(lazy()))));
        assert!(matches!(plan("{closure@cell 1:1:9: 1:12}"), Some(Plan::Call(_))));
        assert_eq!(plan("&{closure@cell 1:1:9: 1:12}"), None);
    }

    #[test]
    fn functions_become_pointers() {
        assert_eq!(
            plan("for<'a> fn(&'a str) -> usize {notebook::length}").map(|plan| plan.expression("f")),
            Some(Plan::Coerced("for < 'a > fn (& 'a str) -> usize".to_owned()).expression("f"))
        );
        let Some(Plan::Call(brew)) = plan("fn(u32) -> impl Future<Output = u32> {notebook::brew}") else {
            panic!("it can be called")
        };
        assert_eq!((brew.parameters, brew.output), (vec!["u32".to_owned()], lazy()));
    }

    #[test]
    fn opaque_types_are_boxed_by_what_they_say_of_themselves() {
        let object = |bounds: &str| Some(Plan::Object { bounds: bounds.to_owned(), threads: Threads::SendSync });
        assert_eq!(of_opaque("impl Shape + Clone + Send", false), object("Shape"));
        assert_eq!(of_opaque("impl Shape", true), None);
        assert_eq!(of_opaque("impl Iterator<Item = T>", true), Some(lazy()));
        assert_eq!(of_opaque("impl Display + Debug", false), None);
        assert_eq!(of_opaque("impl Fn(&str) -> usize", false), object("Fn (& str) -> usize"));
        let Some(Plan::Call(adder)) = of_opaque("impl FnMut(i32) -> i32", false) else { panic!("it can be called") };
        assert_eq!((adder.kind, adder.threads, adder.output), (FnTrait::FnMut, Threads::Send, Plan::AsItIs));
    }
}
