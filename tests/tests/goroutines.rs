//! Whose goroutine's call it is: g where R14 does not hold it, and lives of goroutines that do not end as others do.

use std::{collections::BTreeMap, path::PathBuf};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
    tree::{self, Call, Graph},
};

/// How many calls of each function the graphs hold, by how they ended.
fn calls(graphs: &[Graph]) -> BTreeMap<(&str, &str), usize> {
    fn count<'a>(call: &'a Call, calls: &mut BTreeMap<(&'a str, &'a str), usize>) {
        *calls.entry((&call.function, &call.exit)).or_default() += 1;
        for call in &call.calls {
            count(call, calls);
        }
    }
    let mut calls = BTreeMap::new();
    for graph in graphs {
        count(&graph.root, &mut calls);
    }
    calls
}

/// Issue 9, case tls-slot: thread-local data of C moves the runtime's.
#[test]
fn g_is_found_beside_thread_local_data_of_c() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        for mode in [Mode::Plain, Mode::StrippedPie] {
            let program = go::build(toolchain, "tls", mode);
            let label = format!("Go {} {mode:?}", toolchain.version);
            let traced = tracer::launch("trace main.outer < include main.* >", &[], &program, &[]);
            traced.assert_complete(&label);
            let graphs = tree::traced(&traced.lines);
            assert_eq!(graphs.len(), 10, "{label}");
            for graph in &graphs {
                let calls = calls(std::slice::from_ref(graph));
                let of_c = calls.get(&("main._Cfunc_cadd", "return"));
                assert_eq!(of_c, Some(&2), "{label}: {graph:?}");
            }
            let counted =
                tracer::launch("trace main._Cfunc_cadd < count by g >", &[], &program, &[]);
            counted.assert_complete(&label);
            let aggregate = counted
                .lines
                .iter()
                .find(|line| line["type"] == "aggregation")
                .expect("an aggregation");
            let rows = aggregate["rows"].as_array().expect("rows");
            assert_eq!(rows.len(), 10, "{label}: {aggregate}");
            assert!(
                rows.iter().all(|row| row["count"] == 2),
                "{label}: {aggregate}"
            );
        }
    }
}

/// Issue 9, case goexit-in-coroutine: a coroutine does not end in `runtime.goexit1`.
#[test]
fn a_coroutine_that_goexit_ends_leaves_nothing_open() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains().iter().filter(|t| t.minor() >= 23) {
        for mode in [Mode::Plain, Mode::Unoptimised] {
            let program = go::build(toolchain, "coroutine", mode);
            let label = format!("Go {} {mode:?}", toolchain.version);
            // A room for 16 goroutines does for 100 of them one after another, if each gives its place back.
            let trace = |filter: &str, rounds: &str| {
                let trace = format!("trace main.ends, main.returns, main.pull {filter}");
                let options = ["--max-goroutines", "16"];
                tracer::launch(&trace, &options, &program, &[rounds])
            };
            let traced = trace("", "100");
            traced.assert_complete(&label);
            let expected = [
                (("main.ends", "unwound"), 100),
                (("main.pull", "unwound"), 100),
                (("main.returns", "return"), 100),
            ];
            let graphs = tree::traced(&traced.lines);
            assert_eq!(calls(&graphs), BTreeMap::from(expected), "{label}");
            // Calls that are left out have their places too.
            let sampled = trace("< sample 1/4 >", "100");
            sampled.assert_complete(&label);
            assert_eq!(tree::traced(&sampled.lines).len(), 75, "{label}");
        }
    }
}

/// Issue 9, cases stack-through-c and stack-through-c-2: what lies on C's stack is no caller, and the list says that it ends in C.
#[test]
fn callers_end_where_c_has_called() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "cgo", Mode::Plain);
        let label = format!("Go {}", toolchain.version);
        let traced = tracer::launch("trace main.inner < stack >", &[], &program, &[]);
        traced.assert_complete(&label);
        let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
        for graph in graphs {
            assert_eq!(graph["stack_beyond"], "C", "{label}: {graph}");
            let stack = graph["stack"].as_array().expect("stack");
            let names: Vec<&str> = stack
                .iter()
                .map(|frame| frame["function"].as_str().expect("a name"))
                .collect();
            assert_eq!(names.first(), Some(&"main.callback"), "{label}: {names:?}");
            let last = names.last();
            assert_eq!(last, Some(&"runtime.cgocallback"), "{label}: {names:?}");
        }
        // Without C in between, the list goes on to the goroutine's beginning.
        let traced = tracer::launch("trace main.crosses < stack >", &[], &program, &[]);
        let graph = traced.lines.first().expect("a graph");
        assert!(graph["stack_beyond"].is_null(), "{label}: {graph}");
        let stack = graph["stack"].as_array().expect("stack");
        let last = stack.last().map(|frame| &frame["function"]);
        assert_eq!(last, Some(&"runtime.goexit".into()), "{label}: {graph}");
        let text = tracer::run(&[
            "-e",
            "trace main.inner < stack; limit 1 >",
            "--",
            program.to_str().expect("a path in UTF-8"),
        ]);
        let text = String::from_utf8_lossy(&text.stdout);
        assert!(text.contains("↓ (C)\n"), "{label}: {text}");
    }
}

/// The program `threads` with each toolchain. Go 1.21 and 1.22 die where a thread of C's gets the goroutine of another one that ended in the
/// middle of a callback (`cgocallbackg` in runtime/cgocall.go finds the stack pointer out of bounds).
fn threads() -> impl Iterator<Item = (&'static go::Toolchain, PathBuf)> {
    let toolchains = go::toolchains()
        .iter()
        .filter(|t| !(21..=22).contains(&t.minor()));
    toolchains.map(|t| (t, go::build(t, "threads", Mode::StrippedPie)))
}

