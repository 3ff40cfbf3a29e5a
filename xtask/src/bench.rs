//! What tracing costs, measured side by side in one run: each figure that is compared with another is taken in turns with it, so that
//! whatever else the machine does meets both.

mod attaching;
mod bpftrace;
mod call_cost;
mod figures;
mod large;
mod placement;
mod programs;
mod starting;
mod symbol;
mod throughput;
mod values;

use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::workspace::{as_root, is_root, run};
use figures::Report;
use programs::Programs;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often everything is measured.
    pub rounds: usize,
    /// Seconds of each measurement that counts calls.
    pub seconds: f64,
    /// Also on another kernel, in a virtual machine.
    pub vm: bool,
}

type Benchmark = fn(&Programs, Effort) -> Result<Report>;

/// Number, name and code of each.
const BENCHMARKS: [(&str, &str, Benchmark); 6] = [
    ("1", "call", call_cost::measure),
    ("2", "attach", attaching::measure),
    ("3", "start", starting::measure),
    ("4", "throughput", throughput::measure),
    ("5", "placement", placement::measure),
    ("6", "values", values::measure),
];

/// Runs the benchmarks of these numbers or names, or all.
///
/// # Errors
/// Where a name is not known, something cannot be built or started, or calls have disappeared without being counted as lost.
pub fn bench(names: &[String], effort: Effort, json: bool) -> Result<()> {
    let chosen = choose(names)?;
    // As the user who called; everything after this finds it done.
    let programs = Programs::build(
        chosen
            .iter()
            .any(|(_, name, _)| matches!(*name, "attach" | "start")),
    )?;
    if !is_root()? {
        let arguments: Vec<_> = env::args_os().skip(1).collect();
        let this = env::current_exe().context("cannot find this program")?;
        let environment: Vec<(&str, String)> = ["CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR", "PATH"]
            .into_iter()
            .filter_map(|name| Some((name, env::var(name).ok()?)))
            .collect();
        return run(
            as_root(&this, &environment, "measuring eBPF programs needs root")?.args(arguments),
        );
    }
    eprintln!(
        "load average {}: other work on this machine makes every figure worse",
        load_average()?
    );
    let mut reports = Vec::new();
    for (number, name, measure) in chosen {
        eprintln!("measuring {name} …");
        let before = load_average()?;
        let mut report =
            measure(&programs, effort).with_context(|| format!("benchmark {number} ({name})"))?;
        report.notes.push(format!(
            "load average {before} before and {} after",
            load_average()?
        ));
        if !json {
            println!("{number}. {report}");
        }
        reports.push((name, report));
    }
    if json {
        let all: serde_json::Map<_, _> = reports
            .into_iter()
            .map(|(name, report)| Ok((name.to_owned(), serde_json::to_value(report)?)))
            .collect::<Result<_>>()?;
        println!("{}", serde_json::Value::Object(all));
    }
    Ok(())
}

/// Of the last minute; this benchmark's own work is part of what it says afterwards.
fn load_average() -> Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}

fn choose(names: &[String]) -> Result<Vec<(&'static str, &'static str, Benchmark)>> {
    if names.is_empty() {
        return Ok(BENCHMARKS.to_vec());
    }
    let mut chosen = Vec::new();
    for wanted in names {
        match BENCHMARKS
            .iter()
            .find(|(number, name, _)| wanted == number || wanted == name)
        {
            Some(found) => chosen.push(*found),
            None => bail!(
                "no benchmark {wanted:?}; there are {}",
                BENCHMARKS
                    .map(|(number, name, _)| format!("{number} ({name})"))
                    .join(", ")
            ),
        }
    }
    Ok(chosen)
}
