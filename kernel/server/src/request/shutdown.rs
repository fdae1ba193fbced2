//! [`shutdown_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#kernel-shutdown)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::message::Request;

#[derive(Deserialize)]
struct ShutdownRequest {
    #[serde(default)]
    restart: bool,
}

/// The reply of a kernel that has ended. A restart is the frontend's to do, and all that it needs is its own word echoed.
pub(super) fn reply(request: &Request) -> Result<Value, serde_json::Error> {
    let ShutdownRequest { restart } = request.content()?;
    Ok(json!({"status": "ok", "restart": restart}))
}
