//! From a shape and captured bytes to a value. Any bytes give a value; what cannot be, is unreadable.

use compiler::shape::{Full, MapEntry, Missing, Shape, Slot};
use graph::Graph;

use super::{
    Float, Text, UNKNOWN_TYPE, Unknown, Value,
    memory::Memory,
    runtime_type::{Held, RuntimeType},
};
use crate::Symbols;

/// The value of this shape in what was captured of a call.
pub(crate) fn decode(
    shape: &Shape,
    captured: &[u8],
    graph: &Graph,
    symbols: &dyn Symbols,
) -> Value {
    let decoder = Decoder { graph, symbols };
    decoder.value(shape, &Memory::Captured(captured))
}

/// A word of what was captured of a call; `None` where it could not be read.
pub(crate) fn word(slot: Slot, captured: &[u8]) -> Option<u64> {
    Memory::Captured(captured).word(slot).ok()
}

struct Decoder<'a> {
    graph: &'a Graph,
    symbols: &'a dyn Symbols,
}

impl Decoder<'_> {
    fn value(&self, shape: &Shape, memory: &Memory<'_>) -> Value {
        self.read(shape, memory).unwrap_or_else(Value::Unknown)
    }

    fn read(&self, shape: &Shape, memory: &Memory<'_>) -> Result<Value, Unknown> {
        Ok(match shape {
            Shape::Missing(missing) => Value::Unknown(match missing {
                Missing::Vector(number) => Unknown::Vector(*number),
                Missing::OptimisedAway => Unknown::OptimisedAway,
                Missing::NotDescribed => Unknown::NotDescribed,
                Missing::NoRoom => Unknown::NoRoom,
                Missing::UnknownType => Unknown::Type,
            }),
            Shape::Reached { shape, steps } => {
                let value = self.value(shape, memory);
                let absent = steps
                    .iter()
                    .find(|(slot, _)| memory.word(*slot) == Ok(0))
                    .filter(|_| value.is_unreadable());
                match absent {
                    Some((_, why)) => Value::Unknown(Unknown::Absent(*why)),
                    None => value,
                }
            }
            Shape::Constant(text) => Value::Constant(text.clone()),
            Shape::Bool(slot) => Value::Bool(memory.number(*slot, 1)? != 0),
            Shape::Int { slot, width } => Value::Int(memory.signed(*slot, *width)?),
            Shape::Uint {
                slot,
                width,
                hexadecimal,
            } => {
                let number = memory.number(*slot, *width)?;
                if *hexadecimal {
                    Value::Address(number)
                } else {
                    Value::Uint(number)
                }
            }
            Shape::Float { slot, width } => Value::Float(float(memory, *slot, *width)?),
            Shape::Complex {
                real,
                imaginary,
                width,
            } => Value::Complex(
                float(memory, *real, *width)?,
                float(memory, *imaginary, *width)?,
            ),
            Shape::Duration(slot) => Value::Duration(memory.signed(*slot, 8)?),
            Shape::Time { wall, ext } => Value::Time {
                wall: memory.word(*wall)?,
                ext: memory.signed(*ext, 8)?,
            },
            Shape::String(run) => Value::String(memory.run(*run)?),
            Shape::Characters(run) => Value::String(up_to_nul(memory.run(*run)?)),
            Shape::Bytes { bytes, pointer } => match memory.word(*pointer)? {
                0 => Value::Nil,
                _ => Value::Bytes(memory.run(*bytes)?),
            },
            Shape::Slice {
                ty,
                pointer,
                length,
                elements,
            } => match memory.word(*pointer)? {
                0 => Value::Nil,
                _ => self.list(ty, memory.word(*length)?, elements, memory),
            },
            Shape::Array {
                ty,
                length,
                elements,
            } => self.list(ty, *length, elements, memory),
            Shape::Struct { fields, more, .. } => self.structure(fields, *more, memory),
            Shape::Pointer { slot, target, .. } => match memory.word(*slot)? {
                0 => Value::Nil,
                address => Value::Pointer {
                    address,
                    target: target
                        .as_ref()
                        .filter(|target| !matches!(***target, Shape::Memory { .. }))
                        .map(|target| Box::new(self.value(target, memory))),
                },
            },
            Shape::Memory { .. } => Value::Unknown(Unknown::Type),
            Shape::Interface {
                ty,
                dynamic,
                data,
                pointee,
                text,
                second_text,
            } => match memory.word(*dynamic)? {
                0 => Value::Nil,
                described => {
                    let pointee = pointee.map(|run| memory.bytes(run)).transpose();
                    let texts = [text, second_text]
                        .map(|run| run.map_or(Err(Unknown::NoRoom), |run| memory.run(run)));
                    self.dynamic(ty, described, memory.word(*data), pointee, texts)
                }
            },
            Shape::Map {
                ty,
                pointer,
                length,
                entries,
            } => match memory.word(*pointer)? {
                0 => Value::Nil,
                _ => self.map(ty, memory.word(*length)?, entries, memory),
            },
            Shape::Chan {
                ty,
                pointer,
                length,
                capacity,
            } => match memory.word(*pointer)? {
                0 => Value::Nil,
                address => Value::Chan {
                    ty: ty.clone(),
                    address,
                    length: length.and_then(|slot| memory.word(slot).ok()),
                    capacity: capacity.and_then(|slot| memory.word(slot).ok()),
                },
            },
            Shape::Func { slot, code } => match memory.word(*slot)? {
                0 => Value::Nil,
                _ => self.function(memory.word(*code)?),
            },
            Shape::Code(slot) => self.caller(memory.word(*slot)?),
            Shape::Function(slot) => {
                let number = u32::try_from(memory.word(*slot)?).unwrap_or(u32::MAX);
                Value::Function(self.symbols.function(number).to_owned())
            }
        })
    }

    fn structure(&self, fields: &[(String, Shape)], more: usize, memory: &Memory<'_>) -> Value {
        let mut read: Vec<(String, Value)> = fields
            .iter()
            .map(|(name, shape)| (name.clone(), self.value(shape, memory)))
            .collect();
        // Nobody knew how much would be captured of what an interface refers to.
        if let Memory::Pointee { .. } = memory {
            let count = read.len();
            read.retain(|(_, value)| !value.is_all(Unknown::NoRoom));
            if read.is_empty() && count > 0 {
                return Value::Unknown(Unknown::NoRoom);
            }
        }
        Value::Struct {
            more: (more as u64).saturating_add((fields.len() - read.len()) as u64),
            fields: read,
        }
    }

    fn list(&self, ty: &str, length: u64, elements: &[Shape], memory: &Memory<'_>) -> Value {
        let mut elements: Vec<Value> = (0..length)
            .zip(elements)
            .map(|(_, element)| self.value(element, memory))
            .collect();
        // As of a struct.
        if let Memory::Pointee { .. } = memory {
            let last = elements
                .iter()
                .rposition(|value| !value.is_all(Unknown::NoRoom));
            elements.truncate(last.map_or(0, |last| last + 1));
        }
        Value::List {
            ty: ty.to_owned(),
            more: length - elements.len() as u64,
            elements,
        }
    }

    fn map(&self, ty: &str, length: u64, places: &[MapEntry], memory: &Memory<'_>) -> Value {
        let is_full = |place: &&MapEntry| {
            memory
                .number(place.full, 1)
                .is_ok_and(|byte| match place.rule {
                    Full::HighBitClear => byte < 0x80,
                    Full::AtLeastFive => byte >= 5,
                })
        };
        let entries: Vec<(Value, Value)> = places
            .iter()
            .filter(is_full)
            .map(|place| {
                (
                    self.value(&place.key, memory),
                    self.value(&place.value, memory),
                )
            })
            .collect();
        Value::Map {
            ty: ty.to_owned(),
            more: length.saturating_sub(entries.len() as u64),
            entries,
        }
    }

    /// What an interface holds that is not nil.
    fn dynamic(
        &self,
        ty: &str,
        described: u64,
        data: Result<u64, Unknown>,
        pointee: Result<Option<&[u8]>, Unknown>,
        texts: [Result<Text, Unknown>; 2],
    ) -> Value {
        let Some(known) = self.symbols.runtime_type(self.graph, described) else {
            return Value::Interface {
                ty: UNKNOWN_TYPE.to_owned(),
                value: Box::new(Value::Address(described)),
            };
        };
        let RuntimeType { name, held, shape } = &*known;
        let interface = |value: Value| Value::Interface {
            ty: name.clone(),
            value: Box::new(value),
        };
        let data = match data {
            Ok(0) if *held == Held::Address => return interface(Value::Nil),
            Ok(data) => data,
            Err(unknown) => return interface(Value::Unknown(unknown)),
        };
        let word = data.to_le_bytes();
        let pointee = match held {
            Held::Word => Ok(Some(word.as_slice())),
            _ => pointee,
        };
        let value = match (shape, pointee) {
            (Some(shape), Ok(Some(bytes))) => {
                self.held(shape, data, &Memory::Pointee { bytes, texts })
            }
            (Some(_), Err(unknown)) => Value::Unknown(unknown),
            _ if *held == Held::Address => Value::Address(data),
            (None, _) => Value::Unknown(Unknown::Type),
            _ => Value::Unknown(Unknown::NoRoom),
        };
        let nothing = [Unknown::Unreadable, Unknown::NoRoom];
        let nothing = nothing.into_iter().find(|why| value.is_all(*why));
        if *held == Held::Address
            && let Some(why) = nothing
        {
            return interface(Value::Pointer {
                address: data,
                target: Some(Box::new(Value::Unknown(why))),
            });
        }
        match words(ty, &value) {
            Some(words) => Value::Error {
                ty: name.clone(),
                words,
            },
            None => interface(value),
        }
    }

    /// What is in memory that an interface refers to. That a map or a channel is not nil is known.
    fn held(&self, shape: &Shape, address: u64, memory: &Memory<'_>) -> Value {
        match shape {
            Shape::Map { ty, length, .. } => match memory.word(*length) {
                Ok(more) => Value::Map {
                    ty: ty.clone(),
                    entries: Vec::new(),
                    more,
                },
                Err(unknown) => Value::Unknown(unknown),
            },
            Shape::Chan {
                ty,
                length,
                capacity,
                ..
            } => Value::Chan {
                ty: ty.clone(),
                address,
                length: length.and_then(|slot| memory.word(slot).ok()),
                capacity: capacity.and_then(|slot| memory.word(slot).ok()),
            },
            _ => self.value(shape, memory),
        }
    }

    fn function(&self, address: u64) -> Value {
        match self.symbols.code(self.graph, address) {
            Some(name) => Value::Function(name),
            None => Value::Address(address),
        }
    }

    fn caller(&self, address: u64) -> Value {
        let site = self.symbols.call_site(self.graph, address);
        if site.function.is_empty() {
            Value::Address(address)
        } else {
            Value::Function(site.function)
        }
    }
}

/// Names that errors give the field with what `Error` returns.
const WORDS: [&str; 6] = ["s", "msg", "Msg", "message", "Message", "text"];

/// What an error says, where it keeps that in its first field.
fn words(ty: &str, value: &Value) -> Option<Text> {
    match value {
        Value::Struct { fields, more, .. } => match fields.as_slice() {
            [(name, Value::String(text)), rest @ ..] => {
                let alone = rest.is_empty() && *more == 0;
                let named = ty == "error" && WORDS.contains(&name.as_str());
                (alone || named).then(|| text.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

fn float(memory: &Memory<'_>, slot: Slot, width: u8) -> Result<Float, Unknown> {
    let bits = memory.number(slot, width)?;
    Ok(if width == 4 {
        Float::Single(f32::from_bits(bits as u32))
    } else {
        Float::Double(f64::from_bits(bits))
    })
}

/// A text that ends at its first NUL, of which nothing is missing then.
fn up_to_nul(text: Text) -> Text {
    match text.bytes.iter().position(|byte| *byte == 0) {
        Some(end) => Text {
            bytes: text.bytes.get(..end).unwrap_or_default().to_vec(),
            more: 0,
        },
        None => text,
    }
}
