//! How many calls a second come through whole while both processors are kept busy with probed calls, and whether every other one is counted.

use std::{
    env, fs,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{
    Effort,
    figures::{Report, Unit},
    programs::{Calls, Made, Programs, Tracing},
};

const TRACE: &str = "trace main.busy < include main.small >";
/// Calls of `main.small` in a graph.
const CALLS: usize = 10;
const WORKERS: usize = 2;
/// Made while the reader is stopped: at 46 bytes each about twice what the ring buffer holds.
const FLOOD: f64 = 400_000.0;
/// Longer than the other measurements: buffers have to be filled first.
const LENGTHEN: f64 = 6.0;
/// What is tried where the full speed loses something, in parts of it.
const PARTS: [f64; 6] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.3];

/// The line with the totals.
#[derive(Debug, Default, Deserialize)]
struct Totals {
    lost_records: u64,
    goroutines_full: u64,
    missing_calls: u64,
    dropped_calls: u64,
    no_g: u64,
}

/// What came of a run.
struct Outcome {
    made: Made,
    shown: u64,
    totals: Totals,
}

impl Outcome {
    fn calls(&self) -> u64 {
        self.made.busy + self.made.small
    }

    fn lost(&self) -> u64 {
        self.totals.lost_records + self.totals.missing_calls + self.totals.dropped_calls
    }

    fn per_second(&self, calls: u64) -> f64 {
        calls as f64 / (self.made.wall_ns / 1e9)
    }
}

/// Measures.
pub fn measure(programs: &Programs, effort: Effort) -> Result<Report> {
    let mut report = Report::new("Calls a second, two processors calling and nothing else");
    let mut calls = Calls::start(&programs.calls)?;
    let seconds = effort.seconds * LENGTHEN;
    let mut full = Vec::new();
    for _ in 0..effort.rounds.div_ceil(2) {
        full.push(json_run(programs, |_| {
            calls.run(seconds, WORKERS, CALLS, None)
        })?);
    }
    let each = |of: fn(&Outcome) -> f64| full.iter().map(of).collect::<Vec<_>>();
    let made = report.figure(
        "made at full speed",
        Unit::PerSecond,
        &each(|o| o.per_second(o.calls())),
    );
    report.figure(
        "  of which shown (JSON, into a file)",
        Unit::PerSecond,
        &each(|o| o.per_second(o.shown)),
    );
    report.figure(
        "  of which counted as lost",
        Unit::PerSecond,
        &each(|o| o.per_second(o.lost())),
    );
    report.figure(
        "calls in all",
        Unit::Count,
        &[full.iter().map(|o| o.calls() as f64).sum()],
    );
    report.figure(
        "shown + counted as lost",
        Unit::Count,
        &[full.iter().map(|o| (o.shown + o.lost()) as f64).sum()],
    );
    if full.iter().all(|o| o.lost() == 0) {
        report.notes.push(
            "nothing is lost at full speed: more calls than these two processors cannot make"
                .to_owned(),
        );
        report.figure(
            "sustained without loss",
            Unit::PerSecond,
            &each(|o| o.per_second(o.shown)),
        );
    } else {
        let mut sustained = 0.0;
        for part in PARTS {
            let rate = made * part / (CALLS + 1) as f64 / WORKERS as f64;
            let paced = |_: &Tracing| calls.run(seconds, WORKERS, CALLS, Some(rate as u64));
            let outcome = json_run(programs, paced)?;
            if outcome.lost() == 0 {
                sustained = outcome.per_second(outcome.shown);
                break;
            }
        }
        report.figure("sustained without loss", Unit::PerSecond, &[sustained]);
    }
    flood(programs, &mut calls, made, &mut report)?;
    for format in ["graph", "classic", "json"] {
        let mut speed = Vec::new();
        let mut complaints = Vec::new();
        for _ in 0..effort.rounds.div_ceil(2) {
            let executable = programs.calls.to_string_lossy();
            let tracing =
                Tracing::gofuncgraph(programs, &["-e", TRACE, "--format", format, &executable])?;
            let made = calls.run(seconds, WORKERS, CALLS, None)?;
            let messages = tracing.stop()?;
            speed.push((made.busy + made.small) as f64 / (made.wall_ns / 1e9));
            complaints.extend(
                messages
                    .lines()
                    .filter(|line| line.starts_with('!'))
                    .map(str::to_owned),
            );
        }
        report.figure(
            format!("made at full speed, {format} into nothing"),
            Unit::PerSecond,
            &speed,
        );
        report.notes.extend(
            complaints
                .into_iter()
                .map(|line| format!("{format}: {line}")),
        );
    }
    Ok(report)
}

/// Stops the reader while the buffer fills, so that much has to be lost, and lets it go on.
fn flood(programs: &Programs, calls: &mut Calls, speed: f64, report: &mut Report) -> Result<()> {
    let outcome = json_run(programs, |tracing| {
        tracing.signal("STOP")?;
        let first = calls.run(FLOOD / speed, WORKERS, CALLS, None)?;
        tracing.signal("CONT")?;
        let second = calls.run(0.5, WORKERS, CALLS, None)?;
        Ok(first + second)
    })?;
    if outcome.lost() == 0 {
        bail!("the buffer should have been full: {:?}", outcome.made);
    }
    let calls = outcome.calls() as f64;
    report.figure(
        "reader stopped for a time: calls made",
        Unit::Count,
        &[calls],
    );
    report.figure("  shown", Unit::Count, &[outcome.shown as f64]);
    report.figure("  counted as lost", Unit::Count, &[outcome.lost() as f64]);
    report.figure(
        "  neither",
        Unit::Count,
        &[calls - (outcome.shown + outcome.lost()) as f64],
    );
    Ok(())
}

/// Traces while `run` has calls made, and counts what is in the output.
fn json_run(programs: &Programs, run: impl FnOnce(&Tracing) -> Result<Made>) -> Result<Outcome> {
    let file =
        Temporary(env::temp_dir().join(format!("gofuncgraph-bench-{}.json", std::process::id())));
    let executable = programs.calls.to_string_lossy();
    let name = file.0.to_string_lossy();
    let tracing = Tracing::gofuncgraph(
        programs,
        &["-e", TRACE, "--format", "json", "-o", &name, &executable],
    )?;
    let made = run(&tracing)?;
    tracing.stop()?;
    let (shown, totals) = count(&file.0)?;
    let outcome = Outcome {
        made,
        shown,
        totals,
    };
    check(&outcome)?;
    Ok(outcome)
}

/// Every call is shown or counted as lost.
fn check(outcome: &Outcome) -> Result<()> {
    if outcome.totals.goroutines_full + outcome.totals.no_g > 0 {
        bail!(
            "target calls were left out, and calls in them are not counted: {:?}",
            outcome.totals
        );
    }
    let (calls, shown, lost) = (outcome.calls(), outcome.shown, outcome.lost());
    if calls != shown + lost {
        bail!(
            "{calls} calls were made, {shown} shown and {lost} counted as lost: {:?}",
            outcome.totals
        );
    }
    Ok(())
}

/// Calls in the output, and its last line.
fn count(path: &Path) -> Result<(u64, Totals)> {
    let mut shown = 0;
    let mut totals = None;
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if line.starts_with("{\"type\":\"end\"") {
            totals = Some(serde_json::from_str(&line)?);
        } else {
            // A root with "lost" stands for a call that the totals count.
            shown += line.matches("\"start_ns\":").count() as u64
                - line.matches("\"lost\":true").count() as u64;
        }
        line.clear();
    }
    Ok((shown, totals.context("the output has no totals")?))
}

struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
