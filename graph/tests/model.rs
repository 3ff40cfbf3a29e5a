//! Random runs of a few goroutines, written down twice: as the records that the probe program would send, and as plain trees.
#![allow(missing_docs)]

use std::collections::HashMap;

use ebpf_templates::{
    CHUNK_CALLS_MAX, CallRecord, Chunk, ChunkKind, Frame, Goroutine, GoroutineKey, INLINE_FRAMES,
    NO_OFFSET,
};
use graph::{Builder, Call, Exit, Graph};
use proptest::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

/// What one goroutine does next; whatever does not apply to its state does nothing.
#[derive(Debug, Clone)]
enum Action {
    /// Calls a function; the first call is the target.
    Call { function: u32, missing: u32 },
    /// Jumps to a probed function: it and its caller will end together.
    TailCall { function: u32 },
    /// The innermost call returns.
    Return { offset: u32 },
    /// A panic removes this many calls.
    Unwind(usize),
    /// The probe program runs out of room.
    Spill,
    /// The next end of a target is not to be kept.
    Discard,
    /// The target's callers are sent.
    Stack(Vec<u64>),
    /// Time passes.
    Wait(u64),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        10 => (0..5u32, prop_oneof![9 => Just(0), 1 => 1..9u32]).prop_map(|(function, missing)| Action::Call { function, missing }),
        1 => (0..5u32).prop_map(|function| Action::TailCall { function }),
        9 => (0..300u32).prop_map(|offset| Action::Return { offset }),
        1 => (1..6usize).prop_map(Action::Unwind),
        1 => Just(Action::Spill),
        1 => Just(Action::Discard),
        1 => prop::collection::vec(any::<u64>(), 0..5).prop_map(Action::Stack),
        6 => (0..1_000u64).prop_map(Action::Wait),
    ]
}

/// A call in the model.
#[derive(Debug, Clone, PartialEq)]
struct Node {
    function: u32,
    start: u64,
    duration: u64,
    caller_pc: u64,
    offset: Option<u32>,
    exit: Exit,
    missing: u32,
    /// Probe hits inside: entries are emulated, returns single-stepped.
    hits: [u32; 2],
    children: Vec<Node>,
}

/// A goroutine: the model's view and the probe program's.
#[derive(Default)]
struct Run {
    open: Vec<(Node, bool)>,
    unsent: Vec<CallRecord>,
    start: u64,
    spilled: bool,
    discard: bool,
    stack: Vec<u64>,
}

struct World {
    now: u64,
    runs: HashMap<u64, Run>,
    records: Vec<Vec<u8>>,
    expected: Vec<(u64, u64, Node, Vec<u64>)>,
}

const TGID: u32 = 40;
const ENTRY_IP: u64 = 0x40_1000;

fn header(kind: ChunkKind, goid: u64, start: u64, count: usize) -> Chunk {
    Chunk {
        kind: kind as u32,
        trace: 2,
        tgid: TGID,
        tid: 41,
        goid,
        start_ns: start,
        entry_ip: ENTRY_IP,
        count: count as u32,
        ..Chunk::new_zeroed()
    }
}

fn bytes(header: Chunk, entries: &(impl IntoBytes + zerocopy::Immutable + ?Sized)) -> Vec<u8> {
    [header.as_bytes(), entries.as_bytes()].concat()
}

impl World {
    fn new() -> Self {
        Self {
            now: 1_000_000,
            runs: HashMap::new(),
            records: vec![],
            expected: vec![],
        }
    }

    fn step(&mut self, goid: u64, action: Action) {
        let now = self.now;
        let run = self.runs.entry(goid).or_default();
        match action {
            Action::Call { function, missing } => run.enter(now, function, missing, false),
            Action::TailCall { function } if !run.open.is_empty() => {
                run.enter(now, function, 0, true)
            }
            Action::Return { offset } => {
                // A call that was jumped to takes its caller with it.
                let tails = run.open.iter().rev().take_while(|(_, tail)| *tail).count();
                (0..=tails).for_each(|_| self.leave(goid, Some(offset), Exit::Return));
                if let Some(run) = self.runs.get_mut(&goid) {
                    run.open.iter_mut().for_each(|(node, _)| node.hits[1] += 1);
                }
            }
            Action::Unwind(count) => (0..count).for_each(|_| self.leave(goid, None, Exit::Unwound)),
            Action::Spill => self.spill(goid),
            Action::Discard => run.discard = true,
            Action::Stack(stack) if !run.open.is_empty() => {
                let record = bytes(
                    header(ChunkKind::Stack, goid, run.start, stack.len()),
                    stack.as_slice(),
                );
                run.stack = stack;
                run.spilled = true;
                self.records.push(record);
            }
            Action::Wait(ns) => self.now += ns,
            Action::TailCall { .. } | Action::Stack(_) => {}
        }
    }

