//! The way from sockets to the dispatcher and back. What a message means is not known here; which request goes where is
//! told by [`request`](crate::request).

pub(crate) mod heartbeat;
pub(crate) mod iopub;
pub(crate) mod local;
pub(crate) mod replay;
pub(crate) mod router;
pub(crate) mod stdin;
pub(crate) mod subscriber;
mod zmtp;

use jupyter_protocol::{ErrorOutput, JupyterMessageContent, StreamContent};
use serde_json::{Map, Value};
use tokio_util::bytes::Bytes;

use crate::{
    message::{Channel, Parent},
    output::Stream,
    session::Session,
};

/// The senders of all channels: all that the kernel says goes through here.
///
/// None of the methods waits: each puts a message into a queue that a task of its own empties into a socket.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) session: Session,
    pub(crate) iopub: iopub::Publisher,
    pub(crate) shell: router::Replies,
    pub(crate) control: router::Replies,
    pub(crate) stdin: router::Replies,
}

impl Outgoing {
    /// Publishes under the request that it belongs to.
    pub(crate) fn publish(&self, content: impl Into<JupyterMessageContent>, parent: Option<&Parent>) {
        self.iopub.publish(self.session.broadcast(content, parent));
    }

    /// Publishes content that has metadata and bytes beside it.
    pub(crate) fn publish_whole(
        &self,
        content: impl Into<JupyterMessageContent>,
        metadata: Map<String, Value>,
        buffers: Vec<Bytes>,
        parent: Option<&Parent>,
    ) {
        let mut outbound = self.session.broadcast(content, parent);
        outbound.message.metadata = Value::Object(metadata);
        outbound.message.buffers = buffers;
        self.iopub.publish(outbound);
    }

    /// [`stream`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#streams-stdout-stderr-etc)
    pub(crate) fn stream(&self, stream: Stream, text: &str, parent: &Parent) {
        let content = match stream {
            Stream::Stdout => StreamContent::stdout(text),
            Stream::Stderr => StreamContent::stderr(text),
        };
        self.publish(content, Some(parent));
    }

    /// [`error`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#execution-errors)
    pub(crate) fn error(&self, error: ErrorOutput, parent: &Parent) {
        self.publish(error, Some(parent));
    }

    /// Replies at once.
    pub(crate) fn reply(&self, content: impl Into<JupyterMessageContent>, to: &Parent) {
        let message = self.session.reply(content, to);
        self.replies(to.channel).send(message);
    }

    /// Replies when all that was published before has left.
    pub(crate) fn reply_in_order(&self, content: impl Into<JupyterMessageContent>, to: &Parent) {
        let message = self.session.reply(content, to);
        self.iopub.then_reply(self.replies(to.channel).clone(), message);
    }

    /// Asks the client of a request, when all that was published before has left. The id of the question's message.
    pub(crate) fn ask(&self, content: impl Into<JupyterMessageContent>, under: &Parent) -> String {
        let message = self.session.reply(content, under);
        let id = message.message.header.msg_id.clone();
        self.iopub.then_reply(self.stdin.clone(), message);
        id
    }

    fn replies(&self, channel: Channel) -> &router::Replies {
        match channel {
            Channel::Shell => &self.shell,
            Channel::Control => &self.control,
            Channel::Stdin => &self.stdin,
        }
    }
}
