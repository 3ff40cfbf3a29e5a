//! Registers and memory, in executables that do not say what is where: in the language, and on the original command line.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Traced},
};
use serde_json::{Value, json};

/// What is shown of each call of a trace: names with values, and those of results.
fn shown(traced: &Traced) -> Vec<(Value, Value)> {
    let values = |list: &Value| -> Value {
        let list = list.as_array().into_iter().flatten();
        list.map(|value| {
            (
                value["name"].as_str().unwrap_or("").to_owned(),
                value["value"].clone(),
            )
        })
        .collect::<serde_json::Map<String, Value>>()
        .into()
    };
    let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
    graphs
        .map(|graph| {
            (
                values(&graph["root"]["args"]),
                values(&graph["root"]["results"]),
            )
        })
        .collect()
}

#[test]
fn the_language_names_registers_and_memory() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "values", Mode::Stripped);
    let traced = |program: &str| {
        let traced = tracer::launch(program, &[], &executable, &[]);
        traced.assert_complete(program);
        traced
    };
    // func words(empty, method, odd, long string) (first string, n int)
    let all = traced(
        "trace main.words < args mem(reg.cx, reg.di) as method, reg.di as length, mem(reg.r9, 8) as \"long.start\", \
         mem(reg.r9, 200) as long, u8(reg.cx), int8(reg.r10); ret mem(reg.ax, reg.bx) as first, reg.rcx as n >",
    );
    let long = "long ".repeat(40);
    assert_eq!(
        shown(&all),
        [(
            json!({"method": "GET", "length": 3, "long.start": "long lon", "long": long, "u8(reg.cx)": 71, "int8(reg.r10)": -24}),
            json!({"first": "G", "n": 1000})
        )]
    );
    let kept = traced("trace main.words < where reg.di == 3 && mem(reg.cx, 3) == \"GET\" >");
    assert_eq!(shown(&kept).len(), 1);
    let dropped = traced("trace main.words < where reg.di == 3 && mem(reg.cx, 3) == \"PUT\" >");
    assert_eq!(shown(&dropped).len(), 0);
}

#[test]
fn the_original_command_line_does_too() {
    if skip().is_some() {
        return;
    }
    for mode in [Mode::Stripped, Mode::Plain] {
        let executable = go::build(go::newest(), "values", mode);
        let program = executable.to_str().expect("a path in UTF-8");
        // func (s *store) put(key string, value int); func (s store) describe(n int) string; func pointers(a *int, b **int, …) *int
        let output = tracer::run(&[
            "--format",
            "json",
            "--uprobe-wildcards",
            "main.say",
            "main.(*store).put(s.name=(*+0(%ax)):c64, n=(+8(%ax)):s64, key=+0(%bx):c8, value=%di:u64)",
            "main.store.describe(s.name=(+0(%ax)):c32, n=%di:u8)",
            "main.pointers(a=+0(%ax):s64, b=(*+0(%bx)):s64, b.again=+0(+0(%bx)):s16)",
            "--",
            program,
        ]);
        assert!(output.status.success());
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["type"] == "graph")
            .collect();
        let traced = Traced {
            lines,
            stdout: String::new(),
            stderr: String::new(),
            code: Some(0),
        };
        insta::allow_duplicates! {
            insta::assert_debug_snapshot!(shown(&traced), @r#"
            [
                (
                    Object {
                        "a": Number(5),
                        "b": Number(5),
                        "b.again": Number(5),
                    },
                    Object {},
                ),
                (
                    Object {
                        "key": String("k"),
                        "n": Number(0),
                        "s.name": Null,
                        "value": Number(5),
                    },
                    Object {},
                ),
                (
                    Object {
                        "n": Number(2),
                        "s.name": String("copy"),
                    },
                    Object {},
                ),
                (
                    Object {
                        "n": Number(4),
                        "s.name": String("boun"),
                    },
                    Object {},
                ),
            ]
            "#);
        }
    }
}
