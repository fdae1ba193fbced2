use super::*;

/// The names, as the text around them would be with `X` in their place.
fn check(text: &str, expected: &str) {
    let item: syn::Item = syn::parse_str(text).unwrap();
    let mut ranges: Vec<(Range<usize>, String)> = of_item(&item)
        .uses
        .into_iter()
        .map(|found| match found.form {
            NameForm::Path(range) => (range, "X".to_owned()),
            NameForm::FromRoot(range) => (range, "R".to_owned()),
            NameForm::Shorthand(at) => (at..at, format!("{}: X ", found.name)),
            NameForm::Captured { end, comma } => {
                (end..end, format!("{}{} = X", if comma { ", " } else { "" }, found.name))
            }
            NameForm::Use(of) => (
                of.range.clone(),
                format!("use {}", of.leaves.iter().map(|leaf| leaf.rest.clone()).collect::<Vec<_>>().join("|")),
            ),
        })
        .collect();
    ranges.sort_by_key(|(range, _)| (range.start, range.end));
    ranges.dedup();
    let mut out = text.to_owned();
    for (range, with) in ranges.into_iter().rev() {
        out.replace_range(range, &with);
    }
    assert_eq!(out, expected);
}

#[test]
fn paths_begin_with_names_and_what_is_bound_inside_is_none() {
    check("struct A<T> { m: Mutex<T>, n: std::rc::Rc<T> }", "struct A<T> { m: X<T>, n: X::rc::Rc<T> }");
    check("fn f(min: u8) -> u8 { min(1) + min::x() + a.min }", "fn f(min: X) -> X { min(1) + X::x() + X.min }");
    check("fn f() { let g = g(1); g(2) }", "fn f() { let g = X(1); g(2) }");
    check("fn f() { if let Some(x) = x { x } else { x } }", "fn f() { if let X(x) = X { x } else { X } }");
    check(
        "fn f() { match a { Less => P { a }, b => P { b } } }",
        "fn f() { match X { X => X { a: X a }, b => X { b } } }",
    );
    check(
        "fn f() { use a::Map; Map::new(); struct C; C; { D } }",
        "fn f() { use X::Map; Map::new(); struct C; C; { X } }",
    );
    check(
        "impl<T> Show for Vec<T> { type O = ::a::B; fn f(&self) -> Self {} }",
        "impl<T> X for X<T> { type O = ::a::B; fn f(&self) -> Self {} }",
    );
    check("fn f() { |x| x + y }", "fn f() { |x| x + X }");
}

#[test]
fn modules_see_what_they_say_that_they_see() {
    check("mod a { fn f(_: M) {} }", "mod a { fn f(_: M) {} }");
    check(
        "mod a { use super::*; use b::N; fn f(_: M, _: N) {} }",
        "mod a { use super::*; use X::N; fn f(_: X, _: N) {} }",
    );
    check("mod a { fn f(_: super::M, _: crate::N::O) {} }", "mod a { fn f(_: R, _: R::O) {} }");
    check("mod a { use super::{M, N as O, n::P}; }", "mod a { use | as O|::P }");
    check(
        "mod a { mod b { fn f(_: super::M, _: super::super::M) {} } }",
        "mod a { mod b { fn f(_: super::M, _: R) {} } }",
    );
}

#[test]
fn macros_are_read_as_what_they_are() {
    check(r#"fn f() { println!("{PI} {x}", x = g(1)) }"#, r#"fn f() { X!("{PI} {x}", x = X(1), PI = X) }"#);
    check("fn f() { select! { x = g() => x, _ = h::i() => M } }", "fn f() { X! { x = X() => x, _ = X::i() => X } }");
    check("fn f(v: u8) { vec![v; M::N] }", "fn f(v: X) { X![v; X::N] }");
    check(
        "macro_rules! m { ($a:expr) => { $a.map(Map::new(sum($a))) } }",
        "macro_rules! m { ($a:expr) => { $a.map(X::new(X($a))) } }",
    );
    check("#[derive(Debug, serde::De)] #[serde(x)] struct A;", "#[derive(X, X::De)] #[serde(x)] struct A;");
    check("#[tokio::main] #[allow(x)] async fn f() {}", "#[X::main] #[allow(x)] async fn f() {}");
}
