//! [`is_complete_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#code-completeness)

use compiler::{Completeness, completeness, has_empty_end, split_commands};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    execution::command::{self, Action, cell::CellOption},
    message::Request,
};

#[derive(Deserialize)]
struct IsCompleteRequest {
    code: String,
}

/// Whether a console is to run the code at this Enter.
///
/// Blocks for as long as the code is long.
pub(crate) fn reply(request: &Request) -> Result<Value, serde_json::Error> {
    let IsCompleteRequest { code } = request.content()?;
    let completeness = if is_table(&code) { of_table(&code) } else { completeness(&code) };
    Ok(match completeness {
        Completeness::Complete => json!({"status": "complete"}),
        Completeness::Incomplete { indent } => json!({"status": "incomplete", "indent": " ".repeat(indent)}),
        Completeness::Invalid => json!({"status": "invalid"}),
    })
}

/// Whether what stands below the commands is no Rust.
fn is_table(code: &str) -> bool {
    let (commands, _) = split_commands(code);
    commands.iter().any(|command| matches!(command::parse(command), Ok(Action::Cell(CellOption::Table))))
}

/// Nothing but an empty line ends a table.
fn of_table(code: &str) -> Completeness {
    if has_empty_end(code) { Completeness::Complete } else { Completeness::Incomplete { indent: 0 } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::request;

    #[test]
    fn the_status_and_only_where_it_is_needed_the_indent() {
        let check = |code: &str| reply(&request("is_complete_request", json!({"code": code}))).unwrap();
        assert_eq!(check("1"), json!({"status": "complete"}));
        assert_eq!(check("if a {"), json!({"status": "incomplete", "indent": "    "}));
        assert_eq!(check("let let"), json!({"status": "invalid"}));
        assert_eq!(check("%%deps"), json!({"status": "incomplete", "indent": ""}));
        assert_eq!(check("%%deps\nrand = \"0.9\""), json!({"status": "incomplete", "indent": ""}));
        assert_eq!(check("%%deps\nrand = \"0.9\"\n"), json!({"status": "complete"}));
        assert!(reply(&request("is_complete_request", json!({}))).is_err());
    }
}
