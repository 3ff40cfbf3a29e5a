//! Sessions over recorded records: no kernel, no command line.
#![allow(missing_docs)]

use std::{cell::Cell, collections::VecDeque, sync::Arc, time::Duration};

use compiler::{
    Plan,
    plan::{Filter, PlannedFunction, Template, TracePlan},
    shape::{ShownCall, ShownValue},
};
use ebpf_templates::{
    COUNTER_MAX, CallRecord, Chunk, ChunkKind, Counter, Frame, Goroutine, GoroutineKey, Hits,
};
use graph::{Graph, Moment, Totals};
use render::{Aggregated, RuntimeType, Site, Symbols};
use runtime::{
    Aggregate, AggregateKey, Binary, Ended, Error, OpenGoroutine, Prepared, Replacement,
};
use session::{Names, Session, Sink, Source, Until};
use zerocopy::{FromZeros, IntoBytes};

/// What came to the sink.
#[derive(Default)]
struct Seen {
    events: Vec<String>,
    /// Goes away after so many graphs.
    patience: Option<usize>,
    totals: Option<Totals>,
}

impl Sink for Seen {
    fn graph(
        &mut self,
        graph: &Graph,
        _: Option<&Template>,
        symbols: &dyn Symbols,
    ) -> anyhow::Result<()> {
        let root = graph.root().expect("a whole graph");
        let exit = if root.exit == graph::Exit::Open {
            ", open"
        } else {
            ""
        };
        self.events.push(format!(
            "{} {} ns of goroutine {}{exit}",
            symbols.function(root.function),
            root.duration_ns,
            graph.goroutine
        ));
        self.patience = self.patience.map(|left| left - 1);
        Ok(())
    }

    fn text(&mut self, text: &str, _: u64) -> anyhow::Result<()> {
        self.events.push(text.to_owned());
        Ok(())
    }

    fn aggregated(&mut self, _: &Aggregated<'_>, _: u64) -> anyhow::Result<()> {
        unreachable!("no plan here aggregates")
    }

    fn notice(&mut self, text: &str) {
        self.events.push(format!("notice: {text}"));
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn is_closed(&self) -> bool {
        self.patience == Some(0)
    }

    fn end(&mut self, totals: &Totals) -> anyhow::Result<()> {
        self.totals = Some(totals.clone());
        Ok(())
    }
}

/// Records for one look after the other, and what is left when they are through.
#[derive(Default)]
struct Recorded {
    polls: VecDeque<Vec<Vec<u8>>>,
    open: Vec<OpenGoroutine>,
    probes: Vec<bool>,
    is_written: bool,
    /// Graphs that were kept.
    graphs: u64,
}

impl Recorded {
    fn new(traces: usize, polls: impl IntoIterator<Item = Vec<Vec<u8>>>) -> Self {
        Self {
            polls: polls.into_iter().collect(),
            probes: vec![true; traces],
            ..Self::default()
        }
    }
}

impl Source for Recorded {
    fn poll(&mut self, _: Duration, on_record: &mut dyn FnMut(&[u8])) -> Result<usize, Error> {
        let records = self.polls.pop_front().unwrap_or_default();
        for record in &records {
            on_record(record);
        }
        Ok(records.len())
    }

    fn most_waiting(&self) -> usize {
        1
    }

    fn counters(&self) -> [u64; COUNTER_MAX] {
        let mut counters = [0; COUNTER_MAX];
        counters[Counter::Graphs as usize] = self.graphs;
        counters
    }

    fn hits(&self) -> Result<Vec<Hits>, Error> {
        Ok(Vec::new())
    }

    fn kept(&self, _: u32) -> u64 {
        0
    }

    fn aggregates(&self) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        Ok(Vec::new())
    }

    fn take_aggregate(&mut self, _: u32, _: u32) -> Result<Vec<(AggregateKey, Aggregate)>, Error> {
        Ok(Vec::new())
    }

    fn open_goroutines(&self, is_one: &dyn Fn(&GoroutineKey) -> bool) -> Vec<OpenGoroutine> {
        let open = self.open.iter();
        open.filter(|open| is_one(&open.key)).cloned().collect()
    }

    fn forget(&mut self, goroutines: &[OpenGoroutine]) {
        self.open
            .retain(|open| goroutines.iter().all(|gone| gone.key != open.key));
    }

    fn processes_seen(&self) -> Vec<u32> {
        Vec::new()
    }

    fn ended_processes(&mut self) -> Vec<Ended> {
        Vec::new()
    }

    fn is_attached(&self) -> bool {
        self.probes.contains(&true)
    }

    fn has_probes(&self, trace: usize) -> bool {
        self.probes[trace]
    }

    fn ended_ns(&self, trace: usize) -> Option<u64> {
        (!self.probes[trace]).then_some(1_000)
    }

