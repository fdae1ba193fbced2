//! [`complete_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#completion)

use serde::Deserialize;
use serde_json::{Value, json};

use crate::message::Request;

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "code")]
    _code: String,
    /// Counted in Unicode code points.
    cursor_pos: usize,
}

/// Nothing is completed yet: no matches, at the cursor.
pub(crate) fn reply(request: &Request) -> Result<Value, serde_json::Error> {
    let Content { cursor_pos, .. } = request.content()?;
    Ok(json!({"status": "ok", "matches": [], "cursor_start": cursor_pos, "cursor_end": cursor_pos, "metadata": {}}))
}
