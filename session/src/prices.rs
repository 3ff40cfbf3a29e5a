//! What probes cost on this machine, as far as it can be known.

use compiler::Prices;
use runtime::{Calibration, Kernel};

/// Where a hypervisor intercepts debug exceptions, a single-stepped hit was 14 emulated ones and more, elsewhere at least 2. What the
/// program carries out itself is emulated for that matter.
#[must_use]
pub fn estimates() -> Prices {
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
