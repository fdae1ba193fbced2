//! Which request goes to which handler on the control channel: what must not wait behind cells, and beyond that all that
//! the shell channel answers at once.

use super::shell;
use crate::{dispatcher::Kernel, message::Request, request};

/// Handles a request; it has its one reply afterwards.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    match request.message_type() {
        "shutdown_request" => request::shutdown::handle(kernel, request),
        "interrupt_request" => request::interrupt::handle(kernel, &request),
        "create_subshell_request" => {
            let reply = request::subshell::create(kernel);
            kernel.outgoing.answer(&request, Ok(reply));
        }
        "delete_subshell_request" => {
            kernel.outgoing.busy(&request.parent);
            let reply = request::subshell::delete(kernel, &request);
            kernel.outgoing.finish(&request, reply);
        }
        "list_subshell_request" => kernel.outgoing.answer(&request, Ok(request::subshell::list(kernel))),
        _ => shell::at_once(kernel, request),
    }
}
