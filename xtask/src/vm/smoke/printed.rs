//! What gofuncgraph and a test program have printed: JSON, and totals that say whether something is missing.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Totals that say that something is missing.
const NOTHING_LOST: [&str; 12] = [
    "lost_records",
    "lost_graphs",
    "goroutines_full",
    "missing_calls",
    "dropped_calls",
    "no_g",
    "stale",
    "undecided",
    "aggregates_full",
    "lost_values",
    "values_full",
    "processes_full",
];

/// The lines of a trace, of which nothing is missing.
pub fn complete(trace: &str) -> Result<Vec<Value>> {
    let lines = trace
        .trim()
        .lines()
        .map(parse)
        .collect::<Result<Vec<_>>>()?;
    nothing_lost(&lines)?;
    Ok(lines)
}

/// What a program says of itself, in one line.
pub fn parse(line: &str) -> Result<Value> {
    serde_json::from_str(line.trim()).with_context(|| format!("{line:?} is not JSON"))
}

/// There are totals, and none says that something is missing.
pub fn nothing_lost(lines: &[Value]) -> Result<()> {
    let end = lines.iter().find(|line| line["type"] == "end");
    let end = end.context("no totals")?;
    for name in NOTHING_LOST {
        let lost = end[name].as_u64().unwrap_or(0);
        ensure!(lost == 0, "{name} {lost}");
    }
    Ok(())
}
