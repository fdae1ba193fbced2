//! Input: what code of a cell asks is put to the user, under the cell whose turn it is. Which reply answers what is
//! [`question`](super::question)'s.
//!
//! A frontend takes questions only while a cell of its own is executed. So a task that asks later, when another cell has
//! its turn, asks under that one; while no cell has, it is told at once that nobody can be asked.

use ipc::{CellId, InputAnswer};

use super::{
    Execution,
    interrupt::Interrupt,
    question::{Question, Reply},
    stage::Stage,
};
use crate::{message::Request, output::Prompt, request::input};

impl Execution {
    /// Code of a cell asks for a line. Without a prompt it may have printed one, as evcxr's crates do.
    pub(super) fn ask(&mut self, id: u64, run: CellId, prompt: Option<String>, password: bool) {
        // A task of an older cell asks whoever has a cell that runs now.
        let _ = self.turn_where(|stage| stage.runs(run))
            || self.turn_where(|stage| matches!(stage, Stage::Running { .. }))
            || self.turn_to(&None);
        self.drain();
        let prompt = match prompt {
            Some(text) => Prompt { text, password },
            None => {
                let printed = self.outputs.prompt(run).unwrap_or_default();
                Prompt { password: printed.password || password, ..printed }
            }
        };
        if !self.takes_questions() {
            return self.answer(id, InputAnswer::NotAllowed);
        }
        self.questions.push(Question { id, run, prompt });
        self.ask_next();
    }

    /// Nobody waits for that answer any more.
    pub(super) fn withdraw(&mut self, id: u64) {
        self.questions.withdraw(id);
        self.ask_next();
    }

    /// [`input_reply`](https://jupyter-client.readthedocs.io/en/stable/messaging.html#messages-on-the-stdin-router-dealer-channel)
    pub(crate) fn input_reply(&mut self, request: &Request) {
        let content = match request.content::<input::Content>() {
            Ok(content) => content,
            Err(error) => return tracing::warn!("dropped an answer that cannot be understood: {error}"),
        };
        if let Some(message) = &request.question {
            self.turn_to_asker(message);
        } else {
            self.turn_to(&request.parent.subshell_id);
        }
        match self.questions.reply(request.question.as_deref()) {
            Reply::Answer(id) => {
                self.answer(id, content.answer());
                self.ask_next();
            }
            Reply::Late => tracing::info!("dropped the answer to a question that is no more"),
            Reply::LateInPlaceOfAnother => self.send_question(),
        }
    }

    /// The frontend did not take a question.
    pub(crate) fn undelivered(&mut self, message: &str) {
        self.turn_to_asker(message);
        if let Some(id) = self.questions.undelivered(message) {
            self.answer(id, InputAnswer::NotAllowed);
            self.ask_next();
        }
    }

    /// The shell that sent this question has its turn.
    fn turn_to_asker(&mut self, message: &str) {
        let mut asker = None;
        self.each_shell(|shell| {
            if shell.questions.has_sent(message) {
                asker = Some(shell.shell.clone());
            }
        });
        self.turn_to(&asker.flatten());
    }

    /// No question that is there now gets an answer of the user's.
    pub(super) fn end_questions(&mut self) {
        for id in self.questions.clear() {
            self.answer(id, InputAnswer::NotAllowed);
        }
    }

    fn answer(&self, id: u64, answer: InputAnswer) {
        self.supervisor.send(ipc::Request::Input { id, answer });
    }

    /// Whether there is somebody to be asked, and a cell that is not to end.
    fn takes_questions(&self) -> bool {
        let interrupted = match &self.stage {
            Stage::Running { interrupt, .. } => *interrupt != Interrupt::None,
            _ => false,
        };
        !interrupted && self.cell.as_ref().is_some_and(|cell| cell.content.allow_stdin)
    }

    fn ask_next(&mut self) {
        let Some(question) = self.questions.next() else { return };
        let asks = question.run;
        // What was printed before it is seen before it.
        self.settle(asks);
        match &self.stage {
            Stage::Running { run, .. } if *run != asks => self.settle(*run),
            _ => {}
        }
        self.send_question();
    }

    fn send_question(&mut self) {
        let (Some(cell), Some(question)) = (&self.cell, self.questions.open()) else { return };
        let message = self.outgoing.ask(input::request(&question.prompt), cell.parent());
        self.questions.sent(message);
    }
}
