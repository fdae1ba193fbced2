//! Calls that start something which goes on beside their caller, by their names: `spawn` and its relatives.

use syn::Expr;

use super::Wrap;

/// What is to be done with such a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spawn {
    /// It may return the handle of a task.
    pub(super) returns_handle: bool,
    /// The argument that goes on, by its index, and what goes around it.
    pub(super) argument: Option<(usize, Wrap)>,
}

impl Spawn {
    /// Of `path(…)`.
    pub(super) fn of_call(call: &syn::ExprCall) -> Option<Self> {
        let Expr::Path(function) = &*call.func else { return None };
        let mut segments = function.path.segments.iter().rev();
        let last = segments.next()?;
        let on_thread = segments.next().is_some_and(|module| module.ident == "thread");
        // Types that are given say what the argument is of.
        let named = last.arguments.is_none() && call.attrs.is_empty() && function.attrs.is_empty();
        let mut spawn = named.then(|| Self::named(&last.ident.to_string(), on_thread, &call.args)).flatten()?;
        if let Some((_, wrap @ Wrap::Lane)) = &mut spawn.argument
            && is_tokios(&function.path)
        {
            *wrap = Wrap::Task;
        }
        Some(spawn)
    }

    /// Of `receiver.method(…)`.
    pub(super) fn of_method(call: &syn::ExprMethodCall) -> Option<Self> {
        let named = call.turbofish.is_none() && call.attrs.is_empty();
        named.then(|| Self::named(&call.method.to_string(), false, &call.args)).flatten()
    }

    fn named(
        name: &str,
        on_thread: bool,
        arguments: &syn::punctuated::Punctuated<Expr, syn::Token![,]>,
    ) -> Option<Self> {
        let (blocks, returns_handle) = match name {
            "spawn" => (on_thread, !on_thread),
            "spawn_on" | "spawn_local" | "spawn_local_on" => (false, true),
            "spawn_blocking" | "spawn_blocking_on" => (true, true),
            "block_in_place" => (true, false),
            "spawn_scoped" => (false, false),
            _ => return None,
        };
        // The scope comes first there.
        let index = usize::from(name == "spawn_scoped" && arguments.len() > 1);
        let argument = arguments.get(index)?;
        // What takes a closure starts a thread, whatever it is.
        let returns_handle = returns_handle && (blocks || !matches!(argument, Expr::Closure(_)));
        Some(Self { returns_handle, argument: wrap(argument, blocks).map(|wrap| (index, wrap)) })
    }
}

/// Whether it is `tokio::spawn`, by its name.
fn is_tokios(path: &syn::Path) -> bool {
    let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    matches!(names.as_slice(), ["tokio", "spawn"] | ["tokio", "task", "spawn"] | ["task", "spawn"])
}

fn wrap(argument: &Expr, blocks: bool) -> Option<Wrap> {
    match argument {
        Expr::Closure(closure) if closure.asyncness.is_some() || !closure.inputs.is_empty() => None,
        Expr::Closure(closure) => closure.attrs.is_empty().then_some(Wrap::Carry),
        // Attributes on an argument are not stable, and say that we do not know it.
        Expr::Async(block) if !block.attrs.is_empty() => None,
        _ if blocks => Some(Wrap::Carry),
        _ => Some(Wrap::Lane),
    }
}
