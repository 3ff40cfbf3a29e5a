//! What aggregations, `print`, `until` and hooks come to in the plan, and what is said where they come to nothing.

mod support;

use std::fmt::Write as _;

use compiler::{Options, Plan, Source, check, compile, diagnostics::report, plan::TracePlan};
use gobinary::Executable;
use insta::assert_snapshot;

fn plan(executable: &Executable, program: &str) -> Plan {
    let source = Source::new("it", program);
    match compile(&source, &[], executable, &Options::default()) {
        Ok((plan, _)) => plan,
        Err(diagnostics) => panic!("{}", report(&source, &diagnostics, false)),
    }
}

fn trace(executable: &Executable, function: &str, clauses: &str) -> TracePlan {
    let mut plan = plan(executable, &format!("trace main.{function} < {clauses} >"));
    plan.traces.remove(0)
}

/// The aggregations of a plan, a line each.
fn shown(trace: &TracePlan) -> String {
    let mut out = String::new();
    for one in &trace.aggregations {
        let _ = write!(out, "{}: {:?}", one.label, one.kind);
        if let Some(value) = &one.value {
            let _ = write!(out, " of {value:?}");
        }
        for key in &one.keys {
            let _ = write!(out, "\n    by {}: {:?}", key.label, key.shape);
        }
        out.push('\n');
    }
    out
}

/// What is said of each of the programs; of all of them something is.
fn said(executable: &Executable, programs: &[&str]) -> String {
    let mut out = String::new();
    for program in programs {
        let source = Source::new("it", *program);
        let diagnostics = check(&source, &[], Some(executable)).diagnostics;
        assert!(!diagnostics.is_empty(), "{program}");
        let report = report(&source, &diagnostics, false);
        let _ = writeln!(out, "{}", report.trim_end());
    }
    out
}

