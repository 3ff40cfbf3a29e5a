//! The loop of a running trace, from its first look to its totals.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use compiler::{Plan, escape_path};
use graph::{Builder, Cost, Totals};

use crate::{Compensation, Names, Overhead, Sink, Source, Surroundings, hooks::Hooks};

/// How long a record may wait before it is drawn. The probe program wakes the reader earlier when much waits.
const POLL: Duration = Duration::from_millis(25);
/// How often processes are looked after.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// What ends a session from outside.
pub struct Until<'u> {
    /// It has been asked to end.
    pub stop: &'u dyn Fn() -> bool,
    /// It has run so long.
    pub duration: Option<Duration>,
    /// The one process that it is about has ended.
    pub has_ended: &'u mut dyn FnMut() -> bool,
}

/// A plan on its way from a source to a sink.
pub struct Session<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) source: &'a mut dyn Source,
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) names: &'a dyn Names,
    pub(crate) builder: Builder,
    started: Instant,
    /// Graphs wanted.
    limit: Option<u64>,
    /// Graphs that the sink has got.
    pub(crate) shown: u64,
    /// Of these, calls that were still open.
    pub(crate) open_shown: u64,
    /// What has been taken out of the durations of target calls.
    pub(crate) probe_ns: u64,
    /// Calls whose values were lost, and those for whose values there was no room.
    pub(crate) lost_values: u64,
    pub(crate) values_full: u64,
    /// Open calls drawn, for each trace.
    pub(crate) open_drawn: HashMap<u32, u64>,
    /// Open calls that `min` or `limit` left out.
    pub(crate) open_unwanted: u64,
    /// Graphs that an exec ended.
    pub(crate) cut_off: u64,
    /// Traces that `until` has ended.
    pub(crate) until: HashSet<u32>,
    /// Traces that have ended, and whose open calls have been drawn.
    ended: HashSet<usize>,
    hooks: Hooks<'a>,
    pub(crate) compensation: Option<Compensation>,
    overhead: Option<Overhead>,
    surroundings: Option<Surroundings>,
    notices: Vec<String>,
}

impl<'a> Session<'a> {
    /// Of a source whose probes are there, from now on.
    pub fn new(
        plan: &'a Plan,
        source: &'a mut dyn Source,
        names: &'a dyn Names,
        sink: &'a mut dyn Sink,
    ) -> Self {
        let started = Instant::now();
        Self {
            plan,
            source,
            sink,
            names,
            builder: Builder::new(),
            started,
            limit: None,
            shown: 0,
            open_shown: 0,
            probe_ns: 0,
            lost_values: 0,
            values_full: 0,
            open_drawn: HashMap::new(),
            open_unwanted: 0,
            cut_off: 0,
            until: HashSet::new(),
            ended: HashSet::new(),
            hooks: Hooks::new(plan, started),
            compensation: None,
            overhead: None,
            surroundings: None,
            notices: Vec::new(),
        }
    }

    /// Ends after so many graphs.
    #[must_use]
    pub fn limited(mut self, limit: Option<u64>) -> Self {
        self.limit = limit;
        self
    }

    /// Durations are told without the probes' own time.
    #[must_use]
    pub fn compensated(mut self, compensation: Option<Compensation>) -> Self {
        self.compensation = compensation;
        self
    }

    /// What the probes cost is told, and held to the plan's budget.
    #[must_use]
    pub fn budgeted(mut self, overhead: Overhead) -> Self {
        self.overhead = Some(overhead);
        self
    }

    /// What happens to the traced file and its processes is looked after.
    #[must_use]
    pub fn within(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = Some(surroundings);
        self
    }

