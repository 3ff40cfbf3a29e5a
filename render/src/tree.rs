//! `--format graph`: one block a graph, to be scanned by eye.
//!
//! ```text
//! ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
//! @ 354.6 ms │ main.handleBar() {               net/http/server.go:2122
//! @ 354.5 ms │   example/internal/log.Debug()   main.go:18
//!            │ }
//! ```
//!
//! Durations stand in one column on the left, where a call begins, with the kernel's marks for slow ones; call sites in one on the
//! right. Arguments stand in the parentheses, results after the closing one or after the brace. On a terminal names, values and sites
//! are shortened rather than wrapped, except in verbose output, whose point is the whole path.
//! Deep calls stay readable, and the output linear in the number of calls: from some level on, the level is written instead of
//! more blanks.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use anstyle::Style;
use compiler::plan::Template;
use graph::{Call, Exit, Graph, Step, Totals};
use jiff::civil::Date;

use crate::{
    Aggregated, Options, Renderer, Site, Symbols, aggregate, beyond_stack,
    duration::{duration, slow_mark},
    narrow::{ValuesText, fitting, full, full_width},
    printed::line,
    style::Palette,
    summary::{counted, incomplete, not_shown, write_summary},
    text::{columns, cut, escape, escaped, shorten},
    time::time_of_day,
    values::{arguments, results},
};

/// Columns before the names: mark, duration, line.
const LEAD: usize = 13;
/// Columns of one level.
const INDENT: usize = 2;
/// Levels that are indented where no width is given.
const INDENTED_LEVELS: u32 = 32;
/// Where call sites begin, counted from the names, where no width is given and names are longer.
const SITE_COLUMN: usize = 64;
/// Narrower terminals are not catered for: lines wrap there.
const NARROWEST: usize = 40;

/// The renderer.
pub(crate) struct Tree {
    options: Options,
    style: Palette,
    /// The day of the last graph.
    day: Option<Date>,
}

/// Where things stand in one graph.
struct Layout {
    /// Columns for names and sites together; `None` = as many as they take.
    room: Option<usize>,
    /// Columns that a site may claim from a long name.
    site_room: usize,
    /// Where sites begin, counted from the names.
    site_column: usize,
    indented_levels: u32,
}

/// One line of a block.
#[derive(Default)]
struct Row<'a> {
    duration_ns: Option<u64>,
    level: u32,
    name: Cow<'a, str>,
    name_style: Style,
    /// Before the arguments.
    open: &'a str,
    arguments: Option<&'a ValuesText<'a>>,
    after: &'a str,
    after_style: Style,
    results: Option<&'a ValuesText<'a>>,
    site: String,
}

/// What a call was given and gave back, as it is written.
#[derive(Default)]
struct CallText<'a> {
    arguments: Option<ValuesText<'a>>,
    results: Option<ValuesText<'a>>,
}

/// The texts of all calls; none at all where nothing is shown of any.
fn texts<'a>(graph: &Graph, symbols: &'a dyn Symbols) -> Vec<CallText<'a>> {
    let mut shown = graph
        .calls
        .iter()
        .map(|call| symbols.shown(graph.trace, call.function));
    if shown.all(|shown| shown.is_none()) {
        return Vec::new();
    }
    let text = |index| CallText {
        arguments: arguments(graph, index, symbols).map(ValuesText::new),
        results: results(graph, index, symbols).map(ValuesText::new),
    };
    (0..graph.calls.len()).map(text).collect()
}

impl Tree {
    pub(crate) fn new(options: Options) -> Self {
        let style = Palette::new(options.color);
        Self {
            options,
            style,
            day: None,
        }
    }

