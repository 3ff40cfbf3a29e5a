//! The buckets of histograms: their bounds, and how these are written.

use compiler::plan::AggregationKind;

use crate::duration::duration;

/// The values of a bucket: from the first up to but not the second; without bounds where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) from: Option<i128>,
    pub(crate) to: Option<i128>,
    /// They are written with all their digits.
    is_exact: bool,
}

/// The bounds of a bucket, which is numbered as in [`ebpf_templates::AggregateKey`].
pub(crate) fn bounds(kind: AggregationKind, bucket: i64) -> Bounds {
    if let AggregationKind::Linear { low, high, step } = kind {
        let (low, high, step) = (i128::from(low), i128::from(high), i128::from(step));
        let from = low.saturating_add(step.saturating_mul(bucket.into()));
        let (from, to) = match bucket {
            ..0 => (None, Some(low)),
            _ if from >= high => (Some(high), None),
            _ => (Some(from), Some((from + step).min(high))),
        };
        return Bounds {
            from,
            to,
            is_exact: true,
        };
    }
    let power = |exponent: u64| 1_i128.checked_shl(exponent.min(64) as u32).unwrap_or(0);
    let (from, to) = match bucket.unsigned_abs() {
        0 => (0, 1),
        size if bucket > 0 => (power(size - 1), power(size)),
        // From -2ⁿ + 1 to -2ⁿ⁻¹; of the last there is but one.
        size => ((1 - power(size)).max(i64::MIN.into()), 1 - power(size - 1)),
    };
    Bounds {
        from: Some(from),
        to: Some(to),
        is_exact: false,
    }
}

impl Bounds {
    /// `[1.05 ms, 2.10 ms)`, `[10 ms, 20 ms)`, `[64, 128)`, `[…, 0)`.
    pub(crate) fn text(self, is_duration: bool) -> String {
        let write = |bound: Option<i128>| match bound {
            None => "…".to_owned(),
            Some(bound) if is_duration => duration_bound(bound, self.is_exact),
            Some(bound) => short(bound),
        };
        let closer = if self.to.is_some() { ')' } else { ']' };
        format!("[{}, {}{closer}", write(self.from), write(self.to))
    }
}

/// A duration that may be negative, or a sum of more than there is room for in one.
pub(crate) fn signed_duration(ns: i128) -> String {
    const DAY: u128 = 86_400_000_000_000;
    let sign = if ns < 0 { "-" } else { "" };
    match u64::try_from(ns.unsigned_abs()) {
        Ok(ns) => format!("{sign}{}", duration(ns)),
        Err(_) => format!("{sign}{}d", ns.unsigned_abs() / DAY),
    }
}

/// A bound that values near it can be told from: with all its digits where they are wanted or few, otherwise with three.
fn duration_bound(ns: i128, is_exact: bool) -> String {
    const SECOND: u128 = 1_000_000_000;
    let size = ns.unsigned_abs();
    // What is left out of it by `duration`.
    let rounded_to = match size / SECOND {
        0..1_000 => 1,
        1_000..3_600 => SECOND,
        3_600..86_400 => 60 * SECOND,
        86_400..86_400_000 => 3_600 * SECOND,
        _ => 86_400 * SECOND,
    };
    if rounded_to > 1 && (!is_exact || size.is_multiple_of(rounded_to)) {
        return signed_duration(ns);
    }
    let sign = if ns < 0 { "-" } else { "" };
    let (unit, name, places) = match size {
        ..1_000 => (1, "ns", 0),
        1_000..1_000_000 => (1_000, "µs", 3),
        1_000_000..SECOND => (1_000_000, "ms", 6),
        _ => (SECOND, "s", 9),
    };
    let whole = size / unit;
    let few = size.to_string().trim_end_matches('0').len() <= 4;
    if is_exact || few {
        let fraction = format!(".{:0places$}", size % unit);
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        let fraction = if places == 0 { "" } else { fraction };
        return format!("{sign}{whole}{fraction} {name}");
    }
    let places = 3_usize.saturating_sub(whole.to_string().len());
    let last = unit / 10_u128.pow(places as u32);
    let rounded = (size + last / 2) / last;
    let (whole, fraction) = (rounded * last / unit, rounded * last % unit / last);
    if places == 0 {
        format!("{sign}{whole} {name}")
    } else {
        format!("{sign}{whole}.{fraction:0places$} {name}")
    }
}

