//! Values whose types have no name, through rustc and a real worker: what they are kept as, and with how many compiles.

mod session;

use expect_test::expect;
use session::{Session, check};

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
    // The text does not show whether it is `Send`, or how it is called; the type of what only a type shows comes from rustc.
    for cell in [
        "let rc = std::rc::Rc::new(1); let local = async move { *rc };",
        "let text = String::new(); let once = move || drop(text);",
        "let rc = std::rc::Rc::new(1); let local = move || *rc;",
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
         let back = (0..3).map(|x| x * 2); let e = evens(); let pair = (brew(1), move |x: u8| x + k); \
         let later = |x: u32| async move { x }; let boxed: Box<dyn Fn(i32) -> i32 + Send> = Box::new(|x| x);",
    );
    let shown: Vec<String> =
        session.notebook.variables().iter().map(|one| format!("{}: {}", one.name, one.type_name)).collect();
    expect![[""]].assert_eq(&shown.join("\n"));
}

#[test]
fn what_cannot_be_kept_says_why() {
    check(&["let s = String::from(\"a\"); let len = |n: usize| s.len() + n;", "len(1)"], expect![[""]]);
    check(&["let lazy = std::cell::RefCell::new(async { 1 });", "lazy"], expect![[""]]);
}

#[test]
fn rustc_judges_later_uses_as_in_one_function() {
    check(&["let text = String::from(\"a\"); let once = move || text;", "once();", "once()"], expect![[""]]);
    check(&["let mut n = 0; let count = move || { n += 1; n };", "count()"], expect![[""]]);
    check(
        &["let rc = std::rc::Rc::new(1); let local = async move { *rc };", "tokio::spawn(local).await"],
        expect![[""]],
    );
}

#[test]
fn errors_are_those_of_the_users_code() {
    check(&["let add = |x: i32| x + \"a\"; let it = (0..3).map(|x| x.nothing());"], expect![[""]]);
    check(&["let f = |x| x;"], expect![[""]]);
}
