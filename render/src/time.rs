//! From the kernel's clock to the one on the wall.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Relates the kernel's CLOCK_MONOTONIC, in which records are stamped, to the time of day. Clones go on being the same clock.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC, nanoseconds.
    realtime_minus_monotonic_ns: Arc<AtomicI64>,
}

/// A smaller difference than a millisecond is one of reading two clocks, or the wall's being steered, and not its being set.
const SET_NS: u64 = 1_000_000;

impl Clock {
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC, nanoseconds.
    #[must_use]
    pub fn new(realtime_minus_monotonic_ns: i64) -> Self {
        Self {
            realtime_minus_monotonic_ns: Arc::new(realtime_minus_monotonic_ns.into()),
        }
    }

    /// The difference as it is now: where the clock on the wall has been set, times are told by that from here on.
    pub fn follow(&self, realtime_minus_monotonic_ns: i64) {
        if self.difference().abs_diff(realtime_minus_monotonic_ns) >= SET_NS {
            self.realtime_minus_monotonic_ns
                .store(realtime_minus_monotonic_ns, Ordering::Relaxed);
        }
    }

    fn difference(&self) -> i64 {
        self.realtime_minus_monotonic_ns.load(Ordering::Relaxed)
    }

    /// The time of day at a monotonic time in nanoseconds: `16:21:55.255312`.
    #[must_use]
    pub fn time_of_day(&self, monotonic_ns: u64, zone: &TimeZone) -> String {
        time_of_day(&self.zoned(monotonic_ns, zone))
    }

    /// The wall time of a monotonic time in nanoseconds.
    pub(crate) fn wall(&self, monotonic_ns: u64) -> Timestamp {
        let since_epoch = i128::from(monotonic_ns) + i128::from(self.difference());
        Timestamp::from_nanosecond(since_epoch).unwrap_or(Timestamp::MAX)
    }

    /// The same in a time zone.
    pub(crate) fn zoned(&self, monotonic_ns: u64, zone: &TimeZone) -> Zoned {
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
        let clock = Clock::new(1_700_000_000_000_000_000);
        assert_eq!(
            format!("{:.9}", clock.wall(5)),
            "2023-11-14T22:13:20.000000005Z"
        );
    }

    /// Issue 9, case time-namespace.
    #[test]
    fn a_clock_that_is_set_is_followed() {
        let clock = Clock::new(1_700_000_000_000_000_000);
        let same = clock.clone();
        clock.follow(1_700_000_000_000_999_999);
        assert_eq!(
            format!("{:.9}", same.wall(5)),
            "2023-11-14T22:13:20.000000005Z"
        );
        clock.follow(1_699_999_999_000_000_000);
        assert_eq!(
            format!("{:.9}", same.wall(5)),
            "2023-11-14T22:13:19.000000005Z"
        );
    }

    #[test]
    fn times_beyond_the_calendar_are_answered() {
        let clock = Clock::new(i64::MAX);
        assert!(clock.wall(u64::MAX) > Timestamp::UNIX_EPOCH);
        let clock = Clock::new(i64::MIN);
        assert!(clock.wall(0) < Timestamp::UNIX_EPOCH);
    }
}
