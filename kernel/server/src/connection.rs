//! The connection file, and the five sockets that it asks for. What is said over them is not known here.
//!
//! # Two runtimes
//!
//! The socket crate keeps its peers in maps with locks. Whoever accepts a peer waits for such a lock as a task does;
//! whoever reads from a socket removes peers that left, and blocks its thread until it has the lock. The lock goes to
//! who waited first: if that is a task, and the thread that just freed the lock is a worker of the same runtime, the
//! task is put into the one slot of that worker that no other worker takes from. When the worker then blocks for the
//! lock again, both wait for ever, and with them the channel. So peers are accepted on one runtime ([`bind`]), and
//! sockets are read on another: a task that is woken from outside its runtime is taken by any free worker.
//!
//! See [connection files](https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files).

use std::{
    fs, io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use jupyter_protocol::{ConnectionInfo, connection_info::Transport};
use jupyter_zmq_client::{
    KernelControlConnection, KernelShellConnection, KernelStdinConnection, RuntimeError,
    create_kernel_control_connection, create_kernel_shell_connection, create_kernel_stdin_connection,
};

use tokio::runtime::Handle;
use zeromq::{RouterSocket, Socket as _};

use crate::{channel::subscriber::Door, session::Session};

/// An error of the connection: why the kernel cannot listen where the frontend wants it to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("failed to read the connection file `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the connection file `{}` is not what Jupyter writes", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("the connection file `{}` asks for the signature scheme `{scheme}`; Kissaten knows `hmac-sha256`", path.display())]
    SignatureScheme { path: PathBuf, scheme: String },
    #[error("the connection file `{}` gives no port for the {channel} channel", path.display())]
    NoPort { path: PathBuf, channel: &'static str },
    #[error("failed to listen on `{url}` for the {channel} channel")]
    Bind { channel: &'static str, url: String, source: Box<RuntimeError> },
    #[error("the task that makes the sockets ended early")]
    Ended(#[from] tokio::task::JoinError),
}

/// The kernel's sockets, bound.
pub(crate) struct Sockets {
    pub(crate) shell: KernelShellConnection,
    pub(crate) control: KernelControlConnection,
    pub(crate) stdin: KernelStdinConnection,
    pub(crate) iopub: Door,
    pub(crate) heartbeat: RouterSocket,
}

/// Reads a connection file and checks what can be checked before a socket is bound.
pub(crate) fn read(path: &Path) -> Result<ConnectionInfo, ConnectionError> {
    let owned = || path.to_owned();
    let text = fs::read(path).map_err(|source| ConnectionError::Unreadable { path: owned(), source })?;
    let mut info: ConnectionInfo =
        serde_json::from_slice(&text).map_err(|source| ConnectionError::Malformed { path: owned(), source })?;
    if !info.key.is_empty() && info.signature_scheme != "hmac-sha256" {
        return Err(ConnectionError::SignatureScheme { path: owned(), scheme: info.signature_scheme });
    }
    let ports = [
        ("shell", info.shell_port),
        ("control", info.control_port),
        ("stdin", info.stdin_port),
        ("iopub", info.iopub_port),
        ("heartbeat", info.hb_port),
    ];
    if let Some((channel, _)) = ports.iter().find(|(_, port)| *port == 0) {
        return Err(ConnectionError::NoPort { path: owned(), channel });
    }
    if info.transport == Transport::TCP {
        // ZeroMQ's wildcard, and the brackets without which an IPv6 address has no visible end.
        if info.ip == "*" {
            info.ip = "0.0.0.0".to_owned();
        } else if info.ip.contains(':') && !info.ip.starts_with('[') {
            info.ip = format!("[{}]", info.ip);
        }
    }
    Ok(info)
}

/// Binds all sockets, whose peers are accepted on a runtime of their own.
pub(crate) async fn bind(
    info: &ConnectionInfo,
    session: &Session,
    accepting: &Handle,
) -> Result<Sockets, ConnectionError> {
    let (info, session) = (info.clone(), session.clone());
    accepting.spawn(async move { bind_here(&info, &session).await }).await?
}

async fn bind_here(info: &ConnectionInfo, session: &Session) -> Result<Sockets, ConnectionError> {
    // A kernel that was killed leaves its socket files, and a restarted one gets the same names.
    remove_socket_files(info);
    let failed =
        |channel, url| move |source: RuntimeError| ConnectionError::Bind { channel, url, source: Box::new(source) };
    let id = session.id();
    let mut heartbeat = RouterSocket::new();
    let bound = heartbeat.bind(&info.hb_url()).await;
    bound.map_err(RuntimeError::from).map_err(failed("heartbeat", info.hb_url()))?;
    let iopub = Door::open(&info.iopub_url()).await;
    Ok(Sockets {
        shell: create_kernel_shell_connection(info, id).await.map_err(failed("shell", info.shell_url()))?,
        control: create_kernel_control_connection(info, id).await.map_err(failed("control", info.control_url()))?,
        stdin: create_kernel_stdin_connection(info, id).await.map_err(failed("stdin", info.stdin_url()))?,
        iopub: iopub.map_err(RuntimeError::from).map_err(failed("iopub", info.iopub_url()))?,
        heartbeat,
    })
}

/// Removes the files of `ipc` sockets; what is not a socket stays.
pub(crate) fn remove_socket_files(info: &ConnectionInfo) {
    if info.transport != Transport::IPC {
        return;
    }
    for port in [info.shell_port, info.control_port, info.stdin_port, info.iopub_port, info.hb_port] {
        let path = format!("{}-{port}", info.ip);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"ip": "127.0.0.1", "transport": "tcp", "shell_port": 1, "iopub_port": 2, "stdin_port": 3,
        "control_port": 4, "hb_port": 5, "key": "k", "signature_scheme": "hmac-sha256", "kernel_name": "kissaten"}"#;

    fn check(text: &str) -> Result<ConnectionInfo, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let shown = file.path().display().to_string();
        read(file.path()).map_err(|error| format!("{:#}", anyhow::Error::from(error)).replace(&shown, "FILE"))
    }

    #[test]
    fn a_good_file_is_read() {
        assert_eq!(check(GOOD).unwrap().shell_url(), "tcp://127.0.0.1:1");
    }

    #[test]
    fn addresses_become_what_the_socket_understands() {
        assert_eq!(check(&GOOD.replace("127.0.0.1", "*")).unwrap().hb_url(), "tcp://0.0.0.0:5");
        assert_eq!(check(&GOOD.replace("127.0.0.1", "::1")).unwrap().hb_url(), "tcp://[::1]:5");
        let ipc = GOOD.replace("tcp", "ipc").replace("127.0.0.1", "/tmp/kernel");
        assert_eq!(check(&ipc).unwrap().iopub_url(), "ipc:///tmp/kernel-2");
    }

    #[test]
    fn each_fault_is_named() {
        let missing = read(Path::new("/nonexistent/file.json")).err().unwrap();
        assert_eq!(missing.to_string(), "failed to read the connection file `/nonexistent/file.json`");
        assert!(check("{").unwrap_err().starts_with("the connection file `FILE` is not what Jupyter writes: EOF"));
        let no_key = GOOD.replace("\"key\"", "\"lock\"");
        assert!(check(&no_key).unwrap_err().contains("missing field `key`"));
        assert!(check(&GOOD.replace("tcp", "pigeon")).unwrap_err().contains("unknown variant `pigeon`"));
        assert!(check(&GOOD.replace("sha256", "md5")).unwrap_err().contains("the signature scheme `hmac-md5`"));
        let portless = GOOD.replace("\"iopub_port\": 2", "\"iopub_port\": 0");
        assert_eq!(check(&portless).unwrap_err(), "the connection file `FILE` gives no port for the iopub channel");
    }
}
