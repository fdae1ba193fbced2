//! `create_subshell_request`, `delete_subshell_request` and `list_subshell_request` of
//! [JEP 91](https://jupyter.org/enhancement-proposals/91-kernel-subshells/kernel-subshells.html). What a subshell does is
//! told by [`execution`](crate::execution).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{execution::Execution, message::Request};

#[derive(Deserialize)]
struct DeleteSubshell {
    subshell_id: String,
}

/// A new subshell.
pub(crate) fn create(execution: &mut Execution) -> Value {
    let id = execution.create_subshell();
    json!({"status": "ok", "subshell_id": id})
}

/// The subshell takes nothing more; its cell is interrupted, and its reply comes when it has ended.
pub(crate) fn delete(execution: &mut Execution, request: &Request) -> Result<Value, serde_json::Error> {
    let DeleteSubshell { subshell_id } = request.content()?;
    let is_deleted = execution.delete_subshell(&subshell_id);
    Ok(if is_deleted { json!({"status": "ok"}) } else { unknown(&subshell_id) })
}

/// The ids of all subshells; the main shell has none.
pub(crate) fn list(execution: &Execution) -> Value {
    let ids: Vec<_> = execution.subshells().collect();
    json!({"status": "ok", "subshell_id": ids})
}

/// The reply to a request for a subshell that there is not.
pub(crate) fn unknown(id: &str) -> Value {
    super::reply::error("UnknownSubshell", &format!("there is no subshell with the id `{id}`"))
}
