//! Requests: where each goes, and one file per type, which reads the content of its request and makes the content of the
//! reply. How a reply is sent is told by [`pending`], where it is promised that there is exactly one.

pub(crate) mod comm;
mod comm_info;
mod complete;
pub(crate) mod debug;
pub(crate) mod execute;
mod history;
pub(crate) mod input;
mod inspect;
mod is_complete;
mod kernel_info;
pub(crate) mod pending;
pub(crate) mod reply;
mod shutdown;
mod subshell;

use serde_json::{Value, json};

use self::pending::Pending;
use crate::{
    kernel::{Ending, Kernel},
    message::{Channel, Request},
};

/// Takes a message in: the one table of all types and channels.
///
/// Of requests only `execute_request` waits in a queue; all others are answered at once, also while a cell runs: a
/// frontend that connects to a busy kernel gets its `kernel_info_reply`, and nobody waits for a cell to look something up.
/// The control channel takes what must not wait behind cells, and all that the shell channel answers at once.
pub(crate) fn route(kernel: &mut Kernel, request: Request) {
    let channel = request.parent.channel;
    if channel == Channel::Stdin {
        // Here the kernel asks and the frontend replies, so nothing has a reply and nobody is busy with it.
        match request.message_type() {
            "input_reply" => kernel.execution.input_reply(&request),
            other => tracing::warn!("dropped a `{other}`, which has no business on the stdin channel"),
        }
        return;
    }
    let mut pending = Pending::new(request, kernel.outgoing.clone());
    if let Some(id) = &pending.parent().subshell_id
        && channel == Channel::Shell
        && !kernel.execution.has_subshell(id)
    {
        let reply = subshell::unknown(id);
        return refuse(pending, reply);
    }
    let kind = pending.request().message_type().to_owned();
    if (channel, kind.as_str()) == (Channel::Shell, "execute_request") {
        // It is busy when its turn has come.
        return kernel.execution.submit(pending);
    }
    pending.begin();
    let request = pending.request();
    match (channel, kind.as_str()) {
        (Channel::Shell, "comm_open" | "comm_msg" | "comm_close") => {
            match comm::read(request) {
                Some(comm) => kernel.execution.comm_from_frontend(comm, pending.parent()),
                None => tracing::warn!("dropped a `{kind}` that cannot be understood"),
            }
            pending.end();
        }
        (Channel::Control, "create_subshell_request") => pending.reply(Ok(subshell::create(&mut kernel.execution))),
        (Channel::Control, "delete_subshell_request") => {
            let reply = subshell::delete(&mut kernel.execution, request);
            pending.reply(reply);
        }
        (Channel::Control, "list_subshell_request") => pending.reply(Ok(subshell::list(&kernel.execution))),
        (_, "interrupt_request") => {
            kernel.execution.interrupt();
            // It was asked, which does not mean that it has ended.
            pending.reply(Ok(json!({"status": "ok"})));
        }
        (_, "shutdown_request") => match shutdown::reply(request) {
            // It leaves when the worker has ended.
            Ok(reply) => kernel.ending = Some(Ending::Asked { request: pending, reply }),
            Err(error) => pending.reply(Err(error)),
        },
        (_, "history_request") => match history::query(request) {
            Ok((query, output)) => {
                kernel.history.ask(query, move |entries| pending.reply(Ok(history::reply(entries, output))));
            }
            Err(error) => pending.reply(Err(error)),
        },
        (_, "complete_request") => {
            let (known, analyzer) = (kernel.execution.knowledge(), kernel.analysis.analyzer().clone());
            kernel.analysis.answer(async move {
                let reply = complete::reply(pending.request(), known, &analyzer).await;
                pending.reply(reply);
            });
        }
        (_, "inspect_request") => {
            let (known, analyzer) = (kernel.execution.knowledge(), kernel.analysis.analyzer().clone());
            let looker = kernel.execution.looker();
            kernel.analysis.answer(async move {
                let reply = inspect::reply(pending.request(), known, &analyzer, &looker).await;
                pending.reply(reply);
            });
        }
        // It takes as long as the code is long, so a thread makes it on which that is allowed.
        (_, "is_complete_request") => drop(tokio::task::spawn_blocking(move || {
            let reply = is_complete::reply(pending.request());
            pending.reply(reply);
        })),
        (_, "comm_info_request") => {
            let reply = comm_info::reply(&kernel.execution, request);
            pending.reply(reply);
        }
        (_, "kernel_info_request") => pending.reply(Ok(kernel_info::reply(kernel.execution.rustc_version()))),
        (_, "debug_request") => debug::answer(kernel, pending),
        (_, other) => refuse(pending, reply::unknown(other)),
    }
}

/// Replies that it cannot be done; what has no reply is dropped.
fn refuse(pending: Pending, reply: Value) {
    if pending.is_request() {
        pending.reply(Ok(reply));
    } else {
        tracing::debug!("dropped a `{}`: {}", pending.request().message_type(), reply["evalue"]);
        pending.end();
    }
}
