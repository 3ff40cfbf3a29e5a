//! What it saves to watch calls where the kernel emulates the instruction: against bpftrace, which single-steps most of them, against an
//! empty program, and on a kernel that lets the program do the return against the same with the return stepped.
//!
//! Each side has a copy of the traced program for itself, which runs all the time with its probes in place, and they are asked in turns.

mod functions;
mod guest;
mod request;
mod shares;

use anyhow::Result;

use super::{Effort, bpftrace, figures::Report, programs::Programs};

/// Measures.
pub fn measure(programs: &Programs, effort: Effort) -> Result<Report> {
    let mut report = Report::new("Placement of probes");
    let bpftrace = bpftrace::version()?;
    functions::measure(programs, effort, bpftrace.is_some(), &mut report)?;
    request::measure(programs, effort, bpftrace.is_some(), &mut report)?;
    shares::measure(programs, effort, &mut report)?;
    if effort.vm {
        guest::measure(programs, effort, &mut report)?;
    } else {
        report.notes.push(
            "where the program does the return itself: not measured; --vm boots such a kernel"
                .to_owned(),
        );
    }
    report.notes.push(match bpftrace {
        Some(version) => format!("compared with {version}"),
        None => "not compared with bpftrace: it is not installed".to_owned(),
    });
    Ok(report)
}

/// Of each round: what is more in `with` than in `without`.
fn added(with: &[f64], without: &[f64]) -> Vec<f64> {
    with.iter().zip(without).map(|(a, b)| a - b).collect()
}

/// Of each round.
fn ratio(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a / b).collect()
}
