//! Values whose types have no name, through rustc and a real worker: what they are kept as, and with how many compiles.

use expect_test::expect;

use crate::session::{Session, check};

const DEFINE: &str = "use futures::{StreamExt, stream}; async fn brew(n: u32) -> u32 { n } \
                      fn evens() -> impl Iterator<Item = u32> { (0..4).filter(|n| n % 2 == 0) }";

#[test]
fn a_cell_whose_text_shows_it_is_compiled_once() {
    let mut session = Session::new();
    session.run(DEFINE);
    for cell in [
        "let order = brew(7); let block = async { 5 };",
        "let k = 3; let add = move |x: i32| x + k; let plain = |x: i32| x; let borrowing = |x: i32| x + k;",
        "let mut n = 0; let mut count = move || { n += 1; n };",
        "let it = (0..10).map(|x| x * x).filter(|x| x % 2 == 0); let e = evens();",
        "let st = stream::iter(1..=3).then(|x| async move { x * 2 }); let pinned = Box::pin(async { 1 });",
        "let jobs = vec![brew(1), brew(2)]; let pair = (brew(1), |x: i32| x);",
        "let plain = 1; let text = String::from(\"no such values\");",
    ] {
        session.run(cell);
        assert_eq!(session.compiles(), 1, "{cell}");
    }
    // The text does not show whether it is `Send`, or how it is called; what only a type shows comes from rustc.
    for cell in [
        "let local = { let rc = std::rc::Rc::new(1); async move { *rc } };",
        "let once = { let text = String::new(); move || drop(text) };",
        "let local = { let rc = std::rc::Rc::new(1); move || *rc };",
        "let jobs: Vec<_> = (0..3).map(brew).collect();",
    ] {
        session.run(cell);
        assert_eq!(session.compiles(), 2, "{cell}");
    }
}

#[test]
fn types_are_told_as_a_person_would_write_them() {
    let mut session = Session::new();
    session.run(DEFINE);
    session.run(
        "let k = 1; let order = brew(7); let add = move |x: i32| x + k; let plain = |s: &str| s.len(); \
         let back = (0..3).map(|x| x * 2); let e = evens(); let pair = (brew(1), move |x: i32| x + k); \
         let later = |x: u32| async move { x }; let boxed: Box<dyn Fn(i32) -> i32 + Send> = Box::new(|x| x);",
    );
    let shown: Vec<String> =
        session.notebook.variables().iter().map(|one| format!("{}: {}", one.name, one.type_name)).collect();
    expect![[r#"
        add: impl Fn(i32) -> i32
        back: impl DoubleEndedIterator<Item = i32> + ExactSizeIterator
        boxed: Box<dyn Fn(i32) -> i32 + Send>
        e: impl Iterator<Item = u32>
        k: i32
        later: impl Fn(u32) -> impl Future<Output = u32>
        order: impl Future<Output = u32>
        pair: (impl Future<Output = u32>, impl Fn(i32) -> i32)
        plain: fn(&str) -> usize"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn what_borrows_stays_and_what_cannot_be_kept_says_why() {
    check(&["let s = String::from(\"a\"); let len = |n: usize| s.len() + n;", "len(1)"], expect!["= 2"]);
    check(
        &["let lazy = std::rc::Rc::new(async { 1 });", "lazy"],
        expect![[r#"
        error[E0425]: cannot find value `lazy` in this scope
         --> cell 2:1:1
          |
        1 | lazy
          | ^^^^ not found in this scope
          |
          = note: `lazy` was not kept: a future is of a type that has no name that a later cell could use; box it as a `dyn` type, or use it in the cell that makes it"#]],
    );
}

#[test]
fn rustc_judges_later_uses_as_in_one_function() {
    check(
        &["let text = String::from(\"a\"); let once = move || text;", "once();", "once()"],
        expect![[r#"
        error[E0382]: use of moved value: `once`
         --> cell 3:1:1
          |
        1 | once()
          | ^^^^ value used here after move
          |
         ::: cell 2:1:1
          |
        1 | once();
          | ---- value moved here"#]],
    );
    check(
        &["let mut n = 0; let count = move || { n += 1; n };", "count()"],
        expect![[r#"
        error[E0596]: cannot borrow `count` as mutable, as it is not declared as mutable
         --> cell 2:1:1
          |
        1 | count()
          | ^^^^^ cannot borrow as mutable
          |
          = help: consider making it mutable: `let mut count = count;`"#]],
    );
    check(
        &["let rc = std::rc::Rc::new(1); let local = async move { *rc };", "tokio::spawn(local).await"],
        expect![[r#"
            error[E0277]: `dyn Future<Output = i32>` cannot be sent between threads safely
             --> cell 2:1:14
              |
            1 | tokio::spawn(local).await
              | ------------ ^^^^^ `dyn Future<Output = i32>` cannot be sent between threads safely
              | |
              | required by a bound introduced by this call
              |
              = help: the trait `Send` is not implemented for `dyn Future<Output = i32>`
              = note: required for `std::ptr::Unique<dyn Future<Output = i32>>` to implement `Send`
              = note: required because it appears within the type `Box<dyn Future<Output = i32>>`
              = note: required because it appears within the type `Pin<Box<dyn Future<Output = i32>>>`
              = note: required by a bound in `tokio::spawn`"#]],
    );
}

#[test]
fn errors_are_those_of_the_users_code() {
    check(
        &["let add = |x: i32| x + \"a\"; let it = (0..3).map(|x| x.nothing());"],
        expect![[r#"
        error[E0277]: cannot add `&str` to `i32`
         --> cell 1:1:22
          |
        1 | let add = |x: i32| x + "a"; let it = (0..3).map(|x| x.nothing());
          |                      ^ no implementation for `i32 + &str`
          |
          = help: the trait `Add<&str>` is not implemented for `i32`
          = help: the following other types implement trait `Add<Rhs>`
          = note: `&i32` implements `Add<i32>`
          = note: `&i32` implements `Add`
          = note: `i32` implements `Add<&i32>`
          = note: `i32` implements `Add`
          = note: this error originates in the macro `add_impl`

        error[E0599]: no method named `nothing` found for type `{integer}` in the current scope
         --> cell 1:1:55
          |
        1 | let add = |x: i32| x + "a"; let it = (0..3).map(|x| x.nothing());
          |                                                       ^^^^^^^ method not found in `{integer}`"#]],
    );
    check(
        &["let f = |x| x;"],
        expect![[r#"
        error[E0282]: type annotations needed
         --> cell 1:1:10
          |
        1 | let f = |x| x;
          |          ^
          |
        help: consider giving this closure parameter an explicit type
          |
        1 | let f = |x: /* Type */| x;
          |           ++++++++++++"#]],
    );
}
