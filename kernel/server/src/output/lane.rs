//! One pipe of the worker: whose text is whose, and where displays stand in it, by the worker's own words between it
//! (see [`kissaten_marks`]). It works on bytes; what they mean, and what becomes of them, is not known here.
//!
//! A pipe without words costs one search per read. Only what could become a word is withheld: its beginning alone for
//! [`TORN`], as user code may have written it; with its mark, as long as it takes, as nobody else can have.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use ipc::CellId;
use kissaten_marks::{Reading, Word};
use memchr::memmem::Finder;

use super::stream::Stream;

/// How long the beginning of a word is withheld: the worker writes its words whole, and only our reads tear them.
const TORN: Duration = Duration::from_millis(100);
/// How long a display's content is waited for, which was sent before its place was written.
const CONTENT: Duration = Duration::from_secs(1);
/// How much is kept behind a place while its content is waited for.
const KEPT: usize = 16 * 1024 * 1024;

/// The time at which what a run has shown is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clear {
    Now,
    /// When the next of it comes.
    WithNext,
}

/// A part of what stands in a pipe.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'a> {
    Text {
        /// `None`: nobody's, as no program was run yet.
        cell: Option<CellId>,
        stream: Stream,
        bytes: &'a [u8],
    },
    /// The place of the display with this number.
    Place(u64),
    /// What the run has shown is taken away.
    Clear(CellId, Clear),
}

/// A reader of one pipe, piece by piece.
#[derive(Debug)]
pub(super) struct Lane {
    /// The stream that unmarked text is of.
    pipe: Stream,
    /// What every word begins with; a worker may have none.
    mark: Option<Finder<'static>>,
    /// What was read and is not decided yet, from `at` on.
    buffer: Vec<u8>,
    at: usize,
    /// Whose unmarked text is.
    unmarked: Option<CellId>,
    /// Whose text is up to the next `-`.
    marked: Option<(CellId, Stream)>,
    /// The place whose content is waited for, and until when. What stands behind it waits too.
    waits: Option<(u64, Instant)>,
    /// Until when what could become a word is withheld.
    torn: Option<Instant>,
}

/// The beginning of the rest of a pipe.
enum Head {
    Text(usize),
    /// `None`: one that this kernel does not know.
    Word(Option<Word>, usize),
    Torn,
}

impl Lane {
    /// A pipe that nothing was read from.
    pub(super) fn new(pipe: Stream) -> Self {
        Self { pipe, mark: None, buffer: Vec::new(), at: 0, unmarked: None, marked: None, waits: None, torn: None }
    }

    /// The worker's words begin with this mark. An empty one: it has no words.
    pub(super) fn expect(&mut self, mark: &str) {
        self.mark = (!mark.is_empty()).then(|| Finder::new(&format!("{}{mark}", kissaten_marks::BEGIN)).into_owned());
    }

    /// From here on unmarked text is this run's: for workers that do not say so themselves.
    pub(super) fn belongs_to(&mut self, cell: CellId) {
        if self.mark.is_none() {
            self.unmarked = Some(cell);
        }
    }

    /// Takes what was read.
    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        self.torn = None;
        if self.at == self.buffer.len() {
            (self.buffer, self.at) = (bytes, 0);
            return;
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(&bytes);
        if let Some((_, until)) = &mut self.waits
            && self.buffer.len() > KEPT
        {
            *until = Instant::now();
        }
    }

