//! Bytes to text. What is not UTF-8 is replaced; a character that is torn between two reads is not.

use std::mem;

/// A decoder of one stream of one run.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The first bytes of a character whose rest has not come yet: three at most.
    torn: Vec<u8>,
}

impl Decoder {
    /// Takes more bytes and hands back what they are.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> String {
        let joined;
        let bytes = if self.torn.is_empty() {
            bytes
        } else {
            joined = [mem::take(&mut self.torn).as_slice(), bytes].concat();
            &joined
        };
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && begins_a_character(invalid) {
                self.torn = invalid.to_vec();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self) -> &'static str {
        if mem::take(&mut self.torn).is_empty() { "" } else { "\u{fffd}" }
    }

    /// Whether it waits for the rest of a character.
    pub(super) fn is_torn(&self) -> bool {
        !self.torn.is_empty()
    }
}

/// Whether the bytes could become one character if more came.
fn begins_a_character(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(reads: &[&[u8]]) -> String {
        let mut decoder = Decoder::default();
        let mut text: String = reads.iter().map(|read| decoder.decode(read)).collect();
        text.push_str(decoder.finish());
        assert!(!decoder.is_torn());
        text
    }

    #[test]
    fn characters_torn_at_any_place_are_whole_again() {
        let text = "aä€😀\u{301}z";
        let bytes = text.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                assert_eq!(decode(&[&bytes[..first], &bytes[first..second], &bytes[second..]]), text);
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&single), text);
    }

    #[test]
    fn what_is_not_utf_8_is_replaced_and_nothing_after_it_is_lost() {
        assert_eq!(decode(&[b"a\xffb"]), "a\u{fffd}b");
        assert_eq!(decode(&[b"a\xf0\x9f", b"b"]), "a\u{fffd}b");
        assert_eq!(decode(&[b"end\xe2\x82"]), "end\u{fffd}");
        assert_eq!(decode(&[b"\x80", b"\x80"]), "\u{fffd}\u{fffd}");
    }
}
