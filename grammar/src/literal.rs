//! What literals are worth: numbers, durations and sizes as whole units, strings without their escapes.

use crate::{
    ast::Span,
    error::{SyntaxError, code},
};

/// Units of a duration, in nanoseconds. The printer relies on the descending order.
pub(crate) const DURATION_UNITS: &[(&str, u64)] = &[
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Units of a size, in bytes; powers of 1024 first, for the printer.
pub(crate) const SIZE_UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads what the grammar calls an `integer`.
pub(crate) fn integer(text: &str, span: Span) -> Result<u64, SyntaxError> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (digits, radix) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((plain.strip_prefix(prefix)?, radix)))
        .unwrap_or((&plain, 10));
    if digits.is_empty() {
        return Err(bad(text, span));
    }
    if radix == 10 && digits.len() > 1 && digits.starts_with('0') {
        return Err(octal(text, digits, span));
    }
    u64::from_str_radix(digits, radix).map_err(|_| too_large(text, span, "2^64 - 1"))
}

/// Reads what the grammar calls a `duration`, in nanoseconds.
pub(crate) fn duration(text: &str, span: Span) -> Result<u64, SyntaxError> {
    let mut total = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit, tail) = split(rest);
        let unit = unit.replace(['\u{B5}', '\u{3BC}'], "u");
        let part = scaled(number, factor(&unit, DURATION_UNITS));
        total = match part.map(|part| total.checked_add(part)) {
            Ok(Some(sum)) => sum,
            Err(Scale::TooFine) => {
                return Err(SyntaxError::new(
                    code::OUT_OF_RANGE,
                    span,
                    format!("`{text}` is not a whole number of nanoseconds"),
                )
                .label("finer than a nanosecond"));
            }
            Ok(None) | Err(Scale::TooLarge) => {
                return Err(too_large(text, span, "about 584 years"));
            }
        };
        rest = tail;
    }
    Ok(total)
}

/// Reads what the grammar calls a `size`, in bytes.
pub(crate) fn size(text: &str, span: Span) -> Result<u64, SyntaxError> {
    let (number, unit, _) = split(text);
    scaled(number, factor(unit, SIZE_UNITS)).map_err(|scale| match scale {
        Scale::TooFine => SyntaxError::new(
            code::OUT_OF_RANGE,
            span,
            format!("`{text}` is not a whole number of bytes"),
        )
        .label("a fraction of a byte"),
        Scale::TooLarge => too_large(text, span, "2^64 - 1 bytes"),
    })
}

/// Reads what the grammar calls a `percent`, in tenths of a percent.
pub(crate) fn percent(text: &str, span: Span) -> Result<u32, SyntaxError> {
    let (number, _, _) = split(text);
    match scaled(number, 10).map(u32::try_from) {
        Ok(Ok(tenths)) => Ok(tenths),
        Err(Scale::TooFine) => Err(SyntaxError::new(
            code::OUT_OF_RANGE,
            span,
            format!("`{text}` is not a whole number of tenths of a percent"),
        )
        .label("finer than 0.1%")),
        Ok(Err(_)) | Err(Scale::TooLarge) => Err(too_large(text, span, "429496729.5%")),
    }
}

/// Reads what the grammar calls a `float`, as the bits of the nearest `f64`.
pub(crate) fn float(text: &str, span: Span) -> Result<u64, SyntaxError> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value.to_bits()),
        _ => Err(too_large(text, span, "about 1.8e308")),
    }
}

/// Reads what the grammar calls a `rune`, quotes and all: one character, as its code point.
pub(crate) fn rune(text: &str, span: Span) -> Result<u64, SyntaxError> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or(text);
    let resolved = match inner {
        "\\'" => "'".to_owned(),
        inner => unescaped(inner, span.start + 1)?,
    };
    let mut chars = resolved.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(u64::from(u32::from(c))),
        _ => Err(SyntaxError::new(
            code::BAD_LITERAL,
            span,
            "only one character can be between `'`",
        )
        .label("more than one character")
        .help(format!("strings are quoted with \": \"{inner}\""))),
    }
}

/// Reads what the grammar calls a `string`, quotes and all.
pub(crate) fn string(text: &str, span: Span) -> Result<String, SyntaxError> {
    unescaped(between_quotes(text), span.start + 1)
}

