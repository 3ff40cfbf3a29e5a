//! Which part of a duration is the probes' own time: what the prices of this machine and the plan say of it.

use std::collections::BTreeSet;

use compiler::{Plan, Prices};
use graph::{Graph, ProbeCosts};

/// Takes the probes' own time out of graphs.
pub struct Compensation {
    costs: ProbeCosts,
    /// For each trace, the functions whose entry is single-stepped.
    stepped: Vec<BTreeSet<u32>>,
}

impl Compensation {
    /// For graphs of `plan` on a machine with these prices; `carries_out` tells whether the probe program carries out instructions
    /// itself there.
    pub fn new(plan: &Plan, prices: &Prices, carries_out: bool) -> Self {
        let traces = plan.traces.iter();
        // Of the hits that do not single-step, entries are emulated and returns carried out; of those that do, nearly all are returns.
        let (emulated_ns, stepped_ns) = if carries_out {
            let mean = u64::midpoint(prices.emulated_ns, prices.carried_out_ns);
            (mean, prices.stepped_ns)
        } else {
            (prices.emulated_ns, prices.carried_out_ns)
        };
        Self {
            costs: ProbeCosts {
                emulated_ns,
                stepped_ns,
                recorded_ns: prices.recorded_ns,
                inside_ns: prices.inside_ns,
                inside_stepped_ns: prices.inside_stepped_ns,
            },
            stepped: traces
                .map(|trace| trace.stepped_entries(carries_out))
                .collect(),
        }
    }

    /// Lets `graph` tell its durations without the probes.
    pub fn apply(&self, graph: &mut Graph) {
        let stepped = self.stepped.get(graph.trace as usize);
        graph.compensate(&self.costs, |function| {
            stepped.is_some_and(|stepped| stepped.contains(&function))
        });
    }
}
