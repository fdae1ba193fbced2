//! What user code prints, on its way from the pipes to `stream` messages: bytes become text, evcxr's displays on stdout
//! are told apart from it, and small pieces are joined. Under which request a message goes out is not known here.
//!
//! The first piece after a silence goes out at once, so that `print!(".")` is seen when it is printed. What follows
//! within [`GATHER`] is joined, up to [`LIMIT`] bytes: 100,000 lines become a dozen messages, which a slow subscriber
//! can take and which no frontend's rate limit cuts off.

use std::{
    mem,
    time::{Duration, Instant},
};

use ipc::MimeBundle;

use crate::evcxr::{Evcxr, Printed};

/// How long pieces are gathered after a message went out.
const GATHER: Duration = Duration::from_millis(25);
/// How much is gathered at most.
const LIMIT: usize = 512 * 1024;
/// How many times the stream may change within a message's time before order between the two gives way.
const TURNS: usize = 32;

/// One of the two streams of user code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What is to be sent as one message.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Text(Stream, String),
    Display(MimeBundle),
}

/// Output that waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Output {
    stdout: Decoder,
    stderr: Decoder,
    evcxr: Evcxr,
    /// When what `evcxr` holds is to be held no longer.
    held: Option<Instant>,
    pieces: Vec<Piece>,
    length: usize,
    /// When the first of the pieces came.
    since: Option<Instant>,
    /// When the last message went out.
    sent: Option<Instant>,
}

impl Output {
    /// Takes what was read from a pipe.
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => {
                let text = self.stdout.decode(bytes);
                let printed = self.evcxr.read(text);
                self.printed(printed);
                self.held = self.evcxr.patience().map(|patience| Instant::now() + patience);
            }
            Stream::Stderr => {
                let text = self.stderr.decode(bytes);
                self.append(stream, &text);
            }
        }
    }

    /// When [`take`](Self::take) is to be called; `None` while there is nothing.
    pub(crate) fn due(&self) -> Option<Instant> {
        let pieces = self.since.map(|since| match self.sent {
            Some(sent) if self.length < LIMIT => since.max(sent + GATHER),
            _ => since,
        });
        [pieces, self.held].into_iter().flatten().min()
    }

    /// All that waits, as it is to be sent.
    pub(crate) fn take(&mut self) -> Vec<Piece> {
        if self.held.is_some_and(|held| held <= Instant::now()) {
            let printed = self.evcxr.finish();
            self.printed(printed);
            self.end_bundle();
        }
        if !self.pieces.is_empty() {
            self.sent = Some(Instant::now());
        }
        self.length = 0;
        self.since = None;
        mem::take(&mut self.pieces)
    }

    /// What comes next is not to stand beside the last bundle.
    pub(crate) fn end_bundle(&mut self) {
        if let Some(bundle) = self.evcxr.take_bundle() {
            self.display(bundle);
        }
        if self.evcxr.patience().is_none() {
            self.held = None;
        }
    }

    /// All that waits, also what will not become whole any more, and the bundle that stdout ended with.
    pub(crate) fn finish(&mut self) -> (Vec<Piece>, Option<MimeBundle>) {
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        let mut printed = self.evcxr.read(stdout.to_owned());
        printed.extend(self.evcxr.finish());
        self.printed(printed);
        self.append(Stream::Stderr, stderr);
        let bundle = self.evcxr.take_bundle();
        self.held = None;
        let pieces = self.take();
        // What comes next belongs to another cell and is not made to wait for this one's messages.
        self.sent = None;
        (pieces, bundle)
    }

    fn printed(&mut self, printed: Vec<Printed>) {
        for printed in printed {
            match printed {
                Printed::Text(text) => self.append(Stream::Stdout, &text),
                Printed::Bundle(bundle) => self.display(bundle),
            }
        }
    }

    fn display(&mut self, bundle: MimeBundle) {
        self.since.get_or_insert_with(Instant::now);
        self.pieces.push(Piece::Display(bundle));
    }

    fn append(&mut self, stream: Stream, text: &str) {
        if text.is_empty() {
            return;
        }
        self.length += text.len();
        self.since.get_or_insert_with(Instant::now);
        let reach = if self.pieces.len() >= TURNS { 2 } else { 1 };
        for piece in self.pieces.iter_mut().rev().take(reach) {
            match piece {
                Piece::Text(of, piece) if *of == stream => return piece.push_str(text),
                Piece::Text(..) => {}
                // What is printed after it stands after it.
                Piece::Display(_) => break,
            }
        }
        self.pieces.push(Piece::Text(stream, text.to_owned()));
    }
}

/// Bytes to text. What is not UTF-8 is replaced; a character that is torn between two reads is not.
#[derive(Debug, Default)]
struct Decoder {
    /// The first bytes of a character whose rest has not come yet: three at most.
    torn: Vec<u8>,
}

