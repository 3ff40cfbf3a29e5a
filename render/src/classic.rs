//! `--format classic`: the layout of the original system, a line for each entry and each return.
//!
//! ```text
//! 18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/lib/go/src/net/http/server.go:2122
//! 18 16:21:55.6099 000.3546  } main.handleBar+192 /src/main.go:20
//! ```
//!
//! Fields: day of the month and time of day, cut to 0.1 ms; on return the duration in seconds; two blanks for each level; on entry
//! the function and its call site, on return the function with the offset of the instruction through which it left, and that
//! instruction's line, `?:?` where it is not known. A blank line goes before each graph. From level 200 on the blanks grow no more,
//! so that the output of deep recursion stays linear.
//!
//! Arguments stand between the parentheses, results at the end of the return's line, after ` = `.
//!
//! What the original did not know is written so: a call that did not return ends in `} main.f unwound` or `} main.f open`; calls too
//! deep to be stored are `! 12 deeper calls not stored` at their place; the target's callers stand before it, outermost first, as
//! `main.caller+85 /src/main.go:40`; a graph that is not complete ends with a line `! incomplete: …` or `! not shown: …`. An address without a name is
//! written as `0x…`.

use std::io::{self, Write};

use compiler::plan::Template;
use graph::{Call, Exit, Graph, Step, Totals};

use crate::{
    Aggregated, Options, Renderer, Site, Symbols, aggregate, beyond_stack,
    printed::line,
    style::Palette,
    summary::{counted, incomplete, not_shown, write_summary},
    text::{escape, escaped},
    values::{arguments, results},
};

/// The renderer.
pub(crate) struct Classic {
    options: Options,
    /// The second last written: since the epoch, and as text.
    second: (Option<i64>, String),
}

impl Classic {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            second: (None, String::new()),
        }
    }

    /// The fields before the text; `at_ns` counts from the graph's start.
    fn fields(
        &mut self,
        out: &mut dyn Write,
        graph: &Graph,
        at_ns: u64,
        took_ns: Option<u64>,
        level: u32,
    ) -> io::Result<()> {
        let at = self
            .options
            .clock
            .wall(graph.start_ns.saturating_add(at_ns));
        if self.second.0 != Some(at.as_second()) {
            let time = at.to_zoned(self.options.time_zone.clone());
            let (day, hour, minute, second) =
                (time.day(), time.hour(), time.minute(), time.second());
            let text = format!("{day:02} {hour:02}:{minute:02}:{second:02}");
            self.second = (Some(at.as_second()), text);
        }
        let fraction = at.subsec_nanosecond() / 100_000;
        write!(out, "{}.{fraction:04} ", self.second.1)?;
        match took_ns {
            Some(ns) => {
                let tenths = ns / 100_000 + u64::from(ns % 100_000 >= 50_000);
                write!(out, "{:03}.{:04}", tenths / 10_000, tenths % 10_000)?;
            }
            None => write!(out, "{:8}", "")?,
        }
        // Ten thousand nested levels would make the blanks quadratic.
        let blanks = level.min(MOST_INDENTED) as usize * 2;
        write!(out, "  {:blanks$}", "")
    }
}

/// Deeper calls are not indented further.
const MOST_INDENTED: u32 = 200;

impl Renderer for Classic {
    fn graph(
        &mut self,
        out: &mut dyn Write,
        graph: &Graph,
        symbols: &dyn Symbols,
    ) -> io::Result<()> {
        writeln!(out)?;
        if let Some(beyond) = beyond_stack(graph, symbols) {
            self.fields(out, graph, 0, None, 0)?;
            writeln!(out, "({beyond}) {}", source_line("", 0))?;
        }
        for address in graph.stack.iter().rev() {
            self.fields(out, graph, 0, None, 0)?;
            writeln!(
                out,
                "{}",
                place(&symbols.call_site(graph, *address), *address)
            )?;
        }
        let mut last_ns = 0;
        for step in graph.events() {
            let (Step::Enter(index) | Step::Leave(index)) = step;
            let Some(call) = graph.calls.get(index) else {
                continue;
            };
            let function = escape(symbols.function(call.function));
            if let Step::Enter(_) = step {
                self.fields(out, graph, call.start_ns, None, call.level)?;
                let arguments = arguments(graph, index, symbols)
                    .map(|values| values.text())
                    .unwrap_or_default();
                writeln!(
                    out,
                    "{function}({arguments}) {{ {}",
                    place(&symbols.call_site(graph, call.caller_pc), call.caller_pc)
                )?;
                if call.missing > 0 {
                    self.fields(out, graph, call.start_ns, None, call.level + 1)?;
                    writeln!(
                        out,
                        "! {} not stored",
                        counted(u64::from(call.missing), "deeper call")
                    )?;
                }
            } else {
                last_ns = call.end_ns();
                self.fields(out, graph, last_ns, Some(call.net_ns()), call.level)?;
                let results = results(graph, index, symbols)
                    .map(|values| values.text())
                    .unwrap_or_default();
                writeln!(out, "}} {function}{}{results}", leaving(call, symbols))?;
            }
        }
        for mark in
            incomplete(graph, symbols)
                .into_iter()
                .chain(not_shown(graph, symbols, &self.options))
        {
            self.fields(out, graph, last_ns, None, 0)?;
            writeln!(out, "{mark}")?;
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
        write_summary(out, totals, self.options.color)
    }
}

fn place(site: &Site, address: u64) -> String {
    let Site {
        function,
        offset,
        file,
        line,
        ..
    } = site;
    let line = source_line(file, *line);
    if function.is_empty() {
        format!("0x{address:x} {line}")
    } else {
        format!("{} {line}", escaped(format!("{function}+{offset}")))
    }
}

/// The last field of a line.
fn source_line(file: &str, line: u32) -> String {
    if file.is_empty() {
        "?:?".to_owned()
    } else {
        format!("{}:{line}", escape(file))
    }
}

/// What stands after the function's name when it ends.
fn leaving(call: &Call, symbols: &dyn Symbols) -> String {
    match (call.exit, call.return_offset) {
        (Exit::Unwound, _) => " unwound".to_owned(),
        (Exit::Open, _) => " open".to_owned(),
        (Exit::Exec, _) => " exec".to_owned(),
        (Exit::Return, None) => String::new(),
        (Exit::Return, Some(offset)) => {
            let Site { file, line, .. } = symbols.return_site(call.function, offset);
            format!("+{offset} {}", source_line(&file, line))
        }
    }
}
