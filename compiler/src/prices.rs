//! What probes cost on a machine: plain numbers, measured elsewhere, and what follows from them.

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
    /// A hit outside any graph, at a `ret`: single-stepped, or done by the probe program where the kernel lets it.
    pub ret_ns: u64,
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
        ret_ns: 10_000,
        recorded_ns: 500,
        graph_ns: 3_000,
        inside_ns: 700,
        inside_stepped_ns: 9_700,
    };

    /// A single-stepped hit in emulated ones, rounded down; at least 1.
    #[must_use]
    pub fn stepped_in_emulated(&self) -> usize {
        let ratio = self.stepped_ns / self.emulated_ns.max(1);
        usize::try_from(ratio).unwrap_or(usize::MAX).max(1)
    }

    /// What hits cost outside any graph.
    #[must_use]
    pub fn hits_ns(&self, emulated: u64, stepped: u64) -> u64 {
        emulated
            .saturating_mul(self.emulated_ns)
            .saturating_add(stepped.saturating_mul(self.stepped_ns))
    }
}
