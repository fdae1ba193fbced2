//! Output: what cells print, and whose it is.
//!
//! Inside cells `print!`, `println!`, `eprint!`, `eprintln!` and `dbg!` are these. They differ from std's in three
//! ways: what is printed without a newline is written at once, so that progress shows; a reader who is gone is no
//! panic; and what is printed belongs to the cell that the running task descends from. On a thread of which that is not
//! known, the cell in which the macro was written counts, and after that the one that runs.
//!
//! All of it goes through the process's stdout, with words around what is not the running cell's (the worker's reader
//! knows them), stderr as well: so the order of both is kept. What dependencies write by themselves comes to
//! [`pipe`](crate::pipe), which marks it likewise.

use std::fmt::Arguments;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, StdoutLock, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use kissaten_marks::Word;

use crate::{here, label, pipe, widget};

/// Without it there is nobody who would understand the words, and nothing is marked.
static MARK: OnceLock<String> = OnceLock::new();
/// Displays are counted.
static DISPLAYS: AtomicU64 = AtomicU64::new(0);

/// Makes the mark that nobody can guess, and returns it.
pub(crate) fn mark() -> &'static str {
    MARK.get_or_init(|| {
        let random = || RandomState::new().hash_one(0_u8);
        format!("kissaten{:016x}{:016x}", random(), random())
    })
}

/// A word as it is written.
fn said(word: Word) -> Option<Vec<u8>> {
    let mut said = Vec::new();
    write_word(&mut said, word)?;
    Some(said)
}

/// Writes a word, if there is a mark.
pub(crate) fn write_word(to: &mut impl Write, word: Word) -> Option<()> {
    word.write(to, MARK.get()?).ok()
}

/// From here on what is not marked belongs to this run.
pub(crate) fn begin(run: u64) {
    let mut out = io::stdout().lock();
    let _ = pipe::as_it_is(|| out.flush());
    pipe::set_unmarked(run, &said(Word::Unmarked(run)).unwrap_or_default());
    here::set_current(run);
}

/// The number of a display that has been sent, and of which [`place_display`] says where it stands.
pub(crate) fn number_display() -> u64 {
    DISPLAYS.fetch_add(1, Ordering::Relaxed) + 1
}

/// Here stands a display, between what was printed before and after it.
pub(crate) fn place_display(number: u64) {
    if let Some(said) = said(Word::Display(number)) {
        write_whole(&mut io::stdout().lock(), &said);
    }
}

/// Here ends what a run has shown and printed; `wait`: when the next of it comes.
pub(crate) fn clear(run: u64, wait: bool) {
    if let Some(said) = said(if wait { Word::ClearWithNext(run) } else { Word::Clear(run) }) {
        write_whole(&mut io::stdout().lock(), &said);
    }
}

/// A user's own `stdout().write` without a newline is still in std's buffer.
pub(crate) fn flush() {
    let _ = io::stdout().flush();
}

/// Writes behind what std's buffer holds and past it, in as few calls as it takes.
fn write_whole(out: &mut StdoutLock<'_>, bytes: &[u8]) {
    // Whoever printed that, it was not this thread just now.
    let _ = pipe::as_it_is(|| out.flush());
    pipe::write_words(bytes);
}

/// The run that the text of this thread belongs to; `written`: the file that the macro stands in.
fn owner(written: &str) -> u64 {
    match here::run() {
        0 => label::run_of(written).unwrap_or(0),
        run => run,
    }
}

/// Writes to stdout at once, through std's own buffer, so that the order with what a dependency prints is kept.
#[doc(hidden)]
#[inline(never)]
pub fn stdout(text: Arguments<'_>, newline: bool, written: &'static str) {
    if widget::captures(text, newline, "stdout") {
        return;
    }
    let owner = owner(written);
    let mut out = io::stdout().lock();
    if owner == 0 || owner == pipe::unmarked() || MARK.get().is_none() {
        let _ = write(&mut out, text, newline).and_then(|()| out.flush());
    } else {
        // Formatting may print by itself, so the words come around what is whole.
        drop(out);
        marked(Word::Stdout(owner), text, newline);
    }
}

/// Writes to stderr.
#[doc(hidden)]
#[inline(never)]
pub fn stderr(text: Arguments<'_>, newline: bool, written: &'static str) {
    if widget::captures(text, newline, "stderr") {
        return;
    }
    let owner = match owner(written) {
        0 => here::current(),
        owner => owner,
    };
    if owner != 0 && MARK.get().is_some() {
        marked(Word::Stderr(owner), text, newline);
    } else {
        let mut line = Vec::with_capacity(128);
        let _ = write(&mut line, text, newline);
        let _ = io::stderr().lock().write_all(&line);
    }
}

#[inline(never)]
fn marked(owner: Word, text: Arguments<'_>, newline: bool) {
    let (Some(begin), Some(end)) = (said(owner), said(Word::End)) else { return };
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&begin);
    let _ = write(&mut bytes, text, newline);
    bytes.extend_from_slice(&end);
    write_whole(&mut io::stdout().lock(), &bytes);
}

fn write(out: &mut impl Write, text: Arguments<'_>, newline: bool) -> io::Result<()> {
    match text.as_str() {
        Some(text) => out.write_all(text.as_bytes())?,
        None => out.write_fmt(text)?,
    }
    if newline { out.write_all(b"\n") } else { Ok(()) }
}

/// Prints to stdout; shows at once, also without a newline.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::__cell::stdout(::std::format_args!($($argument)*), false, ::std::file!()) };
}

/// Prints to stdout with a newline.
#[macro_export]
macro_rules! println {
    () => { $crate::__cell::stdout(::std::format_args!(""), true, ::std::file!()) };
    ($($argument:tt)*) => { $crate::__cell::stdout(::std::format_args!($($argument)*), true, ::std::file!()) };
}

/// Prints to stderr; shows at once, also without a newline.
#[macro_export]
macro_rules! eprint {
    ($($argument:tt)*) => { $crate::__cell::stderr(::std::format_args!($($argument)*), false, ::std::file!()) };
}

/// Prints to stderr with a newline.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::__cell::stderr(::std::format_args!(""), true, ::std::file!()) };
    ($($argument:tt)*) => { $crate::__cell::stderr(::std::format_args!($($argument)*), true, ::std::file!()) };
}

/// Prints an expression, its value and its place to stderr, and gives the value back.
#[macro_export]
macro_rules! dbg {
    () => {
        $crate::__cell::stderr(
            ::std::format_args!("[{}:{}]", $crate::__cell::shown(::std::file!()), ::std::line!()), true, ::std::file!()
        )
    };
    ($value:expr $(,)?) => {
        match $value {
            value => {
                $crate::__cell::stderr(
                    ::std::format_args!(
                        "[{}:{}] {} = {:#?}",
                        $crate::__cell::shown(::std::file!()), ::std::line!(), ::std::stringify!($value), &value
                    ),
                    true,
                    ::std::file!(),
                );
                value
            }
        }
    };
    ($($value:expr),+ $(,)?) => { ($($crate::dbg!($value)),+,) };
}
