//! Any value that serde can serialize, as a tree that keeps the order of its fields.
//!
//! What a cell compiles of this is one call per field: what the calls do is compiled here. What becomes of the tree, JSON
//! or a table, is not known here.

use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

/// A value by its shape, as the formats that describe themselves have it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    /// Apart, as the digits of `0.1_f32` as an `f64` are not those that were meant.
    Single(f32),
    Text(String),
    /// Elements, and how many more there are.
    Sequence(Vec<Value>, usize),
    Map(Vec<(String, Value)>, usize),
}

/// Why a value has no such shape.
#[derive(Debug)]
pub(crate) struct Failed(pub(super) String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes values down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    /// How many elements are kept of this value, if it has elements.
    most: usize,
    /// How many are kept of those that stand in it.
    most_within: usize,
}

impl Writer {
    /// Keeps all.
    pub(crate) const WHOLE: Self = Self { most: usize::MAX, most_within: usize::MAX };

    /// Keeps so many elements of the value, and as many of each that stands in it.
    pub(crate) const fn keeping(most: usize, most_within: usize) -> Self {
        Self { most, most_within }
    }

    fn within(self) -> Self {
        Self { most: self.most_within, ..self }
    }

    /// Room for elements; what a value says of their number is not to be trusted.
    fn elements(self, variant: Option<&'static str>) -> Elements {
        Elements { writer: self, variant, key: None, values: Vec::new(), fields: Vec::new(), left_out: 0 }
    }
}

/// The elements or fields of a value that is being written.
#[derive(Debug)]
pub(crate) struct Elements {
    writer: Writer,
    /// Of an enum: its name stands around them.
    variant: Option<&'static str>,
    key: Option<String>,
    values: Vec<Value>,
    fields: Vec<(String, Value)>,
    left_out: usize,
}

impl Elements {
    /// How the next one is to be written, if it is kept.
    #[inline(never)]
    fn next(&mut self) -> Option<Writer> {
        if self.values.len() + self.fields.len() < self.writer.most {
            return Some(self.writer.within());
        }
        self.left_out += 1;
        None
    }

    #[inline(never)]
    fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    #[inline(never)]
    fn push_field(&mut self, name: &str, value: Value) {
        self.fields.push((name.to_owned(), value));
    }

    fn named(variant: Option<&'static str>, value: Value) -> Value {
        match variant {
            Some(variant) => Value::Map(vec![(variant.to_owned(), value)], 0),
            None => value,
        }
    }

    #[inline(never)]
    fn sequence(self) -> Value {
        Self::named(self.variant, Value::Sequence(self.values, self.left_out))
    }

    #[inline(never)]
    fn map(self) -> Value {
        Self::named(self.variant, Value::Map(self.fields, self.left_out))
    }
}

macro_rules! integers {
    ($($name:ident $type:ty,)*) => { $(
        fn $name(self, value: $type) -> Result<Value, Failed> {
            Ok(Value::Integer(value.into()))
        }
    )* };
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Failed;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Elements;
    type SerializeStruct = Elements;
    type SerializeStructVariant = Elements;

    integers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
    }

    fn serialize_u128(self, value: u128) -> Result<Value, Failed> {
        Ok(i128::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Integer))
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Failed> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Failed> {
        Ok(Value::Single(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Failed> {
        Ok(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, Failed> {
        Ok(Value::Text(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Failed> {
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Failed> {
        let kept = bytes.len().min(self.most);
        let values = bytes[..kept].iter().map(|byte| Value::Integer((*byte).into())).collect();
        Ok(Value::Sequence(values, bytes.len() - kept))
    }

    fn serialize_none(self) -> Result<Value, Failed> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Failed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Failed> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Failed> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Failed> {
        Ok(Value::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, Failed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Failed> {
        value.serialize(self.within()).map(|value| Elements::named(Some(variant), value))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements, Failed> {
        Ok(self.elements(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements, Failed> {
        Ok(self.elements(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements, Failed> {
        Ok(self.elements(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements, Failed> {
        Ok(self.elements(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Elements, Failed> {
        Ok(self.elements(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Elements, Failed> {
        Ok(self.elements(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements, Failed> {
        Ok(self.elements(Some(variant)))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Value, Failed> {
        Ok(Value::Text(value.to_string()))
    }
}

macro_rules! sequences {
    ($($trait:ident $element:ident)*) => { $(
        impl ser::$trait for Elements {
            type Ok = Value;
            type Error = Failed;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                if let Some(writer) = self.next() {
                    self.push(value.serialize(writer)?);
                }
                Ok(())
            }

            fn end(self) -> Result<Value, Failed> {
                Ok(self.sequence())
            }
        }
    )* };
}

sequences! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! structs {
    ($($trait:ident)*) => { $(
        impl ser::$trait for Elements {
            type Ok = Value;
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Failed> {
                // A struct has no more fields than somebody wrote: all are kept.
                self.push_field(name, value.serialize(self.writer.within())?);
                Ok(())
            }

            fn end(self) -> Result<Value, Failed> {
                Ok(self.map())
            }
        }
    )* };
}

structs! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Elements {
    type Ok = Value;
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.key = Some(key.serialize(Writer::WHOLE)?.to_text());
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        if let (Some(writer), Some(key)) = (self.next(), self.key.take()) {
            self.push_field(&key, value.serialize(writer)?);
        }
        Ok(())
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(self.map())
    }
}

impl Value {
    /// On one line: text as it is, nothing for null, all else as in JSON, with an ellipsis for what was left out.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.clone(),
            other => {
                let mut text = String::new();
                other.write(&mut text);
                text
            }
        }
    }

    /// As in JSON but for what JSON cannot say.
    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Integer(value) => out.push_str(&value.to_string()),
            Self::Float(value) => out.push_str(&format!("{value:?}")),
            Self::Single(value) => out.push_str(&format!("{value:?}")),
            Self::Text(text) => out.push_str(&format!("{text:?}")),
            Self::Sequence(values, left_out) => {
                let write = |value: &Self, out: &mut String| value.write(out);
                list(out, ['[', ']'], values, *left_out, write);
            }
            Self::Map(fields, left_out) => list(out, ['{', '}'], fields, *left_out, |(name, value), out| {
                out.push_str(name);
                out.push_str(": ");
                value.write(out);
            }),
        }
    }
}

fn list<T>(out: &mut String, [open, close]: [char; 2], all: &[T], left_out: usize, write: impl Fn(&T, &mut String)) {
    out.push(open);
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(one, out);
    }
    if left_out > 0 {
        out.push_str(if all.is_empty() { "…" } else { ", …" });
    }
    out.push(close);
}
