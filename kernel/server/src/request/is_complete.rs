//! [`is_complete_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#code-completeness)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::message::Request;

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "code")]
    _code: String,
}

/// The kernel does not tell yet; a console then falls back to its own rule.
pub(crate) fn reply(request: &Request) -> Result<Value, serde_json::Error> {
    let Content { .. } = request.content()?;
    Ok(json!({"status": "unknown"}))
}
