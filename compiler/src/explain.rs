//! The plan for people: what is probed, what is not and why, and what a call will cost.

mod generated;
mod items;

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _, time::Duration};

use ebpf_templates::{Cookie, SiteKind};
use gobinary::Executable;
use serde::Serialize;

use crate::{
    cost::{CallPrice, call_prices, micros},
    diagnostics::{
        diagnostic::Source,
        escape::{escape_path, printable},
    },
    placement::prices::Prices,
    plan::{Filter, Plan, Site, TracePlan},
    select::{grouped, times, told_by_paths},
};

/// Writing into a `String` cannot fail.
macro_rules! line {
    ($out:expr, $($argument:tt)*) => {
        let _ = writeln!($out, $($argument)*);
    };
}
use line;

/// Names shown of a list, unless all are asked for.
const SHOWN: usize = 8;
/// Functions whose price is shown, of the dearest.
const DEAREST: usize = 3;

/// The plan as one JSON object, with the prices and what calls cost at them.
///
/// # Errors
/// None that serializing plain data can have.
pub fn explain_json(plan: &Plan, prices: &Prices) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Explained<'a> {
        #[serde(flatten)]
        plan: &'a Plan,
        prices: &'a Prices,
        /// For each trace.
        call_prices: Vec<Vec<CallPrice>>,
    }
    let call_prices = plan
        .traces
        .iter()
        .map(|trace| call_prices(trace, prices))
        .collect();
    serde_json::to_string(&Explained {
        plan,
        prices,
        call_prices,
    })
}

/// Describes a plan made of `source` for `executable`. With `verbose`, every function and site is named.
#[must_use]
pub fn explain(
    plan: &Plan,
    executable: &Executable,
    source: &Source,
    prices: &Prices,
    verbose: bool,
) -> String {
    let mut out = String::new();
    header(&mut out, plan, executable);
    for trace in &plan.traces {
        out.push('\n');
        describe_trace(&mut out, plan, trace, executable, source, prices, verbose);
    }
    if !plan.skipped.is_empty() {
        out.push('\n');
        describe_skipped(&mut out, plan, verbose);
    }
    out
}

fn header(out: &mut String, plan: &Plan, executable: &Executable) {
    let go = executable.build_info().map_or_else(
        || "an unknown version of Go".to_owned(),
        |info| printable(&info.go_version),
    );
    line!(out, "executable  {}", escape_path(&plan.executable));
    line!(out, "built by    {go}");
    if let Some(file) = executable.debug_file() {
        line!(out, "types       from {}", printable(file));
    }
    line!(out, "functions   {}", grouped(executable.functions().len()));
    if let Some(how) = told_by_paths(executable) {
        line!(out, "modules     {how}");
    }
    line!(
        out,
        "goid        at g+{:#x}: {}",
        plan.goid_offset,
        printable(&plan.goid_evidence)
    );
    let tls = plan
        .tls_place
        .map_or_else(|| "unknown".to_owned(), |place| format!("at {place}"));
    line!(out, "g           {tls}: {}", printable(&plan.tls_evidence));
}

