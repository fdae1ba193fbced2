//! The iopub channel: what is published, in order, at a pace that subscribers can follow. Who they are, and how long each is
//! waited for, is told by [`subscriber`](super::subscriber).
//!
//! * What is published goes into a queue whose size the dispatcher can see ([`Publisher::has_room`]), and while it is
//!   long, the dispatcher takes no more output from the worker: user code then waits in its `print!`;
//! * output comes in few and large messages (see [`output`](crate::output)).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jupyter_protocol::{IoPubWelcome, JupyterMessageContent};
use ring::hmac;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::bytes::Bytes;

use super::{
    router::Replies,
    subscriber::{Door, PATIENCE, Subscribers},
};
use crate::{
    message::{Outbound, bundle_size},
    session::Session,
};

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
    /// Starts the task that publishes, signed with the key if there is one, to whoever comes to the door.
    pub(crate) fn start(door: Door, key: Option<hmac::Key>, session: Session) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        tokio::spawn(publish(door, key, session, items, backlog.clone()));
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
    door: Door,
    key: Option<hmac::Key>,
    session: Session,
    mut items: mpsc::UnboundedReceiver<Item>,
    backlog: Arc<Backlog>,
) {
    let mut heard = door.let_in();
    let mut subscribers = Subscribers::new(PATIENCE);
    loop {
        let item = tokio::select! {
            Some(heard) = heard.recv() => {
                if let Some((subscriber, topic)) = subscribers.take_in(heard)
                    && let Some(welcome) = welcome(&session, topic)
                {
                    send(&mut subscribers, welcome, key.as_ref(), Some(subscriber)).await;
                }
                continue;
            }
            () = subscribers.catch_up() => continue,
            item = items.recv() => item,
        };
        match item {
            Some(Item::Publish { message, size }) => {
                send(&mut subscribers, *message, key.as_ref(), None).await;
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

async fn send(subscribers: &mut Subscribers, message: Outbound, key: Option<&hmac::Key>, only: Option<u64>) {
    match message.into_frames(key) {
        Ok(frames) => subscribers.send(&frames, only).await,
        Err(error) => tracing::warn!("a message could not be published: {error}"),
    }
}

/// [`iopub_welcome`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#welcome-message): it has no parent, and
/// goes out under the topic that was subscribed, which is no message's where it is not UTF-8.
///
/// See [JEP 65](https://jupyter.org/enhancement-proposals/65-jupyter-xpub/jupyter-xpub.html).
fn welcome(session: &Session, topic: Bytes) -> Option<Outbound> {
    let text = std::str::from_utf8(&topic).ok()?.to_owned();
    let mut welcome = session.broadcast(IoPubWelcome::new(text), None);
    welcome.message.zmq_identities = vec![topic];
    Some(welcome)
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
    fn bundles_are_counted_whatever_is_in_them() {
        let bundle = serde_json::json!({"text/plain": "x".repeat(1000), "application/json": {"a": vec![1000; 1000]}});
        let message =
            content("display_data", serde_json::json!({"data": bundle, "metadata": {"a/b": "x".repeat(100)}}));
        assert!((7_000..8_000).contains(&size(&message)));
    }

    #[test]
    fn a_welcome_has_no_parent_and_the_topic_as_its_identity() {
        assert!(welcome(&Session::new(), Bytes::from_static(b"\xff")).is_none());
        let message = welcome(&Session::new(), Bytes::from_static(b"kernel.")).unwrap().message;
        assert!(message.parent_header.is_none());
        assert_eq!(message.zmq_identities, ["kernel."]);
        assert_eq!(serde_json::to_string(&message.content).unwrap(), r#"{"subscription":"kernel."}"#);
    }
}
