//! A pattern, a path or a value as the language writes it: bare where that reads back as the same, quoted otherwise.

use std::fmt::Write as _;

use crate::{
    ast::{ExpressionKind, Pattern, PatternKind, Value, ValueKind},
    keywords,
    literal::{DURATION_UNITS, SIZE_UNITS},
    parser::{Rule, matches},
};

pub(crate) fn pattern(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Name(name) => name_or_string(name),
        PatternKind::File(file) if matches(Rule::only_bare, file) => format!(":{file}"),
        PatternKind::File(file) => format!(":{}", string(file)),
        PatternKind::Set(set) => format!("@{set}"),
    }
}

pub(crate) fn path(path: &str) -> String {
    if matches(Rule::only_path, path) && !keywords::is_reserved(path) {
        path.to_owned()
    } else {
        string(path)
    }
}

/// The name by which something is shown.
pub(crate) fn shown_name(name: &str) -> String {
    if matches(Rule::only_ident, name) {
        name.to_owned()
    } else {
        string(name)
    }
}

pub(crate) fn value(value: &Value) -> String {
    match &value.kind {
        ValueKind::Integer(number) => number.to_string(),
        ValueKind::String(text) => string(text),
        ValueKind::Duration(ns) => in_units(*ns, DURATION_UNITS, "s"),
        ValueKind::Size(bytes) => in_units(*bytes, SIZE_UNITS, "B"),
        ValueKind::Percent(tenths) if tenths.is_multiple_of(10) => format!("{}%", tenths / 10),
        ValueKind::Percent(tenths) => format!("{}.{}%", tenths / 10, tenths % 10),
        ValueKind::Bool(bool) => bool.to_string(),
        ValueKind::Param(name) => format!("${name}"),
    }
}

/// An expression without parts.
pub(crate) fn operand(kind: &ExpressionKind) -> String {
    match kind {
        ExpressionKind::Integer(number) => number.to_string(),
        ExpressionKind::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        ExpressionKind::String(text) => string(text),
        ExpressionKind::Bytes(bytes) => byte_string(bytes),
        ExpressionKind::Duration(ns) => in_units(*ns, DURATION_UNITS, "s"),
        ExpressionKind::Size(bytes) => in_units(*bytes, SIZE_UNITS, "B"),
        ExpressionKind::Bool(bool) => bool.to_string(),
        ExpressionKind::Param(name) => format!("${name}"),
        ExpressionKind::Name(name) => name.clone(),
        _ => "nil".to_owned(),
    }
}

fn name_or_string(name: &str) -> String {
    if matches(Rule::only_name, name) {
        name.to_owned()
    } else {
        string(name)
    }
}

fn in_units(amount: u64, units: &[(&str, u64)], of_nothing: &str) -> String {
    units
        .iter()
        .find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor))
        .map_or_else(
            || format!("{amount}{of_nothing}"),
            |(unit, factor)| format!("{}{unit}", amount / factor),
        )
}

fn string(text: &str) -> String {
    format!("\"{}\"", string_content(text))
}

/// A string with bytes that are no characters.
fn byte_string(bytes: &[u8]) -> String {
    let mut out = String::from('"');
    for chunk in bytes.utf8_chunks() {
        out.push_str(&string_content(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// What stands between the quotes of a string.
pub(crate) fn string_content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
