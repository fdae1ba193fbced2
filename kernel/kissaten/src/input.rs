//! Input from whoever sits before the notebook.
//!
//! [`input`] is the way for async code: other tasks go on while it waits. Code that reads the process's stdin asks as
//! well: that read is taken over here, whoever does it, because to the rest of the process stdin is empty.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

use crate::runtime::{self, Notice};
use crate::{here, system};

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A line, without its newline.
    Line(String),
    /// There is no more.
    End,
    /// The frontend does not take questions.
    NotAllowed,
}

/// The questions that wait for an answer.
static WAITING: Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>> = Mutex::new(None);
static QUESTIONS: AtomicU64 = AtomicU64::new(0);

fn waiting() -> MutexGuard<'static, Option<HashMap<u64, oneshot::Sender<Answer>>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a question waits for its answer.
pub(crate) fn is_asked() -> bool {
    waiting().as_ref().is_some_and(|waiting| !waiting.is_empty())
}

/// Asks for a line of input, in the frontend; the line comes without its newline.
///
/// # Errors
/// `Unsupported` at once where the frontend takes no input (nbconvert, papermill, graders), `UnexpectedEof` when the
/// user says that there is no more.
///
/// # Cancel safety
/// Dropping it, by an interrupt or in `select!`, withdraws the question.
pub async fn input(prompt: impl AsRef<str>) -> io::Result<String> {
    ask(prompt.as_ref(), false).await
}

/// As [`input`], but what is typed is not shown.
///
/// # Errors
/// As [`input`].
///
/// # Cancel safety
/// As [`input`].
pub async fn input_password(prompt: impl AsRef<str>) -> io::Result<String> {
    ask(prompt.as_ref(), true).await
}

async fn ask(prompt: &str, password: bool) -> io::Result<String> {
    let (question, answer) = Question::ask(Some(prompt.to_owned()), password);
    let answer = answer.await;
    drop(question);
    match answer {
        Ok(Answer::Line(line)) => Ok(line),
        Ok(Answer::End) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is no more input")),
        Ok(Answer::NotAllowed) | Err(_) => Err(io::Error::new(io::ErrorKind::Unsupported, NOBODY_TO_ASK)),
    }
}

/// A question that stands until it is dropped.
struct Question(u64);

impl Question {
    fn ask(prompt: Option<String>, password: bool) -> (Self, oneshot::Receiver<Answer>) {
        let id = QUESTIONS.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = oneshot::channel();
        waiting().get_or_insert_default().insert(id, sender);
        runtime::send(Notice::Input { id, cell: here::run_or_current(), prompt, password });
        (Self(id), receiver)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if waiting().as_mut().is_some_and(|waiting| waiting.remove(&self.0).is_some()) {
            runtime::send(Notice::InputWithdrawn { id: self.0 });
        }
    }
}

/// Somebody has answered.
pub(crate) fn answer(id: u64, answer: Answer) {
    let sender = waiting().as_mut().and_then(|waiting| waiting.remove(&id));
    if let Some(sender) = sender {
        let _ = sender.send(answer);
    }
}

/// Why there is no answer.
const NOBODY_TO_ASK: &str = "this frontend does not ask for input";
/// The number of that error where errors are numbers. The system has none that says so, and uses none as high.
const NOT_ASKED: i32 = 4071;

/// The words of an error number of ours.
pub(crate) fn words(number: i32) -> Option<&'static str> {
    (number == NOT_ASKED).then_some(NOBODY_TO_ASK)
}

type Describe = unsafe extern "C" fn(i32, *mut libc::c_char, usize) -> i32;

/// libc's own function for that.
static NEXT: OnceLock<Option<Describe>> = OnceLock::new();

