//! In words: how a worker ended.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use nix::sys::signal::Signal;

/// How much of what a worker last wrote to stderr is kept, to find what Rust's runtime says before it aborts.
const TAIL: usize = 4096;

/// The last words of a worker: the end of what it wrote to stderr.
#[derive(Debug, Default)]
pub(crate) struct LastWords(Vec<u8>);

impl LastWords {
    /// Takes what was read from the pipe.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * TAIL {
            self.0.drain(..self.0.len() - TAIL);
        }
    }

    /// Another cell begins: what was written before explains nothing about it.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// All of them, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    fn contain(&self, text: &str) -> bool {
        self.0.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// The death of a worker: a short name and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Death {
    /// For Jupyter's `ename`.
    pub(crate) name: String,
    /// Begins in lower case and has no full stop: `the cell called exit(3)`.
    pub(crate) sentence: String,
}

impl Death {
    /// The sentence for a death that no cell was there to be told of.
    pub(crate) fn between_cells(&self) -> String {
        format!("Since the last cell {}.", self.sentence.replace("the cell called", "a task called"))
    }
}

/// What happened, from what the system says and what the worker said last.
pub(crate) fn explain(status: ExitStatus, last_words: &LastWords) -> Death {
    let (name, sentence) = match (status.code(), status.signal()) {
        (Some(code), _) => ("Exit".to_owned(), format!("the cell called exit({code})")),
        (None, Some(signal)) => explain_signal(signal, last_words),
        (None, None) => ("WorkerDied".to_owned(), "the worker process ended".to_owned()),
    };
    Death { name, sentence }
}

fn explain_signal(signal: i32, last_words: &LastWords) -> (String, String) {
    // Both lines are written by the standard library just before it aborts, on every platform that Rust has.
    if last_words.contain("has overflowed its stack") {
        return ("StackOverflow".to_owned(), "a stack overflow ended the worker process".to_owned());
    }
    if last_words.contain("memory allocation of ") {
        return ("OutOfMemory".to_owned(), "the memory is exhausted, which ended the worker process".to_owned());
    }
    let (name, sentence) = match Signal::try_from(signal) {
        Ok(Signal::SIGSEGV) => ("SegmentationFault", "a segmentation fault ended the worker process"),
        Ok(Signal::SIGBUS) => ("BusError", "a bus error ended the worker process"),
        Ok(Signal::SIGABRT) => ("Abort", "an abort ended the worker process"),
        Ok(Signal::SIGILL) => ("IllegalInstruction", "an illegal instruction ended the worker process"),
        Ok(Signal::SIGFPE) => ("ArithmeticFault", "an arithmetic fault ended the worker process"),
        Ok(Signal::SIGTRAP) => ("Trap", "a trap ended the worker process"),
        Ok(Signal::SIGTERM) => ("Terminated", "the worker process was asked to end (SIGTERM)"),
        Ok(Signal::SIGKILL) => {
            ("Killed", "the worker process was killed, most likely because the memory was exhausted, or by hand")
        }
        Ok(other) => {
            return (other.as_str().to_owned(), format!("the signal {} ended the worker process", other.as_str()));
        }
        Err(_) => return (format!("Signal{signal}"), format!("the signal {signal} ended the worker process")),
    };
    (name.to_owned(), sentence.to_owned())
}

/// Which variables went with it, as a sentence.
pub(crate) fn lost(variables: &[String]) -> String {
    let names: Vec<String> = variables.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "No variables were lost.".to_owned(),
        [one] => format!("The variable {one} was lost."),
        [all @ .., last] => format!("The variables {} and {last} were lost.", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: i32, last_words: &str) -> String {
        let mut words = LastWords::default();
        words.push(last_words.as_bytes());
        explain(ExitStatus::from_raw(status), &words).sentence
    }

    #[test]
    fn deaths_are_told_in_words() {
        assert_eq!(check(3 << 8, ""), "the cell called exit(3)");
        assert_eq!(check(libc::SIGSEGV, ""), "a segmentation fault ended the worker process");
        assert_eq!(check(libc::SIGABRT, ""), "an abort ended the worker process");
        assert_eq!(
            check(libc::SIGABRT, "\nthread 'cell' has overflowed its stack\nfatal runtime error"),
            "a stack overflow ended the worker process"
        );
        assert_eq!(
            check(libc::SIGABRT, "memory allocation of 99999999 bytes failed\n"),
            "the memory is exhausted, which ended the worker process"
        );
        assert!(check(libc::SIGKILL, "").contains("killed"));
        assert_eq!(check(libc::SIGUSR1, ""), "the signal SIGUSR1 ended the worker process");
    }

    #[test]
    fn the_end_of_long_last_words_is_kept() {
        let mut words = LastWords::default();
        for _ in 0..1000 {
            words.push(&[b'x'; 100]);
        }
        words.push(b"has overflowed its stack");
        assert!(words.0.len() <= 2 * TAIL && words.contain("has overflowed its stack"));
    }

    #[test]
    fn lost_variables_are_listed() {
        assert_eq!(lost(&[]), "No variables were lost.");
        assert_eq!(lost(&["x".into()]), "The variable `x` was lost.");
        assert_eq!(lost(&["x".into(), "y".into(), "z".into()]), "The variables `x`, `y` and `z` were lost.");
    }
}
