//! A kernel where the probe program does the return itself: small functions traced that way, against the same with the `ret` stepped. In a
//! virtual machine that computes every instruction, so that only the ratio means anything.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{added, ratio};
use crate::{
    bench::{
        Effort,
        figures::{Report, Unit},
        programs::{Made, Programs},
    },
    vm::{self, initramfs, kernel, machine},
};

const TRACE: &str = "trace main.busy, main.visits < include main.small, main.visit >";
const FUNCTIONS: [&str; 2] = ["visit", "small"];
const BAR: f64 = 0.3;
/// Calls in a graph. The machine is slow, and what begins and ends a graph should disappear there too.
const CALLS: usize = 200;

/// A measurement is split into so many, so that whatever else the host does meets all ways.
const SLICES: usize = 5;

/// What the guest prints for each measurement.
const ROW: &str = "GFG-BENCH: ";

/// Ways to trace, and the commands.
const WAYS: [(&str, &str); 3] = [
    ("nothing", ""),
    ("carried-out", "gofuncgraph"),
    // An older kernel has no other way than to step.
    (
        "stepped",
        "env GOFUNCGRAPH_PRETEND_KERNEL=6.18 gofuncgraph --exit-sites ret",
    ),
];

/// Measures.
pub fn measure(programs: &Programs, effort: Effort, report: &mut Report) -> Result<()> {
    machine::require_programs()?;
    let folder = vm::folder()?;
    let image = kernel::image(kernel::NEWEST, &folder)?;
    let files = [programs.gofuncgraph.clone(), programs.calls.clone()];
    let initramfs = initramfs::build(&folder, &files, &script(effort))?;
    eprintln!("measuring in a virtual machine …");
    let said = machine::boot("bench", &image, &initramfs, &folder)?;
    let rows = rows(&said)?;
    let kernel = said
        .lines()
        .find(|line| line.starts_with("Linux "))
        .context("the virtual machine does not say what it runs")?;
    report
        .notes
        .push(format!("in the virtual machine: {kernel}"));
    for function in FUNCTIONS {
        let per_call = |way: &str| -> Vec<f64> {
            rows.iter()
                .filter(|row| row.function == function && row.way == way)
                .map(|row| row.made.per_call())
                .collect()
        };
        let nothing = per_call("nothing");
        let carried_out = added(&per_call("carried-out"), &nothing);
        let stepped = added(&per_call("stepped"), &nothing);
        let rounds = effort.rounds * SLICES;
        if carried_out.len() != rounds || stepped.len() != rounds {
            bail!("measurements are missing:\n{said}");
        }
        let what = format!("{function} in a virtual machine, recorded");
        let ns = Unit::Nanoseconds;
        report.figure(
            format!("{what}: the program does the ret"),
            ns,
            &carried_out,
        );
        report.figure("  the ret is stepped", ns, &stepped);
        let ratios = ratio(&carried_out, &stepped);
        let median = report.figure("  the program : stepped", Unit::Ratio, &ratios);
        let bar = format!("{function} in a virtual machine: program : stepped");
        report.bar(bar, Unit::Ratio, median, BAR);
    }
    Ok(())
}

/// Has a copy of `calls` for each way call in turns, each being traced that way all the time.
fn script(effort: Effort) -> String {
    let mut script = String::from("gofuncgraph --version | grep Linux\n");
    let ways: Vec<_> = (3..).step_by(2).zip(WAYS).collect();
    for (ask, (way, command)) in &ways {
        let answer = ask + 1;
        script += &format!(
            "cp /bin/calls /bin/calls-{way}
mkfifo /tmp/ask-{way} /tmp/answer-{way}
calls-{way} </tmp/ask-{way} >/tmp/answer-{way} &
exec {ask}>/tmp/ask-{way} {answer}</tmp/answer-{way}
read -r pid <&{answer}
"
        );
        if !command.is_empty() {
            script += &format!(
                "{command} --budget off -e '{TRACE}' -o /dev/null /bin/calls-{way} >/dev/null 2>/tmp/errors-{way} &
tracers=\"$tracers $!\"
until grep -qs '^tracing ' /tmp/errors-{way} || ! kill -0 $!; do sleep 0.1; done
"
            );
        }
    }
    let seconds = effort.seconds / SLICES as f64;
    for round in 0..=effort.rounds * SLICES {
        for function in FUNCTIONS {
            for (ask, (way, _)) in &ways {
                let answer = ask + 1;
                script += &format!(
                    "echo '{seconds}s 1 {CALLS} 0 {function}' >&{ask}
read -r made <&{answer}
"
                );
                // The first round warms up.
                if round > 0 {
                    script += &format!(
                        "echo '{ROW}{{\"function\":\"{function}\",\"way\":\"{way}\",\"made\":'\"$made\"'}}'\n"
                    );
                }
            }
        }
    }
    script + "kill -INT $tracers\nwait $tracers || cat /tmp/errors-*\ngrep -h '^!' /tmp/errors-*\n"
}

/// A measurement.
#[derive(Debug, Deserialize)]
struct Row {
    function: String,
    way: String,
    made: Made,
}

fn rows(said: &str) -> Result<Vec<Row>> {
    said.lines()
        .filter_map(|line| line.strip_prefix(ROW))
        .map(|row| serde_json::from_str(row).with_context(|| format!("the guest said {row}")))
        .collect()
}
