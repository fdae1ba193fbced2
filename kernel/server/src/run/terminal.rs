//! What cells show, as a terminal can show it: text as it is, errors in colours, of pictures their kind.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use serde_json::Value;

/// The terminal, where the output of cells goes.
pub(super) struct Terminal {
    stdout: Output,
    stderr: Output,
    /// Displays that can be replaced, by id: what was printed of them, and what they are now.
    displays: BTreeMap<String, Changing>,
}

struct Changing {
    printed: String,
    now: String,
}

/// An output of the terminal: one of the two streams.
struct Output {
    out: Box<dyn Write + Send>,
    /// Whether there is somebody to see them.
    colours: bool,
    in_line: bool,
}

impl Terminal {
    /// The process's own streams.
    pub(super) fn new() -> Self {
        let colours = (AutoStream::choice(&io::stdout()), AutoStream::choice(&io::stderr()));
        let place = |out, choice| Output { out, colours: choice != ColorChoice::Never, in_line: false };
        Self::with(place(Box::new(io::stdout()), colours.0), place(Box::new(io::stderr()), colours.1))
    }

    fn with(stdout: Output, stderr: Output) -> Self {
        Self { stdout, stderr, displays: BTreeMap::new() }
    }

    /// Prints what a message shows.
    pub(super) fn show(&mut self, kind: &str, content: &Value) -> io::Result<()> {
        match kind {
            "stream" => {
                let place = if content["name"] == "stderr" { &mut self.stderr } else { &mut self.stdout };
                place.raw(content["text"].as_str().unwrap_or_default())
            }
            "execute_result" => self.stdout.lines(&text(&content["data"])),
            "display_data" => {
                let text = text(&content["data"]);
                if let Some(id) = content["transient"]["display_id"].as_str() {
                    let changing = Changing { printed: text.clone(), now: text.clone() };
                    self.displays.insert(id.to_owned(), changing);
                }
                self.stdout.lines(&text)
            }
            "update_display_data" => {
                let id = content["transient"]["display_id"].as_str().unwrap_or_default();
                if let Some(changing) = self.displays.get_mut(id) {
                    changing.now = text(&content["data"]);
                }
                Ok(())
            }
            "error" => {
                let lines = content["traceback"].as_array().into_iter().flatten().filter_map(Value::as_str);
                self.stderr.lines(&lines.collect::<Vec<_>>().join("\n"))
            }
            _ => Ok(()),
        }
    }

    /// Prints what a line of input is asked with.
    pub(super) fn prompt(&mut self, text: &str) -> io::Result<()> {
        self.stdout.raw(text)
    }

    /// Whoever has typed a line has ended it.
    pub(super) fn answered(&mut self) {
        self.stdout.in_line = false;
    }

    /// A cell has ended: prints what has become of its displays.
    pub(super) fn end_cell(&mut self) -> io::Result<()> {
        for changing in self.displays.values_mut().filter(|changing| changing.printed != changing.now) {
            changing.printed.clone_from(&changing.now);
            self.stdout.lines(&changing.now)?;
        }
        Ok(())
    }
}

impl Output {
    /// The text of a cell, whose escape codes are its own.
    fn raw(&mut self, text: &str) -> io::Result<()> {
        if let Some(last) = text.chars().last() {
            self.in_line = last != '\n';
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Whole lines.
    fn lines(&mut self, text: &str) -> io::Result<()> {
        if std::mem::take(&mut self.in_line) {
            writeln!(self.out)?;
        }
        let text = text.trim_end_matches('\n');
        if self.colours {
            writeln!(self.out, "{text}")?;
        } else {
            writeln!(self.out, "{}", strip_str(text))?;
        }
        self.out.flush()
    }
}

/// The text of a bundle, or what it would be where it can be seen.
fn text(bundle: &Value) -> String {
    if let Some(text) = bundle["text/plain"].as_str() {
        return text.to_owned();
    }
    let kinds: Vec<&str> = bundle.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).collect();
    format!("({}: to be seen in a notebook)", kinds.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn check(show: impl FnOnce(&mut Terminal)) -> String {
        let written = Written::default();
        let place = || Output { out: Box::new(written.clone()), colours: false, in_line: false };
        show(&mut Terminal::with(place(), place()));
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_is_no_text_begins_a_line() {
        let text = check(|terminal| {
            terminal.show("stream", &json!({"name": "stdout", "text": "a"})).unwrap();
            terminal.show("execute_result", &json!({"data": {"text/plain": "1"}})).unwrap();
            terminal.show("display_data", &json!({"data": {"image/png": "", "text/html": ""}})).unwrap();
            terminal.show("error", &json!({"traceback": ["\u{1b}[31mE\u{1b}[0m: no", "  way"]})).unwrap();
            terminal.show("status", &json!({"execution_state": "idle"})).unwrap();
        });
        assert_eq!(text, "a\n1\n(image/png, text/html: to be seen in a notebook)\nE: no\n  way\n");
    }

    #[test]
    fn of_a_display_that_changes_the_first_and_the_last_are_printed() {
        let text = check(|terminal| {
            let of = |text: &str| json!({"data": {"text/plain": text}, "transient": {"display_id": "1"}});
            terminal.show("display_data", &of("0 %")).unwrap();
            terminal.show("update_display_data", &of("50 %")).unwrap();
            terminal.show("update_display_data", &of("100 %")).unwrap();
            terminal.end_cell().unwrap();
            terminal.end_cell().unwrap();
        });
        assert_eq!(text, "0 %\n100 %\n");
    }
}
