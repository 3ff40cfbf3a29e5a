//! Arguments and results that are not in registers.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
};
use serde_json::Value;

const SUB: &str = "main._Cfunc_sub";
const NARROW: &str = "programs/conventions/assembly.Narrow";
const ALL: &str = "trace main.round < include main.*, programs/conventions/assembly.*; args; ret >";

/// What each function is shown with, whatever the version and the build; `0x…` stands for an address.
const SHOWN: [&str; 15] = [
    "main._Cfunc_call(p0=4) = r1=133",
    "main._Cfunc_half(p0=1000) = r1=500",
    "main._Cfunc_make(p0=1000, p1=77) = r1={a:1000 b:77}",
    "main._Cfunc_nothing(p0=5, p1=6) = ",
    "main._Cfunc_small(p0=1, p1=2, p2=3) = r1=6",
    "main._Cfunc_sub(p0=1000, p1=7) = r1=993",
    "main._Cfunc_sum(p0={a:1000 b:77}, p1=9) = r1=1086",
    "main._Cfunc_third(p0=3, p1=1000) = r1=1001",
    "main._Cfunc_vector(p0=1.5, p1=2, p2=3.5) = r1={x:1.5 y:5.5}",
    "programs/conventions/assembly.Add(0x3, 0x4) = ‹not described›",
    "programs/conventions/assembly.Float(0x3ff8000000000000, 0x2) = ‹not described›",
    "programs/conventions/assembly.Length(0x…, 0x3, 0x…, 0x2, 0x2) = ‹not described›",
    "programs/conventions/assembly.Narrow(0xff, 0x2, 0x3) = ‹not described›",
    "programs/conventions/assembly.Through(0x5) = ‹not described›",
    "programs/conventions/assembly.called(a=5) = 105",
];

fn values(call: &Value, kind: &str) -> String {
    let values = call[kind].as_array().into_iter().flatten();
    let values = values.map(|value| {
        let text = value["text"].as_str().expect("a text");
        match value["name"].as_str() {
            Some(name) => format!("{name}={text}"),
            // The addresses of Length's arguments.
            None if (8..16).contains(&text.len()) => "0x…".to_owned(),
            None => text.to_owned(),
        }
    });
    values.collect::<Vec<_>>().join(", ")
}

fn calls(call: &Value, found: &mut Vec<String>) {
    let name = call["function"].as_str().expect("a name");
    if name.starts_with("main._Cfunc_") || name.contains("assembly") {
        let (args, results) = (values(call, "args"), values(call, "results"));
        found.push(format!("{name}({args}) = {results}"));
    }
    for call in call["calls"].as_array().expect("calls") {
        calls(call, found);
    }
}

/// Issue 9, case cgo-args: what cgo and assembly get on the stack is not taken from registers.
#[test]
fn arguments_on_the_stack() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        for mode in [Mode::Plain, Mode::Pie, Mode::Unoptimised] {
            let context = format!("go {} {mode:?}", toolchain.version);
            let program = go::build(toolchain, "conventions", mode);
            let traced = tracer::launch(ALL, &[], &program, &[]);
            traced.assert_complete(&context);
            let graphs: Vec<&Value> = traced
                .lines
                .iter()
                .filter(|l| l["type"] == "graph")
                .collect();
            assert_eq!(graphs.len(), 3, "{context}");
            let mut found = Vec::new();
            calls(&graphs[0]["root"], &mut found);
            found.sort();
            assert_eq!(found, SHOWN, "{context}");

            let chosen =
                "trace main._Cfunc_sub < where p1 == 7 && p0 > 1000 && ret == 994; args p0; ret >";
            let traced = tracer::launch(chosen, &[], &program, &[]);
            let graphs: Vec<&Value> = traced
                .lines
                .iter()
                .filter(|l| l["type"] == "graph")
                .collect();
            assert_eq!(graphs.len(), 1, "{context}: {}", traced.stderr);
            assert_eq!(graphs[0]["root"]["args"][0]["value"], 1001, "{context}");
            assert_eq!(graphs[0]["root"]["results"][0]["value"], 994, "{context}");
        }
    }
}

/// Issue 9, case cgo-args: `list` and `explain` say the same places.
#[test]
fn places_are_told_alike() {
    if skip().is_some() {
        return;
    }
    for toolchain in go::toolchains() {
        let program = go::build(toolchain, "conventions", Mode::Plain);
        let program = program.to_str().expect("a path in UTF-8");
        let listed = tracer::run(&["list", "-v", program, SUB, NARROW]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for line in [
            "    func main._Cfunc_sub(p0 main._Ctype_int, p1 main._Ctype_int) (r1 main._Ctype_int)",
            "        p0 in [SP+8]; p1 in [SP+12]",
            "        returns r1 in [SP+16]",
            "    parameters not known: it is written in assembly, whose arguments have no types",
            "        numbers in [SP+8]; [SP+16]; [SP+24]",
        ] {
            assert!(
                listed.lines().any(|found| found == line),
                "{line}\n{listed}"
            );
        }
        let trace = format!("trace {SUB}, {NARROW} < args; ret >");
        let explained = tracer::run(&["explain", "-v", "-e", &trace, program]);
        let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
        for line in [
            "      p0: *u32(rsp + 8)",
            "      p1: *u32(rsp + 12)",
            "      r1: *u32(ret.rsp + 16)",
            "      (without a name): *u16(rsp + 24)",
            "      (without a name): not captured: the executable does not describe it",
        ] {
            assert!(
                explained.lines().any(|found| found == line),
                "{line}\n{explained}"
            );
        }
        let typed = format!("trace {NARROW} < where a == 1 >");
        let refused = tracer::run(&["explain", "-e", &typed, program]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("the first one at s64(reg.sp + 8)"), "{said}");
    }
}
