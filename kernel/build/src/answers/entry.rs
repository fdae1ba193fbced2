//! The form of a remembered answer in its file: a head with the key and the lengths, the parts, and a checksum over all of it.
//! Whatever is not just that is no answer.

use serde::{Deserialize, Serialize};

use super::{Answer, AnswerKey, Inputs};

/// What a file begins with; the number is that of the form.
const MAGIC: &[u8; 16] = b"kissaten answer1";
const CHECKSUM: usize = 32;

#[derive(Serialize, Deserialize)]
struct Head {
    success: bool,
    said: usize,
    library: Option<usize>,
    inputs: Inputs,
}

fn checksum(bytes: &[u8]) -> ring::digest::Digest {
    ring::digest::digest(&ring::digest::SHA256, bytes)
}

pub(super) fn write(key: AnswerKey, answer: &Answer) -> Vec<u8> {
    let library = answer.library.as_deref();
    let head = Head {
        success: answer.success,
        said: answer.said.len(),
        library: library.map(<[u8]>::len),
        inputs: answer.inputs.clone(),
    };
    // Plain data, of which every form is one of JSON.
    let head = serde_json::to_vec(&head).unwrap_or_default();
    let length = head.len() + answer.said.len() + library.map_or(0, <[u8]>::len);
    let mut bytes = Vec::with_capacity(MAGIC.len() + 16 + 8 + length + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&key.0);
    bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&answer.said);
    bytes.extend_from_slice(library.unwrap_or_default());
    let sum = checksum(&bytes);
    bytes.extend_from_slice(sum.as_ref());
    bytes
}

pub(super) fn read(key: AnswerKey, bytes: &[u8]) -> Option<Answer> {
    let (content, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
    let rest = content.strip_prefix(MAGIC)?.strip_prefix(&key.0)?;
    if checksum(content).as_ref() != sum {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (head, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let (said, rest) = rest.split_at_checked(head.said)?;
    if rest.len() != head.library.unwrap_or(0) {
        return None;
    }
    let library = head.library.map(|_| rest.to_vec());
    Some(Answer { success: head.success, said: said.to_vec(), library, inputs: head.inputs })
}
