//! Tasks: which there are, whose they are, and what they do.
//!
//! Tokio's hooks tell of every task that is spawned on the kernel's runtime, by whomever; the compiler's
//! instrumentation adds what the hooks do not see: the handle by which a task can be aborted, the name of its function,
//! and whether its end was an abort. What is drawn of it is [`trace`](crate::trace)'s.

pub(crate) mod branch;
pub(crate) mod carry;
mod hooks;
pub(crate) mod lane;
mod list;
mod name;
mod record;
mod unhooked;
mod view;

pub(crate) use hooks::id_number;
pub(crate) use hooks::install;
pub use list::{Task, TaskState, Tasks, tasks};
pub(crate) use list::{abort, abort_all, are_many, each_stand, place_of, tasks_and_cells, wants_abort};
pub(crate) use name::function_name;
pub(crate) use record::{Record, TypeName, now, panicked, polled_since};
pub(crate) use view::ends as ends_views;
pub use view::watch_tasks;