    /// What stands next in it, as far as that is decided.
    pub(super) fn next(&mut self) -> Option<Part<'_>> {
        loop {
            if self.waits.is_some() || self.at == self.buffer.len() {
                return None;
            }
            match self.head() {
                Head::Text(length) => return Some(self.text(length)),
                Head::Word(word, length) => {
                    self.at += length;
                    if let Some(part) = self.obey(word) {
                        return Some(part);
                    }
                }
                Head::Torn => {
                    let alone = self.buffer.len() - self.at < self.mark.as_ref().map_or(0, |mark| mark.needle().len());
                    if alone {
                        self.torn.get_or_insert_with(|| Instant::now() + TORN);
                    }
                    return None;
                }
            }
        }
    }

    /// What is withheld is text after all, if it is not longer than this.
    pub(super) fn decide(&mut self, at_most: usize) -> Option<Part<'_>> {
        let withheld = self.buffer.len() - self.at;
        if self.waits.is_some() || withheld == 0 || withheld > at_most {
            return None;
        }
        self.torn = None;
        Some(self.text(withheld))
    }

    /// Nothing is read on until the content of this place is there.
    pub(super) fn wait(&mut self, number: u64) {
        self.waits = Some((number, Instant::now() + CONTENT));
    }

    /// Reads on if it waits for this content; whether it did.
    pub(super) fn go_on(&mut self, number: u64) -> bool {
        self.waits.take_if(|(waits, _)| *waits == number).is_some()
    }

    /// The place that it has waited for long enough.
    pub(super) fn overdue(&self, now: Instant) -> Option<u64> {
        self.waits.filter(|(_, until)| *until <= now).map(|(number, _)| number)
    }

    /// The place that it waits for.
    pub(super) fn waits_for(&self) -> Option<u64> {
        self.waits.map(|(number, _)| number)
    }

    /// Whether what is withheld was withheld for long enough.
    pub(super) fn is_impatient(&self, now: Instant) -> bool {
        self.torn.is_some_and(|torn| torn <= now)
    }

    /// When [`overdue`](Self::overdue) or [`is_impatient`](Self::is_impatient) is to be asked.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waits.map(|(_, until)| until).or(self.torn)
    }

    fn text(&mut self, length: usize) -> Part<'_> {
        let (cell, stream) = match self.marked {
            Some((cell, stream)) => (Some(cell), stream),
            None => (self.unmarked, self.pipe),
        };
        let text: Range<usize> = self.at..self.at + length;
        self.at = text.end;
        Part::Text { cell, stream, bytes: &self.buffer[text] }
    }

    fn head(&self) -> Head {
        let rest = &self.buffer[self.at..];
        let Some(mark) = &self.mark else { return Head::Text(rest.len()) };
        let length = mark.needle().len();
        match mark.find(rest) {
            Some(0) => match Word::read(&rest[length..]) {
                Reading::Word(word, more) => Head::Word(Some(word), length + more),
                Reading::Unknown(more) => Head::Word(None, length + more),
                Reading::Torn => Head::Torn,
                Reading::Text => Head::Text(length),
            },
            Some(found) => Head::Text(found),
            None => match rest.len() - beginning(rest, mark.needle()) {
                0 => Head::Torn,
                text => Head::Text(text),
            },
        }
    }

    /// Does what a word says; what it says of displays is for others to do.
    fn obey(&mut self, word: Option<Word>) -> Option<Part<'static>> {
        match word {
            Some(Word::Unmarked(run)) => self.unmarked = Some(CellId(run)),
            Some(Word::Stdout(run)) => self.marked = Some((CellId(run), Stream::Stdout)),
            Some(Word::Stderr(run)) => self.marked = Some((CellId(run), Stream::Stderr)),
            Some(Word::End) => self.marked = None,
            Some(Word::Display(number)) => return Some(Part::Place(number)),
            Some(Word::Clear(run)) => return Some(Part::Clear(CellId(run), Clear::Now)),
            Some(Word::ClearWithNext(run)) => return Some(Part::Clear(CellId(run), Clear::WithNext)),
            None => tracing::debug!("the worker said a word that this kernel does not know"),
        }
        None
    }
}

