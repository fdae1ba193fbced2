//! The wire of a publisher: ZMTP 3.0 as far as a socket needs it that publishes and hears subscriptions. Whom it writes to
//! and how long it waits is told by [`subscriber`](super::subscriber).
//!
//! All other channels leave this to the socket crate. Its XPUB (0.7.0) writes to one subscriber after the other, in the
//! order of a hash map, and has no way to leave one out: where one that stopped reading comes first, those behind it hear
//! nothing, not even `idle`. It takes no connection that was accepted elsewhere either, so that each could have a socket of
//! its own; and one more hop between two sockets would make iopub later than the reply on shell, and lose at the kernel's
//! end what is between them.
//!
//! See [ZMTP 3.0](https://rfc.zeromq.org/spec/23/).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::bytes::{BufMut, Bytes, BytesMut};

/// What both ends say first: a signature, the version 3.0, the mechanism `NULL`, and that it has no server.
const GREETING: [u8; 64] = {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    let (mechanism, mut n) = (b"NULL", 0);
    while n < mechanism.len() {
        greeting[12 + n] = mechanism[n];
        n += 1;
    }
    greeting
};

/// The command with which both ends say what kind of socket they are.
const READY: &[u8] = b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB";

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// The longest frame that is read: a subscriber sends topics alone.
const LONGEST: u64 = 64 * 1024;

/// What a subscriber says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Subscribe(Bytes),
    Cancel(Bytes),
}

/// A frame as it was read.
struct Frame {
    flags: u8,
    body: Bytes,
}

/// Does what comes before the first message, with whoever has connected. An error where that is no subscriber.
pub(super) async fn shake_hands(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    writer.write_all(&GREETING).await?;
    let mut greeting = [0; 64];
    // Whoever speaks something else is known by the first bytes, and may say no more.
    reader.read_exact(&mut greeting[..11]).await?;
    if greeting[0] != 0xff || greeting[9] & 1 == 0 || greeting[10] < 3 {
        return Err(wrong("no greeting of ZMTP 3"));
    }
    reader.read_exact(&mut greeting[11..]).await?;
    if greeting[12..32] != GREETING[12..32] {
        return Err(wrong("another mechanism than NULL"));
    }
    writer.write_all(READY).await?;
    let ready = frame(reader).await?;
    match ready.body.strip_prefix(b"\x05READY").and_then(socket_type) {
        Some(b"SUB" | b"XSUB") if ready.flags & COMMAND != 0 => Ok(()),
        _ => Err(wrong("not ready as a subscriber")),
    }
}

/// The next word of a subscriber. What is none is passed over, as far as it has the form of one.
///
/// # Cancel safety
/// None: a part of a frame may be lost.
pub(super) async fn hear(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Said> {
    loop {
        let first = frame(reader).await?;
        let mut more = first.flags & MORE != 0;
        let is_one = !more;
        while more {
            more = frame(reader).await?.flags & MORE != 0;
        }
        if let Some(said) = said(&first).filter(|_| is_one) {
            return Ok(said);
        }
    }
}

/// A message of these frames, as bytes.
pub(super) fn message<'a>(frames: impl Iterator<Item = &'a Bytes> + Clone) -> Bytes {
    let size = frames.clone().map(|frame| frame.len() + 9).sum();
    let mut bytes = BytesMut::with_capacity(size);
    let mut frames = frames.peekable();
    while let Some(frame) = frames.next() {
        let more = if frames.peek().is_some() { MORE } else { 0 };
        match u8::try_from(frame.len()) {
            Ok(short) => bytes.put_slice(&[more, short]),
            Err(_) => {
                bytes.put_u8(more | LONG);
                bytes.put_u64(frame.len() as u64);
            }
        }
        bytes.put_slice(frame);
    }
    bytes.freeze()
}

async fn frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let flags = reader.read_u8().await?;
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(wrong("a frame with reserved flags"));
    }
    let size = if flags & LONG == 0 { reader.read_u8().await?.into() } else { reader.read_u64().await? };
    let size =
        usize::try_from(size).ok().filter(|_| size <= LONGEST).ok_or_else(|| wrong("a frame that is too long"))?;
    let mut body = vec![0; size];
    reader.read_exact(&mut body).await?;
    Ok(Frame { flags, body: body.into() })
}

/// What a frame says. From 3.1 on a subscription is a command, before that a message.
fn said(frame: &Frame) -> Option<Said> {
    let behind = |start: &[u8]| frame.body.starts_with(start).then(|| frame.body.slice(start.len()..));
    let (subscribe, cancel): (&[u8], &[u8]) =
        if frame.flags & COMMAND == 0 { (b"\x01", b"\x00") } else { (b"\x09SUBSCRIBE", b"\x06CANCEL") };
    behind(subscribe).map(Said::Subscribe).or_else(|| behind(cancel).map(Said::Cancel))
}

