//! Where a session's records come from: the kernel, or in its place whatever has kept records.

use std::time::Duration;

use compiler::Plan;
use ebpf_templates::COUNTER_MAX;
use runtime::{
    Aggregate, AggregateKey, Binary, Ended, Error, GoroutineKey, Hits, OpenGoroutine, Prepared,
    Replacement, Tracer,
};

/// Records, what was counted beside them, and the probes that they come from. Traces are numbered as in the plan; times are
/// CLOCK_MONOTONIC in nanoseconds.
pub trait Source {
    /// Waits until there are records or the time is over, hands out what is there, and says how many they were.
    ///
    /// # Errors
    /// The source cannot be read.
    fn poll(&mut self, timeout: Duration, on_record: &mut dyn FnMut(&[u8]))
    -> Result<usize, Error>;

    /// No more records than these wait at once.
    fn most_waiting(&self) -> usize;

    /// What was counted, by `ebpf_templates::Counter`.
    fn counters(&self) -> [u64; COUNTER_MAX];

    /// Hits of each function of each trace.
    ///
    /// # Errors
    /// The source cannot be read.
    fn hits(&self) -> Result<Vec<Hits>, Error>;

    /// Graphs that a trace has kept; only counted where it has a limit.
    fn kept(&self, trace: u32) -> u64;

    /// What all aggregations have come to.
    ///
    /// # Errors
    /// The source cannot be read.
    fn aggregates(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error>;

    /// The same of one aggregation of a trace, which counts anew from then on.
    ///
    /// # Errors
    /// The source cannot be read.
    fn take_aggregate(
        &mut self,
        trace: u32,
        aggregation: u32,
    ) -> Result<Vec<(AggregateKey, Aggregate)>, Error>;

    /// Those goroutines that are in a graph.
    fn open_goroutines(&self, is_one: &dyn Fn(&GoroutineKey) -> bool) -> Vec<OpenGoroutine>;

    /// Frees the state of goroutines that send nothing any more.
    fn forget(&mut self, goroutines: &[OpenGoroutine]);

    /// Processes that calls have been seen of, and that have not ended.
    fn processes_seen(&self) -> Vec<u32>;

    /// Processes that have ended since this was last asked.
    fn ended_processes(&mut self) -> Vec<Ended>;

    /// Whether any trace has probes.
    fn is_attached(&self) -> bool;

    /// Whether a trace has probes.
    fn has_probes(&self, trace: usize) -> bool;

    /// When a trace ended.
    fn ended_ns(&self, trace: usize) -> Option<u64>;

    /// Whether the probes are gone because the executable is written to.
    fn is_written(&self) -> bool;

    /// Whether processes that are started from now on run another file than the traced one, under the same number.
    fn is_copied(&mut self, binary: &Binary) -> bool;

    /// Takes the probes of one trace away.
    fn detach_trace(&mut self, trace: usize);

    /// Takes all probes away.
    fn detach(&mut self);

    /// What making a trace's probes anew begins with; nothing where it has none.
    fn replacement(&self, trace: usize) -> Option<Replacement>;

    /// Puts probes in the place of those that a trace has.
    ///
    /// # Errors
    /// They cannot be exchanged.
    fn replace(&mut self, prepared: Prepared, plan: &Plan) -> Result<(), Error>;
}

impl Source for Tracer {
    fn poll(
        &mut self,
        timeout: Duration,
        on_record: &mut dyn FnMut(&[u8]),
    ) -> Result<usize, Error> {
        self.poll(timeout, on_record)
    }

    fn most_waiting(&self) -> usize {
        self.most_waiting()
    }

    fn counters(&self) -> [u64; COUNTER_MAX] {
        self.counters()
    }

    fn hits(&self) -> Result<Vec<Hits>, Error> {
        self.hits()
    }

    fn kept(&self, trace: u32) -> u64 {
        self.kept(trace)
    }

    fn aggregates(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        self.aggregates()
    }

    fn take_aggregate(
        &mut self,
        trace: u32,
        aggregation: u32,
    ) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        self.take_aggregate(trace, aggregation)
    }

    fn open_goroutines(&self, is_one: &dyn Fn(&GoroutineKey) -> bool) -> Vec<OpenGoroutine> {
        self.open_goroutines(is_one)
    }

    fn forget(&mut self, goroutines: &[OpenGoroutine]) {
        self.forget(goroutines);
    }

    fn processes_seen(&self) -> Vec<u32> {
        self.processes_seen()
    }

    fn ended_processes(&mut self) -> Vec<Ended> {
        self.ended_processes()
    }

    fn is_attached(&self) -> bool {
        self.is_attached()
    }

    fn has_probes(&self, trace: usize) -> bool {
        self.has_probes(trace)
    }

    fn ended_ns(&self, trace: usize) -> Option<u64> {
        self.ended_ns(trace)
    }

    fn is_written(&self) -> bool {
        self.is_written()
    }

    fn is_copied(&mut self, binary: &Binary) -> bool {
        self.is_copied(binary)
    }

    fn detach_trace(&mut self, trace: usize) {
        self.detach_trace(trace);
    }

    fn detach(&mut self) {
        self.detach();
    }

    fn replacement(&self, trace: usize) -> Option<Replacement> {
        self.replacement(trace)
    }

    fn replace(&mut self, prepared: Prepared, plan: &Plan) -> Result<(), Error> {
        self.replace(prepared, plan)
    }
}
