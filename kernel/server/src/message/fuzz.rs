//! Whatever arrives on a socket is read or refused, and no more: messages of the corpus (`fuzz/wire`), changed at random
//! for a bounded time (see `kissaten_fuzz`).

use jupyter_zmq_client::{Connection, RawMessage};
use kissaten_fuzz::Unstructured;
use tokio_util::bytes::Bytes;
use zeromq::ZmqMessage;

use super::{Channel, Request};
use crate::{request, request::execute};

/// A file of the corpus: frames, each behind its length as a little-endian `u32`.
fn frames(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk::<4>() {
        let length = (u32::from_le_bytes(*length) as usize).min(rest.len());
        let (frame, rest) = rest.split_at(length);
        frames.push(frame.to_vec());
        file = rest;
    }
    frames
}

fn corpus() -> Vec<Vec<Vec<u8>>> {
    let files = kissaten_fuzz::corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/wire")).unwrap();
    files.iter().map(|file| frames(file)).collect()
}

/// Some of the frames are other ones, or others' ones, or torn.
fn change(frames: &mut Vec<Vec<u8>>, corpus: &[Vec<Vec<u8>>], u: &mut Unstructured<'_>) -> kissaten_fuzz::Result<()> {
    for _ in 0..u.int_in_range(0..=4)? {
        if frames.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(frames.len())?;
        let length = frames[at].len();
        match u.int_in_range(0..=7)? {
            0 => drop(frames.remove(at)),
            1 => frames.insert(at, frames[at].clone()),
            2 => frames[at].truncate(u.int_in_range(0..=length)?),
            3 if length > 0 => frames[at][u.choose_index(length)?] = u.arbitrary()?,
            4 => frames[at].splice(0..0, u.arbitrary::<Vec<u8>>()?).for_each(drop),
            5 => frames[at] = u.choose(corpus)?.get(at).cloned().unwrap_or_default(),
            6 if length > 0 => {
                let from = u.choose_index(length)?;
                let piece =
                    *u.choose(&[&b"null"[..], b"{}", b"[[[[[[", b"\"", b"1e999", b"\\ud800", b"-0", b"\xff"])?;
                frames[at].splice(from..from, piece.iter().copied());
            }
            _ => {
                let other = u.choose_index(frames.len())?;
                frames.swap(at, other);
            }
        }
    }
    Ok(())
}

/// What becomes of the frames: nothing panics.
fn target(frames: &[Vec<u8>]) {
    let message = || {
        let frames: Vec<Bytes> = frames.iter().cloned().map(Bytes::from).collect();
        ZmqMessage::try_from(frames).ok()
    };
    let Some(unsigned) = message() else { return };
    let keyed = Connection::new(<zeromq::RouterSocket as zeromq::Socket>::new(), "key", "").mac;
    let signed = message().map(|message| RawMessage::from_multipart(message, &keyed));
    assert!(!matches!(signed, Some(Ok(_))), "nobody guesses a signature");
    let Ok(raw) = RawMessage::from_multipart(unsigned, &None) else { return };
    let identities = raw.zmq_identities.clone();
    let Ok(request) = Request::from_raw(raw, Channel::Shell) else { return };
    assert_eq!(request.parent.identities, identities);
    if let Ok(content) = request.content::<execute::ExecuteRequest>() {
        let _ = content.is_counted();
    }
    let _ = request::comm::read(&request);
    let _ = request::debug::at_once(&request::debug::Panel::default(), &request);
    assert_eq!(request::reply::reply_type(request.message_type()).matches("_reply").count().min(1), 1);
}

/// The wire crate's connection wants a runtime.
fn in_runtime(run: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    run();
}

#[test]
fn the_corpus() {
    in_runtime(|| corpus().iter().for_each(|frames| target(frames)));
}

#[test]
fn changed_messages() {
    let corpus = corpus();
    in_runtime(|| {
        kissaten_fuzz::try_out(|u| {
            let mut frames = u.choose(&corpus)?.clone();
            change(&mut frames, &corpus, u)?;
            target(&frames);
            Ok(())
        });
    });
}
