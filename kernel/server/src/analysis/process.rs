//! One analyzer process: how it is started, asked and ended. When there is one is not known here.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
    process::Stdio,
};

use build::{ProcessGroup, umask};
use compiler::{AnalyzerPlace, Question};
use futures::{SinkExt, StreamExt};
use ipc::analyzer::{Answer, Ask, Begin, Tell, Wish};
use tokio::{net::UnixStream, process::Command};
use tokio_util::{
    bytes::Bytes,
    codec::{Framed, LengthDelimitedCodec},
};

/// Names the program, where it is not beside the kernel's.
const PROGRAM_VARIABLE: &str = "KISSATEN_ANALYZER";
const PROGRAM: &str = "kissaten-analyzer";
/// How likely it is to be ended first when the memory runs out, out of 1000: before the worker, as it has nothing to lose.
const OOM_SCORE: &str = "800";

/// A running analyzer process. Dropping it kills it with all that it started.
pub(super) struct AnalyzerProcess {
    group: ProcessGroup,
    folder: PathBuf,
    socket: Framed<UnixStream, LengthDelimitedCodec>,
    asked: u64,
}

/// An error of the analyzer's process: why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    #[error("the analyzer could not be started")]
    Start(#[source] io::Error),
    #[error("the analyzer cannot work: {0}")]
    Unfit(String),
    #[error("the analyzer has ended")]
    Ended,
    #[error("the analyzer says what nobody understands")]
    Garbled(#[from] ipc::CodecError),
}

/// Where the program is: said by the user, beside the kernel, where `install.sh` puts it, or where cargo does.
pub(crate) fn find() -> Option<PathBuf> {
    let given = std::env::var_os(PROGRAM_VARIABLE).map(PathBuf::from);
    let executable = std::env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    let folder = executable.parent().map(Path::to_path_buf).unwrap_or_default();
    let usual = ["", "../libexec/kissaten", "../analyzer"].map(|place| folder.join(place).join(PROGRAM));
    match given {
        Some(given) => Some(given).filter(|path| path.is_file()),
        None => usual.into_iter().find(|path| path.is_file()),
    }
}

/// A view of the source of std that shows what everybody names, without that which std is made of: it takes 160 MB less to
/// know. What is lost is `std::arch` and `std::simd`.
fn public_std(source: &Path, folder: &Path) -> io::Result<PathBuf> {
    let view = folder.join("library");
    std::fs::create_dir(&view)?;
    for library in ["core", "alloc", "std", "proc_macro"] {
        std::os::unix::fs::symlink(source.join(library), view.join(library))?;
    }
    Ok(view)
}

impl AnalyzerProcess {
    /// Starts the program, and returns when it can be asked, with what it has to go without. All of its files go into
    /// `folder`, which must be new.
    ///
    /// # Cancel safety
    /// The process ends when the future is dropped.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        place: &AnalyzerPlace,
        online: bool,
    ) -> Result<(Self, Option<String>), ProcessError> {
        let mut process = Self::spawn(program, folder, place).map_err(ProcessError::Start)?;
        let begin = Begin {
            dependencies: place.dependencies.clone(),
            lock: place.lock.clone(),
            folder: folder.join("context"),
            online,
        };
        process.send(&begin).await?;
        match process.next().await? {
            Tell::Ready { limits } => Ok((process, limits)),
            Tell::Failed { reason } => Err(ProcessError::Unfit(reason)),
            Tell::Answer { .. } => Err(ProcessError::Unfit("it answered before it was asked".to_owned())),
        }
    }

    fn spawn(program: &Path, folder: &Path, place: &AnalyzerPlace) -> io::Result<Self> {
        for inside in ["context", "configuration", "temporary"] {
            std::fs::create_dir_all(folder.join(inside))?;
        }
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        // The compiler of the cells, whatever the user's default is.
        let tools = place.rustc.parent().map(Path::to_path_buf).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(tools.clone()).chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .current_dir(folder)
            .env("PATH", std::env::join_paths(path).unwrap_or_default())
            .env("EVCXR_TMPDIR", folder.join("context"))
            // rust-analyzer leaves some behind where it is ended while it starts.
            .env("TMPDIR", folder.join("temporary"))
            // The user's own of evcxr is for cells.
            .env("EVCXR_CONFIG_DIR", folder.join("configuration"))
            .env_remove("EVCXR_IS_RUNTIME")
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER");
        // Its cargo fills a folder that may be shared; its own is in one that nobody else can look into.
        umask::give_users(&mut command);
        if let Some(toolchain) = tools.parent().filter(|toolchain| toolchain.join("bin/cargo").is_file()) {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        if let Some(source) = &place.std_source {
            command.env("RUST_SRC_PATH", public_std(source, folder)?);
        }
        // Its words are for those who look for a defect in it.
        if !tracing::enabled!(tracing::Level::DEBUG) {
            command.stderr(Stdio::null());
        }
        let group = ProcessGroup::spawn(&mut command)?;
        drop(command);
        // Refused in some containers; it is then as likely to be ended as anything else.
        let _ = std::fs::write(format!("/proc/{}/oom_score_adj", group.id().number()), OOM_SCORE);
        let codec = LengthDelimitedCodec::builder().max_frame_length(ipc::MAX_FRAME).new_codec();
        let socket = Framed::new(UnixStream::from_std(ours)?, codec);
        Ok(Self { group, folder: folder.to_owned(), socket, asked: 0 })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Cancel safety
    /// When the future is dropped, an answer may be on its way that nobody wants: the process is to be dropped too.
    pub(super) async fn ask(&mut self, what: Wish, question: Question) -> Result<Answer, ProcessError> {
        self.asked += 1;
        let Question { text, cursor, .. } = question;
        self.send(&Ask { id: self.asked, what, text, cursor }).await?;
        loop {
            match self.next().await? {
                Tell::Answer { id, answer } if id == self.asked => return Ok(answer),
                Tell::Answer { .. } => {}
                Tell::Failed { reason } => return Err(ProcessError::Unfit(reason)),
                Tell::Ready { .. } => return Err(ProcessError::Unfit("it began anew".to_owned())),
            }
        }
    }

    /// Waits for its end, which nobody asked for.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(super) async fn ended(&mut self) {
        let _ = self.group.wait().await;
    }

    /// Ends it, with all that it started, waits until it has, and removes its files.
    pub(super) async fn end(mut self) {
        self.group.end().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    async fn send<T: serde::Serialize>(&mut self, message: &T) -> Result<(), ProcessError> {
        let body = ipc::encode(message)?;
        self.socket.send(Bytes::from(body)).await.map_err(|_| ProcessError::Ended)
    }

    async fn next(&mut self) -> Result<Tell, ProcessError> {
        match self.socket.next().await {
            Some(Ok(body)) => Ok(ipc::decode(&body)?),
            Some(Err(_)) | None => Err(ProcessError::Ended),
        }
    }
}
