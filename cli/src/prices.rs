//! What probes cost on this machine: where that has it watch functions, and how it is told.

use compiler::{Budget, Placement, Plan, Prices, call_prices, micros};
use runtime::Calibration;
use session::prices::estimates;

use crate::args::ExitSites;

/// Where functions are watched. Waits a few milliseconds for the first figures.
pub fn placement(exit_sites: ExitSites, calibration: &mut Calibration) -> Placement {
    match exit_sites {
        ExitSites::Ret => Placement::Returns,
        ExitSites::Auto => Placement::Cheapest(calibration.traps().unwrap_or_else(estimates)),
    }
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