/// Large numbers in units of 1,024, where they are a few whole ones.
fn short(number: i128) -> String {
    let units = [
        ("Ei", 60_u32),
        ("Pi", 50),
        ("Ti", 40),
        ("Gi", 30),
        ("Mi", 20),
        ("Ki", 10),
    ];
    let size = number.unsigned_abs();
    let unit = units
        .into_iter()
        .find(|(_, bits)| size.trailing_zeros() >= *bits)
        .filter(|(_, bits)| size >= 8192 && size >> bits < 8192);
    match unit {
        Some((unit, bits)) => format!("{}{unit}", number >> bits),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(bucket: i64) -> (i128, i128) {
        let bounds = bounds(AggregationKind::Histogram, bucket);
        (
            bounds.from.expect("a power of two"),
            bounds.to.expect("a power of two"),
        )
    }

    #[test]
    fn powers_of_two_follow_one_another() {
        assert_eq!(power(0), (0, 1));
        assert_eq!(power(1), (1, 2));
        assert_eq!(power(11), (1024, 2048));
        assert_eq!(power(-1), (-1, 0));
        assert_eq!(power(-2), (-3, -1));
        assert_eq!(power(64), (1 << 63, 1 << 64));
        for bucket in -64..64 {
            assert_eq!(power(bucket).1, power(bucket + 1).0);
        }
        // Whatever a key holds.
        power(i64::MIN);
        power(i64::MAX);
    }

    #[test]
    fn the_last_step_may_be_shorter() {
        let kind = AggregationKind::Linear {
            low: -5,
            high: 20,
            step: 10,
        };
        let found: Vec<String> = (-1..=3).map(|n| bounds(kind, n).text(false)).collect();
        assert_eq!(
            found,
            ["[…, -5)", "[-5, 5)", "[5, 15)", "[15, 20)", "[20, …]"]
        );
        bounds(kind, i64::MAX);
        bounds(kind, i64::MIN);
    }

    #[test]
    fn bounds_are_written_in_their_unit() {
        let text =
            |bucket, is_duration| bounds(AggregationKind::Histogram, bucket).text(is_duration);
        assert_eq!(text(11, false), "[1024, 2048)");
        assert_eq!(text(14, false), "[8Ki, 16Ki)");
        assert_eq!(text(31, false), "[1Gi, 2Gi)");
        assert_eq!(text(21, true), "[1.05 ms, 2.10 ms)");
        assert_eq!(text(20, true), "[524 µs, 1.05 ms)");
        assert_eq!(text(15, true), "[16.4 µs, 32.8 µs)");
        assert_eq!(text(11, true), "[1.024 µs, 2.048 µs)");
        assert_eq!(text(10, true), "[512 ns, 1.024 µs)");
        assert_eq!(text(0, true), "[0 ns, 1 ns)");
        assert_eq!(text(40, true), "[550 s, 18m 20s)");
        assert_eq!(text(-21, true), "[-2.10 ms, -1.05 ms)");
        assert_eq!(text(-3, true), "[-7 ns, -3 ns)");
        assert_eq!(text(63, false), "[4Ei, 8Ei)");
        assert_eq!(text(-64, false), "[-8Ei, -9223372036854775807)");
        assert_eq!(text(63, true), "[53375d, 106751d)");
        assert_eq!(text(-64, true), "[-106751d, -106751d)");
    }

    #[test]
    fn round_numbers_stay_round() {
        let of = |step| AggregationKind::Linear {
            low: 0,
            high: i64::MAX,
            step,
        };
        let text = |step, bucket| bounds(of(step), bucket).text(false);
        assert_eq!(text(10_000_000_000, 1), "[10000000000, 20000000000)");
        assert_eq!(text(1 << 20, 3), "[3Mi, 4Mi)");
        assert_eq!(text(3 << 20, 2731), "[8590983168, 8594128896)");
        let text = |step, bucket| bounds(of(step), bucket).text(true);
        assert_eq!(text(10_000_000, 1), "[10 ms, 20 ms)");
        assert_eq!(text(1_000_000, 10_000), "[10 s, 10.001 s)");
        assert_eq!(text(333, 3_003_003), "[999.999999 ms, 1.000000332 s)");
        assert_eq!(text(60_000_000_000, 60), "[1h 00m, 1h 01m)");
        assert_eq!(text(1_000_000_000, 3_600), "[1h 00m, 3601 s)");
    }
}
