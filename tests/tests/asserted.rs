//! Types in assertions, written as they are shown.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
};

/// A type as the output writes it, and the `id` of the calls that are kept.
const SHOWN: [(&str, &[u64]); 20] = [
    ("struct { p *main.T }", &[1]),
    ("struct{ p *main.T }", &[1]),
    ("main.local[int]", &[2]),
    ("main.pair[int,*programs/asserted/a/log.Only]", &[5]),
    ("main.pair[int, *log.Only]", &[5]),
    ("map[string][]*main.T", &[6]),
    ("chan struct { a int; b int }", &[7]),
    ("[2]struct { p *main.T }", &[8]),
    ("[2]struct { main.p *main.T }", &[8]),
    ("*dotted.v2.Node", &[9]),
    ("*programs/asserted/dotted.v2.Node", &[9]),
    ("func(int, *main.T) (string, error)", &[10]),
    ("[]interface { m(int) string }", &[11]),
    ("<-chan *main.T", &[12]),
    ("[]byte", &[15]),
    ("map[rune]any", &[16]),
    ("struct { A int \"json:\\\"a/b.c\\\"\"; b []string }", &[17]),
    ("func(...string)", &[18]),
    ("*log.Only", &[19]),
    ("[]main.method", &[20]),
];

fn kept(program: &std::path::Path, trace: &str) -> Vec<u64> {
    let traced = tracer::launch(trace, &[], program, &[]);
    let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
    let ids = graphs.map(|line| line["root"]["args"][0]["value"].as_u64().expect("an id"));
    ids.collect()
}

/// Issue 9, case type-assertion: what is shown of a type selects it.
#[test]
fn types_are_written_as_they_are_shown() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "asserted", Mode::Plain);
        for (ty, ids) in SHOWN {
            let context = format!("go {}: {ty}", toolchain.version);
            let trace = format!("trace main.show < args id, v.({ty}) as it >");
            let traced = tracer::launch(&trace, &[], &program, &[]);
            if toolchain.minor() < 25 && traced.stderr.contains("types that only interfaces hold") {
                continue;
            }
            let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
            let held = graphs.filter(|line| line["root"]["args"][1]["error"] != "another type");
            let found: Vec<u64> = held
                .map(|line| line["root"]["args"][0]["value"].as_u64().expect("an id"))
                .collect();
            assert_eq!(found, ids, "{context}: {}", traced.stderr);
        }
    }
}

/// Issue 9, case type-assertion: what could be several types is not guessed, and all of them are named.
#[test]
fn what_could_be_several_types_is_asked_for() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "asserted", Mode::Plain);
        let path = program.to_str().expect("a path in UTF-8");
        let trace = "trace main.fail < where err.(*log.Error).Code > 0 >";
        let output = tracer::run(&["explain", "-e", trace, path]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for line in [
            "`*log.Error` could be 2 types",
            "help: write `*programs/asserted/a/log.Error`",
            "help: write `*programs/asserted/b/log.Error`",
        ] {
            assert!(said.contains(line), "{line}\n{said}");
        }
        for (folder, id) in [("a", 21), ("b", 22)] {
            let trace = format!(
                "trace main.fail < where err.(*programs/asserted/{folder}/log.Error).Code > 0; args id >"
            );
            assert_eq!(kept(&program, &trace), [id]);
        }
        // Two local types of one name: each of what is named selects one.
        let trace = "trace main.show < where v.(main.twice).v > 0 >";
        let output = tracer::run(&["explain", "-e", trace, path]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let named = said.split("help: write `").skip(1);
        let named = named.filter_map(|rest| rest.split('`').next());
        let found: Vec<Vec<u64>> = named
            .map(|ty| {
                kept(
                    &program,
                    &format!("trace main.show < where v.({ty}).v > 0; args id >"),
                )
            })
            .collect();
        assert_eq!(found, [[3], [4]], "{said}");
    }
}

/// Issue 9, case type-assertion: types that would be shown alike are shown in full, and what is shown selects them.
#[test]
fn types_of_one_name_are_told_apart() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "asserted", Mode::Plain);
        let traced = tracer::launch("trace main.fail < args >", &[], &program, &[]);
        let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
        let shown: Vec<[&str; 2]> = graphs
            .map(|line| {
                let value = &line["root"]["args"][1];
                [
                    value["value"]["type"].as_str().expect("a type"),
                    value["text"].as_str().expect("a text"),
                ]
            })
            .collect();
        assert_eq!(
            shown,
            [
                [
                    "*programs/asserted/a/log.Error",
                    "*programs/asserted/a/log.Error{Code:5}"
                ],
                [
                    "*programs/asserted/b/log.Error",
                    "*programs/asserted/b/log.Error{Code:6}"
                ],
            ],
            "go {}",
            toolchain.version
        );
    }
}

/// Issue 9, case type-assertion: so are types that are made of them, in JSON and in text.
#[test]
fn types_made_of_types_of_one_name_are_told_apart() {
    if skip().is_some() {
        return;
    }
    // Before, not all of them are marked in DWARF with what the runtime calls them.
    let marked = |toolchain: &&go::Toolchain| toolchain.minor() >= 25;
    for toolchain in go::toolchains().iter().filter(marked) {
        let program = go::build(toolchain, "asserted", Mode::Plain);
        let traced = tracer::launch("trace main.composed < args >", &[], &program, &[]);
        let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
        let shown: Vec<[&str; 2]> = graphs
            .map(|line| {
                let value = &line["root"]["args"][0];
                let ty = value["value"]["type"].as_str().expect("a type");
                [ty, value["text"].as_str().expect("a text")]
            })
            .collect();
        let expected = [
            (
                "map[programs/asserted/a/log.Error]int",
                "map[programs/asserted/a/log.Error]int len 1",
            ),
            (
                "map[programs/asserted/b/log.Error]int",
                "map[programs/asserted/b/log.Error]int len 1",
            ),
            (
                "chan *programs/asserted/a/log.Error",
                "chan *programs/asserted/a/log.Error",
            ),
            (
                "[1]programs/asserted/b/log.Error",
                "[1]programs/asserted/b/log.Error{{Code:8}}",
            ),
            ("map[log.Only]int", "map[log.Only]int len 1"),
        ];
        let expected = expected.map(|(ty, text)| [ty, text]);
        assert_eq!(shown, expected, "go {}", toolchain.version);
    }
}

/// Issue 9, case type-assertion: so are types that do not depend on what an interface holds.
#[test]
fn types_of_parameters_are_told_apart() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "asserted", Mode::Plain);
        let traced = tracer::launch("trace main.both < args >", &[], &program, &[]);
        let graph = traced.lines.iter().find(|line| line["type"] == "graph");
        let arguments = graph.expect("a graph")["root"]["args"].as_array();
        let shown: Vec<&str> = arguments
            .expect("arguments")
            .iter()
            .map(|value| value["type"].as_str().expect("a type"))
            .collect();
        assert_eq!(
            shown,
            [
                "*programs/asserted/a/log.Error",
                "[]programs/asserted/b/log.Error",
                "log.Only"
            ],
            "go {}",
            toolchain.version
        );
    }
}