    fn spill(&mut self, goid: u64) {
        let run = self.runs.entry(goid).or_default();
        if !run.unsent.is_empty() {
            let chunk = header(ChunkKind::Calls, goid, run.start, run.unsent.len());
            self.records.push(bytes(chunk, run.unsent.as_slice()));
            run.unsent.clear();
            run.spilled = true;
        }
    }

    fn leave(&mut self, goid: u64, offset: Option<u32>, exit: Exit) {
        let now = self.now;
        if self
            .runs
            .get(&goid)
            .is_some_and(|run| run.unsent.len() == CHUNK_CALLS_MAX)
        {
            self.spill(goid);
        }
        let run = self.runs.entry(goid).or_default();
        let Some((mut node, _)) = run.open.pop() else {
            return;
        };
        node.duration = now - node.start;
        node.offset = offset;
        node.exit = exit;
        run.unsent.push(CallRecord {
            entry_ns: node.start,
            duration_ns: node.duration,
            caller_pc: node.caller_pc,
            function: node.function,
            return_offset: offset.unwrap_or(NO_OFFSET),
            missing: node.missing,
            level: run.open.len() as u16,
            exit: exit as u8,
            unused: 0,
            hits: node.hits[0],
            stepped: node.hits[1],
        });
        match run.open.last_mut() {
            Some((parent, _)) => parent.children.push(node),
            None => {
                let run = std::mem::take(run);
                if !run.discard {
                    let chunk = header(ChunkKind::Graph, goid, run.start, run.unsent.len());
                    self.records.push(bytes(chunk, run.unsent.as_slice()));
                    self.expected.push((goid, run.start, node, run.stack));
                } else if run.spilled {
                    self.records.push(bytes(
                        header(ChunkKind::Discard, goid, run.start, 0),
                        &[0u8; 0],
                    ));
                }
                // A goroutine's graphs differ in their starts.
                self.now += 1;
            }
        }
    }
}

impl Run {
    fn enter(&mut self, now: u64, function: u32, missing: u32, tail: bool) {
        if self.open.is_empty() {
            self.start = now;
        }
        self.open.iter_mut().for_each(|(node, _)| node.hits[0] += 1);
        let caller_pc = ENTRY_IP + u64::from(function) * 16 + self.open.len() as u64;
        let node = Node {
            function,
            start: now,
            duration: 0,
            caller_pc,
            offset: None,
            exit: Exit::Return,
            missing,
            hits: [0, 0],
            children: vec![],
        };
        self.open.push((node, tail));
    }

    /// The goroutine as tracing finds it at the end: its tree with open calls, its state and its deep frames.
    fn stopped(&self, goid: u64, now: u64) -> Option<(Node, Goroutine, Vec<Frame>)> {
        let mut state = Goroutine::new_zeroed();
        state.level = self.open.len() as u32;
        state.chunk = header(ChunkKind::Calls, goid, self.start, self.unsent.len());
        state.calls[..self.unsent.len()].copy_from_slice(&self.unsent);
        // What the counters stand at does not matter, nor that they have overflowed.
        let all = [7, 3];
        [state.hits, state.stepped] = all;
        let frames: Vec<Frame> = self
            .open
            .iter()
            .map(|(node, _)| Frame {
                entry_ns: node.start,
                caller_pc: node.caller_pc,
                depth: 0,
                function: node.function,
                missing: node.missing,
                flags: 0,
                hits: all[0].wrapping_sub(node.hits[0]),
                stepped: all[1].wrapping_sub(node.hits[1]),
            })
            .collect();
        let inline = frames.len().min(INLINE_FRAMES);
        state.frames[..inline].copy_from_slice(&frames[..inline]);

        let tree = self
            .open
            .iter()
            .rev()
            .fold(None, |below: Option<Node>, (node, _)| {
                let mut node = node.clone();
                node.exit = Exit::Open;
                node.duration = now - node.start;
                node.children.extend(below);
                Some(node)
            })?;
        Some((tree, state, frames[inline..].to_vec()))
    }
}

impl Node {
    fn missing(&self) -> u64 {
        u64::from(self.missing) + self.children.iter().map(Node::missing).sum::<u64>()
    }

    fn self_ns(&self) -> u64 {
        self.duration
            - self
                .children
                .iter()
                .map(|child| child.duration)
                .sum::<u64>()
    }

    fn self_times(&self, out: &mut Vec<u64>) {
        out.push(self.self_ns());
        self.children.iter().for_each(|child| child.self_times(out));
    }
}

