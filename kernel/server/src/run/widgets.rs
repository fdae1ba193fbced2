//! The states of widgets, as a notebook's file holds them: what the kernel has told a frontend over comms until the last cell ended.
//!
//! See [the schema of ipywidgets](https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/v2/state.schema.json).

use std::collections::BTreeMap;

use ipc::Buffer;
use serde_json::{Map, Value, json};
use tokio_util::bytes::Bytes;

/// What comms of widgets are opened for.
const TARGET: &str = "jupyter.widget";

/// The widgets that are there, by the ids of their comms.
#[derive(Debug, Default)]
pub(super) struct WidgetStates(BTreeMap<String, WidgetState>);

/// One widget.
#[derive(Debug, Default)]
struct WidgetState {
    fields: Map<String, Value>,
    /// What is binary in the fields: where it belongs, and its bytes.
    buffers: Vec<(Value, Vec<u8>)>,
}

impl WidgetStates {
    /// Takes what a message says of a widget.
    pub(super) fn take(&mut self, kind: &str, content: &Value, buffers: &[Bytes]) {
        let Some(id) = content["comm_id"].as_str() else { return };
        let widget = match kind {
            "comm_open" if content["target_name"] == TARGET => self.0.entry(id.to_owned()).or_default(),
            "comm_msg" if matches!(content["data"]["method"].as_str(), Some("update" | "echo_update")) => {
                let Some(widget) = self.0.get_mut(id) else { return };
                widget
            }
            // Its views are gone from the page as well.
            "comm_close" => return drop(self.0.remove(id)),
            _ => return,
        };
        widget.update(&content["data"], buffers);
    }

    /// What a notebook's metadata has of them; `None` where there are none.
    pub(super) fn metadata(self) -> Option<Value> {
        let named =
            self.0.into_iter().filter(|(_, widget)| widget.fields.get("_model_name").is_some_and(Value::is_string));
        let states: Map<String, Value> = named.map(|(id, widget)| (id, widget.whole())).collect();
        (!states.is_empty()).then(|| json!({"state": states, "version_major": 2, "version_minor": 0}))
    }
}

impl WidgetState {
    fn update(&mut self, data: &Value, buffers: &[Bytes]) {
        for (name, value) in data["state"].as_object().into_iter().flatten() {
            self.buffers.retain(|(path, _)| path[0] != **name);
            self.fields.insert(name.clone(), value.clone());
        }
        let paths = data["buffer_paths"].as_array().into_iter().flatten();
        for (path, bytes) in paths.zip(buffers) {
            self.buffers.retain(|(other, _)| other != path);
            self.buffers.push((path.clone(), bytes.to_vec()));
        }
    }

    fn whole(self) -> Value {
        let (fields, buffers) = (Value::Object(self.fields), self.buffers);
        let buffer = |(path, bytes)| json!({"path": path, "encoding": "base64", "data": Buffer(bytes)});
        let mut whole = json!({
            "model_name": fields["_model_name"],
            "model_module": fields["_model_module"],
            "model_module_version": fields["_model_module_version"],
            "state": fields,
        });
        if !buffers.is_empty() {
            whole["buffers"] = buffers.into_iter().map(buffer).collect();
        }
        whole
    }
}

#[cfg(test)]
mod tests;
