//! What one run of a cell prints and displays, on its way to messages: bytes become text, evcxr's displays on stdout are
//! told apart from it, and small pieces are joined. Which run it is, and under which request its messages go out, is not
//! known here.
//!
//! The first piece after a silence goes out at once, so that `print!(".")` is seen when it is printed. What follows
//! within [`GATHER`] is joined, up to [`LIMIT`] bytes: 100,000 lines become a dozen messages, which a slow subscriber
//! can take and which no frontend's rate limit cuts off. For its sake too, the order of stdout and stderr is given up
//! where they change too often ([`turns`](super::turns)); each stream's own order is always kept.

use std::{
    mem,
    time::{Duration, Instant},
};

use ipc::{Display, MimeBundle};

use super::{
    Stream,
    decoder::Decoder,
    evcxr::{Evcxr, Printed},
    prompt::{Prompt, Prompts},
    turns::Turns,
};

/// How long pieces are gathered after a message went out.
pub(super) const GATHER: Duration = Duration::from_millis(25);
/// How much is gathered at most.
const LIMIT: usize = 512 * 1024;
/// How long it is remembered when the last message went out.
const MEMORY: Duration = Duration::from_secs(2);

/// What is to be sent as one message.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Text(Stream, String),
    /// evcxr's.
    Bundle(MimeBundle),
    Display(Box<Display>),
}

/// Output of one run that waits to be sent.
#[derive(Debug)]
pub(super) struct CellOutput {
    stdout: Decoder,
    stderr: Decoder,
    prompts: Prompts,
    evcxr: Evcxr,
    /// When what `prompts` and `evcxr` hold is to be held no longer.
    held: Option<Instant>,
    pieces: Vec<Piece>,
    length: usize,
    turns: Turns,
    /// When the first of the pieces came.
    since: Option<Instant>,
    /// When the last message went out.
    sent: Option<Instant>,
    /// When anything last happened.
    stirred: Instant,
}

