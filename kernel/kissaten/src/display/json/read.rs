//! Values of any type out of JSON, by serde. What is read was checked before ([`check`](super::check)), so all that can
//! go wrong is that the type wants something else.

use std::fmt;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::super::value::Failed;

impl de::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The value that a text is, which has to be valid JSON.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Failed> {
    T::deserialize(&mut Reader { rest: text })
}

/// A deserializer of JSON text.
struct Reader<'de> {
    rest: &'de str,
}

type Read<T> = Result<T, Failed>;

impl<'de> Reader<'de> {
    fn peek(&mut self) -> u8 {
        self.rest = self.rest.trim_start();
        self.rest.as_bytes().first().copied().unwrap_or_default()
    }

    fn take(&mut self, character: u8) -> bool {
        let is_there = self.peek() == character;
        if is_there {
            self.rest = &self.rest[1..];
        }
        is_there
    }

    /// What stands up to the next place where something else can begin: a number or a word.
    fn word(&mut self) -> &'de str {
        self.peek();
        let length = self.rest.find([',', ']', '}', ':', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    /// The text that is next, without its quotes.
    fn text(&mut self) -> String {
        self.take(b'"');
        let mut text = String::new();
        loop {
            let Some(at) = self.rest.find(['"', '\\']) else { return text };
            text.push_str(&self.rest[..at]);
            let is_end = self.rest.as_bytes()[at] == b'"';
            self.rest = &self.rest[at + 1..];
            if is_end {
                return text;
            }
            self.escape(&mut text);
        }
    }

    /// What a `\` stands before. Half of a pair of surrogates is no character, and becomes U+FFFD.
    fn escape(&mut self, text: &mut String) {
        let kind = self.rest.as_bytes().first().copied().unwrap_or_default();
        self.rest = self.rest.get(1..).unwrap_or_default();
        text.push(match kind {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit();
                let second = match self.rest.strip_prefix("\\u") {
                    Some(rest) if (0xd800..0xdc00).contains(&first) => {
                        let before = std::mem::replace(&mut self.rest, rest);
                        let second = self.unit();
                        if !(0xdc00..0xe000).contains(&second) {
                            self.rest = before;
                        }
                        Some(second).filter(|second| (0xdc00..0xe000).contains(second))
                    }
                    _ => None,
                };
                let units = [Some(first), second].into_iter().flatten();
                char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => char::from(other),
        });
    }

    fn unit(&mut self) -> u16 {
        let (digits, rest) = self.rest.split_at(4);
        self.rest = rest;
        u16::from_str_radix(digits, 16).unwrap_or_default()
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        let word = self.word();
        if let Ok(number) = word.parse::<u64>() {
            visitor.visit_u64(number)
        } else if let Ok(number) = word.parse::<i64>() {
            visitor.visit_i64(number)
        } else {
            match word.parse::<f64>() {
                Ok(number) if number.is_finite() => visitor.visit_f64(number),
                _ => Err(Failed(format!("`{word}` is too large for a number"))),
            }
        }
    }

    /// A number that may be larger than others are.
    fn large<T: FromStr>(&mut self) -> Read<T> {
        let word = self.word();
        word.parse().map_err(|_| Failed(format!("`{word}` is no such number")))
    }

    /// The end of a list, which stands where its last element was read. An element that its type did not read to the end
    /// is an error.
    fn close<T>(&mut self, bracket: u8, value: T) -> Read<T> {
        if self.take(bracket) { Ok(value) } else { Err(Failed("fewer elements were expected".to_owned())) }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek() {
            b'"' => visitor.visit_string(self.text()),
            b'{' => {
                self.take(b'{');
                let value = visitor.visit_map(JsonElements { reader: self, is_first: true })?;
                self.close(b'}', value)
            }
            b'[' => {
                self.take(b'[');
                let value = visitor.visit_seq(JsonElements { reader: self, is_first: true })?;
                self.close(b']', value)
            }
            b't' | b'f' => visitor.visit_bool(self.word() == "true"),
            b'n' => {
                self.word();
                visitor.visit_unit()
            }
            _ => self.number(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek() == b'n' {
            self.word();
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_i128(self.large()?)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_u128(self.large()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match self.peek() {
            b'{' => {
                self.take(b'{');
                let value = visitor.visit_enum(&mut *self)?;
                self.close(b'}', value)
            }
            b'"' => visitor.visit_enum(self.text().into_deserializer()),
            _ => Err(Failed("the name of a variant was expected".to_owned())),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The elements of an array or the fields of an object, one after another.
struct JsonElements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
}

impl JsonElements<'_, '_> {
    /// Whether there is one more.
    fn advance(&mut self) -> bool {
        if std::mem::take(&mut self.is_first) {
            !matches!(self.reader.peek(), b']' | b'}')
        } else {
            self.reader.take(b',')
        }
    }
}

impl<'de> SeqAccess<'de> for JsonElements<'_, 'de> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.advance() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for JsonElements<'_, 'de> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if self.advance() { seed.deserialize(FieldName(self.reader)).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.reader.take(b':');
        seed.deserialize(&mut *self.reader)
    }
}

/// A field's name, which is text in JSON and may be a number in Rust.
struct FieldName<'a, 'de>(&'a mut Reader<'de>);

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            let text = self.0.text();
            match text.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => visitor.visit_string(text),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for FieldName<'_, 'de> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_string(self.0.text())
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let text = self.0.text();
        let unit: StrDeserializer<'_, Failed> = text.as_str().into_deserializer();
        unit.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    numbers! {
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u128 visit_u128 deserialize_i128 visit_i128 deserialize_bool visit_bool
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Failed;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let name = self.text();
        self.take(b':');
        let name: StrDeserializer<'_, Failed> = name.as_str().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Failed;

    fn unit_variant(self) -> Read<()> {
        Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Read<V::Value> {
        self.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Order {
        name: String,
        #[serde(default)]
        sugar: Option<u8>,
        kinds: Vec<Kind>,
        #[serde(rename = "for")]
        whom: (char, f32),
    }

    #[derive(Debug, PartialEq, PartialOrd, Eq, Ord, Hash, serde::Deserialize)]
    enum Kind {
        Plain,
        Of(i64),
        Both(bool, char),
        Named { x: Option<u8> },
    }

    #[derive(Debug, PartialEq, PartialOrd, Eq, Ord, Hash, serde::Deserialize)]
    struct Id(u16);

    /// What another reader of JSON makes of it is what is expected here.
    fn check<T: DeserializeOwned + PartialEq + Debug>(text: &str) {
        let expected = serde_json::from_str::<T>(text);
        let got = super::super::from_text::<T>(text);
        assert_eq!(got.as_ref().ok(), expected.as_ref().ok(), "{text}: {got:?} {expected:?}");
    }

    #[test]
    fn values_are_read_as_others_read_them() {
        let order = r#" {"name": "喫\n\"\u00e9\ud83d\ude00\/", "more": [{"a": [1]}, null], "kinds":
            ["Plain", {"Of": -1}, {"Both": [true, "x"]}, {"Named": {"x": null}}], "for": ["é", 0.1]} "#;
        check::<Order>(order);
        check::<Order>(&order.replace("name", "nome"));
        check::<Order>(&order.replace("-1", "\"-1\""));
        for text in ["null", "7", "-7", "1e3", "\"7\"", "[]", "[7, 8]", "{}", "true", "18446744073709551615", "0.5", ""]
        {
            check::<u8>(text);
            check::<i64>(text);
            check::<u64>(text);
            check::<f64>(text);
            check::<bool>(text);
            check::<()>(text);
            check::<String>(text);
            check::<Option<i32>>(text);
            check::<Vec<u8>>(text);
            check::<(u8, u8)>(text);
            check::<(u8,)>(text);
            check::<Kind>(text);
            check::<Id>(text);
            check::<HashMap<String, u8>>(text);
            check::<serde_json::Value>(text);
            check::<serde::de::IgnoredAny>(text);
        }
        for text in [r#"{"1": [2, 3]}"#, r#"{"Plain": []}"#, r#"{"a": 1}"#, r#"{ }"#, r#"{"true": [ ]}"#] {
            check::<BTreeMap<u8, Vec<u8>>>(text);
            check::<BTreeMap<Id, Vec<u8>>>(text);
            check::<BTreeMap<Kind, Vec<u8>>>(text);
            check::<BTreeMap<bool, Vec<u8>>>(text);
            check::<Kind>(text);
        }
        for text in [r#""Plain""#, r#"{"Plain": null}"#, r#"{"Of": 1, "Plain": null}"#, r#"{"Nobody": 1}"#, "[1]"] {
            check::<Kind>(text);
        }
    }

    /// Texts that are changed at random, always in the same way: what is valid means the same to another reader, and all
    /// else is refused by both.
    #[test]
    fn changed_texts_are_read_as_others_read_them() {
        let seed =
            r#"{"a": [1, -2.5e3, "喫\n\u00e9\ud83d\ude00", null, {"b": [], "c": {}}], "d": true, "e": 12345678901}"#;
        let mut random = 1_u64;
        let mut below = |limit: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(random >> 33).unwrap_or_default() % limit
        };
        for _ in 0..20_000 {
            let mut text: Vec<char> = seed.chars().collect();
            for _ in 0..=below(3) {
                if text.is_empty() {
                    break;
                }
                let (at, piece) =
                    (below(text.len()), ['{', '}', '[', ']', ',', ':', '"', '\\', '0', '-', 'e', ' ', 'n']);
                match below(4) {
                    0 => drop(text.remove(at)),
                    1 => text.insert(at, piece[below(piece.len())]),
                    2 => text[at] = piece[below(piece.len())],
                    _ => text.truncate(at + 1),
                }
            }
            let text = String::from_iter(text);
            let expected = serde_json::from_str::<serde_json::Value>(&text).ok();
            // A lone surrogate is the one thing that is no error here.
            if expected.is_some() || !text.contains("\\u") {
                assert_eq!(super::super::from_text::<serde_json::Value>(&text).ok(), expected, "{text}");
            }
        }
    }

    #[test]
    fn half_a_surrogate_is_no_character() {
        for text in [r#""\ud83d""#, r#""\ud83dx""#, r#""\ud83d\u0041""#, r#""\ude00""#] {
            assert!(super::super::from_text::<String>(text).unwrap().starts_with('\u{fffd}'), "{text}");
        }
    }
}
