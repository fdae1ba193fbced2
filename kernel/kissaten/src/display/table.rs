//! Tables as HTML and as text, and those of the variables and of the tasks.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use super::MimeBundle;
use super::duration::duration;
use super::text::{columns, escape, padded, padded_left, printable};

/// More rows than this are counted instead of shown.
pub(super) const MOST_ROWS: usize = 200;
/// More columns than this are counted instead of shown.
pub(super) const MOST_COLUMNS: usize = 50;
/// A cell of a table of values is cut behind so many columns of a terminal.
pub(super) const WIDTH: usize = 60;
/// Texts up to so many columns stay on one line, however wide the others are: `cell 3, line 2`.
const SHORT: usize = 20;
/// More lines of counts than this are left out.
const MOST_COUNTS: usize = 20;

/// The table of `:vars`: names, types, and values where they have `Debug`.
pub(crate) fn variables_table(rows: &[(&str, &str, Option<String>)]) -> MimeBundle {
    let cells = |(name, type_name, value): &(&str, &str, Option<String>)| {
        vec![(*name).to_owned(), (*type_name).to_owned(), value.clone().unwrap_or_default()]
    };
    Table::of_code(&["name", "type", "value"], rows.iter().map(cells).collect()).bundle()
}

/// A living task, for the table of `:tasks`.
pub(crate) struct TaskRow {
    /// tokio's id.
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) place: String,
    /// The id of the task that spawned it; `None` for the cell itself.
    pub(crate) parent: Option<u64>,
    /// Since its spawn.
    pub(crate) age: Duration,
    /// Whether it is being polled at this moment.
    pub(crate) running: bool,
    /// How often it was polled.
    pub(crate) polls: u64,
    /// How long it was polled, in total.
    pub(crate) busy: Duration,
    /// Where it waits; empty: that is not known, or it does not.
    pub(crate) wait: String,
}

/// A cell that runs, for the same table.
pub(crate) struct CellRow {
    pub(crate) label: String,
    pub(crate) running: bool,
    /// Since it was polled last, or has been.
    pub(crate) since: Duration,
    pub(crate) wait: String,
}

/// The table of `:tasks`, in the order given.
pub(crate) fn tasks_table(cells: &[CellRow], rows: &[TaskRow]) -> MimeBundle {
    if rows.is_empty() && cells.is_empty() {
        return MimeBundle::new().with("text/plain", "no tasks live");
    }
    let (shown, others) = rows.split_at(rows.len().min(MOST_ROWS));
    let state = |running: bool| if running { "running" } else { "waiting" }.to_owned();
    let cell_row = |row: &CellRow| {
        let empty = String::new;
        let age = duration(row.since);
        vec![empty(), row.label.clone(), empty(), empty(), age, state(row.running), empty(), empty(), row.wait.clone()]
    };
    let cells_of = |row: &TaskRow| {
        vec![
            row.id.to_string(),
            row.name.clone(),
            row.place.clone(),
            row.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            duration(row.age),
            state(row.running),
            row.polls.to_string(),
            duration(row.busy),
            row.wait.clone(),
        ]
    };
    let titles = ["task", "name", "place", "parent", "age", "state", "polls", "busy", "waits"];
    let all = cells.iter().map(cell_row).chain(shown.iter().map(cells_of)).collect();
    Table { notes: counts(others), ..Table::of_code(&titles, all) }.bundle()
}

/// How many there are of each name and place, the most first.
fn counts(others: &[TaskRow]) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for row in others {
        *counts.entry((&row.name, &row.place)).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|(one, ones), (other, others)| others.cmp(ones).then(one.cmp(other)));
    let left_out: usize = counts.iter().skip(MOST_COUNTS).map(|(_, count)| count).sum();
    let line = |((name, place), count): &((&str, &str), usize)| match *place {
        "" => format!("{count} × {name}"),
        place => format!("{count} × {name} ({place})"),
    };
    let mut lines = vec![format!("and {} more:", others.len())];
    lines.extend(counts.iter().take(MOST_COUNTS).map(line));
    lines.extend((left_out > 0).then(|| format!("{left_out} × others")));
    lines
}

/// Titles, cells, and lines below them. All rows are as long as the titles.
pub(super) struct Table {
    pub(super) titles: Vec<String>,
    /// Which columns end on the right, as numbers do.
    pub(super) right: Vec<bool>,
    pub(super) rows: Vec<Vec<String>>,
    /// Whether what stands in it is code.
    pub(super) is_code: bool,
    pub(super) notes: Vec<String>,
}

impl Table {
    fn of_code(titles: &[&str], rows: Vec<Vec<String>>) -> Self {
        let right = vec![false; titles.len()];
        let titles = titles.iter().map(|title| (*title).to_owned()).collect();
        Self { titles, right, rows, is_code: true, notes: Vec::new() }
    }

    pub(super) fn bundle(&self) -> MimeBundle {
        MimeBundle::new().with("text/html", self.html()).with("text/plain", self.text())
    }

