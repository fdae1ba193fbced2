//! Completions, as they are offered to a frontend.

/// The completions at a cursor.
pub(crate) struct Completed {
    /// The bytes of the cell that it takes the place of.
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) matches: Vec<Offer>,
}

/// One completion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) text: String,
    /// What it is, in a word.
    pub(crate) kind: String,
    /// Its type or declaration, if that is known.
    pub(crate) signature: String,
}
