//! Prints which share of `ret`s have exit edges: `cargo run --release --example exits FILE…`.

use std::time::Instant;

use gobinary::{Executable, ExitKind};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let executable = Executable::parse(std::fs::read(&path)?)?;
        executable.functions().next().map(|f| executable.sites(&f));
        let start = Instant::now();
        let functions: Vec<_> = executable
            .functions()
            .filter_map(|f| Some((f, executable.sites(&f).ok()?)))
            .collect();
        let sited = start.elapsed();
        let start = Instant::now();
        let (mut rets, mut served, mut edges) = (0, 0, 0);
        for (function, sites) in &functions {
            let found = executable.exit_edges(function, sites);
            let exits = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
            rets += exits.count();
            let mut with: Vec<_> = found.iter().map(|edge| edge.ret).collect();
            with.dedup();
            served += with.len();
            edges += found.len();
        }
        println!(
            "{path}: {} functions, sites {sited:.0?}, edges {:.0?}; {served} of {rets} rets ({:.1} %) have {edges} edges",
            functions.len(),
            start.elapsed(),
            100.0 * served as f64 / rets.max(1) as f64,
        );
    }
    Ok(())
}
