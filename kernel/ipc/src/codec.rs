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
mod tests;
