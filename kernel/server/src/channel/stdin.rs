//! The stdin channel: questions to the user go out, answers come in. Here the kernel asks and the frontend replies.
//!
//! A question goes to the client whose request asks, by the same identities: clients use one for all their channels.
//! See [messages on the stdin channel](https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-stdin-router-dealer-channel).

use std::time::Duration;

use jupyter_zmq_client::{KernelStdinConnection, RouterSendConnection};
use tokio::{runtime::Handle, sync::mpsc};
use zeromq::SocketSend;

use super::{
    replay::Taken,
    router::{self, Received, Replies},
};
use crate::{
    events::Events,
    message::{Channel, Outbound},
};

/// How often a question is sent to a client that is not there: it may have connected its other channels first.
const TRIES: usize = 40;
/// How long it is waited between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Starts the tasks that read and write, the latter on the clients' runtime.
pub(crate) fn start(
    connection: KernelStdinConnection,
    taken: Taken,
    events: Events<Received>,
    clients: &Handle,
) -> Replies {
    let (writing, reading) = connection.split();
    let (questions, receiver) = Replies::new();
    clients.spawn(write(writing, receiver, events.clone()));
    tokio::spawn(router::read(reading, Channel::Stdin, taken, events));
    questions
}

async fn write(
    mut connection: RouterSendConnection,
    mut questions: mpsc::UnboundedReceiver<Outbound>,
    events: Events<Received>,
) {
    while let Some(question) = questions.recv().await {
        let message = question.message.header.msg_id.clone();
        if !send(&mut connection, question).await && !events.send(Received::Undelivered { message }).await {
            return;
        }
    }
}

async fn send(connection: &mut RouterSendConnection, question: Outbound) -> bool {
    let frames = match question.into_frames(connection.mac.as_ref()) {
        Ok(frames) => frames,
        Err(error) => {
            tracing::error!("a question could not be written: {error}");
            return false;
        }
    };
    for _ in 0..TRIES {
        match connection.socket.send(frames.clone()).await {
            Ok(()) => return true,
            Err(error) => tracing::debug!("a question could not be delivered yet: {error}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!("a question could not be delivered: its client does not listen on the stdin channel");
    false
}
