//! Captured values on their way to their calls.

use ebpf_templates::{
    CHUNK_UNTIL, Chunk, ChunkKind, Goroutine, GoroutineKey, Values, ValuesHeader,
};
use graph::{Builder, Exit, Graph, Malformed, Moment};
use zerocopy::{FromZeros, IntoBytes};

use super::{call, header, record};

/// Where the count stands in a record.
const COUNT: usize = std::mem::offset_of!(Chunk, count);

/// A record of captured values: level and entry of the call, moment, bytes; functions as in [`call`].
fn values(header: Chunk, captures: &[(u16, u64, u8, &[u8])]) -> Vec<u8> {
    let body: Vec<u8> = captures
        .iter()
        .flat_map(|(level, entry_ns, moment, bytes)| {
            let header = ValuesHeader {
                entry_ns: *entry_ns,
                function: u32::from(*level),
                level: *level,
                moment: *moment,
                size: bytes.len() as u32,
                ..ValuesHeader::new_zeroed()
            };
            let padding = bytes.len().next_multiple_of(8) - bytes.len();
            [header.as_bytes(), bytes, &vec![0xee; padding]].concat()
        })
        .collect();
    let header = Chunk {
        count: body.len() as u32,
        ..header
    };
    [header.as_bytes(), body.as_slice()].concat()
}

fn captured(graph: &Graph) -> Vec<[Option<&[u8]>; 2]> {
    (0..graph.calls.len())
        .map(|call| {
            [Moment::Arguments, Moment::Results].map(|moment| graph.captured.of(call, moment))
        })
        .collect()
}

#[test]
fn captured_values_find_their_calls() {
    let mut builder = Builder::new();
    let chunk = |kind| header(kind, 1, 100);
    for record in [
        values(
            chunk(ChunkKind::Values),
            &[(0, 100, 0, b"root"), (1, 105, 0, b""), (2, 110, 0, b"leaf")],
        ),
        record(
            chunk(ChunkKind::Calls),
            &[call(2, 110, 5), call(1, 105, 20)],
        ),
        // Another goroutine, and another graph of a later goroutine of the same number.
        values(header(ChunkKind::Values, 2, 90), &[(0, 100, 0, b"other")]),
        values(
            chunk(ChunkKind::Values),
            &[
                (1, 105, 1, b"twelve bytes"),
                (1, 120, 0, b"pruned"),
                (0, 100, 1, b"out"),
                (0, 100, 1, b"again"),
            ],
        ),
    ] {
        assert_eq!(builder.record(&record), Ok(None));
    }
    let last = record(
        chunk(ChunkKind::Graph),
        &[call(1, 130, 9), call(0, 100, 50)],
    );
    let graph = builder.record(&last).unwrap().unwrap();
    let expected: [[Option<&[u8]>; 2]; 4] = [
        [Some(b"root"), Some(b"out")],
        [Some(b""), Some(b"twelve bytes")],
        [Some(b"leaf"), None],
        [None, None],
    ];
    assert_eq!(captured(&graph), expected);
    assert!(graph.complete);
    builder
        .record(&record(header(ChunkKind::Discard, 2, 90), &[]))
        .unwrap();
    assert_eq!((builder.held_bytes(), builder.gone(|_| true).len()), (0, 0));
}

#[test]
fn captured_values_of_calls_that_began_at_the_same_instant() {
    let mut builder = Builder::new();
    let captures = [
        (0, 100, 0, b"0".as_slice()),
        (1, 100, 0, b"1"),
        (1, 100, 0, b"2"),
        (1, 100, 1, b"3"),
    ];
    let chunk = header(ChunkKind::Values, 1, 100);
    builder.record(&values(chunk, &captures)).unwrap();
    let calls = [call(1, 100, 0), call(1, 100, 0), call(0, 100, 0)];
    let last = record(header(ChunkKind::Graph, 1, 100), &calls);
    let graph = builder.record(&last).unwrap().unwrap();
    let expected: [[Option<&[u8]>; 2]; 3] = [
        [Some(b"0"), None],
        [Some(b"1"), Some(b"3")],
        [Some(b"2"), None],
    ];
    assert_eq!(captured(&graph), expected);
}

