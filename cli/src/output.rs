//! Where graphs go, and in which format.

use std::{
    fs::File,
    io::{self, BufWriter, Write, stdout},
};

use anyhow::Context;
use compiler::plan::Template;
use graph::{Graph, Totals};
use render::{Aggregated, Clock, Options, Renderer, Symbols, TimeZone};

use crate::{
    args::{Format, How},
    compensation::Compensation,
    terminal,
};

/// A renderer and the stream that it writes to.
pub struct Output {
    stream: Box<dyn Write>,
    renderer: Box<dyn Renderer>,
    clock: Clock,
    compensation: Option<Compensation>,
    /// What has been taken out of the durations of target calls.
    probe_ns: u64,
    /// Calls whose values were lost, and those for whose values there was no room.
    lost_values: u64,
    values_full: u64,
    limit: u64,
    written: u64,
    closed: bool,
    end_on_stderr: bool,
    color_stderr: bool,
}

impl Output {
    /// Opens the output that the command line asks for.
    pub fn open(how: &How, format: Format) -> anyhow::Result<Self> {
        let (stream, color, width): (Box<dyn Write>, bool, Option<usize>) = match &how.output {
            Some(path) => {
                let file = File::create(path)
                    .with_context(|| format!("cannot write {}", terminal::shown(path)))?;
                (
                    Box::new(file),
                    how.color == crate::args::Color::Always,
                    None,
                )
            }
            None => (
                Box::new(stdout()),
                terminal::use_color(how.color, &stdout()),
                terminal::width(),
            ),
        };
        let end_on_stderr = format != Format::Json;
        let format = match format {
            Format::Graph => render::Format::Graph,
            Format::Classic => render::Format::Classic,
            Format::Json => render::Format::Json,
        };
        let clock = Clock::new(runtime::realtime_minus_monotonic_ns());
        let options = Options {
            color,
            width,
            verbose: how.verbose || how.debug,
            clock: clock.clone(),
            time_zone: TimeZone::system(),
        };
        Ok(Self {
            stream: Box::new(BufWriter::new(stream)),
            renderer: render::renderer(format, options),
            clock,
            compensation: None,
            probe_ns: 0,
            lost_values: 0,
            values_full: 0,
            limit: how.limit.unwrap_or(u64::MAX),
            written: 0,
            closed: false,
            end_on_stderr,
            color_stderr: terminal::use_color(how.color, &io::stderr()),
        })
    }

    /// From now on, durations are written without the probes' own time.
    pub fn compensate(&mut self, compensation: Compensation) {
        self.compensation = Some(compensation);
    }

    /// Writes a graph, or the line that stands for it, unless there have been enough.
    pub fn graph(
        &mut self,
        mut graph: Graph,
        line: Option<&Template>,
        symbols: &dyn Symbols,
    ) -> anyhow::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.follow_clock();
        self.written += 1;
        if let Some(compensation) = &self.compensation {
            compensation.apply(&mut graph);
            let taken = graph.root().map_or(0, |call| call.probe_ns);
            self.probe_ns = self.probe_ns.saturating_add(taken);
        }
        let lost = if graph.no_room {
            &mut self.values_full
        } else {
            &mut self.lost_values
        };
        *lost += render::calls_without_values(&graph, symbols);
        let (renderer, stream) = (&mut self.renderer, &mut self.stream);
        let result = match line {
            Some(line) => renderer.line(stream, line, &graph, symbols),
            None => renderer.graph(stream, &graph, symbols),
        };
        self.check(result)
    }

    /// Writes a text of a hook.
    pub fn text(&mut self, text: &str, now_ns: u64) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.follow_clock();
        let result = self.renderer.text(&mut self.stream, text, now_ns);
        self.check(result)
    }

    /// Writes what an aggregation has come to.
    pub fn aggregated(&mut self, aggregated: &Aggregated<'_>, now_ns: u64) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.follow_clock();
        let (renderer, stream) = (&mut self.renderer, &mut self.stream);
        let result = renderer.aggregated(stream, aggregated, now_ns);
        self.check(result)
    }

    /// The time of day.
    pub fn time_of_day(&self, now_ns: u64) -> String {
        self.follow_clock();
        self.clock.time_of_day(now_ns, &TimeZone::system())
    }

    /// Somebody may have set the clock on the wall.
    fn follow_clock(&self) {
        self.clock.follow(runtime::realtime_minus_monotonic_ns());
    }

    /// Shows what has been written so far.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        let result = self.stream.flush();
        self.check(result)
    }

    /// Writes the totals: results that a program reads go to the stream, words for people to stderr.
    ///
    /// Graphs are those written, or those kept where some are only `counted`.
    pub fn end(&mut self, totals: Totals, counted: bool) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        let totals = Totals {
            graphs: if counted { totals.graphs } else { self.written },
            probe_ns: self.compensation.is_some().then_some(self.probe_ns),
            lost_values: self.lost_values,
            values_full: totals.values_full + self.values_full,
            ..totals
        };
        let result = if self.end_on_stderr {
            let flushed = self.stream.flush();
            // Like every word on stderr: whether anybody reads it is no concern of the trace.
            let _ = render::write_summary(&mut io::stderr().lock(), &totals, self.color_stderr);
            flushed
        } else {
            self.renderer
                .end(&mut self.stream, &totals)
                .and_then(|()| self.stream.flush())
        };
        self.check(result)
    }

    /// No more graphs are wanted: `--limit` is reached, or the reader has gone.
    pub fn is_full(&self) -> bool {
        self.closed || self.written >= self.limit
    }

    /// A reader that goes away (`| head`) ends the trace; it is no failure.
    fn check(&mut self, result: io::Result<()>) -> anyhow::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result.context("cannot write the graphs"),
        }
    }
}
