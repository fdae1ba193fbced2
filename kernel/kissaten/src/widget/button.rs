//! Buttons, and clicks on them.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;

use super::handle::{Handle, control, labelled, widget};
use super::kind::BUTTON;
use super::model::{Closed, Event};
use super::wait::EventWait;

/// A button that can be waited for.
///
/// ```no_run
/// # use kissaten::widget::Button;
/// # async fn cell() -> Result<(), kissaten::widget::Closed> {
/// let stop = Button::new("Stop").danger();
/// kissaten::display(&stop);
/// stop.clicked().await?;
/// # Ok(())
/// # }
/// ```
pub struct Button(Handle);

widget! { Button }
labelled! { Button }
control! { Button }

macro_rules! styles {
    ($($name:ident)*) => { $(
        /// The same in the colour of its name, as the page's theme has it.
        #[must_use]
        pub fn $name(self) -> Self {
            self.0.set("button_style", stringify!($name));
            self
        }
    )* };
}

impl Button {
    /// A button with this on it.
    pub fn new(label: &str) -> Self {
        let fields = vec![("description", label.into()), ("button_style", "".into()), ("disabled", false.into())];
        Self::of(Handle::new(&BUTTON, fields))
    }

    fn of(handle: Handle) -> Self {
        Self(handle)
    }

    styles! { primary success info warning danger }

    /// The same with a picture of [Font Awesome](https://fontawesome.com/v4/icons) 4 before its words, as `stop`.
    #[must_use]
    pub fn icon(self, name: &str) -> Self {
        self.0.set("icon", name);
        self
    }

    /// Clicks it, as the mouse does: whoever waits hears it.
    pub fn click(&self) {
        self.0.model().signalled();
    }

    /// Waits for a click that this handle has not heard of.
    ///
    /// # Errors
    /// [`Closed`], when there will be no more.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped: in a loop of `select!` each click is heard, also one that comes while another
    /// branch runs.
    pub fn clicked(&self) -> Click {
        Click(self.0.wait(Event::Signal))
    }

    /// All clicks from now on, until it is closed.
    pub fn clicks(&self) -> Clicks {
        Clicks(self.0.listen(Event::Signal))
    }
}

/// A future of a click; see [`Button::clicked`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Click(EventWait);

impl Future for Click {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(context).map(|state| state.map(drop))
    }
}

/// A stream of clicks; see [`Button::clicks`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Clicks(EventWait);

impl Stream for Clicks {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        self.0.poll(context).map(|state| state.ok().map(drop))
    }
}
