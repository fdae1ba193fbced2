//! Functions for the compiler's adapters: values of crates that know nothing of notebooks, as tables and pages. Of
//! which crates, is not known here.

use super::table::{MOST_COLUMNS, MOST_ROWS, Table, WIDTH};
use super::text::{escape, head};
use super::{MimeBundle, probe};

/// A column of a data frame.
pub struct FrameColumn<'a> {
    pub name: String,
    /// The type of what is in it.
    pub kind: String,
    /// The text of what stands in a row.
    pub cell: Box<dyn Fn(usize) -> String + 'a>,
}

/// A data frame is the value of the cell.
#[inline(never)]
pub fn show_frame(rows: usize, columns: Vec<FrameColumn<'_>>) {
    probe::shows(frame(rows, &columns));
}

/// A page with scripts of its own is the value of the cell; its size in CSS pixels, and a text where there are no pages.
#[inline(never)]
pub fn show_page(page: &str, width: u32, height: u32, text: &str) {
    probe::shows(framed(page, width, height).with("text/plain", text));
}

fn frame(rows: usize, columns: &[FrameColumn<'_>]) -> MimeBundle {
    let shown = &columns[..columns.len().min(MOST_COLUMNS)];
    let is_number = |kind: &str| {
        let digits = kind.strip_prefix(['i', 'u', 'f']).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let cell = |column: &FrameColumn<'_>, row: usize| {
        let text = (column.cell)(row);
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&text);
        head(bare, WIDTH).into_owned()
    };
    let size = format!("{rows} rows × {} columns", columns.len());
    let is_cut = rows > MOST_ROWS || columns.len() > MOST_COLUMNS;
    let table = Table {
        titles: shown.iter().map(|column| format!("{}: {}", column.name, column.kind)).collect(),
        right: shown.iter().map(|column| is_number(&column.kind)).collect(),
        rows: (0..rows.min(MOST_ROWS)).map(|row| shown.iter().map(|column| cell(column, row)).collect()).collect(),
        is_code: false,
        notes: is_cut.then(|| format!("of {size}")).into_iter().collect(),
    };
    table.bundle()
}

/// Within a page of another, scripts run in the order in which they stand there.
fn framed(page: &str, width: u32, height: u32) -> MimeBundle {
    let frame = format!(
        r#"<iframe srcdoc="{}" width="{}" height="{}" style="border: 0; max-width: 100%"></iframe>"#,
        escape(page),
        width + 20,
        height + 20
    );
    MimeBundle::new().with("text/html", frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(bundle: &'a MimeBundle, wanted: &str) -> &'a str {
        bundle.iter().find(|(mime_type, _)| *mime_type == wanted).map_or("", |(_, content)| content)
    }

    fn column(name: &str, kind: &str, cell: fn(usize) -> String) -> FrameColumn<'static> {
        FrameColumn { name: name.to_owned(), kind: kind.to_owned(), cell: Box::new(cell) }
    }

    #[test]
    fn a_frame_is_a_table() {
        let columns =
            [column("dish", "str", |row| format!("\"<{row}>\"")), column("price", "i32", |row| (row * 10).to_string())];
        let bundle = frame(2, &columns);
        assert_eq!(shown(&bundle, "text/plain"), "dish: str  price: i32\n<0>                 0\n<1>                10");
        assert!(shown(&bundle, "text/html").contains("&lt;0&gt;</td><td style=\"text-align: right\">0"));
    }

    #[test]
    fn of_many_rows_the_first_are_shown() {
        let bundle = frame(1_000_000, &[column("n", "u64", |row| row.to_string())]);
        let text = shown(&bundle, "text/plain");
        assert_eq!(text.lines().count(), 1 + MOST_ROWS + 1);
        assert!(text.ends_with("of 1000000 rows × 1 columns"), "{text}");
    }

    #[test]
    fn a_page_is_quoted() {
        let bundle = framed(r#"<p title="a">"#, 10, 10);
        assert!(shown(&bundle, "text/html").contains(r#"srcdoc="&lt;p title=&quot;a&quot;&gt;""#));
    }
}
