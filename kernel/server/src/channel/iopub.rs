//! The iopub channel: what is published, in order, at a pace that subscribers can follow.
//!
//! How the socket crate's XPUB (0.7.0) treats a slow subscriber, from its source: it neither drops nor queues. `send`
//! writes to one subscriber after the other and waits until all of them have taken the message into the system's
//! socket buffers (4 MiB each way over TCP); a subscriber's own library reads ahead of its program, some 1,000
//! messages in libzmq. So a flood is slowed down to what the slowest subscriber reads and nothing is lost, but one that
//! stopped reading would block the kernel for ever. Hence three rules:
//!
//! * what is published goes into a queue whose size the dispatcher can see ([`Publisher::has_room`]), and while it is
//!   long, the dispatcher takes no more output from the worker: user code then waits in its `print!`;
//! * a subscriber that takes nothing for [`PATIENCE`] is not waited for any more until it reads again, and misses
//!   messages, as ZeroMQ's PUB would have it. A message that was given up on half-way stays whole: its rest is in the
//!   connection's buffer and is written first;
//! * output comes in few and large messages (see [`output`](crate::output)).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jupyter_protocol::{IoPubWelcome, JupyterMessageContent};
use jupyter_zmq_client::KernelIoPubXPubConnection;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::bytes::Bytes;
use zeromq::{SocketRecv, ZmqMessage};

use super::router::{self, Replies};
use crate::{
    message::{Outbound, bundle_size},
    session::Session,
};

/// How long a subscriber may take nothing before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a message waits for one that was given up.
const IMPATIENCE: Duration = Duration::from_millis(5);
/// From this many queued bytes on, no more output is taken from the worker.
const ROOM: usize = 4 * 1024 * 1024;

/// A handle to the publishing task.
#[derive(Clone)]
pub(crate) struct Publisher {
    queue: mpsc::UnboundedSender<Item>,
    backlog: Arc<Backlog>,
}

enum Item {
    Publish { message: Box<Outbound>, size: usize },
    Reply { replies: Replies, message: Box<Outbound> },
    Reached(oneshot::Sender<()>),
}

/// The backlog of iopub: how many bytes are queued, and a word to whoever waits for less.
#[derive(Default)]
struct Backlog {
    bytes: AtomicUsize,
    shrunk: Notify,
}

impl Publisher {
    /// Starts the task that owns the socket.
    pub(crate) fn start(connection: KernelIoPubXPubConnection, session: Session) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        tokio::spawn(publish(connection, session, items, backlog.clone()));
        Self { queue, backlog }
    }

    /// Starts the task that hands all messages to a client in this process.
    pub(super) fn start_local(client: mpsc::Sender<Outbound>) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        tokio::spawn(hand_over(client, items, backlog.clone()));
        Self { queue, backlog }
    }

    /// Publishes a message behind all that was published before. Never waits.
    pub(crate) fn publish(&self, message: Outbound) {
        let size = size(&message.message.content) + message.message.buffers.iter().map(Bytes::len).sum::<usize>();
        self.backlog.bytes.fetch_add(size, Ordering::Relaxed);
        self.put(Item::Publish { message: Box::new(message), size });
    }

    /// Sends a reply when all that was published before has left.
    pub(crate) fn then_reply(&self, replies: Replies, message: Outbound) {
        self.put(Item::Reply { replies, message: Box::new(message) });
    }

    /// Waits until all that was published before has left.
    pub(crate) async fn flush(&self) {
        let (sender, reached) = oneshot::channel();
        self.put(Item::Reached(sender));
        let _ = reached.await;
    }

    /// Waits until more output can be taken.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(crate) async fn has_room(&self) {
        loop {
            let shrunk = self.backlog.shrunk.notified();
            if self.backlog.bytes.load(Ordering::Relaxed) < ROOM {
                return;
            }
            shrunk.await;
        }
    }

    fn put(&self, item: Item) {
        // The task ends only with the process.
        let _ = self.queue.send(item);
    }
}

