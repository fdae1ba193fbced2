//! What the channels that take requests have in common: a task that reads requests, a task that writes replies.
//!
//! The socket crate keeps a queue of 100,000 messages for each client of a ROUTER and waits when one is full, which is
//! why replies are written by a task of their own and never by the dispatcher.

use std::{collections::HashSet, time::Duration};

use jupyter_zmq_client::{Connection, RawMessage, RouterRecvConnection, RouterSendConnection};
use tokio::{runtime::Handle, sync::mpsc};
use zeromq::{RouterSocket, SocketRecv, SocketSend, ZmqMessage};

use super::replay::{Signature, Taken};
use crate::{
    events::Events,
    message::{Channel, DELIMITER, Outbound, Request},
};

/// How long a client whose queue is full may take nothing before it is given up: the others wait behind it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reply waits for a client that was given up.
const IMPATIENCE: Duration = Duration::from_millis(5);

/// An event of the channels: something from a client.
#[derive(Debug)]
pub(crate) enum Received {
    /// A message on the shell, the control or the stdin channel.
    Request(Request),
    /// A question to the user could not be delivered.
    Undelivered { message: String },
}

/// A sender of replies: a handle to a channel's writing task.
#[derive(Clone)]
pub(crate) struct Replies(mpsc::UnboundedSender<Outbound>);

impl Replies {
    /// The way to a task that has the other end.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Outbound>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Never waits. A reply to a client that is gone is dropped.
    pub(crate) fn send(&self, reply: Outbound) {
        // The writing task ends only with the process.
        let _ = self.0.send(reply);
    }
}

/// Starts both tasks: the one that writes on the clients' runtime, which is where they are accepted.
pub(crate) fn start(
    connection: Connection<RouterSocket>,
    channel: Channel,
    taken: Taken,
    events: Events<Received>,
    clients: &Handle,
) -> Replies {
    let (writing, reading) = connection.split();
    let (replies, receiver) = Replies::new();
    clients.spawn(write(writing, receiver));
    tokio::spawn(read(reading, channel, taken, events));
    replies
}

/// Reads requests until the dispatcher is gone. What is not a message, or not signed with the kernel's key, is
/// dropped and logged, and so is what came before. Where the log is the notebook's, a stranger at the door is no news.
pub(super) async fn read(
    mut connection: RouterRecvConnection,
    channel: Channel,
    taken: Taken,
    events: Events<Received>,
) {
    loop {
        let frames = match connection.socket.recv().await {
            Ok(frames) => frames,
            Err(error) => {
                tracing::error!(?channel, "cannot receive: {error}");
                return;
            }
        };
        if !is_of_jupyter(&frames) {
            tracing::debug!(?channel, "dropped what is no message of Jupyter's");
            continue;
        }
        let signature = Signature::of(&frames);
        let raw = match RawMessage::from_multipart(frames, &connection.mac) {
            Ok(raw) => raw,
            Err(error) => {
                tracing::warn!(?channel, "dropped a message with wrong framing or signature: {error}");
                continue;
            }
        };
        if !taken.is_new(&signature) {
            tracing::warn!(?channel, "dropped a message with a signature that was there before");
            continue;
        }
        match Request::from_raw(raw, channel) {
            Ok(request) => {
                if !events.send(Received::Request(request)).await {
                    return;
                }
            }
            Err(error) => tracing::warn!(?channel, "dropped a message: {error}"),
        }
    }
}

/// Whether this is meant to be a message of Jupyter's. What is not comes from a client of something else that had the port
/// before: the heartbeat of another kernel's client, which tries again every second.
fn is_of_jupyter(frames: &ZmqMessage) -> bool {
    frames.iter().any(|frame| &frame[..] == DELIMITER.as_bytes())
}

async fn write(mut connection: RouterSendConnection, mut replies: mpsc::UnboundedReceiver<Outbound>) {
    let mut stuck = HashSet::new();
    while let Some(reply) = replies.recv().await {
        let client = reply.message.zmq_identities.first().cloned().unwrap_or_default();
        let patience = if stuck.contains(&client) { IMPATIENCE } else { PATIENCE };
        match tokio::time::timeout(patience, send(&mut connection, reply)).await {
            Ok(Ok(())) => drop(stuck.remove(&client)),
            Ok(Err(error)) => {
                stuck.remove(&client);
                tracing::info!("a reply could not be delivered: {error}");
            }
            Err(_) => {
                tracing::warn!("a client does not read its replies: it will miss some");
                stuck.insert(client);
            }
        }
    }
}

/// Signs a message and sends it.
pub(super) async fn send<S: SocketSend>(connection: &mut Connection<S>, message: Outbound) -> anyhow::Result<()> {
    let frames = message.into_frames(connection.mac.as_ref())?;
    Ok(connection.socket.send(frames).await?)
}
