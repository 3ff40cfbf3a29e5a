//! A small traced world for the format tests.
#![allow(dead_code)]

use std::sync::Arc;

use compiler::{
    plan::Template,
    shape::{Derived, Run, Shape, ShownCall, ShownValue, Slot},
};
use graph::{Call, Captured, Dropped, Exit, Graph, Moment, ProbeCosts, Totals};
use render::{Clock, Format, Options, Renderer, RuntimeType, Site, Symbols, TimeZone, renderer};

/// Functions of the world; the last two are hostile and long.
pub const FUNCTIONS: [&str; 9] = [
    "main.handleBar",
    "example/internal/log.Debug",
    "net/http.(*response).Write",
    "main.crash",
    "main.recurse",
    "main.\x1b[2Jevil\u{202e}",
    "github.com/some-organisation/a-long-repository-name/internal/storage/postgres.(*ConnectionPool).AcquireWithDeadline",
    "main.(*DB).query",
    "main.wait[go.shape.int64]",
];

/// 2026-11-18 16:21:55.255312345 UTC.
pub const START: u64 = 1_795_018_915_255_312_345;

/// What is captured in trace 2 of `main.query`, its one function of which something is.
pub const QUERY: u32 = 7;

/// Generic code, with the dictionary in what is captured at entry.
pub const WAIT: u32 = 8;

/// Where it is when `main.wait` is called with durations.
pub const DURATIONS: u64 = 0x7000;

#[derive(Default)]
pub struct World {
    query: ShownCall,
    wait: ShownCall,
}

impl Symbols for World {
    fn trace_label(&self, trace: u32) -> &str {
        if trace == 0 {
            "main.handleBar"
        } else {
            "a label\u{7} with a bell and so many patterns that it cannot fit a line, *.*, net/http.*"
        }
    }

    fn function(&self, id: u32) -> &str {
        FUNCTIONS[id as usize]
    }

    fn call_site(&self, _: &Graph, address: u64) -> Site {
        let site = |function: &str, offset: u64, file: &str, short_file: &str, line: u32| Site {
            function: function.into(),
            offset,
            file: file.into(),
            short_file: short_file.into(),
            line,
        };
        match address {
            0x1000 => site(
                "net/http.HandlerFunc.ServeHTTP",
                47,
                "/usr/local/go/src/net/http/server.go",
                "net/http/server.go",
                2122,
            ),
            0x1100 => site(
                "net/http.(*conn).serve",
                1_404,
                "/usr/local/go/src/net/http/server.go",
                "net/http/server.go",
                2092,
            ),
            0x1001 => site("main.handleBar", 6, "/src/example/main.go", "main.go", 16),
            0x2000 => site("main.handleBar", 69, "/src/example/main.go", "main.go", 18),
            0x3000 => site(
                "example/internal/storage.(*Pool).acquire",
                512,
                "/src/example/internal/storage/postgres/connection_pool.go",
                "internal/storage/postgres/connection_pool.go",
                1_234,
            ),
            0x4000 => site("main.asm", 12, "", "", 0),
            0x5000 => site(
                "main.x",
                1,
                "/src/\x1b]0;evil\x07.go",
                "\x1b]0;evil\x07.go",
                3,
            ),
            _ => Site::default(),
        }
    }

    fn return_site(&self, function: u32, offset: u32) -> Site {
        let line = offset / 8;
        let (file, short_file) = match function {
            0 => ("/src/example/main.go", "main.go"),
            1 => ("/src/example/internal/log/log.go", "internal/log/log.go"),
            _ => return Site::default(),
        };
        Site {
            function: self.function(function).into(),
            offset: offset.into(),
            file: file.into(),
            short_file: short_file.into(),
            line,
        }
    }

    fn shown(&self, trace: u32, function: u32) -> Option<&ShownCall> {
        match function {
            QUERY if trace == 0 => Some(&self.query),
            WAIT if trace == 0 => Some(&self.wait),
            _ => None,
        }
    }

