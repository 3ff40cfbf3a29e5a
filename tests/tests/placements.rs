//! Both placements of exit probes on the same run: two tracers are attached to one process at once, one that watches returns where it costs
//! least and one that watches every `ret`. They must tell the same, call by call, and what the program itself says.

use std::collections::HashSet;

use gofuncgraph_tests::{
    go::{self, Mode, Toolchain},
    tracer::{Recording, Running},
    tree, with_deep_stack,
};
use serde_json::Value;

const PROGRAM: &str = "trace main.outer < include main.* >";
/// What is compared of a graph, and of a call.
const HEAD: [&str; 7] = [
    "pid",
    "tid",
    "goroutine",
    "complete",
    "open",
    "lost_calls",
    "missing_calls",
];
const CALL: [&str; 4] = ["function", "exit", "caller", "missing_calls"];

/// Runs `truth` in a mode under both tracers.
fn compare(toolchain: &Toolchain, mode: &[&str]) {
    let context = format!("go {}: truth {}", toolchain.version, mode.join(" "));
    let program = go::build(toolchain, "truth", Mode::Plain);
    let mut target = Running::start(&program, &[&["-wait"], mode].concat());
    target.wait_for("pid ");
    let pid = target.pid().to_string();
    let tracers = ["auto", "ret"]
        .map(|placement| Recording::start(PROGRAM, &["-p", &pid, "--exit-sites", placement]));
    for tracer in &tracers {
        tracer.wait_for("tracing ");
    }
    target.say("go");
    let (code, recorded, stderr) = target.finish();
    assert_eq!(code, Some(0), "{context}: {stderr}");
    let [edges, rets] = tracers.map(|tracer| {
        let traced = tracer.finish();
        traced.assert_complete(&context);
        traced.lines
    });
    tree::assert_same(&context, &tree::recorded(&recorded), &tree::traced(&rets));
    let (edges, rets) = (told(&edges), told(&rets));
    if let Some(difference) = tree::difference(&lines(&rets), &lines(&edges)) {
        panic!("{context}: where it costs least, against each ret: {difference}");
    }
    // A jump that leaves the function in both directions stands for both returns, and is no `ret`.
    let known: HashSet<(&str, &str)> = rets.iter().map(Told::way_out).collect();
    for (edges, rets) in edges.iter().zip(&rets) {
        let (way, expected) = (edges.way_out(), rets.way_out());
        assert!(
            way == expected || !known.contains(&way),
            "{context}: {} left by {}, not by {}",
            rets.line,
            edges.returned,
            rets.returned
        );
    }
}

/// What is said of a call, without times.
struct Told {
    function: String,
    line: String,
    /// The place at which it returned, or null.
    returned: String,
}

impl Told {
    fn way_out(&self) -> (&str, &str) {
        (&self.function, &self.returned)
    }
}

fn lines(calls: &[Told]) -> Vec<String> {
    calls.iter().map(|call| call.line.clone()).collect()
}

/// All calls, ordered by goroutine and then by start; before each graph what is said of all of it.
fn told(lines: &[Value]) -> Vec<Told> {
    let mut graphs: Vec<&Value> = lines.iter().filter(|l| l["type"] == "graph").collect();
    graphs.sort_by_key(|graph| (graph["goroutine"].as_u64(), graph["start"].as_str()));
    let mut told = Vec::new();
    for graph in graphs {
        let said = HEAD.map(|field| format!("{field} {}", graph[field]));
        told.push(Told {
            function: String::new(),
            line: said.join(", "),
            returned: Value::Null.to_string(),
        });
        let mut pending = vec![(&graph["root"], 0_usize)];
        while let Some((call, level)) = pending.pop() {
            let said = CALL.map(|field| call[field].to_string());
            told.push(Told {
                function: call["function"].to_string(),
                line: format!("{level} {}", said.join(" ")),
                returned: call["return"].to_string(),
            });
            let calls = call["calls"].as_array().expect("calls");
            pending.extend(calls.iter().rev().map(|call| (call, level + 1)));
        }
    }
    told
}

/// With the oldest and the newest toolchain, and Go 1.24 where it is there.
fn compare_all(mode: &'static [&'static str]) {
    with_deep_stack(move || {
        let all = go::toolchains();
        for toolchain in all {
            if [all.first(), all.last()].contains(&Some(toolchain)) || toolchain.minor() == 24 {
                compare(toolchain, mode);
            }
        }
    });
}

#[test]
fn nested_calls() {
    compare_all(&["calls"]);
}

#[test]
fn recursion() {
    compare_all(&["recursion", "3000"]);
}

#[test]
fn panics() {
    compare_all(&["panics"]);
}

#[test]
fn goexit() {
    compare_all(&["goexit"]);
}

#[test]
fn closures() {
    compare_all(&["closures"]);
}

#[test]
fn tail_calls() {
    compare_all(&["tail"]);
}

#[test]
fn assembly() {
    compare_all(&["asm"]);
}

#[test]
fn ways_out_of_every_kind() {
    compare_all(&["edges"]);
}

#[test]
fn instructions_at_entries() {
    compare_all(&["steps"]);
}

#[test]
fn a_thousand_goroutines() {
    compare_all(&["many", "1000"]);
}

#[test]
fn garbage_collection_and_moving_stacks() {
    compare_all(&["gc"]);
}
