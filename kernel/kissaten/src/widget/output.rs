//! A place that code prints into: what stands there, and whose prints go there.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::handle::{Handle, widget};
use super::kind::OUTPUT;
use super::model::Model;
use super::state::{self, map};
use crate::display::value::Value;
use crate::display::{Display, MimeBundle, json};

/// Of more than so much text, in bytes, the end is shown: each change sends all of it.
pub(super) const MOST: usize = 1 << 16;

/// A place in the page that code prints into and shows things in.
///
/// ```
/// # use kissaten::widget::Output;
/// # kissaten::futures::executor::block_on(async {
/// let log = Output::new();
/// kissaten::display(&log);
/// log.capture(async { kissaten::println!("into the page, there") }).await;
/// # });
/// ```
pub struct Output(Handle);

widget! { Output }

impl Output {
    /// An empty place.
    pub fn new() -> Self {
        Self::of(Handle::new(&OUTPUT, vec![("outputs", state::list([])), ("msg_id", "".into())]))
    }

    fn of(handle: Handle) -> Self {
        Self(handle)
    }

    /// Runs a future, and what it prints and displays while it is polled goes here, by the macros of cells and by
    /// [`display`](crate::display()). What it spawns is another task: `tokio::spawn(log.capture(…))` takes that too.
    pub fn capture<F: Future>(&self, future: F) -> Capture<F> {
        Capture { model: Arc::clone(self.0.model()), _handle: self.0.clone(), future }
    }

    /// The same with a closure that does not wait.
    pub fn in_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        let _entered = Inside::enter(self.0.model());
        run()
    }

    /// Prints text as it is.
    pub fn print(&self, text: &str) {
        print(self.0.model(), text, "stdout");
    }

    /// Shows a value.
    pub fn display<T: Display + ?Sized>(&self, value: &T) {
        show(self.0.model(), value.mime_bundle());
    }

    /// Takes away what stands there.
    pub fn clear(&self) {
        self.0.set("outputs", state::list([]));
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

thread_local! {
    /// Where the code of this thread prints; null: under its cell.
    static HERE: Cell<*const Model> = const { Cell::new(ptr::null()) };
}

/// Until it is dropped the thread's code prints into an output.
struct Inside {
    before: *const Model,
    /// So that the pointer to it holds.
    _model: Arc<Model>,
}

impl Inside {
    fn enter(model: &Arc<Model>) -> Self {
        let before = HERE.replace(Arc::as_ptr(model));
        Self { before, _model: Arc::clone(model) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        HERE.set(self.before);
    }
}

/// The output that the code of this thread prints into.
fn here() -> Option<Arc<Model>> {
    let model = HERE.get();
    if model.is_null() {
        return None;
    }
    // SAFETY: it was made by `Arc::as_ptr` in `Inside::enter`, and that `Inside` holds the `Arc` until it has put the
    // pointer back that was there before; so there is one that it counts on. It is counted once more, for the new one.
    unsafe {
        Arc::increment_strong_count(model);
        Some(Arc::from_raw(model))
    }
}

/// Takes what a macro prints, if it goes into an output.
pub(crate) fn captures(text: fmt::Arguments<'_>, newline: bool, stream: &'static str) -> bool {
    let Some(model) = here() else { return false };
    let end = if newline { "\n" } else { "" };
    print(&model, &format!("{text}{end}"), stream);
    true
}

/// Takes what is displayed, if it goes into an output.
pub(crate) fn captures_display(data: MimeBundle) -> Option<MimeBundle> {
    match here() {
        Some(model) => {
            show(&model, data);
            None
        }
        None => Some(data),
    }
}

fn print(model: &Arc<Model>, text: &str, stream: &'static str) {
    push(model, |outputs| {
        let last = outputs.last_mut().and_then(|last| match last {
            Value::Map(fields, _) if state::text(&fields[1].1) == stream => fields.get_mut(2),
            _ => None,
        });
        if let Some((_, Value::Text(present))) = last {
            present.push_str(text);
            if present.len() > MOST {
                let from = present.ceil_char_boundary(present.len() - MOST / 2);
                *present = format!("…{}", &present[from..]);
            }
            return;
        }
        outputs.push(map([("output_type", "stream".into()), ("name", stream.into()), ("text", text.into())]));
    });
}

fn show(model: &Arc<Model>, data: MimeBundle) {
    let [data, metadata] = data.into_parts();
    let content = |(name, content): (String, String), is_json: bool| {
        let value = is_json.then(|| json::from_text(&content).ok()).flatten();
        (name, value.unwrap_or(Value::Text(content)))
    };
    let data = data.into_iter().map(|field| {
        let is_json = field.0.ends_with("json");
        content(field, is_json)
    });
    let data = Value::Map(data.collect(), 0);
    let metadata = Value::Map(metadata.into_iter().map(|field| content(field, true)).collect(), 0);
    let output = map([("output_type", "display_data".into()), ("data", data), ("metadata", metadata)]);
    push(model, |outputs| outputs.push(output));
}

fn push(model: &Arc<Model>, add: impl FnOnce(&mut Vec<Value>)) {
    model.change(|state| {
        let outputs = state.fields.iter_mut().find(|(name, _)| *name == "outputs");
        if let Some((_, Value::Sequence(outputs, _))) = outputs {
            add(outputs);
        }
        ("outputs", true)
    });
}

/// A future that prints into an output; see [`Output::capture`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Capture<F> {
    model: Arc<Model>,
    _handle: Handle,
    future: F,
}

impl<F: Future> Future for Capture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: only `future` is pinned: it is never moved out of here, and this type has no drop of its own.
        let (model, future) = unsafe {
            let this = self.get_unchecked_mut();
            (&this.model, Pin::new_unchecked(&mut this.future))
        };
        let _entered = Inside::enter(model);
        future.poll(context)
    }
}

impl<F> fmt::Debug for Capture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
