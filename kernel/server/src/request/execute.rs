//! [`execute_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute): its content, and its
//! reply. How a cell is run is told by [`execution`](crate::execution).

use ipc::MimeBundle;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::execution::failure::Failure;

/// The content of an `execute_request`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct ExecuteRequest {
    pub(crate) code: String,
    /// Nothing is published but the status, and the cell is not counted.
    #[serde(default)]
    pub(crate) silent: bool,
    /// Whether the cell is counted.
    #[serde(default = "yes")]
    store_history: bool,
    /// Expressions that are evaluated after the cell, by name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) user_expressions: Map<String, Value>,
    /// Whether the frontend takes questions. Where that is left out, nobody has said so.
    #[serde(default)]
    pub(crate) allow_stdin: bool,
    /// Whether cells that wait are given up when this one errs.
    #[serde(default = "yes")]
    pub(crate) stop_on_error: bool,
}

impl ExecuteRequest {
    /// Nothing to run, and nothing to show.
    pub(crate) fn silent() -> Self {
        Self {
            code: String::new(),
            silent: true,
            store_history: false,
            user_expressions: Map::new(),
            allow_stdin: false,
            stop_on_error: false,
        }
    }

    /// Whether the execution count goes up.
    pub(crate) fn is_counted(&self) -> bool {
        self.store_history && !self.silent
    }
}

/// A payload: something that the frontend is to do when it has a cell's reply. See
/// [payloads](https://jupyter-client.readthedocs.io/en/stable/messaging.html#payloads-deprecated).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Payload {
    /// A frontend that has only this kernel is to end as well.
    AskExit,
    /// Something for its pager.
    Page { data: MimeBundle },
    /// Puts a text into the next cell, or in the place of the present one.
    SetNextInput { text: String, replace: bool },
}

impl Payload {
    fn to_json(&self) -> Value {
        match self {
            Self::AskExit => json!({"source": "ask_exit", "keepkernel": false}),
            Self::Page { data } => json!({"source": "page", "data": data, "start": 0}),
            Self::SetNextInput { text, replace } => {
                json!({"source": "set_next_input", "text": text, "replace": replace})
            }
        }
    }
}

/// The reply to a cell that ran.
pub(crate) fn reply(
    execution_count: usize,
    result: Result<&Map<String, Value>, &Failure>,
    payloads: &[Payload],
) -> Value {
    let payload: Vec<Value> = payloads.iter().map(Payload::to_json).collect();
    match result {
        Ok(user_expressions) => json!({
            "status": "ok",
            "execution_count": execution_count,
            "user_expressions": user_expressions,
            "payload": payload,
        }),
        Err(failure) => json!({
            "status": "error",
            "execution_count": execution_count,
            "ename": failure.ename,
            "evalue": failure.evalue,
            "traceback": failure.traceback,
            "user_expressions": {},
            "payload": payload,
        }),
    }
}

/// The reply to a cell that was not run, because one before it erred. The spec has come to prefer `error` here, but
/// `aborted` is what frontends know from the Python kernel, and they show the cell as not run.
pub(crate) fn aborted(execution_count: usize) -> Value {
    json!({"status": "aborted", "execution_count": execution_count, "user_expressions": {}, "payload": []})
}

fn yes() -> bool {
    true
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_objects_with_a_source() {
        let text = "1".to_owned();
        let reply = reply(3, Ok(&Map::new()), &[Payload::SetNextInput { text, replace: true }, Payload::AskExit]);
        let expected = json!([
            {"source": "set_next_input", "text": "1", "replace": true},
            {"source": "ask_exit", "keepkernel": false},
        ]);
        assert_eq!(reply["payload"], expected);
    }

    #[test]
    fn what_is_left_out_has_the_specs_default() {
        let content: ExecuteRequest = serde_json::from_value(json!({"code": "1", "user_expressions": null})).unwrap();
        assert!(content.is_counted() && content.stop_on_error && content.user_expressions.is_empty());
        assert!(!content.allow_stdin);
        let content: ExecuteRequest = serde_json::from_value(json!({"code": "1", "silent": true})).unwrap();
        assert!(!content.is_counted());
        assert!(serde_json::from_value::<ExecuteRequest>(json!({"silent": true})).is_err());
        assert!(serde_json::from_value::<ExecuteRequest>(Value::Null).is_err());
    }
}
