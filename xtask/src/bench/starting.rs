//! From starting the command to its saying that it traces, and the memory that this takes.

use std::{fs, path::Path};

use anyhow::Result;
use serde::Deserialize;

use super::{
    Effort,
    figures::{Report, Unit},
    programs::{Programs, Tracing},
};

/// For an executable of 50 MB.
const TIME_BAR: f64 = 300e6;
const MEMORY_BAR: f64 = 100e6;

#[derive(Deserialize)]
struct Part {
    part: String,
    ns: Vec<f64>,
}

/// Measures.
pub fn measure(programs: &Programs, effort: Effort) -> Result<Report> {
    let mut report = Report::new("From start to \"tracing\"");
    let cases: [(&str, &Path, &str, bool); 3] = [
        (
            "the example",
            &programs.example,
            "trace main.handleBar < include net/http*; min 100ms >",
            false,
        ),
        (
            "a large stripped executable",
            &programs.large,
            "trace main.handle < include net/http* >",
            true,
        ),
        (
            "the same, everything probed",
            &programs.large,
            "trace main.handle < include * >",
            false,
        ),
    ];
    let mut times = [const { Vec::new() }; 3];
    let mut peaks = [const { Vec::new() }; 3];
    let mut own = [const { Vec::new() }; 3];
    for round in 0..=effort.rounds {
        for (index, (_, executable, program, _)) in cases.iter().enumerate() {
            let tracing =
                Tracing::gofuncgraph(programs, &["-e", program, &executable.to_string_lossy()])?;
            // The first round brings the files into the page cache.
            if round > 0 {
                times[index].push(tracing.ready_after.as_nanos() as f64);
                peaks[index].push(tracing.memory("VmHWM")?);
                own[index].push(tracing.memory("RssAnon")?);
            }
            tracing.stop()?;
        }
    }
    for (index, (name, executable, program, promised)) in cases.iter().enumerate() {
        let size = fs::metadata(executable)?.len() as f64 / 1e6;
        let what = format!("{name} ({size:.1} MB)");
        let time = report.figure(format!("{what}: time"), Unit::Nanoseconds, &times[index]);
        let peak = report.figure(format!("{what}: peak memory"), Unit::Bytes, &peaks[index]);
        report.figure(
            format!("{what}: its own, without mapped files"),
            Unit::Bytes,
            &own[index],
        );
        let rounds = effort.rounds.to_string();
        let parts: Vec<Part> =
            programs.measure(&["start", &executable.to_string_lossy(), program, &rounds])?;
        for part in parts {
            report.figure(
                format!("  of which to {}", part.part),
                Unit::Nanoseconds,
                &part.ns,
            );
        }
        if *promised {
            report.bar(format!("{what}: time"), Unit::Nanoseconds, time, TIME_BAR);
            report.bar(
                format!("{what}: peak memory"),
                Unit::Bytes,
                peak,
                MEMORY_BAR,
            );
        }
    }
    Ok(report)
}
