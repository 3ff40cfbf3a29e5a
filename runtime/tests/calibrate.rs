//! The prices are measured on the real kernel: by several threads at once, and none of it is left behind.
//!
//! Needs root; says so where it is missing.

use std::fs;

use runtime::{Calibration, Error, Kernel, calibrate};

fn cannot_run() -> bool {
    let Err(error) = Kernel::detect().require() else {
        return false;
    };
    assert!(
        std::env::var_os("GOFUNCGRAPH_REQUIRE_ROOT").is_none(),
        "{error}"
    );
    eprintln!("skipped: {error}");
    // What a user without privilege is told.
    assert!(matches!(
        calibrate(),
        Err(Error::Privilege { .. } | Error::KernelTooOld { .. } | Error::NoBtf(_))
    ));
    true
}

/// Processes whose parent is this one.
fn children() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc");
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_price_is_measured() {
    if cannot_run() {
        return;
    }
    let mut calibration = Calibration::start();
    let traps = calibration.traps().expect("the traps");
    assert!(traps.measured && traps.emulated_ns > 0 && traps.stepped_ns > 0);
    let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(calibrate)).collect();
    let mut all = vec![calibration.finish()];
    all.extend(
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic")),
    );
    for prices in all {
        let prices = prices.expect("prices");
        assert!(prices.measured, "{prices:?}");
        let each = [
            prices.emulated_ns,
            prices.stepped_ns,
            prices.carried_out_ns,
            prices.inside_ns,
            prices.inside_stepped_ns,
        ];
        assert!(each.iter().all(|ns| *ns > 0), "{prices:?}");
    }
    assert_eq!(children(), [""; 0]);
}
