//! A value in the tracer's JSON against the value that the program told. How much was left out is compared in the text.

use serde_json::Value;

use super::{Tree, text};

/// Up to here integers are numbers.
const EXACT: u64 = 1 << 53;

/// Whether the JSON is that of the value.
pub(super) fn compare(told: &Tree, json: &Value) -> Result<(), String> {
    if json.is_null() {
        // Not known, or nil: the text says which.
        return Ok(());
    }
    let wrong = || Err(format!("in JSON {json}, for {told:?}"));
    let agree = match told.kind.as_str() {
        "bool" => json.as_bool().map(|value| value.to_string()) == Some(told.text.clone()),
        "int" | "uint" => match json {
            Value::String(text) => {
                *text == told.text
                    && text
                        .parse()
                        .is_ok_and(|n: i128| n.unsigned_abs() > EXACT.into())
            }
            number => format!("{number}") == told.text,
        },
        "float" => match json {
            Value::String(text) => *text == told.text && text.contains(['N', 'I']),
            number => number.as_f64() == told.text.parse().ok(),
        },
        "duration" => json.is_i64() || json.is_string(),
        "complex" | "time" => json.as_str() == Some(&told.text),
        // The address of a closure whose code is not known.
        "func" => (json.as_str()).is_some_and(|text| text == told.text || text.starts_with("0x")),
        "address" => json.as_str() == Some(&told.address),
        "string" => json.as_str().is_some_and(|text| {
            let whole = String::from_utf8_lossy(&told.bytes);
            whole.starts_with(text)
        }),
        "bytes" => json.as_array().is_some_and(|bytes| {
            let shown: Vec<Option<u64>> = bytes.iter().map(Value::as_u64).collect();
            let told = told.bytes.iter().map(|byte| Some(u64::from(*byte)));
            told.take(shown.len()).eq(shown)
        }),
        "chan" => json.as_str().is_some_and(|text| text.starts_with(&told.ty)),
        "slice" | "array" => {
            let Some(elements) = json.as_array() else {
                return wrong();
            };
            for (told, json) in told.parts.iter().zip(elements) {
                compare(told, json)?;
            }
            elements.len() <= told.parts.len()
        }
        "struct" => {
            let Some(fields) = json.as_object() else {
                return wrong();
            };
            for (name, json) in fields {
                let number = told.names.iter().position(|told| told == name);
                match number.and_then(|number| told.parts.get(number)) {
                    Some(told) => compare(told, json)?,
                    None => return wrong(),
                }
            }
            true
        }
        "pointer" => match (json.as_str(), told.parts.first()) {
            (Some(text), _) if text == told.address => true,
            (_, Some(target)) => return compare(target, json),
            _ => false,
        },
        "interface" => match told.parts.first() {
            Some(held) if json["type"] == held.ty => match (&json["value"], held.parts.first()) {
                // An error's words.
                (Value::String(words), _) if held.kind == "struct" => has_words(held, words),
                (Value::String(words), Some(target))
                    if held.kind == "pointer"
                        && target.kind == "struct"
                        && *words != held.address =>
                {
                    has_words(target, words)
                }
                (value, _) => return compare(held, value),
            },
            _ => false,
        },
        "map" => {
            let Some(entries) = json.as_object() else {
                return wrong();
            };
            for (key, json) in entries {
                let entry = told.parts.chunks_exact(2).find(|entry| match entry {
                    [told, _] if told.kind == "string" => told.bytes == key.as_bytes(),
                    [told, _] => text::compare(told, key).is_ok(),
                    _ => false,
                });
                match entry {
                    Some([_, told]) => compare(told, json)?,
                    _ => return wrong(),
                }
            }
            entries.len() as u64 <= told.length
        }
        _ => false,
    };
    if agree { Ok(()) } else { wrong() }
}

fn has_words(structure: &Tree, words: &str) -> bool {
    let text = structure.parts.iter().find(|part| part.kind == "string");
    text.is_some_and(|text| String::from_utf8_lossy(&text.bytes).starts_with(words))
}
