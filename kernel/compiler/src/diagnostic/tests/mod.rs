//! Cells that rustc refuses, and what the user reads. rustc itself makes the JSON; `UPDATE_EXPECT=1` rewrites the texts
//! after a look at them, for example when a new rustc words something differently.

mod elsewhere;
mod hostile;
mod suggestions;

use std::process::{Command, Stdio};

use cargo_metadata::diagnostic::Diagnostic;
use expect_test::{Expect, expect};

use super::parse::RustcOutput;
use super::{SourceMap, parse, render, summary};

/// A cell as it stands in a generated file: between lines that are not the user's.
#[derive(Clone, Default)]
struct Cell {
    name: &'static str,
    before: &'static str,
    text: String,
    after: &'static str,
}

/// The cells of a notebook; the last is what rustc is called with.
struct Cells(Vec<Cell>);

impl SourceMap for Cells {
    fn source(&self, file: &str) -> Option<&str> {
        self.0.iter().find(|cell| cell.name == file).map(|cell| cell.text.as_str())
    }

    fn offset(&self, file: &str, line: usize, column: usize) -> Option<usize> {
        let cell = self.0.iter().find(|cell| cell.name == file)?;
        let line = line.checked_sub(1 + cell.before.matches('\n').count())?;
        let lines: Vec<&str> = cell.text.split_inclusive('\n').collect();
        let start = lines.iter().take(line).map(|line| line.len()).sum::<usize>();
        let line = *lines.get(line)?;
        // The line's end is a place too.
        let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        ends.map(|at| start + at).nth(column - 1)
    }

    fn clean(&self, message: &str) -> String {
        message.replace("notebook::", "")
    }
}

impl Cells {
    fn compile(&self) -> RustcOutput {
        let directory = tempfile::tempdir().unwrap();
        for cell in &self.0 {
            let generated = format!("{}{}{}", cell.before, cell.text, cell.after);
            std::fs::write(directory.path().join(cell.name), generated).unwrap();
        }
        let output = Command::new("rustc")
            .args(["--edition", "2024", "--crate-type", "lib", "--crate-name", "notebook", "--emit", "metadata"])
            .args(["--error-format", "json", "-A", "unused_imports", self.0.last().unwrap().name])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        parse(&output.stderr)
    }

    fn check(self, expected: Expect) {
        let parsed = self.compile();
        let diagnostics: Vec<&Diagnostic> = parsed.diagnostics.iter().collect();
        let rendered = render(&diagnostics, &self, &|_| Vec::new());
        assert!(!rendered.plain.contains('\u{1b}'));
        assert_eq!(without_colours(&rendered.ansi), rendered.plain);
        expected.assert_eq(&(rendered.plain + "\n"));
    }
}

fn cell(text: &str) -> Cells {
    Cells(vec![Cell { name: "cell 3", text: text.to_owned(), ..Cell::default() }])
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, text)| text))
}

