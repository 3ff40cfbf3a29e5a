//! Names: what a pattern means by one, over versions of Go.

use std::collections::BTreeMap;

use gofuncgraph_tests::{
    go::{self, Mode, Toolchain},
    skip,
    tracer::{self, Traced},
};
use serde_json::Value;

/// The count of each trace.
fn counts(traced: &Traced) -> BTreeMap<String, i64> {
    let lines = traced
        .lines
        .iter()
        .filter(|line| line["type"] == "aggregation");
    let count = |line: &Value| {
        let rows = line["rows"].as_array().into_iter().flatten();
        let name = line["name"].as_str().unwrap_or_default().to_owned();
        (name, rows.filter_map(|row| row["count"].as_i64()).sum())
    };
    lines.map(count).collect()
}

/// Functions that `list` finds.
fn listed(program: &str, patterns: &[&str]) -> Vec<String> {
    let arguments = [&["list", "--format", "json", program], patterns].concat();
    let output = tracer::run(&arguments);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let name = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["function"].as_str().expect("a name").to_owned()
    };
    text.lines().map(name).collect()
}

/// Issue 9, case closure-copies: calls of a function literal are those of all its copies.
#[test]
fn a_literal_is_all_its_copies() {
    if skip().is_some() {
        return;
    }
    let literals = [
        ("F", "main.f.func1"),
        ("First", "main.two.func1"),
        ("Second", "main.two.func2"),
        ("Nested", "main.nested.func1.1"),
        ("Method", "main.(*box).give.func1"),
        ("Generic", "main.generic.func1"),
        ("Alike", "main.alike.*"),
        ("Lib", "programs/closures/lib.Give.func1"),
    ];
    let mut program: String = literals
        .iter()
        .map(|(label, name)| format!("trace {name} < {label}: count >\n"))
        .collect();
    program += "trace main.starter.func1.* < Started: count >";
    for toolchain in go::toolchains() {
        for mode in [Mode::Plain, Mode::Stripped] {
            let context = format!("Go {} {mode:?}", toolchain.version);
            let executable = go::build(toolchain, "closures", mode);
            let traced = tracer::launch(&program, &[], &executable, &[]);
            traced.assert_complete(&context);
            let tally: Value = serde_json::from_str(&traced.stdout).expect("the program's words");
            let expected: BTreeMap<String, i64> = tally
                .as_object()
                .expect("an object")
                .iter()
                .map(|(name, count)| (name.clone(), count.as_i64().unwrap_or(-1)))
                .collect();
            assert_eq!(counts(&traced), expected, "{context}: {}", traced.stderr);

            // What the exact name of a copy selects is that copy, and what it is called is what was seen.
            let path = executable.to_str().expect("UTF-8");
            let all = listed(path, &["main.f.func1"]);
            let copies: Vec<&String> = all.iter().filter(|name| *name != "main.f.func1").collect();
            assert_eq!(
                copies.is_empty(),
                toolchain.minor() >= 27,
                "{context}: {all:?}"
            );
            for copy in copies {
                assert_eq!(listed(path, &[copy]), [copy.as_str()], "{context}");
            }
        }
    }
}

/// Issue 9, case closure-copies: of literals that nothing tells apart, what is not known is said.
#[test]
fn copies_of_an_unclear_literal_are_said() {
    let before = |toolchain: &&Toolchain| toolchain.minor() < 27;
    for toolchain in go::toolchains().iter().filter(before) {
        let executable = go::build(toolchain, "closures", Mode::Plain);
        let path = executable.to_str().expect("UTF-8");
        let both = listed(path, &["main.alike.*"]);
        assert_eq!(both.len(), 3, "Go {}: {both:?}", toolchain.version);
        assert_eq!(listed(path, &["main.alike.func1"]), ["main.alike.func1"]);
        let trace = ["check", "-e", "trace main.alike.func1", "--target", path];
        let said = String::from_utf8(tracer::run(&trace).stderr).expect("UTF-8");
        assert!(said.contains("W0406"), "Go {}: {said}", toolchain.version);
        assert!(said.contains("main.a."), "{said}");
        let trace = ["check", "-e", "trace main.alike.*", "--target", path];
        let said = String::from_utf8(tracer::run(&trace).stderr).expect("UTF-8");
        assert!(!said.contains("W0406"), "Go {}: {said}", toolchain.version);
    }
}
