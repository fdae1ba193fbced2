//! The boxing of values whose types have no name, when they are kept: a trait object, and for a closure without
//! captures a function pointer.
//!
//! A [`Plan`] says it of one variable, and writes the expression that does it. It comes from the cell's text ([`Make`]), or from the
//! type that rustc printed (`printed.rs`). What rustc then objects to makes it weaker: without `Send`, `FnMut` instead
//! of `Fn`. It knows nothing of notebooks: whether a name is a variable or an async function is asked.

mod holder;
mod printed;

use std::fmt::Write;

use crate::parse::{Closure, Make};

pub(crate) use holder::Holder;

pub(crate) use printed::{of_opaque, of_type};

/// What is done with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing: its type has a name.
    AsItIs,
    /// A future, a stream or an iterator, boxed as what method lookup finds it to be; `send`: with `Send` where it is.
    Lazy {
        send: bool,
    },
    Call(Box<Callable>),
    /// Boxed as an object of these traits.
    Object {
        bounds: String,
        threads: Threads,
    },
    /// Coerced to this type.
    Coerced(String),
    Tuple(Vec<Plan>),
    /// Each element of a `Vec`.
    Vec(Box<Plan>),
    /// What has a `map`: arrays, `Option`, `Result`.
    Mapped(Box<Plan>),
    /// What is taken apart and made anew, in this way.
    Held(&'static Holder, Box<Plan>),
}

/// A closure, or something else that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callable {
    /// The types of its parameters, as far as they are written.
    pub(crate) parameters: Vec<String>,
    pub(crate) kind: FnTrait,
    pub(crate) threads: Threads,
    /// It is in a `Box`, `Arc` or `Rc` already, perhaps with a lock in it.
    pub(crate) holder: Option<&'static str>,
    /// It has nothing but copies in it, so it can be copied itself.
    pub(crate) is_copy: bool,
    pub(crate) is_async: bool,
    /// What is done with what it returns.
    pub(crate) output: Plan,
}

/// The trait by which a closure is called, or a function pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FnTrait {
    Pointer,
    Fn,
    FnMut,
    FnOnce,
}

/// What other threads may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Threads {
    SendSync,
    Send,
    Neither,
}

impl Threads {
    fn bounds(self) -> &'static str {
        match self {
            Self::SendSync => " + ::core::marker::Send + ::core::marker::Sync",
            Self::Send => " + ::core::marker::Send",
            Self::Neither => "",
        }
    }
}

/// The names of the notebook: what the text of a cell does not say by itself.
pub(crate) trait NotebookNames {
    /// Whether it is a variable here.
    fn is_variable(&self, name: &str) -> bool;
    /// Whether what it stands for can surely be copied, if it is a variable at all.
    fn is_copy(&self, name: &str) -> bool;
    /// What the notebook's function of this name returns, where that has no name.
    fn returned_by(&self, function: &str) -> Option<Plan>;
}

/// The plan that the text alone gives for a variable. `None` where it says nothing.
pub(crate) fn of_text(make: &Make, is_mutable: bool, names: &dyn NotebookNames) -> Option<Plan> {
    let plan = planned(make, is_mutable, names);
    (!plan.does_nothing()).then_some(plan)
}

fn planned(make: &Make, is_mutable: bool, names: &dyn NotebookNames) -> Plan {
    let inside = |make: &Make| planned(make, false, names);
    match make {
        Make::Unknown => Plan::AsItIs,
        Make::Lazy => Plan::Lazy { send: true },
        Make::Call(function) if names.is_variable(function) => Plan::AsItIs,
        Make::Call(function) => names.returned_by(function).unwrap_or(Plan::AsItIs),
        Make::Closure(closure) => Plan::Call(Box::new(callable(closure, is_mutable, None, names))),
        Make::Held(holder, closure) => Plan::Call(Box::new(callable(closure, is_mutable, Some(*holder), names))),
        // Of what is in it only a future or a stream has a use for that box.
        Make::Pinned(inner) => match inside(inner) {
            Plan::AsItIs => Plan::AsItIs,
            _ => Plan::Lazy { send: true },
        },
        Make::Tuple(all) => Plan::Tuple(all.iter().map(inside).collect()),
        Make::Vec(element) => Plan::Vec(Box::new(inside(element))),
        Make::Mapped(element) => Plan::Mapped(Box::new(inside(element))),
    }
}

