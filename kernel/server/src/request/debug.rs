//! [`debug_request`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#debug-request): there is no debugger,
//! as `kernel_info_reply` says, and a client that asks all the same is told so in both its languages.

use serde_json::{Value, json};

use crate::message::Request;

/// A response of the Debug Adapter Protocol that says no, and an error as all replies have them.
pub(crate) fn reply(request: &Request) -> Value {
    let sentence = "Kissaten has no debugger";
    let field = |name: &str| request.content.get(name).cloned().unwrap_or_default();
    let mut reply = super::reply::error("NotSupported", sentence);
    reply["type"] = "response".into();
    reply["seq"] = 0.into();
    reply["request_seq"] = field("seq");
    reply["command"] = field("command");
    reply["success"] = false.into();
    reply["message"] = sentence.into();
    reply["body"] = json!({});
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::request;

    #[test]
    fn the_response_names_its_request() {
        let content = json!({"type": "request", "seq": 7, "command": "debugInfo"});
        let reply = reply(&request("debug_request", content));
        assert_eq!(
            (&reply["request_seq"], &reply["command"], &reply["success"]),
            (&7.into(), &"debugInfo".into(), &false.into())
        );
        assert_eq!(super::reply(&request("debug_request", Value::Null))["status"], "error");
    }
}
