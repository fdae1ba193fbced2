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
    decoder::Decoder,
    evcxr::{Evcxr, Printed},
    lane::Clear,
    prompt::{Prompt, Prompts},
    stream::Stream,
    turns::Turns,
};
use crate::message;

/// How long pieces are gathered after a message went out.
pub(super) const GATHER: Duration = Duration::from_millis(25);
/// How much is gathered at most.
const LIMIT: usize = 512 * 1024;
/// How long it is remembered when the last message went out.
const MEMORY: Duration = Duration::from_secs(2);

/// A piece of output: what is to be sent as one message.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Text(Stream, String),
    /// evcxr's.
    Bundle(MimeBundle),
    Display(Box<Display>),
    /// All that stands there is taken away.
    Clear(Clear),
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

    /// A display stands here; an update stands where the display does.
    pub(super) fn place(&mut self, display: Display) {
        self.stirred = Instant::now();
        self.length += message::bundle_size(&display.data);
        if display.update {
            return self.update(display);
        }
        self.decide();
        self.end_bundle();
        self.show(Piece::Display(Box::new(display)));
    }

    /// Of updates that nobody has seen, the last counts: they may come faster than any frontend can show them.
    fn update(&mut self, update: Display) {
        let is_same =
            |piece: &&mut Piece| matches!(piece, Piece::Display(display) if display.display_id == update.display_id);
        match self.pieces.iter_mut().rfind(is_same) {
            Some(Piece::Display(display)) => {
                self.length = self.length.saturating_sub(message::bundle_size(&display.data));
                (display.data, display.metadata) = (update.data, update.metadata);
            }
            _ => self.show(Piece::Display(Box::new(update))),
        }
    }

    /// All that was shown until here is taken away.
    pub(super) fn clear(&mut self, when: Clear) {
        self.stirred = Instant::now();
        self.decide();
        self.end_bundle();
        self.show(Piece::Clear(when));
        if when == Clear::Now {
            self.skip_unseen();
        }
    }

    /// What was shown and taken away again while nobody could see it is not sent: a cell may draw itself anew faster than
    /// any frontend can follow.
    fn skip_unseen(&mut self) {
        let Some(end) = self.pieces.iter().rposition(|piece| !is_update(piece)) else { return };
        let Piece::Clear(last) = self.pieces[end] else { return };
        let first = self.pieces[..end].iter().position(|piece| matches!(piece, Piece::Clear(_)));
        let Some(begin) = first else { return };
        // What stood there before the first is taken away when that says, and nothing was there after it.
        if last == Clear::Now {
            self.pieces[begin] = Piece::Clear(last);
        }
        let behind = self.pieces.split_off(end + 1);
        let unseen = self.pieces.split_off(begin + 1);
        self.pieces.extend(unseen.into_iter().filter(is_update).chain(behind));
        self.length = 0;
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
        if matches!(piece, Piece::Display(_) | Piece::Bundle(_)) && !is_update(&piece) {
            self.skip_unseen();
        }
        self.pieces.push(piece);
    }

    fn append(&mut self, stream: Stream, text: &str) {
        if text.is_empty() {
            return;
        }
        self.skip_unseen();
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

/// Whether it is shown where something else stands.
fn is_update(piece: &Piece) -> bool {
    matches!(piece, Piece::Display(display) if display.update)
}

#[cfg(test)]
mod tests;