/// The plan for a closure as it is written.
pub(crate) fn callable(
    closure: &Closure,
    is_mutable: bool,
    holder: Option<&'static str>,
    names: &dyn NotebookNames,
) -> Callable {
    let output = planned(&closure.output, false, names);
    let captures = closure.mentions.iter().any(|name| names.is_variable(name));
    let kind = if !captures && holder.is_none() && !closure.is_async && output.does_nothing() {
        FnTrait::Pointer
    } else if is_mutable && matches!(holder, None | Some("Box")) {
        FnTrait::FnMut
    } else {
        FnTrait::Fn
    };
    let is_copy = kind == FnTrait::Fn
        && holder.is_none()
        && !closure.is_async
        && output.does_nothing()
        && closure.mentions.iter().all(|name| names.is_copy(name));
    let threads = match (kind, holder) {
        (_, Some("Rc")) => Threads::Neither,
        (FnTrait::FnMut, _) => Threads::Send,
        _ => Threads::SendSync,
    };
    let (parameters, is_async) = (closure.parameters.clone(), closure.is_async);
    Callable { parameters, kind, threads, holder, is_copy, is_async, output }
}

impl Plan {
    /// Whether it leaves all as it is.
    pub(crate) fn does_nothing(&self) -> bool {
        match self {
            Self::AsItIs => true,
            Self::Vec(inner) | Self::Mapped(inner) | Self::Held(_, inner) => inner.does_nothing(),
            Self::Tuple(all) => all.iter().all(Self::does_nothing),
            Self::Lazy { .. } | Self::Call(_) | Self::Object { .. } | Self::Coerced(_) => false,
        }
    }

    /// The plan with what `change` does to its parts. Whether that changed anything.
    fn change(&mut self, change: &mut dyn FnMut(&mut Plan) -> bool) -> bool {
        let mut changed = change(self);
        match self {
            Self::Vec(inner) | Self::Mapped(inner) | Self::Held(_, inner) => changed |= inner.change(change),
            Self::Tuple(all) => all.iter_mut().for_each(|inner| changed |= inner.change(change)),
            Self::Call(callable) => changed |= callable.output.change(change),
            Self::AsItIs | Self::Lazy { .. } | Self::Object { .. } | Self::Coerced(_) => {}
        }
        changed
    }

    /// Asks for no more than this of other threads.
    pub(crate) fn limit_threads(&mut self, most: Threads) -> bool {
        let limit = |threads: &mut Threads| {
            let is_less = *threads < most;
            *threads = (*threads).max(most);
            is_less
        };
        self.change(&mut |plan| match plan {
            Self::Lazy { send } => most == Threads::Neither && std::mem::replace(send, false),
            Self::Call(callable) => limit(&mut callable.threads),
            Self::Object { threads, .. } => limit(threads),
            _ => false,
        })
    }

    /// What can only be called so; `FnMut` is more than `Fn`, and `FnOnce` more than that.
    pub(crate) fn limit_calls(&mut self, kind: FnTrait) -> bool {
        self.change(&mut |plan| match plan {
            Self::Call(callable) if callable.kind < kind && !callable.is_async => {
                callable.kind = kind;
                if kind > FnTrait::Fn {
                    callable.threads = callable.threads.max(Threads::Send);
                }
                true
            }
            _ => false,
        })
    }