/// Reads a `string` that may hold bytes which are no characters, as strings of Go may.
pub(crate) fn bytes(text: &str, span: Span) -> Result<Vec<u8>, SyntaxError> {
    let mut rest = between_quotes(text);
    let mut start = span.start + 1;
    let mut out = Vec::with_capacity(rest.len());
    while let Some((before, byte, after)) = next_byte(rest) {
        out.extend(unescaped(before, start)?.into_bytes());
        out.push(byte);
        start += rest.len() - after.len();
        rest = after;
    }
    out.extend(unescaped(rest, start)?.into_bytes());
    Ok(out)
}

/// The first of `\x80` to `\xff`, with what is before and after it.
fn next_byte(text: &str) -> Option<(&str, u8, &str)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('\\')?;
        let (before, rest) = text.split_at(at);
        if let Some(digits) = not_ascii(rest) {
            let byte = u8::from_str_radix(digits, 16).ok()?;
            return Some((before, byte, rest.get(4..)?));
        }
        // The backslash, and what it escapes.
        let mut escape = rest.chars();
        escape.by_ref().take(2).for_each(drop);
        from = text.len() - escape.as_str().len();
    }
}

fn between_quotes(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

/// Text between quotes, which begins at `start`.
pub(crate) fn unescaped(inner: &str, start: usize) -> Result<String, SyntaxError> {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = chars.next().map(|(_, c)| c);
        let resolved = match escape {
            Some('"') => Some('"'),
            Some('\\') => Some('\\'),
            Some('a') => Some('\x07'),
            Some('b') => Some('\x08'),
            Some('f') => Some('\x0c'),
            Some('v') => Some('\x0b'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('x') => hex(&mut chars, 2).filter(char::is_ascii),
            Some('u') => hex(&mut chars, 4),
            Some('U') => hex(&mut chars, 8),
            _ => None,
        };
        match resolved {
            Some(resolved) => out.push(resolved),
            None => {
                let start = start + at;
                let end = start + 1 + escape.map_or(0, char::len_utf8);
                let shown = escape.map_or(String::new(), |c| c.escape_debug().to_string());
                if let Some(byte) = not_ascii(inner.get(at..).unwrap_or_default()) {
                    return Err(SyntaxError::new(
                        code::BAD_ESCAPE,
                        start..start + 4,
                        format!("`\\x{byte}` is no character by itself"),
                    )
                    .label("only strings in expressions hold bytes")
                    .help(format!(
                        "the character of this number is written \\u00{byte}"
                    )));
                }
                return Err(SyntaxError::new(
                    code::BAD_ESCAPE,
                    start..end,
                    format!("`\\{shown}` is not an escape that strings have"),
                )
                .label("unknown or incomplete escape")
                .help(
                    "strings have the escapes \\\" \\\\ \\n \\r \\t \\a \\b \\f \\v \\x7f \\u00e9 and \\U0001f600; a backslash itself is written \\\\",
                ));
            }
        }
    }
    Ok(out)
}

/// The digits of `\x80` to `\xff`.
fn not_ascii(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("\\x")?.get(..2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    (!byte.is_ascii()).then_some(digits)
}

/// Says why `text`, which begins like a number, is none.
pub(crate) fn bad(text: &str, span: Span) -> SyntaxError {
    let error = |message: String| SyntaxError::new(code::BAD_LITERAL, span.clone(), message);
    for (prefix, kind) in [("0x", "hexadecimal"), ("0o", "octal"), ("0b", "binary")] {
        if text.starts_with(prefix) {
            return error(format!("`{text}` is not a {kind} number")).label("not a number");
        }
    }
    let (number, unit, tail) = split(text);
    if number.matches('.').count() > 1 {
        return error(format!("`{text}` is not a number")).label("more than one point");
    }
    if unit.is_empty() && tail.is_empty() && number.contains('.') {
        return error(format!("`{text}` is not a whole number"))
            .label("a fraction needs a unit")
            .help(format!(
                "write a unit after it, as in `{number}s` or `{number}%`"
            ));
    }
    let error = error(format!("`{text}` is not a number, a duration or a size")).label(
        if unit.is_empty() {
            "not a literal".to_owned()
        } else {
            format!("`{unit}` is not a unit")
        },
    );
    match suggested_unit(unit) {
        Some(units) if tail.is_empty() => {
            let written: Vec<String> = units.iter().map(|u| format!("`{number}{u}`")).collect();
            error.help(format!("did you mean {}?", written.join(" or ")))
        }
        _ => error.help("units of time are ns us ms s m h, units of size B kB MB GB KiB MiB GiB"),
    }
}

/// The units that people write for ours.
fn suggested_unit(unit: &str) -> Option<&'static [&'static str]> {
    Some(match unit.to_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => &["s"],
        "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" | "mseconds" => &["ms"],
        "usec" | "usecs" | "micros" | "microsecond" | "microseconds" => &["us"],
        "nsec" | "nsecs" | "nanos" | "nanosecond" | "nanoseconds" => &["ns"],
        "min" | "mins" | "minute" | "minutes" => &["m"],
        "hr" | "hrs" | "hour" | "hours" => &["h"],
        "d" | "day" | "days" => return None,
        "k" | "kb" | "kib" => &["KiB", "kB"],
        "mb" | "mib" => &["MiB", "MB"],
        "g" | "gb" | "gib" => &["GiB", "GB"],
        "tb" | "tib" => &["TiB", "TB"],
        "b" | "byte" | "bytes" => &["B"],
        "percent" | "pct" => &["%"],
        "ms" => &["ms"],
        "us" => &["us"],
        "ns" => &["ns"],
        "s" => &["s"],
        "h" => &["h"],
        _ => return None,
    })
}

