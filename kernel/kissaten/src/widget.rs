//! Widgets: sliders, buttons and their like, which the page shows and code of cells awaits.
//!
//! They are the models of [ipywidgets](https://ipywidgets.readthedocs.io), which the frontend draws (JupyterLab and
//! Notebook by the package `jupyterlab_widgets`). A widget is a value: as the last expression of a cell, and by
//! [`display`](crate::display()), it is shown; twice is two views of one model. Clones are handles of the same one.
//!
//! ```no_run
//! use kissaten::widget::{Button, Slider};
//!
//! # async fn cell() -> Result<(), kissaten::widget::Closed> {
//! let cups = Slider::new(0..=10).label("Cups");
//! let stop = Button::new("Stop");
//! kissaten::display(&cups);
//! kissaten::display(&stop);
//! loop {
//!     kissaten::tokio::select! {
//!         value = cups.changed() => println!("{} cups", value?),
//!         _ = stop.clicked() => break,
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **What is missed.** Within one cell and what it spawns, a handle hears all that happens after it was made or first
//! awaited, also between two calls, as in a loop: each click once, and of changes the latest. What happened before that
//! cell was run is the past: `button.clicked().await` waits for a new click.
//!
//! **The end.** When the last handle of a control is dropped, it is closed, and its views go. What can only be looked at
//! (labels, progress, outputs, rows and columns) stays in the page as it stands. Where the frontend has closed a widget,
//! or its last handle has gone, whoever waits for it gets the error [`Closed`].
//!
//! How messages travel is [`comm`](crate::comm)'s; who draws widgets is not known here.

mod button;
mod choice;
mod fallback;
mod flush;
mod group;
mod handle;
mod kind;
mod message;
mod model;
mod number;
mod output;
mod registry;
mod shown;
mod slider;
mod state;
mod text;
mod toggle;
mod wait;

pub use self::button::{Button, Click, Clicks};
pub use self::choice::Dropdown;
pub(crate) use self::flush::now as flush;
pub use self::group::{Column, Row, Widgets};
pub use self::handle::Widget;
pub use self::model::Closed;
pub use self::number::Numeric;
pub use self::output::{Capture, Output};
pub(crate) use self::output::{captures, captures_display};
pub(crate) use self::registry::{receive, shown_as_result};
pub use self::shown::{Html, Label};
pub use self::slider::{Progress, Slider};
pub use self::text::{Password, Submission, Text};
pub use self::toggle::{Checkbox, Toggle};
pub use self::wait::{Change, Changes};

#[cfg(test)]
mod tests;
