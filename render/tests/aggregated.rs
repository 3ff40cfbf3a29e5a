//! Aggregations as tables, bars and JSON.

mod common;

use common::options;
use compiler::{
    plan::{Aggregation, AggregationKind},
    shape::{Run, Shape, ShownValue, Slot},
};
use ebpf_templates::{AGGREGATE_KEY, Aggregate, AggregateKey};
use insta::assert_snapshot;
use render::{Aggregated, Format, Functions, Options, renderer};

fn shown(label: &str, shape: Shape) -> ShownValue {
    ShownValue {
        derived: None,
        label: label.to_owned(),
        ty: None,
        shape,
    }
}

fn aggregation(kind: AggregationKind, duration: bool, keys: Vec<ShownValue>) -> Aggregation {
    let slot = Slot { item: 0, at: 8 };
    Aggregation {
        label: "it\u{7}".to_owned(),
        name: Some("it".to_owned()),
        kind,
        value: Some(if duration {
            Shape::Duration(slot)
        } else {
            Shape::Int { slot, width: 8 }
        }),
        keys,
        needs_results: false,
    }
}

fn caller_and_name() -> Vec<ShownValue> {
    let run = Run {
        item: 2,
        at: 24,
        most: 8,
    };
    vec![
        shown("caller", Shape::Code(Slot { item: 1, at: 16 })),
        shown("name", Shape::String(run)),
    ]
}

fn key(bucket: i64, caller: u64, name: &[u8]) -> AggregateKey {
    let mut bytes = [0; AGGREGATE_KEY];
    bytes[16..24].copy_from_slice(&caller.to_le_bytes());
    bytes[24..32].copy_from_slice(&(name.len() as u64).to_le_bytes());
    let there = name.len().min(8);
    bytes[32..32 + there].copy_from_slice(&name[..there]);
    AggregateKey {
        trace: 0,
        aggregation: 0,
        bucket,
        bytes,
    }
}

fn counted(count: u64, sum: i64, min: i64, max: i64) -> Aggregate {
    Aggregate {
        count,
        sum,
        upper: 0,
        min,
        max,
        epoch: 0,
    }
}

fn function(address: u64) -> Option<String> {
    match address {
        0x1000 | 0x1008 => Some("main.caller".to_owned()),
        0x2000 => Some("github.com/some/where/far/away/inside.(*Thing).Do".to_owned()),
        _ => None,
    }
}

