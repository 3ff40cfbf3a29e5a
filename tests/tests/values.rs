//! Arguments, results and captured variables agree with what the traced program says of its own, type by type.

use std::collections::BTreeMap;

use gofuncgraph_tests::{
    go::{self, Mode, Toolchain},
    skip,
    tracer::{self, Traced},
    values::{self, Cell, Unknown},
    with_deep_stack,
};

const ALL: &str = "trace main.round < include main.*; args; ret >";

/// What is wrong with the values of a trace; how many there are of each kind is written down for who looks.
fn wrong(context: &str, toolchain: &Toolchain, traced: &Traced) -> Vec<String> {
    traced.assert_complete(context);
    let cells = values::cells(context, &values::told(&traced.stdout), &traced.lines);
    let cells = cells.unwrap_or_else(|why| panic!("{why}"));
    assert!(cells.len() > 650, "{context}: only {} values", cells.len());
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in &cells {
        let kind = match &cell.seen {
            Err(_) => "wrong",
            Ok(seen) if seen.is_whole() => "whole",
            Ok(seen) => match seen.unknown.first() {
                None => "cut",
                Some(unknown) if unknown.reason.starts_with("in X") => "in a vector register",
                Some(_) => "not all known",
            },
        };
        *count.entry(kind).or_default() += 1;
    }
    eprintln!("{context}: {} values: {count:?}", cells.len());
    let unreadable = cells.iter().filter(|cell| {
        let seen = cell.seen.as_ref();
        seen.is_ok_and(|seen| seen.unknown.iter().any(|why| why.reason == "unreadable"))
    });
    let unreadable: Vec<String> = unreadable.map(Cell::to_string).collect();
    assert!(
        unreadable.len() <= 8,
        "{context}: memory that is not there is rare\n{}",
        unreadable.join("\n")
    );
    let is_wrong = |cell: &&Cell| match &cell.seen {
        Err(_) => true,
        Ok(seen) => !seen
            .unknown
            .iter()
            .all(|unknown| may_be_unknown(toolchain, cell, unknown)),
    };
    let wrong = cells.iter().filter(is_wrong);
    wrong.map(|cell| format!("{context}: {cell}")).collect()
}

fn may_be_unknown(toolchain: &Toolchain, cell: &Cell, unknown: &Unknown) -> bool {
    let kind = unknown.kind.as_str();
    // Parameters without a name, which move what is on the stack, are in DWARF since Go 1.22, all types that are only in interfaces
    // since 1.25.
    let (no_blanks, no_types) = (toolchain.minor() < 22, toolchain.minor() < 25);
    match unknown.reason.as_str() {
        reason if reason.starts_with("in X") => matches!(kind, "float" | "complex"),
        // Memory that nobody has touched yet is not there, nor what is read in one piece with it.
        "unreadable" => !unknown.whole || matches!(kind, "slice" | "array" | "pointer" | "map"),
        "optimised away" => no_blanks && ["main.big", "main.bytesOf"].contains(&&*cell.function),
        "unknown type" => no_types && cell.function == "main.anything",
        "no room" => !unknown.whole && ["main.behind", "main.forest"].contains(&&*cell.function),
        _ => false,
    }
}

fn agree(mode: Mode) {
    with_deep_stack(move || {
        let mut all = Vec::new();
        for toolchain in go::toolchains() {
            let program = go::build(toolchain, "values", mode);
            let context = format!("go {} {mode:?}", toolchain.version);
            let traced = tracer::launch(ALL, &[], &program, &[]);
            all.extend(wrong(&context, toolchain, &traced));
            if mode != Mode::Plain {
                continue;
            }
            let context = format!("{context}, limits");
            let limits = ["--string", "8", "--elements", "2", "--pointers", "3"];
            let traced = tracer::launch(ALL, &limits, &program, &[]);
            all.extend(wrong(&context, toolchain, &traced));
        }
        assert!(
            all.is_empty(),
            "{} values are wrong:\n{}",
            all.len(),
            all.join("\n")
        );
    });
}

#[test]
fn every_type() {
    agree(Mode::Plain);
}

#[test]
fn position_independent() {
    agree(Mode::Pie);
}

#[test]
fn unoptimised() {
    agree(Mode::Unoptimised);
}

/// A call that begins a graph is shown as one inside is.
#[test]
fn targets_by_themselves() {
    with_deep_stack(|| {
        let mut all = Vec::new();
        for toolchain in go::toolchains() {
            let program = go::build(toolchain, "values", Mode::Plain);
            let output = std::process::Command::new(&program).output();
            let told = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
            let mut names: Vec<String> = values::told(&told)
                .into_iter()
                .map(|call| call.function)
                .collect();
            names.sort();
            names.dedup();
            let trace = format!("trace {} < args; ret >", names.join(", "));
            let context = format!("go {}, targets", toolchain.version);
            let traced = tracer::launch(&trace, &[], &program, &[]);
            all.extend(wrong(&context, toolchain, &traced));
        }
        assert!(
            all.is_empty(),
            "{} values are wrong:\n{}",
            all.len(),
            all.join("\n")
        );
    });
}

/// The dictionary is known at entry: results by themselves, parts of values, and what is printed have their types too.
#[test]
fn types_of_generic_code() {
    with_deep_stack(|| {
        for toolchain in go::toolchains() {
            for mode in [Mode::Plain, Mode::Pie] {
                let program = go::build(toolchain, "values", mode);
                let context = format!("go {} {mode:?}", toolchain.version);
                let traced = tracer::launch(GENERIC, &[], &program, &[]);
                traced.assert_complete(&context);
                assert_eq!(typed(&traced.lines), GENERIC_SHOWN, "{context}");
            }
        }
    });
}

