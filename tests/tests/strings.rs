//! Strings: where they are cut, how they are escaped, and bytes that are not UTF-8.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
};
use serde_json::Value;

/// What the program calls `main.take` with.
const TOLD: [&[u8]; 8] = [
    "日本語日本語".as_bytes(),
    "né🙂a".as_bytes(),
    b"tab\tquote\"back\\slash\\x1b",
    b"\x1b[2J\xe2\x80\xae",
    b"\xff\xfe",
    b"a\xffb",
    "\u{fffd}".as_bytes(),
    b"",
];

fn graphs(traced: &tracer::Traced) -> Vec<&Value> {
    traced
        .lines
        .iter()
        .filter(|line| line["type"] == "graph")
        .collect()
}

/// Issue 9, case json-cut: `cut` is what `value` lacks, wherever a string is cut.
#[test]
fn a_cut_counts_what_the_value_lacks() {
    if skip().is_some() {
        return;
    }
    let program = go::build(go::newest(), "strings", Mode::Plain);
    for limit in 0..=20 {
        let limits = ["--string", &limit.to_string()];
        let trace = "trace main.take < args s, h.text as inside, v, h.all[1] as element >";
        let traced = tracer::launch(trace, &limits, &program, &[]);
        let graphs = graphs(&traced);
        assert_eq!(graphs.len(), TOLD.len(), "{}", traced.stderr);
        for (graph, told) in graphs.iter().zip(TOLD) {
            let Ok(told) = str::from_utf8(told) else {
                continue;
            };
            for shown in graph["root"]["args"].as_array().expect("arguments") {
                let context = format!("--string {limit}: {told:?}: {shown}");
                assert!(shown["error"].is_null(), "{context}");
                let value = match &shown["value"] {
                    Value::Object(interface) => interface["value"].as_str(),
                    value => value.as_str(),
                };
                let value = value.expect("a string");
                assert!(told.starts_with(value), "{context}");
                let cut = shown["cut"].as_u64().unwrap_or(0);
                assert_eq!(value.len() as u64 + cut, told.len() as u64, "{context}");
                if cut > 0 {
                    let text = shown["text"].as_str().expect("a text");
                    assert!(text.ends_with(&format!("…\"+{cut}")), "{context}");
                }
            }
        }
    }
}

/// Issue 9, case json-cut: printed text is escaped as that of graphs, and tells a backslash from an escape.
#[test]
fn one_way_of_escaping() {
    if skip().is_some() {
        return;
    }
    let program = go::build(go::newest(), "strings", Mode::Plain);
    let printed = tracer::launch("trace main.take < print \"{s}\" >", &[], &program, &[]);
    let texts: Vec<&str> = (printed.lines.iter())
        .filter(|line| line["type"] == "print")
        .map(|line| line["text"].as_str().expect("a text"))
        .collect();
    let expected = [
        "日本語日本語",
        "né🙂a",
        r#"tab\tquote"back\\slash\\x1b"#,
        r"\x1b[2J\u202e",
        r"\xff\xfe",
        r"a\xffb",
        "\u{fffd}",
        "",
    ];
    assert_eq!(texts, expected);
    let shown = tracer::launch("trace main.take < args s >", &[], &program, &[]);
    for (graph, expected) in graphs(&shown).iter().zip(expected) {
        let text = graph["root"]["args"][0]["text"].as_str().expect("a text");
        assert_eq!(text.replace("\\\"", "\""), format!("\"{expected}\""));
    }
}

/// Issue 9, case json-cut: strings that are not UTF-8 can be compared with, as they are shown.
#[test]
fn bytes_that_are_no_characters() {
    if skip().is_some() {
        return;
    }
    let program = go::build(go::newest(), "strings", Mode::Plain);
    for (condition, expected) in [
        (r#"s == "\xff\xfe""#, 1),
        (r#"s != "\xff\xfe""#, 7),
        (r#"s =~ "\xff*""#, 1),
        (r#"s =~ "*\xff*""#, 2),
        (r#"s has "\xff""#, 2),
        (r#"s in ["\xff\xfe", "a\xffb", ""]"#, 3),
        (r#"h.all[0] == "a\xffb""#, 1),
        (r#"s =~ "\xe6\x97*""#, 1),
        (r#"s == "\xe6\x97\xa5本語日本語""#, 1),
        (r#"s == "\x1b[2J\u202e""#, 1),
        (r#"s == "�""#, 1),
        (r#"len(s) == len("\xff\xfe") && s has "\xfe""#, 1),
    ] {
        let trace = format!("trace main.take < where {condition} >");
        let traced = tracer::launch(&trace, &[], &program, &[]);
        assert_eq!(
            graphs(&traced).len(),
            expected,
            "{condition}: {}",
            traced.stderr
        );
    }
}
