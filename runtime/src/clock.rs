//! The clock that records are stamped with, `bpf_ktime_get_ns`, seen from here.
//!
//! That is CLOCK_MONOTONIC of the machine. In a time namespace (time_namespaces(7)) ours has something added, so that the kernel is asked
//! by a program what it reads, and not `clock_gettime`. `/proc/self/timens_offsets` alone would not do: it is about the namespace of
//! processes started later, which need not be ours.

#![allow(unsafe_code)]

use std::{fs, io, os::fd::AsFd, sync::OnceLock};

use crate::{loader::by_hand, sys};

const SECOND: i64 = 1_000_000_000;
/// What was measured and what is written down are the same if they are no further apart.
const NEAR: i64 = SECOND / 20;
/// Readings of two clocks, of which the closest one counts: in between this thread may have to wait.
const READINGS: usize = 5;

/// The kernel's CLOCK_MONOTONIC, nanoseconds.
#[must_use]
pub fn monotonic_ns() -> u64 {
    u64::try_from(read(libc::CLOCK_MONOTONIC) - namespace_offset()).unwrap_or(0)
}

/// CLOCK_REALTIME minus [`monotonic_ns`], nanoseconds. It changes when the clock on the wall is set.
#[must_use]
pub fn realtime_minus_monotonic_ns() -> i64 {
    let difference = middle(|| Ok(read(libc::CLOCK_REALTIME))).unwrap_or_default();
    namespace_offset() - difference
}

/// CLOCK_MONOTONIC of our time namespace: for lengths of time, also after a fork.
pub(crate) fn own_monotonic_ns() -> u64 {
    u64::try_from(read(libc::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// What our CLOCK_MONOTONIC has more than the kernel's.
fn namespace_offset() -> i64 {
    static OFFSET: OnceLock<i64> = OnceLock::new();
    *OFFSET.get_or_init(|| {
        let written = fs::read_to_string("/proc/self/timens_offsets")
            .ok()
            .and_then(|text| monotonic_offset(&text))
            .unwrap_or(0);
        let Ok(measured) = measure() else {
            return written;
        };
        // What is written down is exact, and a measurement is not.
        [0, written]
            .into_iter()
            .find(|exact| exact.abs_diff(measured) < NEAR as u64)
            .unwrap_or(measured)
    })
}

/// The offset of CLOCK_MONOTONIC in `/proc/PID/timens_offsets`.
fn monotonic_offset(text: &str) -> Option<i64> {
    let mut fields = text
        .lines()
        .find_map(|line| line.strip_prefix("monotonic"))?
        .split_whitespace()
        .map(str::parse::<i64>);
    let (seconds, nanoseconds) = (fields.next()?.ok()?, fields.next()?.ok()?);
    seconds.checked_mul(SECOND)?.checked_add(nanoseconds)
}

/// Compares our clock with what a program reads.
fn measure() -> io::Result<i64> {
    let program = by_hand::load_clock()?;
    middle(|| {
        let mut now = [0; 8];
        sys::run_program(program.as_fd(), &mut now)?;
        Ok(i64::from_ne_bytes(now))
    })
}

/// Our CLOCK_MONOTONIC minus another clock: between two readings of ours the other is read, and the middle taken.
fn middle(mut other: impl FnMut() -> io::Result<i64>) -> io::Result<i64> {
    let mut best: Option<(i64, i64)> = None;
    for _ in 0..READINGS {
        let before = read(libc::CLOCK_MONOTONIC);
        let there = other()?;
        let took = read(libc::CLOCK_MONOTONIC) - before;
        if best.is_none_or(|(least, _)| took < least) {
            best = Some((took, before + took / 2 - there));
        }
    }
    best.map(|(_, difference)| difference)
        .ok_or_else(|| io::Error::other("no reading"))
}

fn read(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime fills the struct that it is given.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec * SECOND + time.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read() {
        let text = "monotonic         7200         5\nboottime             0         0\n";
        assert_eq!(monotonic_offset(text), Some(7200 * SECOND + 5));
        let text = "monotonic           -1 999999999\nboottime             0         0\n";
        assert_eq!(monotonic_offset(text), Some(-1));
        assert_eq!(monotonic_offset("monotonic 7200"), None);
        assert_eq!(monotonic_offset(""), None);
    }

    #[test]
    fn the_kernel_tells_its_clock() {
        match measure() {
            Ok(offset) => assert!(offset.abs_diff(namespace_offset()) < NEAR as u64),
            Err(error) => eprintln!("skipped: {error}"),
        }
    }

    #[test]
    fn the_clocks_are_those_of_this_process() {
        let time = std::time::SystemTime::now();
        let wall = monotonic_ns() as i64 + realtime_minus_monotonic_ns();
        let since = time
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_nanos() as i64;
        // An hour is more than any delay, and less than any mistake.
        assert!(wall.abs_diff(since) < 3_600 * SECOND as u64);
    }
}