/// Until Go 1.21 a thread that ends in the middle of a callback keeps its goroutine.
fn is_lent_again(toolchain: &go::Toolchain) -> bool {
    toolchain.minor() > 21
}

/// What one thread of C's was in when it ended is nothing that the next one is in, which has its goroutine.
#[test]
fn calls_end_with_their_thread_of_c() {
    if skip().is_some() {
        return;
    }
    for (toolchain, program) in threads() {
        let label = format!("Go {}", toolchain.version);
        let ended = if is_lent_again(toolchain) {
            "unwound"
        } else {
            "open"
        };
        let arguments = ["returns", "exits", "returns", "exits", "returns"];
        let trace = "trace main.outer < include main.* >";
        let traced = tracer::launch(trace, &[], &program, &arguments);
        traced.assert_complete(&label);
        let mut graphs = tree::traced(&traced.lines);
        graphs.sort_by_key(|graph| graph.start);
        assert_eq!(graphs.len(), arguments.len(), "{label}");
        for (graph, argument) in graphs.iter().zip(arguments) {
            if is_lent_again(toolchain) {
                assert_eq!(graph.goroutine, graphs[0].goroutine, "{label}");
            }
            let exit = if argument == "exits" { ended } else { "return" };
            let expected = [
                (("main._Cfunc_end", exit), 1),
                (("main.inner", exit), 101),
                (("main.outer", exit), 1),
            ];
            let calls = calls(std::slice::from_ref(graph));
            assert_eq!(calls, BTreeMap::from(expected), "{label}: {argument}");
        }
        // A call that is left out ends too.
        let trace = "trace main.outer < sample 1/2 >";
        let arguments = ["returns", "exits", "returns", "returns", "returns"];
        let traced = tracer::launch(trace, &[], &program, &arguments);
        traced.assert_complete(&label);
        assert_eq!(tree::traced(&traced.lines).len(), 3, "{label}");
    }
}

/// A call that ended with its thread took until then, and not until the next thread came.
#[test]
fn calls_take_until_their_thread_of_c_ends() {
    if skip().is_some() {
        return;
    }
    for (toolchain, program) in threads().filter(|(toolchain, _)| is_lent_again(toolchain)) {
        let label = format!("Go {}", toolchain.version);
        let arguments = ["exits", "pause", "returns"];
        let traced = tracer::launch("trace main.outer", &[], &program, &arguments);
        traced.assert_complete(&label);
        let graph = &traced.lines[0];
        assert_eq!(graph["root"]["exit"], "unwound", "{label}");
        let later: i128 = traced.stdout.trim().parse().expect("a time");
        assert!(tree::end_of(graph) < later, "{label}: {graph}");
    }
}

/// Where C jumps out of Go, the runtime takes the calls for open, as its own tracebacks show, until the thread ends.
#[test]
fn calls_that_c_jumps_out_of_end_with_their_thread() {
    if skip().is_some() {
        return;
    }
    for (toolchain, program) in threads().filter(|(toolchain, _)| is_lent_again(toolchain)) {
        let label = format!("Go {}", toolchain.version);
        let trace = "trace main.outer < include main.* >";
        let traced = tracer::launch(trace, &[], &program, &["jumps", "returns"]);
        traced.assert_complete(&label);
        let graphs = tree::traced(&traced.lines);
        let [jumped, returned] = graphs.as_slice() else {
            panic!("{label}: {graphs:?}");
        };
        let expected = [
            (("main._Cfunc_end", "return"), 2),
            (("main._Cfunc_end", "unwound"), 1),
            (("main.inner", "return"), 202),
            (("main.inner", "unwound"), 101),
            (("main.outer", "return"), 2),
            (("main.outer", "unwound"), 1),
        ];
        let of_both = calls(std::slice::from_ref(jumped));
        assert_eq!(of_both, BTreeMap::from(expected), "{label}");
        assert_eq!(calls(std::slice::from_ref(returned)).len(), 3, "{label}");
    }
}

/// Goroutines of Go's own call C, which calls back, and change threads in between: that ends nothing.
#[test]
fn other_goroutines_change_threads() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "threads", Mode::Plain);
        let label = format!("Go {}", toolchain.version);
        let trace = "trace main.moves < include main.outer, main._Cfunc_call >";
        let traced = tracer::launch(trace, &[], &program, &["moves"]);
        traced.assert_complete(&label);
        let graphs = tree::traced(&traced.lines);
        assert!(!graphs.is_empty(), "{label}");
        for graph in &graphs {
            let expected = [
                (("main._Cfunc_call", "return"), 20),
                (("main.moves", "return"), 1),
                (("main.outer", "return"), 20),
            ];
            let calls = calls(std::slice::from_ref(graph));
            assert_eq!(calls, BTreeMap::from(expected), "{label}");
        }
        let trace = "trace main.outer < include main.* >";
        let traced = tracer::launch(trace, &[], &program, &["goexit", "returns"]);
        traced.assert_complete(&label);
        let exits: Vec<String> = tree::traced(&traced.lines)
            .into_iter()
            .map(|graph| graph.root.exit)
            .collect();
        assert_eq!(exits.len(), 2, "{label}");
        assert!(exits.contains(&"unwound".to_owned()), "{label}: {exits:?}");
        assert!(exits.contains(&"return".to_owned()), "{label}: {exits:?}");
    }
}
