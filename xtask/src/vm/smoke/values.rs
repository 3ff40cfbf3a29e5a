//! Conditions, values and aggregations, on a program that knows what they have to come to.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::printed::{complete, parse};

/// For `tests/programs/counted`: calls of one name that fail, shown, and all, counted. Tests of texts at return need most of the stack, which
/// older kernels reckon up otherwise than newer ones.
pub const PROGRAM: &str = r#"trace failed: main.work < where q.name == "get" && size > -1000 && ret.err != nil && ret.n == size && ret.err.(*errors.errorString).s has "event"; args q.name, size; ret n, err, err.(*errors.errorString).s has "seventh" as is >
trace counts: main.work < c: count by q.name as name, ret.err != nil as failed >
trace texts: main.work < where ret.err != nil && ret.err.(*errors.errorString).s has "event"; t: count by ret.err.(*errors.errorString).s has "seventhly" as more; u: sum(size) by ret.err.(*errors.errorString).s =~ "*event*" as is >"#;

/// Compares with what the program has printed.
pub fn agree(printed: &str, record: &str) -> Result<String> {
    let lines = complete(printed)?;
    let calls = parse(record).context("what the program printed")?;
    let rows_of = |name: &str| -> Vec<&Value> {
        let counted = lines.iter().find(|line| line["name"] == name);
        let rows = counted.and_then(|counted| counted["rows"].as_array());
        rows.into_iter().flatten().collect()
    };
    let rows = rows_of("c");
    ensure!(!rows.is_empty(), "nothing was counted");
    let of = |name: &str, failed: Option<&str>| -> u64 {
        let named = rows.iter().filter(|row| {
            let text = |at: usize| row["text"][at].as_str();
            text(0) == Some(name) && failed.is_none_or(|failed| text(1) == Some(failed))
        });
        named.filter_map(|row| row["count"].as_u64()).sum()
    };
    let names = calls["Names"].as_object().context("no names")?;
    for name in ["get", "put", ""] {
        let expected: u64 = names
            .values()
            .filter_map(|caller| caller[name].as_u64())
            .sum();
        let found = of(&format!("{name:?}"), None);
        ensure!(
            found == expected && found > 0,
            "{found} calls of {name:?}, not {expected}"
        );
    }
    let all: u64 = rows.iter().filter_map(|row| row["count"].as_u64()).sum();
    ensure!(calls["Calls"] == all, "{all} calls, not {}", calls["Calls"]);
    let expected: u64 = (rows.iter())
        .filter(|row| row["text"][1] == "true")
        .filter_map(|row| row["count"].as_u64())
        .sum();
    for name in ["t", "u"] {
        let found = rows_of(name).into_iter();
        let found: u64 = found.filter_map(|row| row["count"].as_u64()).sum();
        ensure!(
            found == expected,
            "{name}: {found} calls failed, not {expected}"
        );
    }
    let graphs: Vec<&Value> = lines
        .iter()
        .filter(|line| line["type"] == "graph")
        .collect();
    let expected = of("\"get\"", Some("true"));
    ensure!(
        graphs.len() as u64 == expected,
        "{} graphs, not {expected}",
        graphs.len()
    );
    for graph in &graphs {
        let (args, results) = (&graph["root"]["args"], &graph["root"]["results"]);
        let right = args[0]["value"] == "get"
            && args[1]["value"].is_i64()
            && args[1]["value"] == results[0]["value"]
            && results[1]["text"] == "*errors.errorString{\"seventh\"}"
            && results[2]["value"] == true;
        ensure!(right, "wrong values: {args} and {results}");
    }
    Ok(format!("{all} calls counted, {} shown", graphs.len()))
}
