//! The text of a value's `Debug`, laid out as the notebook has it.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use super::lines::{WIDTH, laid_out};
use super::{Limited, TOO_LONG};

/// How values are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Layout {
    /// On as few lines as they fit on.
    Fit,
    /// As `{:?}`.
    Line,
    /// As `{:#?}`.
    Pretty,
}

static LAYOUT: AtomicU8 = AtomicU8::new(Layout::Fit as u8);

/// From here on values are laid out so.
pub(crate) fn set_layout(layout: Layout) {
    LAYOUT.store(layout as u8, Ordering::Relaxed);
}

/// The text of a value, cut where it is endless.
pub(super) fn debug_text(value: &dyn Debug) -> String {
    let layout = LAYOUT.load(Ordering::Relaxed);
    if layout == Layout::Pretty as u8 {
        return cut(value, true).unwrap_or_else(|cut| cut);
    }
    let line = cut(value, false);
    match line {
        Ok(line) if layout == Layout::Line as u8 || line.chars().count() <= WIDTH => line,
        Err(cut) if layout == Layout::Line as u8 => cut,
        line => match (line, cut(value, true)) {
            (Ok(line), Ok(pretty)) => laid_out(&pretty, &line).unwrap_or(pretty),
            (_, Ok(pretty) | Err(pretty)) => pretty,
        },
    }
}

/// All of the text, or as much as is shown of it.
fn cut(value: &dyn Debug, pretty: bool) -> Result<String, String> {
    let mut text = Limited { text: String::new(), limit: TOO_LONG };
    let written = if pretty { write!(text, "{value:#?}") } else { write!(text, "{value:?}") };
    match written {
        Ok(()) => Ok(text.text),
        Err(_) => Err(text.text + "\n… (cut)"),
    }
}

#[cfg(test)]
mod tests;
