//! How long attaching and detaching take, by the number of probe sites, in a large program that is running.

use anyhow::Result;
use serde::Deserialize;

use super::{
    Effort,
    figures::{Report, Unit},
    programs::{Programs, Talking},
};

const COUNTS: [&str; 4] = ["100", "1000", "3000", "30000"];
/// The number that the bars speak of, and what they are, in nanoseconds.
const BAR_SITES: usize = 3000;
const ATTACH_BAR: f64 = 50e6;
const DETACH_BAR: f64 = 150e6;

#[derive(Deserialize)]
struct Row {
    sites: usize,
    spread: bool,
    attach_ns: Vec<f64>,
    detach_ns: Vec<f64>,
}

/// Measures.
pub fn measure(programs: &Programs, effort: Effort) -> Result<Report> {
    let mut report = Report::new("Attaching and detaching");
    let executable = programs.large.to_string_lossy();
    let mut running = Talking::start(&programs.large, &[])?;
    running.line()?;
    let rounds = effort.rounds.to_string();
    let mut arguments = vec!["attach", &executable, "trace *", &rounds];
    arguments.extend(COUNTS);
    let rows: Vec<Row> = programs.measure(&arguments)?;
    running.end()?;
    for row in &rows {
        let place = if row.spread {
            "all over the program"
        } else {
            "one after another"
        };
        let what = format!("{} sites {place}", row.sites);
        let attach = report.figure(format!("attach {what}"), Unit::Nanoseconds, &row.attach_ns);
        let detach = report.figure(format!("detach {what}"), Unit::Nanoseconds, &row.detach_ns);
        if row.sites == BAR_SITES {
            report.bar(
                format!("attach {what}"),
                Unit::Nanoseconds,
                attach,
                ATTACH_BAR,
            );
            report.bar(
                format!("detach {what}"),
                Unit::Nanoseconds,
                detach,
                DETACH_BAR,
            );
        }
    }
    growth(&mut report, &rows);
    Ok(report)
}

/// Ten times the sites: how much more time?
fn growth(report: &mut Report, rows: &[Row]) {
    for (what, spread) in [("one after another", false), ("all over the program", true)] {
        let find = |sites: usize| {
            rows.iter()
                .find(|row| row.sites == sites && row.spread == spread)
        };
        let (Some(few), Some(many)) = (find(BAR_SITES), find(10 * BAR_SITES)) else {
            continue;
        };
        let times = |many: &[f64], few: &[f64]| -> Vec<f64> {
            many.iter().zip(few).map(|(a, b)| a / b).collect()
        };
        let unit = Unit::Ratio;
        report.figure(
            format!("attach 30000 : 3000 sites {what}"),
            unit,
            &times(&many.attach_ns, &few.attach_ns),
        );
        report.figure(
            format!("detach 30000 : 3000 sites {what}"),
            unit,
            &times(&many.detach_ns, &few.detach_ns),
        );
    }
}
