//! Which request goes to which handler on the shell channel.
//!
//! Only execute requests wait for one another; all others are answered at once, also while a cell runs: a frontend that
//! connects to a busy kernel gets its `kernel_info_reply`, and nobody waits for a cell to look something up.

use serde_json::Value;

use crate::{dispatcher::Kernel, message::Request, request};

/// Handles a request; it has its one reply afterwards, or its place in the queue of cells.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    if let Some(id) = &request.parent.subshell_id
        && !kernel.execution.has_subshell(id)
    {
        return refuse(kernel, &request, id);
    }
    match request.message_type() {
        "execute_request" => kernel.execution.submit(request),
        "comm_open" | "comm_msg" | "comm_close" => request::comm::handle(kernel, &request),
        "shutdown_request" => request::shutdown::handle(kernel, request),
        "interrupt_request" => request::interrupt::handle(kernel, &request),
        _ => at_once(kernel, request),
    }
}

/// Handles a request that waits for no cell.
pub(super) fn at_once(kernel: &mut Kernel, request: Request) {
    match request.message_type() {
        "history_request" => request::history::handle(kernel, request),
        "is_complete_request" => aside(kernel, request, request::is_complete::reply),
        "complete_request" => request::complete::handle(kernel, request),
        "inspect_request" => request::inspect::handle(kernel, request),
        _ => match reply(kernel, &request) {
            Some(reply) => kernel.outgoing.answer(&request, reply),
            None => quiet(kernel, &request),
        },
    }
}

/// Makes a reply on a thread where that may take its time.
fn aside(kernel: &Kernel, request: Request, reply: fn(&Request) -> Result<Value, serde_json::Error>) {
    let outgoing = kernel.outgoing.clone();
    outgoing.busy(&request.parent);
    tokio::task::spawn_blocking(move || outgoing.finish(&request, reply(&request)));
}

/// There is no such subshell.
fn refuse(kernel: &Kernel, request: &Request, subshell_id: &str) {
    if request.message_type().ends_with("_request") {
        kernel.outgoing.answer(request, Ok(request::subshell::unknown(subshell_id)));
    } else {
        tracing::warn!("dropped a `{}` for a subshell that there is not", request.message_type());
        quiet(kernel, request);
    }
}

/// The reply to a request that is done when it is answered; `None` for what is not a request.
fn reply(kernel: &Kernel, request: &Request) -> Option<Result<Value, serde_json::Error>> {
    Some(match request.message_type() {
        "kernel_info_request" => Ok(request::kernel_info::reply(kernel.execution.rustc_version())),
        "comm_info_request" => request::comm_info::reply(kernel, request),
        "debug_request" => Ok(request::debug::reply(request)),
        other if other.ends_with("_request") => Ok(request::unknown(other)),
        _ => return None,
    })
}

/// What has no reply is busy and idle all the same.
fn quiet(kernel: &Kernel, request: &Request) {
    kernel.outgoing.busy(&request.parent);
    kernel.outgoing.idle(&request.parent);
}
