//! Hooks, and what they and the end of a run show of aggregations.

use std::time::{Duration, Instant};

use compiler::plan::{AggregationId, HookAction, HookMoment, HookPiece, Plan};
use render::{Aggregated, Clock, Functions, TimeZone};
use runtime::{Aggregate, AggregateKey};

use crate::{Names, Sink, Source};

/// The hooks of a plan in the course of a run.
pub struct Hooks<'a> {
    plan: &'a Plan,
    started: Instant,
    /// When those at intervals are due, in the order of the plan; nothing for others.
    due: Vec<Option<Instant>>,
}

impl<'a> Hooks<'a> {
    /// Of a run that begins now.
    pub fn new(plan: &'a Plan, started: Instant) -> Self {
        let due = |moment| match moment {
            HookMoment::Every(interval) => started.checked_add(interval),
            HookMoment::Begin | HookMoment::End => None,
        };
        Self {
            plan,
            started,
            due: plan.hooks.iter().map(|hook| due(hook.moment)).collect(),
        }
    }

    /// Does what is to be done when tracing begins.
    pub fn begin(
        &self,
        source: &mut dyn Source,
        sink: &mut dyn Sink,
        names: &dyn Names,
    ) -> anyhow::Result<()> {
        self.run(HookMoment::Begin, source, sink, names)
    }

    /// Does what is due.
    pub fn tend(
        &mut self,
        source: &mut dyn Source,
        sink: &mut dyn Sink,
        names: &dyn Names,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        for (hook, due) in self.plan.hooks.iter().zip(&mut self.due) {
            let (HookMoment::Every(interval), Some(at)) = (hook.moment, *due) else {
                continue;
            };
            if now < at {
                continue;
            }
            // What was missed is not made up for.
            let late = now.duration_since(at).as_nanos() / interval.as_nanos().max(1);
            let steps = u32::try_from(late).unwrap_or(u32::MAX).saturating_add(1);
            *due = at.checked_add(interval.saturating_mul(steps));
            act(self.plan, self.started, &hook.actions, source, sink, names)?;
        }
        Ok(())
    }

    /// Does what is to be done at the end, and shows all aggregations where nothing there says which.
    pub fn end(
        &self,
        source: &mut dyn Source,
        sink: &mut dyn Sink,
        names: &dyn Names,
    ) -> anyhow::Result<()> {
        self.run(HookMoment::End, source, sink, names)?;
        let mut at_end = self
            .plan
            .hooks
            .iter()
            .filter(|hook| hook.moment == HookMoment::End);
        let is_show = |action: &HookAction| matches!(action, HookAction::Show(_));
        if at_end.any(|hook| hook.actions.iter().any(is_show)) {
            return Ok(());
        }
        let all = (0..).zip(&self.plan.traces).flat_map(|(trace, planned)| {
            (0..)
                .zip(&planned.aggregations)
                .map(move |(aggregation, _)| AggregationId { trace, aggregation })
        });
        let all: Vec<AggregationId> = all.collect();
        if all.is_empty() {
            return Ok(());
        }
        show(self.plan, &all, &source.aggregates()?, sink, names)
    }

    fn run(
        &self,
        moment: HookMoment,
        source: &mut dyn Source,
        sink: &mut dyn Sink,
        names: &dyn Names,
    ) -> anyhow::Result<()> {
        for hook in self.plan.hooks.iter().filter(|hook| hook.moment == moment) {
            act(self.plan, self.started, &hook.actions, source, sink, names)?;
        }
        Ok(())
    }
}

fn act(
    plan: &Plan,
    started: Instant,
    actions: &[HookAction],
    source: &mut dyn Source,
    sink: &mut dyn Sink,
    names: &dyn Names,
) -> anyhow::Result<()> {
    let mut cleared: Vec<AggregationId> = Vec::new();
    for (number, action) in actions.iter().enumerate() {
        match action {
            HookAction::Print(pieces) => {
                let now_ns = runtime::monotonic_ns();
                let text = text(pieces, started.elapsed(), &time_of_day(now_ns));
                sink.text(&text, now_ns)?;
            }
            HookAction::Show(ids) => {
                // What is to be cleared next is taken out as it is shown, so that nothing is counted in between and forgotten.
                let next = actions.get(number + 1..).unwrap_or_default();
                let mut counted = source.aggregates()?;
                for id in ids.iter().filter(|id| is_cleared_next(**id, next)) {
                    counted.retain(|(key, _)| !is_of(*id, key));
                    counted.extend(source.take_aggregate(id.trace, id.aggregation)?);
                    cleared.push(*id);
                }
                show(plan, ids, &counted, sink, names)?;
            }
            HookAction::Clear(ids) => {
                for id in ids {
                    match cleared.iter().position(|other| other == id) {
                        Some(done) => _ = cleared.swap_remove(done),
                        None => _ = source.take_aggregate(id.trace, id.aggregation)?,
                    }
                }
            }
        }
    }
    sink.flush()
}

/// Is it cleared before it is shown again?
fn is_cleared_next(id: AggregationId, actions: &[HookAction]) -> bool {
    let next = actions.iter().find(|action| match action {
        HookAction::Show(ids) | HookAction::Clear(ids) => ids.contains(&id),
        HookAction::Print(_) => false,
    });
    matches!(next, Some(HookAction::Clear(_)))
}

fn is_of(id: AggregationId, key: &AggregateKey) -> bool {
    (key.trace, key.aggregation) == (id.trace, id.aggregation)
}

fn show(
    plan: &Plan,
    ids: &[AggregationId],
    counted: &[(AggregateKey, Aggregate)],
    sink: &mut dyn Sink,
    names: &dyn Names,
) -> anyhow::Result<()> {
    let now_ns = runtime::monotonic_ns();
    let functions = Functions {
        at: &|address| names.function_before(address),
        numbered: &|number| {
            let function = plan.functions.get(number as usize);
            function.map(|function| function.name.clone())
        },
    };
    for id in ids {
        let Some(trace) = plan.traces.get(id.trace as usize) else {
            continue;
        };
        let Some(aggregation) = trace.aggregations.get(id.aggregation as usize) else {
            continue;
        };
        let own = counted.iter().filter(|(key, _)| is_of(*id, key));
        let aggregated = Aggregated::new(&trace.label, aggregation, own, &functions);
        sink.aggregated(&aggregated, now_ns)?;
    }
    Ok(())
}

/// The time of day, by the clock on the wall.
fn time_of_day(now_ns: u64) -> String {
    let clock = Clock::new(runtime::realtime_minus_monotonic_ns());
    clock.time_of_day(now_ns, &TimeZone::system())
}

fn text(pieces: &[HookPiece], elapsed: Duration, time: &str) -> String {
    let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    let pieces = pieces.iter().map(|piece| match piece {
        HookPiece::Text(text) => text.clone(),
        HookPiece::Time => time.to_owned(),
        HookPiece::Elapsed => render::duration(elapsed),
    });
    pieces.collect()
}
