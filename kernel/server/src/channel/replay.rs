//! Messages that came before: who has listened to the wire could send an honest client's message again, signature and
//! all, and a cell would run twice. As the reference implementation does, a signature is taken once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::HEXLOWER_PERMISSIVE;
use zeromq::ZmqMessage;

use crate::message::DELIMITER;

/// How many signatures are remembered: some 5 MB, and as many as the reference implementation has.
const REMEMBERED: usize = 65_536;

/// The signatures of all messages that were taken, over all channels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken(Arc<Mutex<Signatures>>);

#[derive(Debug, Default)]
struct Signatures {
    known: HashSet<Vec<u8>>,
    in_order: VecDeque<Vec<u8>>,
}

impl Taken {
    /// Remembers a signature; whether it is new. There is nothing to remember of a kernel without a key, where all are
    /// empty.
    pub(super) fn is_new(&self, signature: &Signature) -> bool {
        let Signature(bytes) = signature;
        if bytes.is_empty() {
            return true;
        }
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !history.known.insert(bytes.clone()) {
            return false;
        }
        history.in_order.push_back(bytes.clone());
        if history.in_order.len() > REMEMBERED
            && let Some(oldest) = history.in_order.pop_front()
        {
            history.known.remove(&oldest);
        }
        true
    }
}

/// A message's signature, as bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature(Vec<u8>);

impl Signature {
    /// Of a message that was not read yet. However its digits are written, it is the same.
    pub(super) fn of(frames: &ZmqMessage) -> Self {
        let signature = frames.iter().skip_while(|frame| &frame[..] != DELIMITER.as_bytes()).nth(1);
        let digits = signature.map(|frame| &frame[..]).unwrap_or_default();
        Self(HEXLOWER_PERMISSIVE.decode(digits).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::bytes::Bytes;

    use super::*;

    fn signature(frames: &[&str]) -> Signature {
        let frames: Vec<Bytes> = frames.iter().map(|frame| Bytes::copy_from_slice(frame.as_bytes())).collect();
        Signature::of(&frames.try_into().unwrap())
    }

    #[test]
    fn a_signature_is_taken_once() {
        let taken = Taken::default();
        let first = signature(&["id", "<IDS|MSG>", "00ff", "{}"]);
        assert!(taken.is_new(&first) && !taken.clone().is_new(&first));
        assert!(!taken.is_new(&signature(&["other", "<IDS|MSG>", "00FF", "{}"])));
        assert!(taken.is_new(&signature(&["<IDS|MSG>", "00fe"])));
        for frames in [&["<IDS|MSG>", ""][..], &["<IDS|MSG>"], &["a"]] {
            let unsigned = signature(frames);
            assert!(taken.is_new(&unsigned) && taken.is_new(&unsigned), "{frames:?}");
        }
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let taken = Taken::default();
        let number = |number: usize| Signature(number.to_be_bytes().to_vec());
        (0..=REMEMBERED).for_each(|at| assert!(taken.is_new(&number(at))));
        assert!(taken.is_new(&number(0)) && !taken.is_new(&number(REMEMBERED)));
        let history = taken.0.lock().unwrap();
        assert_eq!((history.known.len(), history.in_order.len()), (REMEMBERED, REMEMBERED));
    }
}
