//! The worker's words on its own stdout and stderr, by which the server tells whose text is whose.
//!
//! What user code and its dependencies print stands in the pipes as it is. Between it stand words of the session
//! library, which only it can write: each begins with [`BEGIN`] and a mark that nobody can guess (and that is told once,
//! by [`Event::Ready`](crate::Event::Ready)), then has one letter, perhaps a number, and [`END`]. A terminal that ever
//! saw one would pass over it, as it is an application program command.
//!
//! | word | from here on |
//! |---|---|
//! | `c7` | unmarked text belongs to the run 7 (on both pipes) |
//! | `o7` | text is the run 7's stdout, up to the next `-` |
//! | `e7` | text is the run 7's stderr, up to the next `-` (on stdout's pipe too, which keeps the order of both) |
//! | `-` | text is unmarked again |
//! | `d3` | here stands the display with the number 3 |
//! | `x7` | all that the run 7 has shown is taken away (`clear_output`) |
//! | `w7` | the same, when the next of it comes |

/// What a word begins with, before the mark.
pub const BEGIN: &str = "\u{1b}_";
/// What a word ends with.
pub const END: &str = "\u{1b}\\";
