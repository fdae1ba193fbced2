//! [`inspect_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#introspection)

use std::sync::Arc;

use compiler::Knowledge;
use serde::Deserialize;
use serde_json::{Value, json};

use super::complete::byte_position;
use crate::{
    analysis::{self, Analyzer, Asked},
    execution::{Look, Looker},
    message::Request,
};

#[derive(Deserialize)]
struct InspectRequest {
    code: String,
    /// Counted in Unicode code points.
    cursor_pos: usize,
    /// From 1 on with the source.
    #[serde(default)]
    detail_level: u64,
}

/// Words about the name at the cursor. It does not wait for cells; the value of a variable is asked for only where no cell
/// has its turn.
pub(super) async fn reply(
    request: &Request,
    known: Arc<Knowledge>,
    analyzer: &Analyzer,
    looker: &Looker,
) -> Result<Value, serde_json::Error> {
    let InspectRequest { code, cursor_pos, detail_level } = request.content()?;
    let cursor = byte_position(&code, cursor_pos);
    let own = analysis::own_words(&known, &code, cursor).await;
    let value = match own.as_ref().and_then(|own| own.variable.clone()) {
        Some(name) => looker.look(Look::Value(name), &request.parent).await,
        None => None,
    };
    let asked = Asked { code: &code, cursor, detail: detail_level, patient: false };
    Ok(content(analysis::inspect(known, analyzer, asked, own, value).await))
}

fn content(found: Option<ipc::MimeBundle>) -> Value {
    let is_found = found.is_some();
    json!({"status": "ok", "found": is_found, "data": found.unwrap_or_default(), "metadata": {}})
}
