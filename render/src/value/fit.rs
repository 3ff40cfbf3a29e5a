//! Values in as few columns as a line of a terminal has left. What says most stays: fields that are zero, and bare addresses, go
//! before others do; what was left out is counted as what was not captured is.

use super::{Text, Unknown, Value, go};
use crate::text::{columns, escaped};

/// The value without what does not fit; what cannot be shortened stays longer.
pub(crate) fn fit(value: &Value, room: usize) -> Value {
    if width(value) <= room {
        return value.clone();
    }
    match value {
        Value::String(text) => Value::String(fit_text(text, room)),
        Value::Bytes(text) => Value::Bytes(fit_text(text, room.saturating_sub("[]byte()".len()))),
        Value::Error { ty, words } => Value::Error {
            ty: ty.clone(),
            words: fit_text(words, room.saturating_sub(columns(ty) + "{}".len())),
        },
        Value::List { ty, elements, more } => {
            let mut kept = Vec::new();
            let around = columns(ty) + "{}".len();
            let more = more + fit_items(elements, *more, around, room, &mut kept, fit, width);
            Value::List {
                ty: ty.clone(),
                elements: kept,
                more,
            }
        }
        Value::Map { ty, entries, more } => {
            let mut kept = Vec::new();
            let around = columns(ty) + "{}".len();
            let entry_width =
                |(key, value): &(Value, Value)| width(key) + ": ".len() + width(value);
            let fit_entry = |(key, value): &(Value, Value), room: usize| {
                let room = room.saturating_sub(width(key) + ": ".len());
                (key.clone(), fit(value, room))
            };
            let more = more
                + fit_items(
                    entries,
                    *more,
                    around,
                    room,
                    &mut kept,
                    fit_entry,
                    entry_width,
                );
            Value::Map {
                ty: ty.clone(),
                entries: kept,
                more,
            }
        }
        Value::Struct { fields, more } => fit_struct(fields, *more, room),
        Value::Pointer {
            address,
            target: Some(target),
        } => Value::Pointer {
            address: *address,
            target: Some(Box::new(fit(target, room.saturating_sub("&".len())))),
        },
        Value::Interface { ty, value } => {
            let around = columns(ty) + "()()".len();
            Value::Interface {
                ty: ty.clone(),
                value: Box::new(fit(value, room.saturating_sub(around))),
            }
        }
        _ => value.clone(),
    }
}

/// Columns of a value as it is written.
fn width(value: &Value) -> usize {
    let mut out = String::new();
    go::write(&mut out, value);
    columns(&escaped(out))
}

/// Columns of `…+N`.
fn counted_width(more: u64) -> usize {
    "…+".chars().count() + more.to_string().len()
}

fn fit_text(text: &Text, room: usize) -> Text {
    let cut = |length: usize| Text {
        bytes: text.bytes.get(..length).unwrap_or(&text.bytes).to_vec(),
        more: text.more + (text.bytes.len() - length) as u64,
    };
    // The longest beginning that fits: a longer one never takes fewer columns, but for the mark of the cut.
    let (mut fits, mut too_long) = (0, text.bytes.len());
    while too_long - fits > 1 {
        let middle = fits.midpoint(too_long);
        if width(&Value::String(cut(middle))) <= room {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    let text = cut(fits);
    let whole = text.whole_characters().len();
    cut(whole)
}

/// Keeps items from the first on, the last of them shortened where that helps, and tells how many it did not keep. `more` are left out
/// already.
fn fit_items<T: Clone>(
    items: &[T],
    more: u64,
    around: usize,
    room: usize,
    kept: &mut Vec<T>,
    fit: impl Fn(&T, usize) -> T,
    width: impl Fn(&T) -> usize,
) -> u64 {
    let mut left = room.saturating_sub(around + counted_width(more + items.len() as u64));
    for item in items {
        let room = left.saturating_sub(SEPARATOR.len());
        let item = if room < SHORTEST {
            item.clone()
        } else {
            fit(item, room)
        };
        let taken = width(&item) + SEPARATOR.len();
        if taken > left {
            break;
        }
        left -= taken;
        kept.push(item);
    }
    (items.len() - kept.len()) as u64
}

fn fit_struct(fields: &[(String, Value)], more: u64, room: usize) -> Value {
    let whole = telling(fields, more, Interest::Address);
    if width(&whole) <= room {
        return whole;
    }
    let telling = telling(fields, more, Interest::Value);
    if width(&telling) <= room {
        return telling;
    }
    let Value::Struct { fields, mut more } = telling else {
        return telling;
    };
    let around = "{}".len() + counted_width(more + fields.len() as u64);
    let mut left = room.saturating_sub(around);
    let mut kept = Vec::new();
    for (name, value) in fields {
        let name_width = columns(&name) + ": ".len();
        let room = left.saturating_sub(name_width);
        let value = if room < SHORTEST {
            value
        } else {
            fit(&value, room)
        };
        let taken = name_width + width(&value);
        if taken <= left && !is_hollow(&value) {
            left -= taken;
            kept.push((name, value));
        } else {
            more += 1;
        }
    }
    Value::Struct { fields: kept, more }
}

/// A struct with the fields alone that tell so much, and so on in structs of it.
fn telling(fields: &[(String, Value)], more: u64, least: Interest) -> Value {
    let kept: Vec<(String, Value)> = fields
        .iter()
        .filter(|(_, value)| interest(value) <= least)
        .map(|(name, value)| {
            let value = match value {
                Value::Struct { fields, more } => telling(fields, *more, least),
                value => value.clone(),
            };
            (name.clone(), value)
        })
        .collect();
    Value::Struct {
        more: more + (fields.len() - kept.len()) as u64,
        fields: kept,
    }
}

/// A struct of which no field is left.
fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Struct { fields, .. } => fields.is_empty(),
        Value::Pointer {
            target: Some(target),
            ..
        } => is_hollow(target),
        _ => false,
    }
}

