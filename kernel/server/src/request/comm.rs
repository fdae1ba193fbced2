//! [`comm_open`, `comm_msg` and `comm_close`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages),
//! in both directions. They are no requests and have no reply, but are busy and idle all the same. Who is at the other
//! end is told by [`execution`](crate::execution).

use ipc::{Buffer, Comm, CommKind};
use jupyter_protocol::JupyterMessageContent;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::bytes::Bytes;

use crate::{
    channel::Outgoing,
    message::{Parent, Request, content},
};

#[derive(Deserialize)]
struct CommContent {
    comm_id: String,
    #[serde(default)]
    target_name: Option<String>,
    #[serde(default)]
    data: Value,
}

/// What a frontend says; `None` if it cannot be understood.
pub(crate) fn read(request: &Request) -> Option<Comm> {
    let CommContent { comm_id, target_name, data } = request.content().ok()?;
    let kind = match request.message_type() {
        "comm_open" => CommKind::Open { target: target_name? },
        "comm_msg" => CommKind::Message,
        _ => CommKind::Close,
    };
    let data = if data.is_null() { json!({}) } else { data };
    let metadata = request.metadata.as_object().cloned().unwrap_or_default();
    let buffers = request.buffers.iter().map(|bytes| Buffer(bytes.to_vec())).collect();
    Some(Comm { id: comm_id, kind, data, metadata, buffers })
}

/// Publishes what code of a cell says.
pub(crate) fn publish(comm: Comm, outgoing: &Outgoing, parent: Option<&Parent>) {
    let Comm { id, kind, data, metadata, buffers } = comm;
    let message = match kind {
        CommKind::Open { target } => content("comm_open", json!({"comm_id": id, "target_name": target, "data": data})),
        CommKind::Message => content("comm_msg", json!({"comm_id": id, "data": data})),
        CommKind::Close => close(&id, data),
    };
    let buffers = buffers.into_iter().map(|Buffer(bytes)| Bytes::from(bytes)).collect();
    outgoing.publish_whole(message, metadata, buffers, parent);
}

/// A comm is no more.
pub(crate) fn close(id: &str, data: Value) -> JupyterMessageContent {
    content("comm_close", json!({"comm_id": id, "data": data}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::request;

    #[test]
    fn what_is_left_out_has_a_sensible_value() {
        let open = read(&request("comm_open", json!({"comm_id": "7", "target_name": "slider"}))).unwrap();
        assert_eq!((open.kind, open.data), (CommKind::Open { target: "slider".to_owned() }, json!({})));
        let message = read(&request("comm_msg", json!({"comm_id": "7", "data": [1]}))).unwrap();
        assert_eq!((message.kind, message.data), (CommKind::Message, json!([1])));
        assert!(read(&request("comm_open", json!({"comm_id": "7"}))).is_none());
        assert!(read(&request("comm_close", json!({"comm_id": 7}))).is_none());
        assert!(read(&request("comm_close", json!(null))).is_none());
    }
}