    fn resolved(
        &self,
        _: &Graph,
        function: u32,
        (moment, number): (Moment, usize),
        dictionary: u64,
    ) -> Option<Arc<ShownValue>> {
        let values = match moment {
            Moment::Arguments => &self.wait.arguments,
            Moment::Results => &self.wait.results,
        };
        let value = values.get(number)?;
        let Shape::Int { slot, .. } = value.shape else {
            return None;
        };
        (function == WAIT && dictionary == DURATIONS).then(|| {
            Arc::new(ShownValue {
                label: value.label.clone(),
                ty: Some("time.Duration".to_owned()),
                shape: Shape::Duration(slot),
                derived: None,
            })
        })
    }

    fn code(&self, _: &Graph, _: u64) -> Option<String> {
        None
    }

    fn runtime_type(&self, _: &Graph, _: u64) -> Option<Arc<RuntimeType>> {
        None
    }
}

/// A call that returned: function, level, start and duration in ns, return address.
pub fn call(function: u32, level: u32, start_ns: u64, duration_ns: u64, caller_pc: u64) -> Call {
    Call {
        function,
        level,
        start_ns,
        duration_ns,
        caller_pc,
        return_offset: Some(160),
        exit: Exit::Return,
        missing: 0,
        hits: 0,
        stepped: 0,
        probe_ns: 0,
    }
}

pub fn cut(exit: Exit, call: Call) -> Call {
    Call {
        exit,
        return_offset: None,
        ..call
    }
}

pub fn graph(calls: Vec<Call>) -> Graph {
    Graph {
        trace: 0,
        pid: 4242,
        tid: 4245,
        goroutine: 18,
        start_ns: START,
        entry_ip: 0x1000,
        complete: true,
        lost_calls: 0,
        missing_calls: 0,
        lost_values: 0,
        no_room: false,
        unread: false,
        dropped: Default::default(),
        compensated: false,
        open: false,
        until: false,
        calls,
        stack: vec![],
        stack_left: false,
        captured: Default::default(),
    }
}

pub fn simple() -> Graph {
    graph(vec![call(0, 0, 0, 850, 0x1000)])
}

pub fn nested() -> Graph {
    graph(vec![
        call(0, 0, 0, 354_600_123, 0x1000),
        call(1, 1, 12_000, 354_500_000, 0x2000),
        call(2, 2, 20_000, 12_345, 0x3000),
        call(2, 1, 354_520_000, 7_100, 0x4000),
        call(3, 1, 354_530_000, 1_700_000, 0x9999),
    ])
}

pub fn unwound() -> Graph {
    graph(vec![
        call(0, 0, 0, 2_000_000, 0x1000),
        cut(Exit::Unwound, call(3, 1, 1_000, 1_500_000, 0x2000)),
        cut(Exit::Unwound, call(3, 2, 2_000, 1_400_000, 0x2000)),
    ])
}

pub fn open() -> Graph {
    let calls = vec![
        cut(Exit::Open, call(0, 0, 0, 5_000_000_000, 0x1000)),
        call(1, 1, 1_000, 20_000_000, 0x2000),
        cut(Exit::Open, call(1, 1, 30_000_000, 4_970_000_000, 0x2000)),
    ];
    Graph {
        open: true,
        ..graph(calls)
    }
}

pub fn incomplete() -> Graph {
    let calls = vec![
        call(0, 0, 0, 900_000, 0x1000),
        Call {
            missing: 9_980,
            ..call(4, 2, 1_000, 800_000, 0x2000)
        },
    ];
    Graph {
        complete: false,
        lost_calls: 12,
        missing_calls: 9_980,
        ..graph(calls)
    }
}

/// The target's own call never came.
pub fn rootless() -> Graph {
    let calls = vec![
        call(1, 1, 5_000, 1_000, 0x2000),
        call(1, 1, 7_000, 3_000, 0x2000),
    ];
    Graph {
        complete: false,
        ..graph(calls)
    }
}