/// The kind of socket, from the properties of a READY: names and values, each behind its length.
fn socket_type(mut properties: &[u8]) -> Option<&[u8]> {
    loop {
        let (name_length, rest) = properties.split_first()?;
        let (name, rest) = rest.split_at_checked((*name_length).into())?;
        let (value_length, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*value_length) as usize)?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            return Some(value);
        }
        properties = rest;
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(socket_type: &[u8]) -> Vec<u8> {
        let properties =
            [b"\x08Identity\0\0\0\x01x\x0bsocket-type\0\0\0".as_slice(), &[socket_type.len() as u8]].concat();
        let body = [b"\x05READY".as_slice(), &properties, socket_type].concat();
        [&[COMMAND, body.len() as u8], body.as_slice()].concat()
    }

    /// How the kernel takes these bytes, and what it answers.
    async fn check(bytes: &[u8]) -> (Result<(), String>, Vec<u8>) {
        let (mut reader, mut answer) = (bytes, Vec::new());
        let taken = shake_hands(&mut reader, &mut answer).await.map_err(|error| error.to_string());
        (taken, answer)
    }

    #[tokio::test]
    async fn a_subscriber_is_greeted() {
        for kind in [b"SUB".as_slice(), b"XSUB"] {
            let (taken, answer) = check(&[&GREETING, ready(kind).as_slice()].concat()).await;
            assert_eq!(taken, Ok(()));
            assert_eq!(answer, [&GREETING, READY].concat());
        }
        assert_eq!(READY.len() - 2, usize::from(READY[1]), "it says how long it is");
    }

    #[tokio::test]
    async fn who_is_none_is_refused() {
        let refused = async |bytes: &[u8]| check(bytes).await.0.unwrap_err();
        assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await, "no greeting of ZMTP 3");
        let mut old = GREETING;
        old[10] = 2;
        assert_eq!(refused(&old).await, "no greeting of ZMTP 3");
        let mut other = GREETING;
        other[12..16].copy_from_slice(b"CURV");
        assert_eq!(refused(&other).await, "another mechanism than NULL");
        for ready in [
            ready(b"DEALER"),
            b"\x00\x05hello".to_vec(),
            b"\x04\x06\x05READY".to_vec(),
            vec![4, 7, 5, b'R', b'E', b'A', b'D', b'Y', 9],
        ] {
            assert_eq!(refused(&[&GREETING, ready.as_slice()].concat()).await, "not ready as a subscriber");
        }
        assert_eq!(refused(&GREETING[..20]).await, "early eof");
    }

    #[tokio::test]
    async fn subscriptions_are_heard_in_both_forms() {
        let bytes = [
            b"\x00\x03\x01ab".as_slice(),
            b"\x00\x01\x00",
            b"\x00\x02hi",
            b"\x01\x02\x01x\x01\x00\x00\x01y",
            b"\x04\x0b\x09SUBSCRIBEk",
            b"\x04\x07\x06CANCEL",
            b"\x04\x05\x04PING",
            b"\x02\0\0\0\0\0\0\0\x02\x01z",
            b"\xf8\x01a",
        ]
        .concat();
        let mut reader = bytes.as_slice();
        let mut heard = Vec::new();
        let end = loop {
            match hear(&mut reader).await {
                Ok(said) => heard.push(said),
                Err(error) => break error.to_string(),
            }
        };
        let (subscribe, cancel) =
            (|topic| Said::Subscribe(Bytes::from_static(topic)), |topic| Said::Cancel(Bytes::from_static(topic)));
        assert_eq!(heard, [subscribe(b"ab"), cancel(b""), subscribe(b"k"), cancel(b""), subscribe(b"z")]);
        assert_eq!(end, "a frame with reserved flags");
    }

    #[tokio::test]
    async fn a_frame_has_a_longest() {
        for size in [LONGEST + 1, u64::MAX] {
            let bytes = [b"\x02".as_slice(), &size.to_be_bytes(), b"some"].concat();
            assert_eq!(hear(&mut bytes.as_slice()).await.unwrap_err().to_string(), "a frame that is too long");
        }
    }

    #[test]
    fn a_message_has_short_and_long_frames() {
        let long = Bytes::from(vec![7; 256]);
        let frames = [Bytes::from_static(b"topic"), Bytes::new(), long.clone()];
        let mut expected = b"\x01\x05topic\x01\x00\x02\0\0\0\0\0\0\x01\x00".to_vec();
        expected.extend(&long);
        assert_eq!(message(frames.iter()), expected);
        let longest_short = Bytes::from(vec![1; 255]);
        assert_eq!(message([longest_short].iter())[..2], [0, 255]);
    }
}
