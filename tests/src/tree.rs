//! Call trees as both sides tell them, and how they differ.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

/// A call, as a test compares it: no times, no places.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// Full function name.
    pub function: String,
    /// `return`, `unwound` or `open`.
    pub exit: String,
    /// Made by the compiler; only the program itself says so.
    #[serde(default)]
    pub wrapper: bool,
    /// Calls made inside, in order.
    #[serde(default)]
    pub calls: Vec<Call>,
}

/// A graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Goroutine id.
    pub goroutine: u64,
    /// Start, nanoseconds since 1970.
    pub start: i128,
    /// The target's call.
    pub root: Call,
}

/// Parses JSON that may be nested 10,000 deep.
///
/// # Panics
/// It is no JSON.
#[must_use]
pub fn parse(text: &str) -> Value {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    Value::deserialize(&mut deserializer)
        .unwrap_or_else(|e| panic!("{e}: {}", &text[..text.len().min(400)]))
}

/// What the program says of its own calls: the lines of its output that are a record (`tests/programs/rec/json.go`).
#[must_use]
pub fn recorded(stdout: &str) -> Vec<Graph> {
    let mut graphs = Vec::new();
    for line in stdout.lines().filter(|l| l.starts_with("{\"mode\"")) {
        let record = parse(line);
        for graph in record["graphs"].as_array().into_iter().flatten() {
            graphs.push(Graph {
                goroutine: graph["goroutine"].as_u64().unwrap_or(0),
                start: graph["start"].as_i64().unwrap_or(0).into(),
                root: call(&graph["root"]),
            });
        }
    }
    sort(&mut graphs);
    graphs
}

/// What the tracer says, from its JSON lines.
#[must_use]
pub fn traced(lines: &[Value]) -> Vec<Graph> {
    let mut graphs: Vec<Graph> = lines
        .iter()
        .filter(|line| line["type"] == "graph")
        .map(|graph| Graph {
            goroutine: graph["goroutine"].as_u64().unwrap_or(0),
            start: start_of(graph),
            root: call(&graph["root"]),
        })
        .collect();
    sort(&mut graphs);
    graphs
}

/// Both sides order by goroutine, then by start; the two clocks are never compared with each other.
fn sort(graphs: &mut [Graph]) {
    graphs.sort_by_key(|g| (g.goroutine, g.start));
}

/// When the target of a graph, as JSON, was entered: nanoseconds since 1970.
///
/// # Panics
/// It does not say.
#[must_use]
pub fn start_of(graph: &Value) -> i128 {
    let start = graph["start"].as_str().expect("a time");
    let start: jiff::Timestamp = start.parse().expect("a time");
    start.as_nanosecond()
}

/// When it ended.
///
/// # Panics
/// It does not say.
#[must_use]
pub fn end_of(graph: &Value) -> i128 {
    let lasted = graph["root"]["duration_ns"].as_u64();
    start_of(graph) + i128::from(lasted.expect("nanoseconds"))
}

fn call(value: &Value) -> Call {
    Call {
        function: value["function"].as_str().unwrap_or("").to_owned(),
        exit: value["exit"].as_str().unwrap_or("").to_owned(),
        wrapper: value["wrapper"].as_bool().unwrap_or(false),
        calls: value["calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(call)
            .collect(),
    }
}

/// Replaces the type arguments of generic names by `...`, as Go 1.19 writes them.
#[must_use]
pub fn plain_name(name: &str) -> String {
    let (Some(open), Some(close)) = (name.find('['), name.rfind(']')) else {
        return name.to_owned();
    };
    format!("{}[...]{}", &name[..open], &name[close + 1..])
}

/// One line a call, for comparing and for showing. Calls of functions that the compiler made are left out, their own calls put in their
/// place: which of them exist differs between compilers.
#[must_use]
pub fn lines(call: &Call, is_wrapper: &dyn Fn(&Call) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![(call, 0_usize)];
    while let Some((call, level)) = pending.pop() {
        let mut inner = level;
        if !is_wrapper(call) {
            lines.push(format!(
                "{level} {} {}",
                plain_name(&call.function),
                call.exit
            ));
            inner += 1;
        }
        pending.extend(call.calls.iter().rev().map(|c| (c, inner)));
    }
    lines
}

/// The first difference, with what is around it.
#[must_use]
pub fn difference(expected: &[String], found: &[String]) -> Option<String> {
    if expected == found {
        return None;
    }
    let at = expected
        .iter()
        .zip(found)
        .take_while(|(a, b)| a == b)
        .count();
    let from = at.saturating_sub(4);
    let mut text = format!(
        "{} calls expected, {} found; they differ at call {at}\n",
        expected.len(),
        found.len()
    );
    for (title, lines) in [("expected", expected), ("found", found)] {
        let _ = writeln!(text, "{title}:");
        for (n, line) in lines.iter().enumerate().skip(from).take(12) {
            let mark = if n == at { '>' } else { ' ' };
            let _ = writeln!(text, "  {mark} {line}");
        }
    }
    Some(text)
}

/// Compares all graphs.
///
/// # Panics
/// They differ.
pub fn assert_same(context: &str, expected: &[Graph], found: &[Graph]) {
    // Compiler-made functions are known by the program's own record, by their `-fm` suffix or by standing where the record has none.
    let wrappers: std::collections::HashSet<String> = expected
        .iter()
        .flat_map(|g| wrapper_names(&g.root))
        .collect();
    let is_wrapper = |call: &Call| call.wrapper || wrappers.contains(&plain_name(&call.function));
    let count = |graphs: &[Graph]| {
        graphs
            .iter()
            .map(|g| (g.goroutine, g.root.function.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        expected.len(),
        found.len(),
        "{context}: graphs expected {:?}, found {:?}",
        count(&expected[..expected.len().min(20)]),
        count(&found[..found.len().min(20)])
    );
    for (n, (expected, found)) in expected.iter().zip(found).enumerate() {
        assert_eq!(
            expected.goroutine, found.goroutine,
            "{context}: goroutine of graph {n}"
        );
        if let Some(text) = difference(
            &lines(&expected.root, &is_wrapper),
            &lines(&found.root, &is_wrapper),
        ) {
            panic!(
                "{context}: graph {n} (goroutine {}): {text}",
                expected.goroutine
            );
        }
    }
}

fn wrapper_names(call: &Call) -> Vec<String> {
    let mut names = Vec::new();
    let mut pending = vec![call];
    while let Some(call) = pending.pop() {
        if call.wrapper {
            names.push(plain_name(&call.function));
        }
        pending.extend(&call.calls);
    }
    names
}
