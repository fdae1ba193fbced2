//! The linker as a program: what rustc starts, and how it hands over to the other one.

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::panic;
use std::process::{Command, ExitCode};

/// Names the linker that does what this one does not. Whoever has rustc start this one sets it.
pub const OTHER: &str = "KISSATEN_LINKER";
/// Names a file that is told of each library, in a line, that it was linked here, or why it was not.
pub const REASONS: &str = "KISSATEN_LINK_LOG";

/// What a command line for a linker begins with. Alone it asks whether this is one.
pub const FLAVOR: &str = "-flavor";
/// What is answered to that.
pub const IT_IS: &str = "kissaten-link";

/// Links, if that is what this process was started for; it does not come back then, or with the program's end.
pub fn as_linker() -> Option<ExitCode> {
    let other = env::var_os(OTHER)?;
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.first()? != FLAVOR {
        return None;
    }
    if arguments.len() == 1 {
        println!("{IT_IS}");
        return Some(ExitCode::SUCCESS);
    }
    // What nobody foresaw in a file is no reason to leave a cell without its library.
    let silent = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let linked = panic::catch_unwind(|| crate::link(&arguments).map_err(|why| why.to_string()));
    panic::set_hook(silent);
    let why = match linked {
        Ok(linked) => linked.err(),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            Some(format!("a panic: {}", words.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default()))
        }
    };
    if let Some(path) = env::var_os(REASONS)
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
    {
        let _ = file.write_all(format!("{}\n", why.as_deref().unwrap_or("linked here")).as_bytes());
    }
    if why.is_none() {
        return Some(ExitCode::SUCCESS);
    }
    let error = Command::new(&other).arg0("rust-lld").args(&arguments).exec();
    eprintln!("{} cannot be started: {error}", other.display());
    Some(ExitCode::FAILURE)
}
