//! What the probes of a running trace cost: said once, held to the budget, and summed up for the end.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use compiler::{
    Budget, Plan,
    budget::{Load, Loads, Spent, Verdict, Watch},
    grouped, micros,
};
use graph::Builder;
use runtime::{Calibration, Prepared};

use crate::{Source, Traced, prices};

/// How often hits are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The first look waits so long for the prices.
const PATIENCE: Duration = Duration::from_secs(2);
/// Looking may take one part of the time in so many: with very many functions it is done less often.
const LOOK_SHARE: u32 = 50;
/// Functions that are told of in one go.
const TOLD: usize = 10;
/// The dearest functions of the first second, and the share of a core from which on one is worth a line.
const DEAREST: usize = 3;
const WORTH_TELLING: f64 = 0.01;

/// Watches the hits of a trace that runs.
pub struct Overhead {
    traced: Arc<Traced>,
    /// It goes on beside the trace's first moments.
    calibration: Calibration,
    is_priced: bool,
    watch: Watch,
    budget: Budget,
    measured: bool,
    looked: Instant,
    pause: Duration,
    told_loads: bool,
    told_exceeded: bool,
    /// Dropped so far: trace and function.
    without: Vec<(u32, u32)>,
    replacing: Option<Replacing>,
}

/// Probes that are being made in another thread.
struct Replacing {
    loads: Vec<Load>,
    /// Decided by who comes first: the thread, once it has a plan, or the trace's end.
    attaches: Arc<OnceLock<bool>>,
    making: JoinHandle<anyhow::Result<(Plan, Vec<Prepared>)>>,
}

impl Overhead {
    /// For a trace that begins now.
    pub fn new(traced: Arc<Traced>, mut calibration: Calibration) -> Self {
        let prices = prices::so_far(&mut calibration);
        Self {
            calibration,
            is_priced: false,
            watch: Watch::new(&traced.plan, prices),
            budget: traced.plan.settings.budget,
            traced,
            measured: prices.measured,
            looked: Instant::now(),
            pause: LOOK,
            told_loads: false,
            told_exceeded: false,
            without: Vec::new(),
            replacing: None,
        }
    }

    /// Looks at the hits if it is time to, and does what follows from them. To be called before further records are read.
    pub fn tend(
        &mut self,
        source: &mut dyn Source,
        builder: &mut Builder,
        notices: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        if let Some(replacing) = self.replacing.take_if(|it| it.making.is_finished()) {
            let result = replacing
                .making
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the planner failed")));
            self.replace(replacing.loads, result, source, builder, notices)?;
        }
        if self.looked.elapsed() < self.pause {
            return Ok(());
        }
        if !self.is_priced && self.looked.elapsed() < PATIENCE && !self.calibration.is_done() {
            return Ok(());
        }
        self.look(source)?;
        if !self.told_loads
            && let Some(loads) = self.watch.loads()
        {
            self.told_loads = true;
            self.tell(&loads, notices);
        }
        if self.replacing.is_none() {
            match self.watch.verdict(self.budget) {
                Verdict::Kept => {}
                Verdict::Drop(loads) => self.drop_functions(loads, source),
                Verdict::Exceeded(load) => self.tell_exceeded(&load, notices),
            }
        }
        Ok(())
    }

    /// What all hits have cost.
    pub fn finish(&mut self, source: &dyn Source) -> anyhow::Result<Spent> {
        // Probes that are just being attached must not be left to the end of this process; a plan is not waited for.
        if let Some(replacing) = self.replacing.take()
            && *replacing.attaches.get_or_init(|| false)
        {
            drop(replacing.making.join());
        }
        self.look(source)?;
        Ok(self.watch.spent())
    }

    /// Whether what hits cost was measured, and not estimated.
    pub fn is_measured(&self) -> bool {
        self.measured
    }

    fn look(&mut self, source: &dyn Source) -> anyhow::Result<()> {
        if !self.is_priced {
            self.is_priced = true;
            let prices = prices::so_far(&mut self.calibration);
            self.measured = prices.measured;
            self.watch = Watch::new(&self.traced.plan, prices);
        }
        self.looked = Instant::now();
        self.watch.sample(runtime::monotonic_ns(), source.hits()?);
        self.pause = LOOK.max(self.looked.elapsed() * LOOK_SHARE);
        Ok(())
    }

