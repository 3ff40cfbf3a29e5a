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
            said.contains("which values there are is not known"),
            "{said}"
        );
        assert!(said.contains("args reg.ax"), "{said}");
        assert!(output.stdout.is_empty(), "{said}");
    }
}