#[test]
fn mismatched_types() {
    cell("pub fn f() {\n    let x: i32 = \"a\";\n}\n").check(expect![[r#"
        error[E0308]: mismatched types
         --> cell 3:2:18
          |
        2 |     let x: i32 = "a";
          |            ---   ^^^ expected `i32`, found `&str`
          |            |
          |            expected due to this
    "#]]);
}

#[test]
fn use_after_move_with_three_labels() {
    cell("pub fn f() {\n    let s = String::new();\n    drop(s);\n    s.len();\n}\n").check(expect![[r#"
        error[E0382]: borrow of moved value: `s`
         --> cell 3:4:5
          |
        2 |     let s = String::new();
          |         - move occurs because `s` has type `String`, which does not implement the `Copy` trait
        3 |     drop(s);
          |          - value moved here
        4 |     s.len();
          |     ^ value borrowed here after move
          |
        help: consider cloning the value if the performance cost is acceptable
          |
        3 |     drop(s.clone());
          |           ++++++++
    "#]]);
}

#[test]
fn unclosed_delimiter_at_the_end_of_the_text() {
    cell("pub fn f() {\n    let v = vec![1];\n    g(v);\n").check(expect![[r#"
        error: this file contains an unclosed delimiter
         --> cell 3:3:10
          |
        1 | pub fn f() {
          |            - unclosed delimiter
        2 |     let v = vec![1];
        3 |     g(v);
          |          ^
    "#]]);
    cell("pub fn f() {").check(expect![[r#"
        error: this file contains an unclosed delimiter
         --> cell 3:1:13
          |
        1 | pub fn f() {
          |            -^
          |            |
          |            unclosed delimiter
    "#]]);
}

#[test]
fn forgotten_await() {
    let text = "async fn ask() -> u8 { 1 }\npub async fn f() {\n    ask();\n}\n";
    cell(text).check(expect![[r#"
        warning: unused implementer of `Future` that must be used
         --> cell 3:3:5
          |
        3 |     ask();
          |     ^^^^^
          |
          = note: futures do nothing unless you `.await` or poll them
          = note: `#[warn(unused_must_use)]` (part of `#[warn(unused)]`) on by default
    "#]]);
}

#[test]
fn wide_chars_and_tabs_before_the_span() {
    cell("pub fn f() {\n\tlet 名前 = (\"🦀👩‍🚀é\", 1u8); let y: i32 = 名前.0;\n}\n").check(expect![[r#"
        error[E0308]: mismatched types
         --> cell 3:2:40
          |
        2 |     let 名前 = ("🦀👩🚀é", 1u8); let y: i32 = 名前.0;
          |                                         ---   ^^^^^^ expected `i32`, found `&str`
          |                                         |
          |                                         expected due to this
    "#]]);
}

#[test]
fn carriage_returns() {
    cell("pub fn f() {\r\n    let x: i32 = if true {\r\n        \"a\"\r\n    } else { 1 };\r\n}\r\n").check(expect![[
        r#"
        error[E0308]: mismatched types
         --> cell 3:3:9
          |
        3 |         "a"
          |         ^^^ expected `i32`, found `&str`
    "#
    ]]);
}

#[test]
fn span_over_several_lines() {
    cell("pub fn f() -> u8 {\n    vec![\n        1,\n        2,\n        3,\n    ]\n    .into_iter()\n    .map(|x| x + 1)\n}\n")
        .check(expect![[r#"
            error[E0308]: mismatched types
             --> cell 3:2:5
              |
            1 |   pub fn f() -> u8 {
              |                 -- expected `u8` because of return type
            2 | /     vec![
            3 | |         1,
            4 | |         2,
            5 | |         3,
            6 | |     ]
            7 | |     .into_iter()
            8 | |     .map(|x| x + 1)
              | |___________________^ expected `u8`, found `Map<IntoIter<{integer}>, {closure@...}>`
              |
              = note: expected type `u8`
                       found struct `Map<std::vec::IntoIter<{integer}>, {closure@cell 3:8:10: 8:13}>`
        "#]]);
}

#[test]
fn two_cells() {
    let first = "pub struct Point { x: u8 }\nimpl Point { pub fn new(x: u8) -> Self { Self { x } } }\n";
    let third = "#[path = \"cell 1\"]\npub mod cell_1;\nuse cell_1::Point;\npub fn f() {\n    Point::new(1, 2);\n    \
                 let q = Point { x: 1 };\n    let r = q.clone();\n}\n";
    let cells = [("cell 1", first), ("cell 3", third)];
    Cells(cells.map(|(name, text)| Cell { name, text: text.to_owned(), ..Cell::default() }).into()).check(expect![[
        r#"
        error[E0061]: this function takes 1 argument but 2 arguments were supplied
         --> cell 3:5:5
          |
        5 |     Point::new(1, 2);
          |     ^^^^^^^^^^    - unexpected argument #2 of type `{integer}`
          |
        note: associated function defined here
         --> cell 1:2:21
          |
        2 | impl Point { pub fn new(x: u8) -> Self { Self { x } } }
          |                     ^^^
        help: remove the extra argument
          |
        5 -     Point::new(1, 2);
        5 +     Point::new(1);
          |

        error[E0599]: no method named `clone` found for struct `Point` in the current scope
         --> cell 3:7:15
          |
        7 |     let r = q.clone();
          |               ^^^^^ method not found in `Point`
          |
         ::: cell 1:1:1
          |
        1 | pub struct Point { x: u8 }
          | ---------------- method `clone` not found for this struct
          |
          = help: items from traits can only be used if the trait is implemented and in scope
          = note: the following trait defines an item `clone`, perhaps you need to implement it:
                  candidate #1: `Clone`
    "#
    ]]);
}

#[test]
fn nothing_generated_shows() {
    let before = "#![deny(unused_must_use)]\npub mod __kissaten { pub struct Store; pub fn keep<T: Copy>(_: T) {} }\n\
                  pub async fn cell() -> Result<(), __kissaten::Store> {\n";
    let after = "\n; __kissaten::keep(s); Ok(()) }\n";
    let text = "let s = String::new();\nOk::<u8, u8>(1)?;\nOk::<u8, u8>(1)".to_owned();
    Cells(vec![Cell { name: "cell 3", before, text, after }]).check(expect![[r#"
        error[E0277]: `?` couldn't convert the error to `Store`
         --> cell 3:2:16
          |
        2 | Ok::<u8, u8>(1)?;
          | ---------------^ the trait `From<u8>` is not implemented for `Store`
          | |
          | this can't be annotated with `?` because it has type `Result<_, u8>`
          |
          = note: the question mark operation (`?`) implicitly performs a conversion on the error value using the `From` trait

        error[E0277]: the trait bound `String: Copy` is not satisfied
    "#]]);
}

#[test]
fn all_places_are_generated() {
    let (before, after) = ("pub fn cell() -> u8 {\n", "\n\"\"}\n");
    Cells(vec![Cell { name: "cell 3", before, text: String::new(), after }]).check(expect![[r#"
        error[E0308]: mismatched types
    "#]]);
}

#[test]
fn summaries() {
    let cells = cell("pub fn f() { let x: u8 = \"\"; let y: u8 = \"\"; }\n");
    let parsed = cells.compile();
    let errors: Vec<&Diagnostic> = parsed.diagnostics.iter().filter(|one| super::parse::is_error(one)).collect();
    assert_eq!(summary(&errors, &cells), "E0308: mismatched types, and 1 more error");
    assert_eq!(summary(&errors[..1], &cells), "E0308: mismatched types");
    assert_eq!(summary(&[], &cells), "");
}

#[test]
fn notes_of_ours_stand_under_the_diagnostic() {
    let cells = cell("pub fn f() {\n    g()\n}\n");
    let parsed = cells.compile();
    let diagnostics: Vec<&Diagnostic> = parsed.diagnostics.iter().collect();
    let notes = |diagnostic: &Diagnostic| {
        assert_eq!(diagnostic.code.as_ref().unwrap().code, "E0425");
        vec!["`g` was not kept:\nit borrows from `v`".to_owned(), "help: keep `v.clone()`".to_owned()]
    };
    expect![[r#"
        error[E0425]: cannot find function `g` in this scope
         --> cell 3:2:5
          |
        2 |     g()
          |     ^ not found in this scope
          |
          = note: `g` was not kept:
                  it borrows from `v`
          = help: keep `v.clone()`"#]]
    .assert_eq(&render(&diagnostics, &cells, &notes).plain);
}

#[test]
fn colours_are_those_of_rustc() {
    let cells = cell("pub fn f() -> u8 {\n    \"\"\n}\n");
    let parsed = cells.compile();
    let rendered = render(&[&parsed.diagnostics[0]], &cells, &|_| Vec::new());
    expect![[r#"
        ESC[1mESC[91merror[E0308]ESC[0mESC[1m: mismatched typesESC[0m
         ESC[1mESC[94m--> ESC[0mcell 3:2:5
          ESC[1mESC[94m|ESC[0m
        ESC[1mESC[94m1ESC[0m ESC[1mESC[94m|ESC[0m pub fn f() -> u8 {
          ESC[1mESC[94m|ESC[0m               ESC[1mESC[94m--ESC[0m ESC[1mESC[94mexpected `u8` because of return typeESC[0m
        ESC[1mESC[94m2ESC[0m ESC[1mESC[94m|ESC[0m     ""
          ESC[1mESC[94m|ESC[0m     ESC[1mESC[91m^^ESC[0m ESC[1mESC[91mexpected `u8`, found `&str`ESC[0m"#]].assert_eq(&rendered.ansi.replace('\u{1b}', "ESC"));
}