    /// An expression that makes it of the variable `name`.
    pub(crate) fn expression(&self, name: &str) -> String {
        match self {
            _ if self.does_nothing() => name.to_owned(),
            Self::AsItIs => name.to_owned(),
            Self::Lazy { send } => {
                let kinds = if *send { "all" } else { "local" };
                format!(
                    "{{ use ::kissaten::__cell::boxed::{kinds}::*; let __kissaten_kind = ({}\
                     ::kissaten::__cell::boxed::Probe(&{name})).kissaten_kind(); __kissaten_kind.kissaten_boxed({name}) }}",
                    "&".repeat(KINDS)
                )
            }
            Self::Call(callable) => callable.expression(name),
            Self::Object { bounds, threads } => {
                let object = format!("dyn {bounds}{}", threads.bounds());
                coerced(&format!("::std::boxed::Box<{object}>"), &format!("::std::boxed::Box::new({name})"))
            }
            Self::Coerced(type_text) => coerced(type_text, name),
            Self::Tuple(all) => {
                let names: Vec<String> = (0..all.len()).map(|index| format!("__kissaten_{index}")).collect();
                let parts = all.iter().zip(&names).map(|(plan, name)| plan.expression(name) + ", ");
                format!("{{ let ({},) = {name}; ({}) }}", names.join(", "), parts.collect::<String>())
            }
            Self::Vec(element) => format!(
                "::core::iter::Iterator::collect::<::std::vec::Vec<_>>(::core::iter::Iterator::map(\
                 ::core::iter::IntoIterator::into_iter({name}), |__kissaten_each| {}))",
                element.expression("__kissaten_each")
            ),
            Self::Held(holder, inner) => holder.expression(name, &inner.expression("__kissaten_each")),
            Self::Mapped(element) => {
                format!("{name}.map(|__kissaten_each| {})", element.expression("__kissaten_each"))
            }
        }
    }
}

/// The kinds in `kissaten/src/__cell/boxed.rs`, or more.
const KINDS: usize = 28;

fn coerced(type_text: &str, value: &str) -> String {
    format!("{{ let __kissaten_boxed: {type_text} = {value}; __kissaten_boxed }}")
}

impl Callable {
    fn expression(&self, name: &str) -> String {
        let parameters = self.parameters.join(", ");
        let call = match self.kind {
            FnTrait::Pointer => return coerced(&format!("fn({parameters}) -> _"), name),
            FnTrait::Fn => "Fn",
            FnTrait::FnMut => "FnMut",
            FnTrait::FnOnce => "FnOnce",
        };
        // What is in a shared lock cannot be of a lifetime that is looked for.
        let lifetime = if self.holder.is_some_and(|holder| holder.contains("::")) { "" } else { " + '_" };
        let object = format!("dyn ::core::ops::{call}({parameters}) -> _{}{lifetime}", self.threads.bounds());
        if self.is_copy && self.kind == FnTrait::Fn && self.output.does_nothing() {
            // A box cannot be copied, a reference can. What is copied has no destructor that would be missed.
            let leaked = format!("::std::boxed::Box::leak(::std::boxed::Box::new({name}))");
            return coerced(&format!("&({object})"), &leaked);
        }
        let holder = match self.holder {
            Some("Arc") => "::std::sync::Arc",
            Some("Rc") => "::std::rc::Rc",
            Some(path) if path.contains("::") => {
                // A reference to one that is shared becomes one to an object, and it is shared still.
                let closing = ">".repeat(path.matches('<').count());
                return coerced(&format!("{path}{object}{closing}"), name);
            }
            _ => "::std::boxed::Box",
        };
        let type_text = format!("{holder}<{object}>");
        let (mut names, mut typed) = (String::new(), String::new());
        for (index, parameter) in self.parameters.iter().enumerate() {
            let _ = write!(names, "__kissaten_{index}, ");
            let _ = write!(typed, "__kissaten_{index}: {parameter}, ");
        }
        if self.is_async {
            // What it returns may borrow from the closure, so it takes that along.
            let send = if self.threads == Threads::Neither { "" } else { Threads::Send.bounds() };
            let future =
                format!("::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = _>{send} + '_>>");
            let shared = "::std::sync::Arc";
            let called =
                coerced(&future, &format!("::std::boxed::Box::pin(async move {{ __kissaten_call({names}).await }})"));
            let wrapper = format!(
                "{holder}::new(move |{typed}| {{ let __kissaten_call = {shared}::clone(&__kissaten_call); {called} }})"
            );
            return format!("{{ let __kissaten_call = {shared}::new({name}); {} }}", coerced(&type_text, &wrapper));
        }
        if !self.output.does_nothing() {
            let wrapper = format!(
                "{holder}::new(move |{typed}| {{ let __kissaten_out = __kissaten_call({names}); {} }})",
                self.output.expression("__kissaten_out")
            );
            return format!("{{ let mut __kissaten_call = {name}; {} }}", coerced(&type_text, &wrapper));
        }
        let value = if self.holder.is_some() { name.to_owned() } else { format!("{holder}::new({name})") };
        coerced(&type_text, &value)
    }
}

