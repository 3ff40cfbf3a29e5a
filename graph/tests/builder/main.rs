//! What happens to graphs that do not come in one piece, or not at all.
#![allow(missing_docs)]

mod captured;

use ebpf_templates::{
    CHUNK_CALLS_MAX, CHUNK_UNREAD, CallRecord, Chunk, ChunkKind, Frame, Goroutine, GoroutineKey,
    INLINE_FRAMES,
};
use graph::{Builder, Exit, Graph, Malformed};
use zerocopy::{FromZeros, IntoBytes};

fn header(kind: ChunkKind, goid: u64, start_ns: u64) -> Chunk {
    Chunk {
        kind: kind as u32,
        trace: 0,
        tgid: 7,
        tid: 8,
        goid,
        start_ns,
        entry_ip: 0x40_1000,
        ..Chunk::new_zeroed()
    }
}

fn record(header: Chunk, calls: &[CallRecord]) -> Vec<u8> {
    [
        Chunk {
            count: calls.len() as u32,
            ..header
        }
        .as_bytes(),
        calls.as_bytes(),
    ]
    .concat()
}

fn call(level: u16, entry_ns: u64, duration_ns: u64) -> CallRecord {
    CallRecord {
        entry_ns,
        duration_ns,
        caller_pc: 0x40_2000 + entry_ns,
        function: u32::from(level),
        return_offset: 96,
        missing: 0,
        level,
        exit: 0,
        unused: 0,
        hits: 0,
        stepped: 0,
    }
}

#[test]
fn a_graph_in_three_records() {
    let mut builder = Builder::new();
    let first = record(
        header(ChunkKind::Calls, 1, 100),
        &[call(2, 110, 5), call(1, 105, 20)],
    );
    assert_eq!(builder.record(&first), Ok(None));
    assert_eq!(
        builder.record(&record(
            header(ChunkKind::Calls, 1, 100),
            &[call(1, 130, 9)]
        )),
        Ok(None)
    );
    assert!(builder.held_bytes() > 0);
    let graph = builder
        .record(&record(
            header(ChunkKind::Graph, 1, 100),
            &[call(0, 100, 50)],
        ))
        .unwrap()
        .unwrap();
    let shape: Vec<(u32, u64)> = graph
        .calls
        .iter()
        .map(|call| (call.level, call.start_ns))
        .collect();
    assert_eq!(shape, [(0, 0), (1, 5), (2, 10), (1, 30)]);
    assert!(graph.complete);
    assert_eq!(graph.calls[2].caller_pc, 0x40_2000 + 110);
    assert_eq!(builder.held_bytes(), 0);
}

#[test]
fn a_graph_in_which_a_hit_could_not_be_told_is_not_complete() {
    let header = Chunk {
        flags: CHUNK_UNREAD,
        ..header(ChunkKind::Graph, 1, 100)
    };
    let graph = Builder::new()
        .record(&record(header, &[call(0, 100, 50)]))
        .unwrap()
        .unwrap();
    assert!(graph.unread && !graph.complete);
}

#[test]
fn counts_of_losses_are_those_of_the_last_record() {
    let mut builder = Builder::new();
    builder
        .record(&record(
            Chunk {
                lost: 48,
                ..header(ChunkKind::Calls, 1, 100)
            },
            &[],
        ))
        .unwrap();
    let last = Chunk {
        lost: 96,
        missing: 3,
        ..header(ChunkKind::Graph, 1, 100)
    };
    let graph = builder
        .record(&record(last, &[call(0, 100, 50)]))
        .unwrap()
        .unwrap();
    assert_eq!(
        (graph.complete, graph.lost_calls, graph.missing_calls),
        (false, 96, 3)
    );
}

#[test]
fn a_gap_between_levels_is_a_loss() {
    let mut builder = Builder::new();
    let calls = [call(2, 110, 5), call(0, 100, 50)];
    let graph = builder
        .record(&record(header(ChunkKind::Graph, 1, 100), &calls))
        .unwrap()
        .unwrap();
    assert!(!graph.complete);
    assert_eq!(graph.calls.len(), 2);
}

