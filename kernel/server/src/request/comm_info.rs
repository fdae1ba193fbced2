//! [`comm_info_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#comm-info)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{execution::Execution, message::Request};

#[derive(Deserialize)]
struct CommInfoRequest {
    /// Only comms of this target.
    #[serde(default)]
    target_name: Option<String>,
}

/// The comms that are open, by id.
pub(crate) fn reply(execution: &Execution, request: &Request) -> Result<Value, serde_json::Error> {
    let CommInfoRequest { target_name } = request.content()?;
    let comms = execution.comms(target_name.as_deref());
    let comms: serde_json::Map<_, _> =
        comms.map(|(id, target)| (id.to_owned(), json!({"target_name": target}))).collect();
    Ok(json!({"status": "ok", "comms": comms}))
}
