//! Durations for the eye: one unit, a few digits, a mark for slow ones.

/// A duration in nanoseconds with a fitting unit, at most eight columns: `850 ns`, `12.3 µs`, `354.6 ms`, `12.35 s`, `16m 40s`.
#[must_use]
pub fn duration(ns: u64) -> String {
    if ns < 1_000 {
        return format!("{ns} ns");
    }
    // Rounding decides the unit too: 999.96 µs is 1.0 ms.
    let rounded = |unit: u64| ns / unit + u64::from(ns % unit >= unit / 2);
    let tenths = rounded(100);
    if tenths < 10_000 {
        return format!("{}.{} µs", tenths / 10, tenths % 10);
    }
    let tenths = rounded(100_000);
    if tenths < 10_000 {
        return format!("{}.{} ms", tenths / 10, tenths % 10);
    }
    let hundredths = rounded(10_000_000);
    if hundredths < 10_000 {
        return format!("{}.{:02} s", hundredths / 100, hundredths % 100);
    }
    let tenths = rounded(100_000_000);
    if tenths < 10_000 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = rounded(1_000_000_000);
    match seconds {
        0..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        86_400..86_400_000 => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The mark of the kernel's `function_graph` tracer for a slow call (Documentation/trace/ftrace.rst): `+` over 10 µs, `!` over 100 µs,
/// `#` over 1 ms, `*` over 10 ms, `@` over 100 ms, `$` over 1 s.
#[must_use]
pub fn slow_mark(ns: u64) -> char {
    match ns {
        ..=10_000 => ' ',
        10_001..=100_000 => '+',
        100_001..=1_000_000 => '!',
        1_000_001..=10_000_000 => '#',
        10_000_001..=100_000_000 => '*',
        100_000_001..=1_000_000_000 => '@',
        _ => '$',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.0 µs"),
            (12_345, "12.3 µs"),
            (999_949, "999.9 µs"),
            (999_950, "1.0 ms"),
            (354_600_123, "354.6 ms"),
            (999_950_000, "1.00 s"),
            (12_345_000_000, "12.35 s"),
            (99_994_999_999, "99.99 s"),
            (99_995_000_000, "100.0 s"),
            (999_949_999_999, "999.9 s"),
            (1_000_000_000_000, "16m 40s"),
            (5_000_000_000_000, "1h 23m"),
            (200_000_000_000_000, "2d 07h"),
            (u64::MAX, "213503d"),
        ];
        for (ns, expected) in cases {
            assert_eq!(duration(ns), expected, "{ns} ns");
        }
    }

    #[test]
    fn never_wider_than_its_column() {
        let mut ns = 1u64;
        while let Some(next) = ns.checked_mul(3) {
            for near in [ns - 1, ns, ns + 1] {
                assert!(duration(near).chars().count() <= 8, "{near} ns");
            }
            ns = next;
        }
    }

    #[test]
    fn marks_begin_above_their_bound() {
        let marks: String = [
            10_000,
            10_001,
            100_001,
            1_000_001,
            10_000_001,
            100_000_001,
            1_000_000_001,
        ]
        .map(slow_mark)
        .iter()
        .collect();
        assert_eq!(marks, " +!#*@$");
    }
}
