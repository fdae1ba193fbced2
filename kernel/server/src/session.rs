//! The kernel's own session: its id, and the headers of all that it sends. Sockets are not known here.

use std::{sync::Arc, time::Duration};

use jupyter_protocol::{JupyterMessage, JupyterMessageContent, Status};
use tokio_util::bytes::Bytes;

use crate::message::{Outbound, Parent};

/// The version of the messaging protocol that the kernel speaks.
pub(crate) const PROTOCOL_VERSION: &str = "5.5";

/// The kernel's session, one per process: a kernel that was restarted is told from the one before by it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    id: Arc<str>,
}

impl Session {
    /// A session with a new id.
    pub(crate) fn new() -> Self {
        // The wire crate makes a new UUID for a message without parent; that is all that is wanted of it here.
        Self { id: JupyterMessage::new(Status::idle(), None).header.session.into() }
    }

    /// The id that stands in every header.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A reply, routed to where the request came from.
    pub(crate) fn reply(&self, content: impl Into<JupyterMessageContent>, to: &Parent) -> Outbound {
        let mut message = self.message(content, Some(to));
        message.message.zmq_identities.clone_from(&to.identities);
        message
    }

    /// A message for all subscribers, under the topic that the spec suggests: `kernel.SESSION.TYPE`.
    pub(crate) fn broadcast(&self, content: impl Into<JupyterMessageContent>, parent: Option<&Parent>) -> Outbound {
        let mut outbound = self.message(content, parent);
        let message = &mut outbound.message;
        message.zmq_identities = vec![Bytes::from(format!("kernel.{}.{}", self.id, message.header.msg_type))];
        outbound
    }

    fn message(&self, content: impl Into<JupyterMessageContent>, parent: Option<&Parent>) -> Outbound {
        let mut message = JupyterMessage::new(content, None);
        "kissaten".clone_into(&mut message.header.username);
        PROTOCOL_VERSION.clone_into(&mut message.header.version);
        self.id.as_ref().clone_into(&mut message.header.session);
        // Clients of the reference implementation read six digits of a second, and take more for no date at all.
        let beyond = message.header.date.timestamp_subsec_nanos() % 1000;
        message.header.date -= Duration::from_nanos(beyond.into());
        message.parent_header = parent.map(|parent| parent.header.clone());
        Outbound { message, subshell_id: parent.and_then(|parent| parent.subshell_id.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::request;

    #[test]
    fn headers_carry_the_kernels_session_and_the_clients_parent() {
        let session = Session::new();
        let request = request("kernel_info_request", serde_json::json!({}));
        let reply = session.reply(Status::busy(), &request.parent).message;
        assert_eq!(reply.header.session, session.id());
        assert_ne!(reply.header.session, "client session");
        assert_eq!(reply.parent_header.unwrap().session, "client session");
        assert_eq!(reply.zmq_identities, request.parent.identities);
        let broadcast = session.broadcast(Status::busy(), None).message;
        assert_eq!(broadcast.zmq_identities[0], format!("kernel.{}.status", session.id()));
        assert_ne!(Session::new().id(), session.id());
    }
}
