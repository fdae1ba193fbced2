//! What a client sends, as far as all requests are alike: header, identities, and content that is still untyped.
//!
//! Framing and signatures are the wire crate's. Its typed contents are not used for reading: one malformed or unknown
//! content would lose the whole message there, and every request has to get its reply.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use jupyter_protocol::{Header, JupyterMessage, JupyterMessageContent, UnknownMessage};
use jupyter_zmq_client::RawMessage;
use ring::hmac;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::bytes::Bytes;
use zeromq::ZmqMessage;

/// What stands between the identities and the signature.
pub(crate) const DELIMITER: &str = "<IDS|MSG>";

/// The socket that a request came from and that its reply goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Shell,
    Control,
    Stdin,
}

/// The parent of answers and outputs: what they need to know of their request.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) channel: Channel,
    pub(crate) identities: Vec<Bytes>,
    pub(crate) header: Header,
    /// The subshell that the header names; none: the main shell.
    pub(crate) subshell_id: Option<Arc<str>>,
}

/// A request whose signature was right.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) parent: Arc<Parent>,
    /// If it is a reply to a question of the kernel's and says so: the id of the question's message.
    pub(crate) question: Option<String>,
    pub(crate) metadata: Value,
    pub(crate) content: Value,
    /// Bytes behind the content, as comms have them.
    pub(crate) buffers: Vec<Bytes>,
}

/// An error of a message, which has to be dropped: there is nothing in it that a reply could refer to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("the header is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the header is not an object")]
    NotAnObject,
    #[error("the header has no `{0}`")]
    Missing(&'static str),
    #[error("the header cannot be understood")]
    Header(#[source] serde_json::Error),
}

impl Request {
    /// Reads the header; content and metadata that are not JSON become `null`, and it is for the request's own
    /// handler to reply that this is not what it needs.
    pub(crate) fn from_raw(raw: RawMessage, channel: Channel) -> Result<Self, MessageError> {
        let (header, subshell_id) = header(&raw.jparts[0])?;
        let buffers = raw.jparts.get(4..).unwrap_or_default().to_vec();
        let value = |part: &Bytes| serde_json::from_slice(part).unwrap_or(Value::Null);
        Ok(Self {
            question: question(&value(&raw.jparts[1])),
            metadata: value(&raw.jparts[2]),
            content: value(&raw.jparts[3]),
            buffers,
            parent: Arc::new(Parent { channel, identities: raw.zmq_identities, header, subshell_id }),
        })
    }

    /// The header's `msg_type`.
    pub(crate) fn message_type(&self) -> &str {
        &self.parent.header.msg_type
    }

    /// The content as the handler of this type of request wants it.
    pub(crate) fn content<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.content)
    }
}

/// A message of the kernel's own.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) message: JupyterMessage,
    /// What the parent's header has as its `subshell_id`.
    pub(crate) subshell_id: Option<Arc<str>>,
}

impl Outbound {
    /// As frames, signed if there is a key. The wire crate would leave out what its header has no field for, and a
    /// frontend finds a subshell's messages by it.
    pub(crate) fn into_frames(self, key: Option<&hmac::Key>) -> Result<ZmqMessage, serde_json::Error> {
        let Self { message, subshell_id } = self;
        let mut parent = match &message.parent_header {
            Some(header) => serde_json::to_value(header)?,
            None => Value::Object(Map::new()),
        };
        if let Some(id) = subshell_id {
            parent["subshell_id"] = Value::from(&*id);
        }
        let parts = [
            serde_json::to_vec(&message.header)?,
            serde_json::to_vec(&parent)?,
            serde_json::to_vec(&message.metadata)?,
            serde_json::to_vec(&message.content)?,
        ];
        let signature = key.map(|key| {
            let mut context = hmac::Context::with_key(key);
            parts.iter().for_each(|part| context.update(part));
            HEXLOWER.encode(context.sign().as_ref())
        });
        let mut frames = ZmqMessage::from(DELIMITER);
        frames.push_back(signature.unwrap_or_default().into());
        parts.into_iter().map(Bytes::from).chain(message.buffers).for_each(|part| frames.push_back(part));
        message.zmq_identities.into_iter().rev().for_each(|identity| frames.push_front(identity));
        Ok(frames)
    }
}

/// Content that the wire crate has no type for, or a type that is too narrow.
pub(crate) fn content(message_type: impl Into<String>, content: Value) -> JupyterMessageContent {
    UnknownMessage { msg_type: message_type.into(), content }.into()
}

/// About how many bytes a bundle has on the wire.
pub(crate) fn bundle_size(bundle: &Map<String, Value>) -> usize {
    bundle.iter().map(|(name, value)| name.len() + size(value)).sum()
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 6,
        Value::String(text) => text.len() + 3,
        Value::Array(values) => values.iter().map(size).sum::<usize>() + 2,
        Value::Object(fields) => bundle_size(fields) + 4 * fields.len() + 2,
    }
}

/// The question that a parent header is of. Some clients leave it out, and others put something else there.
fn question(parent_header: &Value) -> Option<String> {
    let field = |name| parent_header.get(name).and_then(Value::as_str);
    field("msg_type").filter(|kind| *kind == "input_request")?;
    field("msg_id").map(str::to_owned)
}

