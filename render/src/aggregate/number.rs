//! Numbers of tables and histograms.

use super::{Aggregated, buckets::signed_duration};

/// A value of an aggregation, in its unit.
pub(super) fn number_text(aggregated: &Aggregated<'_>, number: i128) -> String {
    if aggregated.is_duration() {
        signed_duration(number)
    } else {
        grouped(&number.to_string())
    }
}

/// `1,234,567`
pub(super) fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