#[test]
fn a_graph_whose_end_was_lost_is_kept_for_gone() {
    let mut builder = Builder::new();
    builder
        .record(&record(
            header(ChunkKind::Calls, 1, 100),
            &[call(1, 110, 5)],
        ))
        .unwrap();
    let next = builder
        .record(&record(
            header(ChunkKind::Graph, 1, 900),
            &[call(0, 900, 50)],
        ))
        .unwrap()
        .unwrap();
    assert!(next.complete);
    assert_eq!((builder.abandoned(), next.calls.len()), (1, 1));
    let gone = builder.gone(|key| key.tgid == 4_444);
    assert_eq!(
        (gone.len(), gone[0].complete, gone[0].open),
        (1, false, false)
    );
    assert_eq!(
        (gone[0].root(), gone[0].calls.len(), gone[0].start_ns),
        (None, 1, 100)
    );
    assert_eq!(builder.held_bytes(), 0);
}

#[test]
fn gone_is_about_one_process_or_all() {
    let mut builder = Builder::new();
    for tgid in [7, 9] {
        let chunk = Chunk {
            tgid,
            ..header(ChunkKind::Calls, 1, u64::from(tgid))
        };
        builder.record(&record(chunk, &[call(1, 110, 5)])).unwrap();
    }
    assert_eq!(
        builder
            .gone(|key| key.tgid == 9)
            .iter()
            .map(|graph| graph.pid)
            .collect::<Vec<_>>(),
        [9]
    );
    assert_eq!(
        builder
            .gone(|_| true)
            .iter()
            .map(|graph| graph.pid)
            .collect::<Vec<_>>(),
        [7]
    );
    assert_eq!(builder.held_bytes(), 0);
}

/// A trace that ends draws what is open of it; the same goroutine goes on in another one.
#[test]
fn the_end_of_one_trace_ends_nothing_of_another() {
    let mut builder = Builder::new();
    let of = |trace, kind| Chunk {
        trace,
        ..header(kind, 1, 100)
    };
    for trace in [0, 1] {
        let spilled = record(of(trace, ChunkKind::Calls), &[call(1, 110, 5)]);
        builder.record(&spilled).unwrap();
    }
    let mut state = Goroutine::new_zeroed();
    state.level = 1;
    state.chunk = of(0, ChunkKind::Calls);
    state.chunk.count = 0;
    state.frames[0].entry_ns = 100;
    let key = GoroutineKey {
        tgid: state.chunk.tgid,
        trace: 0,
        goid: 1,
        image: state.chunk.image,
    };
    let open = builder.open(&key, &state, &[], None, 200, Exit::Open);
    let open = open.unwrap();
    assert_eq!((open.trace, open.open, open.calls.len()), (0, true, 2));
    assert_eq!(builder.gone(|key| key.trace == 0), []);
    let last = record(of(1, ChunkKind::Graph), &[call(0, 100, 500)]);
    let whole = builder.record(&last).unwrap().unwrap();
    assert_eq!(
        (whole.trace, whole.complete, whole.calls.len()),
        (1, true, 2)
    );
    assert_eq!(builder.held_bytes(), 0);
}

/// Issue 9, case pid-used-again: the next process with the same id has the same goroutines.
#[test]
fn the_next_process_with_the_same_id_ends_nothing() {
    let mut builder = Builder::new();
    let sent = header(ChunkKind::Calls, 1, 100);
    builder.record(&record(sent, &[call(1, 110, 5)])).unwrap();
    let next = Chunk {
        image: sent.image + 1,
        ..header(ChunkKind::Graph, 1, 900)
    };
    let whole = builder.record(&record(next, &[call(0, 900, 50)])).unwrap();
    assert!(whole.unwrap().complete);
    let mut state = Goroutine::new_zeroed();
    state.level = 1;
    state.chunk = sent;
    state.chunk.count = 0;
    state.frames[0].entry_ns = 100;
    let key = GoroutineKey {
        tgid: sent.tgid,
        trace: sent.trace,
        goid: sent.goid,
        image: sent.image,
    };
    let graph = builder.open(&key, &state, &[], None, 400, Exit::Exec);
    let graph = graph.unwrap();
    let calls: Vec<(Exit, u64)> = (graph.calls.iter())
        .map(|call| (call.exit, call.duration_ns))
        .collect();
    assert_eq!(calls, [(Exit::Exec, 300), (Exit::Return, 5)]);
    assert_eq!((graph.open, graph.complete), (true, true));
    assert_eq!(builder.abandoned(), 0);
}

