//! What `explain` tells of a plan.

use compiler::{Options, Prices, compile, explain, shape::Shape};

use super::{plan, source, support};

#[test]
fn explain_tells_what_was_asked_for() {
    let Some(executable) = support::executable() else {
        return;
    };
    let program = "trace main.handle* < include main.*, runtime.*; min 1ms; max 1s; prune 1us; depth 3; sample 1/10; limit 5 per 1s; \
         for 9s; stack 4; pid 1; comm \"x\"; goroutine 7 >";
    let (mut plan, _) = plan(program, executable);
    let source = source(program);
    plan.executable = "./server".into();
    let short = explain(&plan, executable, &source, &Prices::ESTIMATES, false);
    for part in [
        "executable  ./server",
        "2 targets",
        "min 1ms",
        "max 1s",
        "prune 1µs",
        "depth 3",
        "sample 1/10",
        "limit 5 per 1s",
        "for 9s",
        "stack 4",
        "pid 1",
        "comm \"x\"",
        "goroutine 7",
        "cost of a call, estimated",
        "main.handleBar, with its graph",
        "outside any graph; the most expensive:",
        "also inlined, at 1 place",
        "runtime internals cannot be probed safely",
        "… and ",
        plan.goid_evidence.as_str(),
    ] {
        assert!(short.contains(part), "{part} is missing:\n{short}");
    }
    let long = explain(&plan, executable, &source, &Prices::ESTIMATES, true);
    assert!(
        long.contains("main.handleBar+") && long.contains("return") && !long.contains("… and ")
    );
    assert!(long.lines().count() > short.lines().count());
}

#[test]
fn explain_tells_what_is_captured() {
    let (Some(executable), Some(without)) = (support::typed(), support::typed_without_dwarf())
    else {
        return;
    };
    let program = "trace main.query < args; ret ret[1] as err, reg.bx >";
    let (plan, _) = plan(program, executable);
    let explained = explain(
        &plan,
        executable,
        &source(program),
        &Prices::ESTIMATES,
        true,
    );
    insta::assert_snapshot!(about_code(&explained), @"
    args: 35 instructions, 0 bytes of stack
      main.query
        sql: [rax; rbx] to 64
        limit: rcx
        small: rdi
        code: rsi
        ratio: not captured: in X0, a register that probes cannot read
      instructions by place in the program
          16  to find the function, and to answer
          19  args
    ret: 91 instructions, 16 bytes of stack
      main.query
        err: (*u64(ret.rdi + 8) if ret.rdi != 0 else 0), ret.rsi, [ret.rsi; 64] to 64, [*u64(ret.rsi); *u64(ret.rsi + 8)] to 64, [*u64(ret.rsi + 8); *u64(ret.rsi + 16)] to 64
        reg.bx: ret.rbx
      instructions by place in the program
          18  to find the function, and to answer
          71  ret[1]
           2  reg.bx
    ");
    let program = "trace main.query, main.count < lat: hist(dur) by g; n: count by caller >";
    let plan = {
        let source = source(program);
        compile(&source, &[], executable, &Options::default())
            .expect("it compiles")
            .0
    };
    let explained = explain(
        &plan,
        executable,
        &source(program),
        &Prices::ESTIMATES,
        true,
    );
    insta::assert_snapshot!(about_code(&explained), @"
    aggregates: 28 instructions, 0 bytes of stack
      lat of main.query, lat of main.count
        dur
          dur
        g
          goid
      n of main.query, n of main.count
        caller
          (caller - bias)
      instructions by place in the program
          20  to find the function, and to answer
           2  dur
           2  g
           4  caller
    ");
    let patterns = [
        "main.query(sql=(+0(%ax)):c64, s.len=%bx:s64)",
        "main.count(a=(%ax):u64)",
    ];
    let patterns = patterns.map(str::to_owned);
    let source = compiler::classic_program(&[], &patterns, false).expect("a program");
    let (plan, _) = compile(&source, &[], without, &Options::default()).expect("it compiles");
    let explained = explain(&plan, without, &source, &Prices::ESTIMATES, true);
    insta::assert_snapshot!(about_code(&explained), @"
    args: 27 instructions, 0 bytes of stack
      main.query
        sql: [rax; 8] to 8
        s.len: i64(rbx)
      instructions by place in the program
          14  to find the function, and to answer
           9  mem(reg.ax, 8)
           1  reg.ax
           1  8
           2  reg.bx
    ");
    assert_eq!(plan.traces.len(), 2);
    let shown = plan.traces[0].shown.values().next().expect("one function");
    let labels: Vec<&str> = shown
        .arguments
        .iter()
        .map(|value| value.label.as_str())
        .collect();
    assert_eq!(labels, ["sql", "s.len"]);
    assert!(matches!(shown.arguments[0].shape, Shape::Characters(run) if run.most == 8));
}

#[test]
fn explain_tells_what_conditions_became() {
    let Some(executable) = support::typed() else {
        return;
    };
    let program =
        "trace main.query, main.count < where len(sql) > 100 && small == -1 && dur > 5ms; >";
    let (plan, _) = plan(program, executable);
    let source = source(program);
    let explained = |verbose| explain(&plan, executable, &source, &Prices::ESTIMATES, verbose);
    insta::assert_snapshot!(about_code(&explained(false)), @"
    where, at entry: 14 instructions, 0 bytes of stack
    where, at return: 10 instructions, 0 bytes of stack
    ");
    insta::assert_snapshot!(about_code(&explained(true)), @"
    where, at entry: 14 instructions, 0 bytes of stack
      main.query
        len(sql) > 100 && small == -1
          rbx > 100 && i8(rdi) == -1
      instructions by place in the program
           8  to find the function, and to answer
           1  len(sql)
           1  len(sql) > 100
           3  small
           1  small == -1
    where, at return: 10 instructions, 0 bytes of stack
      main.query
        dur > 5ms
          dur > 5000000
      instructions by place in the program
           8  to find the function, and to answer
           1  dur
           1  dur > 5ms
    ");
    let json = compiler::explain_json(&plan, &Prices::ESTIMATES).expect("plain data");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let code = &json["traces"][0]["code"]["where_entry"];
    assert_eq!(
        code["arms"][0]["parts"][0]["text"],
        "rbx > 100 && i8(rdi) == -1"
    );
    let length = code["code"].as_str().map(str::len);
    assert_eq!(
        length,
        code["instructions"].as_u64().map(|n| 16 * n as usize)
    );
    let of_spans = code["by_span"].as_array().expect("a list").iter();
    let sum: u64 = of_spans
        .filter_map(|part| part["instructions"].as_u64())
        .sum();
    assert_eq!(Some(sum), code["instructions"].as_u64());
}

/// The lines of an explanation from the first generated function to the sites.
fn about_code(text: &str) -> String {
    let starts = ["  where", "  args", "  ret", "  aggregates"];
    let lines = text.lines();
    let lines = lines
        .skip_while(|line| !starts.iter().any(|start| line.starts_with(start)))
        .take_while(|line| !line.contains(" sites: "));
    lines.collect::<Vec<_>>().join("\n")
}
