//! The heartbeat channel: whatever comes goes back as it came, by a task that nothing else in the kernel can hold up.
//!
//! A ROUTER, and not the REP that the protocol draws, which clients cannot tell apart: the socket crate's REP keeps
//! a client that broke off within a frame, reads it over and over, and takes the rest of the frame for others.
//!
//! See [heartbeat](https://jupyter-client.readthedocs.io/en/stable/messaging.html#heartbeat-for-kernels).

use std::time::Duration;

use tokio::time::timeout;
use zeromq::{RouterSocket, SocketRecv, SocketSend};

/// How long a client whose queue is full may take nothing before its beat is dropped: the others wait behind it.
const PATIENCE: Duration = Duration::from_millis(100);

/// Starts the task.
pub(crate) fn start(mut socket: RouterSocket) {
    tokio::spawn(async move {
        loop {
            let beat = match socket.recv().await {
                Ok(beat) => beat,
                Err(error) => return tracing::error!("no heartbeat can be read any more: {error}"),
            };
            match timeout(PATIENCE, socket.send(beat)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("a heartbeat could not be answered: {error}"),
                Err(_) => tracing::debug!("a client does not read the answers to its heartbeats"),
            }
        }
    });
}
