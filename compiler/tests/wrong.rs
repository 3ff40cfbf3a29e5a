//! Wrong programs, and everything that is said of them.

use compiler::{Source, check, diagnostics::report};

/// What `check` prints on stderr.
fn stderr(program: &str, defines: &[(&str, &str)]) -> String {
    let source = Source::new("<command line>", program);
    let defines: Vec<(String, String)> = defines
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    report(&source, &check(&source, &defines, None).diagnostics, false)
}

macro_rules! wrong {
    ($($name:ident: $program:expr $(, [$($define:expr),*])?;)*) => {
        $(
            #[test]
            fn $name() {
                let program: &str = &$program;
                let defines: &[(&str, &str)] = &[$($($define),*)?];
                let shown = if defines.is_empty() {
                    program.to_owned()
                } else {
                    format!("{program}  with -D {defines:?}")
                };
                insta::with_settings!({ omit_expression => true, description => shown }, {
                    insta::assert_snapshot!(stringify!($name), stderr(program, defines));
                });
            }
        )*
    };
}

wrong! {
    nothing_at_all: "";
    only_a_set: "set @storage = database/sql/...";
    clause_twice: "trace main.f < min 1ms; include main.*; min 2ms; include net/* >";
    min_above_max: "trace main.f < min 5s; max 100ms >";
    min_without_a_unit: "trace main.f < min 5 >";
    times_of_the_wrong_type: "trace main.f < min \"5ms\"; max true; prune 4KiB; for 10 >";
    no_time_at_all: "trace main.f < max 0ms; for 0s >";
    numbers_of_the_wrong_type: "trace main.f < depth 3ms; stack \"8\"; pid \"server\"; goroutine true >";
    sample_two_of_three: "trace main.f < sample 2/3 >";
    sample_one_of_none: "trace main.f < sample 1/0 >";
    limit_zero: "trace main.f < limit 0 per 0s >";
    stack_too_deep: "trace main.f < stack 65; depth 70000 >";
    no_such_process: "trace main.f < pid 0, 5000000 >";
    no_such_goroutine: "trace main.f < goroutine 0 >";
    thread_name_too_long: "trace main.f < comm \"a-very-long-thread-name\", \"\" >";
    too_many_processes: format!(
        "trace main.f < pid {} >",
        (1..=17).map(|pid| pid.to_string()).collect::<Vec<_>>().join(", ")
    );
    unknown_parameter: "param slow = 100ms\ntrace main.f < min $slwo; max $other >";
    parameter_without_a_value: "param slow: duration\ntrace main.f < min $slow >";
    parameter_of_the_wrong_type: "param many: int = 5\ntrace main.f < min $many >";
    default_of_another_type: "param slow: duration = 5\ntrace main.f < min $slow >";
    unknown_type: "param slow: durtion = 5ms\ntrace main.f < min $slow >";
    parameter_declared_twice: "param a = 1\nparam a = 2\ntrace main.f < depth $a >";
    define_of_another_type: "param slow: duration = 5ms\ntrace main.f < min $slow >", [("slow", "soon")];
    define_without_a_unit: "param slow = 5ms\ntrace main.f < min $slow >", [("slow", "7")];
    define_for_nothing: "param slow = 5ms\ntrace main.f < min $slow >", [("slwo", "7ms"), ("x", "1")];
    unknown_set: "set @storage = database/sql/...\ntrace main.f < include @storag, @mian, @elsewhere >";
    sets_in_a_circle: "set @a = main.*, @b\nset @b = @c\nset @c = net/*, @a\ntrace main.f < include @a >";
    set_of_itself: "set @a = @a\ntrace @a";
    set_declared_twice: "set @a = main.*\nset @a = net/*\ntrace main.f < include @a >";
    built_in_set_redefined: "set @main = main.*\ntrace @main";
    labels_used_twice: "trace slow: main.f < min 1s >\ntrace slow: main.g < min 2s >";
    target_twice: "target ./server\ntarget ./client\ntrace main.f";
    unknown_clauses: "trace main.f < inclde main.*; ignore net/*; frobnicate 5; goid 5 >";
    aggregations_there_are_not: "trace main.f < p99(dur); mean(dur); max(dur) >";
    clauses_of_a_later_version: "trace main.f < where limit > 100; args; ret err; blocked; hist(dur) by fn >";
    misplaced_dots: "trace net/.../http, \"...\", net... ";
    unbalanced_brackets: "trace \"main.Map[int\"";
    empty_pattern: "trace \"\"";
    argument_list: "trace \"main.(*T).F(s.name=(*+0(%ax)):c64, n=(+8(%ax)):s64)\"";
    too_many_traces: "trace main.f\n".repeat(66);
    prune_drops_everything: "trace main.f < include main.*; max 1ms; prune 5ms >";
    include_at_depth_zero: "trace main.f < include main.*; depth 0 >";
    never_used: "param slow = 5ms\nset @storage = database/sql/...\ntrace main.f";
    syntax_and_meaning: "trace main.f < min 5; depth \"x\" include @nowhere >\ntrac main.g";
    several_lines: "# Slow calls.\ntarget ./server\n\ntrace main.handleBar {\n    include net/http*,\n            @storage\n    min 5\n    sample 2/3\n}\n";
    unknown_settings: "config { budgte = 5%; frobnicate = $n; min = 5ms }\nparam n = 3\ntrace main.f";
    settings_of_the_wrong_type: "config { budget = 5; compensate = 1 }\ntrace main.f";
    budget_of_a_time: "param b = 5ms\nconfig { budget = $b }\ntrace main.f";
    budget_switched_on: "config { budget = on }\ntrace main.f";
    budget_of_nothing: "config { budget = 0.0% }\ntrace main.f";
    setting_given_twice: "config { budget = 5%; budget = 6% }\nconfig { compensate = on }\ntrace main.f\nconfig < compensate = on >";
    setting_of_an_unknown_parameter: "param share: percent = 5%\nconfig { budget = $shar }\ntrace main.f";
    parameter_without_a_percent_sign: "param share = 5%\nconfig { budget = $share }\ntrace main.f", [("share", "7")];
    setting_among_clauses: "trace main.f < budget = 5%; compensate on >";
    percentage_as_a_clause: "trace main.f < min 5%; depth on >";
    only_a_config: "config { budget = 5% }";
    config_with_mistakes: "config { budget = five; compensate = }\ntrace main.f < min 5 >";
    hostile_text: "trace \"main.\\x1b[31m\" < comm 5 > # \u{1b}[31m";
}

