//! What rustc proposes: in a label where it is short, as a line with a `+` or a `~` where it is not.

use super::*;

#[test]
fn unresolved_name_with_a_similar_one() {
    cell("pub fn f(value: u8) -> u8 {\n    valeu + 1\n}\n").check(expect![[r#"
        error[E0425]: cannot find value `valeu` in this scope
         --> cell 3:2:5
          |
        2 |     valeu + 1
          |     ^^^^^
          |
        help: a local variable with a similar name exists
          |
        2 -     valeu + 1
        2 +     value + 1
          |
    "#]]);
}

#[test]
fn an_import_belongs_at_the_head_of_the_cell() {
    let text = "\nlet counts = HashMap::<u8, u8>::new();\nlet d: Duration = todo!();\n".to_owned();
    let (before, after) = ("#![allow(unused)]\nextern crate alloc;\nfn __kissaten_cell() {\n", "}\n");
    Cells(vec![Cell { name: "cell 3", before, text, after }]).check(expect![[r#"
        error[E0433]: cannot find type `HashMap` in this scope
         --> cell 3:2:14
          |
        2 | let counts = HashMap::<u8, u8>::new();
          |              ^^^^^^^ use of undeclared type `HashMap`
          |
        help: consider importing this struct
          |
        2 + use std::collections::HashMap;
          |

        error[E0425]: cannot find type `Duration` in this scope
         --> cell 3:3:8
          |
        3 | let d: Duration = todo!();
          |        ^^^^^^^^ not found in this scope
          |
        help: consider importing this struct
          |
        2 + use std::time::Duration;
          |
    "#]]);
}

#[test]
fn more_alternatives_than_one_reads() {
    cell("pub fn f() -> Error { loop {} }\n").check(expect![[r#"
        error[E0425]: cannot find type `Error` in this scope
         --> cell 3:1:15
          |
        1 | pub fn f() -> Error { loop {} }
          |               ^^^^^ not found in this scope
          |
        help: consider importing one of these items
          |
        1 + use std::error::Error;
          |
        1 + use std::fmt::Error;
          |
        1 + use std::io::Error;
          |
        1 + use core::error::Error;
          |
          = and 1 other candidate
    "#]]);
}

#[test]
fn short_suggestion_is_a_label() {
    cell("pub fn f() -> u8 {\n    let mut x = 3;\n    x\n}\n").check(expect![[r#"
        warning: variable does not need to be mutable
         --> cell 3:2:9
          |
        2 |     let mut x = 3;
          |         ----^
          |         |
          |         help: remove this `mut`
          |
          = note: `#[warn(unused_mut)]` (part of `#[warn(unused)]`) on by default
    "#]]);
}

#[test]
fn suggestion_in_two_parts() {
    cell("pub fn f(v: &Vec<u8>, o: Option<u8>) -> u8 {\n    let n: u64 = v.len() + 1;\n    if o == Some(1) { 1 }\n    2\n}\n")
        .check(expect![[r#"
            error[E0308]: mismatched types
             --> cell 3:2:18
              |
            2 |     let n: u64 = v.len() + 1;
              |            ---   ^^^^^^^^^^^ expected `u64`, found `usize`
              |            |
              |            expected due to this
              |
            help: you can convert a `usize` to a `u64` and panic if the converted value doesn't fit
              |
            2 |     let n: u64 = (v.len() + 1).try_into().unwrap();
              |                  +           +++++++++++++++++++++

            error[E0308]: mismatched types
             --> cell 3:3:23
              |
            3 |     if o == Some(1) { 1 }
              |     ------------------^--
              |     |                 |
              |     |                 expected `()`, found integer
              |     `if` expressions without `else` arms expect their inner expression to be `()`
              |
            help: you might have meant to return this value
              |
            3 |     if o == Some(1) { return 1; }
              |                       ++++++  +
        "#]]);
}

#[test]
fn text_that_is_inserted_into_the_users_line() {
    /// `pub ` before the struct, `;` and more behind the `let`.
    struct Inserted(Cells);
    impl SourceMap for Inserted {
        fn source(&self, file: &str) -> Option<&str> {
            self.0.source(file)
        }
        fn offset(&self, file: &str, line: usize, column: usize) -> Option<usize> {
            match line {
                1 => self.0.offset(file, line, column.checked_sub(4).filter(|column| *column > 0)?),
                _ => self.0.offset(file, line, column),
            }
        }
        fn clean(&self, message: &str) -> String {
            message.to_owned()
        }
    }
    let generated = "pub struct Foo(u8);\npub fn f(a: Foo) { let b = a.clone(); format!(\"{a:?}\"); }\n";
    let parsed = cell(generated).compile();
    let map = Inserted(cell(&generated[4..]));
    let diagnostics: Vec<&Diagnostic> = parsed.diagnostics.iter().collect();
    expect![[r#"
        error[E0599]: no method named `clone` found for struct `Foo` in the current scope
         --> cell 3:2:30
          |
        1 | struct Foo(u8);
          | ---------- method `clone` not found for this struct
        2 | pub fn f(a: Foo) { let b = a.clone(); format!("{a:?}"); }
          |                              ^^^^^ method not found in `Foo`
          |
          = help: items from traits can only be used if the trait is implemented and in scope
          = note: the following trait defines an item `clone`, perhaps you need to implement it:
                  candidate #1: `Clone`

        error[E0277]: `Foo` doesn't implement `Debug`
         --> cell 3:2:48
          |
        2 | pub fn f(a: Foo) { let b = a.clone(); format!("{a:?}"); }
          |                                                ^^^^^ `Foo` cannot be formatted using `{:?}` because it doesn't implement `Debug`
          |
          = help: the trait `Debug` is not implemented for `Foo`
          = note: add `#[derive(Debug)]` to `Foo` or manually `impl Debug for Foo`
        help: consider annotating `Foo` with `#[derive(Debug)]`
          |
        1 + #[derive(Debug)]
          |"#]].assert_eq(&render(&diagnostics, &map, &|_| Vec::new()).plain);
}

#[test]
fn edit_whose_parts_come_in_disorder() {
    cell("pub fn f(x: &str, y: &str) -> &str { x }\n").check(expect![[r#"
        error[E0106]: missing lifetime specifier
         --> cell 3:1:31
          |
        1 | pub fn f(x: &str, y: &str) -> &str { x }
          |             ----     ----     ^ expected named lifetime parameter
          |
          = help: this function's return type contains a borrowed value, but the signature does not say whether it is borrowed from `x` or `y`
        help: consider introducing a named lifetime parameter
          |
        1 | pub fn f<'a>(x: &'a str, y: &'a str) -> &'a str { x }
          |         ++++     ++          ++          ++
    "#]]);
}
