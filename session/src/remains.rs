//! From records to the sink: finished graphs, and what is left of calls when their goroutines send nothing any more.

use std::{collections::HashMap, time::Duration};

use anyhow::bail;
use graph::{Exit, Graph};
use runtime::{Ended, GoroutineKey, OpenGoroutine, ProcessEnd, monotonic_ns};

use crate::Session;

impl Session<'_> {
    /// Draws a graph, unless it is only counted, or came after the one that ended its trace.
    pub(crate) fn draw(&mut self, mut graph: Graph) -> anyhow::Result<()> {
        if self.until.contains(&graph.trace) {
            return Ok(());
        }
        if graph.until {
            self.until.insert(graph.trace);
            self.source.detach_trace(graph.trace as usize);
        }
        let trace = self.plan.traces.get(graph.trace as usize);
        if trace.is_some_and(|trace| trace.keeps_graphs) {
            return Ok(());
        }
        if self.is_full() {
            return Ok(());
        }
        self.shown += 1;
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
        *lost += render::calls_without_values(&graph, self.names);
        let line = trace.and_then(|trace| trace.print.as_ref());
        self.sink.graph(&graph, line, self.names)
    }

    /// Reads what the ring buffer holds and draws what is finished.
    pub(crate) fn drain(&mut self, timeout: Duration) -> anyhow::Result<usize> {
        let mut graphs = Vec::new();
        let mut malformed = None;
        let builder = &mut self.builder;
        let records = self
            .source
            .poll(timeout, &mut |bytes| match builder.record(bytes) {
                Ok(graph) => graphs.extend(graph),
                Err(error) => malformed = Some(error),
            })?;
        if let Some(error) = malformed {
            bail!("the probe program sent data that cannot be read: {error}");
        }
        for graph in graphs {
            self.draw(graph)?;
        }
        Ok(records)
    }

    /// Draws what has been sent up to now, while others may go on sending.
    pub(crate) fn drain_what_waits(&mut self) -> anyhow::Result<()> {
        let mut records = 0;
        while records < self.source.most_waiting() {
            match self.drain(Duration::ZERO)? {
                0 => break,
                more => records += more,
            }
        }
        Ok(())
    }

    /// Draws what processes had open when they ended, or became another program, and frees their state.
    pub(crate) fn look_after_processes(&mut self) -> anyhow::Result<()> {
        let ended = self.source.ended_processes();
        if ended.is_empty() {
            return Ok(());
        }
        self.drain_what_waits()?;
        let of_ended: HashMap<(u32, u64), Ended> = ended
            .into_iter()
            .map(|ended| ((ended.pid, ended.image), ended))
            .collect();
        let of = |key: &GoroutineKey| of_ended.get(&(key.tgid, key.image));
        self.draw_rest(|key| of(key).is_some(), of)
    }

    /// Draws what is left of goroutines that send nothing any more, and frees their state.
    pub(crate) fn draw_rest<'e>(
        &mut self,
        is_one: impl Fn(&GoroutineKey) -> bool,
        ended: impl Fn(&GoroutineKey) -> Option<&'e Ended>,
    ) -> anyhow::Result<()> {
        let open = self.source.open_goroutines(&is_one);
        self.draw_open(&open, ended)?;
        for graph in self.builder.gone(is_one) {
            self.draw(graph)?;
        }
        self.source.forget(&open);
        Ok(())
    }

    /// Draws goroutines that are still in a graph: until their trace ended, or before that their processes did.
    pub(crate) fn draw_open<'e>(
        &mut self,
        open: &[OpenGoroutine],
        ended: impl Fn(&GoroutineKey) -> Option<&'e Ended>,
    ) -> anyhow::Result<()> {
        for goroutine in open {
            let ended = ended(&goroutine.key);
            let now = ended.map(|ended| ended.at_ns).into_iter();
            let now = now.chain(self.source.ended_ns(goroutine.key.trace as usize));
            let now = now.min().unwrap_or_else(monotonic_ns);
            let exit = match ended.map(|ended| ended.how) {
                Some(ProcessEnd::Exec) => Exit::Exec,
                Some(ProcessEnd::Exit) | None => Exit::Open,
            };
            let Some(graph) = self.builder.open(
                &goroutine.key,
                &goroutine.state,
                &goroutine.deep,
                goroutine.values.as_deref(),
                now,
                exit,
            ) else {
                continue;
            };
            let trace = self.plan.traces.get(graph.trace as usize);
            let cut_off = u64::from(exit == Exit::Exec);
            if trace.is_some_and(|trace| trace.keeps_graphs || trace.print.is_some()) {
                self.cut_off += cut_off;
            } else if self.is_wanted(&graph, now) {
                self.cut_off += cut_off;
                let shown = self.shown;
                self.draw(graph)?;
                self.open_shown += self.shown - shown;
            } else {
                self.open_unwanted += 1;
            }
        }
        Ok(())
    }

    /// Whether a call that is still open can be shown: it has lasted as long as `min` asks for, and `limit` leaves room for it.
    pub(crate) fn is_wanted(&mut self, graph: &Graph, now: u64) -> bool {
        let Some(trace) = self.plan.traces.get(graph.trace as usize) else {
            return true;
        };
        let lasted = u128::from(now.saturating_sub(graph.start_ns));
        if trace.filter.min.is_some_and(|min| lasted < min.as_nanos()) {
            return false;
        }
        let (Some(limit), None) = (trace.filter.limit, trace.filter.limit_per) else {
            return true;
        };
        let open = self.open_drawn.entry(graph.trace).or_insert(0);
        if self.source.kept(graph.trace) + *open >= limit {
            return false;
        }
        *open += 1;
        true
    }
}
