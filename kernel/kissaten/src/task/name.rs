//! Names of futures: the function or block that it was written as.

/// The name of a function for people, from the name of its future's type: `fetch`, `Shop::open`, `async block`.
///
/// The name that the compiler gives to a type is not promised to stay as it is; whatever it is, something readable
/// comes out.
pub(crate) fn function_name(type_name: &str) -> String {
    let Some(path) = type_name.strip_suffix("::{{closure}}") else {
        return crate::display::short_type(type_name);
    };
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut inner = 0;
    while parts.last() == Some(&"{{closure}}") {
        parts.pop();
        inner += 1;
    }
    // The entry point of a cell: what is in it was written at the top level.
    let at_top = parts.last().is_none_or(|last| last.starts_with("kissaten_cell_"));
    let parts: Vec<&str> = parts.into_iter().skip_while(|part| is_ours(part)).collect();
    let name = match parts.as_slice() {
        _ if at_top => return "async block".to_owned(),
        [] => return "async block".to_owned(),
        [.., owner, function] if is_type(owner) => format!("{owner}::{function}"),
        [.., function] => (*function).to_owned(),
    };
    if inner == 0 { name } else { format!("async block in {name}") }
}

/// Whether a future's type is that of an `async fn` or an async block in a cell.
pub(super) fn is_of_a_cell(type_name: &str) -> bool {
    let first = type_name.split("::").next().unwrap_or_default();
    is_ours(first) && type_name.ends_with("::{{closure}}")
}

/// The crates and functions that the compiler writes around a cell's code.
fn is_ours(part: &str) -> bool {
    part == "notebook" || part.starts_with("kissaten_cell_")
}

fn is_type(part: &str) -> bool {
    part.starts_with(|first: char| first.is_uppercase()) && part.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn futures_of_cells_are_told_from_those_of_libraries() {
        for (type_name, expected) in [
            ("notebook::fetch::{{closure}}", true),
            ("kissaten_cell_3::kissaten_cell_3::{{closure}}::{{closure}}", true),
            ("tokio::task::yield_now::yield_now::{{closure}}", false),
            ("tokio::runtime::task::join::JoinHandle<notebook::X>", false),
            ("notebook::MyFuture", false),
        ] {
            assert_eq!(is_of_a_cell(type_name), expected, "{type_name}");
        }
    }

    #[test]
    fn futures_are_called_by_their_function() {
        for (type_name, expected) in [
            ("notebook::fetch::{{closure}}", "fetch"),
            ("notebook::shop::Shop::open::{{closure}}", "Shop::open"),
            ("notebook::fetch::{{closure}}::{{closure}}", "async block in fetch"),
            ("kissaten_cell_3::kissaten_cell_3::{{closure}}::{{closure}}::{{closure}}", "async block"),
            ("notebook::kissaten_cell_3::{{closure}}::{{closure}}", "async block"),
            ("kissaten_cell_3::kissaten_cell_3::{{closure}}::{{closure}}::inner::{{closure}}", "inner"),
            ("hyper::server::conn::serve::{{closure}}", "serve"),
            (
                "core::pin::Pin<alloc::boxed::Box<dyn core::future::Future<Output = ()>>>",
                "Pin<Box<dyn Future<Output = ()>>>",
            ),
            ("", ""),
        ] {
            assert_eq!(function_name(type_name), expected, "{type_name}");
        }
    }
}
