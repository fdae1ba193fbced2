//! One file per type of request. A handler reads the content of its request and makes the content of the reply;
//! `busy`, `idle` and where the reply goes are not known here.

pub(crate) mod comm;
pub(crate) mod comm_info;
pub(crate) mod complete;
pub(crate) mod debug;
pub(crate) mod execute;
pub(crate) mod history;
pub(crate) mod input;
pub(crate) mod inspect;
pub(crate) mod interrupt;
pub(crate) mod is_complete;
pub(crate) mod kernel_info;
pub(crate) mod shutdown;
pub(crate) mod subshell;

use serde_json::{Value, json};

/// The type of the reply to a request.
pub(crate) fn reply_type(message_type: &str) -> String {
    format!("{}_reply", message_type.strip_suffix("_request").unwrap_or(message_type))
}

/// The reply to a request of a type that the kernel does not know.
pub(crate) fn unknown(message_type: &str) -> Value {
    error("UnknownRequest", &format!("Kissaten does not know what a `{message_type}` is"))
}

/// The reply to a request whose content is not what the spec says.
pub(crate) fn malformed(message_type: &str, cause: &serde_json::Error) -> Value {
    error("MalformedRequest", &format!("the content of this `{message_type}` cannot be understood: {cause}"))
}

/// A reply that is an [error](https://jupyter-client.readthedocs.io/en/stable/messaging.html#request-reply).
fn error(ename: &str, evalue: &str) -> Value {
    json!({"status": "error", "ename": ename, "evalue": evalue, "traceback": [format!("{ename}: {evalue}")]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_to_anything_has_a_type() {
        assert_eq!(reply_type("execute_request"), "execute_reply");
        assert_eq!(reply_type("dance_request"), "dance_reply");
        assert_eq!(unknown("dance_request")["status"], "error");
    }
}
