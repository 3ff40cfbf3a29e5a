//! The trace itself: attach, read, draw, let go.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::bail;
use compiler::plan::Plan;
use graph::{Builder, Cost, Exit, Graph, Totals};
use runtime::{
    Calibration, Ended, GoroutineKey, Kernel, Launched, ProcessEnd, Running, Tracer, monotonic_ns,
};

use crate::{
    announce::{announce, progress},
    args::{Color, How, What},
    compensation::Compensation,
    failure::{self, Usage, WrongProgram},
    hindrances::Hindrances,
    hints,
    hooks::Hooks,
    load::{self, Loaded},
    loading::Loading,
    output::Output,
    overhead::Overhead,
    prices,
    request::{Request, Target},
    started::Started,
    stop::Stop,
    symbols::BinarySymbols,
    terminal::{say, shown},
};

/// How long a record may wait before it is drawn. The probe program wakes the reader earlier when much waits.
const POLL: Duration = Duration::from_millis(25);
/// How often processes are looked after.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// Runs the trace that the command line asks for.
pub fn run(what: &What, how: &How) -> anyhow::Result<()> {
    failure::enough_memory()?;
    let stop = Stop::on_signals()?;
    let request = Request::new(what)?;
    let format = how.format.unwrap_or(request.usual_format);
    let mut calibration = Calibration::start();
    let placement = prices::placement(request.exit_sites, &mut calibration);
    let (color, limit) = (how.color, how.limit);
    let load = move || {
        let mut loaded = load::load(request, color, placement)?;
        limit_counted(&mut loaded.plan, limit);
        Ok(loaded)
    };
    let Some(loaded) = stop.unless_early(load)? else {
        return Ok(());
    };
    let (pid, running) = match &loaded.target {
        Target::Process(pid) => (Some(*pid), Some(running(*pid)?)),
        _ => (None, None),
    };
    check_scope(&loaded.plan, pid)?;
    spare_inputs(&loaded, how)?;
    let mut output = Output::open(how, format)?;
    if stop.came_early() {
        return Ok(());
    }
    let mut launched = match &loaded.target {
        Target::Launch { executable, args } => {
            Some(Launched::start(&executable.to_string_lossy(), args)?)
        }
        _ => None,
    };
    if let Some(launched) = &launched
        && !loaded.is_library
        && is_another(&loaded, &runtime::process::executable_path(launched.pid()))
    {
        bail!(
            "{} was replaced while it was being read: start again",
            shown(&loaded.plan.executable)
        );
    }
    let pid = pid.or(launched.as_ref().map(Launched::pid));
    let options = runtime::Options {
        max_goroutines: how.max_goroutines,
        max_probes: how.max_probes,
        ring_bytes: how.ring_size,
    };
    let load = move || load_probes(loaded, pid, &options, color, limit);
    let Some((loaded, mut tracer)) = stop.unless_early(load)? else {
        return Ok(());
    };
    let loaded = Arc::new(loaded);
    if stop.came_early() {
        return Ok(());
    }
    let attachment = tracer
        .attach(&loaded.plan, &loaded.binary, pid, &mut progress)
        .map_err(|error| match pid {
            Some(pid) if !runtime::process::is_alive(pid) => {
                anyhow::anyhow!("process {pid} ended before the probes were there")
            }
            _ => error.into(),
        })?;
    let started = Instant::now();
    // The rest of the prices is needed in a moment, or with the first graph.
    calibration.go_on();
    if loaded.plan.settings.compensate {
        calibration.wait();
    }
    let prices = prices::so_far(&mut calibration);
    let mut loading = match loaded.is_library {
        true => Some(Loading::new(loaded.binary.identity()?, pid)),
        false => None,
    };
    let mut traced = attachment.processes.clone();
    traced.extend(pid.filter(|pid| !traced.contains(pid)));
    let mut hindrances = Hindrances::new(traced);
    announce(
        &loaded,
        loading.as_mut(),
        &attachment,
        &mut hindrances,
        &prices,
        how,
    )?;
    if loaded.plan.settings.compensate {
        if !prices.measured {
            say!(
                "  what a probe costs could not be measured: durations are compensated by estimates"
            );
        }
        let carries_out = Kernel::detect().writes_registers();
        output.compensate(Compensation::new(&loaded.plan, &prices, carries_out));
    }
    let mut session = Session {
        tracer,
        builder: Builder::new(),
        symbols: BinarySymbols::new(&loaded.plan, &loaded.executable, &loaded.binary),
        plan: &loaded.plan,
        output: &mut output,
        started,
        open_drawn: HashMap::new(),
        open_unwanted: 0,
        cut_off: 0,
        hooks: Hooks::new(&loaded.plan, started),
        until: HashSet::new(),
        ended: HashSet::new(),
        overhead: Overhead::new(Arc::clone(&loaded), calibration),
        copies: match pid {
            Some(pid) => Some(Started::new(pid, loaded.binary.identity()?)),
            None => None,
        },
        loading,
        hindrances,
    };
    session.begin()?;
    if let Some(launched) = &mut launched {
        launched.run()?;
    }
    let has_ended = || match (&mut launched, &running) {
        (Some(launched), _) => launched.ended().is_some(),
        (None, running) => running.as_ref().is_some_and(Running::has_ended),
    };
    let end = session.follow(&loaded, how, &stop, has_ended, pid);
    let closing = session.close();
    if let Some(launched) = &mut launched
        && launched.ended().is_none()
        && let Target::Launch { executable, .. } = &loaded.target
    {
        say!(
            "{} goes on as process {}",
            shown(executable),
            launched.pid()
        );
    }
    end.and(closing)
}

