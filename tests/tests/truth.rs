//! The graph agrees exactly, as a tree, with what the traced programs say of their own calls: over Go versions and build modes.

use gofuncgraph_tests::{
    go::{self, Mode, Toolchain},
    skip,
    tracer::{self, Traced},
    tree, with_deep_stack,
};

const PROGRAM: &str = "trace main.outer < include main.* >";

fn check(context: &str, traced: &Traced) {
    traced.assert_complete(context);
    tree::assert_same(
        context,
        &tree::recorded(&traced.stdout),
        &tree::traced(&traced.lines),
    );
}

fn agree(package: &str, args: &[&str], builds: &[Mode]) {
    for toolchain in go::toolchains() {
        for mode in builds {
            let program = go::build(toolchain, package, *mode);
            let context = format!(
                "go {} {mode:?}: {package} {}",
                toolchain.version,
                args.join(" ")
            );
            check(&context, &tracer::launch(PROGRAM, &[], &program, args));
            if *mode == Mode::Plain {
                // The same where returns are watched at each `ret`, and not where it costs least.
                let traced = tracer::launch(PROGRAM, &["--exit-sites", "ret"], &program, args);
                check(&format!("{context}, at each ret"), &traced);
            }
        }
    }
}

const PLAIN: &[Mode] = &[Mode::Plain];
/// Builds that move code, registers or metadata about.
const TELLING: &[Mode] = &[Mode::Plain, Mode::StrippedPie, Mode::Unoptimised];

#[test]
fn calls_in_every_build() {
    with_deep_stack(|| agree("truth", &["calls"], &Mode::ALL));
}

#[test]
fn deep_recursion() {
    with_deep_stack(|| agree("truth", &["recursion", "10000"], TELLING));
}

#[test]
fn ways_out_of_every_kind() {
    with_deep_stack(|| agree("truth", &["edges"], TELLING));
}

#[test]
fn first_instructions_of_every_kind() {
    with_deep_stack(|| agree("truth", &["steps"], TELLING));
}

#[test]
fn panics() {
    with_deep_stack(|| agree("truth", &["panics"], TELLING));
}

#[test]
fn panics_far_below() {
    with_deep_stack(|| agree("truth", &["panics", "5000"], PLAIN));
}

#[test]
fn goexit() {
    with_deep_stack(|| agree("truth", &["goexit"], TELLING));
}

#[test]
fn many_goroutines() {
    with_deep_stack(|| agree("truth", &["many", "10000"], PLAIN));
}

#[test]
fn goroutines_that_change_threads() {
    with_deep_stack(|| agree("truth", &["migrate"], PLAIN));
}

#[test]
fn closures() {
    with_deep_stack(|| agree("truth", &["closures"], TELLING));
}

#[test]
fn generics() {
    with_deep_stack(|| agree("truth", &["generics"], TELLING));
}

#[test]
fn methods() {
    with_deep_stack(|| agree("truth", &["methods"], TELLING));
}

#[test]
fn tail_calls() {
    with_deep_stack(|| agree("truth", &["tail"], TELLING));
}

#[test]
fn assembly() {
    with_deep_stack(|| agree("truth", &["asm"], TELLING));
}

#[test]
fn garbage_collection_and_moving_stacks() {
    with_deep_stack(|| agree("truth", &["gc"], TELLING));
}

#[test]
fn cgo() {
    with_deep_stack(|| agree("cgo", &[], &[Mode::Plain, Mode::Pie]));
}

/// Frames deeper than the store are cut, counted where they are missing, and the rest is right.
#[test]
fn recursion_deeper_than_the_store_is_cut() {
    with_deep_stack(|| {
        let program = go::build(go::newest(), "truth", Mode::Plain);
        let traced = tracer::launch(PROGRAM, &[], &program, &["recursion", "70000"]);
        assert_eq!(traced.code, Some(0), "{}", traced.stderr);
        let graph = &traced.lines[0];
        assert_eq!(graph["complete"], false);
        let found = tree::traced(&traced.lines);
        let expected = tree::recorded(&traced.stdout);
        let none = |_: &tree::Call| false;
        let found = tree::lines(&found[0].root, &none);
        let expected = tree::lines(&expected[0].root, &none);
        let missing = traced.end()["missing_calls"]
            .as_u64()
            .expect("missing_calls") as usize;
        assert_eq!(
            found.len() + missing,
            expected.len(),
            "shown and missing calls are all calls"
        );
        assert!(missing > 1000, "{missing}");
    });
}

/// The same process id and the same goroutine ids after an exec are not the same goroutines.
#[test]
fn exec_in_a_graph() {
    with_deep_stack(|| {
        for toolchain in go::toolchains() {
            let program = go::build(toolchain, "truth", Mode::Plain);
            let traced = tracer::launch(PROGRAM, &[], &program, &["exec"]);
            assert_eq!(traced.code, Some(0), "{}", traced.stderr);
            let expected = tree::recorded(&traced.stdout);
            let found = tree::traced(&traced.lines);
            let skipped = found.len() - expected.len();
            let context = format!("go {}: exec", toolchain.version);
            assert!(
                skipped >= 1,
                "{context}: the first program's finished graph is there"
            );
            let mut second = found;
            second.sort_by_key(|g| g.start);
            tree::assert_same(&context, &expected, &second.split_off(skipped));
            let exits: Vec<&str> = second.iter().map(|g| g.root.exit.as_str()).collect();
            assert_eq!(exits, ["return", "exec"], "{context}: the first program's");
            assert_eq!(traced.end()["stale"], 1, "{context}: {}", traced.end());
        }
    });
}

/// A process that ends inside a graph leaves its calls open.
#[test]
fn process_that_ends_in_a_graph() {
    with_deep_stack(|| {
        for mode in ["exit", "crash"] {
            let program = go::build(go::newest(), "truth", Mode::Plain);
            let traced = tracer::launch(PROGRAM, &[], &program, &[mode]);
            assert_eq!(traced.code, Some(0), "{}", traced.stderr);
            let found = tree::traced(&traced.lines);
            assert!(
                found.last().is_some_and(|g| g.root.exit == "open"),
                "{mode}: the last graph is open: {found:?}"
            );
            tree::assert_same(mode, &tree::recorded(&traced.stdout), &found);
            let open = traced
                .lines
                .iter()
                .rev()
                .find(|l| l["type"] == "graph")
                .expect("a graph");
            let wall = traced.end()["seconds"].as_f64().expect("seconds");
            let lasted = open["root"]["duration_ns"].as_f64().expect("duration") / 1e9;
            assert!(
                lasted <= wall,
                "an open call lasts until tracing ends: {lasted} s of {wall} s"
            );
        }
    });
}

/// Children that run the same executable are launched processes' business, not ours.
#[test]
fn only_the_launched_process_is_traced() {
    with_deep_stack(|| {
        let program = go::build(go::newest(), "truth", Mode::Plain);
        let traced = tracer::launch(PROGRAM, &[], &program, &["spawn"]);
        traced.assert_complete("spawn");
        let pids: std::collections::HashSet<u64> = traced
            .lines
            .iter()
            .filter_map(|l| l["pid"].as_u64())
            .collect();
        assert_eq!(pids.len(), 1, "{pids:?}");
    });
}

#[test]
fn the_oldest_and_the_newest_are_there() {
    if skip().is_some() {
        return;
    }
    let minors: Vec<u32> = go::toolchains().iter().map(Toolchain::minor).collect();
    assert!(minors.iter().any(|m| *m >= 27), "{minors:?}");
}
