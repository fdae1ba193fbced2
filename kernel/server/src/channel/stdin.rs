//! The stdin channel. Cells cannot ask for input yet, so nothing that comes here was asked for: it is read, so that it
//! does not pile up, and dropped.

use jupyter_zmq_client::KernelStdinConnection;
use zeromq::SocketRecv;

/// Starts the task.
pub(crate) fn start(mut connection: KernelStdinConnection) {
    tokio::spawn(async move {
        while connection.socket.recv().await.is_ok() {
            tracing::info!("dropped an input that no cell asked for");
        }
    });
}
