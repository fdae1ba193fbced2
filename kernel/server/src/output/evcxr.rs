//! evcxr's display protocol: the blocks on stdout by which plotters, plotly, showata and others show what they make.
//!
//! ```text
//! EVCXR_BEGIN_CONTENT text/html
//! <b>content</b>
//! EVCXR_END_CONTENT
//! ```
//!
//! What a block looks like is told under "Custom output" in
//! [evcxr's README](https://github.com/evcxr/evcxr/blob/main/evcxr_jupyter/README.md#custom-output). What else holds is
//! what its kernel does: the first marker may stand anywhere in a line, the last one has a line to itself, and blocks
//! of different MIME types are one output. Where evcxr lets the second block of a type replace the first, here it
//! begins the next output, and so does text between two blocks.
//!
//! This file tells blocks and text apart and keeps their order. When a cell ends, and whether a bundle is its result,
//! is not known here; nor are evcxr's other words on stdout, of which [`prompt`](super::prompt) knows one.

use std::{mem, time::Duration};

use ipc::MimeBundle;
use serde_json::Value;

/// What a block begins with, up to its MIME type.
const BEGIN: &str = "EVCXR_BEGIN_CONTENT ";
/// The line that ends a block.
const END: &str = "EVCXR_END_CONTENT";
/// How long the rest of the line may be whose end shows that a block begins.
const HEADER: usize = 256;
/// How much one bundle may hold. A block that grows beyond it is shown as what it also is: text.
const LIMIT: usize = 64 * 1024 * 1024;
/// How long text may be withheld that could become the beginning of a block: a torn write goes on at once.
pub(super) const TORN: Duration = Duration::from_millis(100);
/// How long a bundle may wait for further types, or for the end of the cell whose result it would be.
const GROWING: Duration = Duration::from_millis(500);

/// A part of what was printed: text as it stood there, or what a few blocks had to show.
#[derive(Debug, PartialEq)]
pub(super) enum Printed {
    Text(String),
    Bundle(MimeBundle),
}

/// A reader of evcxr's blocks in what is printed, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Evcxr {
    /// Text that is not decided yet: a block without its end, or what could become the beginning of one.
    held: String,
    /// The block that `held` begins with.
    block: Option<Block>,
    bundle: MimeBundle,
    /// How much the bundle's blocks have.
    size: usize,
}

/// A block whose end is looked for; places are counted from its marker.
#[derive(Debug)]
struct Block {
    mime: String,
    content: usize,
    /// Where the first line begins that is not whole yet.
    line: usize,
    /// Up to where it is known to have no end.
    searched: usize,
}

impl Evcxr {
    /// Takes more text and hands back what is decided.
    pub(super) fn read(&mut self, more: String) -> Vec<Printed> {
        let mut printed = Vec::new();
        let mut text = mem::take(&mut self.held);
        if text.is_empty() {
            text = more;
        } else {
            text.push_str(&more);
        }
        let mut done = 0;
        loop {
            let rest = &text[done..];
            match &mut self.block {
                None => {
                    let (decided, block) = seek(rest);
                    self.print(&rest[..decided], &mut printed);
                    done += decided;
                    if block.is_none() {
                        break;
                    }
                    self.block = block;
                }
                Some(block) => match block.end(rest) {
                    Some((content, end)) => {
                        let (mime, content) = (mem::take(&mut block.mime), block.text(&rest[..content]));
                        self.block = None;
                        self.add(mime, content, &mut printed);
                        done += end;
                    }
                    None if rest.len() > LIMIT => {
                        self.block = None;
                        self.print(rest, &mut printed);
                        done = text.len();
                    }
                    None => break,
                },
            }
        }
        self.held = if done == 0 { text } else { text[done..].to_owned() };
        printed
    }

    /// How long what is held may be held, if nothing more comes. A block that has begun may take its time.
    pub(super) fn patience(&self) -> Option<Duration> {
        match &self.block {
            Some(_) => None,
            None if !self.held.is_empty() => Some(TORN),
            None => (!self.bundle.is_empty()).then_some(GROWING),
        }
    }

