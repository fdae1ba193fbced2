//! [`inspect_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#introspection)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::message::Request;

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "code")]
    _code: String,
    #[serde(rename = "cursor_pos")]
    _cursor_pos: usize,
}

/// Nothing is found yet.
pub(crate) fn reply(request: &Request) -> Result<Value, serde_json::Error> {
    let Content { .. } = request.content()?;
    Ok(json!({"status": "ok", "found": false, "data": {}, "metadata": {}}))
}