#[test]
fn discarded_calls_are_forgotten() {
    let mut builder = Builder::new();
    builder
        .record(&record(
            header(ChunkKind::Calls, 1, 100),
            &[call(1, 110, 5)],
        ))
        .unwrap();
    assert_eq!(
        builder.record(&record(header(ChunkKind::Discard, 1, 100), &[])),
        Ok(None)
    );
    assert_eq!(
        (
            builder.held_bytes(),
            builder.abandoned(),
            builder.gone(|_| true).len()
        ),
        (0, 0, 0)
    );
}

#[test]
fn open_frames_with_missing_deep_ones() {
    let mut builder = Builder::new();
    let mut state = Goroutine::new_zeroed();
    let frame = |level: u64| Frame {
        entry_ns: 100 + level,
        caller_pc: level,
        depth: 0,
        function: level as u32,
        missing: 0,
        flags: 0,
        hits: 0,
        stepped: 0,
    };
    state.level = 40;
    state.frames = std::array::from_fn(|level| frame(level as u64));
    state.chunk = Chunk {
        count: u32::MAX,
        ..header(ChunkKind::Calls, 1, 100)
    };
    state.calls.fill(call(33, 150, 1));
    let deep: Vec<Frame> = (INLINE_FRAMES as u64..38).map(frame).collect();
    let key = GoroutineKey {
        tgid: 7,
        trace: 0,
        goid: 1,
        image: 0,
    };
    let graph = builder
        .open(&key, &state, &deep, None, 1_000, Exit::Open)
        .unwrap();
    assert_eq!(
        (graph.open, graph.complete, graph.lost_calls),
        (true, false, 2)
    );
    assert_eq!(graph.calls.len(), 38 + CHUNK_CALLS_MAX);
    assert_eq!(
        (graph.calls[0].exit, graph.calls[0].duration_ns),
        (Exit::Open, 900)
    );

    state.skip_depth = 64;
    assert_eq!(
        builder.open(&key, &state, &deep, None, 1_000, Exit::Open),
        None
    );
}

#[test]
fn malformed_records_are_refused_and_change_nothing() {
    let mut builder = Builder::new();
    let whole = record(header(ChunkKind::Calls, 1, 100), &[call(1, 110, 5)]);
    assert_eq!(builder.record(&whole[..30]), Err(Malformed::Short(30)));
    assert_eq!(
        builder.record(&whole[..size_of::<Chunk>() + 26]),
        Err(Malformed::Count {
            announced: 1,
            held: 0
        })
    );
    let mut unknown = whole.clone();
    unknown[0] = 77;
    assert_eq!(builder.record(&unknown), Err(Malformed::Kind(77)));
    let strange = record(
        header(ChunkKind::Graph, 1, 100),
        &[CallRecord {
            exit: 9,
            ..call(0, 100, 1)
        }],
    );
    assert_eq!(builder.record(&strange), Err(Malformed::Exit(9)));
    let mut huge = whole.clone();
    let count = std::mem::offset_of!(Chunk, count);
    huge[count..count + 4].fill(0xff);
    assert_eq!(
        builder.record(&huge),
        Err(Malformed::Count {
            announced: u32::MAX,
            held: 1
        })
    );
    assert_eq!(builder.held_bytes(), 0);
    // Room that the probe program reserved and did not use is no fault.
    assert_eq!(
        builder.record(&[whole.as_slice(), &[0; 64]].concat()),
        Ok(None)
    );
}

#[test]
fn ten_thousand_goroutines_with_spilled_chunks_fit() {
    let mut builder = Builder::new();
    for chunk in 0..4 {
        for goid in 0..10_000 {
            let start = 1_000_000_000_000 + goid * 300;
            let calls: Vec<CallRecord> = (0..CHUNK_CALLS_MAX as u64)
                .map(|index| {
                    call(
                        1 + (index % 5) as u16,
                        start + (chunk * 50 + index) * 40_000,
                        35_000,
                    )
                })
                .collect();
            builder
                .record(&record(header(ChunkKind::Calls, goid, start), &calls))
                .unwrap();
        }
    }
    assert!(
        builder.held_bytes() < 48 << 20,
        "{} bytes",
        builder.held_bytes()
    );
    assert_eq!(builder.dropped_calls(), 0);
}

