//! What `config` and the options in its place do.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer, tree,
};
use serde_json::Value;

use crate::{BAR, json_lines, run, server, text};

#[test]
fn settings_of_the_program_and_of_the_command_line() {
    if skip().is_some() {
        return;
    }
    let settings = |args: &[&str]| {
        let all = [&["explain", "--format", "json"], args, &["./server"]].concat();
        let output = run(&all);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        plan["settings"].clone()
    };
    let usual = serde_json::json!({"string": 64, "elements": 4, "depth": 1});
    let program = "config { budget = 2.5%; compensate = on } trace main.handleBar";
    for (args, expected) in [
        (
            &["-e", "trace main.handleBar"][..],
            r#"{"budget":{"share":500},"compensate":false}"#,
        ),
        (
            &["-e", program],
            r#"{"budget":{"share":25},"compensate":true}"#,
        ),
        (
            &["-e", program, "--budget", "150%", "--compensate=off"],
            r#"{"budget":{"share":1500},"compensate":false}"#,
        ),
        (
            &[
                "--budget=off",
                "--compensate",
                "--uprobe-wildcards",
                "main.*",
            ],
            r#"{"budget":"off","compensate":true}"#,
        ),
        (
            &[
                "-D",
                "share=5%",
                "-e",
                "param share: percent config < budget = $share > trace main.handleBar",
            ],
            r#"{"budget":{"share":50},"compensate":false}"#,
        ),
        (
            &[
                "-e",
                "config { string = 9; elements = 0 } trace main.handleBar",
                "--elements=32",
                "--pointers",
                "4",
            ],
            r#"{"budget":{"share":500},"compensate":false,"values":{"string":9,"elements":32,"depth":4}}"#,
        ),
    ] {
        let mut expected: Value = serde_json::from_str(expected).expect("JSON");
        if expected.get("values").is_none() {
            expected["values"] = usual.clone();
        }
        assert_eq!(settings(args), expected, "{args:?}");
    }

    let output = run(&[
        "check",
        "--format",
        "json",
        "-e",
        "config { budgte = 5%; compensate = 1 } config { compensate = on } trace main.f",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let told: Vec<(Value, Value)> = json_lines(&output.stdout)
        .into_iter()
        .map(|line| (line["code"].clone(), line["column"].clone()))
        .collect();
    let expected = [("E0316", 10), ("E0302", 36), ("E0317", 49)];
    assert_eq!(
        told,
        expected.map(|(code, column)| (code.into(), column.into()))
    );
}

/// The time of a call without the probes, which is checked against those of the calls inside.
fn net(call: &Value) -> u64 {
    let number = |name: &str| {
        call[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {call}"))
    };
    let inside: u64 = call["calls"]
        .as_array()
        .into_iter()
        .flatten()
        .map(net)
        .sum();
    let net = number("duration_ns").checked_sub(number("probe_ns"));
    assert_eq!(net, Some(inside + number("self_ns")), "{call}");
    inside + number("self_ns")
}

#[test]
fn durations_without_the_probes() {
    if skip().is_some() {
        return;
    }
    let truth = go::build(go::newest(), "truth", Mode::Plain);
    for args in [&["calls"][..], &["panics"], &["recursion", "60"]] {
        let traced = tracer::launch(
            "config { compensate = on } trace main.outer < include main.* >",
            &[],
            &truth,
            args,
        );
        traced.assert_complete(&args.join(" "));
        tree::assert_same(
            "compensated",
            &tree::recorded(&traced.stdout),
            &tree::traced(&traced.lines),
        );
        let mut taken = 0;
        for graph in traced.lines.iter().filter(|line| line["type"] == "graph") {
            assert!(net(&graph["root"]) > 0);
            taken += graph["root"]["probe_ns"].as_u64().expect("a number");
        }
        assert!(taken > 0);
        assert_eq!(traced.end()["probe_ns"], taken);
    }
}

#[test]
fn the_summary_says_that_durations_are_without_the_probes() {
    if skip().is_some() {
        return;
    }
    let server = server("compensated");
    for (option, expected) in [("--compensate", 1), ("--compensate=off", 0)] {
        let output = run(&["-e", BAR, "--limit", "1", option, server.path()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let stderr = text(&output.stderr);
        let said = stderr
            .lines()
            .filter(|line| line.starts_with("durations without the probes' own time, "));
        assert_eq!(said.count(), expected, "{stderr}");
    }
}
