//! The answers of rustc that are remembered: what it said of a crate and the library that it made, found again by a key for
//! all that it was given. What the crate is, and what goes into the key, is not known here.
//!
//! They lie in the cache beside the session library that they fit, one file each. Those of the installation are looked at
//! first and never written to; nothing is taken from where another ordinary user can write, as what is in it is loaded. A
//! file is written beside and renamed, and has a checksum, so what is there is whole or thrown away.

mod entry;
mod inputs;
mod size;
mod writing;

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::cache::{cache_folders, make_cache};
use crate::dependency::use_of;
use crate::private::is_private;
use crate::session_library::SessionLibrary;

pub use inputs::Inputs;
use size::size_of_answers;
pub(crate) use size::{ANSWERS, answers_by_last_use, remove_torn};
use writing::Writing;

/// What all that rustc was given comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerKey([u8; 16]);

impl std::fmt::Display for AnswerKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A key in the making: what goes in, in order.
pub struct KeyMaker(ring::digest::Context);

impl Default for KeyMaker {
    fn default() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }
}

impl KeyMaker {
    /// One thing more; where it ends is a part of it.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// The key.
    pub fn finish(self) -> AnswerKey {
        let mut key = [0; 16];
        key.copy_from_slice(&self.0.finish().as_ref()[..16]);
        AnswerKey(key)
    }
}

/// The answer of rustc to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub success: bool,
    /// Its diagnostics as it wrote them.
    pub said: Vec<u8>,
    /// What it made, where it made something.
    pub library: Option<Vec<u8>>,
    /// What it read besides what it was given.
    pub inputs: Inputs,
}

/// How it is with the remembered answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Whether they are used.
    pub is_on: bool,
    /// Where they are kept, if there is such a place.
    pub folder: Option<PathBuf>,
    pub answers: u64,
    pub bytes: u64,
    /// Calls of rustc that this process did without, and those that it made.
    pub hits: u64,
    pub misses: u64,
    /// Calls on a guess, which are neither.
    pub ahead: u64,
}

/// The remembered answers for one session library.
#[derive(Debug)]
pub struct Answers {
    /// Where they may be, those of the installation first.
    folders: Vec<PathBuf>,
    /// Where new ones go; `None` if that cannot be had.
    own: Option<PathBuf>,
    is_on: AtomicBool,
    hits: AtomicU64,
    misses: AtomicU64,
    ahead: AtomicU64,
    /// Bytes that were written since the size was looked at.
    written: AtomicU64,
    /// Answers that were no good: of an installation they cannot be removed.
    refused: Mutex<BTreeSet<PathBuf>>,
    writing: Writing,
    /// As long as it is there, nobody cleans the folder away.
    _used: Option<Arc<File>>,
}

/// After so many bytes the limit is looked at again.
const LOOK_AGAIN: u64 = 32 << 20;
/// Uses that are nearer to each other than that are one.
const A_USE: Duration = Duration::from_secs(600);

impl Answers {
    /// Those that fit a session library, and a place for more.
    pub fn of(session: &SessionLibrary) -> Self {
        let name = session.target.file_name().unwrap_or_default();
        let caches = cache_folders();
        let own = caches.last().map(|cache| (cache.clone(), cache.join(name)));
        let own = own.and_then(|(cache, target)| {
            make_cache(&cache).ok()?;
            let folder = target.join(ANSWERS);
            make_like(&folder, &cache).ok()?;
            is_private(&folder).then_some(folder)
        });
        let mut folders: Vec<PathBuf> = caches.iter().map(|cache| cache.join(name).join(ANSWERS)).collect();
        let beside = session.target.join(ANSWERS);
        if !folders.contains(&beside) {
            folders.insert(0, beside);
        }
        folders.retain(|folder| is_private(folder));
        let _used = own.as_ref().and_then(|folder| use_of(folder.parent()?));
        // Many sessions are short: one in some looks at the size soon.
        let written = AtomicU64::new((u64::from(std::process::id()) << 20) % LOOK_AGAIN);
        let (is_on, [hits, misses, ahead]) = (AtomicBool::new(true), [const { AtomicU64::new(0) }; 3]);
        Self {
            folders,
            own,
            is_on,
            hits,
            misses,
            ahead,
            written,
            refused: Mutex::default(),
            writing: Writing::default(),
            _used,
        }
    }

    /// Takes over what was counted and switched with those of another session library.
    pub fn after(self, other: &Self) -> Self {
        let counts = [(&self.hits, &other.hits), (&self.misses, &other.misses), (&self.ahead, &other.ahead)];
        for (to, from) in counts {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.switch(other.is_on());
        self
    }

    /// Whether they are used.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Whether they are to be used.
    pub fn switch(&self, on: bool) {
        self.is_on.store(on, Ordering::Relaxed);
    }

    /// The answer under this key, if what rustc read is as it was. `env`: what it would find in its environment. One that is
    /// being written is waited for.
    pub fn recall(&self, key: AnswerKey, env: &dyn Fn(&str) -> Option<String>) -> Option<Answer> {
        if !self.is_on() {
            return None;
        }
        self.writing.wait_for(key);
        self.folders.iter().find_map(|folder| {
            let path = place(folder, key);
            if self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&path) {
                return None;
            }
            let (answer, modified) = read(&path, key)?;
            if !answer.inputs.are_as_they_were(env) {
                return None;
            }
            self.note_use(&path, modified);
            Some(answer)
        })
    }