const GENERIC: &str = r#"
    trace main.last < ret >
    trace "main.(*link[...]).push" < args n.value, value as given; ret ret.next.value, ret.next, *ret >
    trace "main.pair[...].swap" < where n >= 5; args p.key; ret ret[0] as first >
    trace main.each < print "{list[0]}, {ret}" >
"#;

const GENERIC_SHOWN: [&str; 9] = [
    "swap: p.key main.tag \"p\" = first main.seconds 5",
    "swap: p.key time.Duration 1h0m0s = first []main.tag []main.tag{\"x\"}",
    "last: = list []main.seconds []main.seconds{0}, one main.seconds 0",
    "last: = list []int64 []int64{0, 0}, one int64 0",
    "last: = list []main.tag []main.tag{\"\", \"\", \"\"}, one main.tag \"\"",
    "push: n.value time.Duration 1s, given time.Duration 2s = ret.next.value time.Duration 1s, \
     ret.next *main.link[time.Duration] &{value:1s next:nil}, *ret main.link[time.Duration] {value:2s next:&{value:1s next:nil}}",
    "push: n.value int64 3, given int64 4 = ret.next.value int64 3, \
     ret.next *main.link[int64] &{value:3 next:nil}, *ret main.link[int64] {value:4 next:&{value:3 next:nil}}",
    "each: 1s, 1s",
    "each: 1, 1",
];

/// Values of targets with their types, in the order of the calls.
fn typed(lines: &[serde_json::Value]) -> Vec<String> {
    let mut shown: Vec<(&str, String)> = Vec::new();
    for line in lines {
        let name = line["trace"].as_str().unwrap_or("");
        let name = name.trim_end_matches('"').rsplit('.').next().unwrap_or("");
        if line["type"] == "print" {
            let text = format!("{name}: {}", line["text"].as_str().unwrap_or(""));
            shown.push((line["time"].as_str().unwrap_or(""), text));
        }
        if line["type"] == "graph" {
            let values = |kind: &str| {
                let values = line["root"][kind].as_array().into_iter().flatten();
                let values = values.map(|value| {
                    let field = |name: &str| value[name].as_str().unwrap_or("");
                    [field("name"), field("type"), field("text")].join(" ")
                });
                values.collect::<Vec<_>>().join(", ")
            };
            let text = format!("{name}: {} = {}", values("args"), values("results"));
            let start = line["start"].as_str().unwrap_or("");
            shown.push((start, text.replace(":  =", ": =")));
        }
    }
    shown.sort();
    shown.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn without_dwarf_nothing_is_shown() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "values", Mode::Stripped);
        let program = program.to_str().expect("a path in UTF-8");
        let output = tracer::run(&["-e", ALL, "--", program]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("the values of a call are not known"),
            "{said}"
        );
        assert!(said.contains("args reg.ax"), "{said}");
        assert!(output.stdout.is_empty(), "{said}");
    }
}

/// What each function of `loops` returns, as it is shown.
const RETURNED: [(&str, &str); 15] = [
    ("main.(*place).find", "‹not described›"),
    ("main.after", "46"),
    ("main.around", ""),
    ("main.deferred", "‹not described›"),
    ("main.deferredNone", ""),
    ("main.generic[go.shape.int]", "‹not described›"),
    ("main.half", "‹not described›"),
    ("main.inlined", "‹not described›"),
    ("main.literal.func1", "‹not described›"),
    ("main.named", "sum=42 err=*errors.errorString{\"failure\"}"),
    ("main.nested", "‹not described›"),
    ("main.nestedNone", ""),
    ("main.none", ""),
    ("main.one", "‹not described›"),
    ("main.two", "‹not described›"),
];

/// Issue 9: results that DWARF leaves out, of functions that return from inside a loop over a function, are not taken for none.
#[test]
fn results_of_loops_over_functions() {
    if skip().is_some() {
        return;
    }
    let names = RETURNED.map(|(name, _)| name).join(", ");
    let trace = format!("trace main.main < include {names}; ret >");
    for toolchain in go::toolchains().iter().filter(|go| go.minor() >= 23) {
        for mode in [Mode::Plain, Mode::Unoptimised] {
            let context = format!("go {} {mode:?}", toolchain.version);
            let program = go::build(toolchain, "loops", mode);
            let traced = tracer::launch(&trace, &[], &program, &[]);
            traced.assert_complete(&context);
            let graph = traced.lines.iter().find(|line| line["type"] == "graph");
            let root = &graph.expect("a graph")["root"];
            let mut returned: Vec<(&str, String)> = root["calls"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|call| {
                    let results = call["results"].as_array().into_iter().flatten();
                    let results = results.map(|value| {
                        let text = value["text"].as_str().expect("a text");
                        match value["name"].as_str() {
                            Some(name) => format!("{name}={text}"),
                            None => text.to_owned(),
                        }
                    });
                    let name = call["function"].as_str().expect("a name");
                    (name, results.collect::<Vec<_>>().join(" "))
                })
                .collect();
            returned.sort();
            let expected = RETURNED.map(|(name, text)| (name, text.to_owned()));
            assert_eq!(returned, expected, "{context}");

            for clause in ["count by ret", "where ret[1] != nil", "ret ret.err"] {
                let asked = format!("trace main.half < {clause} >");
                let path = program.to_str().expect("UTF-8");
                let output = tracer::run(&["check", "-e", &asked, path]);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let said = said + &String::from_utf8_lossy(&output.stdout);
                assert!(
                    said.contains("[E0508]: the results of main.half are not known")
                        && said.contains("from inside a loop over a function"),
                    "{context}: {said}"
                );
            }
        }
    }
}