/// Loads the programs of the plan, with less code for values where the kernel has no room for all of it.
fn load_probes(
    mut loaded: Loaded,
    pid: Option<u32>,
    options: &runtime::Options,
    color: Color,
    limit: Option<u64>,
) -> anyhow::Result<(Loaded, Tracer)> {
    loop {
        match Tracer::load(&loaded.plan, pid, options.clone()) {
            Err(error) if error.is_too_large() && loaded.shrink(color)? => {
                limit_counted(&mut loaded.plan, limit);
            }
            Err(runtime::Error::Verifier {
                span: Some(span),
                log,
                ..
            }) => {
                let refused = compiler::codegen::refused(&span, &log);
                load::show(&loaded.source, &[refused], color);
                return Err(WrongProgram.into());
            }
            result => return Ok((loaded, result?)),
        }
    }
}

/// The process, which may have ended since its executable was opened.
fn running(pid: u32) -> anyhow::Result<Running> {
    Running::find(pid).map_err(|error| match hints::no_process(pid) {
        Some(refused) => refused.into(),
        None => error.into(),
    })
}

/// A trace whose own `pid` clause leaves out the one process asked for would never show anything.
fn check_scope(plan: &Plan, pid: Option<u32>) -> anyhow::Result<()> {
    let Some(pid) = pid else { return Ok(()) };
    for trace in &plan.traces {
        let pids = &trace.filter.pids;
        if !pids.is_empty() && !pids.contains(&pid) {
            bail!(Usage::new(
                format!("-p {pid} contradicts the `pid` clause of `{}`", trace.label),
                "leave one of them away",
            ));
        }
    }
    Ok(())
}

/// What is traced, and the program, are not written over.
fn spare_inputs(loaded: &Loaded, how: &How) -> anyhow::Result<()> {
    use runtime::process::identity_of;
    let Some((path, output)) = how
        .output
        .as_ref()
        .and_then(|path| Some((path, identity_of(path).ok()?)))
    else {
        return Ok(());
    };
    let is_program = identity_of(Path::new(&loaded.source.name)).is_ok_and(|file| file == output);
    if is_program || loaded.binary.identity()? == output {
        bail!(Usage::new(
            format!("-o {} would write over what is read", shown(path)),
            "name another file for the graphs",
        ));
    }
    Ok(())
}

/// Graphs that are only counted are never seen here, so that the kernel has to know how many are wanted.
fn limit_counted(plan: &mut Plan, limit: Option<u64>) {
    let Some(limit) = limit else { return };
    for trace in &mut plan.traces {
        let filter = &mut trace.filter;
        if trace.keeps_graphs && filter.limit_per.is_none() {
            filter.limit = Some(filter.limit.map_or(limit, |own| own.min(limit)));
        }
    }
}

struct Session<'a> {
    tracer: Tracer,
    builder: Builder,
    symbols: BinarySymbols<'a>,
    plan: &'a Plan,
    output: &'a mut Output,
    started: Instant,
    /// Open calls drawn, for each trace.
    open_drawn: HashMap<u32, u64>,
    /// Open calls that `min` or `limit` left out.
    open_unwanted: u64,
    /// Graphs that an exec ended.
    cut_off: u64,
    hooks: Hooks<'a>,
    /// Traces that `until` has ended.
    until: HashSet<u32>,
    /// Traces that have ended, and whose open calls have been drawn.
    ended: HashSet<usize>,
    overhead: Overhead,
    /// Where one process is traced.
    copies: Option<Started>,
    /// Where a library is traced.
    loading: Option<Loading>,
    hindrances: Hindrances,
}

