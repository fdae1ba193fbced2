//! What the kernel itself says under a cell: a `display_data` and never a stream, so that a notebook that is graded or
//! tested by its stderr is not harmed by a warning.
//!
//! See [`display_data`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#display-data).

use std::fmt::Write as _;

use ipc::MimeBundle;
use jupyter_protocol::JupyterMessageContent;
use serde_json::{Value, json};

use crate::{message::content, output::Clear};

/// A sentence or a few, with `code` in backticks.
pub(super) fn note(text: &str) -> JupyterMessageContent {
    display(json!({"text/plain": text, "text/html": html(text)}), json!({}))
}

/// Text that has its own colours and columns: diagnostics, tables.
pub(super) fn plain(text: &str) -> JupyterMessageContent {
    display(json!({"text/plain": text}), json!({}))
}

/// How far something is: a sentence, and a bar where it is known of how much. It can be replaced: `update` says whether this
/// is the first or a later one under its id.
pub(super) fn progress(
    text: &str,
    (done, total): (usize, usize),
    display_id: &str,
    update: bool,
) -> JupyterMessageContent {
    let bar =
        if total == 0 { String::new() } else { format!("<progress value=\"{done}\" max=\"{total}\"></progress>") };
    let bundle = json!({"text/plain": text, "text/html": format!("{bar}{}", html(text))});
    changing_display(bundle, json!({}), display_id, update)
}

/// A sentence or a few that can be replaced, also by nothing.
pub(super) fn changing(text: Option<&str>, display_id: &str, update: bool) -> JupyterMessageContent {
    let bundle = json!({"text/plain": text.unwrap_or_default(), "text/html": text.map(html).unwrap_or_default()});
    changing_display(bundle, json!({}), display_id, update)
}

/// What a cell displays.
pub(super) fn from_cell(display: ipc::Display) -> JupyterMessageContent {
    let (data, metadata) = (Value::Object(display.data), Value::Object(display.metadata));
    match display.display_id {
        Some(id) => changing_display(data, metadata, &id, display.update),
        None => self::display(data, metadata),
    }
}

/// [`clear_output`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#clear-output)
pub(super) fn clear(when: Clear) -> JupyterMessageContent {
    content("clear_output", json!({"wait": when == Clear::WithNext}))
}

/// Data that was made elsewhere.
pub(super) fn bundle(data: MimeBundle, metadata: MimeBundle) -> JupyterMessageContent {
    display(Value::Object(data), Value::Object(metadata))
}

/// [`execute_result`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#id6)
pub(super) fn result(data: MimeBundle, metadata: MimeBundle, execution_count: usize) -> JupyterMessageContent {
    let result = json!({"data": data, "metadata": metadata, "execution_count": execution_count});
    content("execute_result", result)
}

fn display(data: Value, metadata: Value) -> JupyterMessageContent {
    content("display_data", json!({"data": data, "metadata": metadata, "transient": {}}))
}

fn changing_display(data: Value, metadata: Value, display_id: &str, update: bool) -> JupyterMessageContent {
    let kind = if update { "update_display_data" } else { "display_data" };
    content(kind, json!({"data": data, "metadata": metadata, "transient": {"display_id": display_id}}))
}

/// The text as HTML: what stands in backticks is code, lines stay lines.
fn html(text: &str) -> String {
    let mut html = String::from("<div>");
    let mut in_code = false;
    for character in text.chars() {
        match character {
            '`' => {
                html.push_str(if in_code { "</code>" } else { "<code>" });
                in_code = !in_code;
            }
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br>"),
            other => html.push(other),
        }
    }
    let _ = write!(html, "{}</div>", if in_code { "</code>" } else { "" });
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_html_that_shows_what_was_written() {
        assert_eq!(html("`Vec<u8>` & more"), "<div><code>Vec&lt;u8&gt;</code> &amp; more</div>");
        assert_eq!(html("a\nb `c"), "<div>a<br>b <code>c</code></div>");
    }

    #[test]
    fn an_update_names_what_it_replaces() {
        let message = progress("x", (0, 0), "7", true);
        assert_eq!(message.message_type(), "update_display_data");
        assert_eq!(serde_json::to_value(&message).unwrap()["transient"]["display_id"], "7");
    }
}
