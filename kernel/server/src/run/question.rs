//! Questions to whoever sits at the terminal. A line is read by a thread of its own, so that an interrupt is heard and
//! output is seen while it is waited for.

use std::{io, thread};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// What frontends send for the end of the input.
const END: &str = "\u{4}";

/// The questions at a terminal: the one that is open, and the line that is being read.
#[derive(Default)]
pub(super) struct TerminalQuestions {
    /// The id of the message that asked last.
    open: Option<String>,
    /// A line that was not typed yet. It answers the question that is open when it comes.
    reading: Option<mpsc::Receiver<Option<String>>>,
    /// As the terminal was before its echo was switched off.
    echo: Option<Termios>,
}

impl TerminalQuestions {
    /// A question is asked: begins to read, unless a line is waited for already.
    pub(super) fn ask(&mut self, message: &str, password: bool) {
        self.open = Some(message.to_owned());
        if password {
            self.hide();
        }
        if self.reading.is_some() {
            return;
        }
        let (sender, receiver) = mpsc::channel(1);
        self.reading = Some(receiver);
        // Without the thread the channel is closed, which is the end of the input.
        let _ = thread::Builder::new().name("input".into()).spawn(move || sender.blocking_send(read()));
    }

    /// A line, or `None` for the end of the input; does not return while nothing is read.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(super) async fn answer(&mut self) -> Option<String> {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let line = reading.recv().await.flatten();
        self.reading = None;
        self.restore();
        line
    }

    /// The question that a line answers, which is then no more.
    pub(super) fn take_open(&mut self) -> Option<String> {
        self.open.take()
    }

    fn hide(&mut self) {
        let Ok(was) = tcgetattr(io::stdin()) else { return };
        let mut hidden = was.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        if tcsetattr(io::stdin(), SetArg::TCSANOW, &hidden).is_ok() {
            self.echo.get_or_insert(was);
        }
    }

    fn restore(&mut self) {
        if let Some(was) = self.echo.take() {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &was);
        }
    }
}

impl Drop for TerminalQuestions {
    fn drop(&mut self) {
        self.restore();
    }
}

/// What an `input_reply` says.
pub(super) fn line(answer: Option<String>) -> String {
    answer.unwrap_or_else(|| END.to_owned())
}

fn read() -> Option<String> {
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(1..) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => None,
    }
}