/// Type and id are what no message can do without; all other fields have sensible values if a client leaves them out.
/// A subshell stands beside them, for which the wire crate has no field.
fn header(part: &[u8]) -> Result<(Header, Option<Arc<str>>), MessageError> {
    let mut fields: Map<String, Value> = match serde_json::from_slice(part).map_err(MessageError::NotJson)? {
        Value::Object(fields) => fields,
        _ => return Err(MessageError::NotAnObject),
    };
    for name in ["msg_type", "msg_id"] {
        if !fields.get(name).is_some_and(Value::is_string) {
            return Err(MessageError::Missing(name));
        }
    }
    for (name, value) in [("username", ""), ("session", ""), ("version", "5.0")] {
        if !fields.get(name).is_some_and(Value::is_string) {
            fields.insert(name.to_owned(), value.into());
        }
    }
    let subshell_id = fields.remove("subshell_id").and_then(|id| id.as_str().map(Arc::from));
    let header = serde_json::from_value(Value::Object(fields)).map_err(MessageError::Header)?;
    Ok((header, subshell_id))
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
pub(crate) mod tests {
    use jupyter_zmq_client::Connection;
    use serde_json::json;

    use super::*;

    /// A request as a client would send it.
    pub(crate) fn request(message_type: &str, content: Value) -> Request {
        let header = json!({"msg_id": "1", "msg_type": message_type, "session": "client session"});
        let parts = [header, json!({}), json!({}), content].map(|part| Bytes::from(part.to_string()));
        let raw = RawMessage { zmq_identities: vec![Bytes::from_static(b"client")], jparts: parts.to_vec() };
        Request::from_raw(raw, Channel::Shell).unwrap()
    }

    fn check(frames: &[&str], key: &str) -> Result<Request, String> {
        let key = Connection::new(<zeromq::RouterSocket as zeromq::Socket>::new(), key, "").mac;
        let frames: Vec<Bytes> = frames.iter().map(|frame| Bytes::copy_from_slice(frame.as_bytes())).collect();
        let raw = RawMessage::from_multipart(frames.try_into().unwrap(), &key).map_err(|error| error.to_string())?;
        Request::from_raw(raw, Channel::Shell).map_err(|error| error.to_string())
    }

    const HEADER: &str = r#"{"msg_id": "1", "msg_type": "execute_request"}"#;

    #[tokio::test]
    async fn a_header_needs_no_more_than_type_and_id() {
        let request = check(&["id", "<IDS|MSG>", "", HEADER, "{}", "null", "oops"], "").unwrap();
        assert_eq!(request.message_type(), "execute_request");
        assert_eq!(request.parent.identities, ["id"]);
        assert_eq!((&request.metadata, &request.content), (&Value::Null, &Value::Null));
    }

    #[tokio::test]
    async fn an_answer_names_its_question() {
        let question = |parent| check(&["<IDS|MSG>", "", HEADER, parent, "{}", "{}"], "").unwrap().question;
        assert_eq!(question(r#"{"msg_id": "7", "msg_type": "input_request"}"#).as_deref(), Some("7"));
        for other in ["{}", "null", "oops", r#"{"msg_id": "7", "msg_type": "execute_request"}"#] {
            assert_eq!(question(other), None);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_an_error() {
        for header in ["", "[]", "{}", r#"{"msg_id": "1"}"#, r#"{"msg_type": "x", "msg_id": 7}"#] {
            assert!(check(&["<IDS|MSG>", "", header, "{}", "{}", "{}"], "").is_err(), "{header}");
        }
        assert!(check(&["no", "delimiter"], "").is_err());
        assert!(check(&["<IDS|MSG>", "", HEADER], "").is_err());
    }

    #[tokio::test]
    async fn what_is_sent_can_be_read() {
        let connection = Connection::new(<zeromq::RouterSocket as zeromq::Socket>::new(), "key", "");
        for id in [None, Some("subshell-1")] {
            let mut message = JupyterMessage::new(content("comm_msg", json!({"comm_id": "7"})), None);
            message.zmq_identities = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
            message.buffers = vec![Bytes::from_static(b"\xff")];
            message.parent_header = Some(request("comm_msg", json!({})).parent.header.clone());
            let outbound = Outbound { message, subshell_id: id.map(Arc::from) };
            let frames = outbound.into_frames(connection.mac.as_ref()).unwrap();
            let raw = RawMessage::from_multipart(frames, &connection.mac).unwrap();
            let parent: Value = serde_json::from_slice(&raw.jparts[1]).unwrap();
            assert_eq!(parent.get("subshell_id").and_then(Value::as_str), id);
            let read = Request::from_raw(raw, Channel::Shell).unwrap();
            assert_eq!((read.message_type(), &read.content), ("comm_msg", &json!({"comm_id": "7"})));
            assert_eq!(
                (&read.parent.identities[..], &read.buffers[..]),
                (&["a", "b"].map(Bytes::from)[..], &[Bytes::from_static(b"\xff")][..])
            );
        }
    }

    #[tokio::test]
    async fn a_header_may_name_a_subshell() {
        for (field, expected) in
            [("\"subshell_id\": \"s\"", Some("s")), ("\"subshell_id\": null", None), ("\"a\": 1", None)]
        {
            let header = format!("{{{field}, \"msg_id\": \"1\", \"msg_type\": \"execute_request\"}}");
            let request = check(&["<IDS|MSG>", "", &header, "{}", "{}", "{}"], "").unwrap();
            assert_eq!(request.parent.subshell_id.as_deref(), expected);
        }
    }

    #[tokio::test]
    async fn signatures_are_checked() {
        let signature = "8af4a1ca4a67a2ae3c2a0d3c2c9f9f94d0b4ba3ddbe2cbd1a8cc3cbcb3d9d9d8";
        for wrong in [signature, "", "zz", "00"] {
            assert!(check(&["<IDS|MSG>", wrong, HEADER, "{}", "{}", "{}"], "key").is_err(), "{wrong}");
        }
        // HMAC-SHA256 of the four parts under `key`.
        let right = "dcaff4c391dbfc846de0d947d718aae8f93eaece44de2a5b0fb7e0bb85880882";
        assert!(check(&["<IDS|MSG>", right, HEADER, "{}", "{}", "{}"], "key").is_ok());
    }
}
