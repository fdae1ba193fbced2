//! The fields of a model, and values out of JSON for them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::display::value::Value;

/// The fields of a model, by the names that the frontend has for them.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// The field of this name.
pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> &'a Value {
    fields.iter().find(|(field, _)| *field == name).map_or(&Value::Null, |(_, value)| value)
}

/// Puts a value in the place of another; whether it is another one.
pub(super) fn put(fields: &mut Fields, name: &'static str, value: Value) -> bool {
    match fields.iter_mut().find(|(field, _)| *field == name) {
        Some((_, present)) if *present == value => false,
        Some((_, present)) => {
            *present = value;
            true
        }
        None => {
            fields.push((name, value));
            true
        }
    }
}

/// Whether a frontend may put `new` where `old` stands: it is of the same sort.
pub(super) fn is_like(old: &Value, new: &Value) -> bool {
    matches!(
        (old, new),
        (Value::Bool(_), Value::Bool(_))
            | (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_))
            | (Value::Text(_), Value::Text(_))
    )
}

pub(super) fn text(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}

pub(super) fn number(value: &Value) -> f64 {
    match value {
        // A double of the page holds 53 bits.
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        _ => 0.0,
    }
}

pub(super) fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true)
}

pub(super) fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Sequence(values.into_iter().collect(), 0)
}

pub(super) fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), 0)
}

/// The field of this name of an object out of JSON.
pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(fields, _) = object else { return None };
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Value::deserialize(from)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Sequence(values, 0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Value::Map(fields, 0))
    }
}
