//! Plans to trace every function of an executable, and prints how long that takes and which share of returns and entries is watched
//! without single-stepping: `cargo run --release --example plan FILE…`.

use std::{error::Error, time::Instant};

use compiler::{Options, Source, compile};
use ebpf_templates::{Cookie, SiteKind};
use gobinary::{Executable, ExitKind};

fn main() -> Result<(), Box<dyn Error>> {
    // Nothing calls the target, so each function that is called may also stand for its caller's return.
    let source = Source::new("<example>", "trace main.main < include * >");
    for path in std::env::args().skip(1) {
        let executable = Executable::parse(std::fs::read(&path)?)?;
        let mut times = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            compile(&source, &[], &executable, &Options::default())
                .map_err(|d| format!("{d:?}"))?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let (plan, _) = compile(&source, &[], &executable, &Options::default())
            .map_err(|d| format!("{d:?}"))?;
        let mut rets = 0;
        for function in &plan.functions {
            let sites = executable
                .function_at(function.address)
                .and_then(|f| executable.sites(&f).ok());
            let exits = sites.iter().flat_map(|sites| &sites.exits);
            rets += exits.filter(|exit| exit.kind == ExitKind::Ret).count();
        }
        let trace = &plan.traces[0];
        let stepped = |entries: bool| {
            let sites = trace.sites.iter().filter(|site| !site.emulated);
            let kinds = sites.filter_map(|site| Some(Cookie::unpack(site.cookie)?.kind));
            let enters = |kind: &SiteKind| !matches!(kind, SiteKind::Return | SiteKind::TailOut);
            kinds.filter(|kind| enters(kind) == entries).count()
        };
        println!(
            "{path}: planned in {:.0?} (median); of {} functions {} are entered at a stepped instruction; of {rets} rets {} are \
             probed and stepped; {} last calls",
            times[2],
            plan.functions.len(),
            stepped(true),
            stepped(false),
            trace.last_calls.len(),
        );
    }
    Ok(())
}
