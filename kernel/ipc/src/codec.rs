//! Framing: a big-endian `u32` length, then that many bytes of JSON.
//!
//! It is what `tokio_util::codec::LengthDelimitedCodec` reads and writes by default, so the server frames with
//! that and calls [`encode`] and [`decode`] for the bodies; the worker, which has no async reader, uses [`read`]
//! and [`write`].

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The longest body that either side accepts, in bytes. A display may hold a large picture.
pub const MAX_FRAME: usize = 256 * 1024 * 1024;

/// Why a message could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    #[error("a message could not be encoded or decoded")]
    Json(#[from] serde_json::Error),
    #[error("the control socket failed")]
    Io(#[from] io::Error),
    #[error("a message of {0} bytes is longer than the limit of {MAX_FRAME}")]
    TooLong(usize),
}

/// The body of a frame.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    let body = serde_json::to_vec(message)?;
    if body.len() > MAX_FRAME { Err(CodecError::TooLong(body.len())) } else { Ok(body) }
}

/// The message in the body of a frame.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, CodecError> {
    Ok(serde_json::from_slice(body)?)
}

/// Writes one frame in a single `write_all`.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> Result<(), CodecError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(CodecError::TooLong(length));
    }
    let prefix = u32::try_from(length).map_err(|_| CodecError::TooLong(length))?;
    frame[..4].copy_from_slice(&prefix.to_be_bytes());
    Ok(to.write_all(&frame)?)
}

/// Reads one frame; `None` at the end of the stream between frames.
///
/// Blocks. The end of the stream inside a frame is an `UnexpectedEof` error.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<T>, CodecError> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < 4 {
        match from.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(CodecError::TooLong(length));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    decode(&body).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffer, CellId, Comm, CommKind, Event, Outcome, Report, Request};

    fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(message: T) {
        let mut bytes = Vec::new();
        write(&mut bytes, &message).unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(read::<T>(&mut from).unwrap(), Some(message));
        assert!(read::<T>(&mut from).unwrap().is_none());
    }

    #[test]
    fn messages_survive_the_wire() {
        round_trip(Request::Run {
            cell: CellId(3),
            label: "cell 3".into(),
            library: "/tmp/cell.so".into(),
            entry: "entry".into(),
            forget: vec!["x".into()],
            tell_all: true,
            timeline: true,
        });
        round_trip(Request::Shutdown);
        round_trip(Request::Again { cells: vec![CellId(1), CellId(2)] });
        round_trip(Request::Shell {
            cell: CellId(4),
            label: "cell 4".into(),
            script: crate::Script { shell: "sh".into(), text: "ls\n".into(), strict: true },
        });
        round_trip(crate::analyzer::Ask { id: 1, what: crate::analyzer::Wish::Complete, text: "x.".into(), cursor: 2 });
        round_trip(crate::analyzer::Tell::Answer { id: 1, answer: crate::analyzer::Answer::Nothing });
        round_trip(Request::Input { id: 7, answer: crate::InputAnswer::Line("a\n".into()) });
        for report in [
            Report::Tasks,
            Report::AbortTask { id: u64::MAX },
            Report::AbortTasks { label: None },
            Report::ExportTimeline { path: "/tmp/a.json".into() },
        ] {
            round_trip(Request::Report(report));
        }
        let comm = |kind| Comm {
            id: "喫".into(),
            kind,
            data: serde_json::json!({"value": [1.5, null]}),
            metadata: crate::MimeBundle::from_iter([("version".to_owned(), "2".into())]),
            buffers: vec![Buffer(Vec::new()), Buffer(vec![0, 255, 10])],
        };
        round_trip(Request::Comm(comm(CommKind::Open { target: "slider".into() })));
        round_trip(Request::Comm(comm(CommKind::Message)));
        round_trip(Event::Comm { cell: CellId(0), comm: comm(CommKind::Close) });
        round_trip(Event::Page { cell: CellId(1), data: crate::MimeBundle::new() });
        round_trip(Event::NextInput { cell: CellId(1), text: "\n".into() });
        round_trip(Event::CommTarget { name: "slider".into(), is_there: true });
        round_trip(Event::ProgramGroup { group: 4321, state: crate::GroupState::Left });
        round_trip(Event::Report(Ok(crate::MimeBundle::new())));
        round_trip(Event::Report(Err("there is no task 7".into())));
        round_trip(Event::Done {
            cell: CellId(u64::MAX),
            outcome: Outcome::Panic(crate::Panic { message: "böse\n".into(), location: None }),
            variables: crate::Variables {
                whole: true,
                there: vec![
                    crate::Variable {
                        name: "a".into(),
                        loan: Some(crate::Loan {
                            kind: crate::LoanKind::Place,
                            held_by: vec!["b".into(), String::new()],
                        }),
                    },
                    crate::Variable { name: "b".into(), loan: None },
                ],
                gone: vec!["c".into()],
            },
            kept: vec!["a".into()],
        });
    }

    #[test]
    fn a_torn_frame_is_an_error_and_an_end_between_frames_is_not() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Request::Shutdown).unwrap();
        for cut in 1..bytes.len() {
            assert!(read::<Request>(&mut &bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read::<Request>(&mut &bytes[..0]).unwrap().is_none());
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_it_is_allocated() {
        let bytes = u32::MAX.to_be_bytes();
        assert!(matches!(read::<Request>(&mut &bytes[..]), Err(CodecError::TooLong(_))));
    }

    #[test]
    fn an_unknown_message_is_an_error() {
        assert!(decode::<Request>(br#"{"type":"dance"}"#).is_err());
    }
}
