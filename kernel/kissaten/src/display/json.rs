//! JSON: of values that serde can serialize, and text that is JSON already.

mod check;
mod read;

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

use super::lines::WIDTH;
use super::value::{Failed, Value, Writer};
use super::{Display, MimeBundle, TOO_LONG};

/// A value that serde can serialize, shown as JSON: a tree to unfold where the frontend has one, and else as text.
///
/// ```
/// kissaten::display(&kissaten::Json(vec![("cups", 3), ("pots", 1)]));
/// kissaten::display(&kissaten::Json::parse(r#"{"cups": 3}"#)?);
/// # Ok::<(), kissaten::JsonError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> Display for Json<T> {
    fn mime_bundle(&self) -> MimeBundle {
        of_value(self.0.serialize(Writer::WHOLE))
    }
}

impl<T: Serialize> From<Json<T>> for MimeBundle {
    fn from(value: Json<T>) -> Self {
        value.mime_bundle()
    }
}

impl Json<()> {
    /// Text that is JSON already; it is sent as it is.
    ///
    /// # Errors
    /// Where it is none: what is wrong, and where.
    pub fn parse(text: impl AsRef<str>) -> Result<MimeBundle, JsonError> {
        parse(text.as_ref())
    }
}

/// Why a text is no JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    expected: &'static str,
    /// Both counted from 1, the column in characters.
    line: usize,
    column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, line, column } = self;
        write!(f, "the text is not JSON: expected {expected} at line {line}, column {column}")
    }
}

impl std::error::Error for JsonError {}

/// A value as JSON.
pub(crate) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Failed> {
    value.serialize(Writer::WHOLE).map(|value| text_of(&value))
}

#[inline(never)]
pub(crate) fn text_of(value: &Value) -> String {
    let mut json = String::new();
    write_value(value, &mut json);
    json
}

/// The value of a type that a text is, which need not be JSON.
pub(crate) fn from_text<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Failed> {
    checked(text)?;
    read::read(text)
}

#[inline(never)]
fn checked(text: &str) -> Result<(), Failed> {
    check::check(text).map_err(|wrong| Failed(wrong_at(text, wrong).to_string()))
}

#[inline(never)]
fn parse(text: &str) -> Result<MimeBundle, JsonError> {
    match check::check(text) {
        Ok(()) => Ok(bundle(text.to_owned())),
        Err(wrong) => Err(wrong_at(text, wrong)),
    }
}

fn wrong_at(text: &str, check::Wrong { at, expected }: check::Wrong) -> JsonError {
    let before = String::from_utf8_lossy(&text.as_bytes()[..at]);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    JsonError { expected, line: before.matches('\n').count() + 1, column }
}

#[inline(never)]
fn of_value(value: Result<Value, Failed>) -> MimeBundle {
    match value {
        Ok(value) => bundle(text_of(&value)),
        Err(error) => super::plain(format!("a value that cannot be JSON: {error}")),
    }
}

/// The tree as JSON, which knows nothing of what was left out. What JSON cannot say is null.
fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Integer(value) => push(out, format_args!("{value}")),
        Value::Float(value) if value.is_finite() => push(out, format_args!("{value:?}")),
        Value::Single(value) if value.is_finite() => push(out, format_args!("{value:?}")),
        Value::Float(_) | Value::Single(_) => out.push_str("null"),
        Value::Text(text) => write_text(text, out),
        Value::Sequence(values, _) => list(out, ['[', ']'], values, write_value),
        Value::Map(fields, _) => list(out, ['{', '}'], fields, |(name, value), out| {
            write_text(name, out);
            out.push(':');
            write_value(value, out);
        }),
    }
}

fn push(out: &mut String, text: fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = out.write_fmt(text);
}

