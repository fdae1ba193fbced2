//! evcxr's questions: the lines on stdout by which the crate `evcxr_input` says what it asks for, before it reads from
//! stdin. They are taken out of what is printed.
//!
//! ```text
//! EVCXR_INPUT_REQUEST:What is your name?
//! EVCXR_INPUT_REQUEST_PASSWORD:And the password?
//! ```
//!
//! That anybody then reads, and how the question is put to the user, is not known here.

use std::{collections::VecDeque, mem, time::Duration};

use super::evcxr::TORN;

/// What such a line begins with.
const BEGIN: &str = "EVCXR_INPUT_REQUEST";
/// What follows if the answer is not to be seen.
const PASSWORD: &str = "_PASSWORD";
/// How long a line may be, at most.
const LIMIT: usize = 4096;

/// A prompt: what is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) password: bool,
}

/// A reader of prompts in what is printed, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    /// The beginning of a line that could become a question.
    held: String,
    /// Whether what was handed back ended within a line.
    within_line: bool,
    found: VecDeque<Prompt>,
}

impl Prompts {
    /// Takes more text and hands back what is no question.
    pub(super) fn read(&mut self, more: String) -> String {
        let mut text = mem::take(&mut self.held);
        if text.is_empty() {
            text = more;
        } else {
            text.push_str(&more);
        }
        while let Some((begin, end, prompt)) = self.question(&text) {
            text.replace_range(begin..end, "");
            self.found.push_back(prompt);
        }
        let last = text.rfind('\n').map_or(0, |newline| newline + 1);
        if (last > 0 || !self.within_line) && could_be(&text[last..]) {
            self.held = text.split_off(last);
        }
        self.decided(&text);
        text
    }

    /// How long what is held may be held, if nothing more comes.
    pub(super) fn patience(&self) -> Option<Duration> {
        (!self.held.is_empty()).then_some(TORN)
    }

    /// What is held is text.
    pub(super) fn finish(&mut self) -> String {
        let text = mem::take(&mut self.held);
        self.decided(&text);
        text
    }

    /// The oldest question that was not taken yet.
    pub(super) fn take(&mut self) -> Option<Prompt> {
        self.found.pop_front()
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.found.is_empty()
    }

    /// The first line of the text that is a question, and where it begins and ends.
    fn question(&self, text: &str) -> Option<(usize, usize, Prompt)> {
        text.match_indices(BEGIN).find_map(|(begin, _)| {
            let at_start = if begin == 0 { !self.within_line } else { text.as_bytes()[begin - 1] == b'\n' };
            let line = &text[begin..].split_once('\n').filter(|_| at_start)?.0;
            Some((begin, begin + line.len() + 1, prompt(line)?))
        })
    }

    fn decided(&mut self, text: &str) {
        if !text.is_empty() {
            self.within_line = !text.ends_with('\n');
        }
    }
}

fn prompt(line: &str) -> Option<Prompt> {
    let rest = line.strip_suffix('\r').unwrap_or(line).strip_prefix(BEGIN)?;
    let (password, rest) = rest.strip_prefix(PASSWORD).map_or((false, rest), |rest| (true, rest));
    rest.strip_prefix(':').map(|text| Prompt { text: text.to_owned(), password })
}

/// Whether a line that is not whole could become a question.
fn could_be(line: &str) -> bool {
    let begins = |whole: &str| if line.len() < whole.len() { whole.starts_with(line) } else { line.starts_with(whole) };
    let either = begins(&format!("{BEGIN}:")) || begins(&format!("{BEGIN}{PASSWORD}:"));
    !line.is_empty() && line.len() < LIMIT && either
}

#[cfg(test)]
mod tests;
