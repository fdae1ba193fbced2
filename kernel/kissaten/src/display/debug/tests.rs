use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Nothing,
    Dot { x: i32, y: i32 },
    Line(Vec<(i32, i32)>),
    Named { name: String, of: BTreeMap<String, Option<Shape>>, set: BTreeSet<u8>, one: (u8,), two: (u8, String) },
}

fn dots(count: i32) -> Vec<Shape> {
    (0..count).map(|x| Shape::Dot { x, y: -x }).collect()
}

fn named(name: &str) -> Shape {
    let of = [("a: (".to_owned(), None), ("b {".to_owned(), Some(Shape::Line(vec![(1, 2); 3])))].into();
    let (set, one) = ([1, 2].into(), (7,));
    Shape::Named { name: name.to_owned(), of, set, one, two: (1, "], x: {\n".to_owned()) }
}

#[test]
fn what_fits_on_a_line_is_on_one() {
    assert_eq!(debug_text(&vec![1, 2]), "[1, 2]");
    let text = debug_text(&dots(10));
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.starts_with("[\n    Dot { x: 0, y: 0 },\n    Dot { x: 1, y: -1 },\n"), "{text}");
    let row = |count: usize| vec!["123456,"; count].join(" ");
    let rows = [row(9), row(9), row(2)].join("\n    ");
    assert_eq!(debug_text(&vec![123_456; 20]), format!("[\n    {rows}\n]"));
}

#[test]
fn the_text_is_understood_whatever_is_in_it() {
    let keyed: BTreeMap<Shape, Vec<Shape>> = [(Shape::Nothing, dots(2)), (named("key"), dots(9))].into();
    let values: [&dyn Debug; 7] = [
        &dots(10),
        &named("喫茶店 { [ ( \" \\ \n , "),
        &vec![named("a"); 3],
        &keyed,
        &(1, "two", [named("b")], ((), ("",))),
        &Some(Ok::<_, ()>(vec![Some(vec![1.5; 60])])),
        &vec![String::from("x, y"); 30],
    ];
    for value in values {
        let (line, pretty) = (format!("{value:?}"), format!("{value:#?}"));
        let text = laid_out(&pretty, &line).unwrap_or_else(|| panic!("not understood: {pretty}"));
        assert!(text.lines().count() <= pretty.lines().count());
        // Nothing is lost: without the white space outside of strings it is the same.
        let dense = |text: &str| text.replace(['\n', ' '], "").replace(",}", "}").replace(",]", "]").replace(",)", ")");
        assert_eq!(dense(&text), dense(&line));
    }
}

#[test]
fn what_writes_itself_otherwise_stays_as_it_is() {
    struct ByHand;
    impl Debug for ByHand {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(if formatter.alternate() { "table\n  a | b\n  c | d" } else { "table …" })
        }
    }
    let value = vec![ByHand, ByHand, ByHand, ByHand, ByHand, ByHand, ByHand, ByHand, ByHand, ByHand, ByHand];
    assert_eq!(debug_text(&value), format!("{value:#?}"));
    let endless = debug_text(&vec![0_u8; 10_000_000]);
    assert!(endless.len() < TOO_LONG + 100 && endless.ends_with("… (cut)"));
}
