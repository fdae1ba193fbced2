//! What cells print.
//!
//! Inside cells `print!`, `println!`, `eprint!`, `eprintln!` and `dbg!` are these. They differ from std's in two
//! ways: what is printed without a newline is written at once, so that progress shows, and a reader who is gone
//! is no panic.

use std::fmt::Arguments;
use std::io::{self, Write};

/// Writes to stdout at once, through std's own buffer, so that the order with what a dependency prints is kept.
#[doc(hidden)]
#[inline(never)]
pub fn stdout(text: Arguments<'_>, newline: bool) {
    let mut out = io::stdout().lock();
    // A reader who is gone means that the kernel is ending: there is nobody left to tell.
    let _ = write(&mut out, text, newline).and_then(|()| out.flush());
}

/// Writes to stderr; each call is one write.
#[doc(hidden)]
#[inline(never)]
pub fn stderr(text: Arguments<'_>, newline: bool) {
    let mut line = Vec::with_capacity(128);
    let _ = write(&mut line, text, newline);
    let _ = io::stderr().lock().write_all(&line);
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
    ($($argument:tt)*) => { $crate::__cell::stdout(::std::format_args!($($argument)*), false) };
}

/// Prints to stdout with a newline.
#[macro_export]
macro_rules! println {
    () => { $crate::__cell::stdout(::std::format_args!(""), true) };
    ($($argument:tt)*) => { $crate::__cell::stdout(::std::format_args!($($argument)*), true) };
}

/// Prints to stderr; shows at once, also without a newline.
#[macro_export]
macro_rules! eprint {
    ($($argument:tt)*) => { $crate::__cell::stderr(::std::format_args!($($argument)*), false) };
}

/// Prints to stderr with a newline.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::__cell::stderr(::std::format_args!(""), true) };
    ($($argument:tt)*) => { $crate::__cell::stderr(::std::format_args!($($argument)*), true) };
}

/// Prints an expression, its value and its place to stderr, and gives the value back.
#[macro_export]
macro_rules! dbg {
    () => { $crate::__cell::stderr(::std::format_args!("[{}:{}]", ::std::file!(), ::std::line!()), true) };
    ($value:expr $(,)?) => {
        match $value {
            value => {
                $crate::__cell::stderr(
                    ::std::format_args!(
                        "[{}:{}] {} = {:#?}",
                        ::std::file!(), ::std::line!(), ::std::stringify!($value), &value
                    ),
                    true,
                );
                value
            }
        }
    };
    ($($value:expr),+ $(,)?) => { ($($crate::dbg!($value)),+,) };
}
