//! What all replies have in common: how their type is called, and what they say where a request cannot be done.

use serde_json::{Value, json};

/// The type of the reply to a request.
pub(crate) fn reply_type(message_type: &str) -> String {
    format!("{}_reply", message_type.strip_suffix("_request").unwrap_or(message_type))
}

/// The reply to a request of a type that the kernel does not know.
pub(super) fn unknown(message_type: &str) -> Value {
    error("UnknownRequest", &format!("Kissaten does not know what a `{message_type}` is"))
}

/// The reply to a request whose content is not what the spec says.
pub(super) fn malformed(message_type: &str, cause: &serde_json::Error) -> Value {
    error("MalformedRequest", &format!("the content of this `{message_type}` cannot be understood: {cause}"))
}

/// A reply that is an [error](https://jupyter-client.readthedocs.io/en/stable/messaging.html#request-reply).
pub(super) fn error(ename: &str, evalue: &str) -> Value {
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
