//! What the channels that take requests have in common: a task that reads requests, a task that writes replies.
//!
//! The socket crate keeps a queue of 100,000 messages for each client of a ROUTER and waits when one is full, which is
//! why replies are written by a task of their own and never by the dispatcher.

use jupyter_protocol::JupyterMessage;
use jupyter_zmq_client::{Connection, RawMessage, RouterRecvConnection, RouterSendConnection};
use tokio::sync::mpsc;
use zeromq::{RouterSocket, SocketRecv};

use crate::{
    dispatcher::Event,
    message::{Channel, Request},
};

/// The way to a channel's writing task.
#[derive(Clone)]
pub(crate) struct Replies(mpsc::UnboundedSender<JupyterMessage>);

impl Replies {
    /// The way to a task that has the other end.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<JupyterMessage>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Never waits. A reply to a client that is gone is dropped.
    pub(crate) fn send(&self, reply: JupyterMessage) {
        // The writing task ends only with the process.
        let _ = self.0.send(reply);
    }
}

/// Starts both tasks.
pub(crate) fn start(connection: Connection<RouterSocket>, channel: Channel, events: mpsc::Sender<Event>) -> Replies {
    let (writing, reading) = connection.split();
    let (replies, receiver) = Replies::new();
    tokio::spawn(write(writing, receiver));
    tokio::spawn(read(reading, channel, events));
    replies
}

/// Reads requests until the dispatcher is gone. What is not a message, or not signed with the kernel's key, is
/// dropped and logged.
pub(super) async fn read(mut connection: RouterRecvConnection, channel: Channel, events: mpsc::Sender<Event>) {
    loop {
        let frames = match connection.socket.recv().await {
            Ok(frames) => frames,
            Err(error) => {
                tracing::error!(?channel, "cannot receive: {error}");
                return;
            }
        };
        let raw = match RawMessage::from_multipart(frames, &connection.mac) {
            Ok(raw) => raw,
            Err(error) => {
                tracing::warn!(?channel, "dropped a message with wrong framing or signature: {error}");
                continue;
            }
        };
        match Request::from_raw(raw, channel) {
            Ok(request) => {
                if events.send(Event::Request(request)).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(?channel, "dropped a message: {error}"),
        }
    }
}

async fn write(mut connection: RouterSendConnection, mut replies: mpsc::UnboundedReceiver<JupyterMessage>) {
    while let Some(reply) = replies.recv().await {
        if let Err(error) = connection.send(reply).await {
            tracing::info!("a reply could not be delivered: {error}");
        }
    }
}
