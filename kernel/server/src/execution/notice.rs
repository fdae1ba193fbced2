//! What the execution of cells tells itself through the kernel's queue of events: how far something is that was begun, and
//! what has to stand behind all that was received before it.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::oneshot;

use super::{look::Look, shell_id::ShellId};
use crate::message::Parent;

/// An event of the execution of cells: a word of something that was begun.
#[derive(Debug)]
pub(crate) enum Notice {
    /// How far the session library's build is.
    BuildProgress(build::Progress),
    /// How far the build of a cell's dependencies is.
    DependencyProgress(build::Progress),
    /// All that was received before a cell of this shell erred has been handled.
    AbortEnds(ShellId),
    /// Somebody wants to know the value of a variable.
    Look { what: Look, under: Arc<Parent>, sender: oneshot::Sender<Option<Value>> },
    /// `:quit`: the kernel ends, and all that has happened until now is told.
    Quits,
}
