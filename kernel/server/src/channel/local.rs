//! A client in the kernel's own process: what it is sent needs no socket and no signature.
//!
//! It takes the same messages as any client, so what runs a notebook in a terminal tests what runs it in Jupyter.

use tokio::sync::mpsc;

use super::{Outgoing, iopub::Publisher, router::Replies};
use crate::{message::Outbound, session::Session};

/// How many published messages may wait for the client. While they do, user code waits in its `print!`.
const WAITING: usize = 64;

/// The client's end of the channels.
pub(crate) struct Inbox {
    published: mpsc::Receiver<Outbound>,
    replies: mpsc::UnboundedReceiver<Outbound>,
    questions: mpsc::UnboundedReceiver<Outbound>,
}

/// The kernel's end, and the client's.
pub(crate) fn connect() -> (Outgoing, Inbox) {
    let (client, published) = mpsc::channel(WAITING);
    let (shell, replies) = Replies::new();
    let (stdin, questions) = Replies::new();
    let outgoing = Outgoing {
        session: Session::new(),
        iopub: Publisher::start_local(client),
        control: shell.clone(),
        shell,
        stdin,
    };
    (outgoing, Inbox { published, replies, questions })
}

impl Inbox {
    /// The next message; `None` when the kernel has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(crate) async fn next(&mut self) -> Option<Outbound> {
        tokio::select! {
            // What was published before a reply or a question is there before it.
            biased;
            Some(message) = self.published.recv() => Some(message),
            Some(message) = self.questions.recv() => Some(message),
            Some(message) = self.replies.recv() => Some(message),
            else => None,
        }
    }
}
