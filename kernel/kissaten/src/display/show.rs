//! Displays on their way under a cell, those that change later, and the end of what stands there.
//!
//! A display belongs to the cell that the running code belongs to: a task's to the one that spawned it. What replaces it
//! goes where it stands, whoever replaces it and whenever.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Display, MimeBundle};
use crate::{here, output, runtime, widget};

/// Shows a value at once, under the cell that the running code belongs to: a task's under the cell that spawned it. A
/// cell may show as many as it likes.
///
/// ```
/// kissaten::display(&kissaten::Markdown("*first*"));
/// kissaten::display(&kissaten::Html("<b>second</b>"));
/// ```
pub fn display<T: Display + ?Sized>(value: &T) {
    show(value.mime_bundle());
}

#[inline(never)]
fn show(data: MimeBundle) {
    let Some(data) = widget::captures_display(data) else { return };
    match here::run_or_current() {
        0 => {}
        cell => runtime::send_display(cell, data, None, false),
    }
}

/// Shows a value that can be replaced later, by what it returns.
///
/// ```
/// let state = kissaten::display_with_id(&kissaten::Plain("working"));
/// // From here, from a later cell, or from a task that outlives this one:
/// state.update(&kissaten::Plain("done"));
/// ```
pub fn display_with_id<T: Display + ?Sized>(value: &T) -> DisplayHandle {
    show_with(made_id(), value.mime_bundle())
}

/// As [`display_with_id`], under an id of your own, by which [`update_display`] finds it.
///
/// ```
/// kissaten::display_under("state", &kissaten::Plain("working"));
/// kissaten::update_display("state", &kissaten::Plain("done"));
/// ```
pub fn display_under<T: Display + ?Sized>(id: &str, value: &T) -> DisplayHandle {
    let handle = show_with(id.into(), value.mime_bundle());
    named(|named| named.insert(id.to_owned(), handle.cell));
    handle
}

/// Replaces what was shown last by [`display_under`] with this id, in the cell where that stands. Whether there was one.
pub fn update_display<T: Display + ?Sized>(id: &str, value: &T) -> bool {
    match named(|named| named.get(id).copied()) {
        Some(cell) => {
            update(cell, id, value.mime_bundle());
            true
        }
        None => false,
    }
}

/// A display that can be replaced: from any thread, from later cells, from tasks that outlive the cell.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayHandle {
    id: Arc<str>,
    /// The run of the cell under which it stands.
    cell: u64,
}

impl DisplayHandle {
    /// Replaces what is shown, where it stands. It may be called as often as one likes: of what comes faster than a
    /// frontend can show it, the last is shown.
    pub fn update<T: Display + ?Sized>(&self, value: &T) {
        update(self.cell, &self.id, value.mime_bundle());
    }

    /// The messaging spec's `display_id`.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for DisplayHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DisplayHandle").field(&self.id).finish()
    }
}

/// Takes away what the cell has shown and printed until now; `wait`: when the next of it comes, so that nothing flickers.
///
/// ```
/// for n in 0..3 {
///     kissaten::clear_output(true);
///     kissaten::display(&kissaten::Plain(format!("{n}")));
/// }
/// ```
pub fn clear_output(wait: bool) {
    match here::run_or_current() {
        0 => {}
        cell => output::clear(cell, wait),
    }
}

#[inline(never)]
fn show_with(id: Arc<str>, data: MimeBundle) -> DisplayHandle {
    let cell = here::run_or_current();
    if cell != 0 {
        runtime::send_display(cell, data, Some((*id).to_owned()), false);
    }
    DisplayHandle { id, cell }
}

#[inline(never)]
fn update(cell: u64, id: &str, data: MimeBundle) {
    if cell != 0 {
        runtime::send_display(cell, data, Some(id.to_owned()), true);
    }
}

/// An id that nobody has: no kernel before this one in the same notebook either.
pub(crate) fn made_id() -> Arc<str> {
    static KERNEL: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let kernel = KERNEL.get_or_init(|| RandomState::new().hash_one(0_u8));
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    format!("kissaten-{kernel:016x}-{count}").into()
}

/// The runs under which displays with ids of the user's own stand.
fn named<R>(look: impl FnOnce(&mut HashMap<String, u64>) -> R) -> R {
    static NAMED: Mutex<Option<HashMap<String, u64>>> = Mutex::new(None);
    look(NAMED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plain;

    #[test]
    fn ids_are_ones_own_or_nobody_elses() {
        let (one, other) = (display_with_id(&Plain("")), display_with_id(&Plain("")));
        assert_ne!(one.id(), other.id());
        assert_eq!(display_under("mine", &Plain("")).id(), "mine");
        assert!(update_display("mine", &Plain("")) && !update_display("yours", &Plain("")));
    }
}
