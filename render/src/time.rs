//! From the kernel's clock to the one on the wall.

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Relates CLOCK_MONOTONIC, in which records are stamped, to the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC, nanoseconds, read once at the start.
    pub realtime_minus_monotonic_ns: i64,
}

impl Clock {
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC, nanoseconds.
    #[must_use]
    pub fn new(realtime_minus_monotonic_ns: i64) -> Self {
        Self {
            realtime_minus_monotonic_ns,
        }
    }

    /// The time of day at a monotonic time in nanoseconds: `16:21:55.255312`.
    #[must_use]
    pub fn time_of_day(self, monotonic_ns: u64, zone: &TimeZone) -> String {
        time_of_day(&self.zoned(monotonic_ns, zone))
    }

    /// The wall time of a monotonic time in nanoseconds.
    pub(crate) fn wall(self, monotonic_ns: u64) -> Timestamp {
        let since_epoch = i128::from(monotonic_ns) + i128::from(self.realtime_minus_monotonic_ns);
        Timestamp::from_nanosecond(since_epoch).unwrap_or(Timestamp::MAX)
    }

    /// The same in a time zone.
    pub(crate) fn zoned(self, monotonic_ns: u64, zone: &TimeZone) -> Zoned {
        self.wall(monotonic_ns).to_zoned(zone.clone())
    }
}

/// `16:21:55.255312`
pub(crate) fn time_of_day(time: &Zoned) -> String {
    let micros = time.subsec_nanosecond() / 1_000;
    format!(
        "{:02}:{:02}:{:02}.{micros:06}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time() {
        let clock = Clock {
            realtime_minus_monotonic_ns: 1_700_000_000_000_000_000,
        };
        assert_eq!(
            format!("{:.9}", clock.wall(5)),
            "2023-11-14T22:13:20.000000005Z"
        );
    }

    #[test]
    fn times_beyond_the_calendar_are_answered() {
        let clock = Clock {
            realtime_minus_monotonic_ns: i64::MAX,
        };
        assert!(clock.wall(u64::MAX) > Timestamp::UNIX_EPOCH);
        let clock = Clock {
            realtime_minus_monotonic_ns: i64::MIN,
        };
        assert!(clock.wall(0) < Timestamp::UNIX_EPOCH);
    }
}
