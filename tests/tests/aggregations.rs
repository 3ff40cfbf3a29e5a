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
    assert_eq!(sizes["mean"].as_f64(), Some(sum as f64 / calls as f64));

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
            "  1,200 calls, mean 74.5, 0 to 149",
            "    [0, 50)    400  ██████████████████████████████████████████████████",
            "    [50, 100)  400  ██████████████████████████████████████████████████",
            "    [100, …]   400  ██████████████████████████████████████████████████",
        ],
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

const NUMBERS: [i64; 10] = [
    i64::MAX,
    i64::MAX,
    i64::MIN,
    -1,
    0,
    1,
    1 << 31,
    -(1 << 31),
    5_000_000_000,
    i64::MAX,
];

fn extremes(trace: &str, calls: &str) -> Traced {
    let executable = go::build(go::newest(), "extremes", Mode::Plain);
    tracer::launch(trace, &[], &executable, &[calls])
}

fn texts(traced: &Traced) -> Vec<&str> {
    let lines = traced.lines.iter().filter(|line| line["type"] == "print");
    lines.filter_map(|line| line["text"].as_str()).collect()
}

#[test]
fn sums_are_right_beyond_64_bits() {
    if skip().is_some() {
        return;
    }
    let traced = extremes(
        "trace main.whole < s: stats(n); \
         steps: lhist(n, -9000000000000000000, 9000000000000000000, 1000000000000000000); powers: hist(n) >",
        "40",
    );
    traced.assert_complete("extremes");
    let row = &object(&traced, "s")["rows"][0];
    let sum: i128 = NUMBERS.iter().map(|n| 4 * i128::from(*n)).sum();
    assert_eq!(row["sum"], sum.to_string());
    let mean = (2 * sum + 40).div_euclid(80);
    assert_eq!(row["mean"], mean.to_string());

    let steps = &object(&traced, "steps")["rows"][0]["buckets"];
    let step = |number: i64| serde_json::json!((number * 1_000_000_000_000_000_000).to_string());
    assert_eq!(
        *steps,
        serde_json::json!([
            {"from": null, "to": step(-9), "count": 4},
            {"from": step(-1), "to": 0, "count": 8},
            {"from": 0, "to": step(1), "count": 16},
            {"from": step(9), "to": null, "count": 12},
        ])
    );
    let powers = object(&traced, "powers")["rows"][0]["buckets"].as_array();
    let powers = powers.expect("buckets");
    let ends = [&powers[0], &powers[powers.len() - 1]].map(|bucket| bucket["count"].as_i64());
    assert_eq!(ends, [Some(4), Some(12)]);
}

/// However many aggregations could not count it.
#[test]
fn calls_that_are_not_counted_are_calls() {
    if skip().is_some() {
        return;
    }
    let traced = extremes(
        "trace main.opened < a: sum(b.n); b: count by b.name; c: count by b == nil as empty >",
        "90",
    );
    assert_eq!(traced.end()["undecided"], 30, "{}", traced.end());
    assert_eq!(rows(object(&traced, "a"), "count"), [(vec![], 60)].into());
    let by_name = [(vec!["\"box\"".to_owned()], 60)].into();
    assert_eq!(rows(object(&traced, "b"), "count"), by_name);
    let by_nil = [
        (vec!["false".to_owned()], 60),
        (vec!["true".to_owned()], 30),
    ]
    .into();
    assert_eq!(rows(object(&traced, "c"), "count"), by_nil);

    let full = extremes(
        "trace main.numbered < a: count by n; b: count by -n as m; c: count >",
        "20000",
    );
    let end = full.end();
    let missed = end["aggregates_full"].as_i64().expect("some had no room");
    let counts = |name| rows(object(&full, name), "count").values().sum::<i64>();
    assert_eq!(counts("c"), 20_000);
    // The table fills up in the middle of one call at most.
    let (a, b) = (counts("a"), counts("b"));
    assert!(a.abs_diff(b) <= 1, "{a} {b}");
    assert_eq!(missed, 20_000 - b, "{end}");
}

