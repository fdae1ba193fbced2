mod inspect;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use expect_test::{Expect, expect};

use super::{AnalyzerPlace, Kind, Knowledge};
use crate::binding::Binding;
use crate::items::{CellText, Items};
use crate::parse::parse;

const NOTEBOOK: &str = r#"
/// A place on the map.
///
/// With two coordinates.
#[derive(Debug, Clone)]
struct Point { /// To the right.
    x: f64, y: f64, label: Option<Label> }
struct Label { text: String }
impl Point {
    const ORIGIN: Point = Point { x: 0.0, y: 0.0, label: None };
    /// A new one.
    pub fn new(x: f64, y: f64) -> Self { Point { x, y, label: None } }
    fn moved(&self, by: f64) -> Point { Point::new(self.x + by, self.y) }
    async fn fetch(&self) -> Option<Label> { None }
}
enum Order { Coffee { sugar: bool }, Tea }
trait Brew { fn brew(&self) -> u8; fn rinse(&self) {} }
impl Brew for Order { fn brew(&self) -> u8 { 1 } }
mod shop { pub struct Till; pub fn open() -> Till { Till } pub mod back { pub fn door() {} } }
/// Adds.
fn add(a: u8, b: u8) -> u8 { a + b }
static COUNT: u8 = 0;
macro_rules! twice { ($e:expr) => { ($e, $e) } }
use std::collections::HashMap as Map;
"#;

fn knowledge() -> Knowledge {
    let parsed = parse(NOTEBOOK, &BTreeSet::new()).unwrap();
    let cell = CellText { serial: 1, label: "cell 1".into(), text: NOTEBOOK.into(), cell_id: None };
    let mut items = Items::default();
    items.merge(&Arc::new(cell), &parsed, false);
    let variable = |name: &str, type_text: &str| Binding::new(name, type_text, false);
    let bindings = vec![
        variable("home", "notebook::Point"),
        variable("order", "std::sync::Arc<notebook::Order>"),
        variable("points", "std::vec::Vec<notebook::Point>"),
        variable("task", "tokio::task::JoinHandle<notebook::Point>"),
    ];
    let crates = vec![("rand".to_owned(), "0.9.0".to_owned())];
    Knowledge {
        revision: 0,
        items,
        bindings: bindings.into_iter().map(Arc::new).collect(),
        crates,
        place: AnalyzerPlace::default(),
        index: OnceLock::new(),
    }
}

/// What completes a cell at its `|`: the word that is replaced, then the matches.
fn check(cell: &str, expected: Expect) {
    let cursor = cell.find('|').unwrap();
    let code = cell.replacen('|', "", 1);
    let completions = knowledge().complete(&code, cursor);
    let mut text = format!("{:?}\n", &code[completions.range]);
    for found in completions.matches {
        let _ = writeln!(text, "{} {} {}", found.text, found.kind.word(), found.signature);
    }
    expected.assert_eq(&text.replace(" \n", "\n"));
}

