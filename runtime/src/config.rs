//! From a plan to what the probe program is told before it runs: its configuration, and entries of maps.

use std::time::Duration;

use compiler::{
    codegen::Code,
    plan::{Aggregation, AggregationKind, Callback, Plan, TlsPlace, TraceCode, TracePlan},
};
use ebpf_templates::{
    AggregationConfig, COMM_LEN, Config, FACT_BIAS, FACT_CALLER, LastCall, LastCallKey,
    MAX_AGGREGATIONS, MAX_SCOPE, Stage, Step,
};

/// Goroutines whose values can be kept at once, at most: 6.7 KB each.
const VALUES: u32 = 4_096;
/// At least: a word's worth of the map `rooms`.
const FEW_VALUES: u32 = u64::BITS;

pub(crate) fn step(entry: &compiler::plan::Step) -> Step {
    Step {
        operation: entry.operation as u8,
        width: entry.width,
        to: entry.to,
        from: entry.from,
        value: entry.value,
        len: u32::from(entry.len),
    }
}

/// Entries of `last_calls`. With fewer functions there are other last calls, which go beside those that are there.
pub(crate) fn last_calls_room(plan: &Plan) -> u32 {
    let all: usize = plan.traces.iter().map(|t| t.last_calls.len()).sum();
    u32::try_from(2 * all).unwrap_or(u32::MAX).max(1)
}

pub(crate) fn last_call(trace: usize, last: &compiler::plan::LastCall) -> (LastCallKey, LastCall) {
    (
        LastCallKey {
            trace: trace as u32,
            callee: last.callee,
            distance: last.distance as u64,
        },
        LastCall {
            caller: last.caller,
            offset: last.offset,
            released: last.released,
            unused: 0,
        },
    )
}

/// Entries of `values`, a power of two. Goroutines beyond have graphs without values, which is counted.
pub(crate) fn values_room(plan: &Plan, goroutines: u32) -> u32 {
    let captures = |trace: &TracePlan| {
        let code = &trace.code;
        code.arguments.is_some() || code.results.is_some() || code.aggregate.is_some()
    };
    if plan.traces.iter().any(captures) {
        goroutines.clamp(FEW_VALUES, VALUES).next_power_of_two()
    } else {
        1
    }
}

/// Where g is that is not in R14. Where that is not known, no site asks for it.
pub(crate) fn tell_tls(config: &mut Config, place: Option<TlsPlace>) {
    match place {
        Some(TlsPlace::Offset(offset)) => config.tls_offset = offset.into(),
        Some(TlsPlace::Got(word)) => config.tls_word = word,
        None => {}
    }
}

/// How goroutines are told that are lent to threads of C's.
pub(crate) fn tell_callback(config: &mut Config, callback: Option<Callback>) {
    if let Some(Callback { distance, size }) = callback {
        (config.callback, config.callback_size) = (distance as u64, size);
    }
}

/// What generated functions there are.
fn tell_code(config: &mut Config, code: &TraceCode) {
    let stage = |code: &Option<Code>, results: bool| match (code, results) {
        (None, _) => Stage::None,
        (Some(_), false) => Stage::Any,
        (Some(_), true) => Stage::Results,
    } as u32;
    let needs = code.needs_results;
    config.where_entry = u32::from(code.where_entry.is_some());
    config.keep = u32::from(code.keep.is_some());
    config.arguments = u32::from(code.arguments.is_some());
    config.results = u32::from(code.results.is_some());
    config.where_return = stage(&code.where_return, needs.where_return);
    config.aggregate = stage(&code.aggregate, needs.aggregate);
    config.until = stage(&code.until, needs.until);
    if code.needs_caller {
        config.facts |= FACT_CALLER;
    }
    if code.needs_bias {
        config.facts |= FACT_BIAS;
    }
}

/// What the kernel is told of an aggregation.
fn aggregation(aggregation: &Aggregation) -> AggregationConfig {
    let kind = aggregation.kind;
    use ebpf_templates::AggregationKind as Kernel;
    let kernel = match kind {
        AggregationKind::Count => Kernel::Count,
        AggregationKind::Sum | AggregationKind::Average | AggregationKind::Stats => Kernel::Numbers,
        AggregationKind::Histogram => Kernel::Histogram,
        AggregationKind::Linear { .. } => Kernel::Linear,
    };
    let (low, high, step) = match kind {
        AggregationKind::Linear { low, high, step } => (low, high, step),
        _ => (0, 0, 0),
    };
    AggregationConfig {
        kind: kernel as u32,
        results: aggregation.needs_results.into(),
        low,
        high,
        step,
    }
}

pub(crate) fn config(trace: &TracePlan) -> Config {
    let filter = &trace.filter;
    let nanoseconds =
        |d: Option<Duration>| d.map(|d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX));
    let mut config = Config {
        min_ns: nanoseconds(filter.min).unwrap_or(0),
        max_ns: nanoseconds(filter.max).unwrap_or(u64::MAX),
        prune_ns: nanoseconds(filter.prune).unwrap_or(0),
        limit: filter.limit.unwrap_or(0),
        limit_per_ns: nanoseconds(filter.limit_per).unwrap_or(0),
        sample: filter.sample.unwrap_or(0),
        depth: filter.depth.unwrap_or(u32::MAX),
        stack: filter.stack.unwrap_or(0),
        ..Config::default()
    };
    tell_code(&mut config, &trace.code);
    config.no_graphs = trace.keeps_graphs.into();
    config.aggregation_count = trace.aggregations.len().min(MAX_AGGREGATIONS) as u32;
    for (to, from) in config.aggregations.iter_mut().zip(&trace.aggregations) {
        *to = aggregation(from);
    }
    config.pid_count = filter.pids.len().min(MAX_SCOPE) as u32;
    for (to, from) in config.pids.iter_mut().zip(&filter.pids) {
        *to = *from;
    }
    config.goroutine_count = filter.goroutines.len().min(MAX_SCOPE) as u32;
    for (to, from) in config.goroutines.iter_mut().zip(&filter.goroutines) {
        *to = *from;
    }
    config.comm_count = filter.comms.len().min(MAX_SCOPE) as u32;
    for (to, from) in config.comms.iter_mut().zip(&filter.comms) {
        for (to, from) in to[..COMM_LEN - 1].iter_mut().zip(from.bytes()) {
            *to = from;
        }
    }
    config
}
