//! The worker's words on its own stdout and stderr, by which the server tells whose text is whose: how the session
//! library writes them and how the server reads them. What is done about a word is not known here.
//!
//! What user code and its dependencies print stands in the pipes as it is. Between it stand words of the session
//! library, which only it can write: each begins with [`BEGIN`] and a mark that nobody can guess (and that is told once,
//! when the worker is ready), then has one letter, perhaps a number, and [`END`]. A terminal that ever saw one would
//! pass over it, as it is an application program command.

use std::io::{self, Write};

/// What a word begins with, before the mark.
pub const BEGIN: &str = "\u{1b}_";
/// What a word ends with.
pub const END: &str = "\u{1b}\\";

/// The longest number that a word has, in digits.
const DIGITS: usize = 20;

/// One word. The number of all but [`End`](Self::End) and [`Display`](Self::Display) is that of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `c7`: from here on unmarked text belongs to the run 7 (on both pipes).
    Unmarked(u64),
    /// `o7`: text is the run 7's stdout, up to the next [`End`](Self::End).
    Stdout(u64),
    /// `e7`: text is the run 7's stderr, up to the next [`End`](Self::End) (on stdout's pipe too, which keeps the order of
    /// both).
    Stderr(u64),
    /// `-`: text is unmarked again.
    End,
    /// `d3`: here stands the display with the number 3.
    Display(u64),
    /// `x7`: all that the run 7 has shown is taken away (`clear_output`).
    Clear(u64),
    /// `w7`: the same, when the next of it comes.
    ClearWithNext(u64),
}

/// What stands behind a mark, and how long it is from its letter on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Word(Word, usize),
    /// A word that a later session library may say.
    Unknown(usize),
    /// The beginning of a word, so far.
    Torn,
    /// It only looks like a word.
    Text,
}

impl Word {
    /// Writes the word, whole.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write(self, to: &mut impl Write, mark: &str) -> io::Result<()> {
        let (letter, number) = self.parts();
        match number {
            Some(number) => write!(to, "{BEGIN}{mark}{letter}{number}{END}"),
            None => write!(to, "{BEGIN}{mark}{letter}{END}"),
        }
    }

    /// Reads a word from its letter on.
    pub fn read(text: &[u8]) -> Reading {
        let Some((&letter, rest)) = text.split_first() else { return Reading::Torn };
        if !(letter.is_ascii_alphabetic() || letter == b'-') {
            return Reading::Text;
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, end) = rest.split_at(digits);
        let is_torn = END.as_bytes().starts_with(end);
        if digits > DIGITS || !(is_torn || end.starts_with(END.as_bytes())) {
            return Reading::Text;
        }
        if is_torn && end.len() < END.len() {
            return Reading::Torn;
        }
        let length = 1 + digits + END.len();
        let value = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        match Self::from_parts(char::from(letter), value).filter(|_| value.is_some() == (digits > 0)) {
            Some(word) => Reading::Word(word, length),
            None => Reading::Unknown(length),
        }
    }

    fn parts(self) -> (char, Option<u64>) {
        match self {
            Self::Unmarked(run) => ('c', Some(run)),
            Self::Stdout(run) => ('o', Some(run)),
            Self::Stderr(run) => ('e', Some(run)),
            Self::End => ('-', None),
            Self::Display(number) => ('d', Some(number)),
            Self::Clear(run) => ('x', Some(run)),
            Self::ClearWithNext(run) => ('w', Some(run)),
        }
    }

    fn from_parts(letter: char, number: Option<u64>) -> Option<Self> {
        Some(match (letter, number) {
            ('c', Some(run)) => Self::Unmarked(run),
            ('o', Some(run)) => Self::Stdout(run),
            ('e', Some(run)) => Self::Stderr(run),
            ('-', None) => Self::End,
            ('d', Some(number)) => Self::Display(number),
            ('x', Some(run)) => Self::Clear(run),
            ('w', Some(run)) => Self::ClearWithNext(run),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let all = [
            Word::Unmarked(7),
            Word::Stdout(12),
            Word::Stderr(0),
            Word::End,
            Word::Display(u64::MAX),
            Word::Clear(7),
            Word::ClearWithNext(7),
        ];
        for word in all {
            let mut bytes = Vec::new();
            word.write(&mut bytes, "mark").unwrap();
            let said = bytes.strip_prefix(b"\x1b_mark").unwrap();
            assert_eq!(Word::read(&[said, b"more"].concat()), Reading::Word(word, said.len()));
            for torn in 0..said.len() {
                assert_eq!(Word::read(&said[..torn]), Reading::Torn, "{word:?} {torn}");
            }
        }
    }

    #[test]
    fn what_a_later_library_may_say_and_what_makes_no_sense_is_passed_over() {
        for text in ["z\x1b\\", "c\x1b\\", "-7\x1b\\", "d18446744073709551616\x1b\\", "-18446744073709551616\x1b\\"] {
            assert_eq!(Word::read(text.as_bytes()), Reading::Unknown(text.len()), "{text:?}");
        }
    }

    #[test]
    fn what_only_looks_like_a_word_is_text() {
        for text in ["1", " ", "c 7", "c7 ", "c7\x1b[", "\x1b\\", "c111111111111111111111"] {
            assert_eq!(Word::read(text.as_bytes()), Reading::Text, "{text:?}");
        }
    }
}
