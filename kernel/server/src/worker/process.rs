//! One worker process: how it is started, what is read from it, how it is ended. That there is a next one is not known
//! here.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, PipeReader},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream as StdUnixStream,
    },
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use build::{GroupId, ProcessGroup, umask};
use futures::{SinkExt, StreamExt};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::resource::{Resource, getrlimit, setrlimit},
};
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf, pipe},
    },
    process::Command,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_util::{
    bytes::Bytes,
    codec::{FramedRead, FramedWrite, LengthDelimitedCodec},
};

use super::{limit, programs::ProgramGroups};
use crate::output::Stream;

/// How much is read from a pipe at a time.
const CHUNK: usize = 64 * 1024;
/// How many bytes of messages are read ahead, however many these are: a display may be large.
const AHEAD: u32 = 4 * 1024 * 1024;
/// How much a pipe should hold: what user code prints then seldom waits for the server.
#[cfg(target_os = "linux")]
const PIPE: libc::c_int = 1024 * 1024;
/// How long the rest of a dead worker's messages is waited for: another process may hold its end of the socket open.
const LAST_MESSAGES: Duration = Duration::from_millis(200);
/// How likely the worker is to be ended first when the memory runs out, out of 1000.
const OOM_SCORE: &str = "500";

/// An event of the worker: what comes from it.
#[derive(Debug)]
pub(crate) enum Happening {
    Message(ipc::Event),
    Output(Stream, Vec<u8>),
    /// It has ended, and this is the last that comes from it.
    Exited(ExitStatus),
}

/// A running worker process. Dropping it kills it with all that it started.
pub(super) struct WorkerProcess {
    group: GroupId,
    stdout: Pipe,
    stderr: Pipe,
    requests: mpsc::UnboundedSender<ipc::Request>,
    happenings: mpsc::Receiver<Counted>,
    /// Which pipe is read first when there is something in both.
    turn: Stream,
    /// Its end was told: the number may be another group's by now.
    ended: bool,
}

/// An event with its size: what comes from a worker, and the room that it takes until it is handed on.
type Counted = (Happening, Option<OwnedSemaphorePermit>);

struct Pipe {
    receiver: pipe::Receiver,
    open: bool,
}

