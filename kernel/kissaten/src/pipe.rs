//! The descriptors of stdout and stderr, below everything that writes there.
//!
//! The session library defines libc's `write` and `writev`, which the dynamic linker finds before libc's own. So what a
//! dependency prints in a task (a logger's events, its own `println!`) belongs to the cell of that task, as what the
//! cell's macros print. On threads of which no cell is known nothing is marked. What words mean is told by
//! [`kissaten_marks`]; who prints what is [`output`](crate::output)'s.
//!
//! It may be called by a handler of a signal and by the child of a `fork`, so it allocates nothing, and a thread that is
//! here already goes on without a lock.

use std::cell::Cell;
use std::io::{Cursor, IoSlice};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use kissaten_marks::Word;

use crate::{here, output, system};

const STDOUT: i32 = 1;
const STDERR: i32 = 2;

/// What the descriptors were when the session began. User code may put files of its own there, and fork.
struct Pipes {
    stdout: Option<(u64, u64)>,
    stderr: Option<(u64, u64)>,
}

/// Whether this is the child of a fork. To ask for the process's number would be a system call for each line.
static FORKED: AtomicBool = AtomicBool::new(false);
static PIPES: OnceLock<Pipes> = OnceLock::new();
/// Held while something is written to stdout: what stands between two words is whole.
static WRITING: Mutex<()> = Mutex::new(());
/// The run whose text is not marked. Changed while nobody writes.
static UNMARKED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether what this thread writes now goes out as it is.
    static AS_IT_IS: Cell<bool> = const { Cell::new(false) };
}

/// From here on what is written has an owner.
pub(crate) fn begin_session() {
    let _ = PIPES.set(Pipes { stdout: identity(STDOUT), stderr: identity(STDERR) });
    // SAFETY: the function only stores a flag, and this library is never unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(is_forked)) };
}

/// Called in each child of a `fork`.
extern "C" fn is_forked() {
    FORKED.store(true, Ordering::Relaxed);
}

/// The run whose text is not marked.
pub(crate) fn unmarked() -> u64 {
    UNMARKED.load(Ordering::Relaxed)
}

/// Writes the words for both pipes after which unmarked text is this run's.
pub(crate) fn set_unmarked(run: u64, word: &[u8]) {
    as_it_is(|| {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader who is gone means that the kernel is ending: there is nobody left to tell.
        let _ = write_whole(STDOUT, &mut [IoSlice::new(word)]);
        let _ = write_whole(STDERR, &mut [IoSlice::new(word)]);
        UNMARKED.store(run, Ordering::Relaxed);
    });
}

/// Writes to stdout as it is, all at once: the words are in it.
pub(crate) fn write_words(bytes: &[u8]) {
    as_it_is(|| {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = write_whole(STDOUT, &mut [IoSlice::new(bytes)]);
    });
}

/// Whatever this thread writes meanwhile goes out as it is.
pub(crate) fn as_it_is<R>(write: impl FnOnce() -> R) -> R {
    let before = AS_IT_IS.replace(true);
    let result = write();
    AS_IT_IS.set(before);
    result
}

fn identity(descriptor: i32) -> Option<(u64, u64)> {
    // SAFETY: the descriptor is only looked at, and the file is not dropped.
    let file = ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(descriptor) });
    file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Pipes {
    /// Whether the text of a run can be marked that is written to this descriptor.
    fn are_there(&self, descriptor: i32) -> bool {
        let is_there = |descriptor, then: Option<_>| then.is_some() && identity(descriptor) == then;
        is_there(STDOUT, self.stdout) && (descriptor == STDOUT || is_there(STDERR, self.stderr))
    }
}

