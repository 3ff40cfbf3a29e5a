//! What probes cost on this machine, as far as it can be known, and where that has it watch functions.

use compiler::{Budget, Placement, Plan, Prices, call_prices, micros};
use runtime::{Calibration, Kernel};

use crate::args::ExitSites;

/// Where functions are watched. Waits a few milliseconds for the first figures.
pub fn placement(exit_sites: ExitSites, calibration: &mut Calibration) -> Placement {
    match exit_sites {
        ExitSites::Ret => Placement::Returns,
        ExitSites::Auto => Placement::Cheapest(calibration.traps().unwrap_or_else(estimates)),
    }
}

/// Where a hypervisor intercepts debug exceptions, a single-stepped hit was 14 emulated ones and more, elsewhere at least 2. What the
/// program carries out itself is emulated for that matter.
fn estimates() -> Prices {
    let stepped_ns = if runtime::is_virtual_machine() {
        Prices::ESTIMATES.stepped_ns
    } else {
        2 * Prices::ESTIMATES.emulated_ns
    };
    let carried_out_ns = if Kernel::detect().writes_registers() {
        Prices::ESTIMATES.emulated_ns
    } else {
        stepped_ns
    };
    Prices {
        stepped_ns,
        carried_out_ns,
        ..Prices::ESTIMATES
    }
}

/// The prices as far as they have been measured by now; estimates where they have not.
pub fn so_far(calibration: &mut Calibration) -> Prices {
    calibration.so_far().unwrap_or_else(estimates)
}

/// The measured prices; estimates where they could not be measured.
pub fn known(calibration: Calibration) -> Prices {
    calibration.finish().unwrap_or_else(|_| estimates())
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
