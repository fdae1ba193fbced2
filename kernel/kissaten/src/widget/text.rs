//! Fields to write in.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime;
use tokio::time::{Sleep, sleep_until};

use super::handle::{Handle, control, labelled, value, widget};
use super::kind::{PASSWORD, TEXT, WidgetKind};
use super::model::{Closed, Event};
use super::state::{self, Fields};
use super::wait::EventWait;

fn value(fields: &Fields) -> String {
    state::text(state::field(fields, "value")).to_owned()
}

fn field(kind: &'static WidgetKind, label: &str) -> Handle {
    let fields = [("description", label), ("value", ""), ("placeholder", "\u{200b}")];
    let fields = fields.into_iter().map(|(name, text)| (name, text.into()));
    Handle::new(kind, fields.chain([("disabled", false.into()), ("continuous_update", true.into())]).collect())
}

macro_rules! fields {
    ($($(#[$doc:meta])* $type:ident $kind:ident)*) => { $(
        $(#[$doc])*
        pub struct $type(Handle);

        widget! { $type }
        labelled! { $type }
        control! { $type }
        value! { $type, String, value }

        impl $type {
            /// An empty field with these words before it.
            pub fn new(label: &str) -> Self {
                Self::of(field(&$kind, label))
            }

            fn of(handle: Handle) -> Self {
                Self(handle)
            }

            /// The same with this written in it.
            #[must_use]
            pub fn with_value(self, text: &str) -> Self {
                self.set(text);
                self
            }

            /// The same with words that stand there while it is empty.
            #[must_use]
            pub fn placeholder(self, words: &str) -> Self {
                self.0.set("placeholder", words);
                self
            }

            /// Writes this in place of what stands there.
            pub fn set(&self, text: &str) {
                self.0.set("value", text);
            }

            /// Submits what is written, as Enter does.
            pub fn submit(&self) {
                self.0.model().signalled();
            }

            /// Waits for Enter, and gives what is written then.
            ///
            /// # Errors
            /// [`Closed`], when there will be no more.
            ///
            /// # Cancel safety
            /// Nothing is lost when it is dropped.
            pub fn submitted(&self) -> Submission {
                Submission { wait: self.0.wait(Event::Signal), settling: None }
            }
        }
    )* };
}

fields! {
    /// A field for a line of text. Each key is a change, Enter submits it.
    ///
    /// ```no_run
    /// # use kissaten::widget::Text;
    /// # async fn cell() -> Result<(), kissaten::widget::Closed> {
    /// let name = Text::new("Name").placeholder("Ada");
    /// kissaten::display(&name);
    /// println!("Hello, {}!", name.submitted().await?);
    /// # Ok(())
    /// # }
    /// ```
    Text TEXT
    /// The same for what nobody is to read: dots are shown. It is not kept secret from the notebook's file, where that is
    /// saved with its widgets.
    Password PASSWORD
}

/// A future of a text that is submitted; see [`Text::submitted`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Submission {
    wait: EventWait,
    /// Enter was pressed, and the page may hold the last key back.
    settling: Option<Pin<Box<Sleep>>>,
}

impl Future for Submission {
    type Output = Result<String, Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { wait, settling } = &mut *self;
        if settling.is_none() {
            let settled = match wait.look(context) {
                Poll::Ready(Ok(state)) => state.settled,
                Poll::Ready(Err(closed)) => return Poll::Ready(Err(closed)),
                Poll::Pending => return Poll::Pending,
            };
            // Without a runtime there are no timers.
            if let Some(settled) = settled.filter(|_| runtime::Handle::try_current().is_ok()) {
                *settling = Some(Box::pin(sleep_until(settled.into())));
            }
        }
        if let Some(sleep) = settling
            && sleep.as_mut().poll(context).is_pending()
        {
            return Poll::Pending;
        }
        *settling = None;
        // Only now is it heard, so that nothing is lost where this was dropped before.
        wait.poll(context).map(|state| state.map(|state| value(&state.fields)))
    }
}
