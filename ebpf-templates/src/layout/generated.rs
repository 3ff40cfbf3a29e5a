//! What generated functions are told, what they capture, and what is made of that.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::record::Chunk;

/// Most aggregations of a trace.
pub const MAX_AGGREGATIONS: usize = 8;

/// Bytes of an aggregation's captured keys.
pub const AGGREGATE_KEY: usize = 128;

/// Functions of the probe program that are put there by user space: `bpf/generated.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Stub {
    /// Decides at a target's entry.
    WhereEntry = 1,
    /// Keeps words and bytes from there.
    Keep = 2,
    /// Decides at its return.
    WhereReturn = 3,
    /// Captures at the entry of calls.
    Arguments = 4,
    /// Captures at their return.
    Results = 5,
    /// Captures keys of aggregates.
    Aggregate = 6,
    /// Decides whether the trace ends.
    Until = 7,
}

impl Stub {
    /// The immediate operand of the one instruction by which the stub is known.
    #[must_use]
    pub const fn mark(self) -> i32 {
        0x6f67_0000 | self as i32
    }
}

/// What generated functions are told of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Facts {
    /// Index of the function in the plan.
    pub function: u64,
    /// `runtime.g.goid`.
    pub goroutine: u64,
    /// Process.
    pub process: u64,
    /// Thread.
    pub thread: u64,
    /// Levels below the target.
    pub depth: u64,
    /// Return address, as the process sees it; only where [`FACT_CALLER`] asks for it.
    pub caller: u64,
    /// What the process's addresses have over the linker's; only where [`FACT_BIAS`] asks for it.
    pub bias: u64,
    /// Stack pointer at the site.
    pub rsp: u64,
    /// Nanoseconds, at return.
    pub duration: u64,
    /// The same without the calls inside.
    pub self_time: u64,
}

/// What generated functions are told of a target's call at its return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Inputs {
    /// As at its entry, and more.
    pub facts: Facts,
    /// What was captured at its entry to be decided about at its return.
    pub kept: [u8; KEEP_MAX],
}

/// Bit of [`crate::Config::facts`]: generated functions look at the caller.
pub const FACT_CALLER: u32 = 1;

/// Bit of [`crate::Config::facts`]: generated functions look at the bias.
pub const FACT_BIAS: u32 = 2;

/// Bytes of stack that a generated function may use: what the functions that call it leave of 512 (`MAX_BPF_STACK`,
/// include/linux/filter.h).
pub const STACK_ROOM: usize = 128;

/// Bytes kept from a target's entry to its return.
pub const KEEP_MAX: usize = 256;

/// Whether there is a generated function of those that run at a target's return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// There is none.
    None = 0,
    /// There is one, which looks at no registers of the return: it runs however the call ends.
    Any = 1,
    /// There is one that looks at results.
    Results = 2,
}

/// When something was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Moment {
    /// At entry: arguments.
    Arguments = 0,
    /// At return: results.
    Results = 1,
}

/// Goes before what was captured of a call; begins at a multiple of 8 bytes. (`entry_ns`, `level`) identify the call in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ValuesHeader {
    /// [`crate::CallRecord::entry_ns`].
    pub entry_ns: u64,
    /// [`crate::CallRecord::function`].
    pub function: u32,
    /// [`crate::CallRecord::level`].
    pub level: u16,
    /// A [`Moment`].
    pub moment: u8,
    /// Padding.
    pub unused: u8,
    /// Bytes that follow.
    pub size: u32,
    /// Padding.
    pub unused2: u32,
}

/// Most bytes captured at one moment of a call.
pub const CAPTURE_MAX: usize = 1_024;

/// Once a goroutine's buffer holds so many bytes it is sent.
pub const VALUES_FULL: usize = 4_096;

/// Bytes of a goroutine's buffer: one more always fits.
pub const VALUES_BYTES: usize = VALUES_FULL + size_of::<ValuesHeader>() + CAPTURE_MAX;

/// What was captured of a graph's calls and is not sent yet: value of the map `values`, whose index is [`crate::Goroutine::slot`] less 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Values {
    /// Bytes in use.
    pub used: u32,
    /// Captures in them.
    pub records: u32,
    /// Of the call that something is captured of.
    pub inputs: Inputs,
    /// Keys of the graph's aggregates.
    pub keys: [AggregateKey; MAX_AGGREGATIONS],
    /// What a new entry of `aggregates` is made of.
    pub first: Aggregate,
    /// Header of the next record.
    pub chunk: Chunk,
    /// Each with its [`ValuesHeader`].
    pub bytes: [u8; VALUES_BYTES],
}

/// What the kernel makes of an aggregation's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum AggregationKind {
    /// It counts them.
    Count = 0,
    /// Count, sum, least and greatest of its value.
    Numbers = 1,
    /// The same, by powers of two.
    Histogram = 2,
    /// The same, by steps.
    Linear = 3,
}

/// An aggregation of a trace.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct AggregationConfig {
    /// An [`AggregationKind`].
    pub kind: u32,
    /// 1: it looks at registers of the return.
    pub results: u32,
    /// Of [`AggregationKind::Linear`]: the least value that is not below all steps,
    pub low: i64,
    /// the least above all of them,
    pub high: i64,
    /// and how wide one is.
    pub step: u64,
}

/// What is counted together: key of the per-CPU map `aggregates`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AggregateKey {
    /// Index of the trace.
    pub trace: u32,
    /// Index in [`crate::Config::aggregations`].
    pub aggregation: u32,
    /// Of [`AggregationKind::Histogram`]: 0 for 0, n for 2ⁿ⁻¹ up to but not 2ⁿ, -n for negative values of that size. Of
    /// [`AggregationKind::Linear`]: the step, -1 below the first, the number of steps above the last. 0 otherwise.
    pub bucket: i64,
    /// As captured, with 0 in place of the value; 0 after it.
    pub bytes: [u8; AGGREGATE_KEY],
}

/// What the calls with one [`AggregateKey`] come to. All but the count are of no use where the aggregation has no value.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Aggregate {
    /// Calls.
    pub count: u64,
    /// Of their values. It wraps; [`Self::total`] does not.
    pub sum: i64,
    /// Of their values, each in units of 2³² and rounded.
    pub upper: i64,
    /// The least since `epoch` began.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// [`TraceState::epochs`](super::TraceState::epochs) as it was when the last was counted.
    pub epoch: u64,
}

impl Aggregate {
    /// The sum of the values. What the upper halves leave of it goes both ways, and is far from wrapping even where the sum has.
    #[must_use]
    pub fn total(&self) -> i128 {
        let rest = self.sum.wrapping_sub(self.upper.wrapping_shl(32));
        (i128::from(self.upper) << 32) + i128::from(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_do_not_wrap() {
        let values = [
            i64::MAX,
            i64::MAX,
            i64::MIN,
            -1,
            0,
            7,
            1 << 31,
            (1 << 31) - 1,
            -(1 << 31),
            -(1 << 31) - 1,
        ];
        let mut all = Aggregate::default();
        let mut total = 0;
        for value in values.iter().cycle().take(25) {
            // As bpf/aggregate.h does it.
            all.sum = all.sum.wrapping_add(*value);
            all.upper += (value >> 32) + (value >> 31 & 1);
            total += i128::from(*value);
            assert_eq!(all.total(), total);
        }
        assert!(total > i64::MAX.into());
    }
}