    /// Tracing begins.
    ///
    /// # Errors
    /// The source or the sink fails.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        self.hooks.begin(self.source, self.sink, self.names)
    }

    /// Takes graphs to the sink until something ends the session, which [`Self::close`] has to follow.
    ///
    /// # Errors
    /// The source or the sink fails.
    pub fn follow(&mut self, until: &mut Until<'_>) -> anyhow::Result<()> {
        let ended = self.follow_quietly(until);
        self.tell();
        ended
    }

    fn follow_quietly(&mut self, until: &mut Until<'_>) -> anyhow::Result<()> {
        let mut looked_after = Instant::now();
        loop {
            self.tell();
            if let Some(overhead) = &mut self.overhead {
                overhead.tend(self.source, &mut self.builder, &mut self.notices)?;
            }
            let records = self.drain(POLL)?;
            self.sink.flush()?;
            self.hooks.tend(self.source, self.sink, self.names)?;
            let elapsed = self.started.elapsed();
            self.end_traces(elapsed)?;
            if self.source.is_written() {
                self.notices.push(format!(
                    "{} is being written to, or was opened for that, so its probes were removed; start again when that is done",
                    escape_path(&self.plan.executable)
                ));
                return Ok(());
            }
            if (until.stop)()
                || until.duration.is_some_and(|d| elapsed >= d)
                || self.is_full()
                || self.are_enough()
                || !self.source.is_attached()
            {
                return Ok(());
            }
            if (until.has_ended)() {
                return self.tell_end();
            }
            if records > 0 && looked_after.elapsed() < LOOK_AFTER * 4
                || looked_after.elapsed() < LOOK_AFTER
            {
                continue;
            }
            looked_after = Instant::now();
            self.look_after_processes()?;
            if let Some(surroundings) = &mut self.surroundings {
                surroundings.tend(self.source, &mut self.notices);
            }
        }
    }

    /// No more graphs are wanted, or nobody takes them.
    pub(crate) fn is_full(&self) -> bool {
        self.sink.is_closed() || self.limit.is_some_and(|limit| self.shown >= limit)
    }

    /// The process has ended, which may have come and gone between two looks.
    fn tell_end(&mut self) -> anyhow::Result<()> {
        let hits = self.source.hits()?;
        let hit = hits.iter().any(|hits| hits.emulated + hits.stepped > 0);
        match &mut self.surroundings {
            Some(surroundings) => surroundings.tell_end(hit, &mut self.notices),
            None => self.notices.push("the process has ended".to_owned()),
        }
        Ok(())
    }

    /// Passes on what there is to be said.
    fn tell(&mut self) {
        for notice in self.notices.drain(..) {
            self.sink.notice(&notice);
        }
    }

    /// Have as many graphs been kept as are wanted, where some are only counted?
    fn are_enough(&self) -> bool {
        let Some(limit) = self.limit.filter(|_| self.counts()) else {
            return false;
        };
        Totals::from_counters(&self.source.counters(), 0.0).graphs >= limit
    }

    /// Does any trace only count?
    fn counts(&self) -> bool {
        self.plan.traces.iter().any(|trace| trace.keeps_graphs)
    }

    /// Takes away the traces whose `for` is over or whose `limit` is reached. Of those, and of others that have lost their probes, the calls
    /// that are open are drawn while the rest goes on.
    fn end_traces(&mut self, elapsed: Duration) -> anyhow::Result<()> {
        for (index, trace) in self.plan.traces.iter().enumerate() {
            let over = trace.duration.is_some_and(|d| elapsed >= d);
            let reached = trace.filter.limit_per.is_none()
                && trace
                    .filter
                    .limit
                    .is_some_and(|limit| self.source.kept(index as u32) >= limit);
            if over || reached {
                self.source.detach_trace(index);
            }
            if !self.source.has_probes(index) && self.ended.insert(index) {
                // Before, they may have ended with their processes.
                self.look_after_processes()?;
                self.drain_what_waits()?;
                self.draw_rest(|key| key.trace as usize == index, |_| None)?;
            }
        }
        Ok(())
    }

    /// Names of the functions whose probes were taken away for the budget's sake.
    fn dropped_functions(&self) -> Vec<String> {
        let dropped = self.builder.dropped_functions();
        let planned = dropped
            .iter()
            .map(|id| self.plan.functions.get(*id as usize));
        planned.flatten().map(|f| f.name.clone()).collect()
    }

    /// Lets go of the target first, then takes what is left to the sink: finished graphs, calls still open, totals.
    ///
    /// # Errors
    /// The source or the sink fails. The target has been let go of all the same.
    pub fn close(&mut self) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.look_again(self.source, &mut self.notices);
            self.tell();
        }
        self.source.detach();
        let cost = match &mut self.overhead {
            Some(overhead) => {
                let spent = overhead.finish(self.source)?;
                Some(Cost {
                    emulated_hits: spent.emulated,
                    stepped_hits: spent.stepped,
                    seconds: spent.ns / 1e9,
                    measured: overhead.is_measured(),
                })
            }
            None => None,
        };
        while self.drain(Duration::ZERO)? > 0 {}
        self.look_after_processes()?;
        self.draw_rest(|_| true, |_| None)?;
        self.hooks.end(self.source, self.sink, self.names)?;
        let totals = Totals::from_counters(&self.source.counters(), seconds);
        let counted = totals.graphs + self.open_shown;
        let totals = Totals {
            graphs: if self.counts() { counted } else { self.shown },
            filtered: totals.filtered + self.open_unwanted,
            stale: self.cut_off,
            dropped_calls: self.builder.dropped_calls(),
            dropped_functions: self.dropped_functions(),
            probe_ns: self.compensation.is_some().then_some(self.probe_ns),
            lost_values: self.lost_values,
            values_full: totals.values_full + self.values_full,
            cost,
            ..totals
        };
        self.sink.end(&totals)
    }
}
