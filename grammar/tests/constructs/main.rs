//! Every construct of the language, read as it is meant.

mod conditions;

use grammar::{
    ast::{Clause, ClauseKind, Config, Item, Param, PatternKind, Program, Trace, Value, ValueKind},
    parse,
};

fn program(source: &str) -> Program {
    let parsed = parse(source);
    assert_eq!(parsed.errors, [], "{source}");
    parsed.program
}

fn trace(source: &str) -> Trace {
    match program(source).items.as_slice() {
        [Item::Trace(trace)] => trace.clone(),
        items => panic!("{source}: {items:?}"),
    }
}

fn clauses(list: &str) -> Vec<Clause> {
    trace(&format!("trace main.f < {list} >")).clauses
}

fn clause(text: &str) -> ClauseKind {
    match clauses(text).as_slice() {
        [clause] => clause.kind.clone(),
        clauses => panic!("{text}: {clauses:?}"),
    }
}

/// The values of a `pid` clause.
fn values(list: &str) -> Vec<ValueKind> {
    match clause(&format!("pid {list}")) {
        ClauseKind::Pid(values) => values.into_iter().map(|value| value.kind).collect(),
        kind => panic!("{list}: {kind:?}"),
    }
}

fn kinds(trace: &Trace) -> Vec<PatternKind> {
    trace.patterns.iter().map(|p| p.kind.clone()).collect()
}

fn name(text: &str) -> PatternKind {
    PatternKind::Name(text.to_owned())
}

#[test]
fn go_symbol_names_are_patterns_as_they_are() {
    for pattern in [
        "main.handleBar",
        "net/http.(*conn).serve",
        "main.Map[...]",
        "main.Map[go.shape.int,...]",
        "main.Map[go.shape.map[string][]int,go.shape.*uint8]",
        "main.main.func1",
        "main.(*T).Close-fm",
        "gopkg.in/yaml%2ev3.Unmarshal",
        "net/http/...",
        "main.*",
        "net/http*",
        "*handleBar",
        "*/internal/log*",
        "main.(*Cache[...]).Get",
        "main.(*Cache[go.shape.string,go.shape.int]).Get.func1",
        "github.com/x-y/c++~z.F",
        "main.f·dwrap·1",
        "main.Größe",
        "main.glob..func1",
        "9fans.net/go/acme.Log",
        "main.?",
        "*",
    ] {
        for source in [
            format!("trace {pattern}"),
            format!("trace {pattern}<min 1ms>"),
            format!("trace {pattern} < min 1ms >;"),
            format!("trace main.f < include {pattern}>"),
            format!("trace main.f {{ exclude main.g,{pattern};}}"),
            format!("set @x={pattern}"),
        ] {
            let found = match &program(&source).items[0] {
                Item::Trace(trace) => match trace.clauses.first().map(|clause| &clause.kind) {
                    Some(ClauseKind::Include(patterns) | ClauseKind::Exclude(patterns)) => {
                        patterns.last().unwrap().clone()
                    }
                    _ => trace.patterns[0].clone(),
                },
                Item::Set(set) => set.patterns[0].clone(),
                item => panic!("{item:?}"),
            };
            assert_eq!(found.kind, name(pattern), "{source}");
            assert_eq!(&source[found.span], pattern, "{source}");
        }
    }
}

