//! What calls cost at the probes of a plan.

use std::collections::BTreeMap;

use ebpf_templates::{Cookie, When};
use serde::Serialize;

use crate::{placement::prices::Prices, plan::TracePlan};

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
    let mut functions: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for site in &trace.sites {
        if let Some(cookie) = Cookie::unpack(site.cookie) {
            let ns = match (cookie.stepped, cookie.when) {
                (true, When::CarryOut) => prices.carried_out_ns,
                (true, _) => prices.stepped_ns,
                (false, _) => prices.emulated_ns,
            };
            let passed = f64::from(site.passed) / 1e3;
            let (hits, sum) = functions.entry(cookie.function).or_default();
            *hits += passed;
            *sum += passed * ns as f64;
        }
    }
    trace
        .included
        .iter()
        .filter_map(|function| {
            let (hits, ns) = *functions.get(function)?;
            let target = trace.targets.binary_search(function).is_ok();
            let graph_ns = if target { prices.graph_ns } else { 0 };
            let outside_ns = ns.round() as u64;
            Some(CallPrice {
                function: *function,
                target,
                hits,
                outside_ns,
                in_graph_ns: outside_ns + prices.recorded_ns + graph_ns,
            })
        })
        .collect()
}

/// Microseconds with one decimal: `1.2 µs`.
#[must_use]
pub fn micros(ns: u64) -> String {
    format!("{:.1} µs", ns as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use ebpf_templates::SiteKind;

    use super::*;
    use crate::placement::site::Site;

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

    fn site(function: u32, when: When, stepped: bool, passed: u16) -> Site {
        let cookie = Cookie {
            function,
            stepped,
            offset: 0,
            kind: SiteKind::Return,
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
            passed,
        }
    }

    fn priced(sites: Vec<Site>) -> CallPrice {
        let trace = TracePlan {
            included: vec![0],
            sites,
            ..TracePlan::default()
        };
        call_prices(&trace, &PRICES)[0]
    }

    #[test]
    fn a_call_costs_what_it_passes() {
        let entry = site(0, When::Always, false, 1_000);
        let ret = site(0, When::CarryOut, true, 500);
        let price = priced(vec![entry, ret, ret]);
        assert_eq!((price.hits, price.outside_ns), (2.0, 10_000));
        assert_eq!(price.in_graph_ns, 10_300);
        let jump = site(0, When::Taken(4), false, 750);
        let stepped = site(0, When::Always, true, 1_000);
        let price = priced(vec![stepped, jump, jump]);
        assert_eq!((price.hits, price.outside_ns), (2.5, 11_500));
    }

    #[test]
    fn targets_pay_for_their_graphs() {
        let trace = TracePlan {
            targets: vec![7],
            included: vec![3, 7],
            sites: [3, 7]
                .map(|id| site(id, When::Always, false, 1_000))
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
