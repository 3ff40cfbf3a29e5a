//! What `--format json` writes, and that any JSON parser reads it.

mod common;

use common::*;
use graph::{Captured, Graph, Moment};
use insta::assert_snapshot;
use render::{Format, Options, TimeZone};
use serde_json::{Value, json};

fn parsed(graph: Graph) -> Value {
    serde_json::from_str(&with(Format::Json, options(), &[graph])).expect("JSON")
}

#[test]
fn one_line_a_graph() {
    assert_snapshot!(with(Format::Json, options(), &[simple(), unwound()]), @r#"
    {"type":"graph","trace":"main.handleBar","pid":4242,"tid":4245,"goroutine":18,"start":"2026-11-18T16:21:55.255312345Z","complete":true,"open":false,"lost_calls":0,"missing_calls":0,"root":{"function":"main.handleBar","caller":{"function":"net/http.HandlerFunc.ServeHTTP","offset":47,"file":"/usr/local/go/src/net/http/server.go","line":2122},"return":{"offset":160,"file":"/src/example/main.go","line":20},"start_ns":0,"duration_ns":850,"exit":"return","calls":[]}}
    {"type":"graph","trace":"main.handleBar","pid":4242,"tid":4245,"goroutine":18,"start":"2026-11-18T16:21:55.255312345Z","complete":true,"open":false,"lost_calls":0,"missing_calls":0,"root":{"function":"main.handleBar","caller":{"function":"net/http.HandlerFunc.ServeHTTP","offset":47,"file":"/usr/local/go/src/net/http/server.go","line":2122},"return":{"offset":160,"file":"/src/example/main.go","line":20},"start_ns":0,"duration_ns":2000000,"exit":"return","calls":[{"function":"main.crash","caller":{"function":"main.handleBar","offset":69,"file":"/src/example/main.go","line":18},"return":null,"start_ns":1000,"duration_ns":1500000,"exit":"unwound","calls":[{"function":"main.crash","caller":{"function":"main.handleBar","offset":69,"file":"/src/example/main.go","line":18},"return":null,"start_ns":2000,"duration_ns":1400000,"exit":"unwound","calls":[]}]}]}}
    "#);
}

#[test]
fn the_fields_of_the_schema() {
    let graph = parsed(nested());
    assert_eq!(graph["start"], "2026-11-18T16:21:55.255312345Z");
    assert_eq!(graph["goroutine"], 18);
    assert_eq!(graph["complete"], true);
    let root = &graph["root"];
    let caller = json!({
        "function": "net/http.HandlerFunc.ServeHTTP", "offset": 47,
        "file": "/usr/local/go/src/net/http/server.go", "line": 2122,
    });
    assert_eq!(root["caller"], caller);
    assert_eq!(
        root["return"],
        json!({"offset": 160, "file": "/src/example/main.go", "line": 20})
    );
    assert_eq!(
        (&root["start_ns"], &root["duration_ns"]),
        (&json!(0), &json!(354_600_123))
    );
    let functions: Vec<&Value> = root["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .map(|call| &call["function"])
        .collect();
    assert_eq!(
        functions,
        [
            "example/internal/log.Debug",
            "net/http.(*response).Write",
            "main.crash"
        ]
    );
    assert_eq!(root["calls"][0]["calls"][0]["duration_ns"], 12_345);
    let unknown = json!({"function": "", "offset": 0, "file": "", "line": 0, "address": "0x9999"});
    assert_eq!(root["calls"][2]["caller"], unknown);
}

#[test]
fn times_are_in_utc_wherever_one_is() {
    let time_zone = TimeZone::fixed(jiff::tz::offset(9));
    let text = with(
        Format::Json,
        Options {
            time_zone,
            ..options()
        },
        &[simple()],
    );
    assert!(
        text.contains(r#""start":"2026-11-18T16:21:55.255312345Z""#),
        "{text}"
    );
}

#[test]
fn every_exit() {
    let graph = parsed(unwound());
    assert_eq!(graph["root"]["calls"][0]["exit"], "unwound");
    assert_eq!(graph["root"]["calls"][0]["return"], Value::Null);
    let graph = parsed(open());
    assert_eq!(
        (&graph["open"], &graph["root"]["exit"]),
        (&json!(true), &json!("open"))
    );
}

#[test]
fn losses() {
    let graph = parsed(incomplete());
    assert_eq!(
        (
            &graph["complete"],
            &graph["lost_calls"],
            &graph["missing_calls"]
        ),
        (&json!(false), &json!(12), &json!(9_980))
    );
    assert_eq!(graph["root"]["calls"][0]["missing_calls"], 9_980);

    let root = &parsed(rootless())["root"];
    assert_eq!(
        (&root["lost"], &root["caller"], &root["exit"]),
        (&json!(true), &Value::Null, &json!("open"))
    );
    assert_eq!(
        (&root["function"], &root["duration_ns"]),
        (&json!("main.handleBar"), &json!(10_000))
    );
    assert_eq!(root["calls"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_probes_own_time() {
    let calls = |graph: &Value| {
        let root = graph["root"].clone();
        let inner = root["calls"].as_array().expect("calls").clone();
        let innermost = inner[0]["calls"][0].clone();
        [vec![root], inner, vec![innermost]].concat()
    };
    let times: Vec<Value> = calls(&parsed(compensated()))
        .iter()
        .map(|call| json!([call["duration_ns"], call["probe_ns"], call["self_ns"]]))
        .collect();
    assert_eq!(
        times,
        [
            json!([
                360_000_123,
                613_500,
                359_386_623 - 354_497_500 - 6_600 - 1_099_500
            ]),
            json!([354_500_000, 2_500, 354_497_500 - 11_845]),
            json!([7_100, 500, 6_600]),
            json!([1_700_000, 600_500, 1_099_500]),
            json!([12_345, 500, 11_845]),
        ]
    );
    for call in calls(&parsed(nested())) {
        assert!(call.get("probe_ns").is_none() && call.get("self_ns").is_none());
    }
}

#[test]
fn functions_that_were_dropped() {
    let graph = parsed(dropped(&[(2, 1), (5, START + 1)]));
    assert_eq!(graph["complete"], false);
    assert_eq!(
        graph["dropped_functions"],
        json!([FUNCTIONS[2], FUNCTIONS[5]])
    );
    assert!(parsed(nested()).get("dropped_functions").is_none());
}

#[test]
fn the_callers_of_the_target() {
    let graph = parsed(with_stack());
    let functions: Vec<&Value> = graph["stack"]
        .as_array()
        .expect("stack")
        .iter()
        .map(|site| &site["function"])
        .collect();
    assert_eq!(
        functions,
        [
            "net/http.HandlerFunc.ServeHTTP",
            "net/http.(*conn).serve",
            ""
        ]
    );
    assert_eq!(graph["stack_beyond"], "unknown");
    assert!(parsed(nested()).get("stack_beyond").is_none());
}

#[test]
fn hostile_names_survive_unharmed_and_harm_no_terminal() {
    let text = with(Format::Json, options(), &[hostile()]);
    assert!(
        text.trim_end().is_ascii() && !text.trim_end().contains(char::is_control),
        "{text}"
    );
    assert_eq!(parsed(hostile())["root"]["function"], FUNCTIONS[5]);
}

#[test]
fn ten_thousand_levels() {
    let text = with(Format::Json, options(), &[recursion(10_000)]);
    assert!(text.len() < 10_000 * 300, "{} bytes", text.len());
    // No string here holds a bracket.
    let mut open = vec![];
    let mut deepest = 0;
    for bracket in text.chars() {
        match bracket {
            '{' | '[' => open.push(bracket),
            '}' => assert_eq!(open.pop(), Some('{')),
            ']' => assert_eq!(open.pop(), Some('[')),
            _ => {}
        }
        deepest = deepest.max(open.len());
    }
    assert!(open.is_empty());
    // The graph, each call and its calls, and the deepest call's site.
    assert_eq!(deepest, 1 + 2 * 10_000);
}

#[test]
fn totals() {
    assert_snapshot!(end(Format::Json, &common::totals()), @r#"{"type":"end","graphs":3,"filtered":120,"lost_records":0,"lost_graphs":0,"goroutines_full":0,"missing_calls":0,"dropped_calls":0,"no_g":0,"stale":0,"seconds":10.0}"#);
    let more = graph::Totals {
        probe_ns: Some(12_345),
        dropped_functions: vec!["main.f".to_owned()],
        ..common::totals()
    };
    assert_snapshot!(end(Format::Json, &more), @r#"{"type":"end","graphs":3,"filtered":120,"lost_records":0,"lost_graphs":0,"goroutines_full":0,"missing_calls":0,"dropped_calls":0,"no_g":0,"stale":0,"probe_ns":12345,"dropped_functions":["main.f"],"seconds":10.0}"#);
}

#[test]
fn values_of_generic_code() {
    let graph = parsed(generic_code());
    let of = |call: usize, kind: &str, field: &str| {
        let values = graph["root"]["calls"][call][kind].as_array();
        let values = values.into_iter().flatten();
        values.map(|value| value[field].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(0, "args", "type"), ["time.Duration", "int64"]);
    assert_eq!(of(0, "args", "text"), ["1.5s", "7"]);
    assert_eq!(of(0, "results", "type"), ["time.Duration"]);
    assert_eq!(of(0, "results", "text"), ["2ms"]);
    // A dictionary that has no such type, one that could not be read, and none.
    for (call, results) in [(1, "2000000"), (2, "‹not captured›"), (3, "2000000")] {
        assert_eq!(of(call, "args", "type"), ["go.shape.int64", "int64"]);
        assert_eq!(of(call, "results", "type"), ["go.shape.int64"]);
        assert_eq!(of(call, "results", "text"), [results]);
    }
    assert_eq!(of(1, "args", "text"), ["1500000000", "7"]);
}

#[test]
fn values() {
    let graph = parsed(with_values());
    let calls = &graph["root"]["calls"];
    assert_eq!(
        calls[0]["args"],
        json!([
            {
                "name": "sql", "type": "string", "value": "SELECT * FROM us",
                "text": "\"SELECT * FROM us…\"+18", "cut": 18,
            },
            {"name": "limit", "type": "int64", "value": 500, "text": "500"},
        ])
    );
    assert_eq!(
        calls[0]["results"],
        json!([
            {"type": "[]main.Row", "value": [], "text": "[]main.Row len 3", "cut": 3},
            {"name": "err", "type": "error", "value": null, "text": "nil"},
        ])
    );
    // Unwound: there are no results.
    let unwound = &calls[0]["calls"][1];
    assert_eq!(unwound["args"][0]["value"], "\u{1b}[2J\"");
    assert_eq!(unwound["args"][1]["value"], -1);
    assert_eq!(unwound.get("results"), None);
    assert_eq!(
        calls[1]["results"][1],
        json!({
            "name": "err", "type": "error", "value": null,
            "text": "‹unreadable›", "error": "unreadable",
        })
    );
    assert_eq!(
        calls[2]["results"][0],
        json!({
            "type": "[]main.Row", "value": null,
            "text": "‹not captured›", "error": "not captured",
        })
    );
    let mut unknown_error = answer(0, 0);
    unknown_error[24] = 7;
    let unknown_error = Graph {
        captured: Captured::new([(1, Moment::Results, unknown_error.as_slice())]),
        ..with_values()
    };
    assert_eq!(
        parsed(unknown_error)["root"]["calls"][0]["results"][1],
        json!({
            "name": "err", "type": "error", "value": {"type": "interface", "value": "0x7"},
            "text": "interface 0x7", "partial": true,
        })
    );
    assert_eq!(graph.get("lost_values"), None);
    let lost = Graph {
        lost_values: 7,
        captured: Default::default(),
        ..with_values()
    };
    // Calls, whether arguments or results or both are lost.
    assert_eq!(parsed(lost)["lost_values"], 4);
    assert!(!with(Format::Json, options(), &[with_values()]).contains('\x1b'));
}