    fn layout(
        &self,
        graph: &Graph,
        symbols: &dyn Symbols,
        stack: &[Site],
        texts: &[CallText],
    ) -> Layout {
        let room = match self.options.width {
            Some(width) if !self.options.verbose => Some(width.max(NARROWEST) - LEAD),
            _ => None,
        };
        let mut layout = Layout {
            room,
            site_room: room.map_or(0, |room| (room * 2 / 5).min(28)),
            site_column: 0,
            indented_levels: room.map_or(INDENTED_LEVELS, |room| (room / 3 / INDENT) as u32),
        };
        let most = room.map_or(SITE_COLUMN, |room| room - layout.site_room - 2);
        let callers = stack
            .iter()
            .map(|site| columns(CALLER) + columns(&escape(&site.function)));
        let calls = graph.calls.iter().enumerate().map(|(index, call)| {
            let name = columns(&escape(symbols.function(call.function)));
            let (blanks, tag) = layout.indent(call.level);
            let leaf = is_leaf(graph, index);
            let values = texts.get(index).map_or(0, |text| {
                let results = text.results.as_ref().filter(|_| leaf);
                full_width(text.arguments.as_ref()) + full_width(results)
            });
            let around = columns(OPEN) + columns(entered(call.exit, leaf));
            blanks + tag.len() + name + around + values
        });
        layout.site_column = callers
            .chain(calls)
            .filter(|columns| *columns <= most)
            .max()
            .unwrap_or(most);
        layout
    }

    fn header(
        &mut self,
        out: &mut dyn Write,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()> {
        let Palette { dim, bold, .. } = self.style;
        let start = self
            .options
            .clock
            .zoned(graph.start_ns, &self.options.time_zone);
        match self.day {
            None => {}
            Some(day) => {
                writeln!(out)?;
                if day != start.date() {
                    writeln!(out, "{dim}── {} ──{dim:#}\n", start.date())?;
                }
            }
        }
        self.day = Some(start.date());
        let facts = format!(
            "{}  pid {}  goroutine {}",
            time_of_day(&start),
            graph.pid,
            graph.goroutine
        );
        let label = escape(symbols.trace_label(graph.trace));
        let around = columns("── ") + columns(&facts) + 2 + columns(" ──");
        let (label, fill) = match self.options.width {
            Some(width) => {
                let label = cut(&label, width.max(NARROWEST).saturating_sub(around));
                let fill = width.saturating_sub(around + columns(&label));
                (label, fill)
            }
            None => (label, 0),
        };
        writeln!(
            out,
            "{dim}──{dim:#} {facts}  {bold}{label}{bold:#} {dim}──{}{dim:#}",
            "─".repeat(fill)
        )?;
        for mark in
            incomplete(graph, symbols)
                .into_iter()
                .chain(not_shown(graph, symbols, &self.options))
        {
            writeln!(out, "{}{mark}{:#}", self.style.alarm, self.style.alarm)?;
        }
        Ok(())
    }

    fn row(&self, out: &mut dyn Write, layout: &Layout, row: &Row) -> io::Result<()> {
        let Palette { dim, .. } = self.style;
        match row.duration_ns {
            Some(ns) => {
                let mark = slow_mark(ns);
                let style = self.style.slow(mark);
                let text = duration(ns);
                let pad = 8usize.saturating_sub(columns(&text));
                write!(
                    out,
                    "{style}{mark} {:pad$}{text}{style:#} {dim}│{dim:#} ",
                    ""
                )?;
            }
            None => write!(out, "{:10} {dim}│{dim:#} ", "")?,
        }
        let (blanks, tag) = layout.indent(row.level);
        let fixed = blanks + tag.len() + columns(row.open) + columns(row.after);
        let site_width = columns(&row.site);
        let [name, arguments, results] = match layout.room {
            Some(room) => {
                let left = room.saturating_sub(fixed);
                let site = match site_width.min(layout.site_room) {
                    0 => 0,
                    columns => (2 + columns).min(left / 2),
                };
                row.fitting(left - site)
            }
            None => {
                let [arguments, results] = [row.arguments, row.results].map(full);
                [&row.name, arguments, results].map(Cow::Borrowed)
            }
        };
        write!(out, "{:blanks$}", "")?;
        let parts = [
            (dim, tag.as_str()),
            (row.name_style, &name),
            (row.name_style, row.open),
            (self.style.value, &arguments),
            (row.after_style, row.after),
            (self.style.value, &results),
        ];
        let mut parts = parts
            .into_iter()
            .filter(|(_, part)| !part.is_empty())
            .peekable();
        while let Some((style, part)) = parts.next() {
            write!(out, "{style}{part}")?;
            while let Some((_, part)) = parts.next_if(|(next, _)| *next == style) {
                write!(out, "{part}")?;
            }
            write!(out, "{style:#}")?;
        }
        if !row.site.is_empty() {
            let used = fixed + columns(&name) + columns(&arguments) + columns(&results);
            let mut gap = layout.site_column.saturating_sub(used) + 2;
            let site = match layout.room {
                Some(room) => {
                    let left = room.saturating_sub(used);
                    let site = shorten(&row.site, left.saturating_sub(2));
                    gap = gap.min(left.saturating_sub(columns(&site))).max(2);
                    site
                }
                None => Cow::Borrowed(row.site.as_str()),
            };
            write!(out, "{:gap$}{dim}{site}{dim:#}", "")?;
        }
        writeln!(out)
    }

    fn site(&self, site: &Site, address: u64) -> String {
        let Site {
            function,
            offset,
            file,
            short_file,
            line,
        } = site;
        let text = match (self.options.verbose, file.is_empty(), function.is_empty()) {
            (true, false, false) => format!("{function}+{offset} {file}:{line}"),
            (false, false, _) if !short_file.is_empty() => format!("{short_file}:{line}"),
            (_, false, _) => format!("{file}:{line}"),
            (_, true, false) => format!("{function}+{offset}"),
            (_, true, true) => format!("0x{address:x}"),
        };
        escaped(text)
    }

    fn exit_style(&self, exit: Exit, returned: Style) -> Style {
        if exit == Exit::Return {
            returned
        } else {
            self.style.cut
        }
    }

    /// Where a call left its function; only verbose output tells.
    fn left_at(&self, call: &Call, symbols: &dyn Symbols) -> Option<String> {
        let offset = call.return_offset.filter(|_| self.options.verbose)?;
        let Site { file, line, .. } = symbols.return_site(call.function, offset);
        let text = if file.is_empty() {
            format!("→ +{offset}")
        } else {
            format!("→ +{offset} {file}:{line}")
        };
        Some(escaped(text))
    }
}

impl Row<'_> {
    /// Name, arguments and results in this many columns.
    fn fitting(&self, room: usize) -> [Cow<'_, str>; 3] {
        let values = full_width(self.arguments) + full_width(self.results);
        let name = shorten(&self.name, (room / 2).max(room.saturating_sub(values)));
        let room = room.saturating_sub(columns(&name));
        let [arguments, results] = fitting([self.arguments, self.results], room);
        [name, arguments, results]
    }
}

