//! [`inspect_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#introspection)

use serde::Deserialize;
use serde_json::{Value, json};

use super::complete::byte_position;
use crate::{
    analysis::{self, Asked},
    dispatcher::{Event, Kernel},
    message::Request,
};

#[derive(Deserialize)]
struct Content {
    code: String,
    /// Counted in Unicode code points.
    cursor_pos: usize,
    /// From 1 on with the source.
    #[serde(default)]
    detail_level: u64,
}

/// Begins an answer, which does not wait for cells. The value of a variable is asked for only where no cell has its turn.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    let Content { code, cursor_pos, detail_level } = match request.content() {
        Ok(content) => content,
        Err(error) => return kernel.outgoing.answer(&request, Err(error)),
    };
    kernel.outgoing.busy(&request.parent);
    let (known, analyzer) = (kernel.execution.knowledge(), kernel.analysis.analyzer().clone());
    let (outgoing, events) = (kernel.outgoing.clone(), kernel.execution.events());
    kernel.analysis.answer(async move {
        let cursor = byte_position(&code, cursor_pos);
        let own = analysis::own_words(&known, &code, cursor).await;
        let value = match own.as_ref().and_then(|own| own.variable.clone()) {
            Some(name) => {
                let (sender, value) = tokio::sync::oneshot::channel();
                let under = std::sync::Arc::clone(&request.parent);
                let asked = events.send(Event::Look { name, under, sender }).await;
                asked.is_ok().then_some(value)
            }
            None => None,
        };
        let asked = Asked { code: &code, cursor, detail: detail_level, patient: false };
        let found = analysis::inspect(known, &analyzer, asked, own, value).await;
        outgoing.finish(&request, Ok(reply(found)));
    });
}

fn reply(found: Option<ipc::MimeBundle>) -> Value {
    let is_found = found.is_some();
    json!({"status": "ok", "found": is_found, "data": found.unwrap_or_default(), "metadata": {}})
}