fn list<T>(out: &mut String, [open, close]: [char; 2], all: &[T], write: impl Fn(&T, &mut String)) {
    out.push(open);
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(one, out);
    }
    out.push(close);
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\u{0}'..' ' => push(out, format_args!("\\u{:04x}", u32::from(character))),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn bundle(json: String) -> MimeBundle {
    let text = if json.len() <= WIDTH { json.trim().to_owned() } else { indented(&json) };
    MimeBundle::new().with("application/json", json).with("text/plain", text)
}

/// Valid JSON with a line for each element, up to what a frontend can take.
fn indented(json: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    let (mut in_text, mut is_escaped, mut is_open) = (false, false, false);
    for character in json.chars() {
        if in_text {
            out.push(character);
            in_text = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            continue;
        }
        if character.is_ascii_whitespace() {
            continue;
        }
        if matches!(character, ']' | '}') {
            depth -= 1;
            if !is_open {
                begin_line(&mut out, depth);
            }
        } else if is_open {
            begin_line(&mut out, depth);
        }
        out.push(character);
        is_open = matches!(character, '[' | '{');
        match character {
            '[' | '{' => depth += 1,
            ',' => begin_line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_text = true,
            _ => {}
        }
        if out.len() > TOO_LONG {
            out.push_str("\n… (cut)");
            break;
        }
    }
    out
}

fn begin_line(out: &mut String, depth: usize) {
    out.push('\n');
    // What is deeper is not read by anybody.
    out.extend(std::iter::repeat_n("  ", depth.min(100)));
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Order {
        zebra: Option<u8>,
        apple: f32,
        name: &'static str,
        kind: Kind,
        all: Vec<Kind>,
    }

    #[derive(Serialize, Clone)]
    enum Kind {
        Plain,
        Of(i64),
        Both(bool, char),
        Named { x: f64 },
    }

    fn order() -> Order {
        let all = vec![Kind::Of(-1), Kind::Both(true, '"'), Kind::Named { x: f64::NAN }];
        Order { zebra: None, apple: 0.1, name: "喫\n", kind: Kind::Plain, all }
    }

    #[test]
    fn values_keep_the_order_of_their_fields() {
        let bundle = Json(order()).mime_bundle();
        let json = r#"{"zebra":null,"apple":0.1,"name":"喫\n","kind":"Plain","all":[{"Of":-1},{"Both":[true,"\""]},{"Named":{"x":null}}]}"#;
        assert_eq!(bundle.get("application/json"), Some(json));
    }

    #[test]
    fn text_is_checked_and_sent_as_it_is() {
        let json = r#" {"number": 123456789012345678901234567890.0} "#;
        let bundle = Json::parse(json).unwrap();
        assert_eq!(bundle.get("application/json"), Some(json));
        assert_eq!(bundle.get("text/plain"), Some(json.trim()));
        let error = Json::parse("{oops}").unwrap_err().to_string();
        assert_eq!(error, "the text is not JSON: expected a name in quotes at line 1, column 2");
        let error = Json::parse("[1,\n\"喫\", nil]").unwrap_err().to_string();
        assert_eq!(error, "the text is not JSON: expected a value at line 2, column 6");
    }

    #[test]
    fn long_json_is_indented() {
        let json = r#"{"a":[1,[],{}, {"b\\\"]":"c:,[ \\"}],"d":"#.to_owned() + &"9".repeat(80) + "}";
        let expected = "{\n  \"a\": [\n    1,\n    [],\n    {},\n    {\n      \"b\\\\\\\"]\": \"c:,[ \\\\\"\n    }\n  ],\n  \"d\": ";
        let text = indented(&json);
        assert_eq!(text, format!("{expected}{}\n}}", "9".repeat(80)));
        let endless = Json(vec![0_u8; 2_000_000]).mime_bundle();
        assert!(endless.get("text/plain").is_some_and(|text| text.ends_with("(cut)") && text.len() < TOO_LONG + 100));
    }

    #[test]
    fn what_cannot_be_json_says_so() {
        struct Broken;
        impl Serialize for Broken {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no"))
            }
        }
        assert_eq!(Json(Broken).mime_bundle(), super::super::plain("a value that cannot be JSON: no".into()));
    }
}