/// A type as a person would write it who knows no names: `impl Future<Output = u32>` for the box around one. It is
/// given with short paths.
pub(crate) fn shown(short: &str) -> String {
    let short = elided(short);
    let mut out = String::with_capacity(short.len());
    let mut rest = short.as_str();
    let boxes = ["Pin<Box<dyn ", "Box<dyn ", "&(dyn ", "Arc<dyn ", "Rc<dyn "];
    while let Some((at, opening)) = boxes.iter().filter_map(|opening| Some((rest.find(opening)?, opening))).min() {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let from = &from[opening.len()..];
        let end = crate::binding::end_of_bounds(from);
        let (bounds, after) = from.split_at(end);
        let closing = opening.matches(['<', '(']).count();
        let inner = shown(&elided(&without_threads(bounds)));
        let inner = match inner.strip_prefix("DoubleEndedExact") {
            Some(item) => format!("DoubleEndedIterator{item} + ExactSizeIterator"),
            None => inner,
        };
        match opening.strip_suffix("<dyn ").filter(|holder| matches!(*holder, "Arc" | "Rc")) {
            Some(holder) => out.push_str(&format!("{holder}<impl {inner}>")),
            None => out.push_str(&format!("impl {inner}")),
        }
        rest = after.get(closing..).unwrap_or("");
    }
    out + rest
}

/// `Fn(&str)` for what rustc prints as `for<'a> Fn(&'a str)`, where that is the same.
fn elided(bounds: &str) -> String {
    let Some(rest) = bounds.strip_prefix("for<'a> ") else { return bounds.to_owned() };
    let (inputs, output) = rest.split_once(") -> ").unwrap_or((rest, ""));
    let short = rest.replace("&'a ", "&");
    let is_same = inputs.matches("'a").count() == 1 || !output.contains("'a");
    if is_same && !short.contains("'a") { short } else { bounds.to_owned() }
}

/// The bounds without the auto traits on their own level.
fn without_threads(bounds: &str) -> String {
    let mut bounds = bounds;
    while let Some(shorter) =
        [" + Send", " + Sync"].iter().find_map(|threads| bounds.strip_suffix(threads)).filter(|rest| !rest.is_empty())
    {
        bounds = shorter;
    }
    bounds.to_owned()
}

/// Names of variables, for texts without a notebook.
#[cfg(test)]
pub(crate) struct Variables(pub(crate) std::collections::BTreeSet<String>);

#[cfg(test)]
impl NotebookNames for Variables {
    fn is_variable(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn is_copy(&self, name: &str) -> bool {
        !self.0.contains(name)
    }

    fn returned_by(&self, function: &str) -> Option<Plan> {
        (function == "brew").then_some(Plan::Lazy { send: true })
    }
}

#[cfg(test)]
mod tests;