    /// Nothing more comes: what is held is decided. The last bundle stays.
    pub(super) fn finish(&mut self) -> Vec<Printed> {
        let mut printed = Vec::new();
        let held = mem::take(&mut self.held);
        match self.block.take() {
            // Its last line has no end.
            Some(block) if is_end(&held[block.line..]) => {
                let content = block.text(&held[..block.line]);
                self.add(block.mime, content, &mut printed);
            }
            _ => self.print(&held, &mut printed),
        }
        printed
    }

    /// What is held and could become the beginning of a block is text; a block that has begun goes on.
    pub(super) fn decide(&mut self) -> Vec<Printed> {
        if self.block.is_some() { Vec::new() } else { self.finish() }
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.bundle.is_empty()
    }

    /// The last bundle, which no text has followed.
    pub(super) fn take_bundle(&mut self) -> Option<MimeBundle> {
        self.size = 0;
        Some(mem::take(&mut self.bundle)).filter(|bundle| !bundle.is_empty())
    }

    fn print(&mut self, text: &str, printed: &mut Vec<Printed>) {
        if !text.is_empty() {
            printed.extend(self.take_bundle().map(Printed::Bundle));
            printed.push(Printed::Text(text.to_owned()));
        }
    }

    fn add(&mut self, mime: String, content: String, printed: &mut Vec<Printed>) {
        if self.bundle.contains_key(&mime) || self.size + content.len() > LIMIT {
            printed.extend(self.take_bundle().map(Printed::Bundle));
        }
        self.size += content.len();
        let json = if mime.contains("json") { serde_json::from_str(&content).ok() } else { None };
        self.bundle.insert(mime, json.unwrap_or(Value::String(content)));
    }
}

impl Block {
    /// Where its content ends, and where what follows it begins. `text` begins with the block.
    fn end(&mut self, text: &str) -> Option<(usize, usize)> {
        while let Some(found) = text[self.searched..].find('\n') {
            let (line, next) = (self.line, self.searched + found + 1);
            (self.line, self.searched) = (next, next);
            if is_end(&text[line..next]) {
                return Some((line, next));
            }
        }
        self.searched = text.len();
        None
    }

    /// Its content: the lines after the header, without the empty ones before the first that is not.
    fn text(&self, text: &str) -> String {
        let mut content = String::with_capacity(text.len() - self.content);
        for line in text[self.content..].lines() {
            if !content.is_empty() {
                content.push('\n');
            }
            content.push_str(line);
        }
        content
    }
}

/// Looks for the beginning of a block. Up to the number it is all text; there a block begins, or what could become one.
fn seek(text: &str) -> (usize, Option<Block>) {
    let mut from = 0;
    while let Some(found) = text[from..].find(BEGIN) {
        let begin = from + found;
        from = begin + BEGIN.len();
        let rest = &text.as_bytes()[from..];
        let line = rest.iter().take(HEADER).position(|byte| *byte == b'\n');
        let header = &text[from..line.map_or(text.len(), |line| from + line)];
        let mime = header.split([' ', '\t', '\r']).next().unwrap_or_default();
        let has_mime = mime.contains('/');
        match line {
            Some(line) if has_mime => {
                let content = from + line + 1 - begin;
                let block = Block { mime: mime.to_owned(), content, line: content, searched: content };
                return (begin, Some(block));
            }
            // The line goes on, and the MIME type may.
            None if rest.len() < HEADER && (has_mime || mime.len() == header.len()) => return (begin, None),
            // Somebody writes about the marker.
            _ => {}
        }
    }
    let could_be = |length: &usize| text[from..].ends_with(&BEGIN[..*length]);
    (text.len() - (1..BEGIN.len()).rev().find(could_be).unwrap_or(0), None)
}

