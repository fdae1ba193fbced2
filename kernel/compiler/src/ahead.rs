//! Compiling ahead: what is compiled on a guess, and how a real compile goes before it. What is guessed is not known here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use build::AnswerKey;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Whether anything is compiled on a guess, and what else the machine may do meanwhile.
const VARIABLE: &str = "KISSATEN_AHEAD";

/// What a notebook and the guesses at its future share.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(crate) when: When,
    /// One guess after another: each waits until rustc is gone that an earlier one has called.
    pub(crate) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// When something is compiled on a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Never,
    /// Where the machine has something to spare.
    Room,
    Always,
}

#[derive(Debug, Default)]
struct State {
    /// Ends the present guess.
    cancel: CancellationToken,
    /// What is compiled for it just now; the channel is closed when that has ended.
    compiles: Option<(AnswerKey, watch::Receiver<()>)>,
}

impl Ahead {
    /// As the environment has it.
    pub(crate) fn from_environment() -> Self {
        let when = match std::env::var(VARIABLE).as_deref() {
            Ok("off") => When::Never,
            Ok("always") => When::Always,
            _ => When::Room,
        };
        Self { when, turn: tokio::sync::Mutex::default(), state: Mutex::default() }
    }

    /// Waits until the machine has something to spare: not more wants to run than it has processors for, of which one is who
    /// asks. Whether it came to that before `cancel`.
    pub(crate) async fn room(&self, cancel: &CancellationToken) -> bool {
        while self.when == When::Room && is_crowded(0) {
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = cancel.cancelled() => break,
            }
        }
        !cancel.is_cancelled()
    }

    /// Waits until what is compiled on a guess is there, or the machine has so much else to do that one who lets all others go
    /// first comes to nothing.
    pub(crate) async fn end_or_crowd(&self, mut end: watch::Receiver<()>) {
        /// The threads of one rustc that want to run at once.
        const THREADS: usize = 3;
        while tokio::time::timeout(LOOK_AGAIN, end.changed()).await.is_err() {
            if self.when == When::Room && is_crowded(THREADS) {
                return;
            }
        }
    }

    /// A guess begins, and an older one ends; what ends this one.
    pub(crate) fn begin(&self) -> CancellationToken {
        let cancel = CancellationToken::new();
        std::mem::replace(&mut self.state().cancel, cancel.clone()).cancel();
        cancel
    }

    /// Ends the present guess: it was wrong, or the machine has better things to do.
    pub(crate) fn stop(&self) {
        self.state().cancel.cancel();
    }

    /// Whether just that is being compiled; closed when it no longer is.
    pub(crate) fn compiles(&self, key: AnswerKey) -> Option<watch::Receiver<()>> {
        self.state().compiles.as_ref().filter(|(present, _)| *present == key).map(|(_, end)| end.clone())
    }

    /// This is compiled on a guess from now on, until what is returned is dropped.
    pub(crate) fn compile(&self, key: AnswerKey) -> impl Drop + use<'_> {
        let (sender, receiver) = watch::channel(());
        self.state().compiles = Some((key, receiver));
        Compiling { ahead: self, _sender: sender }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Compiling<'a> {
    ahead: &'a Ahead,
    _sender: watch::Sender<()>,
}

impl Drop for Compiling<'_> {
    fn drop(&mut self) {
        self.ahead.state().compiles = None;
    }
}

/// How long it is until the machine is looked at again. What runs at one moment says little.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Whether more wants to run at this moment than the machine has processors for, and this many.
fn is_crowded(more: usize) -> bool {
    let running = std::fs::read_to_string("/proc/loadavg").ok().and_then(|load| running(&load));
    running.is_some_and(|running| running > processors() + more)
}

/// The processors that what `/proc/loadavg` counts runs on, of which a container may have few.
fn processors() -> usize {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").ok().and_then(|ranges| count(ranges.trim()));
    online.unwrap_or_else(|| available_parallelism().map_or(1, usize::from))
}

/// How many numbers are in `0-3,8`.
fn count(ranges: &str) -> Option<usize> {
    let size = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1)
    };
    ranges.split(',').map(size).sum()
}

/// How many threads run or want to: of `0.20 0.18 0.12 1/80 11206` the 1.
fn running(load: &str) -> Option<usize> {
    load.split(' ').nth(3)?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use build::KeyMaker;

    use super::*;

    #[tokio::test]
    async fn what_is_compiled_on_a_guess_can_be_waited_for() {
        let (ahead, mut other) = (Ahead::from_environment(), KeyMaker::default());
        other.add(b"other");
        let (key, other) = (KeyMaker::default().finish(), other.finish());
        let compiling = ahead.compile(key);
        assert!(ahead.compiles(other).is_none());
        let mut end = ahead.compiles(key).unwrap();
        drop(compiling);
        assert!(end.changed().await.is_err() && ahead.compiles(key).is_none());
    }

    #[test]
    fn a_guess_ends_the_one_before_it() {
        let ahead = Ahead::from_environment();
        let (first, second) = (ahead.begin(), ahead.begin());
        assert!(first.is_cancelled() && !second.is_cancelled());
        ahead.stop();
        assert!(second.is_cancelled());
    }

    #[test]
    fn processors_are_counted() {
        assert_eq!([count("0"), count("0-3"), count("0-1,4,6-7")], [Some(1), Some(4), Some(5)]);
        assert_eq!([count(""), count("3-1"), count("x-2")], [None; 3]);
        assert!(processors() >= 1);
    }

    #[test]
    fn the_load_is_read() {
        assert_eq!(running("0.20 0.18 0.12 3/80 11206\n"), Some(3));
        assert_eq!(running("?"), None);
    }
}
