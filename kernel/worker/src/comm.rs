//! Messages of comms in the session library's form, where JSON is text, and in that of the control socket.

use ipc::{Buffer, Comm, CommKind};
use kissaten::comm::Message;
use kissaten::runtime::{Packet, PacketKind};
use serde_json::Value;

/// What code of a cell says.
pub(crate) fn sent(packet: Packet) -> Comm {
    let Packet { id, kind, message } = packet;
    let kind = match kind {
        PacketKind::Open { target } => CommKind::Open { target },
        PacketKind::Message => CommKind::Message,
        PacketKind::Close => CommKind::Close,
    };
    let (data, metadata, buffers) = message.into_parts();
    Comm {
        id,
        kind,
        data: serde_json::from_str(&data).unwrap_or(Value::String(data)),
        // What is no object has no place in a message.
        metadata: serde_json::from_str(&metadata).unwrap_or_default(),
        buffers: buffers.into_iter().map(Buffer).collect(),
    }
}

/// What a frontend says.
pub(crate) fn received(comm: Comm) -> Packet {
    let Comm { id, kind, data, metadata, buffers } = comm;
    let kind = match kind {
        CommKind::Open { target } => PacketKind::Open { target },
        CommKind::Message => PacketKind::Message,
        CommKind::Close => PacketKind::Close,
    };
    let buffers = buffers.into_iter().map(|Buffer(bytes)| bytes).collect();
    let message = Message::from_parts(data.to_string(), Value::Object(metadata).to_string(), buffers);
    Packet { id, kind, message }
}
