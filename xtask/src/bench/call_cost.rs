//! What one call costs the traced program: processor time with probes minus processor time without, divided by the calls.
//!
//! Each round runs the same loop without probes, with the tracer, with an empty eBPF program at the tracer's sites, and with bpftrace
//! counting at the function's entry and every `ret`.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{
    Effort,
    figures::{Report, Unit},
    programs::{Calls, Made, Programs, Talking, Tracing, signal},
};
use crate::workspace::{on_path, output};

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
    let mut calls = Calls::start(programs)?;
    let executable = programs.calls.to_string_lossy().into_owned();
    let bpftrace = on_path("bpftrace")
        .then(|| bpftrace_program(programs))
        .transpose()?;
    if bpftrace.is_none() {
        report
            .notes
            .push("not compared with bpftrace: it is not installed".to_owned());
    }
    let mut all = Series::default();
    let mut run = |calls_in_graph: usize| calls.run(effort.seconds, 1, calls_in_graph, None);
    run(LONG)?;
    for _ in 0..effort.rounds {
        all.nothing.push(per_call(run(LONG)?));
        let tracing = Tracing::gofuncgraph(programs, &["-e", TRACE, &executable])?;
        all.tracer.push(per_call(run(LONG)?));
        all.short_tracer.push(per_call(run(SHORT)?));
        all.outside_tracer.push(per_call(run(0)?));
        let messages = tracing.stop()?;
        if messages.contains('!') {
            report
                .notes
                .push(format!("the tracer said: {}", messages.trim()));
        }

        all.short_nothing.push(per_call(run(SHORT)?));
        all.outside_nothing.push(per_call(run(0)?));

        let mut empty = Talking::start(&programs.measure, &["empty", &executable, TRACE])?;
        empty.line()?;
        all.empty.push(per_call(run(LONG)?));
        all.short_empty.push(per_call(run(SHORT)?));
        all.outside_empty.push(per_call(run(0)?));
        empty.end()?;

        if let Some(program) = &bpftrace {
            let counting = Bpftrace::start(program)?;
            let made = run(LONG)?;
            let counted = counting.stop()?;
            if counted != made.small {
                bail!("of {} calls, bpftrace counted {counted}", made.small);
            }
            all.bpftrace.push(per_call(made));
        }
    }
    fill(&mut report, &all);
    if bpftrace.is_some() {
        let version = output(Command::new("bpftrace").arg("--version"))?;
        report.notes.push(format!("compared with {version}"));
    }
    Ok(report)
}

fn per_call(made: Made) -> f64 {
    made.cpu_ns / (made.busy + made.small).max(1) as f64
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

/// Counts at the entry of the function that is called, and at its one `ret`, where the symbol `main.returned` stands.
fn bpftrace_program(programs: &Programs) -> Result<String> {
    let path = bpftrace_path(&programs.calls)?;
    Ok(format!(
        "uprobe:{path}:\"main.small\" {{ @entered = count(); }} uprobe:{path}:\"main.returned\" {{ @left = count(); }}"
    ))
}

/// bpftrace 0.17 ends a path at characters that it uses itself.
fn bpftrace_path(path: &Path) -> Result<String> {
    let path = path.to_string_lossy().into_owned();
    if path.contains([':', ' ', '"', ',']) {
        bail!("bpftrace cannot be told of {path}");
    }
    Ok(path)
}

struct Bpftrace {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Bpftrace {
    /// Returns once it counts.
    fn start(program: &str) -> Result<Self> {
        // Probes are attached in the order of the program, so that the first tick comes after all others.
        let program = format!("{program} interval:ms:100 {{ printf(\"tick\\n\"); }}");
        let mut child = Command::new("bpftrace")
            .args(["-e", &program])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It complains of the kernel's features each time that it starts and ends.
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start bpftrace")?;
        let said = BufReader::new(child.stdout.take().context("bpftrace has no output")?);
        let mut this = Self { child, said };
        let mut line = String::new();
        while line.trim() != "tick" {
            line.clear();
            if this.said.read_line(&mut line)? == 0 {
                bail!("bpftrace ended early: {}", this.child.wait()?);
            }
        }
        Ok(this)
    }

    /// Returns how many calls it saw leave.
    fn stop(mut self) -> Result<u64> {
        signal(&self.child, "INT")?;
        let mut text = String::new();
        self.said.read_to_string(&mut text)?;
        self.child.wait()?;
        let left = text.lines().find_map(|line| line.strip_prefix("@left: "));
        left.with_context(|| format!("bpftrace said:\n{text}"))?
            .trim()
            .parse()
            .context("bpftrace printed no count")
    }
}

impl Drop for Bpftrace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
