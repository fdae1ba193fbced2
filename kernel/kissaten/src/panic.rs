//! Panics: what one says, kept for the cell whose future panicked.
//!
//! The default hook would write it to stderr; a cell's panic becomes the cell's error instead. A panic elsewhere,
//! in a task or a thread, and one that user code catches, is told under the cell that the code belongs to.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::panic::{Location as Caller, PanicHookInfo};

use crate::interrupt::Unwound;
use crate::runtime::{Location, Panic};
use crate::{here, hint, label, logger, task};

thread_local! {
    /// Whether this thread is polling a cell's own future.
    static POLLING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
    /// Where this thread calls a `spawn` just now.
    static SPAWNS: Cell<Option<&'static Caller<'static>>> = const { Cell::new(None) };
}

/// A `spawn` of a cell is called at this place, or has returned.
pub(crate) fn spawns(location: Option<&'static Caller<'static>>) {
    SPAWNS.set(location);
}

/// Installs the hook; once, at the start of the process.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let panic = describe(info);
        if POLLING.get() {
            // An earlier one that is still here was caught by user code, or is being unwound.
            if let Some(earlier) = LAST.replace(Some(panic)) {
                tell(&earlier, CAUGHT);
            }
        } else {
            tell(&panic, &task::panicked().unwrap_or_else(thread));
        }
    }));
}

/// Calls `poll` and returns the panic that came out of it.
pub(crate) fn catch<R>(poll: impl FnOnce() -> R) -> Result<R, Panic> {
    let unwound = || Panic { message: payload_text(&Unwound), location: None };
    catch_unwound(poll).map_err(|panic| panic.unwrap_or_else(unwound))
}

/// Catches a panic as well; `None` is the unwinding of a checkpoint.
pub(crate) fn catch_unwound<R>(poll: impl FnOnce() -> R) -> Result<R, Option<Panic>> {
    let outer = POLLING.replace(true);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll));
    POLLING.set(outer);
    let last = LAST.take();
    match result {
        Ok(value) => {
            if let Some(caught_by_user_code) = last {
                tell(&caught_by_user_code, CAUGHT);
            }
            Ok(value)
        }
        // `resume_unwind` does not call the hook.
        Err(payload) if payload.is::<Unwound>() => {
            if let Some(caught_by_user_code) = last {
                tell(&caught_by_user_code, CAUGHT);
            }
            Err(None)
        }
        Err(payload) => Err(Some(last.unwrap_or_else(|| Panic { message: payload_text(&*payload), location: None }))),
    }
}

fn describe(info: &PanicHookInfo<'_>) -> Panic {
    let mut message = payload_text(info.payload());
    // What refuses to spawn panics somewhere in the runtime, and a second logger somewhere in its crate.
    let spawns = SPAWNS.take().filter(|_| message.starts_with("`spawn_local` called"));
    let (more, sets) = logger::set_before(&message).unwrap_or_default();
    message.push_str(&more);
    let location = spawns.or(sets).or(info.location()).map(|location| Location {
        file: short(location.file()).into_owned(),
        line: location.line(),
        column: location.column(),
    });
    Panic { message, location }
}

/// Files of cells as people know them; those of dependencies and of std without the folders of the machine that compiled
/// them.
pub(crate) fn short(file: &str) -> Cow<'_, str> {
    let in_folder = |inside: &'_ str| inside.split_once('/').map_or(inside, |(_, file)| file).len();
    let inside = file.split_once("/registry/src/").map(|(_, inside)| inside).or_else(|| file.strip_prefix("/rustc/"));
    match inside {
        Some(inside) => Cow::Borrowed(&file[file.len() - in_folder(inside)..]),
        None => label::shown(file),
    }
}

fn payload_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "Box<dyn Any>".to_owned())
}

/// Who panicked where the cell went on.
const CAUGHT: &str = "code whose panic was caught";

/// The present thread, in words.
fn thread() -> String {
    match std::thread::current().name() {
        Some(name) => format!("the thread `{name}`"),
        None => "a thread".to_owned(),
    }
}

fn tell(panic: &Panic, who: &str) {
    hint::panicked(here::run_or_current(), who, panic);
}
