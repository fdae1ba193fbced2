//! Which request goes to which handler on the control channel: what must not wait behind cells, and beyond that all that
//! the shell channel answers at once.

use super::shell;
use crate::{dispatcher::Kernel, message::Request, request};

/// Handles a request; it has its one reply afterwards.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    match request.message_type() {
        "shutdown_request" => request::shutdown::handle(kernel, request),
        "interrupt_request" => request::interrupt::handle(kernel, &request),
        "complete_request" => request::complete::handle(kernel, request),
        "inspect_request" => request::inspect::handle(kernel, request),
        _ => match shell::reply(kernel, &request) {
            Some(reply) => kernel.outgoing.answer(&request, reply),
            None => shell::quiet(kernel, &request),
        },
    }
}