fn is_end(line: &str) -> bool {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line) == END
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    /// Neighbouring texts are one.
    fn joined(printed: impl IntoIterator<Item = Printed>) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        for piece in printed {
            match (piece, all.last_mut()) {
                (Printed::Text(text), Some(Value::String(last))) => last.push_str(&text),
                (Printed::Text(text), _) => all.push(text.into()),
                (Printed::Bundle(bundle), _) => all.push(Value::Object(bundle)),
            }
        }
        all
    }

    fn check_reads<'a>(reads: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
        let mut evcxr = Evcxr::default();
        let mut printed: Vec<Printed> = reads.into_iter().flat_map(|read| evcxr.read(read.to_owned())).collect();
        printed.extend(evcxr.finish());
        printed.extend(evcxr.take_bundle().map(Printed::Bundle));
        assert_eq!(evcxr.patience(), None);
        joined(printed)
    }

    fn check(text: &str) -> Vec<Value> {
        check_reads([text])
    }

    fn html(content: &str) -> String {
        format!("EVCXR_BEGIN_CONTENT text/html\n{content}\nEVCXR_END_CONTENT\n")
    }

    #[test]
    fn a_block_is_a_bundle_and_what_stands_around_it_is_text() {
        assert_eq!(check(&html("<b>x</b>\n <i>")), [json!({"text/html": "<b>x</b>\n <i>"})]);
        assert_eq!(
            check(&format!("before\nx = {}after", html("x"))),
            [json!("before\nx = "), json!({"text/html": "x"}), json!("after")]
        );
        assert_eq!(check("EVCXR_BEGIN_CONTENT a/b c\nx\nEVCXR_END_CONTENT\n"), [json!({"a/b": "x"})]);
        assert_eq!(check("EVCXR_BEGIN_CONTENT a/b\nEVCXR_END_CONTENT\n"), [json!({"a/b": ""})]);
    }

    #[test]
    fn empty_lines_are_dropped_before_the_content_and_kept_within() {
        assert_eq!(check(&html("\n\n  x\n\ny\n")), [json!({"text/html": "  x\n\ny\n"})]);
    }

    #[test]
    fn only_a_line_of_its_own_ends_a_block() {
        let content = " EVCXR_END_CONTENT\nEVCXR_END_CONTENT \nxEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT a/b";
        assert_eq!(check(&html(content)), [json!({ "text/html": content })]);
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        let text = "a\r\nEVCXR_BEGIN_CONTENT text/html\r\n\r\n<b>\r\n</b>\r\nEVCXR_END_CONTENT\r\nz\r\n";
        assert_eq!(check(text), [json!("a\r\n"), json!({"text/html": "<b>\n</b>"}), json!("z\r\n")]);
    }

    #[test]
    fn json_is_json_and_all_else_a_string() {
        let block = |mime: &str, content: &str| format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n");
        let mime = "application/vnd.plotly.v1+json";
        assert_eq!(check(&block(mime, "{\"data\":\n[1]}")), [json!({ mime: {"data": [1]} })]);
        assert_eq!(check(&block(mime, "{oops")), [json!({ mime: "{oops" })]);
        assert_eq!(check(&block("text/plain", "[1]")), [json!({"text/plain": "[1]"})]);
    }

    #[test]
    fn other_types_join_a_bundle_and_the_same_type_begins_the_next() {
        let plain = "EVCXR_BEGIN_CONTENT text/plain\np\nEVCXR_END_CONTENT\n";
        let (a, b) = (html("a"), html("b"));
        assert_eq!(check(&format!("{a}{plain}")), [json!({"text/html": "a", "text/plain": "p"})]);
        assert_eq!(check(&format!("{a}{b}")), [json!({"text/html": "a"}), json!({"text/html": "b"})]);
        assert_eq!(
            check(&format!("{a}{plain}{plain}{b}")),
            [json!({"text/html": "a", "text/plain": "p"}), json!({"text/plain": "p", "text/html": "b"})]
        );
        assert_eq!(
            check(&format!("{a}-\n{plain}")),
            [json!({"text/html": "a"}), json!("-\n"), json!({"text/plain": "p"})]
        );
    }

    #[test]
    fn what_is_replaced_goes_out_at_once_and_the_last_bundle_waits() {
        let mut evcxr = Evcxr::default();
        assert_eq!(evcxr.read(html("a")), []);
        assert_eq!(evcxr.patience(), Some(GROWING));
        assert_eq!(joined(evcxr.read(html("b"))), [json!({"text/html": "a"})]);
        assert_eq!(joined(evcxr.read("x".to_owned())), [json!({"text/html": "b"}), json!("x")]);
        assert_eq!((evcxr.patience(), evcxr.take_bundle()), (None, None));
    }

    #[test]
    fn reads_may_tear_it_anywhere() {
        let text = format!("äEVCXR_\n{}b{}\u{fffd}EVCXR_BEGIN", html("\nä"), html("EVCXR_END"));
        let expected = check(&text);
        assert_eq!(expected.len(), 5);
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for &first in &places {
            for &second in places.iter().filter(|place| **place >= first) {
                assert_eq!(check_reads([&text[..first], &text[first..second], &text[second..]]), expected);
            }
        }
        assert_eq!(check_reads(text.split_inclusive(|_| true)), expected);
    }

    #[test]
    fn text_is_withheld_only_if_it_could_become_a_marker() {
        let at_once = |text: &str| {
            let mut evcxr = Evcxr::default();
            let printed = joined(evcxr.read(text.to_owned()));
            assert_eq!(evcxr.patience(), (!evcxr.held.is_empty()).then_some(TORN));
            printed.first().map_or("", |text| text.as_str().unwrap()).to_owned()
        };
        for text in ["partial", "50 %\r", "EVCXR_BEG\n", "EVCXR_BEGIN_CONTENT\n", "EVCXR_BEGIN_CONTENT is a", "EV CX"] {
            assert_eq!(at_once(text), text);
        }
        assert_eq!(at_once("x EVCXR_BEG"), "x ");
        assert_eq!(at_once("EVCXR_BEGIN_CONTENT text"), "");
        assert_eq!(at_once("EVCXR_BEGIN_CONTENT text/html; charset"), "");

        let mut evcxr = Evcxr::default();
        evcxr.read("EVCXR_BEG".to_owned());
        assert_eq!(joined(evcxr.read("ins".to_owned())), [json!("EVCXR_BEGins")]);
        evcxr.read("EVCXR_BEG".to_owned());
        assert_eq!(joined(evcxr.finish()), [json!("EVCXR_BEG")]);
    }

    #[test]
    fn what_has_no_mime_type_is_text() {
        let long = format!("EVCXR_BEGIN_CONTENT a/{}", "b".repeat(HEADER));
        for text in ["EVCXR_BEGIN_CONTENT \nx\n", "EVCXR_BEGIN_CONTENT is a marker\n", &long] {
            assert_eq!(check(text), [json!(text)]);
        }
        let text = format!("EVCXR_BEGIN_CONTENT or {}", html("x"));
        assert_eq!(check(&text), [json!("EVCXR_BEGIN_CONTENT or "), json!({"text/html": "x"})]);
    }

    #[test]
    fn a_block_without_an_end_is_text() {
        let text = format!("EVCXR_BEGIN_CONTENT text/html\n{}", html("x"));
        let open = &text[..text.len() - 3];
        assert_eq!(check(&format!("{}{open}", html("y"))), [json!({"text/html": "y"}), json!(open)]);
        // Only the line's own end is missing.
        assert_eq!(check(html("x").trim_end()), [json!({"text/html": "x"})]);

        let mut evcxr = Evcxr::default();
        evcxr.read(open.to_owned());
        assert_eq!(evcxr.patience(), None, "a block that has begun may take its time");
        evcxr.finish();
        assert_eq!(joined(evcxr.read("x".to_owned())), [json!("x")]);
    }

    #[test]
    fn a_block_that_is_too_big_is_text() {
        let mut evcxr = Evcxr::default();
        let mut printed = evcxr.read("EVCXR_BEGIN_CONTENT text/html\n".to_owned());
        let piece = "x".repeat(1024 * 1024);
        for _ in 0..64 {
            printed.extend(evcxr.read(piece.clone()));
        }
        assert_eq!(printed.len(), 1);
        assert_eq!(evcxr.patience(), None);
        printed.extend(evcxr.read(format!("y\nEVCXR_END_CONTENT\n{}", html("z"))));
        let text: usize =
            printed.iter().map(|piece| if let Printed::Text(text) = piece { text.len() } else { 0 }).sum();
        let around = "EVCXR_BEGIN_CONTENT text/html\n".len() + "y\nEVCXR_END_CONTENT\n".len();
        assert_eq!(text, LIMIT + around);
        assert_eq!(evcxr.take_bundle().map(Value::Object), Some(json!({"text/html": "z"})));
    }

    #[test]
    fn a_bundle_has_its_limit_too() {
        let mut text = String::new();
        for number in 0..3 {
            let content = "x".repeat(LIMIT / 2 - 100);
            let _ = writeln!(text, "EVCXR_BEGIN_CONTENT a/{number}\n{content}\nEVCXR_END_CONTENT");
        }
        assert_eq!(check(&text).len(), 2);
    }
}
