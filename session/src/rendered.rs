//! A sink that writes text or JSON.

use std::io::{self, Write};

use anyhow::Context;
use compiler::plan::Template;
use graph::{Graph, Totals};
use render::{Aggregated, Clock, Format, Options, Renderer, Symbols, TimeZone};

use crate::Sink;

/// Where a session's results and words are written.
pub struct Streams {
    /// Graphs, and what stands with them.
    pub graphs: Box<dyn Write>,
    /// Words for people. That they cannot be written is passed over.
    pub people: Box<dyn Write>,
    /// The words are in colour.
    pub color_people: bool,
}

/// Renders to streams.
pub struct Rendered {
    streams: Streams,
    renderer: Box<dyn Renderer>,
    clock: Clock,
    closed: bool,
    totals_for_people: bool,
}

impl Rendered {
    /// Writes in a format. What a program reads ends with the totals, which people are told otherwise.
    #[must_use]
    pub fn new(
        format: Format,
        (color, width, verbose): (bool, Option<usize>, bool),
        streams: Streams,
    ) -> Self {
        let clock = Clock::new(runtime::realtime_minus_monotonic_ns());
        let totals_for_people = format != Format::Json;
        let options = Options {
            color,
            width,
            verbose,
            clock: clock.clone(),
            time_zone: TimeZone::system(),
        };
        Self {
            streams,
            renderer: render::renderer(format, options),
            clock,
            closed: false,
            totals_for_people,
        }
    }

    /// Somebody may have set the clock on the wall.
    fn follow_clock(&self) {
        self.clock.follow(runtime::realtime_minus_monotonic_ns());
    }

    /// A reader that goes away (`| head`) ends the session; it is no failure.
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

impl Sink for Rendered {
    fn graph(
        &mut self,
        graph: &Graph,
        line: Option<&Template>,
        symbols: &dyn Symbols,
    ) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.follow_clock();
        let (renderer, stream) = (&mut self.renderer, &mut self.streams.graphs);
        let result = match line {
            Some(line) => renderer.line(stream, line, graph, symbols),
            None => renderer.graph(stream, graph, symbols),
        };
        self.check(result)
    }

    fn text(&mut self, text: &str, now_ns: u64) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.follow_clock();
        let result = self.renderer.text(&mut self.streams.graphs, text, now_ns);
        self.check(result)
    }

    fn aggregated(&mut self, aggregated: &Aggregated<'_>, now_ns: u64) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.follow_clock();
        let (renderer, stream) = (&mut self.renderer, &mut self.streams.graphs);
        let result = renderer.aggregated(stream, aggregated, now_ns);
        self.check(result)
    }

    fn notice(&mut self, text: &str) {
        let _ = self.streams.people.write_fmt(format_args!("{text}\n"));
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let result = self.streams.graphs.flush();
        self.check(result)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn end(&mut self, totals: &Totals) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        let graphs = &mut self.streams.graphs;
        let result = if self.totals_for_people {
            let flushed = graphs.flush();
            let people = &mut self.streams.people;
            let _ = render::write_summary(people, totals, self.streams.color_people);
            flushed
        } else {
            let ended = self.renderer.end(graphs, totals);
            ended.and_then(|()| graphs.flush())
        };
        self.check(result)
    }
}