#[test]
fn beyond_the_limit_calls_are_dropped_and_counted() {
    let mut builder = Builder::with_limit(4_096);
    for chunk in 0..100 {
        builder
            .record(&record(
                header(ChunkKind::Calls, 1, 100),
                &[call(1, 110 + chunk, 1); 10],
            ))
            .unwrap();
    }
    assert!(builder.held_bytes() <= 4_096);
    let graph = builder
        .record(&record(
            header(ChunkKind::Graph, 1, 100),
            &[call(0, 100, 500)],
        ))
        .unwrap()
        .unwrap();
    assert!(builder.dropped_calls() > 0);
    assert_eq!(graph.lost_calls, builder.dropped_calls());
    assert_eq!(graph.calls.len() as u64 + graph.lost_calls, 1_001);
    assert!(!graph.complete);
}

/// A graph of trace 0 that began at `start_ns` and took 50 ns.
fn short(builder: &mut Builder, start_ns: u64) -> Graph {
    builder
        .record(&record(
            header(ChunkKind::Graph, 1, start_ns),
            &[call(1, start_ns + 10, 5), call(0, start_ns, 50)],
        ))
        .expect("a record")
        .expect("the last one")
}

fn dropped(graph: &Graph) -> Vec<(u32, u64)> {
    graph
        .dropped
        .iter()
        .map(|dropped| (dropped.function, dropped.since_ns))
        .collect()
}

#[test]
fn graphs_that_end_after_functions_were_dropped_are_marked() {
    let mut builder = Builder::new();
    assert!(short(&mut builder, 900).complete);
    builder.dropped(0, &[4, 2], 1_000);
    builder.dropped(1, &[9], 1_001);
    builder.dropped(0, &[2, 7], 2_000);
    for (start_ns, expected) in [
        (950, &[][..]),
        (951, &[(4, 1_000), (2, 1_000)]),
        (1_500, &[(4, 1_000), (2, 1_000)]),
        (1_990, &[(4, 1_000), (2, 1_000), (7, 2_000)]),
        (2_500, &[(4, 1_000), (2, 1_000), (7, 2_000)]),
    ] {
        let graph = short(&mut builder, start_ns);
        assert_eq!(dropped(&graph), expected, "{start_ns}");
        assert_eq!(graph.complete, expected.is_empty());
        assert!(graph.is_whole());
    }
    assert_eq!(builder.dropped_functions(), [2, 4, 9, 7]);
}

#[test]
fn calls_that_were_open_when_their_function_was_dropped_were_not_unwound() {
    let mut builder = Builder::new();
    builder.dropped(0, &[3], 1_000);
    let unwound = |function: u32, entry_ns: u64, level: u16| CallRecord {
        function,
        exit: Exit::Unwound as u8,
        ..call(level, entry_ns, 100)
    };
    let graph = builder
        .record(&record(
            header(ChunkKind::Graph, 1, 850),
            &[
                unwound(3, 890, 1),
                unwound(3, 960, 2),
                unwound(4, 950, 1),
                call(0, 850, 300),
            ],
        ))
        .unwrap()
        .unwrap();
    let ends: Vec<_> = graph
        .calls
        .iter()
        .skip(1)
        .map(|call| (call.function, call.exit, call.duration_ns))
        .collect();
    assert_eq!(
        ends,
        [
            (3, Exit::Unwound, 100),
            (4, Exit::Unwound, 100),
            (3, Exit::Open, 40)
        ]
    );
}

#[test]
fn open_and_abandoned_graphs_are_marked_too() {
    let mut builder = Builder::new();
    builder.dropped(0, &[3], 1_000);
    let mut state = Goroutine::new_zeroed();
    state.level = 1;
    state.chunk = header(ChunkKind::Calls, 2, 100);
    state.frames[0].entry_ns = 100;
    let key = GoroutineKey {
        tgid: 7,
        trace: 0,
        goid: 2,
        image: 0,
    };
    let graph = builder
        .open(&key, &state, &[], None, 1_000, Exit::Open)
        .unwrap();
    assert_eq!((dropped(&graph), graph.complete), (vec![], true));
    let graph = builder
        .open(&key, &state, &[], None, 1_001, Exit::Open)
        .unwrap();
    assert_eq!((dropped(&graph), graph.complete), (vec![(3, 1_000)], false));

    // Nobody knows when it ended.
    builder
        .record(&record(
            header(ChunkKind::Calls, 1, 100),
            &[call(1, 110, 5)],
        ))
        .unwrap();
    assert_eq!(dropped(&builder.gone(|_| true)[0]), [(3, 1_000)]);
}
