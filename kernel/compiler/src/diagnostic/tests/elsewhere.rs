//! Errors that rustc places elsewhere than in the cell's own text: in macros, in std, in what is generated.

use super::*;

#[test]
fn error_in_the_body_of_a_macro_and_in_its_argument() {
    let text = "macro_rules! bad {\n    ($e:expr) => { let x: u8 = \"q\"; let y: u8 = $e; };\n}\n\
                pub fn f() {\n    bad!('c');\n}\n";
    cell(text).check(expect![[r#"
        error[E0308]: mismatched types
         --> cell 3:2:32
          |
        2 |     ($e:expr) => { let x: u8 = "q"; let y: u8 = $e; };
          |                           --   ^^^ expected `u8`, found `&str`
          |                           |
          |                           expected due to this
        ...
        5 |     bad!('c');
          |     --------- in this macro invocation
          |
          = note: this error originates in the macro `bad`

        error[E0308]: mismatched types
         --> cell 3:5:10
          |
        2 |     ($e:expr) => { let x: u8 = "q"; let y: u8 = $e; };
          |                                            -- expected due to this
        ...
        5 |     bad!('c');
          |     -----^^^-
          |     |    |
          |     |    expected `u8`, found `char`
          |     in this macro invocation
          |
        help: if you meant to write a byte literal, prefix with `b`
          |
        5 |     bad!(b'c');
          |          +
    "#]]);
}

#[test]
fn error_in_a_macro_of_std_is_told_at_its_call() {
    cell("struct Foo;\npub fn f() {\n    println!(\"{:?}\", Foo);\n    assert_eq!(Foo, Foo);\n}\n").check(expect![[
        r#"
        error[E0277]: `Foo` doesn't implement `Debug`
         --> cell 3:3:22
          |
        3 |     println!("{:?}", Foo);
          |               ----   ^^^ `Foo` cannot be formatted using `{:?}` because it doesn't implement `Debug`
          |               |
          |               required by this formatting parameter
          |
          = help: the trait `Debug` is not implemented for `Foo`
          = note: add `#[derive(Debug)]` to `Foo` or manually `impl Debug for Foo`
        help: consider annotating `Foo` with `#[derive(Debug)]`
          |
        1 + #[derive(Debug)]
          |

        error[E0369]: binary operation `==` cannot be applied to type `Foo`
         --> cell 3:4:5
          |
        4 |     assert_eq!(Foo, Foo);
          |     ^^^^^^^^^^^^^^^^^^^^ Foo
          |
        note: an implementation of `PartialEq` might be missing for `Foo`
         --> cell 3:1:1
          |
        1 | struct Foo;
          | ^^^^^^^^^^ must implement `PartialEq`
        help: consider annotating `Foo` with `#[derive(PartialEq)]`
          |
        1 + #[derive(PartialEq)]
          |

        error[E0277]: `Foo` doesn't implement `Debug`
         --> cell 3:4:5
          |
        4 |     assert_eq!(Foo, Foo);
          |     ^^^^^^^^^^^^^^^^^^^^ the trait `Debug` is not implemented for `Foo`
          |
          = note: add `#[derive(Debug)]` to `Foo` or manually `impl Debug for Foo`
        help: consider annotating `Foo` with `#[derive(Debug)]`
          |
        1 + #[derive(Debug)]
          |

        error[E0277]: `Foo` doesn't implement `Debug`
         --> cell 3:4:5
          |
        4 |     assert_eq!(Foo, Foo);
          |     ^^^^^^^^^^^^^^^^^^^^ the trait `Debug` is not implemented for `Foo`
          |
          = note: add `#[derive(Debug)]` to `Foo` or manually `impl Debug for Foo`
        help: consider annotating `Foo` with `#[derive(Debug)]`
          |
        1 + #[derive(Debug)]
          |
    "#
    ]]);
}

#[test]
fn bounds_of_std_show_no_place_in_std() {
    cell("pub fn f() {\n    let r = std::rc::Rc::new(1);\n    std::thread::spawn(move || { let _ = &r; });\n}\n")
        .check(expect![[r#"
            error[E0277]: `Rc<i32>` cannot be sent between threads safely
             --> cell 3:3:24
              |
            3 |     std::thread::spawn(move || { let _ = &r; });
              |     ------------------ -------^^^^^^^^^^^^^^^^
              |     |                  |
              |     |                  `Rc<i32>` cannot be sent between threads safely
              |     |                  within this `{closure@cell 3:3:24: 3:31}`
              |     required by a bound introduced by this call
              |
              = help: within `{closure@cell 3:3:24: 3:31}`, the trait `Send` is not implemented for `Rc<i32>`
            note: required because it's used within this closure
             --> cell 3:3:24
              |
            3 |     std::thread::spawn(move || { let _ = &r; });
              |                        ^^^^^^^
              = note: required by a bound in `spawn`
        "#]]);
}

#[test]
fn types_are_named_by_their_place_in_the_cell() {
    let (before, after) = ("#![allow(unused)]\npub fn cell() {\n", "\n}\n");
    let text =
        "let f = |x: u8| x;\nlet n: u8 = (0..3).map(|x| x + 1);\nlet m: u8 = async { 1 };\nlet o: u8 = f;".to_owned();
    Cells(vec![Cell { name: "cell 3", before, text, after }]).check(expect![[r#"
        error[E0308]: mismatched types
         --> cell 3:2:13
          |
        2 | let n: u8 = (0..3).map(|x| x + 1);
          |        --   ^^^^^^^^^^^^^^^^^^^^^ expected `u8`, found `Map<Range<{integer}>, {closure@...}>`
          |        |
          |        expected due to this
          |
          = note: expected type `u8`
                   found struct `Map<std::ops::Range<{integer}>, {closure@cell 3:2:24: 2:27}>`

        error[E0308]: mismatched types
         --> cell 3:3:13
          |
        3 | let m: u8 = async { 1 };
          |        --   ^^^^^^^^^^^ expected `u8`, found `async` block
          |        |
          |        expected due to this
          |
          = note:       expected type `u8`
                  found `async` block `{async block@cell 3:3:13: 3:18}`

        error[E0308]: mismatched types
         --> cell 3:4:13
          |
        1 | let f = |x: u8| x;
          |         ------- the found closure
        ...
        4 | let o: u8 = f;
          |        --   ^ expected `u8`, found closure
          |        |
          |        expected due to this
          |
          = note: expected type `u8`
                  found closure `{closure@cell 3:1:9: 1:16}`
        help: use parentheses to call this closure
          |
        4 | let o: u8 = f(/* u8 */);
          |              ++++++++++
    "#]]);
}
