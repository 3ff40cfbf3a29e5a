//! `time.Duration` and `time.Time` as Go writes them.

use jiff::{SignedDuration, Timestamp};

/// Go's `Duration.String`: `1h0m0s`, `1.5ms`, `0s`.
pub(super) fn duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let fraction = |whole: u64, rest: u64, digits: usize| {
        let rest = format!("{rest:0digits$}");
        match rest.trim_end_matches('0') {
            "" => whole.to_string(),
            rest => format!("{whole}.{rest}"),
        }
    };
    let text = match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => fraction(ns / 1_000, ns % 1_000, 3) + "µs",
        1_000_000..1_000_000_000 => fraction(ns / 1_000_000, ns % 1_000_000, 6) + "ms",
        _ => {
            let seconds = ns / 1_000_000_000;
            let last = fraction(seconds % 60, ns % 1_000_000_000, 9) + "s";
            match (seconds / 3_600, seconds / 60 % 60) {
                (0, 0) => last,
                (0, minutes) => format!("{minutes}m{last}"),
                (hours, minutes) => format!("{hours}h{minutes}m{last}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `wall` has a monotonic clock beside it (time/time.go, `hasMonotonic`).
const HAS_MONOTONIC: u64 = 1 << 63;
/// Bits of `wall` for nanoseconds (`nsecMask`); above them are 33 bits of seconds, where there is a monotonic clock.
const NANOSECONDS: u32 = 30;
/// 1885-01-01 (`wallToInternal`), from the first day of year 1, in seconds.
const YEAR_1885: i64 = 59_453_308_800;
/// 1970-01-01, from the first day of year 1, in seconds.
const YEAR_1970: i64 = 62_135_596_800;

/// A point in time, RFC 3339 in UTC; `None` for one that no calendar has.
pub(super) fn time(wall: u64, ext: i64) -> Option<String> {
    let nanoseconds = i32::try_from(wall & ((1 << NANOSECONDS) - 1)).ok()?;
    let seconds = if wall & HAS_MONOTONIC == 0 {
        ext
    } else {
        YEAR_1885.checked_add_unsigned(wall << 1 >> (NANOSECONDS + 1))?
    };
    let since_1970 = SignedDuration::new(seconds.checked_sub(YEAR_1970)?, 0)
        .checked_add(SignedDuration::from_nanos(i64::from(nanoseconds)))?;
    let time = Timestamp::from_duration(since_1970).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_writes_them() {
        for (ns, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_000, "1µs"),
            (1_500, "1.5µs"),
            (1_500_000, "1.5ms"),
            (250_000_000, "250ms"),
            (1_000_000_000, "1s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_661_500_000_000, "1h1m1.5s"),
            (-1_500, "-1.5µs"),
            (59_999_999_999, "59.999999999s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
            (i64::MAX, "2562047h47m16.854775807s"),
        ] {
            assert_eq!(duration(ns), expected);
        }
    }

    #[test]
    fn times_with_and_without_a_monotonic_clock() {
        // time.Unix(1700000000, 5).UTC(): no monotonic clock.
        let plain = time(5, YEAR_1970 + 1_700_000_000);
        assert_eq!(plain.as_deref(), Some("2023-11-14T22:13:20.000000005Z"));
        // The same from time.Now(), two seconds after the process began.
        let seconds = u64::try_from(YEAR_1970 + 1_700_000_000 - YEAR_1885).unwrap();
        let now = time(HAS_MONOTONIC | seconds << NANOSECONDS | 5, 2_000_000_000);
        assert_eq!(now, plain);
        assert_eq!(time(0, 0).as_deref(), Some("0001-01-01T00:00:00Z"));
        for ext in [i64::MAX, i64::MIN] {
            assert_eq!(time(0, ext), None);
        }
        // No clock gives so many nanoseconds.
        let most = time(u64::MAX, 0);
        assert_eq!(most.as_deref(), Some("2157-03-16T12:56:32.073741823Z"));
    }
}
