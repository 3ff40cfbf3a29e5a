//! Histograms as bars that fit the terminal.

use std::io::{self, Write};

use super::{
    Aggregated, Row,
    buckets::bounds,
    number::{grouped, mean_text, number_text},
    texts,
};
use crate::{
    style::Palette,
    text::{columns, cut, escape, escaped},
};

/// A bar's columns at most.
const BAR: usize = 50;
/// So many empty buckets in a row are drawn; of more, one line says how many.
const EMPTY: i64 = 3;
/// What a column that is filled from the left can look like.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A line of a histogram.
enum Line {
    Bucket { label: String, count: u64 },
    Gap(i64),
}

pub(super) fn write(
    out: &mut dyn Write,
    aggregated: &Aggregated<'_>,
    rows: &[Row],
    style: &Palette,
    width: usize,
) -> io::Result<()> {
    for row in rows {
        above(out, aggregated, row, style, width)?;
        bars(out, aggregated, row, style, width)?;
    }
    Ok(())
}

/// `  caller main.f, ok true: 12 calls, mean 3.1 ms, 1.2 ms to 5.0 ms`
fn above(
    out: &mut dyn Write,
    aggregated: &Aggregated<'_>,
    row: &Row,
    style: &Palette,
    width: usize,
) -> io::Result<()> {
    let mut keys = String::new();
    for (shown, text) in aggregated.aggregation.keys.iter().zip(texts(&row.keys)) {
        if !keys.is_empty() {
            keys.push_str(", ");
        }
        keys.push_str(&escape(&shown.label));
        keys.push(' ');
        keys.push_str(&escaped(text));
    }
    let number = |number: i64| number_text(aggregated, number.into());
    let facts = format!(
        "{} {}, mean {}, {} to {}",
        grouped(&row.count.to_string()),
        if row.count == 1 { "call" } else { "calls" },
        mean_text(aggregated, row),
        number(row.least),
        number(row.greatest),
    );
    let dim = style.dim;
    if keys.is_empty() {
        return writeln!(out, "  {dim}{facts}{dim:#}");
    }
    let room = width.saturating_sub(columns(&facts) + 4).max(20);
    writeln!(out, "  {}  {dim}{facts}{dim:#}", cut(&keys, room))
}

fn bars(
    out: &mut dyn Write,
    aggregated: &Aggregated<'_>,
    row: &Row,
    style: &Palette,
    width: usize,
) -> io::Result<()> {
    let lines = lines(aggregated, row);
    let greatest = row.buckets.values().copied().max().unwrap_or(0);
    let number = |count: u64| grouped(&count.to_string());
    let labels = lines.iter().map(|line| match line {
        Line::Bucket { label, .. } => columns(label),
        Line::Gap(_) => 0,
    });
    let labels = labels.max().unwrap_or(0);
    let counts = number(greatest).len();
    let room = width.saturating_sub(4 + labels + 2 + counts + 2);
    let room = room.clamp(8, BAR);
    for line in &lines {
        match line {
            Line::Bucket { label, count } => {
                let blank = labels - columns(label);
                let value = style.value;
                let count_text = number(*count);
                write!(out, "    {label}{:blank$}  {count_text:>counts$}", "")?;
                if *count > 0 {
                    let bar = bar(*count, greatest, room);
                    write!(out, "  {value}{bar}{value:#}")?;
                }
                writeln!(out)?;
            }
            Line::Gap(empty) => {
                let dim = style.dim;
                writeln!(out, "    {dim}… {empty} without calls{dim:#}")?;
            }
        }
    }
    Ok(())
}

/// From the first bucket in which something is to the last.
fn lines(aggregated: &Aggregated<'_>, row: &Row) -> Vec<Line> {
    let mut lines = Vec::new();
    let bucket = |bucket: i64, count: u64| Line::Bucket {
        label: bounds(aggregated.aggregation.kind, bucket).text(aggregated.is_duration()),
        count,
    };
    let mut next: Option<i64> = None;
    for (number, count) in &row.buckets {
        let empty = next.map_or(0, |next| number.saturating_sub(next));
        if empty > EMPTY {
            lines.push(Line::Gap(empty));
        } else {
            lines.extend((1..=empty).rev().map(|back| bucket(number - back, 0)));
        }
        lines.push(bucket(*number, *count));
        next = number.checked_add(1);
    }
    lines
}

/// At least a sliver for whatever is there.
fn bar(count: u64, greatest: u64, room: usize) -> String {
    let whole = u128::from(greatest.max(1));
    let eighths = (u128::from(count) * 8 * room as u128).div_ceil(whole);
    let eighths = usize::try_from(eighths).unwrap_or(0).min(8 * room);
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}
