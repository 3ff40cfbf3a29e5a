//! How many `ret`s need no single-stepping, by the plans, and how long planning takes.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Effort;
use crate::bench::{
    figures::{Report, Unit},
    programs::Programs,
};

const ALL: &str = "trace main.main < include * >";
/// With a bound for the depth a call does not end its caller's too, so that edges remain.
const EDGES_ONLY: &str = "trace main.main < include *; depth 65535 >";
const EDGES_BAR: f64 = 0.5;
const ALL_BAR: f64 = 0.6;
/// Functions, and nanoseconds.
const PLANNED: f64 = 10_000.0;
const PLANNING_BAR: f64 = 400e6;

/// Measures.
pub fn measure(programs: &Programs, effort: Effort, report: &mut Report) -> Result<()> {
    let rets = |trace: &str, options: &[&str]| -> Result<f64> {
        let plan = programs.plan(&programs.example, trace, options)?;
        let plan: Plan = serde_json::from_str(&plan).context("explain wrote another plan")?;
        Ok(plan.stepped_rets() as f64)
    };
    let all = rets(ALL, &["--exit-sites", "ret"])?;
    if all == 0.0 {
        bail!("no rets in a server");
    }
    report.figure(
        "rets in the functions of a net/http server",
        Unit::Count,
        &[all],
    );
    for (what, trace, bar) in [
        ("by exit edges", EDGES_ONLY, EDGES_BAR),
        ("with last calls too", ALL, ALL_BAR),
    ] {
        let share = 1.0 - rets(trace, &[])? / all;
        let what = format!("rets without single-stepping, {what}");
        report.figure(format!("  {what}"), Unit::Share, &[share]);
        report.floor(what, Unit::Share, share, bar);
    }
    planning(programs, effort, report)
}

fn planning(programs: &Programs, effort: Effort, report: &mut Report) -> Result<()> {
    #[derive(Deserialize)]
    struct Planning {
        functions: f64,
        ns: Vec<f64>,
        processor_ns: Vec<f64>,
    }
    let rounds = effort.rounds.to_string();
    let found: Planning =
        programs.measure(&["plan", &programs.go.to_string_lossy(), ALL, &rounds])?;
    let per = |times: &[f64]| -> Vec<f64> {
        let each = PLANNED / found.functions.max(1.0);
        times.iter().map(|ns| ns * each).collect()
    };
    let what = format!("planning {} functions of the go command", found.functions);
    report.figure(what, Unit::Nanoseconds, &found.ns);
    let median = report.figure(
        "  the same for 10,000 functions",
        Unit::Nanoseconds,
        &per(&found.ns),
    );
    report.figure(
        "  all processors' time in that",
        Unit::Nanoseconds,
        &per(&found.processor_ns),
    );
    let bar = "planning 10,000 functions";
    report.bar(bar, Unit::Nanoseconds, median, PLANNING_BAR);
    Ok(())
}

#[derive(Deserialize)]
struct Plan {
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Trace {
    sites: Vec<Site>,
}

#[derive(Deserialize)]
struct Site {
    bytes: Vec<u8>,
    len: usize,
}

impl Plan {
    /// Sites that are a `ret`.
    fn stepped_rets(&self) -> usize {
        const RET: &[u8] = &[0xc3];
        let sites = self.traces.iter().flat_map(|trace| &trace.sites);
        sites
            .filter(|site| site.bytes.get(..site.len) == Some(RET))
            .count()
    }
}
