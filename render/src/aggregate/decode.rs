//! From the bytes of a key to a value. Any bytes give one.

use compiler::shape::{Run, Shape, Slot};

use super::Functions;
use crate::value::{Float, Text, Unknown, Value};

/// The value of this shape. Keys are words and strings, and code is at link-time addresses.
pub(super) fn key(shape: &Shape, bytes: &[u8], functions: &Functions<'_>) -> Value {
    let word = |slot: &Slot| {
        let bytes = bytes.get(usize::from(slot.at)..)?;
        Some(u64::from_le_bytes(*bytes.first_chunk()?))
    };
    let value = match shape {
        Shape::Bool(slot) => word(slot).map(|word| Value::Bool(word != 0)),
        Shape::Int { slot, .. } => word(slot).map(|word| Value::Int(word.cast_signed())),
        Shape::Uint {
            slot,
            hexadecimal: true,
            ..
        } => word(slot).map(Value::Address),
        Shape::Uint { slot, .. } => word(slot).map(Value::Uint),
        Shape::Float { slot, width: 4 } => {
            word(slot).map(|word| Value::Float(Float::Single(f32::from_bits(word as u32))))
        }
        Shape::Float { slot, .. } => {
            word(slot).map(|word| Value::Float(Float::Double(f64::from_bits(word))))
        }
        Shape::Duration(slot) => word(slot).map(|word| Value::Duration(word.cast_signed())),
        Shape::Code(slot) => word(slot).map(|address| match (functions.at)(address) {
            Some(name) => Value::Function(name),
            None => Value::Address(address),
        }),
        Shape::Function(slot) => word(slot).and_then(|number| {
            let name = (functions.numbered)(u32::try_from(number).ok()?);
            name.map(Value::Function)
        }),
        Shape::String(run) => text(run, bytes).map(Value::String),
        _ => None,
    };
    value.unwrap_or(Value::Unknown(Unknown::Unreadable))
}

fn text(run: &Run, bytes: &[u8]) -> Option<Text> {
    let (length, rest) = bytes.get(usize::from(run.at)..)?.split_first_chunk()?;
    let length = u64::from_le_bytes(*length);
    let there = usize::try_from(length.min(run.most.into())).ok()?;
    let bytes = rest.get(..there)?.to_vec();
    Some(Text {
        more: length - there as u64,
        bytes,
    })
}