pub fn with_stack() -> Graph {
    Graph {
        stack: vec![0x1000, 0x1100, 0x9999],
        stack_left: true,
        ..nested()
    }
}

/// As [`nested`] but for the target's duration, with the probes' time known: 1 µs a hit.
pub fn compensated() -> Graph {
    let hits = [613, 2, 0, 0, 600];
    let mut graph = nested();
    graph.calls[0].duration_ns = 360_000_123;
    for (call, hits) in graph.calls.iter_mut().zip(hits) {
        call.hits = hits;
    }
    let costs = ProbeCosts {
        emulated_ns: 1_000,
        inside_ns: 500,
        ..ProbeCosts::default()
    };
    graph.compensate(&costs, |_| false);
    graph
}

/// These functions were dropped, each at its time.
pub fn dropped(functions: &[(u32, u64)]) -> Graph {
    let dropped = functions
        .iter()
        .map(|&(function, since_ns)| Dropped { function, since_ns });
    Graph {
        complete: false,
        dropped: dropped.collect(),
        ..nested()
    }
}

pub fn recursion(levels: u32) -> Graph {
    let ns = |level: u32| u64::from(levels - level) * 1_000;
    graph(
        (0..levels)
            .map(|level| call(4, level, u64::from(level) * 100, ns(level), 0x2000))
            .collect(),
    )
}

pub fn hostile() -> Graph {
    Graph {
        trace: 1,
        ..graph(vec![call(5, 0, 0, 1, 0x5000)])
    }
}

pub fn long_names() -> Graph {
    graph(vec![
        call(0, 0, 0, 1_200_000_000, 0x3000),
        call(6, 1, 1_000, 1_100_000_000, 0x3000),
        call(6, 2, 2_000, 900_000, 0x2000),
        call(2, 3, 3_000, 20_000, 0x3000),
    ])
}

fn named(label: &str, shape: Shape) -> ShownValue {
    ShownValue {
        derived: None,
        label: label.to_owned(),
        ty: None,
        shape,
    }
}

/// Of a type that the first word of the dictionary has.
fn generic(label: &str, item: u8) -> ShownValue {
    ShownValue {
        ty: Some("go.shape.int64".to_owned()),
        derived: Some(Derived::default()),
        ..named(label, int(item, 8))
    }
}

fn string(item: u8, at: u16) -> Shape {
    let most = 16;
    Shape::String(Run { item, at, most })
}

fn int(item: u8, at: u16) -> Shape {
    Shape::Int {
        slot: Slot { item, at },
        width: 8,
    }
}

fn rows() -> Shape {
    Shape::Slice {
        ty: "[]main.Row".to_owned(),
        pointer: Slot { item: 0, at: 8 },
        length: Slot { item: 1, at: 16 },
        elements: vec![],
    }
}

fn error() -> Shape {
    Shape::Interface {
        ty: "error".to_owned(),
        dynamic: Slot { item: 2, at: 24 },
        data: Slot { item: 3, at: 32 },
        pointee: None,
        text: None,
        second_text: None,
    }
}

/// The arguments of a query, as captured.
pub fn query(sql: &str, limit: u64) -> Vec<u8> {
    let mut room = sql.as_bytes().to_vec();
    room.resize(16, 0);
    let length = sql.len() as u64;
    [words(&[0, length]), room, words(&[limit])].concat()
}

