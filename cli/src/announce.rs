//! What is said when tracing begins: of whom, at what price, and what is in the way.

use std::io::IsTerminal;

use compiler::{Prices, plan::Skipped};
use runtime::Attachment;
use session::{Hindrances, Loading, Traced};

use crate::{
    args::How,
    prices,
    request::Target,
    terminal::{self, say, shown},
};

/// Says it.
pub fn announce(
    (target, traced): (&Target, &Traced),
    loading: Option<&mut Loading>,
    attachment: &Attachment,
    hindrances: &mut Hindrances,
    prices: &Prices,
    how: &How,
) -> anyhow::Result<()> {
    let plan = &traced.plan;
    let functions = plan.traces.iter().map(|t| t.included.len()).sum::<usize>();
    let whom = match (target, loading) {
        (_, Some(loading)) => loading.told(traced.binary.path()),
        (Target::Process(pid), None) => format!("process {pid}"),
        (Target::Launch { .. }, None) => "the launched process".to_owned(),
        (Target::Executable(path), None) => match attachment.processes.as_slice() {
            [] if !attachment.missed.is_empty() => shown(path),
            [] => format!("{}; nothing runs it yet", shown(path)),
            [pid] => format!("{}, process {pid}", shown(path)),
            pids => format!("{}, {} processes", shown(path), pids.len()),
        },
    };
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    say!(
        "tracing {functions} function{} ({} probe sites) of {whom}; Ctrl-C ends",
        plural(functions),
        attachment.sites
    );
    for pid in &attachment.missed {
        let overlay = traced.binary.is_on_overlay();
        let reason = runtime::not_arrived(*pid, &plan.executable, overlay);
        say!("  {}", render::escape(&reason));
    }
    if !matches!(target, Target::Launch { .. }) {
        let mut found = Vec::new();
        hindrances.look(Vec::new(), &mut found);
        for notice in found {
            say!("{notice}");
        }
    }
    say!("  {}", prices::in_short(plan, prices));
    if attachment.one_by_one {
        let seconds = (attachment.sites as f64 * 0.11).ceil();
        say!(
            "  this kernel has no uprobe_multi (Linux 6.6): detaching will take about {seconds:.0} s"
        );
        if let Some(patience) = runtime::lease_break_time()
            && seconds > patience.as_secs_f64()
        {
            say!(
                "  that is longer than a writer to the executable has to wait ({} s, /proc/sys/fs/lease-break-time): do not write to it while this runs",
                patience.as_secs()
            );
        }
    }
    let skipped = plan.skipped.len();
    if skipped > 0 {
        say!(
            "  {skipped} matched function{} cannot be probed ({})",
            plural(skipped),
            if how.verbose {
                "below"
            } else {
                "see gofuncgraph explain"
            }
        );
    }
    if how.verbose {
        for Skipped { name, reason } in &plan.skipped {
            say!("    {}: {reason}", render::escape(name));
        }
    }
    for refused in &attachment.refused {
        let function = traced
            .executable
            .function_at(refused.site.address)
            .map_or_else(|| "?".to_owned(), |f| render::escape(&f.name).into_owned());
        say!(
            "  the kernel refused the site {:#x} in {function} (error {}); calls that pass it are shown incomplete",
            refused.site.address,
            refused.error
        );
    }
    Ok(())
}

/// Shown while probes are attached one by one, which takes its time.
pub fn progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let end = if done == all { "\n" } else { "" };
        terminal::write_stderr(format_args!("\rattaching {done} of {all} probes{end}"));
    } else if done == all {
        say!("attached {all} probes one by one");
    }
}
