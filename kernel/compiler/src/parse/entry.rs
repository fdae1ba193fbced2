//! Functions that are made to run by themselves: a pasted `main`, tests, and what `#[tokio::main]` stands before.
//!
//! In a notebook cells call them, and the kernel's runtime is there already. So their attributes are taken off, and this
//! module describes what is left, for the sentence that says so.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::source_map::Edits;

/// A function that a program would begin with: one with `#[tokio::main]`, `#[test]` and the like, or `main`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_async: bool,
    pub(crate) has_parameters: bool,
    /// The attribute that was taken off, without what stands in its brackets: `#[tokio::main]`.
    pub(crate) attribute: Option<String>,
    /// What of the attribute was for the runtime that there is not: `flavor`, `worker_threads`.
    pub(crate) settings: Vec<String>,
}

/// Crates whose `test` makes a test of an async function and gives it nothing.
const TESTERS: [&str; 8] =
    ["tokio", "async_std", "actix_web", "actix_rt", "smol_potat", "futures_test", "ntex", "compio"];

/// The attributes that make a function run by itself.
pub(super) fn attributes(function: &syn::ItemFn) -> impl Iterator<Item = &syn::Attribute> {
    let is_async = function.sig.asyncness.is_some();
    function.attrs.iter().filter(move |attribute| {
        let path: Vec<_> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
        match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["test"] => true,
            ["main"] | [_, .., "main"] => is_async,
            [first, .., "test"] => is_async && TESTERS.contains(first),
            _ => false,
        }
    })
}

/// Takes the attributes off, also in modules: in a notebook cells run functions, on the kernel's runtime.
pub(super) fn make_ordinary(item: &syn::Item, edits: &mut Edits) {
    Ordinary { edits, is_inside: false }.visit_item(item);
}

struct Ordinary<'a> {
    edits: &'a mut Edits,
    /// Whether it is in a module.
    is_inside: bool,
}

