//! What is kept of a cell, and how it is asked for.

/// An entry of the history: a cell that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Counted from 1, over all sessions.
    pub(crate) session: i64,
    /// Its execution count.
    pub(crate) line: i64,
    pub(crate) source: String,
    /// The text of its result, if it had one.
    pub(crate) result: Option<String>,
}

/// A query of the history. Entries are answered oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// The last `n`.
    Tail { n: i64 },
    /// Lines from `start` until before `stop` of one session: by its number, or counted back from the present one, which
    /// is 0. Lines below zero count from the session's end; `None` is its end.
    Range { session: i64, start: i64, stop: Option<i64> },
    /// All whose source is like the pattern (`*`, `?`, `[a-z]`), or the last `n` of them; `unique`: each source once.
    Search { pattern: String, n: Option<i64>, unique: bool },
}