#[test]
fn right_programs_are_met_with_silence() {
    for program in [
        "trace main.handleBar",
        "trace main.handleBar < include net/http*; min 100ms >",
        "trace net/http.(*conn).serve < depth 3; exclude runtime.*, sync.*; max 5s >",
        "trace main.* < sample 1/100; limit 1000 per 1s >",
        "trace main.f < depth 0; stack; pid 1, 2; comm \"server\"; goroutine 1, 18; for 10s; prune 1ms >",
        "config { budget = 5%; compensate = on } trace main.f",
        "config < budget = off > trace main.f config { compensate = false }",
        "param b: percent = 2.5% param c = on config { budget = $b; compensate = $c } trace main.f",
        "param slow: duration = 100ms set @s = database/sql/..., @main target ./server trace slow: @s { min $slow; include :server.go, @std }",
    ] {
        assert_eq!(stderr(program, &[]), "", "{program}");
    }
    assert_eq!(
        stderr("param n: int trace main.f < depth $n >", &[("n", "0x10")]),
        ""
    );
    assert_eq!(
        stderr("param s trace main.f < comm $s >", &[("s", "my server")]),
        ""
    );
    assert_eq!(
        stderr(
            "param b = 5% param c: bool config { budget = $b; compensate = $c } trace main.f",
            &[("b", "12.5%"), ("c", "off")]
        ),
        ""
    );
    assert_eq!(
        stderr("param s: string trace main.f < comm $s >", &[("s", "17")]),
        ""
    );
}

#[test]
fn the_target_is_told_even_of_a_wrong_program() {
    let source = Source::new("x.gfg", "target ./server\ntrace main.f < min 5 >");
    let checked = check(&source, &[], None);
    assert_eq!(checked.target.as_deref(), Some("./server"));
    assert!(checked.program.is_none());
}

#[test]
fn json_has_places_for_people_and_for_programs() {
    let source = Source::new("x.gfg", "# Größe\ntrace main.f < min 5 >");
    let json = compiler::report_json(&source, &check(&source, &[], None).diagnostics);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["severity"], "error");
    assert_eq!(value["code"], "E0303");
    assert_eq!(value["file"], "x.gfg");
    assert_eq!(
        (value["line"].as_u64(), value["column"].as_u64()),
        (Some(2), Some(20))
    );
    assert_eq!(value["labels"][0]["span"]["start"], 29);
    assert_eq!(value["help"][0], "give a unit: 5ms (units: ns us ms s m h)");
}

#[test]
fn colour_is_only_added() {
    let source = Source::new("x.gfg", "trace main.f < min 5 >");
    let diagnostics = check(&source, &[], None).diagnostics;
    let colored = report(&source, &diagnostics, true);
    let plain = report(&source, &diagnostics, false);
    assert!(colored.contains("\u{1b}["));
    assert!(!plain.contains('\u{1b}'));
    assert!(colored.len() > plain.len());
}
