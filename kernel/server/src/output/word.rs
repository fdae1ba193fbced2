//! The worker's words in its pipes, from their letter on; what stands before that is [`lane`](super::lane)'s. What they
//! mean is told by [`ipc::marks`].

use ipc::{CellId, marks};

use super::Stream;

/// The longest number that a word has, in digits.
const DIGITS: usize = 20;

/// When what a run has shown is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clear {
    Now,
    /// When the next of it comes.
    WithNext,
}

/// What the worker says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    Unmarked(CellId),
    Marked(CellId, Stream),
    End,
    Place(u64),
    Clear(CellId, Clear),
    /// None that this kernel knows.
    Other,
}

/// What stands behind a mark, and how long it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Word(Word, usize),
    Torn,
    /// It only looks like a word.
    Text,
}

/// Reads a word from its letter on.
pub(super) fn read(text: &[u8]) -> Reading {
    let Some((&letter, rest)) = text.split_first() else { return Reading::Torn };
    if !(letter.is_ascii_alphabetic() || letter == b'-') {
        return Reading::Text;
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, end) = rest.split_at(digits);
    let is_torn = marks::END.as_bytes().starts_with(end);
    if digits > DIGITS || !(is_torn || end.starts_with(marks::END.as_bytes())) {
        return Reading::Text;
    }
    if is_torn && end.len() < marks::END.len() {
        return Reading::Torn;
    }
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    let word = match (letter, number) {
        (b'c', Some(number)) => Word::Unmarked(CellId(number)),
        (b'o', Some(number)) => Word::Marked(CellId(number), Stream::Stdout),
        (b'e', Some(number)) => Word::Marked(CellId(number), Stream::Stderr),
        (b'd', Some(number)) => Word::Place(number),
        (b'x', Some(number)) => Word::Clear(CellId(number), Clear::Now),
        (b'w', Some(number)) => Word::Clear(CellId(number), Clear::WithNext),
        (b'-', None) => Word::End,
        _ => Word::Other,
    };
    Reading::Word(word, 1 + digits + marks::END.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_to_their_end() {
        for (text, word) in [
            ("c7\x1b\\more", Word::Unmarked(CellId(7))),
            ("o12\x1b\\", Word::Marked(CellId(12), Stream::Stdout)),
            ("e0\x1b\\", Word::Marked(CellId(0), Stream::Stderr)),
            ("-\x1b\\", Word::End),
            ("d18446744073709551615\x1b\\", Word::Place(u64::MAX)),
            ("x7\x1b\\", Word::Clear(CellId(7), Clear::Now)),
            ("w7\x1b\\", Word::Clear(CellId(7), Clear::WithNext)),
            // What a later worker may say, and what makes no sense.
            ("z\x1b\\", Word::Other),
            ("c\x1b\\", Word::Other),
            ("-7\x1b\\", Word::Other),
            ("d18446744073709551616\x1b\\", Word::Other),
        ] {
            let length = text.find('\\').unwrap() + 1;
            assert_eq!(read(text.as_bytes()), Reading::Word(word, length), "{text:?}");
            for torn in 0..length {
                assert_eq!(read(&text.as_bytes()[..torn]), Reading::Torn, "{text:?} {torn}");
            }
        }
        for text in ["1", " ", "c 7", "c7 ", "c7\x1b[", "\x1b\\", "c111111111111111111111"] {
            assert_eq!(read(text.as_bytes()), Reading::Text, "{text:?}");
        }
    }
}
