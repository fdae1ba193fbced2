//! [`comm_info_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#comm-info), and the comms that
//! a frontend would open: the kernel has no targets for them.

use serde_json::{Value, json};

use crate::{
    channel::Outgoing,
    message::{Request, content},
};

/// No comm is open.
pub(crate) fn reply() -> Value {
    json!({"status": "ok", "comms": {}})
}

/// [`comm_open`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#opening-a-comm) for a target that is not
/// known is answered by `comm_close`, says the spec.
pub(crate) fn refuse(request: &Request, outgoing: &Outgoing) {
    outgoing.busy(&request.parent);
    if let Some(id) = request.content.get("comm_id").and_then(Value::as_str) {
        outgoing.publish(content("comm_close", json!({"comm_id": id, "data": {}})), Some(&request.parent));
    }
    outgoing.idle(&request.parent);
}