fn describe_trace(
    out: &mut String,
    plan: &Plan,
    trace: &TracePlan,
    executable: &Executable,
    source: &Source,
    prices: &Prices,
    verbose: bool,
) {
    line!(out, "trace {}", printable(&trace.label));
    for filter in describe_filter(&trace.filter, trace.duration) {
        line!(out, "  {filter}");
    }
    let name = |id: &u32| {
        plan.functions
            .get(*id as usize)
            .map(|function| function.name.as_str())
    };
    let targets: Vec<&str> = trace.targets.iter().filter_map(name).collect();
    let others: Vec<&str> = trace
        .included
        .iter()
        .filter(|id| trace.targets.binary_search(id).is_err())
        .filter_map(name)
        .collect();
    list(out, &times(targets.len(), "target"), &targets, verbose);
    if !others.is_empty() {
        list(
            out,
            &format!("{} included", grouped(others.len())),
            &others,
            verbose,
        );
    }
    generated::describe(out, plan, trace, source, verbose);
    describe_sites(out, trace);
    describe_prices(out, plan, trace, prices, verbose);
    let inlined: Vec<(&str, u32)> = trace
        .included
        .iter()
        .filter_map(|id| plan.functions.get(*id as usize))
        .filter(|function| function.inlined_at > 0)
        .map(|function| (function.name.as_str(), function.inlined_at))
        .collect();
    if !inlined.is_empty() {
        let places: u64 = inlined.iter().map(|(_, places)| u64::from(*places)).sum();
        let heading = format!(
            "{} also inlined, at {}: not seen there",
            grouped(inlined.len()),
            times(usize::try_from(places).unwrap_or(usize::MAX), "place")
        );
        let names: Vec<String> = inlined
            .iter()
            .map(|(name, places)| format!("{name} ({places})"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        list(out, &heading, &names, verbose);
    }
    if verbose {
        line!(out, "  sites");
        for site in &trace.sites {
            describe_site(out, plan, site, executable);
        }
    }
}

fn describe_filter(filter: &Filter, duration: Option<Duration>) -> Vec<String> {
    let mut out = Vec::new();
    let mut time = |word: &str, value: Option<Duration>, meaning: &str| {
        if let Some(value) = value {
            out.push(format!("{word} {value:?}: {meaning}"));
        }
    };
    time("min", filter.min, "shorter target calls are dropped");
    time("max", filter.max, "longer target calls are dropped");
    time(
        "prune",
        filter.prune,
        "shorter calls below the target are dropped",
    );
    time("for", duration, "then the trace ends");
    if let Some(depth) = filter.depth {
        out.push(format!(
            "depth {depth}: calls deeper below the target are not shown"
        ));
    }
    if let Some(of) = filter.sample {
        out.push(format!("sample 1/{of}: one target call of {of} is traced"));
    }
    match (filter.limit, filter.limit_per) {
        (Some(limit), Some(per)) => out.push(format!(
            "limit {limit} per {per:?}: further graphs are dropped"
        )),
        (Some(limit), None) => out.push(format!("limit {limit}: further graphs are dropped")),
        (None, _) => {}
    }
    if let Some(stack) = filter.stack {
        out.push(format!("stack {stack}: callers of the target are shown"));
    }
    let mut scope = |word: &str, values: Vec<String>| {
        if !values.is_empty() {
            out.push(format!("{word} {}", values.join(", ")));
        }
    };
    scope("pid", filter.pids.iter().map(ToString::to_string).collect());
    scope(
        "comm",
        filter
            .comms
            .iter()
            .map(|comm| format!("{comm:?}"))
            .collect(),
    );
    scope(
        "goroutine",
        filter.goroutines.iter().map(ToString::to_string).collect(),
    );
    out
}

/// How many sites there are.
fn describe_sites(out: &mut String, trace: &TracePlan) {
    let (mut entries, mut exits) = (0, 0);
    for site in &trace.sites {
        match site_kind(site.cookie) {
            Some(
                SiteKind::Enter
                | SiteKind::EnterLastCall
                | SiteKind::EnterReturn
                | SiteKind::EnterReturnIf
                | SiteKind::EnterTailInto,
            ) => entries += 1,
            Some(SiteKind::Return | SiteKind::TailOut | SiteKind::TailInto) => exits += 1,
            Some(SiteKind::Unwound | SiteKind::Exit) | None => {}
        }
    }
    line!(
        out,
        "  {}: {} to enter, {} to leave, {} in the runtime",
        times(trace.sites.len(), "site"),
        grouped(entries),
        grouped(exits),
        grouped(trace.sites.len() - entries - exits),
    );
}

/// What a call costs: of each target, and of the included functions from the cheapest to the dearest.
fn describe_prices(
    out: &mut String,
    plan: &Plan,
    trace: &TracePlan,
    prices: &Prices,
    verbose: bool,
) {
    let shown = if verbose { usize::MAX } else { DEAREST };
    let mut calls = call_prices(trace, prices);
    calls.sort_by_key(|call| (Reverse(call.in_graph_ns), call.function));
    let (targets, included): (Vec<CallPrice>, Vec<CallPrice>) =
        calls.into_iter().partition(|call| call.target);
    let name = |call: &CallPrice| {
        let function = plan.functions.get(call.function as usize);
        printable(function.map_or("?", |function| &function.name))
    };
    line!(
        out,
        "  {}: {} for an emulated hit, {} for a single-stepped one",
        if prices.measured {
            "cost of a call, measured on this machine"
        } else {
            "cost of a call, estimated (measuring it needs root)"
        },
        micros(prices.emulated_ns),
        micros(prices.stepped_ns),
    );
    for call in targets.iter().take(shown) {
        let price = micros(call.in_graph_ns);
        line!(out, "    {price:>8}  {}, with its graph", name(call));
    }
    more(out, targets.len(), shown);
    if let (Some(dearest), Some(cheapest)) = (included.first(), included.last()) {
        line!(
            out,
            "    {:>8}  to {}: {} included, {} outside any graph; the most expensive:",
            micros(cheapest.in_graph_ns),
            micros(dearest.in_graph_ns),
            grouped(included.len()),
            span(included.iter().map(|call| call.outside_ns)),
        );
        for call in included.iter().take(shown) {
            line!(out, "    {:>8}    {}", micros(call.in_graph_ns), name(call));
        }
        more(out, included.len(), shown);
    }
}

/// From the least to the greatest.
fn span(ns: impl Iterator<Item = u64> + Clone) -> String {
    let (least, greatest) = (ns.clone().min(), ns.max());
    match (least, greatest) {
        (Some(least), Some(greatest)) if micros(least) != micros(greatest) => {
            format!("{} to {}", micros(least), micros(greatest))
        }
        (least, _) => micros(least.unwrap_or(0)),
    }
}

fn site_kind(cookie: u64) -> Option<SiteKind> {
    Cookie::unpack(cookie).map(|cookie| cookie.kind)
}

fn describe_site(out: &mut String, plan: &Plan, site: &Site, executable: &Executable) {
    let function =
        Cookie::unpack(site.cookie).and_then(|cookie| plan.functions.get(cookie.function as usize));
    let name = function.map_or("?", |function| function.name.as_str());
    let offset = function.map_or(0, |function| site.address.saturating_sub(function.address));
    let kind = match site_kind(site.cookie) {
        Some(SiteKind::Enter | SiteKind::EnterLastCall) => "enter",
        Some(SiteKind::Return) => "return",
        Some(SiteKind::TailOut | SiteKind::TailInto) => "jump",
        Some(SiteKind::EnterReturn) => "enter and leave",
        Some(SiteKind::EnterReturnIf) => "enter, and leave in one direction",
        Some(SiteKind::EnterTailInto) => "enter and jump on",
        Some(SiteKind::Unwound) => "unwound",
        Some(SiteKind::Exit) => "goroutine end",
        None => "?",
    };
    let bytes: Vec<String> = site
        .bytes
        .iter()
        .take(usize::from(site.len))
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let how = if site.emulated { "emulated" } else { "stepped" };
    let line = executable
        .position(site.address)
        .map_or(0, |position| position.line);
    line!(
        out,
        "    {:#x} {}+{offset:#x} line {line}: {kind}, {how}, {}",
        site.address,
        printable(name),
        bytes.join(" ")
    );
}

fn describe_skipped(out: &mut String, plan: &Plan, verbose: bool) {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skipped in &plan.skipped {
        by_reason
            .entry(general(&skipped.reason))
            .or_default()
            .push(&skipped.name);
    }
    line!(
        out,
        "{} matched and not probed",
        times(plan.skipped.len(), "function")
    );
    for (reason, names) in by_reason {
        list(
            out,
            &format!("{}: {}", grouped(names.len()), printable(reason)),
            &names,
            verbose,
        );
    }
}

/// The reason without the address that is in it, so that like goes with like.
fn general(reason: &str) -> &str {
    let end = [" at 0x", ", which stands at 0x", " the exit 0x", " 0x"]
        .iter()
        .filter_map(|part| reason.find(part))
        .min()
        .unwrap_or(reason.len());
    reason.get(..end).unwrap_or(reason)
}

fn list(out: &mut String, heading: &str, names: &[&str], verbose: bool) {
    line!(out, "  {heading}");
    let shown = if verbose { names.len() } else { SHOWN };
    for name in names.iter().take(shown) {
        line!(out, "    {}", printable(name));
    }
    more(out, names.len(), shown);
}

fn more(out: &mut String, all: usize, shown: usize) {
    if let Some(more) = all.checked_sub(shown).filter(|more| *more > 0) {
        line!(out, "    … and {} more", grouped(more));
    }
}
