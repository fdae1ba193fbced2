//! Which request goes to which handler on the control channel: what must not wait behind cells, and beyond that all that
//! the shell channel answers at once.

use super::shell;
use crate::{dispatcher::Kernel, message::Request, request};

/// Handles a request; it has its one reply afterwards.
pub(crate) fn handle(kernel: &mut Kernel, request: Request) {
    match request.message_type() {
        "shutdown_request" => request::shutdown::handle(kernel, request),
        "interrupt_request" => request::interrupt::handle(kernel, &request),
        _ => shell::at_once(kernel, request),
    }
}