    fn is_written(&self) -> bool {
        self.is_written
    }

    fn is_copied(&mut self, _: &Binary) -> bool {
        false
    }

    fn detach_trace(&mut self, trace: usize) {
        self.probes[trace] = false;
    }

    fn detach(&mut self) {
        self.probes.fill(false);
    }

    fn replacement(&self, _: usize) -> Option<Replacement> {
        None
    }

    fn replace(&mut self, _: Prepared, _: &Plan) -> Result<(), Error> {
        unreachable!("nothing is dropped here")
    }
}

struct World;

impl Symbols for World {
    fn trace_label(&self, _: u32) -> &str {
        "main.*"
    }

    fn function(&self, id: u32) -> &str {
        ["main.first", "main.second"][id as usize]
    }

    fn call_site(&self, _: &Graph, _: u64) -> Site {
        Site::default()
    }

    fn return_site(&self, _: u32, _: u32) -> Site {
        Site::default()
    }

    fn shown(&self, _: u32, _: u32) -> Option<&ShownCall> {
        None
    }

    fn resolved(&self, _: &Graph, _: u32, _: (Moment, usize), _: u64) -> Option<Arc<ShownValue>> {
        None
    }

    fn code(&self, _: &Graph, _: u64) -> Option<String> {
        None
    }

    fn runtime_type(&self, _: &Graph, _: u64) -> Option<Arc<RuntimeType>> {
        None
    }
}

impl Names for World {
    fn function_before(&self, _: u64) -> Option<String> {
        None
    }
}

/// A plan of two functions, each the target of one trace.
fn plan(traces: impl IntoIterator<Item = TracePlan>) -> Plan {
    let function = |name: &str| PlannedFunction {
        name: name.to_owned(),
        address: 0x1000,
        entry_site: 0x1000,
        entry_step: None,
        entry_moved: false,
        inlined_at: 0,
    };
    Plan {
        executable: "/srv/server".into(),
        functions: vec![function("main.first"), function("main.second")],
        traces: traces.into_iter().collect(),
        ..Plan::default()
    }
}

fn trace(target: u32) -> TracePlan {
    TracePlan {
        targets: vec![target],
        included: vec![target],
        ..TracePlan::default()
    }
}

/// The record of a finished call of a target that makes no other.
fn record(trace: u32, goid: u64, duration_ns: u64) -> Vec<u8> {
    let chunk = Chunk {
        kind: ChunkKind::Graph as u32,
        trace,
        tgid: 7,
        tid: 8,
        goid,
        start_ns: 100,
        entry_ip: 0x1000,
        count: 1,
        ..Chunk::new_zeroed()
    };
    let call = CallRecord {
        entry_ns: 100,
        duration_ns,
        function: trace,
        ..CallRecord::new_zeroed()
    };
    [chunk.as_bytes(), call.as_bytes()].concat()
}

/// A goroutine in a call of a target since a moment.
fn open(trace: u32, goid: u64, entry_ns: u64) -> OpenGoroutine {
    let mut state = Box::new(Goroutine::new_zeroed());
    state.level = 1;
    state.chunk = Chunk {
        trace,
        start_ns: entry_ns,
        ..Chunk::new_zeroed()
    };
    state.frames[0] = Frame {
        entry_ns,
        function: trace,
        ..Frame::new_zeroed()
    };
    OpenGoroutine {
        key: GoroutineKey {
            trace,
            tgid: 7,
            goid,
            ..GoroutineKey::new_zeroed()
        },
        state,
        deep: Vec::new(),
        values: None,
    }
}

/// Runs a session until `looks` looks have been made for its end, and closes it.
fn run(
    plan: &Plan,
    source: &mut Recorded,
    sink: &mut Seen,
    limit: Option<u64>,
    looks: usize,
) -> anyhow::Result<()> {
    let left = Cell::new(looks);
    let stop = || {
        left.set(left.get().saturating_sub(1));
        left.get() == 0
    };
    let mut session = Session::new(plan, source, &World, sink).limited(limit);
    session.begin()?;
    let end = session.follow(&mut Until {
        stop: &stop,
        duration: None,
        has_ended: &mut || false,
    });
    end.and(session.close())
}

#[test]
fn graphs_go_to_the_sink_until_it_is_stopped() {
    let plan = plan([trace(0), trace(1)]);
    let polls = [
        vec![record(0, 1, 10)],
        vec![],
        vec![record(1, 2, 20), record(0, 1, 30)],
        // After the last look: what was sent before the probes were gone.
        vec![record(1, 2, 40)],
    ];
    let mut source = Recorded::new(2, polls);
    let mut seen = Seen::default();
    run(&plan, &mut source, &mut seen, None, 3).expect("a session");
    assert_eq!(
        seen.events,
        [
            "main.first 10 ns of goroutine 1",
            "main.second 20 ns of goroutine 2",
            "main.first 30 ns of goroutine 1",
            "main.second 40 ns of goroutine 2",
        ]
    );
    assert_eq!(seen.totals.expect("totals").graphs, 4);
    assert!(!source.is_attached());
}

