//! Numbers of tables and histograms.

use super::{Aggregated, Row, buckets::signed_duration};

/// A value of an aggregation, in its unit.
pub(super) fn number_text(aggregated: &Aggregated<'_>, number: i128) -> String {
    if aggregated.is_duration() {
        signed_duration(number)
    } else {
        grouped(&number.to_string())
    }
}

/// The mean of a row's values: of durations as they are written, of numbers with three digits of its fraction, which of a mean below 1
/// are counted from the first that is not 0: `499.5`, `0.000333`.
pub(super) fn mean_text(aggregated: &Aggregated<'_>, row: &Row) -> String {
    if aggregated.is_duration() {
        return signed_duration(row.mean().into());
    }
    let count = u128::from(row.count.max(1));
    let size = row.sum.unsigned_abs();
    let (mut whole, rest) = (size / count, size % count);
    let (mut digits, mut unit) = (3, 1_000_u128);
    while whole == 0 && rest > 0 && rest * (unit / 100) < count {
        digits += 1;
        unit *= 10;
    }
    let mut fraction = (rest * unit + count / 2) / count;
    if fraction == unit {
        (whole, fraction) = (whole + 1, 0);
    }
    let sign = if row.sum < 0 { "-" } else { "" };
    let whole = grouped(&whole.to_string());
    let fraction = format!(".{fraction:0digits$}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}{whole}{fraction}")
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use compiler::plan::{Aggregation, AggregationKind};

    use super::*;

    #[test]
    fn means_have_fractions() {
        let aggregation = Aggregation {
            label: String::new(),
            name: None,
            kind: AggregationKind::Average,
            value: None,
            keys: Vec::new(),
            needs_results: false,
        };
        let aggregated = Aggregated {
            trace: "",
            aggregation: &aggregation,
            rows: Vec::new(),
        };
        for (sum, count, expected) in [
            (1, 3, "0.333"),
            (-1, 3, "-0.333"),
            (999, 2, "499.5"),
            (49, 4, "12.25"),
            (24_999, 2, "12,499.5"),
            (6, 3, "2"),
            (0, 3, "0"),
            (1, 3_000, "0.000333"),
            (1, u64::MAX, "0.0000000000000000000542"),
            (19_999, 10_000, "2"),
            (9_999, 10_000, "1"),
            (i128::MIN, u64::MAX, "-9,223,372,036,854,775,808.5"),
            (7, 0, "7"),
        ] {
            let row = Row {
                keys: Vec::new(),
                count,
                sum,
                least: 0,
                greatest: 0,
                buckets: BTreeMap::new(),
            };
            assert_eq!(mean_text(&aggregated, &row), expected, "{sum} / {count}");
        }
    }
}
