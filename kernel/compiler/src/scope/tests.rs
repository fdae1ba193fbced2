use std::collections::BTreeSet;
use std::sync::Arc;

use expect_test::{Expect, expect};

use super::*;
use crate::items::CellText;
use crate::parse::parse;

fn items(cells: &[&str]) -> Items {
    let mut items = Items::default();
    for (index, text) in cells.iter().enumerate() {
        let parsed = parse(text, &BTreeSet::new()).unwrap();
        let serial = index as u64 + 1;
        let cell = CellText { serial, label: format!("cell {serial}"), text: (*text).to_owned(), cell_id: None };
        items.merge(&Arc::new(cell), &parsed, false);
    }
    items
}

/// The imports at the root, then the items as they are written there.
#[track_caller]
fn check(cells: &[&str], expected: Expect) {
    let items = items(cells);
    let arrangement = Arrangement::of(&items, None);
    let mut out = String::new();
    for (_, live) in arrangement.at_root() {
        out.push_str(&format!("{}\n", live.import.text));
    }
    for live in &items.items {
        out.push_str(&arrangement.edits(live).apply(&live.cell.text, live.item.range.clone()));
        out.push('\n');
    }
    expected.assert_eq(&out);
}

#[test]
fn nothing_is_written_where_a_name_means_one_thing() {
    check(
        &["use std::sync::Mutex; fn f(m: Mutex<u8>) {}", "use std::sync::Mutex; fn g(m: Mutex<u8>) {}"],
        expect![[r#"
            use std::sync::Mutex;
            fn f(m: Mutex<u8>) {}
            fn g(m: Mutex<u8>) {}
        "#]],
    );
}

#[test]
fn older_items_are_written_with_paths() {
    check(
        &[
            "use std::sync::{Mutex, mpsc as queue}; fn f(m: Mutex<u8>) { queue::channel() }",
            "use tokio::sync::{Mutex, mpsc as queue};",
        ],
        expect![[r#"
            use tokio::sync::Mutex;
            use tokio::sync::mpsc as queue;
            fn f(m:  ::std::sync::Mutex<u8>) { #[allow(unused_imports)] use ::std::sync::Mutex as _;   ::std::sync::mpsc::channel() }
        "#]],
    );
    check(
        &["use tokio::sync; use sync::Mutex as M; fn f(m: M<u8>) {}", "use std::sync; struct M;"],
        expect![[r#"
            use std::sync;
            fn f(m:  ::tokio::sync::Mutex<u8>) { #[allow(unused_imports)] use ::tokio::sync::Mutex as _; }
            struct M;
        "#]],
    );
}

#[test]
fn what_an_item_is_named_no_import_is_at_the_root() {
    check(
        &["struct Rc;", "use std::rc::Rc; fn f(a: Rc<u8>) {}", "fn g(a: Rc<u8>) {}"],
        expect![[r#"
            struct Rc;
            fn f(a:  ::std::rc::Rc<u8>) { #[allow(unused_imports)] use ::std::rc::Rc as _; }
            fn g(a:  ::std::rc::Rc<u8>) { #[allow(unused_imports)] use ::std::rc::Rc as _; }
        "#]],
    );
    check(
        &["fn f() -> Result<u8, String> { Ok(1) }", "type Result<T> = u8; fn g() -> Result<u8> { 1 }"],
        expect![[r#"
            fn f() ->  ::std::prelude::rust_2024::Result<u8, String> { Ok(1) }
            type Result<T> = u8;
            fn g() -> Result<u8> { 1 }
        "#]],
    );
}

#[test]
fn only_what_is_redefined_is_changed() {
    let changed = |cells: &[&str], last: &str| -> Vec<String> {
        let mut items = items(cells);
        let cell = CellText { serial: 99, label: "cell 99".into(), text: last.into(), cell_id: None };
        items.merge(&Arc::new(cell), &parse(last, &BTreeSet::new()).unwrap(), false).changed.into_iter().collect()
    };
    let shared = ["use std::sync::Mutex; struct Shared { m: Mutex<u8> } struct Named(String);"];
    assert_eq!(changed(&shared, "use tokio::sync::Mutex;"), Vec::<String>::new());
    assert_eq!(changed(&shared, "struct Mutex;"), ["Mutex"]);
    assert_eq!(changed(&shared, "struct String;"), ["String"]);
    let own = ["mod shapes { pub struct Side; } use shapes::Side; struct Square(Side);"];
    assert_eq!(changed(&own, "mod shapes { pub struct Side(u8); }"), ["Square", "shapes"]);
    let glob = ["use std::net::*; struct Host(IpAddr);"];
    assert_eq!(changed(&glob, "struct IpAddr;"), ["IpAddr"]);
    // It could be of either.
    let globs = ["use std::net::*; use std::io::*; struct Host(IpAddr);"];
    assert_eq!(changed(&globs, "struct IpAddr;"), ["Host", "IpAddr"]);
}

#[test]
fn crates_are_names_like_others() {
    check(
        &[
            "extern crate core as base; use base::mem; fn f() { base::mem::swap(a, b); mem::take(c) }",
            "extern crate alloc as base;",
        ],
        expect![[r#"
            use core::mem;
            extern crate alloc as base;
            fn f() {  ::core::mem::swap(a, b); mem::take(c) }
        "#]],
    );
}

#[test]
fn paths_are_told_from_a_crate_on() {
    let items = items(&[
        "mod own { pub mod deep { pub struct A; } } use own::deep; use deep::{A, self as b}; use crate::own::*; use ::std::io;",
    ]);
    let paths: Vec<_> = items.imports.iter().map(|live| (live.import.text.as_str(), live.path.as_str())).collect();
    assert_eq!(
        paths,
        [
            ("use own::deep;", "notebook::own::deep"),
            ("use own::deep::A;", "notebook::own::deep::A"),
            ("use own::deep::{self as b};", "notebook::own::deep"),
            ("use notebook::own::*;", "notebook::own"),
            ("use ::std::io;", "std::io"),
        ]
    );
}
