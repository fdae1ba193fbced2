//! The check that a text is JSON, as [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259) has it.
//!
//! It is written here and not taken from `serde_json`, because of what a cell sees if that is part of the session library:
//! its `impl PartialEq<Value> for u64` and the like make `n == text.parse().unwrap()` ambiguous in every cell.

/// Deeper than this is refused, as everywhere: who reads it would run out of stack.
const DEEPEST: usize = 128;

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    /// What should stand there.
    pub(super) expected: &'static str,
}

/// Checks a whole text.
pub(super) fn check(text: &str) -> Result<(), Wrong> {
    let mut reader = Checker { bytes: text.as_bytes(), at: 0, depth: 0 };
    reader.value()?;
    reader.skip_space();
    if reader.at == text.len() { Ok(()) } else { reader.wrong("the end") }
}

/// A reader that keeps nothing of what it reads.
struct Checker<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Checker<'_> {
    fn wrong(&self, expected: &'static str) -> Result<(), Wrong> {
        Err(Wrong { at: self.at, expected })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<(), Wrong> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.list(b'}', "`,` or `}`", |reader| {
                reader.skip_space();
                reader.text("a name in quotes")?;
                reader.skip_space();
                if reader.take(b':') { reader.value() } else { reader.wrong("`:`") }
            }),
            Some(b'[') => self.list(b']', "`,` or `]`", Self::value),
            Some(b'"') => self.text("text"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let rest = &self.bytes[self.at..];
                match ["true", "false", "null"].iter().find(|word| rest.starts_with(word.as_bytes())) {
                    Some(word) => {
                        self.at += word.len();
                        Ok(())
                    }
                    None => self.wrong("a value"),
                }
            }
        }
    }

    /// Elements between the bracket that is next and its other half.
    fn list(
        &mut self,
        close: u8,
        expected: &'static str,
        element: impl Fn(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        if self.depth == DEEPEST {
            return self.wrong("less depth");
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        if !self.take(close) {
            loop {
                element(self)?;
                self.skip_space();
                if self.take(close) {
                    break;
                }
                if !self.take(b',') {
                    return self.wrong(expected);
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn text(&mut self, expected: &'static str) -> Result<(), Wrong> {
        if !self.take(b'"') {
            return self.wrong(expected);
        }
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(b' '..) => self.at += 1,
                Some(_) => return self.wrong("`\\n` and the like in place of a control character"),
                None => return self.wrong("`\"`"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        let rest = &self.bytes[self.at + 1..];
        let length = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if rest.len() > 4 && rest[1..5].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return self.wrong("an escape that JSON has"),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { self.wrong("a digit") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another reader of JSON says is what is expected here.
    #[test]
    fn it_is_json_where_others_say_so() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let texts = [
            "{}",
            " [ ] ",
            "[1,2]",
            "[1,]",
            "[,1]",
            "{\"a\":1,\"b\":[null,true,false]}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\"}",
            "",
            " ",
            "nul",
            "nulll",
            "truefalse",
            "1",
            "-1",
            "-",
            "+1",
            "01",
            "-0",
            "0.5",
            ".5",
            "5.",
            "1e5",
            "1E+5",
            "1e-5",
            "1e",
            "1.5e+",
            "--1",
            "\"\"",
            "\"a",
            "\"\\n\\u00e9\\/\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "\"喫\"",
            "[1 2]",
            "[1]]",
            "{\"a\":1 \"b\":2}",
            "\u{feff}1",
            "[\"\\\\\"]",
            "\"\\",
            "NaN",
            "'a'",
            "[1]/**/",
        ];
        for text in texts.iter().map(|text| (*text).to_owned()).chain([deep(127), deep(1_000), "[".repeat(100)]) {
            let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(check(&text).is_ok(), is_json, "{text:?}: {:?}", check(&text));
        }
    }
}