fn written(
    format: Format,
    aggregation: &Aggregation,
    counted: &[(AggregateKey, Aggregate)],
    width: usize,
) -> String {
    let functions = Functions {
        at: &function,
        numbered: &|number| (number == 7).then(|| "main.f".to_owned()),
    };
    let aggregated = Aggregated::new("main.f", aggregation, counted, &functions);
    let options = Options {
        width: Some(width),
        ..options()
    };
    let mut out = Vec::new();
    let mut renderer = renderer(format, options);
    renderer
        .aggregated(&mut out, &aggregated, common::START)
        .expect("a vector takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn entries() -> Vec<(AggregateKey, Aggregate)> {
    vec![
        (key(0, 0x1000, b"get"), counted(3, 30, 5, 15)),
        (key(0, 0x1008, b"get"), counted(1_200, 12_000, 1, 20)),
        (key(0, 0x2000, b"a long name"), counted(2, -7, -4, -3)),
        (
            key(0, 0x9999, b"\x1b[2J"),
            counted(40, i64::MAX, 0, i64::MAX),
        ),
    ]
}

#[test]
fn sites_in_one_function_are_one_row() {
    let stats = aggregation(AggregationKind::Stats, false, caller_and_name());
    assert_snapshot!(written(Format::Graph, &stats, &entries(), 120), @r#"
    it\a by caller, name  main.f
      caller        name          count                        sum                         mean  least                   greatest
      main.caller   "get"         1,203                     12,030                           10      1                         20
      0x9999        "\x1b[2J"        40  9,223,372,036,854,775,807  230,584,300,921,369,395.175      0  9,223,372,036,854,775,807
      ins…hing).Do  "a …ng n…"+3      2                         -7                         -3.5     -4                         -3
    "#);
    let sum = aggregation(AggregationKind::Sum, true, caller_and_name());
    assert_snapshot!(written(Format::Classic, &sum, &entries(), 60), @r#"
    it\a by caller, name  main.f
      caller                              name               sum
      0x9999                              "\x1b[2J"      106751d
      main.caller                         "get"          12.0 µs
      …/far/away/inside.(*Thing).Do       "a long n…"+3    -7 ns
    "#);
    let mean = aggregation(AggregationKind::Average, true, Vec::new());
    assert_snapshot!(written(Format::Graph, &mean, &entries(), 60), @r"
    it\a  main.f
      count     mean
      1,245  85d 17h
    ");
    assert_snapshot!(written(Format::Graph, &mean, &[], 60), @r"
    it\a  main.f
      no calls
    ");
}

#[test]
fn bars_fit_the_terminal() {
    let powers = aggregation(AggregationKind::Histogram, true, caller_and_name());
    let entries = [
        (
            key(20, 0x1000, b"get"),
            counted(300, 200_000_000, 600_000, 1_000_000),
        ),
        (
            key(22, 0x1000, b"get"),
            counted(1, 3_000_000, 3_000_000, 3_000_000),
        ),
        (
            key(31, 0x1008, b"get"),
            counted(70, 90_000_000_000, 1 << 30, 2_000_000_000),
        ),
        (key(-3, 0x2000, b"a long name"), counted(1, -5, -5, -5)),
    ];
    assert_snapshot!(written(Format::Graph, &powers, &entries, 80), @r#"
    it\a by caller, name  main.f
      caller main.caller, name "get"  371 calls, mean 243.1 ms, 600.0 µs to 2.00 s
        [524 µs, 1.05 ms)   300  ██████████████████████████████████████████████████
        [1.05 ms, 2.10 ms)    0
        [2.10 ms, 4.19 ms)    1  ▎
        … 8 without calls
        [1.07 s, 2.15 s)     70  ███████████▊
      caller github…hing).Do, name "a long n…"+3  1 call, mean -5 ns, -5 ns to -5 ns
        [-7 ns, -3 ns)  1  ██████████████████████████████████████████████████
    "#);
    let steps = AggregationKind::Linear {
        low: 0,
        high: 25,
        step: 10,
    };
    let steps = aggregation(steps, false, Vec::new());
    let entries: Vec<_> = (-1..=3)
        .map(|bucket| {
            let n = u64::try_from(10 * bucket + 11).unwrap_or_default();
            (
                key(bucket, 0, b""),
                counted(n, 10 * bucket, 10 * bucket, 10 * bucket),
            )
        })
        .collect();
    assert_snapshot!(written(Format::Graph, &steps, &entries, 40), @r"
    it\a  main.f
      105 calls, mean 0.476, -10 to 30
        […, 0)     1  ▋
        [0, 10)   11  ██████
        [10, 20)  21  ███████████▍
        [20, 25)  31  ████████████████▊
        [25, …]   41  ██████████████████████
    ");
}

#[test]
fn every_number_is_in_the_json() {
    let powers = aggregation(AggregationKind::Histogram, true, caller_and_name());
    assert_snapshot!(written(Format::Json, &powers, &entries(), 80), @r#"
    {"type":"aggregation","trace":"main.f","name":"it","label":"it\u0007","function":"hist","unit":"ns","time":"2026-11-18T16:21:55.255312345Z","keys":["caller","name"],"rows":[{"key":["main.caller","get"],"text":["main.caller","\"get\""],"count":1203,"sum":12030,"mean":10,"least":1,"greatest":20,"buckets":[{"from":0,"to":1,"count":1203}]},{"key":["0x9999","\u001b[2J"],"text":["0x9999","\"\\x1b[2J\""],"count":40,"sum":"9223372036854775807","mean":"230584300921369395","least":0,"greatest":"9223372036854775807","buckets":[{"from":0,"to":1,"count":40}]},{"key":["github.com/some/where/far/away/inside.(*Thing).Do","a long n"],"text":["github.com/some/where/far/away/inside.(*Thing).Do","\"a long n…\"+3"],"count":2,"sum":-7,"mean":-3,"least":-4,"greatest":-3,"buckets":[{"from":0,"to":1,"count":2}]}]}
    "#);
    let count = aggregation(AggregationKind::Count, false, Vec::new());
    assert_snapshot!(written(Format::Json, &count, &entries(), 80), @r#"
    {"type":"aggregation","trace":"main.f","name":"it","label":"it\u0007","function":"count","time":"2026-11-18T16:21:55.255312345Z","keys":[],"rows":[{"key":[],"text":[],"count":1245}]}
    "#);
}

#[test]
fn means_of_numbers_have_fractions() {
    let average = aggregation(AggregationKind::Average, false, caller_and_name());
    let entries = [
        (key(0, 0x1000, b"a"), counted(3, 1, 0, 1)),
        (key(0, 0x1000, b"b"), counted(5, 2, 0, 1)),
        (key(0, 0x1000, b"c"), counted(2, -999, -999, 0)),
        (key(0, 0x1000, b"d"), counted(2, 6, 3, 3)),
    ];
    assert_snapshot!(written(Format::Graph, &average, &entries, 80), @r#"
    it\a by caller, name  main.f
      caller       name  count    mean
      main.caller  "d"       2       3
      main.caller  "b"       5     0.4
      main.caller  "a"       3   0.333
      main.caller  "c"       2  -499.5
    "#);
    let text = written(Format::Json, &average, &entries, 80);
    let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mean = |row: usize| object["rows"][row]["mean"].to_string();
    assert_eq!(
        [0, 1, 2, 3].map(mean),
        ["3", "0.4", "0.3333333333333333", "-499.5"]
    );
}

#[test]
fn any_bytes_are_a_key() {
    let mut keys = caller_and_name();
    let far = Slot {
        item: 3,
        at: u16::MAX,
    };
    keys.push(shown("far", Shape::Bool(far)));
    keys.push(shown(
        "huge",
        Shape::String(Run {
            item: 4,
            at: 0,
            most: u16::MAX,
        }),
    ));
    let odd = aggregation(AggregationKind::Histogram, false, keys);
    let key = AggregateKey {
        trace: u32::MAX,
        aggregation: u32::MAX,
        bucket: i64::MIN,
        bytes: [0xff; AGGREGATE_KEY],
    };
    let other = AggregateKey {
        bucket: i64::MAX,
        ..key
    };
    let all = counted(u64::MAX, i64::MIN, i64::MAX, i64::MIN);
    for format in [Format::Graph, Format::Json] {
        let text = written(format, &odd, &[(key, all), (other, all)], 10);
        assert!(text.contains("unreadable"), "{text}");
    }
}

#[test]
fn rows_of_one_size_go_by_their_keys() {
    let slot = Slot { item: 1, at: 16 };
    let of = |shape, words: &[u64]| {
        let by = aggregation(AggregationKind::Count, false, vec![shown("key", shape)]);
        let entries: Vec<_> = words
            .iter()
            .map(|word| (key(0, *word, b""), counted(1, 0, 0, 0)))
            .collect();
        let text = written(Format::Graph, &by, &entries, 60);
        let rows = text.lines().skip(2);
        rows.filter_map(|row| row.split_whitespace().next())
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let numbers = [10, 9, 100, u64::MAX];
    let int = Shape::Int { slot, width: 8 };
    assert_eq!(of(int, &numbers), "-1 9 10 100");
    let uint = Shape::Uint {
        slot,
        width: 8,
        hexadecimal: false,
    };
    assert_eq!(of(uint, &numbers), "9 10 100 18446744073709551615");
    assert_eq!(
        of(Shape::Duration(slot), &[60_000_000_000, 2_000]),
        "2µs 1m0s"
    );
    let float = Shape::Float { slot, width: 8 };
    let floats = [10.5, 9.0, -0.5].map(f64::to_bits);
    assert_eq!(of(float, &floats), "-0.5 9 10.5");
    assert_eq!(of(Shape::Function(slot), &[7]), "main.f");
    assert_eq!(of(Shape::Function(slot), &[8]), "‹unreadable›");
}

#[test]
fn of_many_rows_the_greatest_are_written() {
    let slot = Slot { item: 1, at: 16 };
    let int = Shape::Int { slot, width: 8 };
    for (kind, lines) in [
        (AggregationKind::Count, 53),
        (AggregationKind::Histogram, 102),
    ] {
        let by = aggregation(kind, false, vec![shown("key", int.clone())]);
        let entries: Vec<_> = (0..1_100)
            .map(|word| (key(0, word, b""), counted(word + 1, 0, 0, 0)))
            .collect();
        let text = written(Format::Graph, &by, &entries[..50], 60);
        assert!(!text.contains("more"), "{text}");
        let text = written(Format::Graph, &by, &entries, 60);
        assert!(text.contains("1099") && text.contains("1050"), "{text}");
        assert!(!text.contains("1049"), "{text}");
        assert!(
            text.ends_with("\n  … 1,050 more; --format json has all\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), lines);
        let json = written(Format::Json, &by, &entries, 60);
        let object: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(object["rows"].as_array().map(Vec::len), Some(1_100));
    }
}

#[test]
fn sums_have_more_room_than_their_values() {
    let large = Aggregate {
        upper: 3 << 31,
        ..counted(3, i64::MAX - 2, i64::MAX, i64::MAX)
    };
    let total = 3 * i128::from(i64::MAX);
    assert_eq!(large.total(), total);
    let stats = aggregation(AggregationKind::Stats, false, Vec::new());
    let entries = [(key(0, 0, b""), large), (key(1, 0, b""), large)];
    let text = written(Format::Json, &stats, &entries, 80);
    let expected = format!(r#""count":6,"sum":"{}","mean":"{}""#, 2 * total, i64::MAX);
    assert!(text.contains(&expected), "{text}");
    let durations = aggregation(AggregationKind::Sum, true, Vec::new());
    assert_snapshot!(written(Format::Graph, &durations, &entries, 80), @r"
    it\a  main.f
          sum
      640511d
    ");
}