    fn html(&self) -> String {
        let mut html = String::from("<table><thead><tr>");
        for (title, right) in self.titles.iter().zip(&self.right) {
            let _ = write!(html, "<th scope=\"col\"{}>{}</th>", style(title, *right), escape(title));
        }
        html.push_str("</tr></thead><tbody>");
        // Pages break code wherever they like.
        let code = |cell: &str| if is_short(cell) { "<code style=\"white-space: nowrap\">" } else { "<code>" };
        for row in &self.rows {
            html.push_str("<tr>");
            for (cell, right) in row.iter().zip(&self.right) {
                // Pages draw a box around code, also around none.
                let is_code = self.is_code && !cell.is_empty();
                let (begin, end) = if is_code { (code(cell), "</code>") } else { ("", "") };
                let _ = write!(html, "<td{}>{begin}{}{end}</td>", style(cell, *right), escape(cell));
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table>");
        if let Some((first, rest)) = self.notes.split_first() {
            let _ = write!(html, "<p>{}</p><ul>", escape(first));
            for note in rest {
                let _ = write!(html, "<li>{}</li>", escape(note));
            }
            html.push_str("</ul>");
        }
        html
    }

    fn text(&self) -> String {
        let rows: Vec<Vec<Cow<'_, str>>> = [&self.titles]
            .into_iter()
            .chain(&self.rows)
            .map(|row| row.iter().map(|cell| printable(cell)).collect())
            .collect();
        let width = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.titles.len()).map(width).collect();
        let line = |row: &Vec<Cow<'_, str>>| {
            let cells = row.iter().zip(&widths).zip(&self.right).map(|((cell, width), right)| match right {
                true => padded_left(cell, *width),
                false => padded(cell, *width),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        rows.iter()
            .map(line)
            .chain(self.notes.iter().map(|note| printable(note).into_owned()))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Whether a text that could be broken is to stay on one line.
fn is_short(text: &str) -> bool {
    text.contains(' ') && columns(text) <= SHORT
}

/// Frontends have sides of their own, which differ.
fn style(text: &str, right: bool) -> &'static str {
    match (right, is_short(text)) {
        (true, true) => r#" style="text-align: right; white-space: nowrap""#,
        (true, false) => r#" style="text-align: right""#,
        (false, true) => r#" style="text-align: left; white-space: nowrap""#,
        (false, false) => r#" style="text-align: left""#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(bundle: &'a MimeBundle, wanted: &str) -> &'a str {
        bundle.iter().find(|(mime_type, _)| *mime_type == wanted).map_or("", |(_, content)| content)
    }

    fn task(id: u64, name: &str) -> TaskRow {
        TaskRow {
            id,
            name: name.into(),
            place: "cell 3, line 2".into(),
            parent: None,
            age: Duration::from_secs(185),
            running: id == 1,
            polls: 4,
            busy: Duration::from_micros(12),
            wait: String::new(),
        }
    }

    #[test]
    fn what_is_not_ours_is_escaped() {
        let table = variables_table(&[("v", "Vec<&str>", Some("[\"a\"]".into())), ("f", "F", None)]);
        let html = shown(&table, "text/html");
        assert!(html.contains("Vec&lt;&amp;str&gt;") && html.contains("[&quot;a&quot;]"));
    }

    #[test]
    fn columns_line_up_by_what_a_terminal_shows() {
        let table = variables_table(&[("喫茶", "i32", Some("1".into())), ("v", "Vec<i32>", None)]);
        assert_eq!(shown(&table, "text/plain"), "name  type      value\n喫茶  i32       1\nv     Vec<i32>");
    }

    #[test]
    fn tasks_are_told_for_people() {
        let table = tasks_table(&[], &[task(1, "fetch"), TaskRow { parent: Some(1), ..task(20, "parse") }]);
        assert_eq!(
            shown(&table, "text/plain"),
            "task  name   place           parent  age        state    polls  busy   waits\n\
             1     fetch  cell 3, line 2          3 min 5 s  running  4      12 µs\n\
             20    parse  cell 3, line 2  1       3 min 5 s  waiting  4      12 µs"
        );
        assert_eq!(shown(&tasks_table(&[], &[]), "text/plain"), "no tasks live");
    }

    #[test]
    fn what_is_short_is_not_broken() {
        let wait = "cell 3, line 7: rx.recv().await, for task 12".to_owned();
        let table = tasks_table(&[], &[TaskRow { wait, ..task(1, "fetch") }]);
        let html = shown(&table, "text/html");
        assert!(
            html.contains(r#"<code style="white-space: nowrap">cell 3, line 2</code>"#)
                && html.contains(r#"left"><code>cell 3, line 7: rx"#)
        );
        assert!(html.contains(r#"<th scope="col" style="text-align: left">place</th>"#));
    }

    #[test]
    fn many_tasks_are_counted() {
        let rows: Vec<TaskRow> = (0..1_000).map(|id| task(id, if id % 4 == 0 { "<a>" } else { "b" })).collect();
        let table = tasks_table(&[], &rows);
        let text = shown(&table, "text/plain");
        assert_eq!(text.lines().count(), 1 + 200 + 3);
        assert!(text.ends_with("and 800 more:\n600 × b (cell 3, line 2)\n200 × <a> (cell 3, line 2)"));
        assert!(shown(&table, "text/html").contains("<li>200 × &lt;a&gt; (cell 3, line 2)</li>"));
    }
}
