//! [`history_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#history)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::message::Request;

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "hist_access_type")]
    _access: Access,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Access {
    Range,
    Tail,
    Search,
}

/// No history is kept yet.
pub(crate) fn reply(request: &Request) -> Result<Value, serde_json::Error> {
    let Content { .. } = request.content()?;
    Ok(json!({"status": "ok", "history": []}))
}
