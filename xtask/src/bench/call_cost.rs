//! What one call costs the traced program: processor time with probes minus processor time without, divided by the calls.
//!
//! Each round runs the same loop without probes, with the tracer, with an empty eBPF program at the tracer's sites, and with bpftrace
//! counting at the function's entry and every `ret`.

use anyhow::{Result, bail};

use super::{
    Effort,
    bpftrace::{self, Bpftrace},
    figures::{Report, Unit},
    programs::{Calls, Programs, Tracing},
};

const TRACE: &str = "trace main.busy < include main.small >";
/// Calls of `main.small` in each graph: so many that the target's own cost disappears, and as many as a common graph has.
const LONG: usize = 1000;
const SHORT: usize = 10;

/// Nanoseconds a call, one value a round.
#[derive(Default)]
struct Series {
    nothing: Vec<f64>,
    tracer: Vec<f64>,
    empty: Vec<f64>,
    bpftrace: Vec<f64>,
    short_nothing: Vec<f64>,
    short_tracer: Vec<f64>,
    short_empty: Vec<f64>,
    outside_nothing: Vec<f64>,
    outside_tracer: Vec<f64>,
    outside_empty: Vec<f64>,
}

/// Measures.
pub fn measure(programs: &Programs, effort: Effort) -> Result<Report> {
    let mut report = Report::new("Cost of a call (enter and leave)");
    let bpftrace = bpftrace::version()?;
    if bpftrace.is_some() {
        let small = programs.code(&programs.calls, &["main.small"])?;
        Bpftrace::prepare(&programs.calls, &small)?;
    }
    let mut calls = Calls::start(&programs.calls)?;
    let executable = programs.calls.to_string_lossy().into_owned();
    if bpftrace.is_none() {
        report
            .notes
            .push("not compared with bpftrace: it is not installed".to_owned());
    }
    let mut all = Series::default();
    let mut run = |calls_in_graph: usize| calls.run(effort.seconds, 1, calls_in_graph, None);
    run(LONG)?;
    for _ in 0..effort.rounds {
        all.nothing.push(run(LONG)?.per_call());
        let tracing = Tracing::gofuncgraph(programs, &["-e", TRACE, &executable])?;
        all.tracer.push(run(LONG)?.per_call());
        all.short_tracer.push(run(SHORT)?.per_call());
        all.outside_tracer.push(run(0)?.per_call());
        let messages = tracing.stop()?;
        if messages.contains('!') {
            report
                .notes
                .push(format!("the tracer said: {}", messages.trim()));
        }

        all.short_nothing.push(run(SHORT)?.per_call());
        all.outside_nothing.push(run(0)?.per_call());

        let empty = programs.empty(&programs.calls, TRACE)?;
        all.empty.push(run(LONG)?.per_call());
        all.short_empty.push(run(SHORT)?.per_call());
        all.outside_empty.push(run(0)?.per_call());
        empty.end()?;

        if bpftrace.is_some() {
            let counting = Bpftrace::start(&programs.calls)?;
            let made = run(LONG)?;
            let counted = counting.stop()?;
            if counted.left != made.small {
                bail!("of {} calls, bpftrace counted {counted:?}", made.small);
            }
            all.bpftrace.push(made.per_call());
        }
    }
    fill(&mut report, &all);
    if let Some(version) = bpftrace {
        report.notes.push(format!("compared with {version}"));
    }
    Ok(report)
}

fn fill(report: &mut Report, all: &Series) {
    let difference = |with: &[f64], without: &[f64]| -> Vec<f64> {
        with.iter().zip(without).map(|(a, b)| a - b).collect()
    };
    let ratio =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a / b).collect() };
    let ns = Unit::Nanoseconds;

    report.figure("the call itself, without probes", ns, &all.nothing);
    let tracer = difference(&all.tracer, &all.nothing);
    let empty = difference(&all.empty, &all.nothing);
    report.figure("recorded, in a graph of 1,000 calls", ns, &tracer);
    report.figure("empty eBPF program at the same sites", ns, &empty);
    report.figure(
        "what the tracer itself adds",
        ns,
        &difference(&tracer, &empty),
    );
    let against_empty = report.figure(
        "recorded : empty program",
        Unit::Ratio,
        &ratio(&tracer, &empty),
    );

    let short_tracer = difference(&all.short_tracer, &all.short_nothing);
    let short_empty = difference(&all.short_empty, &all.short_nothing);
    report.figure(
        "recorded, in a graph of 10 calls, the target's share included",
        ns,
        &short_tracer,
    );
    report.figure("empty eBPF program at the same sites", ns, &short_empty);
    report.figure(
        "recorded : empty program",
        Unit::Ratio,
        &ratio(&short_tracer, &short_empty),
    );

    let outside = difference(&all.outside_tracer, &all.outside_nothing);
    let outside_empty = difference(&all.outside_empty, &all.outside_nothing);
    report.figure("outside any graph", ns, &outside);
    report.figure("empty eBPF program at the same sites", ns, &outside_empty);
    report.figure(
        "outside any graph : empty program",
        Unit::Ratio,
        &ratio(&outside, &outside_empty),
    );
    report.bar("recorded : empty program", Unit::Ratio, against_empty, 1.5);

    if !all.bpftrace.is_empty() {
        let bpftrace = difference(&all.bpftrace, &all.nothing);
        report.figure("bpftrace counting at entry and every ret", ns, &bpftrace);
        let against = report.figure(
            "recorded : bpftrace",
            Unit::Ratio,
            &ratio(&tracer, &bpftrace),
        );
        report.bar("recorded : bpftrace", Unit::Ratio, against, 0.75);
    }
}
