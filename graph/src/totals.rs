//! What a trace did in all, every way to lose something included.

use ebpf_templates::{COUNTER_MAX, Counter};
use serde::Serialize;

/// Sums over a whole run. Serialized, its fields keep their names and their order.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Totals {
    /// Kept graphs.
    pub graphs: u64,
    /// Target calls dropped by `min`, `max`, `sample` or `limit`.
    pub filtered: u64,
    /// Calls that the ring buffer could not take.
    pub lost_records: u64,
    /// Graphs whose end the ring buffer could not take.
    pub lost_graphs: u64,
    /// Target calls not traced because the goroutine table was full.
    pub goroutines_full: u64,
    /// Calls too deep to be stored.
    pub missing_calls: u64,
    /// Spilled calls that user space had no room for ([`crate::Builder::dropped_calls`]).
    pub dropped_calls: u64,
    /// Events whose goroutine or stack could not be read.
    pub no_g: u64,
    /// Target calls not traced because too many processes had been in graphs.
    #[serde(skip_serializing_if = "is_zero")]
    pub processes_full: u64,
    /// Graphs cut off because their process executed another program; nobody but user space knows.
    pub stale: u64,
    /// Conditions and aggregates of calls that could not be decided, since something could not be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub undecided: u64,
    /// Calls not aggregated because the table of keys was full.
    #[serde(skip_serializing_if = "is_zero")]
    pub aggregates_full: u64,
    /// Calls whose arguments or results were captured and lost on the way, or in user space; nobody else knows.
    #[serde(skip_serializing_if = "is_zero")]
    pub lost_values: u64,
    /// Calls whose arguments or results were not captured, or that were not aggregated, because there was no room for their values.
    #[serde(skip_serializing_if = "is_zero")]
    pub values_full: u64,
    /// What was taken out of the durations of target calls because it was the probes' own time, nanoseconds; `None` where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_ns: Option<u64>,
    /// Names of the included functions whose probes were taken away ([`crate::Builder::dropped`]).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped_functions: Vec<String>,
    /// What the probes cost; `None` where nobody counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How long tracing lasted, seconds.
    pub seconds: f64,
}

/// The tracer's own cost: processor time of the target that its probes took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Hits at instructions that the kernel emulates, or the probe program carries out.
    pub emulated_hits: u64,
    /// Hits at instructions that the kernel single-steps.
    pub stepped_hits: u64,
    /// Their time in all, seconds.
    pub seconds: f64,
    /// The price of a hit was measured on this machine; otherwise it was estimated.
    pub measured: bool,
}

impl Totals {
    /// From the kernel side's counters, summed over all processors.
    #[must_use]
    pub fn from_counters(counters: &[u64; COUNTER_MAX], seconds: f64) -> Self {
        let count = |counter: Counter| counters.get(counter as usize).copied().unwrap_or(0);
        Self {
            graphs: count(Counter::Graphs),
            filtered: count(Counter::Filtered),
            lost_records: count(Counter::LostRecords),
            lost_graphs: count(Counter::LostGraphs),
            goroutines_full: count(Counter::GoroutinesFull),
            missing_calls: count(Counter::MissingCalls),
            no_g: count(Counter::NoG),
            processes_full: count(Counter::ProcessesFull),
            stale: 0,
            undecided: count(Counter::Undecided),
            aggregates_full: count(Counter::AggregatesFull),
            lost_values: 0,
            values_full: count(Counter::NoRoom),
            dropped_calls: 0,
            probe_ns: None,
            dropped_functions: Vec::new(),
            cost: None,
            seconds,
        }
    }

    /// Something that should have been seen was not.
    #[must_use]
    pub fn lossy(&self) -> bool {
        self.lost_records
            + self.lost_graphs
            + self.goroutines_full
            + self.processes_full
            + self.missing_calls
            + self.no_g
            + self.dropped_calls
            + self.undecided
            + self.aggregates_full
            + self.lost_values
            + self.values_full
            > 0
            || !self.dropped_functions.is_empty()
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_place() {
        let totals = Totals::from_counters(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 10.0);
        let expected = Totals {
            graphs: 1,
            filtered: 2,
            lost_records: 3,
            lost_graphs: 4,
            goroutines_full: 5,
            missing_calls: 6,
            no_g: 7,
            processes_full: 8,
            stale: 0,
            undecided: 9,
            aggregates_full: 10,
            lost_values: 0,
            values_full: 11,
            dropped_calls: 0,
            probe_ns: None,
            dropped_functions: Vec::new(),
            cost: None,
            seconds: 10.0,
        };
        assert_eq!(totals, expected);
        assert!(totals.lossy());
        assert!(
            Totals {
                dropped_functions: vec!["main.f".to_owned()],
                ..Totals::default()
            }
            .lossy()
        );
        assert!(
            !Totals {
                graphs: 9,
                filtered: 9,
                ..Totals::default()
            }
            .lossy()
        );
    }
}
