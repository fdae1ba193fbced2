//! Input: what code of a cell asks is put to the user, under the cell of a shell whose turn it is. Which reply answers what
//! is [`question`](super::question)'s.
//!
//! A frontend takes questions only while a cell of its own is executed. So a task that asks later, when another cell has
//! its turn, asks under that one; while no cell has, it is told at once that nobody can be asked.

use ipc::{CellId, InputAnswer};

use super::{
    common::Common,
    question::{Question, Reply},
    shell::{Shell, Shells},
    shell_id::ShellId,
    stage::{Interrupt, Stage},
};
use crate::{message::Request, output::Prompt, request::input};

impl Common {
    /// Code of a cell asks for a line. Without a prompt it may have printed one, as evcxr's crates do.
    pub(super) fn ask(&mut self, shells: &mut Shells, id: u64, run: CellId, prompt: Option<String>, password: bool) {
        let prompt = match prompt {
            Some(text) => Prompt { text, password },
            None => {
                let printed = self.audience.prompt(run, &self.supervisor).unwrap_or_default();
                Prompt { password: printed.password || password, ..printed }
            }
        };
        // A task of an older cell asks whoever has a cell that runs now.
        let ids = [
            shells.running(run).map(|shell| shell.id),
            shells.in_stage(|stage| matches!(stage, Stage::Running { .. })).map(|shell| shell.id),
        ];
        let asker = ids.into_iter().flatten().next().unwrap_or(ShellId::Main);
        match shells.get(asker).filter(|shell| takes_questions(shell)) {
            Some(shell) => {
                shell.questions.push(Question { id, run, prompt });
                self.ask_next(shell);
            }
            None => self.answer(id, InputAnswer::NotAllowed),
        }
    }

    /// Nobody waits for that answer any more.
    pub(super) fn withdraw(&mut self, shell: &mut Shell, id: u64) {
        shell.questions.withdraw(id);
        self.ask_next(shell);
    }

    /// A reply is about the shell that has sent its question, or where it does not name one, about its own.
    pub(super) fn input_reply(&mut self, shells: &mut Shells, request: &Request) {
        let content = match request.content::<input::InputReply>() {
            Ok(content) => content,
            Err(error) => return tracing::warn!("dropped an answer that cannot be understood: {error}"),
        };
        let shell = match &request.question {
            Some(message) => shells.asker(message),
            None => ShellId::named(request.parent.subshell_id.as_deref()).and_then(|id| shells.get(id)),
        };
        let late = || tracing::info!("dropped the answer to a question that is no more");
        let Some(shell) = shell else { return late() };
        match shell.questions.reply(request.question.as_deref()) {
            Reply::Answer(id) => {
                self.answer(id, content.answer());
                self.ask_next(shell);
            }
            Reply::Late => late(),
            Reply::LateInPlaceOfAnother => self.send_question(shell),
        }
    }

    /// The frontend did not take a question.
    pub(super) fn undelivered(&mut self, shells: &mut Shells, message: &str) {
        let Some(shell) = shells.asker(message) else { return };
        if let Some(id) = shell.questions.undelivered(message) {
            self.answer(id, InputAnswer::NotAllowed);
            self.ask_next(shell);
        }
    }

    /// No question that is there now gets an answer of the user's.
    pub(super) fn end_questions(&self, shell: &mut Shell) {
        for id in shell.questions.clear() {
            self.answer(id, InputAnswer::NotAllowed);
        }
    }

    fn answer(&self, id: u64, answer: InputAnswer) {
        self.supervisor.send(ipc::Request::Input { id, answer });
    }

    fn ask_next(&mut self, shell: &mut Shell) {
        let Some(question) = shell.questions.next() else { return };
        let asks = question.run;
        // What was printed before it is seen before it.
        self.audience.settle(asks, &self.supervisor);
        match &shell.stage {
            Stage::Running { run, .. } if *run != asks => self.audience.settle(*run, &self.supervisor),
            _ => {}
        }
        self.send_question(shell);
    }

    fn send_question(&self, shell: &mut Shell) {
        let (Some(cell), Some(question)) = (&shell.cell, shell.questions.open()) else { return };
        let message = self.outgoing.ask(input::request(&question.prompt), cell.parent());
        shell.questions.sent(message);
    }
}

/// Whether there is somebody to be asked, and a cell that is not to end.
fn takes_questions(shell: &Shell) -> bool {
    let is_interrupted = matches!(&shell.stage, Stage::Running { interrupt, .. } if *interrupt != Interrupt::None);
    !is_interrupted && shell.cell.as_ref().is_some_and(|cell| cell.content.allow_stdin)
}