impl WorkerProcess {
    /// Starts a worker. Must be called within a tokio runtime.
    pub(super) fn spawn(program: &Path, directory: &Path, environment: &BTreeMap<String, String>) -> io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (stdout, stdout_writer) = io::pipe()?;
        let (stderr, stderr_writer) = io::pipe()?;
        let mut command = Command::new(program);
        command
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(stdout_writer)
            .stderr(stderr_writer)
            .env(ipc::CONTROL_SOCKET, theirs.as_raw_fd().to_string())
            .env("KISSATEN_SESSION_DIRECTORY", directory)
            .env("EVCXR_IS_RUNTIME", "1");
        // User code writes files of the user's.
        umask::give_users(&mut command);
        let memory = limit::memory();
        // SAFETY: between fork and exec only system calls are made that are async-signal-safe, nothing is allocated,
        // and `theirs` is open, as it lives until after the spawn.
        unsafe {
            let socket = theirs.as_raw_fd();
            command.pre_exec(move || {
                let socket = std::os::fd::BorrowedFd::borrow_raw(socket);
                fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty()))?;
                let (files, most_files) = getrlimit(Resource::RLIMIT_NOFILE)?;
                setrlimit(Resource::RLIMIT_NOFILE, files.max(limit::FILES.min(most_files)), most_files)?;
                if let Some(memory) = memory {
                    let (_, hard) = getrlimit(Resource::RLIMIT_DATA)?;
                    let memory = memory.min(hard);
                    setrlimit(Resource::RLIMIT_DATA, memory, hard)?;
                }
                Ok(())
            });
        }
        let child = ProcessGroup::spawn(&mut command)?;
        drop((command, theirs));
        let group = child.id();
        // Refused in some containers; the worker is then as likely to be ended as anything else.
        let _ = fs::write(format!("/proc/{}/oom_score_adj", group.number()), OOM_SCORE);

        let (reading, writing) = UnixStream::from_std(ours)?.into_split();
        let (requests, receiver) = mpsc::unbounded_channel();
        let (sender, happenings) = mpsc::channel(64);
        tokio::spawn(write(writing, receiver));
        tokio::spawn(read(reading, child, sender));
        Ok(Self {
            group,
            stdout: Pipe::new(stdout)?,
            stderr: Pipe::new(stderr)?,
            requests,
            happenings,
            turn: Stream::Stdout,
            ended: false,
        })
    }

    /// Sends a request; to a worker that has ended, nothing.
    pub(super) fn send(&self, request: ipc::Request) {
        let _ = self.requests.send(request);
    }

    /// Kills it and all processes that it started and that did not leave its group.
    pub(super) fn kill(&self) {
        if !self.ended {
            self.group.kill();
        }
    }

    /// What comes next. After [`Happening::Exited`] nothing comes any more.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> Happening {
        loop {
            // The pipes take turns: whoever floods one does not stop up the other.
            let (first, second) = match self.turn {
                Stream::Stdout => ((&mut self.stdout, Stream::Stdout), (&mut self.stderr, Stream::Stderr)),
                Stream::Stderr => ((&mut self.stderr, Stream::Stderr), (&mut self.stdout, Stream::Stdout)),
            };
            let (stream, bytes) = tokio::select! {
                biased;
                Some((happening, _)) = self.happenings.recv() => {
                    self.turn = Stream::Stdout;
                    self.ended |= matches!(happening, Happening::Exited(_));
                    return happening;
                }
                bytes = first.0.read() => (first.1, bytes),
                bytes = second.0.read() => (second.1, bytes),
            };
            self.turn = match stream {
                Stream::Stdout => Stream::Stderr,
                Stream::Stderr => Stream::Stdout,
            };
            if let Some(bytes) = bytes {
                return Happening::Output(stream, bytes);
            }
        }
    }

    /// What is in the pipes now, and no more: user code may go on printing.
    pub(super) fn drain(&self) -> [(Stream, Vec<u8>); 2] {
        [(Stream::Stdout, self.stdout.drain()), (Stream::Stderr, self.stderr.drain())]
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Pipe {
    fn new(reader: PipeReader) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        // SAFETY: the descriptor is open, and the call takes integers only. It is refused where the user's pipes are
        // limited; the pipe is then as long as it was.
        unsafe {
            libc::fcntl(reader.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE);
        }
        Ok(Self { receiver: pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?, open: true })
    }

    /// Some of what was written; `None` when it is worth asking again. Cancel safe.
    async fn read(&mut self) -> Option<Vec<u8>> {
        if !self.open || self.receiver.readable().await.is_err() {
            return std::future::pending().await;
        }
        let mut bytes = vec![0; CHUNK];
        match self.receiver.try_read(&mut bytes) {
            Ok(0) => {
                self.open = false;
                None
            }
            Ok(length) => {
                bytes.truncate(length);
                bytes.shrink_to_fit();
                Some(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => {
                tracing::warn!("a pipe of the worker cannot be read: {error}");
                self.open = false;
                None
            }
        }
    }

    /// Reads past tokio, which may not have heard yet of what is already there.
    fn drain(&self) -> Vec<u8> {
        let mut length: libc::c_int = 0;
        // SAFETY: the descriptor is open, and `FIONREAD` writes one `int`.
        unsafe { libc::ioctl(self.receiver.as_raw_fd(), libc::FIONREAD, &raw mut length) };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let mut filled = 0;
        while filled < bytes.len() {
            match nix::unistd::read(self.receiver.as_fd(), &mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        bytes.truncate(filled);
        bytes
    }
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(ipc::MAX_FRAME).new_codec()
}

/// Writes requests; the end of the channel ends the socket, which tells the worker to end.
async fn write(socket: OwnedWriteHalf, mut requests: mpsc::UnboundedReceiver<ipc::Request>) {
    let mut frames = FramedWrite::new(socket, codec());
    while let Some(request) = requests.recv().await {
        let body = match ipc::encode(&request) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!("a request to the worker cannot be encoded: {error}");
                continue;
            }
        };
        if let Err(error) = frames.send(Bytes::from(body)).await {
            tracing::debug!("the worker does not listen any more: {error}");
            return;
        }
    }
}

/// Reads messages until the worker has ended, then says how it ended.
async fn read(socket: OwnedReadHalf, mut child: ProcessGroup, happenings: mpsc::Sender<Counted>) {
    let mut messages =
        Messages { room: Arc::new(Semaphore::new(AHEAD as usize)), programs: ProgramGroups::default(), happenings };
    let mut frames = FramedRead::new(socket, codec());
    let status = loop {
        tokio::select! {
            biased;
            Some(frame) = frames.next() => match frame {
                Ok(body) => messages.forward(&body).await,
                Err(error) => {
                    // Nothing that follows could be understood.
                    tracing::error!("the worker's messages are broken: {error}");
                    child.kill();
                    break child.wait().await;
                }
            },
            status = child.wait() => break status,
        }
    };
    // What it started must not live on without it, nor hold its socket open.
    child.id().kill();
    while let Ok(Some(Ok(body))) = tokio::time::timeout(LAST_MESSAGES, frames.next()).await {
        messages.forward(&body).await;
    }
    messages.programs.kill();
    match status {
        Ok(status) => drop(messages.happenings.send((Happening::Exited(status), None)).await),
        Err(error) => tracing::error!("the worker cannot be waited for: {error}"),
    }
}

/// The messages of a worker on their way.
struct Messages {
    room: Arc<Semaphore>,
    programs: ProgramGroups,
    happenings: mpsc::Sender<Counted>,
}

impl Messages {
    /// Hands a message on when there is room for it; meanwhile the worker waits in its `send`.
    async fn forward(&mut self, body: &[u8]) {
        let message = match ipc::decode(body) {
            Ok(ipc::Event::ProgramGroup { group, state }) => return self.programs.told(group, state),
            Ok(message) => message,
            Err(error) => return tracing::error!("a message of the worker cannot be understood: {error}"),
        };
        let size = u32::try_from(body.len()).unwrap_or(AHEAD).min(AHEAD);
        let permit = Arc::clone(&self.room).acquire_many_owned(size).await.ok();
        drop(self.happenings.send((Happening::Message(message), permit)).await);
    }
}
