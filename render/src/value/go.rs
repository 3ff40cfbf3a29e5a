//! Values in Go's syntax, with what was left out counted: `…+3`.
//!
//! A struct is written as `%+v` writes it, `{Name:"x" Age:3}`; a pointer to one with `&` before. A slice whose elements were not
//! captured is its type and length, `[]int len 3`. What is not known stands between `‹` and `›`.

use std::fmt::Write as _;

use super::{Text, UNKNOWN_TYPE, Unknown, Value, moment};

/// Appends the value.
pub(crate) fn write(out: &mut String, value: &Value) {
    match value {
        Value::Unknown(unknown) => _ = write!(out, "‹{unknown}›"),
        Value::Nil => out.push_str("nil"),
        Value::Constant(text) | Value::Function(text) => out.push_str(text),
        Value::Bool(value) => _ = write!(out, "{value}"),
        Value::Int(value) => _ = write!(out, "{value}"),
        Value::Uint(value) => _ = write!(out, "{value}"),
        Value::Address(address) => _ = write!(out, "0x{address:x}"),
        Value::Float(value) => _ = write!(out, "{value}"),
        Value::Complex(real, imaginary) => {
            let imaginary = imaginary.to_string();
            let plus = if imaginary.starts_with(['+', '-']) {
                ""
            } else {
                "+"
            };
            _ = write!(out, "({real}{plus}{imaginary}i)");
        }
        Value::Duration(ns) => out.push_str(&moment::duration(*ns)),
        Value::Time { wall, ext } => match moment::time(*wall, *ext) {
            Some(time) => out.push_str(&time),
            None => _ = write!(out, "time.Time{{wall:0x{wall:x} ext:{ext}}}"),
        },
        Value::String(text) => text.quote(out),
        Value::Bytes(text) => converted(out, "[]byte", |out| text.quote(out)),
        Value::List { ty, elements, more } if value.is_unreadable() => {
            _ = write!(out, "{ty} len {} ", *more + elements.len() as u64);
            write(out, &UNREADABLE);
        }
        Value::List { ty, elements, more } => list(out, ty, elements, *more, |out, element| {
            write(out, element);
        }),
        Value::Struct { .. } if value.is_unreadable() => write(out, &UNREADABLE),
        Value::Struct { fields, more, .. } => structure(out, fields, *more),
        Value::Pointer { address, target } => pointer(out, *address, target.as_deref()),
        Value::Interface { ty, value } => interface(out, ty, value),
        Value::Error { ty, words } => error(out, ty, words),
        Value::Map { ty, entries, more } => list(out, ty, entries, *more, |out, (key, value)| {
            write(out, key);
            out.push_str(": ");
            write(out, value);
        }),
        Value::Chan {
            ty,
            address,
            length,
            capacity,
        } => match (length, capacity) {
            (_, Some(0)) => out.push_str(ty),
            (Some(length), Some(capacity)) => _ = write!(out, "{ty} ({length} of {capacity})"),
            _ => _ = write!(out, "{ty} 0x{address:x}"),
        },
    }
}

const UNREADABLE: Value = Value::Unknown(Unknown::Unreadable);

/// `[]int{1, 2, …+3}`, `[]int len 5`.
fn list<T>(out: &mut String, ty: &str, items: &[T], more: u64, write: impl Fn(&mut String, &T)) {
    out.push_str(ty);
    if items.is_empty() && more > 0 {
        _ = write!(out, " len {more}");
        return;
    }
    out.push('{');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    if more > 0 {
        _ = write!(out, ", …+{more}");
    }
    out.push('}');
}

/// `{Name:"x" Age:3 …+2}`
fn structure(out: &mut String, fields: &[(String, Value)], more: u64) {
    out.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        _ = write!(out, "{name}:");
        write(out, value);
    }
    if more > 0 {
        let blank = if fields.is_empty() { "" } else { " " };
        _ = write!(out, "{blank}…+{more}");
    }
    out.push('}');
}

fn pointer(out: &mut String, address: u64, target: Option<&Value>) {
    match target {
        None | Some(Value::Unknown(Unknown::NoRoom)) => _ = write!(out, "0x{address:x}"),
        Some(target) if target.is_unreadable() => {
            _ = write!(out, "0x{address:x} ");
            write(out, &UNREADABLE);
        }
        Some(target) => {
            out.push('&');
            write(out, target);
        }
    }
}

/// What an interface holds, with its type unless that is a constant's own: `7`, `int64(7)`, `*main.T{Name:"x"}`.
fn interface(out: &mut String, ty: &str, value: &Value) {
    match (ty, value) {
        // Behind a pointer too many, or without room: cut, as a pointer's target is.
        (_, Value::Unknown(Unknown::NoRoom)) => converted(out, ty, |out| out.push('…')),
        (_, Value::Unknown(_)) => converted(out, ty, |out| write(out, value)),
        (
            "bool" | "int" | "float64" | "complex128" | "string" | "time.Duration" | "time.Time",
            _,
        )
        | (_, Value::List { .. } | Value::Map { .. } | Value::Chan { .. } | Value::Bytes(_)) => {
            write(out, value);
        }
        // It has brackets of its own.
        (_, Value::Complex(..)) => {
            out.push_str(ty);
            write(out, value);
        }
        // Nobody knows what it is.
        (UNKNOWN_TYPE, Value::Address(address)) => _ = write!(out, "interface 0x{address:x}"),
        (_, Value::Struct { .. }) if !value.is_unreadable() => {
            out.push_str(ty);
            write(out, value);
        }
        _ => converted(out, ty, |out| write(out, value)),
    }
}

/// `main.ID(7)`, `(*main.T)(nil)`
fn converted(out: &mut String, ty: &str, value: impl Fn(&mut String)) {
    let is_composed = ty.starts_with('*') || ty.starts_with("<-") || ty.contains(' ');
    if is_composed {
        _ = write!(out, "({ty})(");
    } else {
        _ = write!(out, "{ty}(");
    }
    value(out);
    out.push(')');
}

/// `*errors.errorString{"no rows"}`
fn error(out: &mut String, ty: &str, words: &Text) {
    _ = write!(out, "{ty}{{");
    words.quote(out);
    out.push('}');
}
