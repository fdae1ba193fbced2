//! Which of the two streams of user code is meant.

/// One of the two streams of user code, and the pipe that it comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}
