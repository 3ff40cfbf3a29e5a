//! What probes cost on a machine: plain numbers, measured elsewhere, and what follows from them.

use std::collections::BTreeMap;

use ebpf_templates::{Cookie, SiteKind, When};
use serde::Serialize;

use crate::plan::TracePlan;

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

/// What one call of a function costs in one trace: averages, since a call's way through the function decides which probes it passes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CallPrice {
    /// Id of the function.
    pub function: u32,
    /// It begins graphs.
    pub target: bool,
    /// Probes that it passes.
    pub hits: f64,
    /// Outside any graph, where nothing is recorded.
    pub outside_ns: u64,
    /// Recorded in a graph; for a target, with the beginning and end of the graph.
    pub in_graph_ns: u64,
}

/// What the calls of a trace's functions cost, by ascending id.
#[must_use]
pub fn call_prices(trace: &TracePlan, prices: &Prices) -> Vec<CallPrice> {
    let mut functions: BTreeMap<u32, Passed> = BTreeMap::new();
    for site in &trace.sites {
        if let Some(cookie) = Cookie::unpack(site.cookie) {
            let passed = functions.entry(cookie.function).or_default();
            passed.add(cookie, prices);
        }
    }
    for last in &trace.last_calls {
        functions.entry(last.caller).or_default().elsewhere += 1.0;
    }
    trace
        .included
        .iter()
        .filter_map(|function| {
            let (hits, ns) = functions.get(function)?.average();
            let target = trace.targets.binary_search(function).is_ok();
            let graph_ns = if target { prices.graph_ns } else { 0 };
            Some(CallPrice {
                function: *function,
                target,
                hits,
                outside_ns: ns,
                in_graph_ns: ns + prices.recorded_ns + graph_ns,
            })
        })
        .collect()
}

/// Microseconds with one decimal: `1.2 µs`.
#[must_use]
pub fn micros(ns: u64) -> String {
    format!("{:.1} µs", ns as f64 / 1e3)
}

/// The sites of a function, as its calls pass them.
#[derive(Default)]
struct Passed {
    entry_ns: u64,
    entries: f64,
    /// Sites at which each hit leaves.
    exits: Vec<u64>,
    /// Sites at which only hits in one direction leave.
    conditional: Vec<u64>,
    /// Ways out without a site of their own.
    elsewhere: f64,
}

impl Passed {
    fn add(&mut self, cookie: Cookie, prices: &Prices) {
        let ns = match (cookie.stepped, cookie.when) {
            (true, When::CarryOut) => prices.carried_out_ns,
            (true, _) => prices.stepped_ns,
            (false, _) => prices.emulated_ns,
        };
        match cookie.kind {
            SiteKind::Return | SiteKind::TailOut | SiteKind::TailInto => match cookie.when {
                When::Always | When::CarryOut => self.exits.push(ns),
                When::Taken(_) | When::NotTaken(_) => self.conditional.push(ns),
            },
            SiteKind::Unwound | SiteKind::Exit => {}
            SiteKind::Enter | SiteKind::EnterLastCall => self.enter(ns),
            SiteKind::EnterReturn | SiteKind::EnterReturnIf | SiteKind::EnterTailInto => {
                self.enter(ns);
                self.elsewhere += 1.0;
            }
        }
    }

    fn enter(&mut self, ns: u64) {
        self.entry_ns += ns;
        self.entries += 1.0;
    }

    /// Hits and nanoseconds. Each way out is taken as often as any other, and on the way to one, half of the other conditional ones are
    /// passed.
    fn average(&self) -> (f64, u64) {
        let ways = (self.exits.len() + self.conditional.len()) as f64 + self.elsewhere;
        let (leaves, passes) = if ways > 0.0 {
            (1.0 / ways, (1.0 - 1.0 / ways) / 2.0)
        } else {
            (0.0, 0.0)
        };
        let sum = |sites: &[u64]| sites.iter().sum::<u64>() as f64;
        let hits = self.entries
            + self.exits.len() as f64 * leaves
            + self.conditional.len() as f64 * (leaves + passes);
        let ns = self.entry_ns as f64
            + sum(&self.exits) * leaves
            + sum(&self.conditional) * (leaves + passes);
        (hits, ns.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{LastCall, Site};

    const PRICES: Prices = Prices {
        measured: true,
        emulated_ns: 1_000,
        stepped_ns: 10_000,
        carried_out_ns: 9_000,
        recorded_ns: 300,
        graph_ns: 2_000,
        inside_ns: 0,
        inside_stepped_ns: 0,
    };

    fn site(function: u32, kind: SiteKind, when: When, stepped: bool) -> Site {
        let cookie = Cookie {
            function,
            stepped,
            offset: 0,
            kind,
            target: false,
            g_from_tls: false,
            when,
            released: 0,
        };
        Site {
            address: 0,
            file_offset: 0,
            cookie: cookie.pack(),
            bytes: [0; 16],
            len: 1,
            emulated: !stepped,
        }
    }

    fn priced(sites: Vec<Site>, last_calls: Vec<LastCall>) -> CallPrice {
        let trace = TracePlan {
            included: vec![0],
            sites,
            last_calls,
            ..TracePlan::default()
        };
        call_prices(&trace, &PRICES)[0]
    }

    #[test]
    fn entry_and_one_exit() {
        let enter = site(0, SiteKind::Enter, When::Always, false);
        let ret = site(0, SiteKind::Return, When::CarryOut, true);
        let price = priced(vec![enter, ret, ret], vec![]);
        assert_eq!((price.hits, price.outside_ns), (2.0, 10_000));
        assert_eq!(price.in_graph_ns, 10_300);
        let never = priced(vec![enter], vec![]);
        assert_eq!((never.hits, never.outside_ns), (1.0, 1_000));
        let at_once = site(0, SiteKind::EnterReturn, When::Always, true);
        let both = priced(vec![at_once], vec![]);
        assert_eq!((both.hits, both.outside_ns), (1.0, 10_000));
    }

    #[test]
    fn conditional_exits_are_passed_too() {
        let enter = site(0, SiteKind::Enter, When::Always, false);
        let jump = site(0, SiteKind::Return, When::Taken(4), false);
        assert_eq!(priced(vec![enter, jump], vec![]).outside_ns, 2_000);
        // Of two, the call leaves at one, and has passed half of the other.
        let price = priced(vec![enter, jump, jump], vec![]);
        assert_eq!((price.hits, price.outside_ns), (2.5, 2_500));
    }

    #[test]
    fn a_last_call_costs_its_caller_nothing() {
        let enter = site(0, SiteKind::Enter, When::Always, false);
        let ret = site(0, SiteKind::Return, When::CarryOut, true);
        let last = LastCall {
            callee: 1,
            distance: 0,
            caller: 0,
            offset: 0,
            released: 0,
        };
        let price = priced(vec![enter, ret], vec![last]);
        assert_eq!((price.hits, price.outside_ns), (1.5, 5_500));
    }

    #[test]
    fn targets_pay_for_their_graphs() {
        let trace = TracePlan {
            targets: vec![7],
            included: vec![3, 7],
            sites: [3, 7]
                .map(|id| site(id, SiteKind::EnterReturn, When::Always, false))
                .to_vec(),
            ..TracePlan::default()
        };
        let found: Vec<_> = call_prices(&trace, &PRICES)
            .iter()
            .map(|price| (price.function, price.target, price.in_graph_ns))
            .collect();
        assert_eq!(found, [(3, false, 1_300), (7, true, 3_300)]);
    }
}