impl<'ast> Visit<'ast> for Ordinary<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        for attribute in attributes(function) {
            self.edits.replace(attribute.span().byte_range(), "");
        }
        // Nobody but the test's runner would call it, so nobody wrote that others may.
        if self.is_inside && attributes(function).next().is_some() && matches!(function.vis, syn::Visibility::Inherited)
        {
            self.edits.insert(function.sig.span().byte_range().start, "pub ");
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let outer = std::mem::replace(&mut self.is_inside, true);
        visit::visit_item_mod(self, module);
        self.is_inside = outer;
    }

    fn visit_item_impl(&mut self, _: &'ast syn::ItemImpl) {}
    fn visit_item_trait(&mut self, _: &'ast syn::ItemTrait) {}
}

/// The function, if it is one.
pub(super) fn entry(function: &syn::ItemFn) -> Option<Entry> {
    let attribute = attributes(function).next();
    if attribute.is_none() && (function.sig.ident != "main" || !function.sig.inputs.is_empty()) {
        return None;
    }
    let name =
        |attribute: &syn::Attribute| format!("#[{}]", attribute.path().to_token_stream().to_string().replace(' ', ""));
    Some(Entry {
        name: function.sig.ident.to_string(),
        is_async: function.sig.asyncness.is_some(),
        has_parameters: !function.sig.inputs.is_empty(),
        attribute: attribute.map(name),
        settings: attribute.map(settings).unwrap_or_default(),
    })
}

/// What is said of an item that is there in tests only, as cells are none.
pub(super) fn left_out(item: &syn::Item) -> Option<String> {
    let (attributes, what) = match item {
        syn::Item::Mod(module) => (&module.attrs, format!("the module `{}`", module.ident)),
        syn::Item::Fn(function) => (&function.attrs, format!("the function `{}`", function.sig.ident)),
        _ => return None,
    };
    let is_of_tests = |attribute: &syn::Attribute| matches!(&attribute.meta, syn::Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test");
    attributes.iter().any(is_of_tests).then(|| {
        format!("{what} is left out, as it is `#[cfg(test)]`: without that line, cells can call what is in it")
    })
}

/// The names of what is set.
fn settings(attribute: &syn::Attribute) -> Vec<String> {
    let syn::Meta::List(list) = &attribute.meta else { return Vec::new() };
    let mut names = Vec::new();
    // What is no list of `name = value` sets nothing.
    let _ = list.parse_nested_meta(|meta| {
        names.extend(meta.path.get_ident().filter(|name| *name != "crate").map(ToString::to_string));
        meta.value()?.parse::<syn::Expr>().map(drop)
    });
    names
}

impl Entry {
    /// The sentence for who defines it and does not call it in the same cell.
    pub(crate) fn note(&self) -> String {
        let Self { name, is_async, has_parameters, attribute, settings } = self;
        let kind = if *is_async { "async function" } else { "function" };
        let parameters = if *has_parameters { "…" } else { "" };
        let call = format!("{name}({parameters}){}", if *is_async { ".await" } else { "" });
        if name == "main" && settings.is_empty() {
            return format!(
                "`main` is an ordinary {kind} here, and the cell already runs on the kernel's runtime: run it with `{call}`"
            );
        }
        let Some(attribute) = attribute else {
            return format!("`{name}` is an ordinary {kind} here: run it with `{call}`");
        };
        let settings: Vec<_> = settings.iter().map(|name| format!("`{name}`")).collect();
        let without = match settings.as_slice() {
            [] => String::new(),
            [only] => format!(", for which {only} does not count"),
            [all @ .., last] => format!(", for which {} and {last} do not count", all.join(", ")),
        };
        let runtime = if *is_async { format!(" on the kernel's runtime{without}") } else { String::new() };
        format!("`{attribute}` is left out: `{name}` is an ordinary {kind}{runtime}; run it with `{call}`")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let parsed = crate::parse::parse(text, &BTreeSet::new()).unwrap();
        let mut told: Vec<String> = parsed.entries.iter().map(super::Entry::note).collect();
        told.extend(parsed.left_out.iter().cloned());
        told.extend(parsed.items.iter().map(|item| item.edits.apply(text, item.range.clone())));
        expected.assert_eq(&told.join("\n"));
    }

    #[test]
    fn runtimes_of_their_own_are_taken_off() {
        check(
            "#[tokio::main(flavor = \"multi_thread\", worker_threads = 2)] async fn main() {}",
            expect![[r#"
            `#[tokio::main]` is left out: `main` is an ordinary async function on the kernel's runtime, for which `flavor` and `worker_threads` do not count; run it with `main().await`
             pub async fn main() {}"#]],
        );
        check(
            "#[tokio::main(flavor = \"current_thread\")]\n#[inline] async fn get(a: u8) {}",
            expect![[r#"
            `#[tokio::main]` is left out: `get` is an ordinary async function on the kernel's runtime, for which `flavor` does not count; run it with `get(…).await`

            #[inline] pub async fn get(a: u8) {}"#]],
        );
        check(
            "#[async_std::main] async fn main() {}",
            expect![[r#"
            `main` is an ordinary async function here, and the cell already runs on the kernel's runtime: run it with `main().await`
             pub async fn main() {}"#]],
        );
        check(
            "#[actix_web::main] pub async fn serve() {}",
            expect![[r#"
            `#[actix_web::main]` is left out: `serve` is an ordinary async function on the kernel's runtime; run it with `serve().await`
             pub async fn serve() {}"#]],
        );
        check(
            "#[test] fn adds() {} #[tokio::test] async fn waits() {}",
            expect![[r#"
            `#[test]` is left out: `adds` is an ordinary function; run it with `adds()`
            `#[tokio::test]` is left out: `waits` is an ordinary async function on the kernel's runtime; run it with `waits().await`
             pub fn adds() {}
             pub async fn waits() {}"#]],
        );
        check(
            "#[tokio::test(start_paused = true)] async fn waits() {}",
            expect![[r#"
            `#[tokio::test]` is left out: `waits` is an ordinary async function on the kernel's runtime, for which `start_paused` does not count; run it with `waits().await`
             pub async fn waits() {}"#]],
        );
    }

    #[test]
    fn what_means_something_else_is_left() {
        check("#[tokio::main] fn sync() {}", expect!["#[tokio::main] pub fn sync() {}"]);
        check(
            "#[sqlx::test] async fn with_pool(pool: Pool) {}",
            expect!["#[sqlx::test] pub async fn with_pool(pool: Pool) {}"],
        );
        check(
            "async fn get() {} fn main(a: u8) {}",
            expect![[r#"
            pub async fn get() {}
            pub fn main(a: u8) {}"#]],
        );
    }

    #[test]
    fn what_is_for_tests_only_is_told_of() {
        check(
            "#[cfg(test)] mod tests { #[test] fn adds() {} }",
            expect![[r#"
            the module `tests` is left out, as it is `#[cfg(test)]`: without that line, cells can call what is in it
            #[cfg(test)] pub mod tests {  pub fn adds() {} }"#]],
        );
        check("#[cfg(unix)] mod here {}", expect!["#[cfg(unix)] pub mod here {}"]);
    }

    #[test]
    fn a_cell_that_runs_it_needs_no_sentence() {
        check("#[tokio::main] async fn get() {} get().await", expect![" pub async fn get() {}"]);
        check("mod tests { #[test] fn adds() {} }", expect!["pub mod tests {  pub fn adds() {} }"]);
    }
}
