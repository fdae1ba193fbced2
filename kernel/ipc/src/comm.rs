//! Comms: what a frontend and code of a cell say to one another, either way.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

/// A message of a comm, as the messaging spec has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comm {
    /// The spec's `comm_id`, chosen by whoever opened it.
    pub id: String,
    pub kind: CommKind,
    pub data: Value,
    #[serde(default)]
    pub metadata: Map<String, Value>,
    #[serde(default)]
    pub buffers: Vec<Buffer>,
}

/// Which of the three messages it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommKind {
    /// `comm_open`
    Open {
        /// The spec's `target_name`.
        target: String,
    },
    /// `comm_msg`
    Message,
    /// `comm_close`
    Close,
}

/// Bytes, which are base64 on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer(pub Vec<u8>);

impl Serialize for Buffer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Buffer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_base64_is_no_buffer() {
        for (text, bytes) in [("\"\"", Some(vec![])), ("\"AP8=\"", Some(vec![0, 255])), ("\"A\"", None), ("7", None)] {
            assert_eq!(serde_json::from_str::<Buffer>(text).ok(), bytes.map(Buffer), "{text}");
        }
    }
}