    /// rustc did not have to be called.
    pub fn found(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// rustc was called, be it `ahead` of time.
    pub fn missed(&self, ahead: bool) {
        let count = if ahead { &self.ahead } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps an answer on a thread for what blocks, for which nobody waits but who asks for the answers.
    pub fn remember_beside(self: &Arc<Self>, key: AnswerKey, answer: Answer, runtime: &tokio::runtime::Handle) {
        let (answers, is_written) = (Arc::clone(self), self.writing.begin(key));
        runtime.spawn_blocking(move || {
            answers.remember(key, &answer);
            drop(is_written);
        });
    }

    /// Keeps an answer, where that can be: a full disk is no harm.
    pub fn remember(&self, key: AnswerKey, answer: &Answer) {
        let Some(own) = self.own.as_ref().filter(|_| self.is_on()) else { return };
        let bytes = entry::write(key, answer);
        match put(own, key, &bytes) {
            Ok(()) => {
                let size = bytes.len() as u64;
                if self.written.fetch_add(size, Ordering::Relaxed) + size >= LOOK_AGAIN {
                    self.written.store(0, Ordering::Relaxed);
                    if let Some(target) = own.parent() {
                        crate::dependency::to_limit(target);
                    }
                }
            }
            Err(error) => tracing::debug!("the answer {key} is not remembered: {error}"),
        }
    }

    /// Throws an answer away: what came of it was no good.
    pub fn forget(&self, key: AnswerKey) {
        for path in self.folders.iter().map(|folder| place(folder, key)) {
            if std::fs::remove_file(&path).is_err() && path.exists() {
                self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
            }
        }
    }

    /// How it is with them.
    pub fn statistics(&self) -> Statistics {
        self.writing.wait();
        let (answers, bytes) = self.own.as_ref().map(|own| size_of_answers(own)).unwrap_or_default();
        Statistics {
            is_on: self.is_on(),
            folder: self.own.clone(),
            answers,
            bytes,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            ahead: self.ahead.load(Ordering::Relaxed),
        }
    }

    /// Throws all of the user's own away; how many bytes that were.
    pub fn clear(&self) -> u64 {
        let Some(own) = &self.own else { return 0 };
        self.writing.wait();
        let answers = answers_by_last_use(own);
        answers.iter().filter(|(_, path, _)| std::fs::remove_file(path).is_ok()).map(|(.., size)| size).sum()
    }

    fn note_use(&self, path: &Path, last: SystemTime) {
        let is_own = self.own.as_ref().is_some_and(|own| path.starts_with(own));
        if is_own && last.elapsed().is_ok_and(|since| since > A_USE) {
            let now = |file: File| file.set_modified(SystemTime::now());
            let _ = File::options().write(true).open(path).and_then(now);
        }
    }
}

/// The file of an answer.
fn place(folder: &Path, key: AnswerKey) -> PathBuf {
    let name = key.to_string();
    folder.join(&name[..2]).join(name)
}

/// What is there, if it is whole and nobody else's. What is not whole is thrown away.
fn read(path: &Path, key: AnswerKey) -> Option<(Answer, SystemTime)> {
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    // SAFETY: a system call without arguments, which cannot fail.
    let user = unsafe { libc::geteuid() };
    let is_ours = metadata.is_file() && (metadata.uid() == user || metadata.uid() == 0) && metadata.mode() & 0o022 == 0;
    let read = is_ours.then(|| {
        let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
        io::Read::read_to_end(&mut &file, &mut bytes).ok()?;
        entry::read(key, &bytes)
    });
    match read.flatten() {
        Some(answer) => Some((answer, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH))),
        None => {
            tracing::debug!("the answer {} is damaged, and thrown away", path.display());
            let _ = std::fs::remove_file(path);
            None
        }
    }
}

/// Written beside and renamed, so that a reader sees all of it or nothing.
fn put(folder: &Path, key: AnswerKey, bytes: &[u8]) -> io::Result<()> {
    let path = place(folder, key);
    let shard = path.parent().unwrap_or(folder);
    make_like(shard, folder)?;
    let mut file = tempfile::Builder::new().prefix(size::TORN).tempfile_in(shard)?;
    if is_for_all(folder) {
        // The umask of a kernel is for what is nobody else's.
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    }
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn is_for_all(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o005 == 0o005)
}

/// A folder that others can look into where they can look into another: an installation is for all.
fn make_like(folder: &Path, other: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if is_for_all(other) { std::fs::set_permissions(folder, Permissions::from_mode(0o755)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
