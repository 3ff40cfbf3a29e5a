//! What probes cost on a machine: plain numbers, measured elsewhere.

use serde::Serialize;

/// Times in nanoseconds on one machine. A *hit* is one passage of one probe, from the instruction before it to the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prices {
    /// Whether they were measured where they are used. Otherwise they are of the right order of magnitude at best.
    pub measured: bool,
    /// A hit outside any graph, at an instruction that the kernel emulates.
    pub emulated_ns: u64,
    /// A hit outside any graph, at an instruction that the kernel single-steps.
    pub stepped_ns: u64,
    /// A hit outside any graph, at an instruction that the probe program carries out where the kernel lets it, as a `ret`;
    /// single-stepped elsewhere.
    pub carried_out_ns: u64,
    /// What a call that is recorded in a graph costs more than its hits would outside.
    pub recorded_ns: u64,
    /// What the call that begins and ends a graph costs more than a recorded one.
    pub graph_ns: u64,
    /// How much of its own probes' time lies within the recorded duration of a call whose entry is emulated.
    pub inside_ns: u64,
    /// The same of a call whose entry is single-stepped.
    pub inside_stepped_ns: u64,
}

impl Prices {
    /// For machines on which nothing could be measured: about those of a virtual machine, where most services run.
    pub const ESTIMATES: Self = Self {
        measured: false,
        emulated_ns: 1_000,
        stepped_ns: 10_000,
        carried_out_ns: 10_000,
        recorded_ns: 500,
        graph_ns: 3_000,
        inside_ns: 700,
        inside_stepped_ns: 9_700,
    };
}