/// The words of error numbers, as std asks for them: ours for ours, and libc's for all others.
///
/// # Safety
/// As `strerror_r(3)`: `buffer` must be valid for writes of `length` bytes.
#[unsafe(no_mangle)]
#[expect(unreachable_pub, reason = "the dynamic linker reaches it")]
pub unsafe extern "C" fn __xpg_strerror_r(number: i32, buffer: *mut libc::c_char, length: usize) -> i32 {
    if let Some(words) = words(number) {
        if words.len() >= length {
            return libc::ERANGE;
        }
        // SAFETY: the buffer has room for the words and a zero, as was looked.
        unsafe {
            buffer.copy_from_nonoverlapping(words.as_ptr().cast(), words.len());
            buffer.add(words.len()).write(0);
        }
        return 0;
    }
    let next = NEXT.get_or_init(|| {
        // SAFETY: the name ends with a zero; what is found is libc's function, which is of this type.
        unsafe {
            let next = libc::dlsym(libc::RTLD_NEXT, c"__xpg_strerror_r".as_ptr());
            (!next.is_null()).then(|| std::mem::transmute::<*mut libc::c_void, Describe>(next))
        }
    });
    match next {
        // SAFETY: as the caller promises.
        Some(next) => unsafe { next(number, buffer, length) },
        None => libc::EINVAL,
    }
}

/// What was answered to readers of stdin and not read yet.
static LINES: Mutex<VecDeque<u8>> = Mutex::new(VecDeque::new());

/// Reads of the process's stdin become questions; all others are the system's.
///
/// This is libc's `read` to every library of the process, because the dynamic linker looks here first. What std's
/// `stdin()` does with it, and what C libraries do, needs no change then.
///
/// # Safety
/// As `read(2)`: `buffer` must be valid for writes of `count` bytes.
#[unsafe(no_mangle)]
#[expect(unreachable_pub, reason = "the dynamic linker reaches it")]
pub unsafe extern "C" fn read(descriptor: i32, buffer: *mut libc::c_void, count: usize) -> isize {
    if descriptor == 0 && count > 0 && runtime::asks_for_input() {
        // SAFETY: as the caller promises.
        let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), count) };
        return match read_line(buffer) {
            Ok(length) => length.cast_signed(),
            Err(number) => {
                system::set_errno(number);
                -1
            }
        };
    }
    // SAFETY: as the caller promises.
    unsafe { system::read(descriptor, buffer, count) }
}

fn read_line(buffer: &mut [u8]) -> Result<usize, i32> {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.is_empty() {
        drop(lines);
        // What was printed before the question stands before it.
        let _ = io::Write::flush(&mut io::stdout());
        let line = wait_for_line(buffer.len() != STD_BUFFER)?;
        lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(line);
    }
    let length = buffer.len().min(lines.len());
    for (to, from) in buffer.iter_mut().zip(lines.drain(..length)) {
        *to = from;
    }
    Ok(length)
}

/// A reader of stdin whose cell is interrupted is woken by this.
static INTERRUPTED: (Mutex<u64>, Condvar) = (Mutex::new(0), Condvar::new());

/// How much is asked for by who reads a line: as much as goes into std's buffer. Who reads to the end reads past that.
const STD_BUFFER: usize = 8 * 1024;

/// Asks for a line. Not every frontend has a key for the end of the input, so for who reads `to_the_end` an empty answer
/// is it; who reads lines can read empty ones.
fn wait_for_line(to_the_end: bool) -> Result<Vec<u8>, i32> {
    let run = here::run_or_current();
    let (question, mut answer) = Question::ask(None, false);
    let mut turn = INTERRUPTED.0.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match answer.try_recv() {
            Ok(Answer::Line(line)) if to_the_end && line.is_empty() => return Ok(Vec::new()),
            Ok(Answer::Line(line)) => return Ok([line.as_bytes(), b"\n"].concat()),
            Ok(Answer::End) => return Ok(Vec::new()),
            Ok(Answer::NotAllowed) | Err(oneshot::error::TryRecvError::Closed) => return Err(NOT_ASKED),
            Err(oneshot::error::TryRecvError::Empty) if runtime::interrupts(run) => {
                drop(question);
                return Err(libc::ECANCELED);
            }
            Err(oneshot::error::TryRecvError::Empty) => {
                turn = INTERRUPTED.1.wait(turn).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// Readers of stdin look again: for an answer, or whether their cell is interrupted.
pub(crate) fn wake_readers() {
    // Under the lock, so that nobody looks before and sleeps after.
    let _turn = INTERRUPTED.0.lock().unwrap_or_else(PoisonError::into_inner);
    INTERRUPTED.1.notify_all();
}