async fn publish(
    mut connection: KernelIoPubXPubConnection,
    session: Session,
    mut items: mpsc::UnboundedReceiver<Item>,
    backlog: Arc<Backlog>,
) {
    let mut stuck = false;
    loop {
        // Both are cancel safe: a frame that has not come whole stays in its connection.
        let item = tokio::select! {
            frames = connection.socket.recv() => {
                match frames {
                    Ok(frames) => {
                        if let Some(topic) = subscription(&frames) {
                            send(&mut connection, welcome(&session, topic), &mut stuck).await;
                        }
                    }
                    Err(error) => tracing::info!("a subscriber is gone: {error}"),
                }
                continue;
            }
            item = items.recv() => item,
        };
        match item {
            Some(Item::Publish { message, size }) => {
                send(&mut connection, *message, &mut stuck).await;
                backlog.bytes.fetch_sub(size, Ordering::Relaxed);
                backlog.shrunk.notify_one();
            }
            Some(Item::Reply { replies, message }) => replies.send(*message),
            Some(Item::Reached(sender)) => drop(sender.send(())),
            None => return,
        }
    }
}

async fn hand_over(client: mpsc::Sender<Outbound>, mut items: mpsc::UnboundedReceiver<Item>, backlog: Arc<Backlog>) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Publish { message, size } => {
                // A client that is gone misses nothing.
                let _ = client.send(*message).await;
                backlog.bytes.fetch_sub(size, Ordering::Relaxed);
                backlog.shrunk.notify_one();
            }
            Item::Reply { replies, message } => replies.send(*message),
            Item::Reached(sender) => drop(sender.send(())),
        }
    }
}

async fn send(connection: &mut KernelIoPubXPubConnection, message: Outbound, stuck: &mut bool) {
    let patience = if *stuck { IMPATIENCE } else { PATIENCE };
    match tokio::time::timeout(patience, router::send(connection, message)).await {
        Ok(result) => {
            *stuck = false;
            if let Err(error) = result {
                tracing::warn!("a message could not be published: {error}");
            }
        }
        Err(_) => {
            if !*stuck {
                tracing::warn!("a subscriber of iopub has stopped reading: it will miss messages");
            }
            *stuck = true;
        }
    }
}

/// The topic, if the frames are a subscription. The end of one, and what is not UTF-8, is ignored.
///
/// See [JEP 65](https://jupyter.org/enhancement-proposals/65-jupyter-xpub/jupyter-xpub.html).
fn subscription(frames: &ZmqMessage) -> Option<String> {
    let (kind, topic) = frames.get(0)?.split_first()?;
    if *kind == 1 { String::from_utf8(topic.to_vec()).ok() } else { None }
}

/// [`iopub_welcome`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#welcome-message): it has no parent,
/// and goes out under the topic that was subscribed, so that exactly those get it who asked for that topic.
fn welcome(session: &Session, topic: String) -> Outbound {
    let identity = Bytes::from(topic.clone());
    let mut welcome = session.broadcast(IoPubWelcome::new(topic), None);
    welcome.message.zmq_identities = vec![identity];
    welcome
}

/// About how many bytes a message has on the wire; what is small is not counted.
fn size(content: &JupyterMessageContent) -> usize {
    match content {
        JupyterMessageContent::StreamContent(stream) => stream.text.len(),
        JupyterMessageContent::UnknownMessage(message) => {
            ["data", "metadata"].iter().filter_map(|part| message.content.get(part)?.as_object()).map(bundle_size).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::content;

    #[test]
    fn only_subscriptions_are_welcomed() {
        let check = |frame: &'static [u8]| subscription(&ZmqMessage::from(Bytes::from_static(frame)));
        assert_eq!(check(b"\x01"), Some(String::new()));
        assert_eq!(check(b"\x01kernel."), Some("kernel.".to_owned()));
        for other in [&b""[..], b"\x00kernel.", b"\x01\xff", b"\x02x"] {
            assert_eq!(check(other), None);
        }
    }

    #[test]
    fn bundles_are_counted_whatever_is_in_them() {
        let bundle = serde_json::json!({"text/plain": "x".repeat(1000), "application/json": {"a": vec![1000; 1000]}});
        let message =
            content("display_data", serde_json::json!({"data": bundle, "metadata": {"a/b": "x".repeat(100)}}));
        assert!((7_000..8_000).contains(&size(&message)));
    }

    #[test]
    fn a_welcome_has_no_parent_and_the_topic_as_its_identity() {
        let message = welcome(&Session::new(), "kernel.".to_owned()).message;
        assert!(message.parent_header.is_none());
        assert_eq!(message.zmq_identities, ["kernel."]);
        assert_eq!(serde_json::to_string(&message.content).unwrap(), r#"{"subscription":"kernel."}"#);
    }
}
