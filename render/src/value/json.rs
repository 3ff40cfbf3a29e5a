//! Values as JSON: numbers as numbers, strings as strings, structs and maps as objects. docs/json.md tells of each.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use super::{Float, Text, UNKNOWN_TYPE, Value, go, moment};

/// Whether the JSON of a value lacks something further inside, beyond what is counted of the value itself. Addresses in place of what
/// pointers point to count as whole: nobody takes them for nil.
pub(crate) fn is_partial(value: &Value) -> bool {
    match value {
        Value::List { elements, .. } => !elements.iter().all(is_whole),
        Value::Struct { fields, .. } => !fields.iter().all(|(_, field)| is_whole(field)),
        Value::Map { entries, .. } => {
            !(entries.iter()).all(|(key, value)| is_whole(key) && is_whole(value))
        }
        Value::Pointer {
            target: Some(target),
            ..
        } => is_partial(target),
        Value::Interface { ty, value } => match &**value {
            Value::Unknown(_) => true,
            Value::Address(_) => ty == UNKNOWN_TYPE,
            value => is_partial(value),
        },
        _ => false,
    }
}

fn is_whole(value: &Value) -> bool {
    match value {
        Value::Unknown(_) => false,
        Value::Time { wall, ext } => moment::time(*wall, *ext).is_some(),
        _ => value.left_out() == 0 && !is_partial(value),
    }
}

/// A value to be serialized.
pub(crate) struct Json<'a>(pub &'a Value);

/// Integers up to here are the same in every reader of JSON (RFC 8259, 6); greater ones are written as strings.
pub(crate) const EXACT: u64 = 1 << 53;

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Unknown(_) | Value::Nil => serializer.serialize_none(),
            Value::Constant(text) | Value::Function(text) => serializer.serialize_str(text),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) | Value::Duration(value) if value.unsigned_abs() <= EXACT => {
                serializer.serialize_i64(*value)
            }
            Value::Int(value) | Value::Duration(value) => serializer.collect_str(value),
            Value::Uint(value) if *value <= EXACT => serializer.serialize_u64(*value),
            Value::Uint(value) => serializer.collect_str(value),
            Value::Address(address)
            | Value::Pointer {
                address,
                target: None,
            } => serializer.collect_str(&format_args!("0x{address:x}")),
            Value::Float(value) => float(*value, serializer),
            Value::Complex(..) | Value::Chan { .. } => serializer.serialize_str(&text(self.0)),
            Value::Time { wall, ext } => match moment::time(*wall, *ext) {
                Some(time) => serializer.serialize_str(&time),
                None => serializer.serialize_none(),
            },
            Value::String(text) => string(text, serializer),
            Value::Bytes(text) => serializer.collect_seq(&text.bytes),
            Value::List { elements, .. } => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                elements
                    .iter()
                    .try_for_each(|element| list.serialize_element(&Json(element)))?;
                list.end()
            }
            Value::Struct { fields, .. } => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| object.serialize_entry(name, &Json(value)))?;
                object.end()
            }
            Value::Map { entries, .. } => {
                let mut object = serializer.serialize_map(Some(entries.len()))?;
                entries
                    .iter()
                    .try_for_each(|(of, value)| object.serialize_entry(&key(of), &Json(value)))?;
                object.end()
            }
            Value::Pointer {
                address,
                target: Some(target),
            } => match &**target {
                Value::Unknown(_) => serializer.collect_str(&format_args!("0x{address:x}")),
                target => Json(target).serialize(serializer),
            },
            Value::Interface { ty, value } => {
                let mut object = serializer.serialize_map(Some(2))?;
                object.serialize_entry("type", ty)?;
                object.serialize_entry("value", &Json(value))?;
                object.end()
            }
            Value::Error { ty, words } => {
                let mut object = serializer.serialize_map(Some(2))?;
                object.serialize_entry("type", ty)?;
                object.serialize_entry("value", &lossy(words))?;
                object.end()
            }
        }
    }
}

fn float<S: Serializer>(value: Float, serializer: S) -> Result<S::Ok, S::Error> {
    match value.finite() {
        Some(number) => serializer.serialize_f64(number),
        None => serializer.collect_str(&value),
    }
}

fn string<S: Serializer>(text: &Text, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&lossy(text))
}

/// What is not UTF-8 becomes U+FFFD; the half of a character where it was cut goes.
fn lossy(text: &Text) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text.whole_characters())
}

/// A key of a map: a string itself, anything else in Go's syntax.
fn key(value: &Value) -> String {
    match value {
        Value::String(text) => lossy(text).into_owned(),
        other => text(other),
    }
}

fn text(value: &Value) -> String {
    let mut out = String::new();
    go::write(&mut out, value);
    out
}
