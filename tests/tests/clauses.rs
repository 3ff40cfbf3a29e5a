//! The clauses that the kernel side decides, on programs that know what they called.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Traced},
    tree::{self, Call, Graph},
    with_deep_stack,
};

fn trace(program: &str, args: &[&str]) -> (Vec<Graph>, Vec<Graph>, Traced) {
    let executable = go::build(go::newest(), "truth", Mode::Plain);
    let traced = tracer::launch(program, &[], &executable, args);
    assert_eq!(traced.code, Some(0), "{program}: {}", traced.stderr);
    (
        tree::recorded(&traced.stdout),
        tree::traced(&traced.lines),
        traced,
    )
}

fn all(graph: &Graph) -> Vec<String> {
    tree::lines(&graph.root, &|_: &Call| false)
}

#[test]
fn include_and_exclude_choose_what_is_shown() {
    if skip().is_some() {
        return;
    }
    let (expected, found, _) = trace(
        "trace main.outer < include main.*; exclude main.middle, main.fibonacci >",
        &["calls"],
    );
    let without = |c: &Call| matches!(c.function.as_str(), "main.middle" | "main.fibonacci");
    assert_eq!(expected.len(), found.len());
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(tree::lines(&expected.root, &without), all(found));
    }
    let (expected, found, _) = trace("trace main.outer", &["calls"]);
    let only_target = |c: &Call| c.function != "main.outer";
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(tree::lines(&expected.root, &only_target), all(found));
    }
}

#[test]
fn depth_cuts_levels() {
    if skip().is_some() {
        return;
    }
    for depth in [0, 1, 3] {
        let (expected, found, _) = trace(
            &format!("trace main.outer < include main.*; depth {depth} >"),
            &["calls"],
        );
        assert_eq!(expected.len(), found.len());
        for (expected, found) in expected.iter().zip(&found) {
            let level = |line: &String| {
                line.split(' ')
                    .next()
                    .and_then(|l| l.parse::<usize>().ok())
                    .unwrap_or(0)
            };
            let expected: Vec<String> = all(expected)
                .into_iter()
                .filter(|l| level(l) <= depth)
                .collect();
            assert_eq!(expected, all(found), "depth {depth}");
        }
    }
}

#[test]
fn sample_keeps_whole_graphs() {
    if skip().is_some() {
        return;
    }
    let (expected, found, traced) = trace(
        "trace main.outer < include main.*; sample 1/10 >",
        &["many", "200"],
    );
    assert_eq!(expected.len(), 200);
    assert_eq!(found.len(), 20);
    assert_eq!(traced.end()["filtered"], 180);
    for graph in &found {
        let same = expected
            .iter()
            .find(|g| g.goroutine == graph.goroutine)
            .expect("the same goroutine");
        assert_eq!(all(same), all(graph));
    }
    // A target inside a call that was left out is a part of it, and left out too.
    let (expected, found, _) = trace(
        "trace main.middle, main.outer < sample 1/1000000 >",
        &["calls"],
    );
    assert!(expected.len() > 1);
    assert_eq!(found.len(), 1, "the first one");
}

#[test]
fn limit_counts_kept_graphs() {
    if skip().is_some() {
        return;
    }
    let (_, found, traced) = trace(
        "trace main.outer < include main.*; limit 7 >",
        &["many", "50"],
    );
    assert_eq!(found.len(), 7);
    assert_eq!(traced.end()["graphs"], 7);
    let (_, found, _) = trace("trace main.outer < limit 5 per 1h >", &["many", "50"]);
    assert_eq!(found.len(), 5);
}

#[test]
fn min_max_and_prune_decide_by_duration() {
    with_deep_stack(|| {
        let (_, found, traced) = trace("trace main.outer < include main.*; min 1h >", &["calls"]);
        assert!(found.is_empty());
        assert_eq!(traced.end()["filtered"], 3);
        let (_, found, traced) = trace(
            "trace main.outer < include main.*; max 1ns >",
            &["recursion", "3000"],
        );
        assert!(found.is_empty(), "what had been sent early is taken back");
        assert_eq!(traced.end()["filtered"], 1);
        let (_, found, traced) = trace("trace main.outer < include main.*; prune 1h >", &["calls"]);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|g| g.root.calls.is_empty()));
        assert_eq!(traced.end()["lost_records"], 0);
    });
}