#[test]
fn no_more_graphs_than_are_wanted() {
    let plan = plan([trace(0)]);
    let polls = [vec![record(0, 1, 10), record(0, 1, 20), record(0, 1, 30)]];
    let mut source = Recorded::new(1, polls);
    let mut seen = Seen::default();
    run(&plan, &mut source, &mut seen, Some(2), 1_000).expect("a session");
    assert_eq!(seen.events.len(), 2);
    assert_eq!(seen.totals.expect("totals").graphs, 2);
    assert!(!source.is_attached());
}

#[test]
fn a_sink_that_takes_nothing_any_more_ends_the_session() {
    let plan = plan([trace(0)]);
    let polls = [vec![record(0, 1, 10)], vec![record(0, 1, 20)]];
    let mut source = Recorded::new(1, polls);
    let mut seen = Seen {
        patience: Some(1),
        ..Seen::default()
    };
    run(&plan, &mut source, &mut seen, None, 1_000).expect("a session");
    assert_eq!(seen.events, ["main.first 10 ns of goroutine 1"]);
    assert!(!source.is_attached());
}

#[test]
fn what_is_open_is_shown_when_its_trace_ends_and_once() {
    let first = TracePlan {
        duration: Some(Duration::ZERO),
        ..trace(0)
    };
    let plan = plan([first, trace(1)]);
    let polls = [vec![], vec![], vec![record(1, 2, 20)]];
    let mut source = Recorded::new(2, polls);
    source.open = vec![open(0, 1, 400), open(1, 3, 300)];
    let mut seen = Seen::default();
    run(&plan, &mut source, &mut seen, None, 4).expect("a session");
    assert_eq!(
        seen.events,
        [
            "main.first 600 ns of goroutine 1, open",
            "main.second 20 ns of goroutine 2",
            "main.second 700 ns of goroutine 3, open",
        ]
    );
}

/// A trace that counts keeps its graphs in the kernel, which knows nothing of what is open.
#[test]
fn what_is_open_is_in_the_totals_beside_a_trace_that_counts() {
    let counting = TracePlan {
        keeps_graphs: true,
        ..trace(1)
    };
    let plan = plan([trace(0), counting]);
    let mut source = Recorded::new(2, []);
    source.open = vec![open(0, 1, 400)];
    source.graphs = 3;
    let mut seen = Seen::default();
    run(&plan, &mut source, &mut seen, None, 1).expect("a session");
    assert_eq!(seen.events, ["main.first 600 ns of goroutine 1, open"]);
    assert_eq!(seen.totals.expect("totals").graphs, 4);
}

#[test]
fn what_is_open_counts_against_min_and_limit() {
    let limited = TracePlan {
        filter: Filter {
            min: Some(Duration::from_nanos(500)),
            limit: Some(1),
            ..Filter::default()
        },
        ..trace(0)
    };
    let plan = plan([limited]);
    let mut source = Recorded::new(1, []);
    source.open = vec![open(0, 1, 900), open(0, 2, 100), open(0, 3, 100)];
    let mut seen = Seen::default();
    run(&plan, &mut source, &mut seen, None, 1).expect("a session");
    assert_eq!(seen.events, ["main.first 900 ns of goroutine 2, open"]);
    assert_eq!(seen.totals.expect("totals").filtered, 2);
}

#[test]
fn a_file_that_is_written_to_ends_the_session() {
    let plan = plan([trace(0)]);
    let mut source = Recorded::new(1, []);
    source.is_written = true;
    let mut seen = Seen::default();
    run(&plan, &mut source, &mut seen, None, 1_000).expect("a session");
    assert_eq!(
        seen.events,
        [
            "notice: /srv/server is being written to, or was opened for that, so its probes were removed; start again when that is done"
        ]
    );
}

#[test]
fn a_record_that_cannot_be_read_ends_the_session_and_the_target_is_let_go_of() {
    let plan = plan([trace(0)]);
    let mut source = Recorded::new(1, [vec![record(0, 1, 10)], vec![vec![1, 2, 3]]]);
    let mut seen = Seen::default();
    let error = run(&plan, &mut source, &mut seen, None, 1_000).expect_err("an error");
    assert!(
        error
            .to_string()
            .starts_with("the probe program sent data that cannot be read"),
        "{error}"
    );
    assert_eq!(seen.events, ["main.first 10 ns of goroutine 1"]);
    assert!(seen.totals.is_some());
    assert!(!source.is_attached());
}
