//! The messages of [ipywidgets' protocol](https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md),
//! version 2.1, written and read.

use std::sync::Arc;

use super::kind::WidgetKind;
use super::model::Model;
use super::state::{Fields, list, map, member, text};
use crate::comm::Message;
use crate::display::json;
use crate::display::value::Value;

/// What a frontend says.
#[derive(Debug, PartialEq)]
pub(super) enum PageSays {
    Update(Vec<(String, Value)>),
    /// A click, or Enter.
    Signal,
    AskState,
    AskStates,
    /// Something that no widget of ours understands.
    Other,
}

/// What a message of a frontend says.
pub(super) fn said(message: &Message) -> PageSays {
    let Ok(data) = message.data::<Value>() else { return PageSays::Other };
    match member(&data, "method").map(text) {
        Some("update") => match data {
            Value::Map(fields, _) => match fields.into_iter().find(|(name, _)| name == "state") {
                Some((_, Value::Map(state, _))) => PageSays::Update(state),
                _ => PageSays::Other,
            },
            _ => PageSays::Other,
        },
        Some("custom") => match member(&data, "content").and_then(|content| member(content, "event")).map(text) {
            Some("click" | "submit") => PageSays::Signal,
            _ => PageSays::Other,
        },
        Some("request_state") => PageSays::AskState,
        Some("request_states") => PageSays::AskStates,
        _ => PageSays::Other,
    }
}

/// A widget begins.
pub(super) fn open(kind: &WidgetKind, fields: &Fields) -> Message {
    let data = map([("state", whole(kind, fields)), ("buffer_paths", list([]))]);
    Message::from_parts(json::text_of(&data), r#"{"version":"2.1.0"}"#.to_owned(), Vec::new())
}

/// These fields are others now.
pub(super) fn update<'a>(fields: impl Iterator<Item = (&'static str, &'a Value)>) -> Message {
    let state = fields.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    say(&map([("method", "update".into()), ("state", Value::Map(state, 0)), ("buffer_paths", list([]))]))
}

/// All of a widget, for a page that has asked for it and may know nothing of it.
pub(super) fn whole_update(kind: &WidgetKind, fields: &Fields) -> Message {
    say(&map([("method", "update".into()), ("state", whole(kind, fields)), ("buffer_paths", list([]))]))
}

/// All widgets that there are.
pub(super) fn states(models: &[Arc<Model>]) -> Message {
    let state = |model: &Arc<Model>| {
        let WidgetKind { name, module, version, .. } = model.kind;
        let fields = [
            ("model_name", format!("{name}Model").as_str().into()),
            ("model_module", (*module).into()),
            ("model_module_version", (*version).into()),
            ("state", whole(model.kind, &model.state().fields)),
        ];
        (model.id.clone(), map(fields))
    };
    let states = Value::Map(models.iter().map(state).collect(), 0);
    say(&map([("method", "update_states".into()), ("states", states), ("buffer_paths", list([]))]))
}

fn say(data: &Value) -> Message {
    Message::from_parts(json::text_of(data), "{}".to_owned(), Vec::new())
}

/// The state with what says which model it is of, as whoever knows nothing of it needs it.
fn whole(kind: &WidgetKind, fields: &Fields) -> Value {
    let WidgetKind { name, view, module, version, .. } = kind;
    let names = [
        ("_model_module", (*module).to_owned()),
        ("_model_module_version", (*version).to_owned()),
        ("_model_name", format!("{name}Model")),
        ("_view_module", (*module).to_owned()),
        ("_view_module_version", (*version).to_owned()),
        ("_view_name", format!("{view}View")),
    ];
    let names = names.into_iter().map(|(name, value)| (name.to_owned(), Value::Text(value)));
    Value::Map(names.chain(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).collect(), 0)
}

/// A view of a model, as a display says it.
pub(super) fn view(id: &str) -> String {
    json::text_of(&map([
        ("version_major", Value::Integer(2)),
        ("version_minor", Value::Integer(0)),
        ("model_id", id.into()),
    ]))
}

/// The model that a view is of.
pub(super) fn model_of_view(view: &str) -> Option<String> {
    let view: Value = json::from_text(view).ok()?;
    member(&view, "model_id").map(|id| text(id).to_owned())
}
