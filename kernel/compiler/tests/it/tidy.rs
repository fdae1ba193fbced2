//! rustfmt and clippy on cells: their words are about the user's text, and nothing is run or kept.

use compiler::{PrepareError, Source};
use expect_test::{Expect, expect};
use tokio_util::sync::CancellationToken;

use crate::session::Session;

fn source(text: &str) -> Source {
    Source {
        text: text.to_owned(),
        label: "cell 9".to_owned(),
        cell_id: None,
        opt_level: None,
        timeline: false,
        show_type: false,
        remember: false,
        is_expression: false,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn lint(session: &mut Session, text: &str) -> String {
    match block_on(session.notebook.lint(&source(text), &CancellationToken::new())) {
        Ok(None) => "nothing".to_owned(),
        Ok(Some(rendered)) => rendered.plain,
        Err(PrepareError::Compile(error)) => error.rendered.plain,
        Err(error) => panic!("{error}"),
    }
}

fn check(session: &mut Session, text: &str, expect: Expect) {
    expect.assert_eq(&lint(session, text));
}

#[test]
fn clippy_points_into_the_cell() {
    let mut session = Session::new();
    session.run("struct Cup { size: u32 }\nlet cups = vec![Cup { size: 3 }];\nlet n = 1;");
    check(
        &mut session,
        "if cups.len() == 0 {\n    println!(\"empty\");\n}\nn.clone()",
        expect![[r#"
        warning: length comparison to zero
         --> cell 9:1:4
          |
        1 | if cups.len() == 0 {
          |    ^^^^^^^^^^^^^^^ help: using `is_empty` is clearer and more explicit: `cups.is_empty()`
          |
          = help: for further information visit https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#len_zero
          = note: `#[warn(len_zero)]` on by default"#]],
    );
    check(
        &mut session,
        "fn first(v: &Vec<u32>) -> u32 {\n    return v[0];\n}\nlet x = first(&vec![1]);\nx == x",
        expect![[r#"
            warning: unneeded `return` statement
             --> cell 9:2:5
              |
            2 |     return v[0];
              |     ^^^^^^^^^^^
              |
              = help: for further information visit https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#needless_return
              = note: `#[warn(needless_return)]` on by default
            help: remove `return`
              |
            2 -     return v[0];
            2 +     v[0]
              |

            warning: writing `&Vec` instead of `&[_]` involves a new object where a slice will do
             --> cell 9:1:13
              |
            1 | fn first(v: &Vec<u32>) -> u32 {
              |             ^^^^^^^^^
              |
              = help: for further information visit https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#ptr_arg
              = note: `#[warn(ptr_arg)]` on by default
            help: change this to
              |
            1 - fn first(v: &Vec<u32>) -> u32 {
            1 + fn first(v: &[u32]) -> u32 {
              |

            warning: equal expressions as operands to `==`
             --> cell 9:5:1
              |
            5 | x == x
              | ^^^^^^
              |
              = help: for further information visit https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#eq_op
              = note: `-W eq-op` implied by `-W correctness`
              = help: to override `-W correctness` add `#[allow(eq_op)]`"#]],
    );
    // It was neither run nor kept.
    assert!(session.run("x").contains("E0425"));
    assert!(session.run("first(&vec![1])").contains("E0425"));
}

#[test]
fn what_the_kernel_adds_is_not_judged() {
    let mut session = Session::new();
    session.run("#[derive(Debug)]\nstruct Cup(u32);\nlet cup = Cup(1);\nlet text = String::from(\"a\");");
    for text in [
        "",
        "// nothing",
        "1 + 1",
        "()",
        "let a = 1;\nlet b = String::new();",
        "text.len()",
        "drop(text);",
        "cup",
        "let t = tokio::spawn(async { 1 });\nt.await?",
        "let r = &cup;\nprintln!(\"{r:?}\");",
        "use std::collections::HashMap;\nlet mut map = HashMap::new();\nmap.insert(1, 2);\nmap",
        "struct Table { rows: Vec<u32> }\nimpl Table {\n    fn new() -> Self {\n        Self { rows: Vec::new() }\n    }\n    fn len(&self) -> usize {\n        self.rows.len()\n    }\n}",
        "static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);\nCOUNT.load(std::sync::atomic::Ordering::Relaxed)",
        "Ok(())",
    ] {
        assert_eq!(lint(&mut session, text), "nothing", "{text}");
    }
}

#[test]
fn only_this_cells_items_are_judged() {
    let mut session = Session::new();
    session.run("fn old(x: u8) -> u8 {\n    return x;\n}");
    check(&mut session, "fn new(x: u8) -> u8 {\n    old(x)\n}", expect!["nothing"]);
}

#[test]
fn what_does_not_compile_is_told_as_in_a_run() {
    let mut session = Session::new();
    check(
        &mut session,
        "let a: u8 = true;",
        expect![[r#"
        error[E0308]: mismatched types
         --> cell 9:1:13
          |
        1 | let a: u8 = true;
          |        --   ^^^^ expected `u8`, found `bool`
          |        |
          |        expected due to this"#]],
    );
    check(
        &mut session,
        "let = ;",
        expect![[r#"
        error: expected pattern, found `=`
         --> cell 9:1:5
          |
        1 | let = ;
          |     ^ expected pattern"#]],
    );
}

#[test]
fn code_is_formatted_or_its_mistake_is_told() {
    let mut session = Session::new();
    let mut format = |text: &str| block_on(session.notebook.formatted(&source(text), &CancellationToken::new()));
    assert_eq!(format("\n\nlet  x=1;x").unwrap(), "let x = 1;\nx");
    let Err(PrepareError::Compile(error)) = format("\nlet = 1;") else { panic!("it was formatted") };
    assert!(error.rendered.plain.contains("cell 9:2:5"), "{}", error.rendered.plain);
}