#[test]
fn nothing_is_counted_after_the_end() {
    if skip().is_some() {
        return;
    }
    let traced = extremes(
        "trace main.numbered < s: sum(n); until ret == -30 > trace all: main.numbered < c: count >",
        "5000",
    );
    traced.assert_complete("until");
    let row = &object(&traced, "s")["rows"][0];
    assert_eq!((&row["count"], &row["sum"]), (&31.into(), &465.into()));
    assert_eq!(rows(object(&traced, "c"), "count"), [(vec![], 5000)].into());
}

#[test]
fn a_line_may_mix_arguments_and_results() {
    if skip().is_some() {
        return;
    }
    let traced = extremes(
        "trace main.read < where ret.n > 0; c: sum(len(buf) - ret.n); \
         print \"{len(buf) - ret.n} {ret.n == want} {ret.n < want} {want > 3 && ret.err == nil} {buf[ret.n - 1]} \
         {dur < pause + 1h} {pause / 1ms} {pause} {cap(buf) * 2 - ret.n + want}\" >",
        "40",
    );
    traced.assert_complete("mixed");
    let expected: Vec<String> = (1..40)
        .map(|n: i64| {
            let last = i64::from(b'a') + (2 * n - 1) % 26;
            format!(
                "{n} true false {} {last} true {n} {n}ms {}",
                2 * n > 3,
                6 * n
            )
        })
        .collect();
    assert_eq!(texts(&traced), expected);
    let sum = rows(object(&traced, "c"), "sum");
    assert_eq!(sum, [(vec![], (1..40).sum())].into());
}

#[test]
fn what_is_named_twice_is_shown_once() {
    if skip().is_some() {
        return;
    }
    let traced = extremes(
        "trace main.numbered < c: count > end { show c, c; clear c, c; show c }",
        "20",
    );
    let tables = traced.lines.iter().filter(|line| line["name"] == "c");
    let counts: Vec<BTreeMap<_, _>> = tables.map(|table| rows(table, "count")).collect();
    assert_eq!(counts, [[(vec![], 20)].into(), [].into()]);
}

#[test]
fn calls_that_did_not_return_are_counted_without_results() {
    if skip().is_some() {
        return;
    }
    let traced = extremes(
        "trace main.halved < a: sum(n); b: count by ret; c: count; print \"{n} {ret - n}\" >",
        "20",
    );
    assert_eq!(traced.end()["undecided"], 10, "{}", traced.end());
    assert_eq!(rows(object(&traced, "a"), "sum"), [(vec![], 190)].into());
    assert_eq!(rows(object(&traced, "b"), "count").len(), 10);
    assert_eq!(rows(object(&traced, "c"), "count"), [(vec![], 20)].into());
    let lines = (0..20).map(|n| match n % 2 {
        0 => format!("{n} {}", -n / 2),
        _ => format!("{n} ‹did not return›"),
    });
    assert_eq!(texts(&traced), lines.collect::<Vec<String>>());
}

/// What is asked of all functions in the same way is one piece of code, however many there are.
#[test]
fn functions_are_counted_by_their_names() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let traced = tracer::launch(
        "trace main.first, main.second, encoding/json.*, reflect.*, strconv.* < c: count by fn; d: hist(dur) by fn, caller >",
        &[],
        &executable,
        &["300"],
    );
    traced.assert_complete("many");
    let counted = rows(object(&traced, "c"), "count");
    let of = |name: &str| counted.get(&vec![name.to_owned()]).copied();
    assert_eq!(of("main.first"), Some(400), "{counted:?}");
    assert_eq!(of("main.second"), Some(800), "{counted:?}");
    assert_eq!(of("strconv.Atoi"), Some(1), "{counted:?}");
}

#[test]
fn enough_is_enough_where_graphs_are_counted() {
    if skip().is_some() {
        return;
    }
    let executable = go::build(go::newest(), "counted", Mode::Plain);
    let of = |program: &str, limit: &str, calls: &str| {
        tracer::launch(program, &["--limit", limit], &executable, &[calls, "5ms"])
    };
    let traced = of("trace main.work < c: count >", "7", "200");
    assert_eq!(rows(object(&traced, "c"), "count"), [(vec![], 7)].into());
    assert_eq!(traced.end()["graphs"], 7);
    // It has not come to that.
    let traced = of("trace main.work < c: count; limit 5 >", "1000", "10");
    assert_eq!(rows(object(&traced, "c"), "count"), [(vec![], 5)].into());
}