/// A number that begins with 0, which Go and people read differently.
fn octal(text: &str, digits: &str, span: Span) -> SyntaxError {
    let plain = match digits.trim_start_matches('0') {
        "" => "0",
        plain => plain,
    };
    let error = SyntaxError::new(
        code::BAD_LITERAL,
        span,
        format!("`{text}` could be octal or decimal"),
    )
    .label("begins with 0");
    if plain.contains(['8', '9']) {
        return error.help(format!("write {plain}"));
    }
    error.help(format!(
        "write 0o{plain} for what Go means by it, {plain} for the decimal number"
    ))
}

fn too_large(text: &str, span: Span, greatest: &str) -> SyntaxError {
    SyntaxError::new(code::OUT_OF_RANGE, span, format!("`{text}` is too large"))
        .label(format!("the greatest is {greatest}"))
}

/// The leading number, the letters after it, and the rest.
fn split(text: &str) -> (&str, &str, &str) {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '_' || c == '.'))
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let letters = rest
        .find(|c: char| c.is_ascii_digit() || !c.is_alphabetic() && c != '\u{B5}')
        .unwrap_or(rest.len());
    let (unit, tail) = rest.split_at(letters);
    (number, unit, tail)
}

fn factor(unit: &str, units: &[(&str, u64)]) -> u64 {
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map_or(1, |(_, factor)| *factor)
}

enum Scale {
    TooLarge,
    TooFine,
}

/// `number × factor`, exactly.
fn scaled(number: &str, factor: u64) -> Result<u64, Scale> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut value: u64 = 0;
    for digit in whole.bytes().filter(u8::is_ascii_digit) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')))
            .ok_or(Scale::TooLarge)?;
    }
    let value = value.checked_mul(factor).ok_or(Scale::TooLarge)?;
    // So that no product below can overflow; finer fractions of a unit are of no use.
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 19 {
        return Err(Scale::TooFine);
    }
    let mut numerator: u128 = 0;
    let mut denominator: u128 = 1;
    for digit in fraction.bytes() {
        numerator = numerator * 10 + u128::from(digit.saturating_sub(b'0'));
        denominator *= 10;
    }
    let numerator = numerator * u128::from(factor);
    if !numerator.is_multiple_of(denominator) {
        return Err(Scale::TooFine);
    }
    u64::try_from(numerator / denominator)
        .ok()
        .and_then(|part| value.checked_add(part))
        .ok_or(Scale::TooLarge)
}

/// The character with the next `digits` hexadecimal digits as its code point.
fn hex(chars: &mut std::str::CharIndices<'_>, digits: u32) -> Option<char> {
    let mut value = 0u32;
    for _ in 0..digits {
        let digit = chars.as_str().chars().next()?.to_digit(16)?;
        chars.next();
        value = value.checked_mul(16)?.checked_add(digit)?;
    }
    char::from_u32(value)
}
