//! [`interrupt_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#kernel-interrupt)

use serde_json::json;

use crate::{dispatcher::Kernel, message::Request};

/// Asks the running cell to end. The reply says that it was asked, not that it has ended.
pub(crate) fn handle(kernel: &mut Kernel, request: &Request) {
    kernel.outgoing.busy(&request.parent);
    kernel.execution.interrupt();
    kernel.outgoing.finish(request, Ok(json!({"status": "ok"})));
}
