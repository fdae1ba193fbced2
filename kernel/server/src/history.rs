//! What was run, in this session and in earlier ones, for the up-arrow of consoles and for their search.
//!
//! All of it is kept by a thread of its own that begins with the first cell or question: no cell waits for the disk,
//! and none errs because of it. How the database looks is [`database`]'s. Which requests ask, and in what words, is not
//! known here.

mod database;
mod entry;

use std::{
    env,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use self::database::Database;
pub(crate) use self::entry::{Entry, Query};

/// `off`, or the file to use instead of the one in the user's data folder.
const VARIABLE: &str = "KISSATEN_HISTORY";
/// How large the database may become: a number of bytes, or with `M` or `G` of larger ones.
const LIMIT_VARIABLE: &str = "KISSATEN_HISTORY_LIMIT";
const DEFAULT_LIMIT: u64 = 64 << 20;
/// How long the end of a kernel waits for the disk.
const FAREWELL: Duration = Duration::from_secs(3);
/// How many cells and questions may wait for a disk that is slow. Later ones are not kept, which is said once.
const WAITING: usize = 4096;
/// A longer cell is not kept.
const LONGEST_SOURCE: usize = 1 << 20;
/// Of a longer result the beginning is kept.
const LONGEST_RESULT: usize = 64 << 10;

/// A handle to the history's thread. Clones share it.
#[derive(Clone)]
pub(crate) struct History(Option<Arc<Shared>>);

struct Shared {
    file: PathBuf,
    limit: u64,
    /// Once the thread was needed; `None` if it could not be had.
    thread: OnceLock<Option<SyncSender<Job>>>,
    /// Whether it was said that something was not kept.
    told: OnceLock<()>,
}

enum Job {
    Source { line: usize, source: String },
    Result { line: usize, text: String },
    Query { query: Query, then: Box<dyn FnOnce(Vec<Entry>) + Send> },
    End(oneshot::Sender<()>),
}

/// The file that the history is kept in, as the environment has it: in the user's data folder if it says nothing.
pub(crate) fn file() -> Option<PathBuf> {
    match env::var_os(VARIABLE) {
        Some(off) if off == "off" => None,
        Some(file) if !file.is_empty() => Some(PathBuf::from(file)),
        _ => dirs::data_dir().map(|folder| folder.join("kissaten").join("history.sqlite")),
    }
}

/// That file and those that SQLite has beside it, where they are there.
pub(crate) fn files() -> Vec<PathBuf> {
    let Some(file) = file() else { return Vec::new() };
    let beside = ["", "-wal", "-shm", "-journal"].map(|ending| {
        let mut name = file.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    });
    beside.into_iter().filter(|file| file.is_file()).collect()
}

impl History {
    /// As the environment has it: in the user's data folder if it says nothing.
    pub(crate) fn from_environment() -> Self {
        let limit = env::var(LIMIT_VARIABLE).ok().and_then(|limit| build::parse_size(&limit));
        file().map_or_else(Self::off, |file| Self::in_file(file, limit.unwrap_or(DEFAULT_LIMIT)))
    }

    /// Keeps nothing, and answers that there is nothing.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    pub(crate) fn in_file(file: PathBuf, limit: u64) -> Self {
        Self(Some(Arc::new(Shared { file, limit, thread: OnceLock::new(), told: OnceLock::new() })))
    }

    /// Keeps the source of a cell that is run now.
    pub(crate) fn ran(&self, line: usize, source: &str) {
        if !source.trim().is_empty() && source.len() <= LONGEST_SOURCE {
            self.send(Job::Source { line, source: source.to_owned() });
        }
    }

    /// Keeps the result of a cell whose source was kept.
    pub(crate) fn resulted(&self, line: usize, text: &str) {
        let beginning = &text[..text.floor_char_boundary(LONGEST_RESULT)];
        let text = if beginning.len() < text.len() { format!("{beginning}…") } else { text.to_owned() };
        self.send(Job::Result { line, text });
    }

    /// Asks; the answer goes to `then`, on another thread.
    pub(crate) fn ask(&self, query: Query, then: impl FnOnce(Vec<Entry>) + Send + 'static) {
        if let Some(Job::Query { then, .. }) = self.send(Job::Query { query, then: Box::new(then) }) {
            then(Vec::new());
        }
    }

    /// Waits until all that came before is kept, but no longer than a disk or a lock may reasonably take: a kernel that is
    /// to end ends.
    ///
    /// # Cancel safety
    /// What was not kept by then is kept while the process lives.
    pub(crate) async fn end(&self) {
        let begun = self.0.as_ref().is_some_and(|shared| shared.thread.get().is_some());
        let (sender, ended) = oneshot::channel();
        if begun && self.send(Job::End(sender)).is_none() && timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!("the history was not written to its end: its file is slow or held by another kernel");
        }
    }

    /// Gives back what cannot be done.
    fn send(&self, job: Job) -> Option<Job> {
        let Some(shared) = &self.0 else { return Some(job) };
        let Some(sender) = shared.thread.get_or_init(|| shared.start()) else { return Some(job) };
        let error = sender.try_send(job).err()?;
        shared.told.get_or_init(|| tracing::warn!("the disk is too slow for the history, which has gaps now"));
        let (std::sync::mpsc::TrySendError::Full(job) | std::sync::mpsc::TrySendError::Disconnected(job)) = error;
        Some(job)
    }
}

impl Shared {
    fn start(&self) -> Option<SyncSender<Job>> {
        let (sender, jobs) = sync_channel(WAITING);
        let (file, limit) = (self.file.clone(), self.limit);
        let thread = thread::Builder::new().name("history".into()).spawn(move || keep(file, limit, &jobs));
        match thread {
            Ok(_) => Some(sender),
            Err(error) => {
                tracing::warn!("no history is kept, as its thread cannot be started: {error}");
                None
            }
        }
    }
}

/// The thread.
fn keep(file: PathBuf, limit: u64, jobs: &Receiver<Job>) {
    let mut database = Database::new(file, limit);
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Source { line, source } => database.insert(line, &source),
            Job::Result { line, text } => database.set_result(line, &text),
            Job::Query { query, then } => then(database.query(&query)),
            Job::End(ended) => {
                // The last to close it puts its log into the file.
                drop(database);
                let _ = ended.send(());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
