//! Tables of values that serde can serialize.

use std::collections::HashMap;

use serde::Serialize;

use super::MimeBundle;
use super::table::{MOST_COLUMNS, MOST_ROWS, Table, WIDTH};
use super::text::head;
use super::value::{Failed, Value, Writer};

/// More elements than this of what stands in one cell are left out.
const MOST_WITHIN: usize = 20;

/// A table of rows: a slice of structs that are `Serialize`, of maps, of tuples or of plain values, or a map of any of
/// them. The columns are called as the fields are; of more than 200 rows the first are shown. For the end of a cell, or
/// [`display`](crate::display).
///
/// ```
/// let cups = [("mocha", 4.5), ("latte", 4.0)];
/// kissaten::display(&kissaten::table(&cups));
/// ```
///
/// With the crate `serde`, structs become rows by `#[derive(serde::Serialize)]`.
pub fn table<T: Serialize + ?Sized>(rows: &T) -> MimeBundle {
    of_value(rows.serialize(Writer::keeping(MOST_ROWS, MOST_WITHIN.max(MOST_COLUMNS))))
}

#[inline(never)]
fn of_value(value: Result<Value, Failed>) -> MimeBundle {
    match value {
        Ok(Value::Sequence(rows, left_out)) => made(rows.into_iter().map(|row| (None, row)).collect(), left_out),
        Ok(Value::Map(rows, left_out)) => made(rows.into_iter().map(|(key, row)| (Some(key), row)).collect(), left_out),
        Ok(other) => made(vec![(None, other)], 0),
        Err(error) => super::plain(format!("values that cannot be a table: {error}")),
    }
}

/// The columns in the order in which they come first.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// The columns that hold something that is no number.
    words: Vec<bool>,
    /// How many a row has beyond them, at most.
    left_out: usize,
}

impl Columns {
    fn place(&mut self, name: String) -> Option<usize> {
        if let Some(place) = self.places.get(&name) {
            return Some(*place);
        }
        if self.names.len() == MOST_COLUMNS {
            return None;
        }
        let place = self.names.len();
        self.names.push(name.clone());
        self.words.push(false);
        self.places.insert(name, place);
        Some(place)
    }

    /// Puts a value into its column; whether there is room for that.
    fn put(&mut self, row: &mut Vec<String>, name: String, value: &Value) -> bool {
        let Some(place) = self.place(name) else { return false };
        let is_number = matches!(value, Value::Null | Value::Integer(_) | Value::Float(_) | Value::Single(_));
        self.words[place] |= !is_number;
        row.resize(row.len().max(place + 1), String::new());
        row[place] = cell(value);
        true
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Sequence(values, left_out) if values.len() > MOST_WITHIN => {
            let left_out = left_out + values.len() - MOST_WITHIN;
            head(&Value::Sequence(values[..MOST_WITHIN].to_vec(), left_out).to_text(), WIDTH).into_owned()
        }
        value => head(&value.to_text(), WIDTH).into_owned(),
    }
}

fn made(rows: Vec<(Option<String>, Value)>, left_out: usize) -> MimeBundle {
    if rows.is_empty() {
        return super::plain("no rows".to_owned());
    }
    let mut columns = Columns::default();
    let mut lines: Vec<Vec<String>> = rows.into_iter().map(|row| line(row, &mut columns)).collect();
    for line in &mut lines {
        line.resize(columns.names.len(), String::new());
    }
    let counted = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("… and 1 more {one}")),
        count => Some(format!("… and {count} more {one}s")),
    };
    let notes = [counted(left_out, "row"), counted(columns.left_out, "column")];
    let right = columns.words.iter().map(|has_words| !has_words).collect();
    Table { titles: columns.names, right, rows: lines, is_code: false, notes: notes.into_iter().flatten().collect() }
        .bundle()
}

fn line((key, row): (Option<String>, Value), columns: &mut Columns) -> Vec<String> {
    let mut line = Vec::new();
    if let Some(key) = key {
        columns.put(&mut line, "key".to_owned(), &Value::Text(key));
    }
    let left_out = match row {
        Value::Map(fields, more) => {
            let shown = fields.into_iter().map(|(name, value)| columns.put(&mut line, name, &value));
            more + shown.filter(|is_shown| !is_shown).count()
        }
        Value::Sequence(values, more) => {
            let fields = values.into_iter().enumerate();
            let shown = fields.map(|(index, value)| columns.put(&mut line, index.to_string(), &value));
            more + shown.filter(|is_shown| !is_shown).count()
        }
        value => usize::from(!columns.put(&mut line, "value".to_owned(), &value)),
    };
    columns.left_out = columns.left_out.max(left_out);
    line
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::{Expect, expect};

    use super::*;

    #[derive(Serialize)]
    struct Cup {
        name: &'static str,
        price: f64,
        count: Option<u32>,
        with: Vec<&'static str>,
    }

    fn cups() -> Vec<Cup> {
        let long = "a name that does not end before the table is wider than any screen that anybody has";
        vec![
            Cup { name: "mocha", price: 4.5, count: Some(1200), with: vec!["milk", "cocoa"] },
            Cup { name: long, price: 10.25, count: None, with: vec![] },
            Cup { name: "<b>\n", price: 3.0, count: Some(7), with: vec!["x"; 30] },
        ]
    }

    fn check<T: Serialize + ?Sized>(rows: &T, expected: Expect) {
        expected.assert_eq(table(rows).get("text/plain").unwrap());
    }

    #[test]
    fn structs_are_rows() {
        check(
            &cups(),
            expect![[r#"
                name                                                          price  count  with
                mocha                                                           4.5   1200  ["milk", "cocoa"]
                a name that does not end before the table is wider than any…  10.25         []
                <b>                                                             3.0      7  ["x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x"…"#]],
        );
        let html = table(&cups()).get("text/html").unwrap().to_owned();
        assert!(html.contains("&lt;b&gt; </td>"), "{html}");
        roxmltree::Document::parse(&format!("<x>{html}</x>")).unwrap();
    }

    #[test]
    fn tuples_maps_and_plain_values_are_rows_too() {
        check(
            &[("a", 1), ("bc", 20)],
            expect![[r#"
                0    1
                a    1
                bc  20"#]],
        );
        check(
            &[BTreeMap::from([("x", 1)]), BTreeMap::from([("y", 2), ("x", 3)])],
            expect![[r#"
                x  y
                1
                3  2"#]],
        );
        check(
            &BTreeMap::from([(1, cups().swap_remove(0)), (2, cups().swap_remove(0))]),
            expect![[r#"
                key  name   price  count  with
                1    mocha    4.5   1200  ["milk", "cocoa"]
                2    mocha    4.5   1200  ["milk", "cocoa"]"#]],
        );
        check(
            &[Some(1.5_f32), None],
            expect![[r#"
                value
                  1.5
            "#]],
        );
        check::<[u8]>(&[], expect!["no rows"]);
    }

    #[test]
    fn many_rows_and_columns_are_counted() {
        let bundle = table(&vec![vec![0_u8; 1000]; 1000]);
        let text = bundle.get("text/plain").unwrap();
        assert_eq!(text.lines().count(), 1 + 200 + 2);
        assert!(text.ends_with("… and 800 more rows\n… and 950 more columns"), "{text}");
        assert!(text.lines().take(201).all(|line| line.split_whitespace().count() <= MOST_COLUMNS));
    }
}
