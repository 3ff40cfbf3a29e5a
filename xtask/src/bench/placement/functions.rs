//! Two small functions: one that is left through a conditional jump, and one whose `ret` follows a call. In a graph against bpftrace, and
//! outside any graph against an empty program at the same sites.

use anyhow::{Result, bail};

use super::{added, ratio};
use crate::bench::{
    Effort,
    bpftrace::Bpftrace,
    figures::{Report, Unit},
    programs::{Calls, Programs, Tracing},
};

const TRACE: &str = "trace main.busy, main.visits < include main.small, main.visit >";
const FUNCTIONS: [(&str, &str); 2] = [
    ("visit", "left through a conditional jump"),
    ("small", "its ret follows a call"),
];
/// Calls in each graph: so many that the target's own cost disappears.
const LONG: usize = 1000;
const RECORDED_BAR: f64 = 0.15;
const OUTSIDE_BAR: f64 = 1.1;

/// Nanoseconds a call, one value a round.
#[derive(Default)]
struct Series {
    nothing: Vec<f64>,
    tracer: Vec<f64>,
    bpftrace: Vec<f64>,
    outside_nothing: Vec<f64>,
    outside_tracer: Vec<f64>,
    outside_empty: Vec<f64>,
}

/// Measures.
pub fn measure(
    programs: &Programs,
    effort: Effort,
    with_bpftrace: bool,
    report: &mut Report,
) -> Result<()> {
    let copy = |name| programs.copy(&programs.calls, name);
    let mut plain = Calls::start(&copy("plain")?)?;
    let traced = copy("traced")?;
    let mut tracer = Calls::start(&traced)?;
    let tracing = Tracing::gofuncgraph(programs, &["-e", TRACE, &traced.to_string_lossy()])?;
    let probed = copy("empty")?;
    let mut empty = Calls::start(&probed)?;
    let nothing = programs.empty(&probed, TRACE)?;
    let mut bpftrace = None;
    if with_bpftrace {
        let counted = copy("bpftrace")?;
        let code = programs.code(&counted, &FUNCTIONS.map(|(name, _)| symbol(name)))?;
        Bpftrace::prepare(&counted, &code)?;
        let calls = Calls::start(&counted)?;
        bpftrace = Some((calls, Bpftrace::start(&counted)?));
    }

    let mut all = FUNCTIONS.map(|(name, _)| (name, Series::default()));
    let mut counted = 0;
    // The first round warms up.
    for round in 0..=effort.rounds {
        for (name, series) in &mut all {
            let measure = |calls: &mut Calls, of_graph: usize, to: &mut Vec<f64>| {
                let made = calls.call(name, effort.seconds, 1, of_graph, None)?;
                if round > 0 {
                    to.push(made.per_call());
                }
                anyhow::Ok(made.small)
            };
            measure(&mut plain, LONG, &mut series.nothing)?;
            measure(&mut tracer, LONG, &mut series.tracer)?;
            if let Some((calls, _)) = &mut bpftrace {
                counted += measure(calls, LONG, &mut series.bpftrace)?;
            }
            measure(&mut plain, 0, &mut series.outside_nothing)?;
            measure(&mut tracer, 0, &mut series.outside_tracer)?;
            measure(&mut empty, 0, &mut series.outside_empty)?;
        }
    }
    let messages = tracing.stop()?;
    if messages.contains('!') {
        let said = messages.trim();
        report.notes.push(format!("the tracer said: {said}"));
    }
    nothing.end()?;
    if let Some((_, bpftrace)) = bpftrace {
        let seen = bpftrace.stop()?;
        if seen.left != counted || seen.entered < counted {
            bail!("of {counted} calls, bpftrace counted {seen:?}");
        }
    }
    for ((name, kind), (_, series)) in FUNCTIONS.iter().zip(&all) {
        fill(report, name, kind, series);
    }
    Ok(())
}

fn symbol(name: &str) -> &'static str {
    if name == "visit" {
        "main.visit"
    } else {
        "main.small"
    }
}

fn fill(report: &mut Report, name: &str, kind: &str, series: &Series) {
    let (ns, times) = (Unit::Nanoseconds, Unit::Ratio);
    let tracer = added(&series.tracer, &series.nothing);
    report.figure(format!("{name} ({kind}): recorded"), ns, &tracer);
    if !series.bpftrace.is_empty() {
        let bpftrace = added(&series.bpftrace, &series.nothing);
        report.figure("  bpftrace counting at entry and every ret", ns, &bpftrace);
        let ratios = ratio(&tracer, &bpftrace);
        let median = report.figure("  recorded : bpftrace", times, &ratios);
        if name == "visit" {
            let bar = format!("{name}: recorded : bpftrace");
            report.bar(bar, times, median, RECORDED_BAR);
        }
    }
    let outside = added(&series.outside_tracer, &series.outside_nothing);
    let empty = added(&series.outside_empty, &series.outside_nothing);
    report.figure("  outside any graph", ns, &outside);
    report.figure("  empty program at the same sites", ns, &empty);
    let median = report.figure(
        "  outside any graph : empty program",
        times,
        &ratio(&outside, &empty),
    );
    let bar = format!("{name}: outside any graph : empty program");
    report.bar(bar, times, median, OUTSIDE_BAR);
}