const SEPARATOR: &str = ", ";

/// Shorter parts of values tell nothing.
const SHORTEST: usize = 10;

/// What a field tells, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Interest {
    Value,
    /// An address, or that it is not known.
    Address,
    Zero,
}

fn interest(value: &Value) -> Interest {
    match value {
        _ if is_zero(value) => Interest::Zero,
        _ if points_nowhere(value) => Interest::Address,
        Value::Chan { capacity: None, .. } => Interest::Address,
        Value::Struct { fields, .. } => fields
            .iter()
            .map(|(_, value)| interest(value))
            .min()
            .unwrap_or(Interest::Address),
        _ => Interest::Value,
    }
}

/// Nothing is shown of what is there.
fn points_nowhere(value: &Value) -> bool {
    match value {
        Value::Unknown(_) | Value::Address(_) | Value::Pointer { target: None, .. } => true,
        Value::Pointer {
            target: Some(target),
            ..
        } => target.is_unreadable() || matches!(**target, Value::Unknown(Unknown::NoRoom)),
        Value::Interface { value, .. } => points_nowhere(value),
        _ => false,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => {
            true
        }
        Value::Float(number) => number.is_zero(),
        Value::Complex(real, imaginary) => real.is_zero() && imaginary.is_zero(),
        Value::String(text) | Value::Bytes(text) => text.bytes.is_empty() && text.more == 0,
        Value::List { elements, more, .. } => *more == 0 && elements.iter().all(is_zero),
        Value::Map { entries, more, .. } => *more == 0 && entries.is_empty(),
        Value::Struct { fields, more } => {
            *more == 0 && fields.iter().all(|(_, value)| is_zero(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(Text {
            bytes: text.as_bytes().to_vec(),
            more: 0,
        })
    }

    fn fields(fields: &[(&str, Value)]) -> Value {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        Value::Struct { fields, more: 0 }
    }

    fn text(value: &Value, room: usize) -> String {
        let mut out = String::new();
        go::write(&mut out, &fit(value, room));
        out
    }

    fn request() -> Value {
        let url = fields(&[
            ("Scheme", string("")),
            ("User", Value::Nil),
            ("Path", string("/api/orders")),
        ]);
        Value::Pointer {
            address: 0xc000,
            target: Some(Box::new(fields(&[
                ("Method", string("POST")),
                ("GetBody", Value::Nil),
                ("Length", Value::Int(0)),
                ("TLS", Value::Address(0xc000_1234)),
                ("URL", url),
                ("Host", string("localhost:8080")),
            ]))),
        }
    }

    #[test]
    fn fields_that_say_nothing_go_first() {
        insta::assert_snapshot!([110, 100, 80, 60, 40, 20, 5].map(|room| text(&request(), room)).join("\n"), @r#"
        &{Method:"POST" TLS:0xc0001234 URL:{Path:"/api/orders" …+2} Host:"localhost:8080" …+2}
        &{Method:"POST" TLS:0xc0001234 URL:{Path:"/api/orders" …+2} Host:"localhost:8080" …+2}
        &{Method:"POST" URL:{Path:"/api/orders" …+2} Host:"localhost:8080" …+3}
        &{Method:"POST" URL:{Path:"/api/orders" …+2} …+4}
        &{Method:"POST" Host:"localhost…"+5 …+4}
        &{Method:"POST" …+5}
        &{…+6}
        "#);
    }

    #[test]
    fn elements_and_entries_go_from_the_end() {
        let list = Value::List {
            ty: "[]string".to_owned(),
            elements: ["first", "second", "third"].map(string).to_vec(),
            more: 7,
        };
        insta::assert_snapshot!([50, 40, 30, 24, 20, 0].map(|room| text(&list, room)).join("\n"), @r#"
        []string{"first", "second", "third", …+7}
        []string{"first", "second", …+8}
        []string{"first", …+9}
        []string{"first", …+9}
        []string len 10
        []string len 10
        "#);
        let map = Value::Map {
            ty: "http.Header".to_owned(),
            entries: vec![
                (string("Accept"), string("text/html, text/plain")),
                (string("B"), string("c")),
            ],
            more: 0,
        };
        insta::assert_snapshot!([60, 50, 40, 30, 20].map(|room| text(&map, room)).join("\n"), @r#"
        http.Header{"Accept": "text/html, text/plain", "B": "c"}
        http.Header{"Accept": "text/html, text/p…"+4, …+1}
        http.Header{"Accept": "text/h…"+15, …+1}
        http.Header len 2
        http.Header len 2
        "#);
    }
}
