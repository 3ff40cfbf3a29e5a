//! Aggregations, `print`, `until` and hooks, on a program that knows what they have to come to.

use std::collections::BTreeMap;

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Traced},
};
use serde_json::Value;

const PROGRAM: &str = "trace main.work {
    calls: count by caller, q.name as name;
    whole: count;
    sums: sum(size) by ret.err != nil as failed;
    sizes: stats(size);
    powers: hist(size);
    steps: lhist(q.limit, 0, 100, 10) by fn, pid > 0 as known;
    taken: hist(dur) by caller, fn, flag, ret.err != nil;
    flags: avg(len(q.name)) by flag;
}";

fn object<'t>(traced: &'t Traced, name: &str) -> &'t Value {
    let mut lines = traced.lines.iter();
    let found = lines.find(|line| line["type"] == "aggregation" && line["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}; {}", traced.stderr))
}

/// A field of each row, by what its keys read.
fn rows(object: &Value, field: &str) -> BTreeMap<Vec<String>, i64> {
    let rows = object["rows"].as_array().expect("rows");
    let row = |row: &Value| {
        let keys = row["text"].as_array().expect("keys");
        let keys = keys.iter().map(|key| key.as_str().unwrap_or("").to_owned());
        (keys.collect(), row[field].as_i64().expect("a number"))
    };
    rows.iter().map(row).collect()
}

fn numbers(tally: &Value) -> BTreeMap<i64, i64> {
    let object = tally.as_object().expect("an object");
    let number = |(key, value): (&String, &Value)| {
        (key.parse().expect("a number"), value.as_i64().unwrap_or(0))
    };
    object.iter().map(number).collect()
}

/// How many are in the buckets that begin at, or end at, these values.
fn buckets(row: &Value) -> BTreeMap<(Option<i64>, Option<i64>), i64> {
    let buckets = row["buckets"].as_array().expect("buckets");
    let bucket = |bucket: &Value| {
        let bounds = (bucket["from"].as_i64(), bucket["to"].as_i64());
        (bounds, bucket["count"].as_i64().unwrap_or(0))
    };
    buckets.iter().map(bucket).collect()
}

fn agrees(traced: &Traced, context: &str) {
    traced.assert_complete(context);
    let tally: Value = serde_json::from_str(&traced.stdout).expect("the program's own words");
    let calls = tally["Calls"].as_i64().expect("a number");
    assert_eq!(
        rows(object(traced, "whole"), "count"),
        [(vec![], calls)].into()
    );
    assert_eq!(traced.end()["graphs"], calls, "{context}");

    let mut expected = BTreeMap::new();
    for (caller, names) in tally["Names"].as_object().expect("callers") {
        for (name, count) in names.as_object().expect("names") {
            let shown = match name.len() {
                ..=32 => format!("{name:?}"),
                length => format!("\"{}…\"+{}", &name[..32], length - 32),
            };
            expected.insert(vec![caller.clone(), shown], count.as_i64().unwrap_or(0));
        }
    }
    assert_eq!(
        rows(object(traced, "calls"), "count"),
        expected,
        "{context}"
    );

    let by_bool = |tally: &Value| -> BTreeMap<Vec<String>, i64> {
        let object = tally.as_object().expect("an object").iter();
        object
            .map(|(key, value)| (vec![key.clone()], value.as_i64().unwrap_or(0)))
            .collect()
    };
    assert_eq!(
        rows(object(traced, "sums"), "sum"),
        by_bool(&tally["Sums"]),
        "{context}"
    );
    assert_eq!(
        rows(object(traced, "flags"), "count"),
        by_bool(&tally["Flags"]),
        "{context}"
    );

    let sizes = &object(traced, "sizes")["rows"][0];
    let sum: i64 = by_bool(&tally["Sums"]).values().sum();
    assert_eq!(sizes["sum"], sum, "{context}");
    assert_eq!(
        (&sizes["least"], &sizes["greatest"]),
        (&tally["Least"], &tally["Most"])
    );
    assert_eq!(
        sizes["mean"].as_f64(),
        Some((sum as f64 / calls as f64).round())
    );

    let powers: BTreeMap<_, i64> = numbers(&tally["Powers"])
        .into_iter()
        .map(|(power, count)| {
            let bounds = match power {
                0 => (0, 1),
                1.. => (1 << (power - 1), 1 << power),
                _ => (1 - (1 << -power), 1 - (1 << (-power - 1))),
            };
            ((Some(bounds.0), Some(bounds.1)), count)
        })
        .collect();
    assert_eq!(
        buckets(&object(traced, "powers")["rows"][0]),
        powers,
        "{context}"
    );

    let steps: BTreeMap<_, i64> = numbers(&tally["Steps"])
        .into_iter()
        .map(|(step, count)| {
            let end = (step < 10).then_some(10 * step + 10);
            ((Some(10 * step), end), count)
        })
        .collect();
    let found = &object(traced, "steps")["rows"];
    assert_eq!(found[0]["text"], serde_json::json!(["main.work", "true"]));
    assert_eq!(buckets(&found[0]), steps, "{context}");

    let taken = object(traced, "taken");
    assert_eq!(taken["unit"], "ns");
    assert_eq!(
        rows(taken, "count").values().sum::<i64>(),
        calls,
        "{context}"
    );
    for row in taken["rows"].as_array().expect("rows") {
        let number = |name: &str| row[name].as_i64().expect("a number");
        assert_eq!(buckets(row).values().sum::<i64>(), number("count"));
        assert!(number("least") <= number("mean") && number("mean") <= number("greatest"));
        assert!(number("least") > 0);
    }
}

