//! Comms: messages between code of cells and the frontend, either way, as widgets and extensions of a frontend use them.
//!
//! See [custom messages](https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages). What the data
//! means is between the two ends; how the messages travel is not known here.

mod message;
mod registry;

use std::fmt;
use std::sync::Arc;

use futures::Stream;
use serde::Serialize;
use tokio::sync::mpsc;

pub use self::message::Message;
use self::registry::{Incoming, Shared};
pub(crate) use self::registry::{new_id, receive};
use crate::here;
use crate::runtime;

/// One message on its way, in either direction.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    pub id: String,
    pub kind: PacketKind,
    pub message: Message,
}

/// Which message it is.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketKind {
    Open { target: String },
    Message,
    Close,
}

/// What can go wrong with a comm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// One of the two ends has closed it.
    Closed,
    /// A value is not what JSON can say, or what was received is not what was asked for.
    Data(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the comm is closed"),
            Self::Data(what) => write!(f, "the data of the comm: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// A name under which a frontend can open comms.
///
/// It is there until it is dropped, or until the name is registered anew: so a cell that registers one can be run again.
///
/// ```
/// use kissaten::comm::Target;
///
/// # async fn cell() {
/// let mut target = Target::register("echo");
/// tokio::spawn(async move {
///     while let Some(mut comm) = target.accept().await {
///         tokio::spawn(async move {
///             while let Some(message) = comm.recv().await {
///                 let _ = comm.send_message(message);
///             }
///         });
///     }
/// });
/// # }
/// ```
#[derive(Debug)]
pub struct Target {
    name: String,
    serial: u64,
    opened: mpsc::Receiver<Comm>,
}

impl Target {
    /// Takes comms for this target from now on.
    pub fn register(name: impl Into<String>) -> Self {
        let name = name.into();
        let (serial, opened) = registry::register(&name);
        Self { name, serial, opened }
    }

    /// The name that a frontend opens comms for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next comm that a frontend opens; `None` when the name was registered anew.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub async fn accept(&mut self) -> Option<Comm> {
        self.opened.recv().await
    }
}

impl Stream for Target {
    type Item = Comm;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Comm>> {
        self.opened.poll_recv(context)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        registry::unregister(&self.name, self.serial);
    }
}

/// One comm: the kernel's end of it. Dropping it closes it.
///
/// ```
/// use kissaten::comm::Comm;
///
/// # async fn cell() -> Result<(), kissaten::comm::Error> {
/// let mut comm = Comm::open("slider", &[("value", 3)])?;
/// while let Some(message) = comm.recv().await {
///     let (value,): (f64,) = message.data()?;
///     comm.send(&value)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Comm {
    shared: Arc<Shared>,
    opening: Message,
    incoming: Incoming,
}

impl Comm {
    /// Opens a comm for a target that the frontend knows, and sends it `data`. A frontend that does not know the target
    /// closes the comm, and then [`recv`](Self::recv) has nothing more.
    ///
    /// # Errors
    /// [`Error::Data`] where the value cannot be JSON.
    pub fn open(target: impl Into<String>, data: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        Ok(Self::open_with(target, Message::new(data)?))
    }

    /// Opens a comm with a whole message: metadata and buffers too.
    pub fn open_with(target: impl Into<String>, message: Message) -> Self {
        let target = target.into();
        let (shared, incoming) = registry::open(registry::new_id(), target.clone());
        send(&shared.id, PacketKind::Open { target }, message.clone());
        Self { shared, opening: message, incoming }
    }

    /// What a frontend opened.
    fn opened(shared: Arc<Shared>, opening: Message, incoming: Incoming) -> Self {
        Self { shared, opening, incoming }
    }

    /// The messaging spec's `comm_id`.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The target that it was opened for.
    pub fn target(&self) -> &str {
        &self.shared.target
    }

    /// The message that it was opened with.
    pub fn opening(&self) -> &Message {
        &self.opening
    }

    /// Whether neither end has closed it.
    pub fn is_open(&self) -> bool {
        registry::is_open(&self.shared)
    }

    /// Sends a value, as JSON. Frontends expect an object: a struct or a map.
    ///
    /// # Errors
    /// [`Error::Closed`], or [`Error::Data`] where the value cannot be JSON.
    pub fn send(&self, data: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.sender().send(data)
    }

    /// Sends a whole message: metadata and buffers too.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn send_message(&self, message: Message) -> Result<(), Error> {
        self.sender().send_message(message)
    }

    /// A second way to send, for other tasks. It does not keep the comm open.
    pub fn sender(&self) -> Sender {
        Sender(Arc::clone(&self.shared))
    }

    /// The next message of the frontend; `None` when the comm is closed and all that came before was received.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub async fn recv(&mut self) -> Option<Message> {
        self.incoming.next().await
    }

    /// What the frontend closed it with.
    pub fn closing(&self) -> Option<Message> {
        registry::closing(&self.shared)
    }

    /// Closes it. What was received before can still be read. Dropping it does the same.
    pub fn close(&self) {
        self.close_with(Message::empty());
    }

    /// Closes it with last words.
    pub fn close_with(&self, message: Message) {
        if registry::close(&self.shared) {
            send(&self.shared.id, PacketKind::Close, message);
        }
    }
}

impl Drop for Comm {
    fn drop(&mut self) {
        self.close();
    }
}

/// A way to send through a [`Comm`].
#[derive(Clone, Debug)]
pub struct Sender(Arc<Shared>);

impl Sender {
    /// As [`Comm::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(&self, data: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.send_message(Message::new(data)?)
    }

    /// As [`Comm::send_message`].
    ///
    /// # Errors
    /// As there.
    pub fn send_message(&self, message: Message) -> Result<(), Error> {
        if !registry::is_open(&self.0) {
            return Err(Error::Closed);
        }
        send(&self.0.id, PacketKind::Message, message);
        Ok(())
    }
}

/// Tells the frontend something, under the cell that the running code belongs to.
pub(crate) fn send(id: &str, kind: PacketKind, message: Message) {
    send_under(here::run_or_current(), id, kind, message);
}

/// The same under the cell of this run.
pub(crate) fn send_under(cell: u64, id: &str, kind: PacketKind, message: Message) {
    let packet = Packet { id: id.to_owned(), kind, message };
    runtime::send(runtime::Notice::Comm { cell, packet });
}

#[cfg(test)]
mod tests;