/// Writes text with words around it, if it is another run's than what stands there unmarked; how much was written.
/// `None`: it is to be written as it is.
fn write_marked(descriptor: i32, parts: &[IoSlice<'_>]) -> Option<isize> {
    let pipes = PIPES.get()?;
    let run = here::run();
    // In the child of a fork the lock may be held by nobody who is there.
    if AS_IT_IS.get() || FORKED.load(Ordering::Relaxed) {
        return None;
    }
    as_it_is(|| {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = match descriptor {
            // Between the words of others it would be theirs.
            STDOUT if run == 0 || run == unmarked() => return Some(write_some(descriptor, parts)),
            STDOUT => Word::Stdout(run),
            // It goes over stdout, which keeps the order of both.
            _ if run != 0 => Word::Stderr(run),
            _ => return None,
        };
        let (begin, end) = (Said::new(owner)?, Said::new(Word::End)?);
        if !pipes.are_there(descriptor) {
            return None;
        }
        let count: usize = parts.iter().map(|part| part.len()).sum();
        let written = match parts {
            [text] => write_whole(STDOUT, &mut [begin.slice(), IoSlice::new(text), end.slice()]),
            // No handler of a signal does that.
            _ => {
                let mut all = vec![begin.slice()];
                all.extend(parts.iter().map(|part| IoSlice::new(part)));
                all.push(end.slice());
                write_whole(STDOUT, &mut all)
            }
        };
        Some(written.map_or(-1, |()| count.cast_signed()))
    })
}

/// A word as it is written, made without an allocation.
struct Said {
    bytes: [u8; 96],
    length: usize,
}

impl Said {
    fn new(word: Word) -> Option<Self> {
        let mut bytes = Cursor::new([0; 96]);
        output::write_word(&mut bytes, word)?;
        let length = usize::try_from(bytes.position()).ok()?;
        Some(Self { bytes: bytes.into_inner(), length })
    }

    fn slice(&self) -> IoSlice<'_> {
        IoSlice::new(&self.bytes[..self.length])
    }
}

/// The system's own `writev`; it sets `errno`.
fn write_some(descriptor: i32, parts: &[IoSlice<'_>]) -> isize {
    let count = i32::try_from(parts.len()).unwrap_or(i32::MAX);
    // SAFETY: a slice of `IoSlice`s is one of `iovec`s, as std promises, and what they are of is valid.
    unsafe { system::writev(descriptor, parts.as_ptr().cast(), count) }
}

/// Writes all of it.
fn write_whole(descriptor: i32, mut parts: &mut [IoSlice<'_>]) -> Result<(), ()> {
    // As many as the system takes at once.
    const MOST: usize = 1024;
    while !parts.is_empty() {
        let some = &parts[..parts.len().min(MOST)];
        if let Ok(written) = usize::try_from(write_some(descriptor, some)) {
            IoSlice::advance_slices(&mut parts, written);
            continue;
        }
        match std::io::Error::last_os_error().kind() {
            std::io::ErrorKind::Interrupted => {}
            std::io::ErrorKind::WouldBlock => {
                // Somebody made it so, for other writers too.
                let mut waits = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
                // SAFETY: the call is given one structure, which is valid.
                unsafe { libc::poll(&raw mut waits, 1, -1) };
            }
            _ => return Err(()),
        }
    }
    Ok(())
}

/// libc's `write` to every library of the process.
///
/// # Safety
/// As `write(2)`: `buffer` must be valid for reads of `count` bytes.
#[unsafe(no_mangle)]
#[expect(unreachable_pub, reason = "the dynamic linker reaches it")]
pub unsafe extern "C" fn write(descriptor: i32, buffer: *const libc::c_void, count: usize) -> isize {
    if matches!(descriptor, STDOUT | STDERR) && count > 0 && !buffer.is_null() {
        // SAFETY: as the caller promises.
        let text = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count) };
        if let Some(written) = write_marked(descriptor, &[IoSlice::new(text)]) {
            return written;
        }
    }
    // SAFETY: as the caller promises.
    unsafe { system::write(descriptor, buffer, count) }
}

/// libc's `writev` to every library of the process.
///
/// # Safety
/// As `writev(2)`: `parts` must be valid for reads of `count` structures, and so must be what these are of.
#[unsafe(no_mangle)]
#[expect(unreachable_pub, reason = "the dynamic linker reaches it")]
pub unsafe extern "C" fn writev(descriptor: i32, parts: *const libc::iovec, count: i32) -> isize {
    if matches!(descriptor, STDOUT | STDERR)
        && let Ok(length @ 1..) = usize::try_from(count)
        && !parts.is_null()
    {
        // SAFETY: as the caller promises; an `IoSlice` is an `iovec`, as std promises.
        let parts = unsafe { std::slice::from_raw_parts(parts.cast::<IoSlice<'_>>(), length) };
        if let Some(written) = write_marked(descriptor, parts) {
            return written;
        }
    }
    // SAFETY: as the caller promises.
    unsafe { system::writev(descriptor, parts, count) }
}