#[test]
fn a_quoted_name_may_hold_anything() {
    let found = trace(r#"trace "main.F[go.shape.struct { X int }]", "a\"b\\c", "min""#);
    assert_eq!(
        kinds(&found),
        [
            name("main.F[go.shape.struct { X int }]"),
            name("a\"b\\c"),
            name("min")
        ]
    );
}

#[test]
fn files_and_sets_are_patterns() {
    let found = trace(r#"trace :server.go, :"my server.go", @main,@storage_2"#);
    assert_eq!(
        kinds(&found),
        [
            PatternKind::File("server.go".to_owned()),
            PatternKind::File("my server.go".to_owned()),
            PatternKind::Set("main".to_owned()),
            PatternKind::Set("storage_2".to_owned()),
        ]
    );
    assert_eq!(found.patterns[2].span, 35..40);
}

#[test]
fn a_trace_has_a_label_and_a_span() {
    let source = "  trace slow: main.f , main.g <min 1ms> ; ";
    let found = trace(source);
    assert_eq!(found.label.as_ref().unwrap().node, "slow");
    assert_eq!(&source[found.label.clone().unwrap().span], "slow");
    assert_eq!(
        &source[found.span.clone()],
        "trace slow: main.f , main.g <min 1ms>"
    );
    assert_eq!(kinds(&found), [name("main.f"), name("main.g")]);
    assert!(trace("trace :server.go").label.is_none());
}

#[test]
fn angles_and_braces_mean_the_same() {
    let strip = |source: &str| -> Vec<String> {
        trace(source)
            .clauses
            .iter()
            .map(|c| c.keyword.node.clone())
            .collect()
    };
    let clauses = ["include", "min"];
    assert_eq!(
        strip("trace main.f < include net/http*; min 1ms >"),
        clauses
    );
    assert_eq!(
        strip("trace main.f {\n\tinclude net/http*;\n\tmin 1ms;\n}\n"),
        clauses
    );
    assert_eq!(strip("trace main.f<include net/http*;min 1ms;>"), clauses);
}

#[test]
fn declarations() {
    let source = "target ./server # here\ntarget \"./my server\"; set @storage = database/sql/..., @main\n\
                  param slow: duration = 100ms\nparam n\nparam quiet = true";
    let items = program(source).items;
    let [
        Item::Target(plain),
        Item::Target(quoted),
        Item::Set(set),
        Item::Param(slow),
        Item::Param(n),
        Item::Param(quiet),
    ] = items.as_slice()
    else {
        panic!("{items:?}");
    };
    assert_eq!(plain.path.node, "./server");
    assert_eq!(&source[plain.span.clone()], "target ./server");
    assert_eq!(quoted.path.node, "./my server");
    assert_eq!(&source[quoted.path.span.clone()], "\"./my server\"");
    assert_eq!(set.name.node, "storage");
    assert_eq!(&source[set.name.span.clone()], "@storage");
    assert_eq!(set.patterns.len(), 2);
    let Param {
        name, ty, default, ..
    } = slow;
    assert_eq!(name.node, "slow");
    assert_eq!(ty.as_ref().unwrap().node, "duration");
    assert_eq!(
        default.as_ref().unwrap().kind,
        ValueKind::Duration(100_000_000)
    );
    assert_eq!(&source[slow.span.clone()], "param slow: duration = 100ms");
    assert!(n.ty.is_none() && n.default.is_none());
    assert_eq!(quiet.default.as_ref().unwrap().kind, ValueKind::Bool(true));
}

fn config(source: &str) -> Config {
    match program(source).items.as_slice() {
        [Item::Config(config)] => config.clone(),
        items => panic!("{source}: {items:?}"),
    }
}

#[test]
fn the_settings_of_a_config() {
    let expected = [
        ("budget", ValueKind::Percent(25)),
        ("compensate", ValueKind::Bool(true)),
    ];
    for source in [
        "config { budget = 2.5%; compensate = on }",
        "config{budget=2.5%;compensate=on;}",
        "config < budget = 2.5%; compensate = on >",
        "config # a }\n{\n  budget # b\n = # c\n 2.5% # d\n;\n\n  compensate = true;\n}\n",
    ] {
        let settings = config(source).settings;
        let found: Vec<(&str, ValueKind)> = settings
            .iter()
            .map(|setting| (setting.name.node.as_str(), setting.value.kind.clone()))
            .collect();
        assert_eq!(found, expected, "{source}");
        assert_eq!(&source[settings[0].name.span.clone()], "budget");
        assert_eq!(&source[settings[0].value.span.clone()], "2.5%");
        assert!(source[settings[0].span.clone()].starts_with("budget"));
        assert!(source[settings[0].span.clone()].ends_with("2.5%"));
    }
    let source = " config { a = $b } ;";
    let found = config(source);
    assert_eq!(&source[found.span.clone()], "config { a = $b }");
    assert_eq!(
        found.settings[0].value.kind,
        ValueKind::Param("b".to_owned())
    );
    assert_eq!(&source[found.settings[0].span.clone()], "a = $b");
}

#[test]
fn a_config_stands_beside_other_items() {
    let items = program(
        "config < a = 1 > target ./server config { b = off } trace main.f config { c = \"x\" }\ntrace main.g < min 1ms >\nconfig { d = 3 }",
    )
    .items;
    assert_eq!(items.len(), 7);
    assert!(matches!(&items[6], Item::Config(config) if config.settings.len() == 1));
}

#[test]
fn the_word_config_belongs_to_expressions_elsewhere() {
    let list = clauses("where a > 2 &&\n config < 3 && config == nil; args config");
    assert_eq!(list.len(), 2);
    assert_eq!(clauses("include \"config\"").len(), 1);
}

#[test]
fn clauses_of_one_value() {
    let kind = |text| clause(text);
    assert!(matches!(
        kind("depth 3"),
        ClauseKind::Depth(Value {
            kind: ValueKind::Integer(3),
            ..
        })
    ));
    assert!(matches!(
        kind("min 100ms"),
        ClauseKind::Min(Value {
            kind: ValueKind::Duration(100_000_000),
            ..
        })
    ));
    assert!(matches!(
        kind("max $limit"),
        ClauseKind::Max(Value { kind: ValueKind::Param(name), .. }) if name == "limit"
    ));
    assert!(matches!(
        kind("prune 1us"),
        ClauseKind::Prune(Value {
            kind: ValueKind::Duration(1_000),
            ..
        })
    ));
    assert!(matches!(
        kind("for 1m"),
        ClauseKind::For(Value {
            kind: ValueKind::Duration(60_000_000_000),
            ..
        })
    ));
    // The compiler refuses it.
    assert!(matches!(
        kind("min 5"),
        ClauseKind::Min(Value {
            kind: ValueKind::Integer(5),
            ..
        })
    ));
}

#[test]
fn clauses_of_several_values() {
    assert!(matches!(clause("pid 1, 2,3"), ClauseKind::Pid(values) if values.len() == 3));
    assert!(matches!(clause("goroutine 18"), ClauseKind::Goroutine(values) if values.len() == 1));
    let ClauseKind::Comm(names) = clause(r#"comm "a;b>", "c""#) else {
        panic!("not a comm clause");
    };
    assert_eq!(names[0].kind, ValueKind::String("a;b>".to_owned()));
}

#[test]
fn ratios_limits_and_stacks() {
    for text in ["sample 1/100", "sample 1 / 100"] {
        let ClauseKind::Sample { one, of } = clause(text) else {
            panic!("{text}");
        };
        assert_eq!(one.kind, ValueKind::Integer(1));
        assert_eq!(of.kind, ValueKind::Integer(100));
    }
    let ClauseKind::Sample { of, .. } = clause("sample 1/$n") else {
        panic!("not a sample clause");
    };
    assert_eq!(of.kind, ValueKind::Param("n".to_owned()));
    assert!(matches!(
        clause("limit 1_000"),
        ClauseKind::Limit { per: None, .. }
    ));
    let ClauseKind::Limit { count, per } = clause("limit 10 per 1s") else {
        panic!("not a limit clause");
    };
    assert_eq!(count.kind, ValueKind::Integer(10));
    assert_eq!(per.unwrap().kind, ValueKind::Duration(1_000_000_000));
    assert!(matches!(clause("stack"), ClauseKind::Stack(None)));
    assert!(matches!(clause("stack 8"), ClauseKind::Stack(Some(_))));
}

#[test]
fn literals() {
    use ValueKind::{Bool, Duration, Integer, Percent, Size, String};
    let cases: &[(&str, ValueKind)] = &[
        ("0", Integer(0)),
        ("1_000_000", Integer(1_000_000)),
        ("0x2A", Integer(42)),
        ("0xffff_ffff_ffff_ffff", Integer(u64::MAX)),
        ("0b101", Integer(5)),
        ("0o17", Integer(15)),
        ("18446744073709551615", Integer(u64::MAX)),
        ("1ns", Duration(1)),
        ("2us", Duration(2_000)),
        ("2µs", Duration(2_000)),
        ("2μs", Duration(2_000)),
        ("250ms", Duration(250_000_000)),
        ("1.5s", Duration(1_500_000_000)),
        ("1m30s", Duration(90_000_000_000)),
        ("1h0.5m", Duration(3_630_000_000_000)),
        ("0.000000001s", Duration(1)),
        ("7B", Size(7)),
        ("4KiB", Size(4_096)),
        ("4kB", Size(4_000)),
        ("1.5MiB", Size(1_572_864)),
        ("2GB", Size(2_000_000_000)),
        ("1GiB", Size(1 << 30)),
        ("3TiB", Size(3 << 40)),
        ("5%", Percent(50)),
        ("2.5%", Percent(25)),
        ("1_000%", Percent(10_000)),
        ("0.10%", Percent(1)),
        ("on", Bool(true)),
        ("off", Bool(false)),
        ("true", Bool(true)),
        ("false", Bool(false)),
        (r#""""#, String(std::string::String::new())),
        (
            r#""\"\\\n\r\t\x41\u00e9\U0001F600 # ; >""#,
            String("\"\\\n\r\tAé😀 # ; >".to_owned()),
        ),
        ("$name", ValueKind::Param("name".to_owned())),
    ];
    for (text, kind) in cases {
        assert_eq!(values(text), std::slice::from_ref(kind), "{text}");
        assert_eq!(
            values(&format!("1,{text} , 2")),
            [Integer(1), kind.clone(), Integer(2)],
            "{text}"
        );
    }
}

#[test]
fn every_other_clause_is_left_to_the_compiler() {
    let lists: &[(&str, &[(&str, &str)])] = &[
        ("args; ret", &[("args", "args"), ("ret", "ret")]),
        (
            "where limit > 100 && sql =~ \"SELECT*; >\"; args sql, limit",
            &[
                ("where", "where limit > 100 && sql =~ \"SELECT*; >\""),
                ("args", "args sql, limit"),
            ],
        ),
        (
            "where (a > b) || x[i >= 2] != nil; stack 8",
            &[
                ("where", "where (a > b) || x[i >= 2] != nil"),
                ("stack", "stack 8"),
            ],
        ),
        (
            "latency: hist(dur) by ret.ok; count",
            &[("hist", "latency: hist(dur) by ret.ok"), ("count", "count")],
        ),
        (
            "follow go; blocked; until n > 3; output perfetto \"x.pftrace\"",
            &[
                ("follow", "follow go"),
                ("blocked", "blocked"),
                ("until", "until n > 3"),
                ("output", "output perfetto \"x.pftrace\""),
            ],
        ),
        (
            "storage!(1, (2, 3)); frobnicate 3 # so\n, 4",
            &[
                ("storage", "storage!(1, (2, 3))"),
                ("frobnicate", "frobnicate 3 # so\n, 4"),
            ],
        ),
        (
            "where a ==\n  limit > 3 &&\n  depth\n; min 1ms",
            &[
                ("where", "where a ==\n  limit > 3 &&\n  depth"),
                ("min", "min 1ms"),
            ],
        ),
    ];
    for (list, expected) in lists {
        for source in [
            format!("trace main.f < {list} >"),
            format!("trace main.f {{ {list}; }}\ntrace main.g"),
            format!("trace main.f<{list}> trace main.g"),
        ] {
            let items = program(&source).items;
            let Item::Trace(trace) = &items[0] else {
                panic!("{items:?}");
            };
            let found: Vec<(&str, &str)> = trace
                .clauses
                .iter()
                .map(|c| (c.keyword.node.as_str(), &source[c.span.clone()]))
                .collect();
            assert_eq!(&found, expected, "{source}");
            for (clause, (keyword, _)) in trace.clauses.iter().zip(*expected) {
                assert_eq!(&source[clause.keyword.span.clone()], *keyword);
            }
        }
    }
}

#[test]
fn clause_spans_end_with_their_last_word() {
    let source = "trace main.f < include main.g , net/http*  ; depth 3 # x\n >";
    let spans: Vec<&str> = trace(source)
        .clauses
        .iter()
        .map(|c| &source[c.span.clone()])
        .collect();
    assert_eq!(spans, ["include main.g , net/http*", "depth 3"]);
}

#[test]
fn comments_and_white_space_stand_anywhere_between_words() {
    let found = trace(
        "\u{FEFF}# first\r\ntrace # a \"\n main.f # b <\n , main.g { # c }\n include # d\n main.h # e\n ; # f\n } # g",
    );
    assert_eq!(found.patterns.len(), 2);
    assert_eq!(found.clauses.len(), 1);
    assert_eq!(program("").items, []);
    assert_eq!(program(" \n# nothing").items, []);
    assert_eq!(program(";;").items, []);
}

#[test]
fn items_need_no_separator() {
    let items = program(
        "target ./server trace main.f trace main.g<min 1ms>set @x = main.*\ntrace\nmain.h; trace @x",
    )
    .items;
    assert_eq!(items.len(), 6);
}

#[test]
fn the_examples_of_the_language_are_in_order() {
    for source in [
        "trace main.handleBar",
        "trace main.(*DB).query < args; ret >",
        "trace net/http.(*conn).serve < depth 3; exclude runtime.*, sync.*; max 5s >",
        "trace main.(*DB).query < where limit > 100 && sql =~ \"SELECT*\"; args sql, limit >",
        "trace main.(*DB).query < where ret.err != nil; ret err; stack 8 >",
        "trace main.handleBar < include main.*, database/sql/...; where r.Method == \"POST\" && r.URL.Path has \"/api/\"; print \"{r.Method} {r.URL.Path} {dur}\" >",
        "trace main.(*Cache[...]).Get < latency: hist(dur) by ret.ok >",
        "trace encoding/json.Marshal < count by caller; for 30s >",
        "trace main.handle < include @main; blocked; follow go; prune 1ms >",
        "trace main.* < sample 1/100; limit 1000 per 1s; output perfetto \"out.pftrace\" >",
    ] {
        assert!(!trace(source).patterns.is_empty());
    }
}
