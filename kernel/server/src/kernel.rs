//! The kernel as requests find it: all that one can ask for. Which request asks for what is told by
//! [`request`](crate::request), and when by the [`dispatcher`](crate::dispatcher).

use serde_json::Value;

use crate::{
    analysis::Analysis,
    channel::Outgoing,
    execution::Execution,
    history::History,
    request::{debug::Panel, pending::Pending},
};

/// The kernel: its parts.
pub(crate) struct Kernel {
    pub(crate) outgoing: Outgoing,
    /// Cells.
    pub(crate) execution: Execution,
    /// What was run, also in other sessions.
    pub(crate) history: History,
    /// Answers about code.
    pub(crate) analysis: Analysis,
    /// What is known for the panels of variables.
    pub(crate) panel: Panel,
    /// Once it is there, the loop ends.
    pub(crate) ending: Option<Ending>,
}

/// The reason for which the kernel ends.
pub(crate) enum Ending {
    /// A `shutdown_request`, which is answered last.
    Asked { request: Pending, reply: Value },
    /// Nobody waits for an answer.
    Unasked(&'static str),
}