/// The tree by the levels alone, recursively.
fn tree(graph: &Graph) -> Node {
    fn node(calls: &mut std::iter::Peekable<std::slice::Iter<Call>>, start: u64) -> Node {
        let call = calls.next().expect("a call");
        let mut children = vec![];
        while calls
            .peek()
            .is_some_and(|next| next.level == call.level + 1)
        {
            children.push(node(calls, start));
        }
        Node {
            function: call.function,
            start: start + call.start_ns,
            duration: call.duration_ns,
            caller_pc: call.caller_pc,
            offset: call.return_offset,
            exit: call.exit,
            missing: call.missing,
            hits: [call.hits, call.stepped],
            children,
        }
    }
    let mut calls = graph.calls.iter().peekable();
    let root = node(&mut calls, graph.start_ns);
    assert!(calls.next().is_none(), "a call fits nowhere");
    root
}

fn check(graph: &Graph, goid: u64, start: u64, node: &Node, stack: &[u64]) {
    assert_eq!(
        (graph.trace, graph.pid, graph.tid, graph.goroutine),
        (2, TGID, 41, goid)
    );
    assert_eq!(
        (graph.start_ns, graph.entry_ip, graph.stack.as_slice()),
        (start, ENTRY_IP, stack)
    );
    assert_eq!(&tree(graph), node);
    assert_eq!((graph.missing_calls, graph.lost_calls), (node.missing(), 0));
    assert_eq!(graph.complete, node.missing() == 0);
    let mut self_times = vec![];
    node.self_times(&mut self_times);
    assert_eq!(graph.self_times(), self_times);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn graphs_are_the_trees_that_ran(actions in prop::collection::vec((0..4u64, action()), 0..600)) {
        let mut world = World::new();
        for (goid, action) in actions {
            world.step(goid, action);
        }
        let mut builder = Builder::new();
        let mut graphs = vec![];
        for record in &world.records {
            graphs.extend(builder.record(record).unwrap());
        }
        prop_assert_eq!(graphs.len(), world.expected.len());
        for (graph, (goid, start, node, stack)) in graphs.iter().zip(&world.expected) {
            prop_assert!(!graph.open);
            check(graph, *goid, *start, node, stack);
        }
        for (goid, run) in &world.runs {
            let key = GoroutineKey { tgid: TGID, trace: 2, goid: *goid, image: 0 };
            match run.stopped(*goid, world.now) {
                Some((node, state, deep)) => {
                    let graph = builder.open(&key, &state, &deep, None, world.now, Exit::Open).unwrap();
                    prop_assert!(graph.open);
                    check(&graph, *goid, run.start, &node, &run.stack);
                }
                None => prop_assert_eq!(builder.open(&key, &Goroutine::new_zeroed(), &[], None, world.now, Exit::Open), None),
            }
        }
        prop_assert_eq!((builder.abandoned(), builder.held_bytes()), (0, 0));
        prop_assert!(builder.gone(|_| true).is_empty());
    }

    #[test]
    fn lost_records_break_nothing_but_completeness(
        actions in prop::collection::vec((0..3u64, action()), 0..400),
        lost in prop::collection::vec(prop::bool::weighted(0.3), 400),
    ) {
        let mut world = World::new();
        for (goid, action) in actions {
            world.step(goid, action);
        }
        let mut builder = Builder::new();
        let mut graphs = vec![];
        for (record, lost) in world.records.iter().zip(lost) {
            if !lost {
                graphs.extend(builder.record(record).unwrap());
            }
        }
        graphs.extend(builder.gone(|_| true));
        prop_assert_eq!(builder.held_bytes(), 0);
        for graph in &graphs {
            let whole = world.expected.iter().find(|(goid, start, ..)| (*goid, *start) == (graph.goroutine, graph.start_ns));
            prop_assert!(graph.calls.is_sorted_by_key(|call| call.start_ns));
            prop_assert!(graph.root().is_some() || !graph.complete);
            // A loss that is announced nowhere can still look whole, but only by being a subset of what ran.
            if let Some((_, _, node, _)) = whole
                && graph.root().is_some()
                && graph.complete
            {
                prop_assert_eq!(graph.calls[0].duration_ns, node.duration);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..6u8, count in 0..12u8) {
        let mut builder = Builder::new();
        let mut bytes = bytes;
        if bytes.len() > 44 {
            bytes[..4].copy_from_slice(&[kind, 0, 0, 0]);
            bytes[40..44].copy_from_slice(&[count, 0, 0, 0]);
        }
        let ended = builder.record(&bytes).is_ok_and(|graph| graph.is_some());
        prop_assert!(!ended || kind == ChunkKind::Graph as u8);
        for graph in builder.gone(|_| true) {
            prop_assert!(!graph.complete);
        }
        prop_assert_eq!(builder.held_bytes(), 0);
    }
}