#[test]
fn goroutine_pid_and_comm_scope() {
    if skip().is_some() {
        return;
    }
    let (expected, found, _) = trace("trace main.outer < goroutine 1 >", &["calls"]);
    assert_eq!(expected.len(), found.len());
    let (_, found, _) = trace("trace main.outer < goroutine 2, 3 >", &["calls"]);
    assert!(found.is_empty());
    let (_, found, _) = trace("trace main.outer < comm \"nobody\" >", &["calls"]);
    assert!(found.is_empty());
    let name: String = go::build(go::newest(), "truth", Mode::Plain)
        .file_name()
        .map(|n| n.to_string_lossy().chars().take(15).collect())
        .unwrap_or_default();
    let (_, found, _) = trace(
        &format!("trace main.outer < comm \"other\", \"{name}\" >"),
        &["calls"],
    );
    assert_eq!(found.len(), 3, "{name}");
}

#[test]
fn stack_shows_the_callers() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let executable = go::build(toolchain, "truth", Mode::Plain);
        let traced = tracer::launch(
            "trace main.leaf < stack 8; limit 1 >",
            &[],
            &executable,
            &["calls"],
        );
        let stack: Vec<&str> = traced.lines[0]["stack"]
            .as_array()
            .expect("stack")
            .iter()
            .filter_map(|frame| frame["function"].as_str())
            .collect();
        assert_eq!(
            stack,
            [
                "main.plain",
                "main.outer",
                "main.calls",
                "main.main",
                "runtime.main",
                "runtime.goexit"
            ],
            "go {}",
            toolchain.version
        );
    }
}

#[test]
fn traces_are_independent() {
    if skip().is_some() {
        return;
    }
    let program = "a: trace main.outer < include main.leaf > trace b: main.middle < include main.* > trace c: main.fibonacci";
    let program = program.replace("a: trace", "trace a:");
    let (_, _, traced) = trace(&program, &["calls"]);
    let of = |label: &str| -> Vec<&serde_json::Value> {
        traced
            .lines
            .iter()
            .filter(|l| l["trace"] == label)
            .collect()
    };
    assert_eq!(of("a").len(), 3);
    // plain calls middle twice and fibonacci once, and it runs twice.
    assert_eq!(of("b").len(), 4);
    assert_eq!(of("c").len(), 2);
    assert!(
        of("a")
            .iter()
            .all(|g| g["root"]["function"] == "main.outer")
    );
}

#[test]
fn the_program_can_end_the_trace() {
    if skip().is_some() {
        return;
    }
    let (code, stdout, stderr) = {
        let executable = go::build(go::newest(), "truth", Mode::Plain);
        let target = tracer::Running::start(&executable, &["sleep"]);
        target.wait_for("pid ");
        let pid = target.pid().to_string();
        tracer::Running::tracer(&["-e", "trace main.outer < for 400ms >", "-p", &pid]).finish()
    };
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.matches("main.outer()").count() >= 2, "{stdout}");
}

/// Issue 9: what is open when a trace ends by its own clause is shown then, once, lasted until then, and leaves its place in the table to the
/// traces that go on.
#[test]
fn a_trace_that_ends_before_the_others() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "truth", Mode::Plain);
    let mut target = tracer::Running::start(&executable, &["-wait", "sleep"]);
    target.wait_for("pid ");
    let recording = tracer::Recording::start(
        "trace main.sleep < include main.middle; for 2s > trace main.outer < limit 3 >",
        &[
            "--max-goroutines",
            "1",
            "--for",
            "60s",
            "-p",
            &target.pid().to_string(),
        ],
    );
    recording.wait_for("a call costs");
    target.say("");
    let traced = recording.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let graphs: Vec<_> = traced
        .lines
        .iter()
        .filter(|l| l["type"] == "graph")
        .collect();
    let drawn: Vec<_> = graphs
        .iter()
        .map(|graph| {
            (
                graph["trace"].as_str().expect("a label"),
                graph["open"] == true,
            )
        })
        .collect();
    let outer = ("main.outer", false);
    assert_eq!(drawn, [("main.sleep", true), outer, outer, outer]);
    assert!(tree::end_of(graphs[0]) <= tree::start_of(graphs[1]));
}

/// A call that was left out and ends by runtime.Goexit leaves nothing behind: one entry in the table is enough for all that follow.
#[test]
fn goexit_ends_a_call_that_was_left_out() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "truth", Mode::Plain);
    let traced = tracer::launch(
        "trace main.outer < sample 1/9 >",
        &["--max-goroutines", "1"],
        &executable,
        &["goexit"],
    );
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let end = traced.end();
    assert_eq!(end["goroutines_full"], 0, "{end}");
    assert_eq!(end["graphs"], 2, "{end}");
}
