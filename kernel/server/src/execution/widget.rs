//! What [ipywidgets' protocol](https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md) asks of
//! a kernel whatever the widget: that all pages hear of what one of them changes, and that a widget whose kernel's end is gone
//! says so. What widgets mean is not known here.

use ipc::{Comm, CommKind, MimeBundle};
use serde_json::json;

/// The target of the comms of widgets.
pub(super) const TARGET: &str = "jupyter.widget";

/// What a frontend's message becomes for all others: the same change. The one that it came from is told so, too, and knows by
/// the message's parent that its own has arrived.
pub(super) fn echo(message: &Comm) -> Option<Comm> {
    let is_update = matches!(message.kind, CommKind::Message) && message.data["method"] == "update";
    is_update.then(|| {
        let data = json!({
            "method": "echo_update",
            "state": message.data["state"],
            "buffer_paths": message.data.get("buffer_paths").cloned().unwrap_or_else(|| json!([])),
        });
        let (id, buffers) = (message.id.clone(), message.buffers.clone());
        Comm { id, kind: CommKind::Message, data, metadata: MimeBundle::new(), buffers }
    })
}

/// Whether a page asks for the state of this widget, as it does one by one where it cannot have all at once.
pub(super) fn asks_state(message: &Comm) -> bool {
    matches!(message.kind, CommKind::Message) && message.data["method"] == "request_state"
}

/// Whether it says all of a widget's state: not only what has changed.
pub(super) fn is_whole_state(message: &Comm) -> bool {
    matches!(message.kind, CommKind::Message)
        && message.data["method"] == "update"
        && message.data["state"]["_model_name"].is_string()
}

/// The last word to a page of a widget whose kernel's end is gone: it stands there as it was, and can be used no more.
/// Closing it would leave an empty place without a word.
pub(super) fn dead(id: &str) -> Comm {
    let state = json!({
        "disabled": true,
        // What pages mark widgets with whose kernel is gone: a broken chain.
        "_dom_classes": ["jupyter-widgets-disconnected"],
        "tooltip": "This widget is dead: the kernel's process that it belonged to has ended. Run its cell again.",
    });
    let data = json!({"method": "update", "state": state, "buffer_paths": []});
    Comm { id: id.to_owned(), kind: CommKind::Message, data, metadata: MimeBundle::new(), buffers: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_have_an_echo() {
        let message =
            |kind, data| Comm { id: "7".into(), kind, data, metadata: MimeBundle::new(), buffers: Vec::new() };
        let update = message(CommKind::Message, json!({"method": "update", "state": {"value": 3}}));
        let echo_of_it = echo(&update).unwrap();
        assert_eq!(echo_of_it.data, json!({"method": "echo_update", "state": {"value": 3}, "buffer_paths": []}));
        let click = json!({"method": "custom", "content": {"event": "click"}});
        assert_eq!(echo(&message(CommKind::Message, click)), None);
        assert_eq!(echo(&message(CommKind::Close, json!({"method": "update"}))), None);
    }
}
