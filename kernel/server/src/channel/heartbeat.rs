//! The heartbeat channel: whatever comes goes back as it came, by a task that nothing else in the kernel can hold up.
//!
//! See [heartbeat](https://jupyter-client.readthedocs.io/en/stable/messaging.html#heartbeat-for-kernels).

use jupyter_zmq_client::KernelHeartbeatConnection;
use zeromq::{SocketRecv, SocketSend, ZmqError};

/// Starts the task.
pub(crate) fn start(mut connection: KernelHeartbeatConnection) {
    tokio::spawn(async move {
        loop {
            match connection.socket.recv().await {
                Ok(beat) => {
                    if let Err(error) = connection.socket.send(beat).await {
                        tracing::debug!("a heartbeat could not be answered: {error}");
                    }
                }
                Err(ZmqError::NoMessage) => return,
                Err(error) => tracing::debug!("a heartbeat could not be read: {error}"),
            }
        }
    });
}
