//! `create_subshell_request`, `delete_subshell_request` and `list_subshell_request` of
//! [JEP 91](https://jupyter.org/enhancement-proposals/91-kernel-subshells/kernel-subshells.html). What a subshell does is
//! told by [`execution`](crate::execution).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{dispatcher::Kernel, message::Request};

#[derive(Deserialize)]
struct Content {
    subshell_id: String,
}

/// A new subshell.
pub(crate) fn create(kernel: &mut Kernel) -> Value {
    let id = kernel.execution.create_subshell();
    json!({"status": "ok", "subshell_id": &*id})
}

/// The subshell takes nothing more; its cell is interrupted, and its reply comes when it has ended.
pub(crate) fn delete(kernel: &mut Kernel, request: &Request) -> Result<Value, serde_json::Error> {
    let Content { subshell_id } = request.content()?;
    let is_deleted = kernel.execution.delete_subshell(&subshell_id);
    Ok(if is_deleted { json!({"status": "ok"}) } else { unknown(&subshell_id) })
}

/// The ids of all subshells; the main shell has none.
pub(crate) fn list(kernel: &Kernel) -> Value {
    let ids: Vec<_> = kernel.execution.subshells().iter().map(|id| id.to_string()).collect();
    json!({"status": "ok", "subshell_id": ids})
}

/// The reply to a request for a subshell that there is not.
pub(crate) fn unknown(id: &str) -> Value {
    super::error("UnknownSubshell", &format!("there is no subshell with the id `{id}`"))
}
