//! Widgets where they cannot be shown as such: in a terminal, on a page without their package, in an export.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::choice;
use super::kind::WidgetKind;
use super::model::Model;
use super::state::{self, Fields};
use crate::display::value::Value;

/// What is said once in a kernel's life, below the first of them.
const HINT: &str = "(Widgets can be used where the page can show them: JupyterLab and Notebook need the package \
     `jupyterlab_widgets` in their environment.)";

/// A model as text and as HTML.
pub(super) fn of(model: &Arc<Model>) -> [String; 2] {
    static SAID: AtomicBool = AtomicBool::new(false);
    let [mut text, mut html] = [text(model), html(model)];
    if !SAID.swap(true, Ordering::Relaxed) {
        text.push_str(&format!("\n{HINT}"));
        html.push_str(&format!("<div><em>{}</em></div>", HINT.replace('`', "")));
    }
    [text, html]
}

/// The value of one that has any, as Rust has it.
pub(super) fn value(kind: &WidgetKind, fields: &Fields) -> Option<String> {
    match (kind.name, state::field(fields, "value")) {
        ("Password", Value::Text(text)) => Some(format!("\"{}\"", "•".repeat(text.chars().count()))),
        ("Dropdown", _) => Some(format!("{:?}", choice::chosen(fields))),
        (_, Value::Integer(number)) => Some(number.to_string()),
        (_, Value::Float(number)) => Some(format!("{number:?}")),
        (_, Value::Bool(is_on)) => Some(is_on.to_string()),
        (_, Value::Text(text)) => Some(format!("{text:?}")),
        _ => None,
    }
}

fn text(model: &Arc<Model>) -> String {
    let state = model.state();
    let (kind, fields) = (model.kind, &state.fields);
    let label = state::text(state::field(fields, "description"));
    let before = if label.is_empty() { String::new() } else { format!("{label}: ") };
    let value = |name| match state::field(fields, name) {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    match kind.name {
        "HBox" | "VBox" => {
            let children = state.children.clone();
            drop(state);
            let children: Vec<String> = children.iter().map(|child| text(&child.model)).collect();
            children.join(if kind.name == "HBox" { "  " } else { "\n" })
        }
        "Button" => format!("[{label}]"),
        "Checkbox" | "ToggleButton" => {
            let mark = if state::is_true(state::field(fields, "value")) { 'x' } else { ' ' };
            format!("[{mark}] {label}")
        }
        "Password" => format!("{before}{}", "•".repeat(value("value").chars().count())),
        "Dropdown" => format!("{before}{}", choice::chosen(fields)),
        "IntSlider" | "FloatSlider" => format!("{before}{} ({} to {})", value("value"), value("min"), value("max")),
        "IntProgress" | "FloatProgress" => format!("{before}{} of {}", value("value"), value("max")),
        "Output" => outputs(fields),
        _ => format!("{before}{}", value("value")),
    }
}

/// What stands in an output, as text.
fn outputs(fields: &Fields) -> String {
    let Value::Sequence(outputs, _) = state::field(fields, "outputs") else { return String::new() };
    let text = |output| {
        let plain = || state::member(state::member(output, "data")?, "text/plain");
        state::member(output, "text").or_else(plain).map(state::text)
    };
    let texts: String = outputs.iter().filter_map(text).collect();
    texts.trim_end().to_owned()
}

fn html(model: &Arc<Model>) -> String {
    let state = model.state();
    match model.kind.name {
        "HBox" | "VBox" => {
            let children = state.children.clone();
            drop(state);
            let direction = if model.kind.name == "HBox" { "row" } else { "column" };
            let children: String = children.iter().map(|child| html(&child.model)).collect();
            format!("<div style=\"display: flex; flex-direction: {direction}; gap: 0.5em\">{children}</div>")
        }
        "HTML" => {
            let label = html_escape::encode_text(state::text(state::field(&state.fields, "description"))).into_owned();
            format!("<div>{label} {}</div>", state::text(state::field(&state.fields, "value")))
        }
        _ => {
            drop(state);
            let text = text(model);
            format!("<div style=\"white-space: pre-wrap\">{}</div>", html_escape::encode_text(&text))
        }
    }
}