/// How much of the text's end could become the mark.
fn beginning(text: &[u8], mark: &[u8]) -> usize {
    let longest = text.len().min(mark.len() - 1);
    (1..=longest).rev().find(|length| text.ends_with(&mark[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "k7Qx";

    fn word(word: &str) -> String {
        format!("{}{MARK}{word}{}", kissaten_marks::BEGIN, kissaten_marks::END)
    }

    fn lane() -> Lane {
        let mut lane = Lane::new(Stream::Stdout);
        lane.expect(MARK);
        lane
    }

    /// What stands next, in words; neighbours of the same kind are one.
    fn take(lane: &mut Lane, shown: &mut Vec<(String, String)>) {
        while let Some(part) = lane.next() {
            show(part, shown);
        }
    }

    fn show(part: Part<'_>, shown: &mut Vec<(String, String)>) {
        let (whose, text) = match part {
            Part::Text { cell, stream, bytes } => {
                let cell = cell.map_or("nobody".to_owned(), |cell| cell.0.to_string());
                (format!("{cell} {stream:?}"), String::from_utf8_lossy(bytes).into_owned())
            }
            Part::Place(number) => ("place".to_owned(), number.to_string()),
            Part::Clear(cell, when) => ("clear".to_owned(), format!("{} {when:?}", cell.0)),
        };
        match shown.last_mut() {
            Some((last, before)) if *last == whose => before.push_str(&text),
            _ => shown.push((whose, text)),
        }
    }

    fn check(reads: &[&[u8]]) -> Vec<(String, String)> {
        let (mut lane, mut shown) = (lane(), Vec::new());
        for read in reads {
            lane.push(read.to_vec());
            take(&mut lane, &mut shown);
        }
        if let Some(part) = lane.decide(usize::MAX) {
            show(part, &mut shown);
        }
        shown
    }

    fn expected(parts: &[(&str, &str)]) -> Vec<(String, String)> {
        parts.iter().map(|(whose, text)| ((*whose).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn words_torn_at_any_byte_are_words() {
        let text = [
            "before ",
            &word("c7"),
            "seven ",
            &word("o3"),
            "three\n",
            &word("-"),
            &word("e3"),
            "wrong\n",
            &word("-"),
            "and \x1b[1mon\x1b[0m\x1b",
            &word("d12"),
            &word("w3"),
            &word("c8"),
            "eight\x1b_",
        ]
        .concat();
        let parts = expected(&[
            ("nobody Stdout", "before "),
            ("7 Stdout", "seven "),
            ("3 Stdout", "three\n"),
            ("3 Stderr", "wrong\n"),
            ("7 Stdout", "and \x1b[1mon\x1b[0m\x1b"),
            ("place", "12"),
            ("clear", "3 WithNext"),
            ("8 Stdout", "eight\x1b_"),
        ]);
        let bytes = text.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                assert_eq!(check(&[&bytes[..first], &bytes[first..second], &bytes[second..]]), parts);
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(check(&single), parts);
    }

    #[test]
    fn what_only_looks_like_a_word_is_text() {
        for text in [
            format!("{}k7Qyc1{}", kissaten_marks::BEGIN, kissaten_marks::END),
            format!("{}c1{}", kissaten_marks::BEGIN, kissaten_marks::END),
            format!("{}{MARK}", kissaten_marks::BEGIN),
            format!("{}{MARK}c1 ", kissaten_marks::BEGIN),
            format!("{}{MARK}1{}", kissaten_marks::BEGIN, kissaten_marks::END),
            format!("{}{MARK}c{}{}", kissaten_marks::BEGIN, "1".repeat(21), kissaten_marks::END),
            format!("{}{MARK}c1\x1bx", kissaten_marks::BEGIN),
        ] {
            assert_eq!(check(&[text.as_bytes()]), expected(&[("nobody Stdout", &text)]));
            let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(check(&single), expected(&[("nobody Stdout", &text)]));
        }
        // What a later kernel's worker may say.
        assert_eq!(check(&[word("z").as_bytes(), word("c").as_bytes(), b"x"]), expected(&[("nobody Stdout", "x")]));
    }

    #[test]
    fn a_worker_without_a_mark_has_no_words() {
        let mut lane = Lane::new(Stream::Stderr);
        lane.expect("");
        lane.belongs_to(CellId(2));
        lane.push(word("c7").into_bytes());
        let bytes = word("c7").into_bytes();
        assert_eq!(lane.next(), Some(Part::Text { cell: Some(CellId(2)), stream: Stream::Stderr, bytes: &bytes }));
        assert_eq!(lane.next(), None);
    }

    #[test]
    fn text_is_withheld_only_if_it_could_become_a_word() {
        for (text, withheld, patient) in [
            ("x\x1b", "\x1b", false),
            ("x\x1b_", "\x1b_", false),
            ("x\x1b_k7", "\x1b_k7", false),
            ("x\x1b_k7Qx", "\x1b_k7Qx", true),
            ("x\x1b_k7Qxc1", "\x1b_k7Qxc1", true),
            ("x\x1b[", "", true),
            ("x\x1b_a", "", true),
        ] {
            let mut lane = lane();
            lane.push(text.into());
            take(&mut lane, &mut Vec::new());
            assert_eq!(lane.buffer.len() - lane.at, withheld.len(), "{text:?}");
            assert_eq!(lane.due().is_none(), patient, "{text:?}");
            assert!(!lane.is_impatient(Instant::now()));
            let decided = lane.decide(2).is_some();
            assert_eq!(decided, (1..=2).contains(&withheld.len()), "{text:?}");
        }
    }

    #[test]
    fn what_stands_behind_a_place_waits_for_its_content() {
        let (mut lane, mut shown) = (lane(), Vec::new());
        lane.push(format!("{}a{}b", word("c1"), word("d5")).into_bytes());
        while let Some(part) = lane.next() {
            let place = part == Part::Place(5);
            show(part, &mut shown);
            if place {
                lane.wait(5);
            }
        }
        lane.push(b"c".to_vec());
        assert!(lane.next().is_none() && lane.decide(usize::MAX).is_none());
        assert_eq!((lane.waits_for(), lane.overdue(Instant::now())), (Some(5), None));
        assert_eq!(lane.overdue(Instant::now() + CONTENT), Some(5));
        assert!(!lane.go_on(6) && lane.go_on(5));
        take(&mut lane, &mut shown);
        assert_eq!(shown, expected(&[("1 Stdout", "a"), ("place", "5"), ("1 Stdout", "bc")]));

        lane.wait(6);
        lane.push(vec![b'x'; KEPT]);
        lane.push(vec![b'x']);
        assert_eq!(lane.overdue(Instant::now()), Some(6), "what is kept has a limit");
    }
}
