//! [`shutdown_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#kernel-shutdown)

use serde::Deserialize;
use serde_json::json;

use crate::{
    dispatcher::{Ending, Kernel},
    message::Request,
};

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    restart: bool,
}

/// Ends the kernel. The reply leaves when the worker has ended; a restart is the frontend's to do, and all that it
/// needs is its own word echoed.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    kernel.outgoing.busy(&request.parent);
    match request.content::<Content>() {
        Ok(Content { restart }) => {
            kernel.ending = Some(Ending::Asked { request, reply: json!({"status": "ok", "restart": restart}) });
        }
        Err(error) => kernel.outgoing.finish(&request, Err(error)),
    }
}
