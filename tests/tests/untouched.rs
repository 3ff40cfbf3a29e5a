//! Memory that the traced process has not touched yet is waited for: what is in it is shown, and decided about.
//! Issue 9, point 19: memory that is not touched yet.

use std::collections::BTreeMap;

use gofuncgraph_tests::{
    go::{self, Mode, Toolchain},
    skip,
    tracer::{self, Traced},
};
use serde_json::Value;

const WORDS: [&str; 16] = [
    "amber", "basil", "cedar", "daisy", "elder", "ferns", "grape", "hazel", "irise", "jades",
    "kites", "lemon", "maple", "nutty", "olive", "pansy",
];
const ALL: &str = "trace main.outer < include main.inner; args; ret >";

fn launch(toolchain: &Toolchain, trace: &str, args: &[&str]) -> Traced {
    let program = go::build(toolchain, "untouched", Mode::Plain);
    tracer::launch(trace, &[], &program, args)
}

/// Launches it, and asserts that the memory of almost all calls was not there when they began.
fn launch_absent(toolchain: &Toolchain, trace: &str, args: &[&str]) -> Traced {
    let context = format!("go {}: {trace}", toolchain.version);
    let traced = launch(toolchain, trace, args);
    traced.assert_complete(&context);
    let said: Value = serde_json::from_str(&traced.stdout).expect("what the program says");
    let number = |name: &str| said[name].as_u64().expect("a number");
    assert!(
        number("calls") > 0 && 10 * number("absent") >= 8 * number("calls"),
        "{context}: this is about memory that is not there: {said}"
    );
    traced
}

fn graphs(traced: &Traced) -> impl Iterator<Item = &Value> {
    traced.lines.iter().filter(|line| line["type"] == "graph")
}

/// The texts of a call's arguments and results.
fn texts(call: &Value) -> Vec<&str> {
    let of = |name: &str| call[name].as_array().into_iter().flatten();
    let values = of("args").chain(of("results"));
    values.map(|v| v["text"].as_str().expect("text")).collect()
}

/// What outer and inner of a graph have to show.
fn assert_values(graph: &Value, text: &str, back: &str) {
    let root = &graph["root"];
    let number = texts(root).first().copied().unwrap_or_default();
    let (text, back) = (format!("{text:?}"), format!("{back:?}"));
    assert_eq!(texts(root), [number, &text, &back, &back, number]);
    assert_eq!(texts(&root["calls"][0]), [number, &text, &back, &back]);
}

fn number(graph: &Value) -> usize {
    let number = graph["root"]["args"][0]["value"].as_u64();
    number.expect("a number") as usize
}

#[test]
fn constants_of_the_executable_are_shown() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let traced = launch_absent(toolchain, ALL, &["words"]);
        assert_eq!(graphs(&traced).count(), WORDS.len());
        for (graph, word) in graphs(&traced).zip(WORDS) {
            assert_values(graph, word, &word.to_uppercase());
        }
    }
}

#[test]
fn constants_of_the_executable_are_decided_about() {
    if skip().is_some() {
        return;
    }
    for (condition, wanted) in [
        (r#"text == "maple""#, &[12][..]),
        (r#"text has "iri" || back =~ "AMB*""#, &[0, 8]),
        (r#"ret.found == "LEMON""#, &[11]),
        (
            r#"ret.found has "A" && text != "basil""#,
            &[0, 2, 3, 6, 7, 9, 12, 15],
        ),
    ] {
        let trace = format!("trace main.outer < where {condition}; args number >");
        let traced = launch_absent(go::newest(), &trace, &["words"]);
        let found: Vec<usize> = graphs(&traced).map(number).collect();
        assert_eq!(found, wanted, "{condition}");
    }
}

#[test]
fn constants_of_the_executable_are_counted_by() {
    if skip().is_some() {
        return;
    }
    let trace = "trace main.outer < c: count by text, ret.found as found >";
    let traced = launch_absent(go::newest(), trace, &["words"]);
    let counted = traced.lines.iter().find(|line| line["name"] == "c");
    let rows = counted.expect("the aggregation")["rows"].as_array();
    let rows: BTreeMap<&str, &Value> = rows
        .expect("rows")
        .iter()
        .map(|row| (row["text"][0].as_str().expect("a key"), row))
        .collect();
    assert_eq!(rows.len(), WORDS.len());
    for word in WORDS {
        let row = rows[format!("{word:?}").as_str()];
        assert_eq!(row["count"], 1, "{row}");
        assert_eq!(row["text"][1], format!("{:?}", word.to_uppercase()));
    }
}

/// Threads that wait for pages in the middle of a probe leave the processor to others that are in one.
#[test]
fn many_wait_at_once() {
    if skip().is_some() {
        return;
    }
    let traced = launch_absent(go::newest(), ALL, &["pages", "1500", "2"]);
    assert_eq!(graphs(&traced).count(), 3000);
    for graph in graphs(&traced) {
        let number = number(graph);
        assert_values(
            graph,
            &format!("text-{number:08}"),
            &format!("back-{number:08}"),
        );
    }
    let trace =
        r#"trace main.outer < where text has "77" && back has "77" && ret.found has "77" >"#;
    let traced = launch_absent(go::newest(), trace, &["pages", "1500", "2"]);
    let wanted = (0..1500).filter(|n| n.to_string().contains("77")).count();
    assert_eq!(graphs(&traced).count(), 2 * wanted);
}

#[test]
fn what_cannot_be_there_is_unreadable() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let traced = launch(toolchain, "trace main.outer < args text >", &["edges"]);
        traced.assert_complete(&toolchain.version);
        let found: Vec<_> = graphs(&traced)
            .map(|graph| texts(&graph["root"]).concat())
            .collect();
        let gone = "‹unreadable›";
        assert_eq!(found, [r#""\x00\x00""#, gone, gone, gone]);
    }
    let trace = r#"trace main.outer < where text == "\x00\x00" >"#;
    let traced = launch(go::newest(), trace, &["edges"]);
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    assert_eq!(graphs(&traced).count(), 1);
    assert_eq!(traced.end()["undecided"], 3, "{}", traced.end());
}