/// What is said of the name at the `|` of a cell.
#[test]
fn members_of_what_stands_before_the_dot() {
    check(
        "home.|",
        expect![[r#"
        ""
        x field f64
        y field f64
        label field Option<Label>
        moved method fn moved(&self, by: f64) -> Point
        fetch method async fn fetch(&self) -> Option<Label>
    "#]],
    );
    check(
        "home.m|",
        expect![[r#"
        "m"
        moved method fn moved(&self, by: f64) -> Point
    "#]],
    );
    check(
        "home.moved(1.0).la|",
        expect![[r#"
        "la"
        label field Option<Label>
    "#]],
    );
    check(
        "home.label.unwrap().|",
        expect![[r#"
        ""
        text field String
    "#]],
    );
    check(
        "home.fetch().await?.|",
        expect![[r#"
        ""
        text field String
    "#]],
    );
    check(
        "points[0].x|",
        expect![[r#"
        "x"
        x field f64
    "#]],
    );
    check(
        "task.await.unwrap().mo|",
        expect![[r#"
        "mo"
        moved method fn moved(&self, by: f64) -> Point
    "#]],
    );
    check(
        "order.|",
        expect![[r#"
        ""
        brew method fn brew(&self) -> u8
        rinse method fn rinse(&self)
    "#]],
    );
    check(
        "let p = Point::new(1.0, 2.0);\np.mo|",
        expect![[r#"
        "mo"
        moved method fn moved(&self, by: f64) -> Point
    "#]],
    );
    check(
        "let p = Point { x: 1.0, y: 2.0, label: None }; let q = p.clone(); q.y|",
        expect![[r#"
        "y"
        y field f64
    "#]],
    );
    check(
        "fn f(a: u8, p: &mut Point) { p.mo|",
        expect![[r#"
        "mo"
        moved method fn moved(&self, by: f64) -> Point
    "#]],
    );
    check(
        "impl Point { fn twice(&self) { self.mo|",
        expect![[r#"
        "mo"
        moved method fn moved(&self, by: f64) -> Point
    "#]],
    );
    check(
        "unknown.|",
        expect![[r#"
        ""
    "#]],
    );
    check(
        "1.|",
        expect![[r#"
        ""
    "#]],
    );
    check(
        "0..ho|",
        expect![[r#"
        "ho"
        home instance Point
    "#]],
    );
}

#[test]
fn paths() {
    check(
        "Order::|",
        expect![[r#"
        ""
        Coffee variant Coffee
        Tea variant Tea
        brew method fn brew(&self) -> u8
        rinse method fn rinse(&self)
    "#]],
    );
    check(
        "Point::n|",
        expect![[r#"
        "n"
        new function fn new(x: f64, y: f64) -> Self
    "#]],
    );
    check(
        "shop::|",
        expect![[r#"
        ""
        Till class struct Till
        open function fn open() -> Till
        back module mod back
    "#]],
    );
    check(
        "crate::shop::back::|",
        expect![[r#"
        ""
        door function fn door()
    "#]],
    );
    check(
        "std::ti|",
        expect![[r#"
        "ti"
        time module
    "#]],
    );
    check(
        "tokio::time::sl|",
        expect![[r#"
        "sl"
        sleep function
        sleep_until function
    "#]],
    );
    check(
        "use ra|",
        expect![[r#"
        "ra"
        rand module rand 0.9.0
    "#]],
    );
    check(
        "Vec::<u8>::|",
        expect![[r#"
        ""
    "#]],
    );
}

#[test]
fn names() {
    check(
        "ho|",
        expect![[r#"
        "ho"
        home instance Point
    "#]],
    );
    check(
        "add(ho|",
        expect![[r#"
        "ho"
        home instance Point
    "#]],
    );
    check(
        "tw|",
        expect![[r#"
        "tw"
        twice! macro macro_rules! twice
    "#]],
    );
    check(
        "pri|",
        expect![[r#"
        "pri"
        print! macro
        println! macro
    "#]],
    );
    check(
        "Ma|",
        expect![[r#"
        "Ma"
        Map class use std::collections::HashMap as Map
    "#]],
    );
    check(
        "let house = 1;\nlet (a, horse) = (1, 2);\nho|",
        expect![[r#"
        "ho"
        horse instance
        house instance
        home instance Point
    "#]],
    );
    check(
        "Point { |",
        expect![[r#"
        ""
        x field f64
        y field f64
        label field Option<Label>
        home instance Point
        order instance Arc<Order>
        points instance Vec<Point>
        task instance JoinHandle<Point>
        Point class struct Point
        Label class struct Label
        Order class enum Order
        Brew trait trait Brew
        shop module mod shop
        add function fn add(a: u8, b: u8) -> u8
        COUNT instance static COUNT: u8 = 0
        twice! macro macro_rules! twice
        Map class use std::collections::HashMap as Map
    "#]],
    );
    check(
        "#[derive(De|",
        expect![[r#"
        "De"
        Debug trait
        Default trait
    "#]],
    );
}

#[test]
fn nothing_can_stand_in_texts_and_comments() {
    for cell in ["\"ho|", "// ho|", "/* ho|", "'h|", "r#\"ho|", "1.5|"] {
        check(
            cell,
            expect![[r#"
            ""
        "#]],
        );
    }
    // The name is only being given.
    check(
        "fn ho|",
        expect![[r#"
        "ho"
    "#]],
    );
}

#[test]
fn half_cells_of_any_kind_have_an_answer() {
    let known = knowledge();
    for cell in [
        NOTEBOOK,
        "fn f() { match x { Some(🦀) => home.",
        "🍵🍵 ho",
        "let x: Vec<",
        ")))]]}}}.x::<>.y",
        "self.self.self.",
    ] {
        for (cursor, _) in cell.char_indices() {
            known.complete(cell, cursor);
            known.inspect(cell, cursor);
            known.completion_question(cell, cursor);
            known.inspection_question(cell, cursor);
        }
        known.complete(cell, cell.len());
        known.inspect(cell, cell.len());
    }
    // In the midst of a character, and behind the end.
    assert!(known.complete("🦀", 1).matches.is_empty());
    assert!(known.complete("a", 7).matches.is_empty() && known.inspect("a", 7).is_none());
}

#[test]
fn kinds_have_words() {
    assert_eq!(Kind::Method.word(), "method");
}
