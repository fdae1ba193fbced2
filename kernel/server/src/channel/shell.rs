//! Which request goes to which handler on the shell channel.
//!
//! Only execute requests wait for one another; all others are answered at once, also while a cell runs: a frontend that
//! connects to a busy kernel gets its `kernel_info_reply`, and nobody waits for a cell to look something up.

use serde_json::Value;

use crate::{dispatcher::Kernel, message::Request, request};

/// Handles a request; it has its one reply afterwards, or its place in the queue of cells.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    match request.message_type() {
        "execute_request" => kernel.execution.submit(request),
        "comm_open" => request::comm_info::refuse(&request, &kernel.outgoing),
        "comm_msg" | "comm_close" => quiet(kernel, &request),
        "shutdown_request" => request::shutdown::handle(kernel, request),
        "interrupt_request" => request::interrupt::handle(kernel, &request),
        "complete_request" => request::complete::handle(kernel, request),
        "inspect_request" => request::inspect::handle(kernel, request),
        _ => match reply(kernel, &request) {
            Some(reply) => kernel.outgoing.answer(&request, reply),
            None => quiet(kernel, &request),
        },
    }
}

/// The reply to a request that is done when it is answered; `None` for what is not a request.
pub(super) fn reply(kernel: &Kernel, request: &Request) -> Option<Result<Value, serde_json::Error>> {
    Some(match request.message_type() {
        "kernel_info_request" => Ok(request::kernel_info::reply(kernel.execution.rustc_version())),
        "is_complete_request" => request::is_complete::reply(request),
        "history_request" => request::history::reply(request),
        "comm_info_request" => Ok(request::comm_info::reply()),
        other if other.ends_with("_request") => Ok(request::unknown(other)),
        _ => return None,
    })
}

/// What has no reply is busy and idle all the same.
pub(super) fn quiet(kernel: &Kernel, request: &Request) {
    kernel.outgoing.busy(&request.parent);
    kernel.outgoing.idle(&request.parent);
}
