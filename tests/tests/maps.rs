//! Maps within maps: which keys are shown, and what more room changes.

use std::collections::BTreeMap;

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
};

const ALL: &str =
    "trace main.tree, main.two, main.three, main.slices, main.pointers, main.long < args >";

/// Issue 9, case recursive-map: inner keys are shown, and asking for longer strings never shows less.
#[test]
fn inner_keys_are_shown() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "maps", Mode::Plain);
        let strings = ["1", "32", "64", "65", "100", "200", "512"].map(|string| (string, "4"));
        for (string, elements) in strings.into_iter().chain([("64", "8"), ("64", "32")]) {
            let limits = ["--string", string, "--elements", elements];
            let context = format!("go {} {limits:?}", toolchain.version);
            let traced = tracer::launch(ALL, &limits, &program, &[]);
            let shown: BTreeMap<&str, Vec<&str>> = (traced.lines.iter())
                .filter(|line| line["type"] == "graph")
                .map(|line| {
                    let args = line["root"]["args"].as_array().expect("arguments");
                    let texts = args.iter().map(|arg| arg["text"].as_str().expect("a text"));
                    let function = line["root"]["function"].as_str().expect("a name");
                    (function, texts.collect())
                })
                .collect();
            for (function, expected) in [
                (
                    "main.tree",
                    r#"main.own{"a": nil, "m": main.own{"b": nil}}"#,
                ),
                (
                    "main.two",
                    r#"map[string]map[string]int{"x": map[string]int{"y": 1}}"#,
                ),
                (
                    "main.slices",
                    if elements == "4" {
                        r#"map[string][]string{"k": []string{"v", …+1}}"#
                    } else {
                        r#"map[string][]string{"k": []string{"v", "w"}}"#
                    },
                ),
            ] {
                let known = shown
                    .get(function)
                    .unwrap_or_else(|| panic!("{context}: {shown:?}"));
                assert_eq!(known, &[expected], "{context}");
            }
            // Longer ones get what is left.
            let long = &shown["main.long"];
            let limit: usize = string.parse().expect("a number");
            let length = |text: &str| text.chars().filter(char::is_ascii_digit).count();
            for text in &long[..2] {
                let shown = text.split('…').next().map_or(0, length);
                assert!(shown >= limit.min(64), "{context}: {text}");
                assert!(shown <= limit, "{context}: {text}");
            }
            assert!(
                long[2].contains(r#"{"x": map[string]string{"y": "0"#),
                "{context}: {}",
                long[2]
            );
        }
    }
}

/// Issue 9, case recursive-map: a map of its own type is looked into as deeply as one of three maps.
#[test]
fn a_map_of_its_own_type_ends() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "maps", Mode::Plain);
        let program = program.to_str().expect("a path in UTF-8");
        let instructions = |function: &str| -> usize {
            let trace = format!("trace main.{function} < args >");
            let limits = ["--elements", "32", "--pointers", "4", "--string", "512"];
            let output =
                tracer::run(&[&["explain", "-e", &trace], &limits[..], &[program]].concat());
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let (_, rest) = said
                .split_once("args: ")
                .unwrap_or_else(|| panic!("{said}"));
            let (number, _) = rest.split_once(' ').expect("a number");
            number.replace(',', "").parse().expect("a number")
        };
        let (tree, three) = (instructions("tree"), instructions("three"));
        assert!(
            tree <= three + three / 4,
            "go {}: {tree} and {three}",
            toolchain.version
        );
    }
}
