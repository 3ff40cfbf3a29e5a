//! What probes cost on this machine, as far as it can be known, and where that has them watch returns.

use compiler::{Budget, Placement, Plan, Prices, call_prices, micros};
use runtime::{Calibration, Kernel};

use crate::args::ExitSites;

/// The price of a single-stepped hit in emulated ones where a hypervisor intercepts debug exceptions and nothing could be measured:
/// 14 and more were measured elsewhere, and 10 leave room.
const STEPPED_IN_A_VIRTUAL_MACHINE: usize = 10;
/// A call may pass more of a function's exit edges than the placement reckons with, so no more of them are taken, whatever a stepped hit costs.
const MOST_EDGES: usize = 16;

/// Where returns are watched. Waits a few milliseconds for the first figures.
pub fn placement(exit_sites: ExitSites, calibration: &mut Calibration) -> Placement {
    match exit_sites {
        ExitSites::Ret => Placement::Returns,
        // There the program does a `ret` itself, for the price of an emulated hit.
        ExitSites::Auto if Kernel::detect().writes_registers() => Placement::Returns,
        ExitSites::Auto => match calibration.traps() {
            Some(prices) => Placement::Edges {
                stepped: prices.stepped_in_emulated().clamp(2, MOST_EDGES),
            },
            None if runtime::is_virtual_machine() => Placement::Edges {
                stepped: STEPPED_IN_A_VIRTUAL_MACHINE,
            },
            None => Placement::default(),
        },
    }
}

/// The prices as far as they have been measured by now; estimates where they have not.
pub fn so_far(calibration: &mut Calibration) -> Prices {
    calibration.so_far().unwrap_or(Prices::ESTIMATES)
}

/// The measured prices; estimates where they could not be measured.
pub fn known(calibration: Calibration) -> Prices {
    calibration.finish().unwrap_or(Prices::ESTIMATES)
}

/// What a call costs, from the cheapest function's to the dearest's, and what all may cost: for the line at the start.
pub fn in_short(plan: &Plan, prices: &Prices) -> String {
    let traces = plan.traces.iter();
    let calls: Vec<u64> = traces
        .flat_map(|trace| call_prices(trace, prices))
        .map(|call| call.in_graph_ns)
        .collect();
    let least = micros(calls.iter().copied().min().unwrap_or(0));
    let most = micros(calls.iter().copied().max().unwrap_or(0));
    let about = if prices.measured { "" } else { "about " };
    let span = if least == most {
        least
    } else {
        format!("{least} to {most}")
    };
    let budget = match plan.settings.budget {
        Budget::Off => "no budget".to_owned(),
        budget => format!("budget {budget} of one core"),
    };
    format!("a call costs {about}{span}; {budget}")
}