impl Session<'_> {
    /// Tracing begins.
    fn begin(&mut self) -> anyhow::Result<()> {
        self.hooks
            .begin(&mut self.tracer, self.output, &self.symbols)
    }

    /// Draws a graph, unless it is only counted, or came after the one that ended its trace.
    fn draw(&mut self, graph: Graph) -> anyhow::Result<()> {
        if self.until.contains(&graph.trace) {
            return Ok(());
        }
        if graph.until {
            self.until.insert(graph.trace);
            self.tracer.detach_trace(graph.trace as usize);
        }
        let trace = self.plan.traces.get(graph.trace as usize);
        if trace.is_some_and(|trace| trace.keeps_graphs) {
            return Ok(());
        }
        let line = trace.and_then(|trace| trace.print.as_ref());
        self.output.graph(graph, line, &self.symbols)
    }

    /// Draws graphs until something ends the trace.
    fn follow(
        &mut self,
        loaded: &Loaded,
        how: &How,
        stop: &Stop,
        mut has_ended: impl FnMut() -> bool,
        pid: Option<u32>,
    ) -> anyhow::Result<()> {
        let mut looked_after = Instant::now();
        let mut replaced = false;
        loop {
            self.overhead.tend(&mut self.tracer, &mut self.builder)?;
            let records = self.drain(POLL)?;
            self.output.flush()?;
            self.hooks
                .tend(&mut self.tracer, self.output, &self.symbols)?;
            let elapsed = self.started.elapsed();
            self.end_traces(elapsed)?;
            let over = how.duration.is_some_and(|d| elapsed >= d);
            if self.tracer.is_written() {
                say!(
                    "{} is being written to: its probes are gone, so that they do no harm there; start again when that is done",
                    shown(loaded.binary.path())
                );
                return Ok(());
            }
            if stop.came()
                || over
                || self.output.is_full()
                || self.are_enough(how.limit)
                || !self.tracer.is_attached()
            {
                return Ok(());
            }
            if has_ended() {
                let hits = self.tracer.hits()?;
                // It may have come and gone between two looks.
                let hit = hits.iter().any(|hits| hits.emulated + hits.stepped > 0);
                match &self.loading {
                    Some(loading) if !hit && loading.was_never_seen() => say!(
                        "the process has ended, and was not seen to load {}",
                        shown(loaded.binary.path())
                    ),
                    _ => say!("the process has ended"),
                }
                if let Some(copies) = &mut self.copies {
                    copies.look_behind(&self.plan.executable);
                }
                return Ok(());
            }
            if records > 0 && looked_after.elapsed() < LOOK_AFTER * 4
                || looked_after.elapsed() < LOOK_AFTER
            {
                continue;
            }
            looked_after = Instant::now();
            if let Some(copies) = &mut self.copies {
                copies.look(&self.plan.executable);
            }
            if let Some(loading) = &mut self.loading {
                loading.tend();
            }
            self.hindrances.tend(|| self.tracer.processes_seen());
            if let Some(pid) = pid
                && !replaced
                && self.runs_other(loaded, pid)
            {
                replaced = true;
                say!("process {pid} runs another executable now, which is not traced");
            }
            self.look_after_processes()?;
            if !replaced
                && matches!(loaded.target, Target::Executable(_))
                && (is_another(loaded, loaded.binary.path())
                    || self.tracer.is_copied(&loaded.binary))
            {
                replaced = true;
                say!(
                    "{} has been replaced: processes that run the old file are traced on; start again for the new one",
                    shown(loaded.binary.path())
                );
            }
        }
    }

    /// Whether a process has gone on to what is not traced.
    fn runs_other(&self, loaded: &Loaded, pid: u32) -> bool {
        match &self.loading {
            Some(loading) => loading.is_gone(),
            None => is_another(loaded, &runtime::process::executable_path(pid)),
        }
    }

    /// Have as many graphs been kept as are wanted, where some are only counted?
    fn are_enough(&self, limit: Option<u64>) -> bool {
        let Some(limit) = limit.filter(|_| self.counts()) else {
            return false;
        };
        Totals::from_counters(&self.tracer.counters(), 0.0).graphs >= limit
    }

    /// Does any trace only count?
    fn counts(&self) -> bool {
        self.plan.traces.iter().any(|trace| trace.keeps_graphs)
    }

    /// Reads what the ring buffer holds and draws what is finished.
    fn drain(&mut self, timeout: Duration) -> anyhow::Result<usize> {
        let mut graphs = Vec::new();
        let mut malformed = None;
        let builder = &mut self.builder;
        let records = self
            .tracer
            .poll(timeout, &mut |bytes| match builder.record(bytes) {
                Ok(graph) => graphs.extend(graph),
                Err(error) => malformed = Some(error),
            })?;
        if let Some(error) = malformed {
            bail!("the probe program sent what cannot be read: {error}");
        }
        for graph in graphs {
            self.draw(graph)?;
        }
        Ok(records)
    }

    /// Whether a call that is still open can be shown: it has lasted as long as `min` asks for, and `limit` leaves room for it.
    fn is_wanted(&mut self, graph: &Graph, now: u64) -> bool {
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
        if self.tracer.kept(graph.trace) + *open >= limit {
            return false;
        }
        *open += 1;
        true
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
                    .is_some_and(|limit| self.tracer.kept(index as u32) >= limit);
            if over || reached {
                self.tracer.detach_trace(index);
            }
            if !self.tracer.has_probes(index) && self.ended.insert(index) {
                // Before, they may have ended with their processes.
                self.look_after_processes()?;
                self.drain_what_waits()?;
                self.draw_rest(|key| key.trace as usize == index, |_| None)?;
            }
        }
        Ok(())
    }

    /// Draws what processes had open when they ended, or became another program, and frees their state.
    fn look_after_processes(&mut self) -> anyhow::Result<()> {
        let ended = self.tracer.ended_processes();
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

    /// Draws what has been sent up to now, while others may go on sending.
    fn drain_what_waits(&mut self) -> anyhow::Result<()> {
        let mut records = 0;
        while records < self.tracer.most_waiting() {
            match self.drain(Duration::ZERO)? {
                0 => break,
                more => records += more,
            }
        }
        Ok(())
    }

    /// Draws what is left of goroutines that send nothing any more, and frees their state.
    fn draw_rest<'e>(
        &mut self,
        is_one: impl Fn(&GoroutineKey) -> bool,
        ended: impl Fn(&GoroutineKey) -> Option<&'e Ended>,
    ) -> anyhow::Result<()> {
        let open = self.tracer.open_goroutines(&is_one);
        self.draw_open(&open, ended)?;
        for graph in self.builder.gone(is_one) {
            self.draw(graph)?;
        }
        self.tracer.forget(&open);
        Ok(())
    }

    /// Draws goroutines that are still in a graph: until their trace ended, or before that their processes did.
    fn draw_open<'e>(
        &mut self,
        open: &[runtime::OpenGoroutine],
        ended: impl Fn(&GoroutineKey) -> Option<&'e Ended>,
    ) -> anyhow::Result<()> {
        for goroutine in open {
            let ended = ended(&goroutine.key);
            let now = ended.map(|ended| ended.at_ns).into_iter();
            let now = now.chain(self.tracer.ended_ns(goroutine.key.trace as usize));
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
                self.draw(graph)?;
            } else {
                self.open_unwanted += 1;
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

    /// Lets go of the target first, then draws what is left: finished graphs, calls still open, totals.
    fn close(&mut self) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        self.hindrances.look(self.tracer.processes_seen());
        self.tracer.detach();
        let spent = self.overhead.finish(&self.tracer)?;
        while self.drain(Duration::ZERO)? > 0 {}
        self.look_after_processes()?;
        self.draw_rest(|_| true, |_| None)?;
        self.hooks
            .end(&mut self.tracer, self.output, &self.symbols)?;
        let totals = Totals::from_counters(&self.tracer.counters(), seconds);
        let totals = Totals {
            filtered: totals.filtered + self.open_unwanted,
            stale: self.cut_off,
            dropped_calls: self.builder.dropped_calls(),
            dropped_functions: self.dropped_functions(),
            cost: Some(Cost {
                emulated_hits: spent.emulated,
                stepped_hits: spent.stepped,
                seconds: spent.ns / 1e9,
                measured: self.overhead.is_measured(),
            }),
            ..totals
        };
        self.output.end(totals, self.counts())
    }
}

/// Whether another file than the traced one stands at the path.
fn is_another(loaded: &Loaded, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(identity) = loaded.binary.identity() else {
        return false;
    };
    std::fs::metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) != identity)
}
