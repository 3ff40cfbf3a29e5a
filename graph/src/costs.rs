//! What of a call's duration is the probes' own time.

use crate::tree::{Call, Graph};

/// What probe hits cost where graphs were recorded, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProbeCosts {
    /// A hit at an instruction that the kernel emulates.
    pub emulated_ns: u64,
    /// A hit at one that it single-steps.
    pub stepped_ns: u64,
    /// What a call that is recorded costs more than its hits.
    pub recorded_ns: u64,
    /// What of its own probes falls into the duration of a call whose entry is emulated: the way out of the entry's, and the way into
    /// the exit's.
    pub inside_ns: u64,
    /// The same where the entry is single-stepped.
    pub inside_stepped_ns: u64,
}

impl ProbeCosts {
    /// The probes' share of a call with `below` recorded calls inside.
    fn of(&self, call: &Call, below: u64, is_stepped: bool) -> u64 {
        let inside = if is_stepped {
            self.inside_stepped_ns
        } else {
            self.inside_ns
        };
        u64::from(call.hits)
            .saturating_mul(self.emulated_ns)
            .saturating_add(u64::from(call.stepped).saturating_mul(self.stepped_ns))
            .saturating_add(below.saturating_mul(self.recorded_ns))
            .saturating_add(inside)
    }
}

impl Graph {
    /// Sets [`Call::probe_ns`] of every call; `is_stepped` tells of functions whose entry is single-stepped. Costs are means, and a
    /// single call may have had cheaper hits: no call's time without the probes is less than 0, nor than that of the calls inside it.
    pub fn compensate(&mut self, costs: &ProbeCosts, is_stepped: impl Fn(u32) -> bool) {
        let net = self.fold_up(|call, in_calls, below| {
            let probes = costs.of(call, below, is_stepped(call.function));
            let net = call.duration_ns.saturating_sub(probes);
            net.max(in_calls).min(call.duration_ns)
        });
        for (call, net) in self.calls.iter_mut().zip(net) {
            call.probe_ns = call.duration_ns.saturating_sub(net);
        }
        self.compensated = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::Exit;

    fn graph(calls: Vec<Call>) -> Graph {
        Graph {
            trace: 0,
            pid: 1,
            tid: 1,
            goroutine: 1,
            start_ns: 0,
            entry_ip: 0,
            complete: true,
            lost_calls: 0,
            missing_calls: 0,
            lost_values: 0,
            no_room: false,
            unread: false,
            dropped: Default::default(),
            compensated: false,
            open: false,
            until: false,
            calls,
            stack: vec![],
            stack_left: false,
            captured: Default::default(),
        }
    }

    fn call(level: u32, duration_ns: u64, hits: u32, stepped: u32) -> Call {
        Call {
            function: level,
            level,
            start_ns: 0,
            duration_ns,
            caller_pc: 0,
            return_offset: None,
            exit: Exit::Return,
            missing: 0,
            hits,
            stepped,
            probe_ns: 0,
        }
    }

    const COSTS: ProbeCosts = ProbeCosts {
        emulated_ns: 1_000,
        stepped_ns: 10_000,
        recorded_ns: 100,
        inside_ns: 600,
        inside_stepped_ns: 9_000,
    };

    fn net(calls: Vec<Call>) -> Vec<u64> {
        let mut graph = graph(calls);
        graph.compensate(&COSTS, |function| function == 2);
        assert!(graph.compensated);
        graph.calls.iter().map(Call::net_ns).collect()
    }

    #[test]
    fn probes_of_the_calls_inside_and_a_part_of_its_own() {
        // The entry of level 2 is single-stepped, and so are all exits.
        let calls = vec![
            call(0, 100_000, 1, 3),
            call(1, 50_000, 0, 2),
            call(2, 10_000, 0, 0),
        ];
        assert_eq!(
            net(calls),
            [
                100_000 - 1_000 - 30_000 - 200 - 600,
                50_000 - 20_000 - 100 - 600,
                10_000 - 9_000
            ]
        );
    }

    #[test]
    fn hits_that_are_not_shown_count() {
        assert_eq!(net(vec![call(0, 100_000, 20, 5)]), [100_000 - 70_600]);
    }

    #[test]
    fn never_below_nothing_nor_below_what_is_inside() {
        assert_eq!(net(vec![call(0, 500, 0, 0)]), [0]);
        let calls = vec![
            call(0, 30_000, 40, 0),
            call(1, 9_000, 1, 0),
            call(1, 8_000, 0, 0),
        ];
        assert_eq!(net(calls), [7_400 + 7_400, 7_400, 7_400]);
    }

    #[test]
    fn nothing_costs_nothing() {
        let mut graph = graph(vec![call(0, 500, 7, 7), call(1, 400, 0, 0)]);
        graph.compensate(&ProbeCosts::default(), |_| false);
        assert!(graph.calls.iter().all(|call| call.probe_ns == 0));
    }

    /// Calls whose durations nest, with any hits.
    fn nested(depth: u32) -> impl Strategy<Value = Vec<Call>> {
        let own = || (0..50_000_u64, 0..9_u32, 0..3_u32);
        let leaf = own().prop_map(|(ns, hits, stepped)| vec![call(0, ns, hits, stepped)]);
        leaf.prop_recursive(depth, 60, 4, move |inner| {
            (own(), prop::collection::vec(inner, 0..4)).prop_map(|((ns, hits, stepped), inside)| {
                let ends: u64 = inside.iter().map(|calls| calls[0].duration_ns).sum();
                let mut calls = vec![call(0, ns + ends, hits, stepped)];
                for below in inside.into_iter().flatten() {
                    calls.push(Call {
                        level: below.level + 1,
                        ..below
                    });
                }
                calls
            })
        })
    }

    proptest! {
        #[test]
        fn net_times_nest(calls in nested(5), costs in prop::array::uniform5(0..30_000_u64)) {
            let [emulated_ns, stepped_ns, recorded_ns, inside_ns, inside_stepped_ns] = costs;
            let costs = ProbeCosts { emulated_ns, stepped_ns, recorded_ns, inside_ns, inside_stepped_ns };
            let mut graph = graph(calls);
            graph.compensate(&costs, |function| function % 2 == 1);
            let nets = graph.fold_up(|call, in_calls, _| {
                assert!(call.net_ns() >= in_calls && call.net_ns() <= call.duration_ns);
                call.net_ns()
            });
            let own: u64 = graph.self_times().iter().sum();
            prop_assert_eq!(own, nets[0]);
        }

        #[test]
        fn no_record_is_too_strange(
            calls in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u32>(), any::<u32>()), 0..30),
            costs in prop::array::uniform5(any::<u64>()),
        ) {
            let [emulated_ns, stepped_ns, recorded_ns, inside_ns, inside_stepped_ns] = costs;
            let costs = ProbeCosts { emulated_ns, stepped_ns, recorded_ns, inside_ns, inside_stepped_ns };
            let calls = calls.into_iter().map(|(level, ns, hits, stepped)| call(level, ns, hits, stepped)).collect();
            let mut graph = graph(calls);
            graph.compensate(&costs, |function| function % 2 == 1);
            prop_assert!(graph.calls.iter().all(|call| call.probe_ns <= call.duration_ns));
            prop_assert_eq!(graph.self_times().len(), graph.calls.len());
        }
    }
}
