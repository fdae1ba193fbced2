//! Questions to the user that wait for their answers, and which reply answers which. How they are asked is told by
//! [`input`](super::input).
//!
//! One question is before the user at a time. A reply names the question that it answers; clients that leave that out
//! answer in the order in which they were asked. So a late answer to a question that is no more never becomes the answer
//! to the next one.

use std::collections::VecDeque;

use ipc::CellId;

use crate::output::Prompt;

/// A question that code of a cell asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The worker's number for it.
    pub(super) id: u64,
    pub(super) run: CellId,
    pub(super) prompt: Prompt,
}

/// The questions of the cell whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// The one that is before the user.
    open: Option<Question>,
    waiting: VecDeque<Question>,
    /// All that were sent and may still be answered, in order: the message and the question.
    sent: VecDeque<(String, u64)>,
}

/// The meaning of an `input_reply`: what it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It answers the question with this number, which is then no more.
    Answer(u64),
    /// It answers a question that is no more.
    Late,
    /// The same, from a client that cannot be expected to answer the open question as well: it is to be sent again.
    LateInPlaceOfAnother,
}

impl Questions {
    /// Takes a question in.
    pub(super) fn push(&mut self, question: Question) {
        self.waiting.push_back(question);
    }

    /// The question that is to be sent now, if any is.
    pub(super) fn next(&mut self) -> Option<&Question> {
        if self.open.is_some() {
            return None;
        }
        self.open = self.waiting.pop_front();
        self.open.as_ref()
    }

    /// The question that is before the user.
    pub(super) fn open(&self) -> Option<&Question> {
        self.open.as_ref()
    }

    /// The open question was sent as this message.
    pub(super) fn sent(&mut self, message: String) {
        self.sent.extend(self.open.as_ref().map(|question| (message, question.id)));
    }

    /// Whether this message was one of these questions, and may still be answered.
    pub(super) fn has_sent(&self, message: &str) -> bool {
        self.sent.iter().any(|(sent, _)| sent == message)
    }

    /// Nobody waits for this answer any more.
    pub(super) fn withdraw(&mut self, id: u64) {
        self.open.take_if(|question| question.id == id);
        self.waiting.retain(|question| question.id != id);
    }

    /// A reply has come, which may say what message it is to.
    pub(super) fn reply(&mut self, to: Option<&str>) -> Reply {
        let sent = match to {
            Some(to) => self.sent.iter().position(|(message, _)| message == to),
            None => (!self.sent.is_empty()).then_some(0),
        };
        // What was sent before it is answered no more.
        let Some((_, id)) = sent.and_then(|sent| self.sent.drain(..=sent).next_back()) else { return Reply::Late };
        match &self.open {
            Some(open) if open.id == id => {
                self.open = None;
                Reply::Answer(id)
            }
            Some(_) if to.is_none() => Reply::LateInPlaceOfAnother,
            _ => Reply::Late,
        }
    }

    /// The question that was sent as this message, if it is the open one; it is no more.
    pub(super) fn undelivered(&mut self, message: &str) -> Option<u64> {
        let sent = self.sent.iter().position(|(sent, _)| sent == message)?;
        let (_, id) = self.sent.remove(sent)?;
        self.open.take_if(|question| question.id == id).map(|question| question.id)
    }

    /// The cell has ended, or was interrupted: no question is answered any more. Those that were open or waited.
    pub(super) fn clear(&mut self) -> Vec<u64> {
        let Self { open, waiting, .. } = std::mem::take(self);
        open.into_iter().chain(waiting).map(|question| question.id).collect()
    }
}

#[cfg(test)]
mod tests;