#[test]
fn counts_are_those_of_the_program() {
    if skip().is_some() {
        return;
    }
    let toolchains = go::toolchains();
    for toolchain in [toolchains.first(), toolchains.last()]
        .into_iter()
        .flatten()
    {
        for mode in [Mode::Plain, Mode::Pie] {
            let executable = go::build(toolchain, "counted", mode);
            let traced = tracer::launch(PROGRAM, &[], &executable, &[]);
            assert!(traced.lines.iter().all(|line| line["type"] != "graph"));
            agrees(&traced, &format!("Go {} {mode:?}", toolchain.version));
        }
    }
}

#[test]
fn filters_hold_for_what_is_counted() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let traced = tracer::launch(
        "trace main.work < where ret.err != nil && size > 3; c: count by q.limit % 7 == 0 as seventh; limit 100 >",
        &[],
        &executable,
        &[],
    );
    traced.assert_complete("filtered");
    assert_eq!(
        rows(object(&traced, "c"), "count"),
        [(vec!["true".to_owned()], 100)].into()
    );
}

#[test]
fn a_line_stands_for_each_graph() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let traced = tracer::launch(
        "trace main.work < where q.limit == 7; print \"{fn} {caller} {q.name} {size}: {ret.n} {flag} {{}}\"; c: count >",
        &[],
        &executable,
        &["158"],
    );
    traced.assert_complete("lines");
    let lines = traced.lines.iter().filter(|line| line["type"] == "print");
    let mut found: Vec<&str> = lines.filter_map(|line| line["text"].as_str()).collect();
    found.sort_unstable();
    // Calls 7 and 157 of each goroutine.
    let expected = [
        "get",
        "put",
        "",
        "a name of more bytes than a key has room for, which is cut",
    ];
    let mut expected: Vec<String> = expected
        .into_iter()
        .flat_map(|name| {
            let one = format!("main.work main.second {name} -93: -93 false {{}}");
            [
                one,
                format!("main.work main.second {name} 57: 57 true {{}}"),
            ]
        })
        .collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(rows(object(&traced, "c"), "count"), [(vec![], 8)].into());
}

#[test]
fn the_trace_ends_where_it_is_told_to() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let traced = tracer::launch(
        "trace main.work < args size; ret n; until ret.n == 20 && size == 10 >",
        &[],
        &executable,
        &["200", "1ms"],
    );
    let graphs: Vec<&Value> = (traced.lines.iter())
        .filter(|line| line["type"] == "graph")
        .collect();
    let size = |graph: &Value| graph["root"]["args"][0]["value"].as_i64();
    let (last, before) = graphs.split_last().expect("graphs");
    assert_eq!(size(last), Some(10), "{}", traced.stderr);
    assert!(before.iter().all(|graph| size(graph) != Some(10)));
}

#[test]
fn hooks_say_and_show_what_they_are_asked_for() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let traced = tracer::launch(
        "trace main.work < c: count; d: sum(size) > \
         begin { print \"begun {time}\"; clear } every 100ms { show c; print \"after {elapsed}\" } \
         end { print \"over\"; show d }",
        &[],
        &executable,
        &["200", "2ms"],
    );
    traced.assert_complete("hooks");
    let texts = traced.lines.iter().filter(|line| line["type"] == "print");
    let texts: Vec<&str> = texts.filter_map(|line| line["text"].as_str()).collect();
    assert!(texts[0].starts_with("begun "), "{texts:?}");
    assert_eq!(texts.last(), Some(&"over"));
    assert!(texts.iter().any(|text| text.starts_with("after ")));
    let shown: Vec<&Value> = (traced.lines.iter())
        .filter(|line| line["type"] == "aggregation")
        .collect();
    let (last, others) = shown.split_last().expect("something is shown");
    assert_eq!(last["name"], "d");
    assert_eq!(last["rows"][0]["count"], 800);
    assert!(others.iter().all(|one| one["name"] == "c") && !others.is_empty());
    let counts = others.iter().map(|one| one["rows"][0]["count"].as_i64());
    let counts: Vec<i64> = counts.map(Option::unwrap_or_default).collect();
    assert!(counts.is_sorted(), "{counts:?}");
}

/// Each call is in exactly one of the tables, however fast it goes while one is shown and the next begun.
#[test]
fn nothing_is_counted_between_showing_and_clearing() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let traced = tracer::launch(
        "trace main.work < c: count; b: count by q.name > every 2ms { show c; show b; clear } end { show c; show b }",
        &[],
        &executable,
        &["20000"],
    );
    traced.assert_complete("show and clear");
    let tally: Value = serde_json::from_str(&traced.stdout).expect("the program's own words");
    for name in ["c", "b"] {
        let tables = traced.lines.iter().filter(|line| line["name"] == name);
        let counts: Vec<i64> = tables
            .map(|table| rows(table, "count").values().sum())
            .collect();
        assert!(
            counts.iter().filter(|count| **count > 0).count() > 2,
            "{counts:?}"
        );
        assert_eq!(
            Some(counts.iter().sum()),
            tally["Calls"].as_i64(),
            "{name}: {counts:?}"
        );
    }
}

#[test]
fn tables_and_bars_are_written_for_people() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let program = executable.to_str().expect("a path in UTF-8");
    let output = tracer::run(&[
        "-e",
        "trace main.work < count by caller; lhist(q.limit, 0, 100, 50) >",
        "--",
        program,
        "300",
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(
        lines,
        [
            "count by caller  main.work",
            "  caller       count",
            "  main.second    800",
            "  main.first     400",
            "lhist(q.limit, 0, 100, 50)  main.work",
            "  1,200 calls, mean 75, 0 to 149",
            "    [0, 50)    400  ██████████████████████████████████████████████████",
            "    [50, 100)  400  ██████████████████████████████████████████████████",
            "    [100, …]   400  ██████████████████████████████████████████████████",
        ],
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
