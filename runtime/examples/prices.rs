//! Prints what probes cost on this machine, and how long it took to find out.
fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    for _ in 0..rounds {
        let started = std::time::Instant::now();
        let mut c = runtime::Calibration::start();
        let early = c.traps();
        let first = started.elapsed();
        let prices = c.finish();
        println!("{first:?} {:?} {:?}\n  {prices:?}", started.elapsed(), early.map(|p| (p.emulated_ns, p.stepped_ns)));
    }
}
