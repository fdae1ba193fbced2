//! [`complete_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#completion)

use std::sync::Arc;

use compiler::{Knowledge, command_at};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    analysis::{self, Analyzer, Completed},
    execution::command,
    message::Request,
};

#[derive(Deserialize)]
struct CompleteRequest {
    code: String,
    /// Counted in Unicode code points.
    cursor_pos: usize,
}

/// What completes the word at the cursor. It does not wait for cells: they may be compiled or run meanwhile.
pub(super) async fn reply(
    request: &Request,
    known: Arc<Knowledge>,
    analyzer: &Analyzer,
) -> Result<Value, serde_json::Error> {
    let CompleteRequest { code, cursor_pos } = request.content()?;
    let cursor = byte_position(&code, cursor_pos);
    let completed = match command_at(&code, cursor) {
        Some(at) => command::complete(at, &code, cursor, known, analyzer).await,
        None => analysis::complete(known, analyzer, code.clone(), cursor).await,
    };
    Ok(content(&code, &completed))
}

/// Where a position in code points is in bytes; one behind the end is the end.
pub(super) fn byte_position(code: &str, code_points: usize) -> usize {
    code.char_indices().nth(code_points).map_or(code.len(), |(at, _)| at)
}

fn content(code: &str, completed: &Completed) -> Value {
    let start = code[..completed.range.start].chars().count();
    let end = start + code[completed.range.clone()].chars().count();
    let matches: Vec<&str> = completed.matches.iter().map(|offer| offer.text.as_str()).collect();
    // What JupyterLab and VS Code show beside a completion.
    let types = completed.matches.iter().map(|offer| {
        json!({
            "start": start, "end": end, "text": offer.text, "type": offer.kind, "signature": offer.signature,
        })
    });
    let metadata = json!({"_jupyter_types_experimental": types.collect::<Vec<_>>()});
    json!({"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": metadata})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Offer;

    #[test]
    fn positions_are_code_points_for_clients_and_bytes_for_us() {
        assert_eq!(byte_position("é🦀x", 2), 6);
        assert_eq!(byte_position("é🦀x", 9), 7);
        let offer = Offer { text: "xy".into(), kind: "field".into(), signature: "u8".into() };
        let reply = content("é🦀x", &Completed { range: 6..7, matches: vec![offer] });
        assert_eq!((&reply["cursor_start"], &reply["cursor_end"]), (&json!(2), &json!(3)));
        assert_eq!(reply["matches"], json!(["xy"]));
        let shown = &reply["metadata"]["_jupyter_types_experimental"][0];
        assert_eq!(*shown, json!({"start": 2, "end": 3, "text": "xy", "type": "field", "signature": "u8"}));
    }
}
