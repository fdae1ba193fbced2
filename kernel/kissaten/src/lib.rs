//! The session library: what a cell may name.
//!
//! It is compiled once, as a `dylib` that contains tokio and futures, and every cell links to it. So there is one
//! tokio with one set of thread-locals, however many libraries the cells become. It answers for the runtime, the
//! store of variables, and what cells print and display; it deliberately knows neither how it was loaded nor
//! where its outcomes and displays go: the worker asks for the first and gives a sink for the second.

mod awaited;
mod changes;
mod chunk;
pub mod comm;
mod ctrl_c;
pub mod display;
mod error;
mod grave;
mod guard;
mod here;
mod hint;
mod input;
mod interrupt;
mod label;
pub mod lesson;
mod live;
mod lock;
mod logger;
mod output;
mod panic;
mod payload;
mod pipe;
mod progress;
mod resident;
pub mod runtime;
mod shell;
mod store;
mod system;
mod task;
pub mod timeline;
mod trace;
mod wait;
pub mod widget;

#[doc(hidden)]
pub mod __cell;

pub use display::{
    Display, DisplayHandle, Html, Jpeg, Json, JsonError, Latex, Markdown, MimeBundle, Plain, Png, Svg, clear_output,
    display, display_under, display_with_id, table, update_display,
};
pub use futures;
pub use input::{input, input_password};
pub use payload::{page, set_next_input};
pub use progress::{Progress, progress, progress_stream};
pub use serde;
pub use task::{Task, TaskState, Tasks, tasks, watch_tasks};
pub use tokio;
pub use trace::timeline;
pub use wait::Wait;