#[test]
fn lost_values_are_counted() {
    let lost = Chunk {
        lost_values: 3,
        flags: CHUNK_UNTIL,
        ..header(ChunkKind::Graph, 1, 100)
    };
    let graph = Builder::new()
        .record(&record(lost, &[call(0, 100, 50)]))
        .unwrap()
        .unwrap();
    assert_eq!(
        (graph.lost_values, graph.complete, graph.until),
        (3, false, true)
    );

    let mut builder = Builder::with_limit(4_096);
    let chunk = header(ChunkKind::Values, 1, 100);
    for _ in 0..10 {
        let captures = values(chunk, &[(0, 100, 0, &[7; 1_000])]);
        builder.record(&captures).unwrap();
    }
    assert!((3_000..=4_096).contains(&builder.held_bytes()));
    let graph = builder
        .record(&record(lost, &[call(0, 100, 50)]))
        .unwrap()
        .unwrap();
    assert_eq!(graph.lost_values, 3 + 7);
    assert_eq!(
        graph.captured.of(0, Moment::Arguments),
        Some([7; 1_000].as_slice())
    );
    assert_eq!(builder.held_bytes(), 0);
}

#[test]
fn damaged_values_are_refused() {
    let mut builder = Builder::new();
    let chunk = header(ChunkKind::Values, 1, 100);
    let whole = values(chunk, &[(0, 100, 0, b"12345678"), (0, 100, 1, b"1")]);
    let body = whole.len() - size_of::<Chunk>();
    for (count, damage, expected) in [
        (
            body + 1,
            None,
            Malformed::Count {
                announced: 1 + body as u32,
                held: body,
            },
        ),
        (32 + 23, None, Malformed::Values(23)),
        (body - 8, None, Malformed::Values(24)),
        (
            body,
            Some((size_of::<Chunk>() + 16, 200)),
            Malformed::Values(body),
        ),
        (
            body,
            Some((size_of::<Chunk>() + 19, 255)),
            Malformed::Values(body),
        ),
        (
            body,
            Some((size_of::<Chunk>() + 14, 2)),
            Malformed::Moment(2),
        ),
    ] {
        let mut damaged = whole.clone();
        damaged[COUNT..COUNT + 4].copy_from_slice(&(count as u32).to_le_bytes());
        if let Some((at, byte)) = damage {
            damaged[at] = byte;
        }
        assert_eq!(builder.record(&damaged), Err(expected));
    }
    assert_eq!(builder.held_bytes(), 0);
    // The last capture's padding may be missing.
    let mut cut = whole.clone();
    cut[COUNT..COUNT + 4].copy_from_slice(&(body as u32 - 7).to_le_bytes());
    assert_eq!(builder.record(&cut), Ok(None));
}

#[test]
fn open_calls_keep_what_was_captured() {
    let mut builder = Builder::new();
    let mut state = Goroutine::new_zeroed();
    state.level = 2;
    state.chunk = header(ChunkKind::Calls, 1, 100);
    for (level, frame) in [0, 1].into_iter().zip(&mut state.frames) {
        frame.entry_ns = 100 + 10 * u64::from(level);
        frame.function = level;
    }
    let key = GoroutineKey {
        tgid: 7,
        trace: 0,
        goid: 1,
        image: 0,
    };
    let chunk = header(ChunkKind::Values, 1, 100);
    builder
        .record(&values(chunk, &[(0, 100, 0, b"sent")]))
        .unwrap();
    let mut unsent = Values::new_zeroed();
    let held = values(chunk, &[(1, 110, 0, b"held")]);
    let held = &held[size_of::<Chunk>()..];
    unsent.used = held.len() as u32;
    unsent.bytes[..held.len()].copy_from_slice(held);
    let graph = builder
        .open(&key, &state, &[], Some(&unsent), 1_000, Exit::Open)
        .unwrap();
    let expected: [[Option<&[u8]>; 2]; 2] = [[Some(b"sent"), None], [Some(b"held"), None]];
    assert_eq!(captured(&graph), expected);
    assert!(graph.complete);

    for used in [u32::MAX, 20] {
        unsent.used = used;
        unsent.records = 1;
        let graph = builder
            .open(&key, &state, &[], Some(&unsent), 1_000, Exit::Open)
            .unwrap();
        assert_eq!((graph.lost_values, graph.complete), (1, false));
    }
}