/// Its results: the length of the rows, and what of the error could not be read.
pub fn answer(rows: u64, unreadable: u64) -> Vec<u8> {
    words(&[unreadable, 0xc000, rows, 0, 0])
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Queries: one with calls inside, one that was lost, one that was unwound, and one whose error could not be read.
pub fn with_values() -> Graph {
    let sql = "SELECT * FROM users WHERE name = ?";
    let captured = [
        (1, Moment::Arguments, query(sql, 500)),
        (1, Moment::Results, answer(3, 0)),
        (3, Moment::Arguments, query("\x1b[2J\"", u64::MAX)),
        (4, Moment::Arguments, query("", 0)),
        (4, Moment::Results, answer(0, 0b1100)),
        (5, Moment::Arguments, query(sql, 1)),
    ];
    let captured = captured.iter();
    let captured = captured.map(|(call, moment, bytes)| (*call, *moment, bytes.as_slice()));
    Graph {
        captured: Captured::new(captured),
        ..graph(vec![
            call(0, 0, 0, 354_600_123, 0x1000),
            call(QUERY, 1, 12_000, 354_500_000, 0x2000),
            call(2, 2, 20_000, 12_345, 0x3000),
            cut(Exit::Unwound, call(QUERY, 2, 34_000, 1_100, 0x2000)),
            call(QUERY, 1, 354_520_000, 7_100, 0x2000),
            call(QUERY, 1, 354_530_000, 1_700, 0x2000),
        ])
    }
}

/// Waits: for a duration, with another dictionary, without one that could be read, and one of which only the end was captured.
pub fn generic_code() -> Graph {
    let start =
        |unreadable: u64, dictionary: u64| words(&[unreadable, 1_500_000_000, 7, dictionary]);
    let end = words(&[0, 2_000_000]);
    let captured = [
        (1, Moment::Arguments, start(0, DURATIONS)),
        (1, Moment::Results, end.clone()),
        (2, Moment::Arguments, start(0, 0x6000)),
        (2, Moment::Results, end.clone()),
        (3, Moment::Arguments, start(0b100, DURATIONS)),
        (4, Moment::Results, end),
    ];
    let captured = captured.iter();
    let captured = captured.map(|(call, moment, bytes)| (*call, *moment, bytes.as_slice()));
    Graph {
        captured: Captured::new(captured),
        ..graph(vec![
            call(0, 0, 0, 10_000, 0x1000),
            call(WAIT, 1, 1_000, 1_000, 0x2000),
            call(WAIT, 1, 3_000, 1_000, 0x2000),
            call(WAIT, 1, 5_000, 1_000, 0x2000),
            call(WAIT, 1, 7_000, 1_000, 0x2000),
        ])
    }
}

pub fn totals() -> Totals {
    Totals {
        graphs: 3,
        filtered: 120,
        seconds: 10.0,
        ..Totals::default()
    }
}

pub fn options() -> Options {
    Options {
        color: false,
        width: None,
        verbose: false,
        clock: Clock::new(0),
        time_zone: TimeZone::UTC,
    }
}

pub fn with(format: Format, options: Options, graphs: &[Graph]) -> String {
    let mut out = Vec::new();
    let mut renderer: Box<dyn Renderer> = renderer(format, options);
    let world = world();
    for graph in graphs {
        renderer
            .graph(&mut out, graph, &world)
            .expect("memory takes everything");
    }
    String::from_utf8(out).expect("UTF-8")
}

pub fn end(format: Format, totals: &Totals) -> String {
    let mut out = Vec::new();
    renderer(format, options())
        .end(&mut out, totals)
        .expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn world() -> World {
    World {
        query: ShownCall {
            arguments: vec![named("sql", string(0, 8)), named("limit", int(1, 32))],
            results: vec![named("", rows()), named("err", error())],
            dictionary: None,
        },
        wait: ShownCall {
            arguments: vec![generic("least", 0), named("n", int(1, 16))],
            results: vec![generic("", 0)],
            dictionary: Some(Slot { item: 2, at: 24 }),
        },
    }
}

/// What `print` writes for graphs.
pub fn printed(format: Format, template: &Template, graphs: &[Graph]) -> String {
    let mut out = Vec::new();
    let mut renderer = renderer(format, options());
    for graph in graphs {
        renderer
            .line(&mut out, template, graph, &world())
            .expect("memory takes everything");
    }
    String::from_utf8(out).expect("UTF-8")
}
