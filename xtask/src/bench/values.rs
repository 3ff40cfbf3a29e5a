//! What looking at arguments costs: a condition, for calls that it rejects, and a capture, for calls that are recorded.
//!
//! Four copies of one program run side by side: without probes, recorded in graphs, recorded with an int and a string of 32 bytes, and as
//! targets that a condition rejects. A fifth, whose function is included and called outside any graph, is what a probed call costs that
//! nothing is asked of.

use anyhow::Result;

use super::{
    Effort,
    figures::{Report, Unit},
    programs::{Calls, Programs, Tracing},
};

/// A function whose `ret` is single-stepped, and one of which nothing is.
const FUNCTIONS: [(&str, &str, &str); 2] = [
    ("query", "queries", "its ret follows a call"),
    ("find", "finds", "left through a conditional jump"),
];
/// Calls in each graph: so many that the target's own cost disappears.
const LONG: usize = 1000;
/// Shares of a recorded call.
const REJECTED_BAR: f64 = 0.10;
const CAPTURED_BAR: f64 = 0.25;

/// Measures.
pub fn measure(programs: &Programs, effort: Effort) -> Result<Report> {
    let mut report = Report::new("Cost of looking at arguments");
    for (function, graph, kind) in FUNCTIONS {
        let series = series(programs, effort, function, graph, &mut report)?;
        fill(&mut report, function, kind, &series);
    }
    Ok(report)
}

/// Nanoseconds a call, one value a round: in graphs without probes, recorded and captured, then outside any graph without probes, with
/// them, and rejected.
type Series = [Vec<f64>; 6];

fn series(
    programs: &Programs,
    effort: Effort,
    function: &str,
    graph: &str,
    report: &mut Report,
) -> Result<Series> {
    let mut plain = Calls::start(&programs.copy(&programs.calls, "plain")?)?;
    let traced = |name: &str, trace: &str| -> Result<(Calls, Tracing)> {
        let copy = programs.copy(&programs.calls, name)?;
        let calls = Calls::start(&copy)?;
        let tracing = Tracing::gofuncgraph(programs, &["-e", trace, &copy.to_string_lossy()])?;
        Ok((calls, tracing))
    };
    let in_graph = format!("trace main.{graph} < include main.{function}");
    let (mut recorded, recording) = traced("recorded", &format!("{in_graph} >"))?;
    let (mut captured, capturing) = traced("captured", &format!("{in_graph}; args >"))?;
    let rejecting = format!("trace main.{function} < where limit > 100 >");
    let (mut rejected, rejecting) = traced("rejected", &rejecting)?;
    let mut series = Series::default();
    // The first round warms up.
    for round in 0..=effort.rounds {
        let run =
            |calls: &mut Calls, of_graph| calls.call(function, effort.seconds, 1, of_graph, None);
        let measured = [
            run(&mut plain, LONG)?,
            run(&mut recorded, LONG)?,
            run(&mut captured, LONG)?,
            run(&mut plain, 0)?,
            run(&mut recorded, 0)?,
            run(&mut rejected, 0)?,
        ];
        for (to, made) in series.iter_mut().zip(measured) {
            if round > 0 {
                to.push(made.per_call());
            }
        }
    }
    for (name, tracing) in [
        ("recorded", recording),
        ("captured", capturing),
        ("rejected", rejecting),
    ] {
        let messages = tracing.stop()?;
        if messages.contains('!') {
            let said = messages.trim();
            report
                .notes
                .push(format!("{function}, {name}: the tracer said: {said}"));
        }
    }
    Ok(series)
}

fn fill(report: &mut Report, function: &str, kind: &str, series: &Series) {
    let [
        nothing,
        recorded,
        captured,
        nothing_outside,
        outside,
        rejected,
    ] = series;
    let minus =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    let share =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a / b).collect() };
    let (ns, times) = (Unit::Nanoseconds, Unit::Ratio);
    let recorded = minus(recorded, nothing);
    let captured = minus(captured, nothing);
    let outside = minus(outside, nothing_outside);
    let rejected = minus(rejected, nothing_outside);
    report.figure(format!("{function} ({kind}): recorded"), ns, &recorded);
    report.figure("  with an int and a string of 32 bytes", ns, &captured);
    report.figure("  outside any graph", ns, &outside);
    report.figure("  rejected by `where limit > 100`", ns, &rejected);
    let more = share(&minus(&captured, &recorded), &recorded);
    let median = report.figure("  what capturing adds : recorded", times, &more);
    report.bar(
        format!("{function}: what capturing adds : recorded"),
        times,
        median,
        CAPTURED_BAR,
    );
    let more = share(&minus(&rejected, &outside), &recorded);
    let median = report.figure(
        "  what rejecting adds to a call outside any graph : recorded",
        times,
        &more,
    );
    report.bar(
        format!("{function}: what rejecting adds : recorded"),
        times,
        median,
        REJECTED_BAR,
    );
}