impl CellOutput {
    /// Output of a run that has printed nothing lately.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            stdout: Decoder::default(),
            stderr: Decoder::default(),
            prompts: Prompts::default(),
            evcxr: Evcxr::default(),
            held: None,
            pieces: Vec::new(),
            length: 0,
            turns: Turns::new(),
            since: None,
            sent: None,
            stirred: now,
        }
    }

    /// Takes what was read from `pipe`. What stood in one pipe is known to stand in this order.
    pub(super) fn push(&mut self, pipe: Stream, stream: Stream, bytes: &[u8]) {
        self.stirred = Instant::now();
        match stream {
            Stream::Stdout => {
                let text = self.stdout.decode(bytes);
                self.read(text);
                self.hold();
            }
            Stream::Stderr => {
                if pipe == Stream::Stdout {
                    self.decide();
                }
                let text = self.stderr.decode(bytes);
                self.append(stream, &text);
            }
        }
    }

    /// A display stands here.
    pub(super) fn place(&mut self, display: Display) {
        self.stirred = Instant::now();
        self.decide();
        self.end_bundle();
        self.show(Piece::Display(Box::new(display)));
    }

    /// What evcxr's crates are about to ask for.
    pub(super) fn prompt(&mut self) -> Option<Prompt> {
        self.prompts.take()
    }

    /// When [`take`](Self::take) is to be called, or this can be [forgotten](Self::is_forgettable); `None` while there is
    /// something half-way.
    pub(super) fn due(&self) -> Option<Instant> {
        let pieces = self.since.map(|since| match self.sent {
            Some(sent) if self.length < LIMIT => since.max(sent + GATHER),
            _ => since,
        });
        let forgettable = self.is_empty().then(|| self.stirred + MEMORY);
        [pieces, self.held, forgettable].into_iter().flatten().min()
    }

    /// Whether a new one would do as well.
    pub(super) fn is_forgettable(&self, now: Instant) -> bool {
        self.is_empty() && self.stirred + MEMORY <= now
    }

    /// All that waits, as it is to be sent.
    pub(super) fn take(&mut self) -> Vec<Piece> {
        if self.held.is_some_and(|held| held <= Instant::now()) {
            self.decide();
            self.end_bundle();
        }
        if !self.pieces.is_empty() {
            let now = Instant::now();
            (self.sent, self.stirred) = (Some(now), now);
        }
        self.length = 0;
        self.since = None;
        mem::take(&mut self.pieces)
    }

    /// All that waits, also what could become a block: what comes next is not to stand beside it.
    pub(super) fn settle(&mut self) -> Vec<Piece> {
        self.decide();
        self.end_bundle();
        self.take()
    }

    /// All that waits, also what will not become whole any more, and the bundle that stdout ended with.
    pub(super) fn finish(mut self) -> (Vec<Piece>, Option<MimeBundle>) {
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        self.read(stdout.to_owned());
        let rest = self.prompts.finish();
        let mut printed = self.evcxr.read(rest);
        printed.extend(self.evcxr.finish());
        self.printed(printed);
        self.append(Stream::Stderr, stderr);
        (self.pieces, self.evcxr.take_bundle())
    }

    fn is_empty(&self) -> bool {
        let torn = self.stdout.is_torn() || self.stderr.is_torn();
        self.pieces.is_empty() && !torn && self.prompts.is_empty() && self.evcxr.is_empty()
    }

    fn read(&mut self, text: String) {
        let text = self.prompts.read(text);
        let printed = self.evcxr.read(text);
        self.printed(printed);
    }

    /// What is held, but for a block that has begun, is text.
    fn decide(&mut self) {
        let text = self.prompts.finish();
        let mut printed = self.evcxr.read(text);
        printed.extend(self.evcxr.decide());
        // A bundle that may grow is not made to wait anew.
        if !printed.is_empty() {
            self.printed(printed);
            self.hold();
        }
    }

    fn end_bundle(&mut self) {
        if let Some(bundle) = self.evcxr.take_bundle() {
            self.show(Piece::Bundle(bundle));
        }
        self.hold();
    }

    fn hold(&mut self) {
        let patience = [self.prompts.patience(), self.evcxr.patience()].into_iter().flatten().min();
        self.held = patience.map(|patience| Instant::now() + patience);
    }

    fn printed(&mut self, printed: Vec<Printed>) {
        for printed in printed {
            match printed {
                Printed::Text(text) => self.append(Stream::Stdout, &text),
                Printed::Bundle(bundle) => self.show(Piece::Bundle(bundle)),
            }
        }
    }

    fn show(&mut self, piece: Piece) {
        self.since.get_or_insert_with(Instant::now);
        self.pieces.push(piece);
    }

    fn append(&mut self, stream: Stream, text: &str) {
        if text.is_empty() {
            return;
        }
        self.length += text.len();
        self.since.get_or_insert_with(Instant::now);
        match self.pieces.last_mut() {
            Some(Piece::Text(of, piece)) if *of == stream => piece.push_str(text),
            Some(Piece::Text(..)) if !self.turns.take() => self.append_out_of_order(stream, text),
            _ => self.pieces.push(Piece::Text(stream, text.to_owned())),
        }
    }

    /// Appends to the last but one piece, if that is of the same stream.
    fn append_out_of_order(&mut self, stream: Stream, text: &str) {
        match self.pieces.as_mut_slice() {
            // No text passes a display, so that what is printed after it stands after it.
            [.., Piece::Text(of, piece), Piece::Text(..)] if *of == stream => piece.push_str(text),
            _ => self.pieces.push(Piece::Text(stream, text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::turns::TURNS, *};

    const BLOCK: &str = "EVCXR_BEGIN_CONTENT text/html\nx\nEVCXR_END_CONTENT\n";

    /// Takes text from the stream's own pipe.
    fn push(output: &mut CellOutput, stream: Stream, text: impl AsRef<[u8]>) {
        output.push(stream, stream, text.as_ref());
    }

    fn bundle() -> Piece {
        Piece::Bundle([("text/html".to_owned(), "x".into())].into_iter().collect())
    }

    fn display() -> Display {
        let (data, metadata) = Default::default();
        Display { cell: ipc::CellId(1), number: None, data, metadata, display_id: None, update: false }
    }

    fn text(stream: Stream, text: &str) -> Piece {
        Piece::Text(stream, text.to_owned())
    }

    #[test]
    fn a_torn_character_of_one_stream_is_not_finished_by_the_other() {
        let mut output = CellOutput::new();
        push(&mut output, Stream::Stdout, b"\xc3");
        assert!(!output.is_forgettable(Instant::now() + MEMORY), "the rest of the character may come");
        push(&mut output, Stream::Stderr, b"\xa4");
        push(&mut output, Stream::Stdout, b"\xa4");
        assert_eq!(output.take(), [text(Stream::Stderr, "\u{fffd}"), text(Stream::Stdout, "ä")]);
    }

    fn whole(pieces: &[Piece], stream: Stream) -> String {
        let texts = pieces.iter().map(|piece| match piece {
            Piece::Text(of, text) if *of == stream => text.as_str(),
            _ => "",
        });
        texts.collect()
    }

    #[test]
    fn both_streams_keep_their_order_until_it_would_be_too_many_messages() {
        let mut output = CellOutput::new();
        for _ in 0..TURNS / 2 {
            output.push(Stream::Stdout, Stream::Stdout, b"o");
            output.push(Stream::Stdout, Stream::Stderr, b"e");
        }
        assert_eq!(output.take().len(), TURNS as usize);
        for number in 0..10_000 {
            push(&mut output, Stream::Stdout, format!("o{number}\n"));
            push(&mut output, Stream::Stderr, format!("e{number}\n"));
        }
        let pieces = output.take();
        assert!(pieces.len() <= 2 * TURNS as usize, "{}", pieces.len());
        for (stream, letter) in [(Stream::Stdout, 'o'), (Stream::Stderr, 'e')] {
            let expected: String = (0..10_000).map(|number| format!("{letter}{number}\n")).collect();
            assert_eq!(whole(&pieces, stream), expected);
        }
    }

    #[test]
    fn the_first_piece_is_due_at_once_and_the_next_one_later() {
        let mut output = CellOutput::new();
        assert!(output.due().unwrap() > Instant::now(), "to be forgotten");
        push(&mut output, Stream::Stdout, ".");
        assert!(output.due().unwrap() <= Instant::now());
        output.take();
        push(&mut output, Stream::Stdout, ".");
        let due = output.due().unwrap();
        assert!(due > Instant::now() && due <= Instant::now() + GATHER);
        push(&mut output, Stream::Stdout, vec![b'x'; LIMIT]);
        assert!(output.due().unwrap() <= Instant::now());
        assert!(!output.is_forgettable(Instant::now() + MEMORY));
        output.take();
        assert!(!output.is_forgettable(Instant::now()) && output.is_forgettable(Instant::now() + MEMORY));
    }

    #[test]
    fn bundles_stand_between_what_was_printed_before_and_after() {
        let mut output = CellOutput::new();
        for part in [b"a\xff", BLOCK.as_bytes(), b"\xffb\xe2", BLOCK.as_bytes()] {
            push(&mut output, Stream::Stdout, part);
        }
        push(&mut output, Stream::Stderr, BLOCK);
        let (pieces, last) = output.finish();
        let expected = [
            text(Stream::Stdout, "a\u{fffd}"),
            bundle(),
            text(Stream::Stdout, "\u{fffd}b\u{fffd}"),
            text(Stream::Stderr, BLOCK),
        ];
        assert_eq!(pieces, expected);
        assert_eq!(last.map(Piece::Bundle), Some(bundle()));
    }

    #[test]
    fn a_display_stands_behind_all_but_a_block_that_goes_on() {
        let mut output = CellOutput::new();
        push(&mut output, Stream::Stdout, format!("{BLOCK}EVCXR_BEG"));
        output.place(display());
        let displayed = Piece::Display(Box::new(display()));
        assert_eq!(output.take(), [bundle(), text(Stream::Stdout, "EVCXR_BEG"), displayed]);

        let (begin, end) = BLOCK.split_once("x\n").unwrap();
        push(&mut output, Stream::Stdout, begin);
        output.place(display());
        push(&mut output, Stream::Stdout, format!("x\n{end}"));
        let displayed = Piece::Display(Box::new(display()));
        assert_eq!(output.take(), [displayed]);
        assert_eq!(output.settle(), [bundle()]);
    }

    #[test]
    fn text_does_not_pass_a_display_however_often_the_stream_turns() {
        let mut output = CellOutput::new();
        for _ in 0..TURNS {
            push(&mut output, Stream::Stdout, "o");
            push(&mut output, Stream::Stderr, "e");
        }
        for part in [BLOCK, "o"] {
            push(&mut output, Stream::Stdout, part);
        }
        push(&mut output, Stream::Stderr, "e");
        let pieces = output.take();
        let [.., shown, stdout, stderr] = pieces.as_slice() else { panic!("{pieces:?}") };
        assert_eq!([shown, stdout, stderr], [&bundle(), &text(Stream::Stdout, "o"), &text(Stream::Stderr, "e")]);
    }

    #[test]
    fn what_one_pipe_holds_keeps_its_order_also_where_text_is_held() {
        let mut output = CellOutput::new();
        push(&mut output, Stream::Stdout, "EVCXR_");
        output.push(Stream::Stdout, Stream::Stderr, b"e");
        assert_eq!(output.take(), [text(Stream::Stdout, "EVCXR_"), text(Stream::Stderr, "e")]);
        push(&mut output, Stream::Stdout, "EVCXR_");
        push(&mut output, Stream::Stderr, "e");
        assert_eq!(output.take(), [text(Stream::Stderr, "e")], "it may have been written before");
    }

    #[test]
    fn what_is_held_is_due_later_and_does_not_delay_the_rest() {
        let mut output = CellOutput::new();
        push(&mut output, Stream::Stdout, "shown EVCXR_");
        assert!(output.due().unwrap() <= Instant::now());
        assert_eq!(output.take(), [text(Stream::Stdout, "shown ")]);
        assert!(output.due().unwrap() > Instant::now());
        assert_eq!(output.take(), []);
        output.held = Some(Instant::now());
        assert_eq!(output.take(), [text(Stream::Stdout, "EVCXR_")]);
        push(&mut output, Stream::Stdout, format!("\n{BLOCK}"));
        assert_eq!(output.take(), [text(Stream::Stdout, "\n")]);
        let held = output.held;
        push(&mut output, Stream::Stderr, "a bundle is not made to wait by it");
        assert_eq!(output.take().len(), 1);
        assert!(held.is_some() && output.held == held);
        output.held = Some(Instant::now());
        assert_eq!(output.take(), [bundle()]);
        assert_eq!(output.held, None);
    }

    #[test]
    fn questions_are_not_shown() {
        let mut output = CellOutput::new();
        push(&mut output, Stream::Stdout, "a\nEVCXR_INPUT_REQUEST:Name: \nEVCXR_IN");
        assert_eq!(output.prompt(), Some(Prompt { text: "Name: ".to_owned(), password: false }));
        assert_eq!(output.prompt(), None);
        assert_eq!(output.settle(), [text(Stream::Stdout, "a\nEVCXR_IN")]);
    }
}
