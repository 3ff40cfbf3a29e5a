//! Aggregations as tables: keys on the left, numbers on the right.

use std::io::{self, Write};

use compiler::plan::AggregationKind;

use super::{
    Aggregated, Row, histogram, is_histogram,
    number::{grouped, mean_text, number_text},
    texts,
};
use crate::{
    style::Palette,
    text::{columns, escape, escaped, shorten},
};

/// Columns of a terminal whose width is not known.
const WIDTH: usize = 100;
/// A column of keys is never made narrower.
const NARROW: usize = 12;
/// Rows that are written at most, of tables and of histograms.
const ROWS: usize = 50;
/// Between two columns.
const GAP: usize = 2;

/// Writes an aggregation, of many rows the first. Keys are cut where the terminal's `width` is known.
pub(crate) fn write(
    out: &mut dyn Write,
    aggregated: &Aggregated<'_>,
    style: &Palette,
    width: Option<usize>,
) -> io::Result<()> {
    heading(out, aggregated, style)?;
    if aggregated.rows.is_empty() {
        return writeln!(out, "  no calls");
    }
    let (rows, more) = aggregated.rows.split_at(aggregated.rows.len().min(ROWS));
    if is_histogram(aggregated.aggregation.kind) {
        histogram::write(out, aggregated, rows, style, width.unwrap_or(WIDTH))?;
    } else {
        table(out, aggregated, rows, style, width)?;
    }
    if !more.is_empty() {
        let more = grouped(&more.len().to_string());
        let dim = style.dim;
        writeln!(out, "  {dim}… {more} more; --format json has all{dim:#}")?;
    }
    Ok(())
}

/// `latency by caller  main.handleBar`
fn heading(out: &mut dyn Write, aggregated: &Aggregated<'_>, style: &Palette) -> io::Result<()> {
    let (bold, dim) = (style.bold, style.dim);
    let aggregation = aggregated.aggregation;
    write!(out, "{bold}{}{bold:#}", escape(&aggregation.label))?;
    for (number, key) in aggregation.keys.iter().enumerate() {
        let before = if number == 0 { " by " } else { ", " };
        write!(out, "{before}{}", escape(&key.label))?;
    }
    writeln!(out, "  {dim}{}{dim:#}", escape(aggregated.trace))
}

fn table(
    out: &mut dyn Write,
    aggregated: &Aggregated<'_>,
    rows: &[Row],
    style: &Palette,
    width: Option<usize>,
) -> io::Result<()> {
    let aggregation = aggregated.aggregation;
    let names = numbers_called(aggregation.kind);
    let labels = aggregation.keys.iter();
    let mut titles: Vec<String> = labels.map(|key| escape(&key.label).into_owned()).collect();
    titles.extend(names.iter().map(|name| (*name).to_owned()));
    let mut lines: Vec<Vec<String>> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut line: Vec<String> = texts(&row.keys).into_iter().map(escaped).collect();
        line.extend(numbers(aggregated, row));
        lines.push(line);
    }
    let keys = aggregation.keys.len();
    let mut widths: Vec<usize> = titles.iter().map(|title| columns(title)).collect();
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = columns(cell).max(*width);
        }
    }
    if let Some(width) = width {
        narrow(&mut widths, keys, width);
    }
    let dim = style.dim;
    write!(out, "{dim}")?;
    cells(out, &titles, &widths, keys)?;
    writeln!(out, "{dim:#}")?;
    for line in &lines {
        cells(out, line, &widths, keys)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Makes the widest of the first columns narrower until all fit.
fn narrow(widths: &mut [usize], keys: usize, room: usize) {
    loop {
        let needed: usize = widths.iter().map(|width| width + GAP).sum();
        let keys = widths.get_mut(..keys).unwrap_or_default();
        match keys.iter_mut().max_by_key(|width| **width) {
            Some(widest) if needed > room && *widest > NARROW => *widest -= 1,
            _ => return,
        }
    }
}

/// Keys begin where their columns do, numbers end where theirs do.
fn cells(out: &mut dyn Write, cells: &[String], widths: &[usize], keys: usize) -> io::Result<()> {
    for (number, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = shorten(cell, *width);
        let blank = width.saturating_sub(columns(&cell));
        write!(out, "{:GAP$}", "")?;
        if number < keys {
            write!(out, "{cell}")?;
            // Nothing but numbers follows, so there is always a last column that ends the line.
            write!(out, "{:blank$}", "")?;
        } else {
            write!(out, "{:blank$}{cell}", "")?;
        }
    }
    Ok(())
}

fn numbers_called(kind: AggregationKind) -> &'static [&'static str] {
    match kind {
        AggregationKind::Count => &["count"],
        AggregationKind::Sum => &["sum"],
        AggregationKind::Average => &["count", "mean"],
        _ => &["count", "sum", "mean", "least", "greatest"],
    }
}

fn numbers(aggregated: &Aggregated<'_>, row: &Row) -> Vec<String> {
    let value = |number: i128| number_text(aggregated, number);
    let count = grouped(&row.count.to_string());
    match aggregated.aggregation.kind {
        AggregationKind::Count => vec![count],
        AggregationKind::Sum => vec![value(row.sum)],
        AggregationKind::Average => vec![count, mean_text(aggregated, row)],
        _ => vec![
            count,
            value(row.sum),
            mean_text(aggregated, row),
            value(row.least.into()),
            value(row.greatest.into()),
        ],
    }
}