#[test]
fn values_and_keys_have_their_places() {
    let Some(executable) = support::typed() else {
        return;
    };
    let found = trace(
        executable,
        "handle",
        "count; latency: hist(dur) by caller; sum(ret.n) by r.Method as method, ok; \
         lhist(timeout, 0s, 1s, 100ms) by fn, g; stats(len(counts)) by values[0], ptr, ret.e != nil, r.URL.Path; \
         avg(*ptr)",
    );
    assert_snapshot!(shown(&found), @"
    count: Count
    latency: Histogram of Duration(Slot { item: 0, at: 8 })
        by caller: Code(Slot { item: 1, at: 16 })
    sum(ret.n): Sum of Int { slot: Slot { item: 0, at: 8 }, width: 8 }
        by method: String(Run { item: 1, at: 16, most: 32 })
        by ok: Bool(Slot { item: 2, at: 56 })
    lhist(timeout, 0s, 1s, 100ms): Linear { low: 0, high: 1000000000, step: 100000000 } of Duration(Slot { item: 0, at: 8 })
        by fn: Function(Slot { item: 1, at: 16 })
        by g: Int { slot: Slot { item: 2, at: 24 }, width: 8 }
    stats(len(counts)): Stats of Int { slot: Slot { item: 0, at: 8 }, width: 8 }
        by values[0]: Int { slot: Slot { item: 1, at: 16 }, width: 8 }
        by ptr: Uint { slot: Slot { item: 2, at: 24 }, width: 8, hexadecimal: true }
        by ret.e != nil: Bool(Slot { item: 3, at: 32 })
        by r.URL.Path: String(Run { item: 4, at: 40, most: 32 })
    avg(*ptr): Average of Int { slot: Slot { item: 0, at: 8 }, width: 8 }
    ");
    assert!(found.keeps_graphs && found.print.is_none());
    let code = &found.code;
    assert!(code.aggregate.is_some() && code.keep.is_some());
    assert!(code.needs_results.aggregate && code.needs_caller && code.needs_bias);
    assert!(code.until.is_none() && code.arguments.is_none() && code.results.is_none());
}

#[test]
fn strings_share_the_room_that_is_there() {
    let Some(executable) = support::typed() else {
        return;
    };
    let found = trace(
        executable,
        "handle",
        "count by r.Method; count by r.Method, r.URL.Path, r.URL.Scheme; \
         sum(dur) by r.Method, r.URL.Path, r.URL.Scheme, r.Tags[0]",
    );
    assert_snapshot!(shown(&found), @"
    count: Count
        by r.Method: String(Run { item: 0, at: 8, most: 32 })
    count: Count
        by r.Method: String(Run { item: 0, at: 8, most: 32 })
        by r.URL.Path: String(Run { item: 1, at: 48, most: 32 })
        by r.URL.Scheme: String(Run { item: 2, at: 88, most: 32 })
    sum(dur): Sum of Duration(Slot { item: 0, at: 8 })
        by r.Method: String(Run { item: 1, at: 16, most: 16 })
        by r.URL.Path: String(Run { item: 2, at: 40, most: 16 })
        by r.URL.Scheme: String(Run { item: 3, at: 64, most: 16 })
        by r.Tags[0]: String(Run { item: 4, at: 88, most: 16 })
    ");
}

#[test]
fn calls_are_counted_without_types() {
    let Some(executable) = support::typed_without_dwarf() else {
        return;
    };
    let found = trace(
        executable,
        "handle",
        "hist(dur) by caller, fn, g, pid; count by mem(reg.ax, 8) as text",
    );
    assert_snapshot!(shown(&found), @"
    hist(dur): Histogram of Duration(Slot { item: 0, at: 8 })
        by caller: Code(Slot { item: 1, at: 16 })
        by fn: Function(Slot { item: 2, at: 24 })
        by g: Int { slot: Slot { item: 3, at: 32 }, width: 8 }
        by pid: Int { slot: Slot { item: 4, at: 40 }, width: 8 }
    count: Count
        by text: String(Run { item: 0, at: 8, most: 32 })
    ");
    assert!(!found.code.needs_results.aggregate);
}

#[test]
fn lines_are_made_of_what_the_tree_says_and_what_is_captured() {
    let Some(executable) = support::typed() else {
        return;
    };
    let found = trace(
        executable,
        "handle",
        "print \"{fn} {dur}/{self} {g} {r.Method}: {len(counts) + 1} {ret.n > 3} {ret.e} {timeout} {pid} {tid} {caller} {depth} {1 + 1} {dur / 1ms} {{}}\"; count",
    );
    let print = found.print.as_ref().expect("there is a line");
    assert_snapshot!(format!("{:?}", print.pieces), @r#"
    [Function, Text(" "), Duration, Text("/"), SelfTime, Text(" "), Goroutine, Text(" "), Argument(0), Text(": "), Argument(1), Text(" "), Result(0), Text(" "), Result(1), Text(" "), Argument(2), Text(" "), Process, Text(" "), Thread, Text(" "), Caller, Text(" "), Text("0"), Text(" "), Text("2"), Text(" "), Result(2), Text(" {}")]
    "#);
    assert!(!found.keeps_graphs);
    let target = found.targets[0];
    let labels = |values: &[compiler::shape::ShownValue]| -> Vec<String> {
        values.iter().map(|value| value.label.clone()).collect()
    };
    let call = &found.shown[&target];
    assert_eq!(
        labels(&call.arguments),
        ["r.Method", "len(counts) + 1", "timeout"]
    );
    assert_eq!(labels(&call.results), ["ret.n > 3", "ret.e", "dur / 1ms"]);
}

#[test]
fn lines_may_need_both_moments() {
    let Some(executable) = support::typed() else {
        return;
    };
    let found = trace(
        executable,
        "handle",
        "print \"{len(counts) - ret.n} {ret.n > 3 && ok} {r.Tags[ret.n]} {dur > timeout} {ok}\"",
    );
    assert!(found.code.keep.is_some() && found.code.results.is_some());
    let print = found.print.as_ref().expect("there is a line");
    assert_snapshot!(format!("{:?}", print.pieces), @r#"[Result(0), Text(" "), Result(1), Text(" "), Result(2), Text(" "), Result(3), Text(" "), Argument(0)]"#);

    let clauses: Vec<String> = (0..9)
        .map(|n| format!("{{len(counts) + {n} - ret.n}}"))
        .collect();
    let program = format!("trace main.handle < print \"{}\" >", clauses.join(" "));
    let said = said(executable, &[&program]);
    assert!(said.contains("at most 8 values can be kept"), "{said}");
}

#[test]
fn the_trace_ends_where_a_condition_holds_that_may_look_at_both_moments() {
    let Some(executable) = support::typed() else {
        return;
    };
    let found = trace(executable, "handle", "until ret.n > 3 && ok");
    let code = &found.code;
    assert!(code.until.is_some() && code.keep.is_some() && code.needs_results.until);
    assert!(!found.keeps_graphs && code.where_return.is_none());
    let found = trace(executable, "handle", "until dur > 1s");
    assert!(!found.code.needs_results.until && found.code.keep.is_none());
}

#[test]
fn hooks_name_aggregations_of_all_traces() {
    let Some(executable) = support::typed() else {
        return;
    };
    let plan = plan(
        executable,
        "every 5s { show; clear b, a; print \"{time} {elapsed}\" } \
         trace main.query < count; a: hist(dur) > trace main.handle < b: count > end { show b }",
    );
    assert_snapshot!(format!("{:#?}", plan.hooks), @r#"
    [
        Hook {
            moment: Every(
                5s,
            ),
            actions: [
                Show(
                    [
                        AggregationId {
                            trace: 0,
                            aggregation: 0,
                        },
                        AggregationId {
                            trace: 0,
                            aggregation: 1,
                        },
                        AggregationId {
                            trace: 1,
                            aggregation: 0,
                        },
                    ],
                ),
                Clear(
                    [
                        AggregationId {
                            trace: 1,
                            aggregation: 0,
                        },
                        AggregationId {
                            trace: 0,
                            aggregation: 1,
                        },
                    ],
                ),
                Print(
                    [
                        Time,
                        Text(
                            " ",
                        ),
                        Elapsed,
                    ],
                ),
            ],
        },
        Hook {
            moment: End,
            actions: [
                Show(
                    [
                        AggregationId {
                            trace: 1,
                            aggregation: 0,
                        },
                    ],
                ),
            ],
        },
    ]
    "#);
}

#[test]
fn mistakes_in_values_and_keys() {
    let Some(executable) = support::typed() else {
        return;
    };
    assert_snapshot!(said(
        executable,
        &[
            "trace main.query < sum(sql); avg(ratio); hist(3); stats(caller) >",
            "trace main.handle < sum(ok); sum(r); sum(err); hist(r.Tags) >",
            "trace main.query < count by 3, ratio, $x >",
            "trace main.handle < count by counts, err, v, r.URL.Nothing >",
            "trace main.handle < lhist(dur, 0, 10, 1); lhist(dur, 1s, 0s, 1ms); lhist(len(counts), 0, 10, 0) >",
            "trace main.handle < lhist(dur, 0s, 1h, 1ms); lhist(len(counts), 0, ok, 1s); lhist(len(counts), 0, 1s, 1) >",
            "trace main.count, main.query < count by limit >",
            "trace main.query, main.count < sum(dur) by arg.len; count by code >",
            "trace main.query, main.nothing < count; args; ret; stack >",
            "trace main.query < print \"{limit} {ret.err} {limit > len(ret[0])}\"; args >",
            "trace main.query < print \"{limt} {dur > 1}\"; until limit >",
            "trace main.query < count by sql as a, limit, small, code, ratio >",
            "trace main.query < count; count; count; count; count; count; count; count; count >",
            "trace main.handle < count by r.ID, r.Last, *ptr, counts[0]; count by counts[1], values[1], r.Codes[0], r.Codes[1]; count by len(r.Method) >",
        ]
    ));
}

#[test]
fn mistakes_in_hooks() {
    let Some(executable) = support::typed() else {
        return;
    };
    assert_snapshot!(said(
        executable,
        &[
            "trace main.query < latency: hist(dur) > every 5s { show latenzy; clear x, latency } end { print \"{dur} {time}\" }",
            "trace main.query every 5s { show }",
            "trace main.query every 5 { show a }",
            "trace main.query < a: count; a: sum(dur) > trace main.handle < a: count > every 0s { show }",
        ]
    ));
}

#[test]
fn what_is_the_same_for_all_targets_is_one_piece_of_code() {
    let Some(executable) = support::typed() else {
        return;
    };
    let plan = plan(
        executable,
        "trace * < where dur > 1ms; count by fn; hist(dur) by caller >",
    );
    let trace = &plan.traces[0];
    assert!(trace.targets.len() > 100, "{}", trace.targets.len());
    for code in [&trace.code.aggregate, &trace.code.where_return] {
        let code = code.as_ref().expect("code");
        assert!(code.instructions.len() < 200, "{}", code.instructions.len());
    }
}

#[test]
fn durations_are_counted_in_durations() {
    let Some(executable) = support::typed() else {
        return;
    };
    let found = trace(
        executable,
        "handle",
        "sum(timeout / 1ms); sum(timeout % 1ms); sum(timeout / 2); avg(timeout / (2h / 1m)); where 1 < timeout / 1ms && 1h / timeout == 3",
    );
    assert_snapshot!(shown(&found), @"
    sum(timeout / 1ms): Sum of Int { slot: Slot { item: 0, at: 8 }, width: 8 }
    sum(timeout % 1ms): Sum of Duration(Slot { item: 0, at: 8 })
    sum(timeout / 2): Sum of Duration(Slot { item: 0, at: 8 })
    avg(timeout / (2h / 1m)): Average of Duration(Slot { item: 0, at: 8 })
    ");
}