/// Stands before the target's callers.
const CALLER: &str = "↓ ";

impl Renderer for Tree {
    fn graph(
        &mut self,
        out: &mut dyn Write,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()> {
        self.header(out, graph, symbols)?;
        let stack: Vec<Site> = graph
            .stack
            .iter()
            .map(|address| symbols.call_site(graph, *address))
            .collect();
        let texts = texts(graph, symbols);
        let layout = self.layout(graph, symbols, &stack, &texts);
        let nothing = CallText::default();
        let text = |index: usize| texts.get(index).unwrap_or(&nothing);

        if let Some(beyond) = beyond_stack(graph, symbols) {
            let row = Row {
                name: Cow::Owned(format!("{CALLER}({beyond})")),
                name_style: self.style.dim,
                ..Row::default()
            };
            self.row(out, &layout, &row)?;
        }
        for (site, address) in stack.iter().zip(&graph.stack).rev() {
            let function = if site.function.is_empty() {
                "?"
            } else {
                &site.function
            };
            let name = Cow::Owned(format!("{CALLER}{}", escape(function)));
            let row = Row {
                name,
                name_style: self.style.dim,
                site: self.site(site, *address),
                ..Row::default()
            };
            self.row(out, &layout, &row)?;
        }
        for step in graph.events() {
            match step {
                Step::Enter(index) => {
                    let Some(call) = graph.calls.get(index) else {
                        continue;
                    };
                    let mut site =
                        self.site(&symbols.call_site(graph, call.caller_pc), call.caller_pc);
                    let leaf = is_leaf(graph, index);
                    if leaf && let Some(left_at) = self.left_at(call, symbols) {
                        site = format!("{site} {left_at}");
                    }
                    let style = self.exit_style(call.exit, Style::new());
                    let CallText { arguments, results } = text(index);
                    let row = Row {
                        duration_ns: Some(call.net_ns()),
                        level: call.level,
                        name: escape(symbols.function(call.function)),
                        name_style: style,
                        open: OPEN,
                        arguments: arguments.as_ref(),
                        after: entered(call.exit, leaf),
                        after_style: style,
                        results: results.as_ref().filter(|_| leaf),
                        site,
                    };
                    self.row(out, &layout, &row)?;
                    if call.missing > 0 {
                        let missing = counted(u64::from(call.missing), "deeper call");
                        let row = Row {
                            level: call.level + 1,
                            name: Cow::Owned(format!("! {missing} not stored")),
                            name_style: self.style.alarm,
                            ..Row::default()
                        };
                        self.row(out, &layout, &row)?;
                    }
                }
                Step::Leave(index) if !is_leaf(graph, index) => {
                    let Some(call) = graph.calls.get(index) else {
                        continue;
                    };
                    let after = match call.exit {
                        Exit::Return => "}",
                        Exit::Unwound => "} ⟂ unwound",
                        Exit::Open => "} … still open",
                        Exit::Exec => "} … cut off by an exec",
                    };
                    let site = self.left_at(call, symbols).unwrap_or_default();
                    let after_style = self.exit_style(call.exit, self.style.dim);
                    let row = Row {
                        level: call.level,
                        after,
                        after_style,
                        results: text(index).results.as_ref(),
                        site,
                        ..Row::default()
                    };
                    self.row(out, &layout, &row)?;
                }
                Step::Leave(_) => {}
            }
        }
        Ok(())
    }

    fn line(
        &mut self,
        out: &mut dyn Write,
        template: &Template,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()> {
        writeln!(out, "{}", line(template, graph, symbols))
    }

    fn text(&mut self, out: &mut dyn Write, text: &str, _: u64) -> io::Result<()> {
        writeln!(out, "{text}")
    }

    fn aggregated(
        &mut self,
        out: &mut dyn Write,
        aggregated: &Aggregated<'_>,
        _: u64,
    ) -> io::Result<()> {
        let style = Palette::new(self.options.color);
        aggregate::table::write(out, aggregated, &style, self.options.width)
    }

    fn end(&mut self, out: &mut dyn Write, totals: &Totals) -> io::Result<()> {
        if self.day.is_some() {
            writeln!(out)?;
        }
        write_summary(out, totals, self.options.color)
    }
}

impl Layout {
    /// Blanks before a call of this level, and its level in digits where blanks no longer tell.
    fn indent(&self, level: u32) -> (usize, String) {
        let blanks = level.min(self.indented_levels) as usize * INDENT;
        let tag = if level > self.indented_levels {
            format!("[{level}] ")
        } else {
            String::new()
        };
        (blanks, tag)
    }
}

/// What stands between a call's name and its arguments.
const OPEN: &str = "(";

/// What stands after its arguments where a call begins.
fn entered(exit: Exit, leaf: bool) -> &'static str {
    match (exit, leaf) {
        (Exit::Return, false) => ") {",
        (Exit::Return, true) => ")",
        (Exit::Unwound, false) => ") ⟂ {",
        (Exit::Unwound, true) => ") ⟂ unwound",
        (Exit::Open | Exit::Exec, false) => ") … {",
        (Exit::Open, true) => ") … still open",
        (Exit::Exec, true) => ") … cut off by an exec",
    }
}

/// Nothing is shown inside the call, so that it takes one line.
fn is_leaf(graph: &Graph, index: usize) -> bool {
    let level = |index: usize| graph.calls.get(index).map(|call| call.level);
    level(index + 1) <= level(index) && graph.calls.get(index).is_none_or(|call| call.missing == 0)
}
