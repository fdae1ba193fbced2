//! Payloads: what a cell asks of the frontend beside its outputs; it stands in the cell's reply.
//!
//! See [payloads](https://jupyter-client.readthedocs.io/en/stable/messaging.html#payloads-deprecated), which the spec would
//! have gone and every frontend still knows.

use crate::display::Display;
use crate::here;
use crate::runtime::{self, Notice};

/// Shows a value in the frontend's pager, apart from the notebook: documentation, a long listing.
///
/// Only a cell that runs can; what a task pages after its cell has ended is displayed under that.
///
/// ```
/// kissaten::page(&kissaten::Markdown("# How to brew\n\n…"));
/// ```
pub fn page(value: &impl Display) {
    runtime::send(Notice::Page { cell: here::run_or_current(), data: value.mime_bundle() });
}

/// Writes a new cell behind this one, or, in a console, the next line to be edited. Only a cell that runs can.
///
/// ```
/// kissaten::set_next_input("let cups = 3;");
/// ```
pub fn set_next_input(text: impl Into<String>) {
    runtime::send(Notice::NextInput { cell: here::run_or_current(), text: text.into() });
}
