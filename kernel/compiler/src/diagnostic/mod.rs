//! Diagnostics: what rustc says about a cell, told in the words and places of the user's own text.
//!
//! rustc sees generated files. This module reads its JSON and draws the diagnostics again, with the renderer that
//! rustc itself is built on, against the text that the user typed. It does not know how that text became a generated
//! file: a [`SourceMap`] answers for places and names. What lies in no cell (generated text, the standard library,
//! dependencies) is never drawn, and no path of this machine is shown.

mod message;
mod parse;
mod place;
mod render;
mod snippet;
mod suggestion;
#[cfg(test)]
mod tests;

pub(crate) use message::summary;
pub(crate) use parse::parse;
pub(crate) use render::render;

/// Where a place of a generated file lies in the user's text.
pub(crate) trait SourceMap {
    /// The user's text in the file that rustc calls `file` (`cell 3`), `None` for a file that is nobody's.
    fn source(&self, file: &str) -> Option<&str>;

    /// The byte of [`source`](Self::source) at `line` and `column` (both from 1, columns in chars) of rustc's `file`;
    /// `None` where the text there is generated. The end of a line and the end of the text are places too. Any number
    /// may come; a byte that is too large or inside a char does no harm.
    fn offset(&self, file: &str, line: usize, column: usize) -> Option<usize>;

    /// A message without our names: `notebook::Point` becomes `Point`. Applied to messages, labels and suggested
    /// code.
    fn clean(&self, message: &str) -> String;
}
