//! Prints which share of `ret`s can be watched for less than a single-stepped hit: `cargo run --release --example exits FILE…`.

use std::collections::HashSet;
use std::time::Instant;

use gobinary::{Executable, ExitKind};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let executable = Executable::parse(std::fs::read(&path)?)?;
        executable.functions().next().map(|f| executable.sites(&f));
        let start = Instant::now();
        let found: Vec<_> = executable
            .functions()
            .filter_map(|f| Some((f.entry, executable.all_sites(&f).ok()?)))
            .collect();
        let took = start.elapsed();
        let probed: HashSet<u64> = found.iter().map(|(entry, _)| *entry).collect();
        let (mut rets, mut edges, mut calls, mut stepped, mut moved) = (0, 0, 0, 0, 0);
        for (_, (sites, cheaper)) in &found {
            let exits = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
            rets += exits.count();
            for exit in &cheaper.exits {
                let known = exit.calls.iter().all(|call| probed.contains(&call.callee));
                edges += usize::from(exit.calls.is_empty());
                calls += usize::from(!exit.calls.is_empty() && known);
            }
            stepped += usize::from(!sites.entry.instruction.emulated);
            moved += usize::from(cheaper.entry.is_some());
        }
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        println!(
            "{path}: {} functions in {took:.0?}; of {rets} rets {edges} ({:.1} %) have edges, {calls} more ({:.1} %) calls; \
             {stepped} entries are stepped, {moved} of them ({:.1} %) have a cheaper place",
            found.len(),
            percent(edges, rets),
            percent(edges + calls, rets),
            percent(moved, stepped),
        );
    }
    Ok(())
}
