//! The totals as text, and what was lost as words: shared by the text formats.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use graph::{Dropped, Graph, Totals};

use crate::{
    Options, Symbols, duration::duration, style::Palette, text::escape, time::time_of_day,
    values::calls_without_values,
};

/// Names shown of functions that were dropped in the course of a run.
const NAMES: usize = 8;

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
    write!(out, ", {:.1} s", totals.seconds)?;
    if let Some(cost) = totals.cost.filter(|_| totals.seconds > 0.0) {
        let percent = 100.0 * cost.seconds / totals.seconds;
        let about = if cost.measured { "" } else { "about " };
        write!(out, ", probes took {about}{percent:.1}% of one core")?;
    }
    writeln!(out)?;
    if let Some(ns) = totals.probe_ns {
        let taken = duration(ns);
        writeln!(
            out,
            "durations without the probes' own time, {taken} in all"
        )?;
    }
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
        (
            totals.processes_full,
            "target call",
            "not traced: too many processes",
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
        (
            totals.lost_values,
            "call",
            "whose values were lost: they came faster than they could be read",
        ),
        (
            totals.values_full,
            "call",
            "whose values found no room: too many goroutines in graphs",
        ),
        (
            totals.undecided,
            "call",
            "not decided about or not counted: something could not be read, or the call did not return",
        ),
        (
            totals.aggregates_full,
            "call",
            "not counted: the table of keys was full",
        ),
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
    let dropped = &totals.dropped_functions;
    if !dropped.is_empty() {
        let names: Vec<_> = dropped.iter().map(|name| escape(name)).collect();
        writeln!(
            out,
            "{}! {} no longer shown, over budget: {}{:#}",
            style.alarm,
            counted(dropped.len() as u64, "function"),
            listed(&names, NAMES),
            style.alarm
        )?;
    }
    Ok(())
}

/// What is lost of a graph that is not complete; `None` where nothing is, but for functions that were dropped ([`not_shown`]).
pub(crate) fn incomplete(graph: &Graph, symbols: &dyn Symbols) -> Option<String> {
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
    if graph.lost_values > 0 {
        let calls = counted(calls_without_values(graph, symbols), "call");
        parts.push(format!("values of {calls} lost"));
    }
    if graph.unread {
        parts.push("a probe hit could not be assigned to a goroutine".to_owned());
    }
    if graph.root().is_none() {
        parts.push("the end was lost".to_owned());
    }
    if parts.is_empty() {
        if !graph.dropped.is_empty() && graph.is_whole() {
            return None;
        }
        parts.push("calls were lost".to_owned());
    }
    Some(format!("! incomplete: {}", parts.join(", ")))
}

/// The functions of a graph's trace that were dropped: before it began, and while it ran.
pub(crate) fn not_shown(graph: &Graph, symbols: &dyn Symbols, options: &Options) -> Vec<String> {
    let began = graph
        .dropped
        .partition_point(|dropped| dropped.since_ns <= graph.start_ns);
    let (before, within) = graph.dropped.split_at(began);
    let names = |dropped: &[Dropped]| {
        let names: Vec<_> = dropped
            .iter()
            .map(|dropped| escape(symbols.function(dropped.function)))
            .collect();
        listed(&names, 1)
    };
    let mut marks = Vec::new();
    if !before.is_empty() {
        marks.push(format!("! not shown: {}: over budget", names(before)));
    }
    if let Some(first) = within.first() {
        let since = options.clock.zoned(first.since_ns, &options.time_zone);
        marks.push(format!(
            "! not shown since {}: {}: over budget",
            time_of_day(&since),
            names(within)
        ));
    }
    marks
}

/// `a`, `a and b`, `a, b and c`, or no more than `most` of them: `a, b and 3 others`.
fn listed(names: &[Cow<'_, str>], most: usize) -> String {
    let others = match names.len().saturating_sub(most) {
        0 => None,
        1 => Some("1 other".to_owned()),
        others => Some(format!("{others} others")),
    };
    let (last, before) = match (others, names) {
        (Some(others), _) => (others, names.get(..most).unwrap_or_default()),
        (None, [before @ .., last]) => (last.clone().into_owned(), before),
        (None, []) => return String::new(),
    };
    if before.is_empty() {
        last
    } else {
        format!("{} and {last}", before.join(", "))
    }
}

/// `1 call`, `2 calls`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
