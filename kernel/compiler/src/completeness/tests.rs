use expect_test::{Expect, expect};

use super::*;

/// Every text with what can be done with it; of an incomplete one, where the next line begins.
fn check(texts: &[&str], expect: Expect) {
    let answers = texts.iter().map(|text| {
        let answer = match completeness(text) {
            Completeness::Complete => "complete".to_owned(),
            Completeness::Incomplete { indent } => format!("incomplete, {indent}"),
            Completeness::Invalid => "invalid".to_owned(),
        };
        format!("{text:?}: {answer}\n")
    });
    expect.assert_eq(&answers.collect::<String>());
}

#[test]
fn whole_cells_can_be_run() {
    check(
        &[
            "",
            "\n  \n",
            "1 + 1",
            "let x = 5;",
            "x.iter().map(|x| x + 1).sum::<i32>()",
            "tokio::time::sleep(d).await; 7",
            "fn f() -> u8 { 1 }",
            "struct A;\nimpl A {}",
            "if x { 1 } else { 2 }",
            "for x in 0..3 {\n    f(x);\n}",
            "println!(\"{}\", 1)",
            "json!({ \"a\": [1, 2] })",
            "macro_rules! m { ($a:expr) => { $a } }",
            "#![allow(unused)]\nlet a = 'x';",
            "#[derive(Debug)]\nstruct B { a: u8 }",
            "// a comment",
            "a /* ) */ + \"(\"",
            "r#\"a \" b\"#",
            "'a: loop { break 'a; }",
            "return;",
            "0..",
        ],
        expect![[r##"
            "": complete
            "\n  \n": complete
            "1 + 1": complete
            "let x = 5;": complete
            "x.iter().map(|x| x + 1).sum::<i32>()": complete
            "tokio::time::sleep(d).await; 7": complete
            "fn f() -> u8 { 1 }": complete
            "struct A;\nimpl A {}": complete
            "if x { 1 } else { 2 }": complete
            "for x in 0..3 {\n    f(x);\n}": complete
            "println!(\"{}\", 1)": complete
            "json!({ \"a\": [1, 2] })": complete
            "macro_rules! m { ($a:expr) => { $a } }": complete
            "#![allow(unused)]\nlet a = 'x';": complete
            "#[derive(Debug)]\nstruct B { a: u8 }": complete
            "// a comment": complete
            "a /* ) */ + \"(\"": complete
            "r#\"a \" b\"#": complete
            "'a: loop { break 'a; }": complete
            "return;": complete
            "0..": complete
        "##]],
    );
}

#[test]
fn unfinished_cells_go_on_where_rustfmt_would_have_it() {
    check(
        &[
            "let x =",
            "let x = 5",
            "let x: Vec<",
            "fn f()",
            "fn f() -> u8 {",
            "fn f() {\n    if a {\n        b();",
            "fn f() {\n    if a {\n        b();\n    }",
            "struct A {\n    a: u8,",
            "foo(1,",
            "foo(Bar {",
            "foo(\n    a +",
            "x\n    .iter()\n    .map(",
            "x.",
            "let y = x\n    .iter().",
            "a +",
            "match x {",
            "match x {\n    A =>",
            "match x {\n    A => {\n        1\n    }",
            "match x {\n    A => 1,",
            "if x {\n    1\n} else",
            "if x",
            "for x in",
            "loop",
            "unsafe",
            "impl A for",
            "fn f<T>(t: T)\nwhere",
            "use std::",
            "use std::{",
            "#[derive(Debug)]",
            "#[derive(",
            "/// documentation",
            "println!",
            "println!(\"{}\",",
            "macro_rules! m {\n    (",
            "let s = \"a",
            "    let s = r#\"a\" b",
            "b\"",
            "br##\"\"#",
            "c\"",
            "/* a /* b */",
            "  /* a",
            "let f = |x|",
            "tokio::spawn(async move {",
            "vec![\n    1,",
            "\tif a {",
            "{ // }",
        ],
        expect![[r##"
            "let x =": incomplete, 4
            "let x = 5": incomplete, 4
            "let x: Vec<": incomplete, 4
            "fn f()": incomplete, 0
            "fn f() -> u8 {": incomplete, 4
            "fn f() {\n    if a {\n        b();": incomplete, 8
            "fn f() {\n    if a {\n        b();\n    }": incomplete, 4
            "struct A {\n    a: u8,": incomplete, 4
            "foo(1,": incomplete, 4
            "foo(Bar {": incomplete, 4
            "foo(\n    a +": incomplete, 8
            "x\n    .iter()\n    .map(": incomplete, 8
            "x.": incomplete, 4
            "let y = x\n    .iter().": incomplete, 4
            "a +": incomplete, 4
            "match x {": incomplete, 4
            "match x {\n    A =>": incomplete, 8
            "match x {\n    A => {\n        1\n    }": incomplete, 4
            "match x {\n    A => 1,": incomplete, 4
            "if x {\n    1\n} else": incomplete, 0
            "if x": incomplete, 0
            "for x in": incomplete, 4
            "loop": incomplete, 0
            "unsafe": incomplete, 0
            "impl A for": incomplete, 4
            "fn f<T>(t: T)\nwhere": incomplete, 4
            "use std::": incomplete, 4
            "use std::{": incomplete, 4
            "#[derive(Debug)]": incomplete, 0
            "#[derive(": incomplete, 4
            "/// documentation": incomplete, 0
            "println!": incomplete, 4
            "println!(\"{}\",": incomplete, 4
            "macro_rules! m {\n    (": incomplete, 8
            "let s = \"a": incomplete, 0
            "    let s = r#\"a\" b": incomplete, 0
            "b\"": incomplete, 0
            "br##\"\"#": incomplete, 0
            "c\"": incomplete, 0
            "/* a /* b */": incomplete, 0
            "  /* a": incomplete, 2
            "let f = |x|": incomplete, 4
            "tokio::spawn(async move {": incomplete, 4
            "vec![\n    1,": incomplete, 4
            "\tif a {": incomplete, 8
            "{ // }": incomplete, 4
        "##]],
    );
}

#[test]
fn what_is_no_rust_is_invalid() {
    check(
        &[
            "let x = ];",
            "}",
            "(]",
            "foo(}",
            "let = 5;",
            "let x = = {",
            "fn f( { ) }",
            "struct 1;",
            "a b",
            "'ab'",
            "let c = '",
            "№",
            "r#!\"",
            "foo\"bar\"",
            "fn fn() {",
            "if a {\n    let let\n",
        ],
        expect![[r#"
            "let x = ];": invalid
            "}": invalid
            "(]": invalid
            "foo(}": invalid
            "let = 5;": invalid
            "let x = = {": invalid
            "fn f( { ) }": invalid
            "struct 1;": invalid
            "a b": invalid
            "'ab'": invalid
            "let c = '": invalid
            "№": invalid
            "r#!\"": invalid
            "foo\"bar\"": invalid
            "fn fn() {": invalid
            "if a {\n    let let\n": invalid
        "#]],
    );
}

#[test]
fn commands_are_whole_and_await_their_code() {
    check(
        &[
            ":help",
            "%vars",
            ":dep rand = \"0.9\"",
            ":opt 3\nlet x =",
            "%%timeline",
            "%%timeline\n",
            "%%timing\n1",
            "%%opt 3\nif a {",
        ],
        expect![[r#"
            ":help": complete
            "%vars": complete
            ":dep rand = \"0.9\"": complete
            ":opt 3\nlet x =": incomplete, 4
            "%%timeline": incomplete, 0
            "%%timeline\n": complete
            "%%timing\n1": complete
            "%%opt 3\nif a {": incomplete, 4
        "#]],
    );
}

#[test]
fn what_would_overflow_the_stack_is_invalid() {
    assert_eq!(completeness(&"(".repeat(100_000)), Completeness::Invalid);
    assert_eq!(completeness(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))), Completeness::Invalid);
}
