//! Adapters for crates whose values are made to be looked at, and which do not say how: the text that says it for them,
//! in the cells that show one.
//!
//! It is Rust text about another crate's API, which may change. Where rustc does not take it, the cell goes without it
//! and shows the value as any other.

/// How the values of a crate are shown; given is what cells call it.
type Adapter = fn(&str) -> String;

/// By package.
const ADAPTERS: [(&str, Adapter); 2] = [("polars", polars), ("charming", charming)];

/// The adapter for a package that cells call so, on one line.
pub(crate) fn adapter(package: &str, name: &str) -> Option<String> {
    let (_, adapter) = ADAPTERS.iter().find(|(known, _)| *known == package)?;
    Some(adapter(name))
}

/// As `evcxr_display`, which a tail expression is asked for first.
fn implementation(number: usize, of: &str, body: &str) -> String {
    format!(
        "#[allow(unused)] trait __KissatenAdapter{number} {{ fn evcxr_display(&self); }} \
         impl __KissatenAdapter{number} for {of} {{ fn evcxr_display(&self) {{ {body} }} }} "
    )
}

/// A frame, and a column of one. A cell is its text without the quotes that polars puts around strings.
fn polars(name: &str) -> String {
    let column = "::kissaten::__cell::FrameColumn { \
         name: column.name().to_string(), kind: column.dtype().to_string(), \
         cell: ::std::boxed::Box::new(move |row| column.get(row).map_or_else(|error| error.to_string(), |value| value.to_string())) }";
    let frame = format!(
        "let columns = self.get_column_names().iter().filter_map(|name| self.column(name).ok()).map(|column| {column}).collect(); \
         ::kissaten::__cell::show_frame(self.height(), columns);"
    );
    let series = format!("let column = self; ::kissaten::__cell::show_frame(self.len(), ::std::vec![{column}]);");
    implementation(0, &format!("::{name}::prelude::DataFrame"), &frame)
        + &implementation(1, &format!("::{name}::prelude::Series"), &series)
}

/// A page of its own, because it brings a script.
fn charming(name: &str) -> String {
    let (width, height) = (720, 440);
    let body = format!(
        "if let ::core::result::Result::Ok(page) = ::{name}::HtmlRenderer::new(\"\", {width}, {height}).render(self) {{ \
         ::kissaten::__cell::show_page(&page, {width}, {height}, \"a chart, which a browser draws\") }}"
    );
    implementation(2, &format!("::{name}::Chart"), &body)
}

#[cfg(test)]
mod tests {
    use super::adapter;

    #[test]
    fn a_renamed_crate_is_called_as_cells_call_it() {
        let text = adapter("polars", "frames").unwrap();
        assert!(text.contains("for ::frames::prelude::DataFrame") && !text.contains("polars::"), "{text}");
        assert!(!text.contains('\n'));
        assert_eq!(adapter("rand", "polars"), None);
    }
}
