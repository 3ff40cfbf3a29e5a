//! The totals as text, and what was lost as words: shared by the text formats.

use std::io::{self, Write};

use graph::{Graph, Totals};

use crate::style::Palette;

/// Writes the totals: one line, and one more for each way in which something was lost.
///
/// # Errors
/// Those of `out`.
pub fn write_summary(out: &mut dyn Write, totals: &Totals, color: bool) -> io::Result<()> {
    let style = Palette::new(color);
    write!(out, "{}", counted(totals.graphs, "graph"))?;
    if totals.filtered > 0 {
        write!(out, ", {} filtered out", counted(totals.filtered, "call"))?;
    }
    writeln!(out, ", {:.1} s", totals.seconds)?;
    let losses = [
        (
            totals.lost_records,
            "call",
            "lost: the ring buffer was full",
        ),
        (
            totals.lost_graphs,
            "graph",
            "lost, at least at the end: the ring buffer was full",
        ),
        (
            totals.goroutines_full,
            "target call",
            "not traced: the goroutine table was full (--max-goroutines)",
        ),
        (totals.missing_calls, "call", "too deep to be stored"),
        (
            totals.dropped_calls,
            "call",
            "lost: too many calls in graphs that had not ended",
        ),
        (
            totals.no_g,
            "event",
            "without a readable goroutine or stack",
        ),
        (totals.stale, "graph", "cut off by an exec"),
    ];
    for (count, noun, what) in losses {
        if count > 0 {
            writeln!(
                out,
                "{}! {} {what}{:#}",
                style.alarm,
                counted(count, noun),
                style.alarm
            )?;
        }
    }
    Ok(())
}

/// What is wrong with a graph that is not complete; `None` where nothing is.
pub(crate) fn incomplete(graph: &Graph) -> Option<String> {
    if graph.complete {
        return None;
    }
    let mut parts = Vec::new();
    if graph.lost_calls > 0 {
        parts.push(format!("{} lost", counted(graph.lost_calls, "call")));
    }
    if graph.missing_calls > 0 {
        parts.push(format!(
            "{} not stored",
            counted(graph.missing_calls, "deeper call")
        ));
    }
    if graph.unread {
        parts.push("a probe hit could not be told whose it was".to_owned());
    }
    if graph.root().is_none() {
        parts.push("the end was lost".to_owned());
    }
    if parts.is_empty() {
        parts.push("calls were lost".to_owned());
    }
    Some(format!("! incomplete: {}", parts.join(", ")))
}

/// `1 call`, `2 calls`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
