//! Whose goroutine's call it is: g where R14 does not hold it, and lives of goroutines that do not end as others do.

use std::collections::BTreeMap;

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
