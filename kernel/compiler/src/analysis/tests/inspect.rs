//! What is told about a name, and what a question to the analyzer holds.

use super::*;

fn inspect(cell: &str, expected: Expect) {
    let cursor = cell.find('|').unwrap();
    let found = knowledge().inspect(&cell.replacen('|', "", 1), cursor);
    expected.assert_eq(&match found {
        Some(found) => format!("{}\n{}\n{:?}", found.signature, found.docs, found.place),
        None => "nothing".to_owned(),
    });
}

#[test]
fn names_are_told_about() {
    inspect(
        "ad|d(1, 2)",
        expect![[r#"
        fn add(a: u8, b: u8) -> u8
        Adds.
        Some("cell 1")"#]],
    );
    for among_the_arguments in ["add(1, |2)", "add(|", "add(\"a|b\", 2)"] {
        inspect(
            among_the_arguments,
            expect![[r#"
                fn add(a: u8, b: u8) -> u8
                Adds.
                Some("cell 1")"#]],
        );
    }
    inspect(
        "home|",
        expect![[r#"
        let home: Point
        A place on the map.

        With two coordinates.
        None"#]],
    );
    inspect(
        "|home.x",
        expect![[r#"
        let home: Point
        A place on the map.

        With two coordinates.
        None"#]],
    );
    inspect(
        "home.x|",
        expect![[r#"
        x: f64
        To the right.
        Some("cell 1")"#]],
    );
    inspect(
        "Point::new|",
        expect![[r#"
        pub fn new(x: f64, y: f64) -> Self
        A new one.
        Some("cell 1")"#]],
    );
    inspect(
        "Order::Coff|ee",
        expect![[r#"
        Coffee { sugar: bool }

        Some("cell 1")"#]],
    );
    inspect(
        "shop::op|en()",
        expect![[r#"
        pub fn open() -> Till

        Some("cell 1")"#]],
    );
    inspect(
        "twice|!(1)",
        expect![[r#"
        macro_rules! twice

        Some("cell 1")"#]],
    );
    inspect("nobody|", expect!["nothing"]);
    inspect("// home|", expect!["nothing"]);
}

#[test]
fn the_source_is_all_of_it() {
    let found = knowledge().inspect("Label", 3).unwrap();
    assert_eq!(found.source.as_deref(), Some("struct Label { text: String }"));
}

#[test]
fn a_question_holds_all_that_is_live_and_the_cell() {
    let question = knowledge().completion_question(":dep rand\nhome.moovie", 13 + 4).unwrap();
    assert_eq!(&question.text[question.cell.clone()], "         \nhome.mo");
    assert_eq!(question.cursor, question.text.len());
    for part in
        ["use std::collections::HashMap as Map;", "let home: crate::Point = loop {};", "fn add(a: u8", "trait Brew"]
    {
        assert!(question.text.contains(part), "{part}");
    }
    let question = knowledge().inspection_question("points.pu|sh(1)".replace('|', "").as_str(), 9).unwrap();
    assert!(question.text.ends_with("points.push("));
    assert_eq!(question.cursor, question.text.len());
    assert!(knowledge().completion_question("", 0).is_none());
}

#[test]
fn a_question_says_what_older_items_mean() {
    let mut known = knowledge();
    let text = "use std::collections::BTreeMap as Map;\nfn sorted(map: Map<u8, u8>) {}";
    let old = CellText { serial: 2, label: "cell 2".into(), text: text.into(), cell_id: None };
    known.items.merge(&Arc::new(old), &parse(text, &BTreeSet::new()).unwrap(), false);
    let text = "use std::collections::HashMap as Map;";
    let new = CellText { serial: 3, label: "cell 3".into(), text: text.into(), cell_id: None };
    known.items.merge(&Arc::new(new), &parse(text, &BTreeSet::new()).unwrap(), false);
    let question = known.completion_question("Map::ne", 7).unwrap().text;
    assert!(question.contains("fn sorted(map:  ::std::collections::BTreeMap<u8, u8>)"), "{question}");
    assert_eq!(question.matches("as Map;").count(), 1);
}
