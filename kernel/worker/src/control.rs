//! The control socket: requests in, events out.
//!
//! Reading has a thread of its own, so that an interrupt is seen whatever the cell does, and so that the process
//! ends with its server even while a cell loops.

use std::env;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ipc::{Event, Request};
use kissaten::runtime;

/// The server's private directory: the worker removes it when the server was killed and cannot.
const SESSION_DIRECTORY: &str = "KISSATEN_SESSION_DIRECTORY";

/// The process that started this one.
static SERVER: OnceLock<u32> = OnceLock::new();

/// The two ends of the talk with the server.
pub(crate) struct Control {
    pub(crate) requests: Requests,
    pub(crate) events: Events,
}

/// The reading end.
pub(crate) struct Requests(UnixStream);

/// The writing end; a message goes out whole, from whichever thread.
#[derive(Clone)]
pub(crate) struct Events(Arc<Mutex<UnixStream>>);

/// Takes over the socket whose number the server left in the environment.
pub(crate) fn connect() -> io::Result<Control> {
    let _ = SERVER.set(std::os::unix::process::parent_id());
    let number = env::var(ipc::CONTROL_SOCKET).ok().and_then(|number| number.parse::<RawFd>().ok());
    let number = number.filter(|number| *number > 2).ok_or_else(|| {
        io::Error::other(format!("this program is started by the kernel, which sets {}", ipc::CONTROL_SOCKET))
    })?;
    // What user code starts must inherit neither the socket nor its number.
    // SAFETY: no other thread runs yet.
    unsafe { env::remove_var(ipc::CONTROL_SOCKET) };
    // SAFETY: `fcntl` on any number is sound, and an error is looked at.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number is an open descriptor, as `fcntl` just said, and was given to this process to own.
    let socket = UnixStream::from(unsafe { OwnedFd::from_raw_fd(number) });
    let events = Events(Arc::new(Mutex::new(socket.try_clone()?)));
    Ok(Control { requests: Requests(socket), events })
}

impl Requests {
    /// The next request; `None` when the server is gone, or says something that is no request.
    pub(crate) fn next(&mut self) -> Option<Request> {
        ipc::read(&mut self.0).ok().flatten()
    }
}

impl Events {
    /// Sends an event. That the server is gone is noticed by the reading end.
    pub(crate) fn send(&self, event: &Event) {
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = ipc::write(&mut *socket, event) {
            eprintln!("kissaten-worker: {error}");
        }
    }
}

/// Whether the parent is another than at the start.
///
/// A dying process closes its sockets a moment before its children are handed on; a living one may have closed the
/// socket, or user code may have. So it is asked a few times.
#[expect(clippy::disallowed_methods, reason = "the process is ending, and this thread has nothing else to do")]
fn server_is_gone() -> bool {
    let Some(server) = SERVER.get() else { return false };
    for _ in 0..50 {
        if std::os::unix::process::parent_id() != *server {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    false
}

/// Ends the process and all that user code started in its process group.
///
/// Destructors of variables do not run: they are user code, and may never end.
pub(crate) fn end() -> ! {
    if server_is_gone()
        && let Some(directory) = env::var_os(SESSION_DIRECTORY)
    {
        // The server removes it too; whoever comes second finds nothing to do.
        let _ = std::fs::remove_dir_all(directory);
    }
    runtime::end_programs();
    // SAFETY: plain system calls. The group is the worker's own (the server sees to that), and the signal ends
    // this process as well.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::kill(0, libc::SIGKILL);
        }
        libc::_exit(0)
    }
}