    /// What the probes cost at the rate of the first second.
    fn tell(&self, loads: &Loads, notices: &mut Vec<String>) {
        if loads.share < WORTH_TELLING {
            return;
        }
        let worth = |load: &&Load| load.share >= WORTH_TELLING;
        for load in loads.functions.iter().take(DEAREST).filter(worth) {
            notices.push(format!("  {}", self.told(load)));
        }
        notices.push(format!(
            "  all probes: {} of one core{}",
            percent(loads.share),
            self.how_known()
        ));
    }

    fn tell_exceeded(&mut self, load: &Load, notices: &mut Vec<String>) {
        if self.told_exceeded {
            return;
        }
        self.told_exceeded = true;
        notices.push(format!(
            "over the budget of {} of one core: {}; targets are not dropped: narrow the patterns, use `sample 1/100` in the trace, or raise --budget",
            self.budget,
            self.told(load)
        ));
    }

    /// Has a thread make the probes of the traces anew, without these functions.
    fn drop_functions(&mut self, loads: Vec<Load>, source: &mut dyn Source) {
        self.without
            .extend(loads.iter().map(|load| (load.trace, load.function)));
        let mut traces: Vec<u32> = loads.iter().map(|load| load.trace).collect();
        traces.sort_unstable();
        traces.dedup();
        let replacements: Vec<_> = traces
            .iter()
            .filter_map(|trace| source.replacement(*trace as usize))
            .collect();
        let (traced, without) = (Arc::clone(&self.traced), self.without.clone());
        let attaches = Arc::new(OnceLock::new());
        let decided = Arc::clone(&attaches);
        let making = thread::spawn(move || {
            let plan = traced.plan_without(without)?;
            if !*decided.get_or_init(|| true) {
                bail!("the trace has ended");
            }
            let prepared = replacements
                .into_iter()
                .map(|replacement| replacement.prepare(&plan, &traced.binary))
                .collect::<Result<_, _>>()?;
            Ok((plan, prepared))
        });
        self.replacing = Some(Replacing {
            loads,
            attaches,
            making,
        });
    }

    fn replace(
        &mut self,
        loads: Vec<Load>,
        result: anyhow::Result<(Plan, Vec<Prepared>)>,
        source: &mut dyn Source,
        builder: &mut Builder,
        notices: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let (plan, prepared) = match result {
            Ok(made) => made,
            Err(error) => {
                notices.push(format!(
                    "over the budget of {}, and nothing can be dropped: {}",
                    self.budget,
                    render::escape(&format!("{error:#}"))
                ));
                self.budget = Budget::Off;
                return Ok(());
            }
        };
        for prepared in prepared {
            let trace = prepared.trace();
            let now = runtime::monotonic_ns();
            source
                .replace(prepared, &plan)
                .context("cannot replace the probes")?;
            let gone: Vec<u32> = loads
                .iter()
                .filter(|load| load.trace as usize == trace)
                .map(|load| load.function)
                .collect();
            builder.dropped(trace as u32, &gone, now);
        }
        self.look(source)?;
        for load in loads.iter().take(TOLD) {
            let target = if self.watch.is_target(load) {
                "; it is a target of a trace with `sample`"
            } else {
                ""
            };
            notices.push(format!(
                "dropped {}; budget {}{}{target}",
                self.told(load),
                self.budget,
                self.how_known()
            ));
        }
        if let Some(more) = loads.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let share: f64 = loads.iter().skip(TOLD).map(|load| load.share).sum();
            notices.push(format!(
                "dropped {more} more: {} of one core",
                percent(share)
            ));
        }
        for load in &loads {
            if let Some(trace) = plan.traces.get(load.trace as usize) {
                self.watch.replaced(load.trace as usize, trace);
                if trace.targets.is_empty() && source.has_probes(load.trace as usize) {
                    source.detach_trace(load.trace as usize);
                    notices.push(format!(
                        "the trace `{}` ends: none of its targets is left",
                        render::escape(&trace.label)
                    ));
                }
            }
        }
        Ok(())
    }

    /// `main.parse: 210,000 calls/s × 2.1 µs = 44% of one core`
    fn told(&self, load: &Load) -> impl fmt::Display {
        let function = self.traced.plan.functions.get(load.function as usize);
        let name = function.map_or("?", |function| &function.name);
        format!(
            "{}: {} calls/s × {} = {} of one core",
            render::escape(name),
            grouped(load.calls.round() as usize),
            micros(load.call_ns.round() as u64),
            percent(load.share)
        )
    }

    fn how_known(&self) -> &'static str {
        if self.measured { "" } else { ", estimated" }
    }
}

/// `44%`, `1.5%`
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 {
        format!("{percent:.1}%")
    } else {
        format!("{percent:.0}%")
    }
}