impl Decoder {
    fn decode(&mut self, bytes: &[u8]) -> String {
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

    fn finish(&mut self) -> &'static str {
        if mem::take(&mut self.torn).is_empty() { "" } else { "\u{fffd}" }
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
        let mut output = Output::default();
        for read in reads {
            output.push(Stream::Stdout, read);
        }
        let texts = output.finish().0.into_iter().map(|piece| match piece {
            Piece::Text(_, text) => text,
            Piece::Display(bundle) => panic!("{bundle:?}"),
        });
        texts.collect()
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

    #[test]
    fn a_torn_character_of_one_stream_is_not_finished_by_the_other() {
        let mut output = Output::default();
        output.push(Stream::Stdout, b"\xc3");
        output.push(Stream::Stderr, b"\xa4");
        output.push(Stream::Stdout, b"\xa4");
        let expected = [(Stream::Stderr, "\u{fffd}"), (Stream::Stdout, "ä")];
        assert_eq!(output.take(), expected.map(|(stream, text)| Piece::Text(stream, text.to_owned())));
    }

    #[test]
    fn pieces_are_joined_and_both_streams_keep_their_order() {
        let mut output = Output::default();
        for number in 0..100 {
            output.push(Stream::Stdout, format!("o{number}\n").as_bytes());
            output.push(Stream::Stderr, format!("e{number}\n").as_bytes());
        }
        let pieces = output.take();
        assert!(pieces.len() <= TURNS + 1, "{}", pieces.len());
        for (stream, letter) in [(Stream::Stdout, 'o'), (Stream::Stderr, 'e')] {
            let texts = pieces.iter().map(|piece| match piece {
                Piece::Text(of, text) if *of == stream => text.as_str(),
                _ => "",
            });
            let whole: String = texts.collect();
            let expected: String = (0..100).map(|number| format!("{letter}{number}\n")).collect();
            assert_eq!(whole, expected);
        }
    }

    #[test]
    fn the_first_piece_is_due_at_once_and_the_next_one_later() {
        let mut output = Output::default();
        assert_eq!(output.due(), None);
        output.push(Stream::Stdout, b".");
        assert!(output.due().unwrap() <= Instant::now());
        output.take();
        output.push(Stream::Stdout, b".");
        assert!(output.due().unwrap() > Instant::now());
        output.push(Stream::Stdout, &vec![b'x'; LIMIT]);
        assert!(output.due().unwrap() <= Instant::now());
    }

    const BLOCK: &[u8] = b"EVCXR_BEGIN_CONTENT text/html\nx\nEVCXR_END_CONTENT\n";

    fn display() -> Piece {
        Piece::Display([("text/html".to_owned(), "x".into())].into_iter().collect())
    }

    fn text(stream: Stream, text: &str) -> Piece {
        Piece::Text(stream, text.to_owned())
    }

    #[test]
    fn displays_stand_between_what_was_printed_before_and_after() {
        let mut output = Output::default();
        for part in [b"a\xff", BLOCK, b"\xffb\xe2", BLOCK] {
            output.push(Stream::Stdout, part);
        }
        output.push(Stream::Stderr, BLOCK);
        let (pieces, bundle) = output.finish();
        let stderr = std::str::from_utf8(BLOCK).unwrap();
        let expected = [
            text(Stream::Stdout, "a\u{fffd}"),
            display(),
            text(Stream::Stdout, "\u{fffd}b\u{fffd}"),
            text(Stream::Stderr, stderr),
        ];
        assert_eq!(pieces, expected);
        assert_eq!(bundle.map(Piece::Display), Some(display()));
    }

    #[test]
    fn text_does_not_pass_a_display_however_often_the_stream_turns() {
        let mut output = Output::default();
        for _ in 0..TURNS {
            output.push(Stream::Stdout, b"o");
            output.push(Stream::Stderr, b"e");
        }
        output.push(Stream::Stdout, BLOCK);
        output.push(Stream::Stdout, b"o");
        output.push(Stream::Stderr, b"e");
        let pieces = output.take();
        let [.., shown, stdout, stderr] = pieces.as_slice() else { panic!("{pieces:?}") };
        assert_eq!([shown, stdout, stderr], [&display(), &text(Stream::Stdout, "o"), &text(Stream::Stderr, "e")]);
    }

    #[test]
    fn what_is_held_is_due_later_and_does_not_delay_the_rest() {
        let mut output = Output::default();
        output.push(Stream::Stdout, b"shown EVCXR_");
        assert!(output.due().unwrap() <= Instant::now());
        assert_eq!(output.take(), [text(Stream::Stdout, "shown ")]);
        assert!(output.due().unwrap() > Instant::now());
        assert_eq!(output.take(), []);
        output.held = Some(Instant::now());
        assert_eq!(output.take(), [text(Stream::Stdout, "EVCXR_")]);
        assert_eq!(output.due(), None);
        output.push(Stream::Stdout, BLOCK);
        assert_eq!(output.take(), []);
        output.held = Some(Instant::now());
        assert_eq!(output.take(), [display()]);
        assert_eq!(output.due(), None);
    }
}
