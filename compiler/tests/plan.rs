//! Programs against a real executable: what the plan holds, and what is said of patterns that it cannot hold.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use compiler::{
    Diagnostic, Options, Plan, Prices, Severity, Source, check, compile, diagnostics::report,
    explain, plan::TracePlan, shape::Shape,
};
use ebpf_templates::{Cookie, SiteKind};
use gobinary::Executable;

fn source(text: &str) -> Source {
    Source::new("<command line>", text)
}

fn plan(text: &str, executable: &Executable) -> (Plan, Vec<Diagnostic>) {
    let source = source(text);
    compile(&source, &[], executable, &Options::default())
        .unwrap_or_else(|diagnostics| panic!("{}", report(&source, &diagnostics, false)))
}

fn refused(text: &str, executable: &Executable) -> String {
    let source = source(text);
    let diagnostics = compile(&source, &[], executable, &Options::default()).expect_err(text);
    assert_eq!(
        check(&source, &[], Some(executable)).diagnostics,
        diagnostics
    );
    report(&source, &diagnostics, false)
}

/// What is known of a plan whatever Go compiled the executable: functions, and the kinds of their sites.
fn outline(plan: &Plan) -> String {
    let mut out = String::new();
    for trace in &plan.traces {
        let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for site in &trace.sites {
            let cookie = Cookie::unpack(site.cookie).expect("a cookie");
            let function = &plan.functions[cookie.function as usize];
            let all = kinds.entry(&function.name).or_default();
            all.extend(match cookie.kind {
                SiteKind::Enter | SiteKind::EnterLastCall => ["enter"].as_slice(),
                SiteKind::Return => &["return"],
                SiteKind::TailOut => &["jump out"],
                SiteKind::TailInto => &["jump into"],
                SiteKind::EnterReturn | SiteKind::EnterReturnIf => &["enter", "return"],
                SiteKind::Unwound => &["unwound"],
                SiteKind::Exit => &["exit"],
                SiteKind::EnterTailInto => &["enter", "jump into"],
            });
        }
        out += &format!("trace {}\n", trace.label);
        for (name, kinds) in kinds {
            let is = |ids: &[u32]| {
                ids.iter()
                    .any(|id| plan.functions[*id as usize].name == name)
            };
            let role = match (is(&trace.targets), is(&trace.included)) {
                (true, true) => "target",
                (false, true) => "included",
                (false, false) => "hidden",
                (true, false) => "target that is not included",
            };
            let kinds: Vec<&str> = kinds.into_iter().collect();
            let plain = match (name.find('['), name.rfind(']')) {
                (Some(start), Some(end)) => format!("{}[…]{}", &name[..start], &name[end + 1..]),
                _ => name.to_owned(),
            };
            out += &format!("  {role} {plain}: {}\n", kinds.join(", "));
        }
    }
    for skipped in &plan.skipped {
        out += &format!("skipped {}: {}\n", skipped.name, skipped.reason);
    }
    out
}

#[test]
fn functions_sites_and_filters() {
    let Some(executable) = support::executable() else {
        return;
    };
    let (plan, diagnostics) = plan(
        "trace slow: main.handleBar < include main.handleFoo, main.nothing, main.*cache*; exclude main.main; min 1ms; depth 2 >
         trace main.forever, main.double < limit 3 per 1s; for 10s >",
        executable,
    );
    assert!(
        diagnostics
            .iter()
            .all(|diagnostic| diagnostic.severity != Severity::Error)
    );
    insta::assert_snapshot!(outline(&plan));
    let filter = &plan.traces[0].filter;
    assert_eq!(
        (filter.min.map(|min| min.as_millis()), filter.depth),
        (Some(1), Some(2))
    );
    assert_eq!(
        plan.traces[1].filter.limit_per.map(|per| per.as_secs()),
        Some(1)
    );
    assert_eq!(
        plan.traces[1].duration.map(|duration| duration.as_secs()),
        Some(10)
    );
    assert!(plan.goid_offset > 0 && !plan.goid_evidence.is_empty());
}

#[test]
fn a_jump_leads_into_what_the_same_trace_probes() {
    let Some(executable) = support::executable() else {
        return;
    };
    let (plan, _) = plan(
        "trace main.leave < include main.landing > trace out: main.leave \
         trace first: main.jump, main.landing trace alone: main.jump",
        executable,
    );
    insta::assert_snapshot!(outline(&plan));
}

#[test]
fn every_site_is_what_the_plan_says() {
    let Some(executable) = support::executable() else {
        return;
    };
    let (plan, _) = plan(
        "trace all: * < exclude runtime.* > trace main.*, strings.* < include @std >",
        executable,
    );
    for trace in &plan.traces {
        assert!(
            trace
                .sites
                .windows(2)
                .all(|pair| pair[0].address < pair[1].address)
        );
        assert!(trace.targets.iter().all(|id| trace.included.contains(id)));
        let included: HashSet<u32> = trace.included.iter().copied().collect();
        for site in &trace.sites {
            let cookie = Cookie::unpack(site.cookie).expect("a cookie");
            let id = cookie.function;
            let function = &plan.functions[id as usize];
            assert_eq!(cookie.stepped, !site.emulated);
            let way_out = function.address + u64::from(cookie.offset);
            if way_out != site.address {
                // An exit edge stands for its `ret`.
                let leaves = [
                    SiteKind::Return,
                    SiteKind::EnterReturn,
                    SiteKind::EnterReturnIf,
                ];
                assert!(leaves.contains(&cookie.kind), "{}", function.name);
                let enters = cookie.kind == SiteKind::EnterReturn;
                assert!(site.emulated || enters, "{}", function.name);
                assert_eq!(executable.bytes(way_out, 1), Some(&[0xc3][..]));
            }
            assert_eq!(executable.file_offset(site.address), Some(site.file_offset));
            let len = usize::from(site.len);
            assert_eq!(
                executable.bytes(site.address, len),
                Some(&site.bytes[..len])
            );
            let runtime = matches!(cookie.kind, SiteKind::Unwound | SiteKind::Exit);
            assert_eq!(runtime, !included.contains(&id), "{}", function.name);
            assert_eq!(
                runtime,
                function.name.starts_with("runtime."),
                "{}",
                function.name
            );
        }
        let entered: HashSet<u64> = trace.sites.iter().map(|site| site.address).collect();
        for id in &trace.included {
            assert!(entered.contains(&plan.functions[*id as usize].entry_site));
        }
    }
    let total = executable
        .functions()
        .filter(|function| function.name.starts_with("main."))
        .count();
    assert!(plan.traces[1].targets.len() <= total + 100 && total > 5);
    assert!(
        plan.skipped
            .iter()
            .any(|skipped| skipped.name == "internal/bytealg.IndexByteString"
                || skipped.name.starts_with("internal/"))
    );
}

#[test]
fn built_in_sets_and_files() {
    let Some(executable) = support::executable() else {
        return;
    };
    let names = |text: &str| {
        let (plan, _) = plan(text, executable);
        let targets = plan.traces[0]
            .targets
            .iter()
            .map(|id| plan.functions[*id as usize].name.clone());
        targets.collect::<BTreeSet<String>>()
    };
    let main = names("trace @main");
    assert!(
        main.contains("main.handleBar") && main.iter().all(|name| name.starts_with("main.")),
        "{main:?}"
    );
    let file = names("trace :plan/main.go, main.main");
    assert!(
        file.contains("main.handleBar") && file.is_subset(&main),
        "{file:?}"
    );
    let set = names(
        "set @mine = :main.go, @theirs set @theirs = strings.ToLower trace @mine < exclude main.main >",
    );
    assert!(
        set.contains("strings.ToLower") && !set.contains("main.main"),
        "{set:?}"
    );
    let std = names("trace @std");
    assert!(std.contains("fmt.Println") || std.contains("fmt.Fprintln"));
    assert!(std.is_disjoint(&main));
    let generic = names("trace main.(*cache).get");
    assert_eq!(generic.len(), 1, "{generic:?}");
    assert_eq!(generic, names("trace main.(*cache[...]).get"));
}

#[test]
fn matched_nothing() {
    let Some(executable) = support::executable() else {
        return;
    };
    for (name, program) in [
        ("name", "trace main.hadleBar"),
        ("package", "trace strngs.*"),
        ("wildcard", "trace main.hadle*"),
        ("file", "trace :mian.go"),
        ("set", "set @s = @vendor trace @s"),
        ("nothing_near", "trace zzz.qqqqqqqq"),
    ] {
        let text = refused(program, executable);
        insta::with_settings!({ filters => vec![(r"\d[\d,]* (functions|source files)", "N $1")] }, {
            insta::assert_snapshot!(format!("matched_nothing_{name}"), text);
        });
    }
}

#[test]
fn mistakes_of_every_kind_in_one_run() {
    let Some(executable) = support::executable() else {
        return;
    };
    let program = "set @s = \"main.Map[\"\ntrace main.hadleBar < min 5; include @s >\ntrac main.main\ntrace runtime.gopark < depth 1ms >";
    insta::with_settings!({ filters => vec![(r"\d[\d,]* functions", "N functions")] }, {
        insta::assert_snapshot!(refused(program, executable));
    });
}

#[test]
fn inlined_away() {
    let Some(executable) = support::executable() else {
        return;
    };
    insta::assert_snapshot!(refused(
        "trace main.tiny, main.ti* < include main.main >",
        executable
    ));
}

#[test]
fn what_a_wildcard_says_of_inlined_functions() {
    let Some(executable) = support::executable() else {
        return;
    };
    let (plan, diagnostics) = plan("trace main.d*, main.handle*", executable);
    insta::assert_snapshot!(report(
        &source("trace main.d*, main.handle*"),
        &diagnostics,
        false
    ));
    let double = plan
        .functions
        .iter()
        .find(|function| function.name == "main.double");
    assert_eq!(double.map(|function| function.inlined_at), Some(1));
}

#[test]
fn what_is_said_of_functions_that_are_named() {
    let Some(executable) = support::executable() else {
        return;
    };
    let program = "trace main.double, main.forever < include main.leave, main.tiny, main.nowhere; exclude main.nothing*, x.y >";
    let (_, diagnostics) = plan(program, executable);
    assert!(
        diagnostics
            .iter()
            .all(|diagnostic| diagnostic.severity != Severity::Error)
    );
    let text = report(&source(program), &diagnostics, false);
    insta::with_settings!({ filters => vec![(r"\d[\d,]* functions", "N functions")] }, {
        insta::assert_snapshot!(text);
    });
}

#[test]
fn what_cannot_be_probed() {
    let Some(executable) = support::executable() else {
        return;
    };
    insta::assert_snapshot!(refused("trace runtime.gopark, runtime.goexit1", executable));
}

#[test]
fn every_target_excluded() {
    let Some(executable) = support::executable() else {
        return;
    };
    insta::assert_snapshot!(refused("trace @main < exclude main.* >", executable));
}

#[test]
fn wildcards_name_what_they_cannot_probe() {
    let Some(executable) = support::executable() else {
        return;
    };
    let (plan, _) = plan("trace main.* < include runtime.* >", executable);
    assert!(plan.skipped.len() > 500);
    assert!(
        plan.skipped
            .iter()
            .all(|skipped| skipped.name.starts_with("runtime.")),
        "{:?}",
        plan.skipped.first()
    );
    assert!(
        plan.skipped
            .iter()
            .any(|skipped| skipped.name == "runtime.deferreturn")
    );
}

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
        "outside any graph; the dearest:",
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

/// The lines of an explanation from the first generated function to the sites.
fn about_code(text: &str) -> String {
    let starts = ["  where", "  args", "  ret", "  aggregates"];
    let lines = text.lines();
    let lines = lines
        .skip_while(|line| !starts.iter().any(|start| line.starts_with(start)))
        .take_while(|line| !line.contains(" sites: "));
    lines.collect::<Vec<_>>().join("\n")
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
fn what_is_the_same_at_every_call_is_shown_as_what_it_is() {
    let Some(executable) = support::typed() else {
        return;
    };
    let program = "param slow = 250ms  trace main.query < args fn, fn as f, 5, $slow; ret fn >";
    let (plan, _) = plan(program, executable);
    let shown = plan.traces[0].shown.values().next().expect("one function");
    let all = shown.arguments.iter().chain(&shown.results);
    let all: Vec<(&str, &Shape)> = all.map(|one| (one.label.as_str(), &one.shape)).collect();
    let [name, five, slow] = ["main.query", "5", "250ms"].map(|text| Shape::Constant(text.into()));
    assert_eq!(
        all,
        [
            ("fn", &name),
            ("f", &name),
            ("5", &five),
            ("$slow", &slow),
            ("fn", &name)
        ]
    );
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

#[test]
fn the_original_command_line() {
    let Some(executable) = support::executable() else {
        return;
    };
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let program = |wildcards: &[&str], targets: &[&str], exclude_vendor| {
        compiler::classic_program(&owned(wildcards), &owned(targets), exclude_vendor)
            .expect("a program")
    };
    let source = program(&["main.h*", "strings*"], &["*handleBar"], false);
    let (plan, _) = compile(&source, &[], executable, &Options::default()).expect("it compiles");
    assert_eq!(plan.traces[0].label, "*handleBar");
    assert_eq!(plan.traces[0].targets.len(), 1);
    assert!(plan.traces[0].included.len() > 2);
    let source = program(&["main.h*"], &[], true);
    let (plan, _) = compile(&source, &[], executable, &Options::default()).expect("it compiles");
    assert_eq!(plan.traces[0].targets, plan.traces[0].included);
}

#[test]
fn dropped_functions_leave_everything_else_as_it_was() {
    let Some(executable) = support::executable() else {
        return;
    };
    let source = Source::new(
        "<command line>",
        "trace main.handleBar < include main.*, net/http* > trace main.handle* < include main.* >",
    );
    let planned = |without: Vec<(u32, u32)>| {
        let options = Options {
            without,
            ..Options::default()
        };
        compile(&source, &[], executable, &options)
            .expect("it compiles")
            .0
    };
    let whole = planned(vec![]);
    let [first, second] = whole.traces.as_slice() else {
        panic!("two traces");
    };
    let dropped = *second
        .included
        .iter()
        .find(|id| first.included.contains(id) && !second.targets.contains(id))
        .expect("a function of both");
    let plan = planned(vec![(1, dropped), (1, second.targets[0])]);
    assert_eq!(plan.functions.len(), whole.functions.len());
    assert!(
        plan.functions
            .iter()
            .zip(&whole.functions)
            .all(|(now, before)| now.name == before.name)
    );
    let functions = |trace: &TracePlan| {
        let ids = trace.sites.iter().filter_map(|s| Cookie::unpack(s.cookie));
        ids.map(|cookie| cookie.function).collect::<BTreeSet<u32>>()
    };
    assert_eq!(functions(&plan.traces[0]), functions(first));
    let mut left = functions(second);
    assert!(left.remove(&dropped) && left.remove(&second.targets[0]));
    assert_eq!(functions(&plan.traces[1]), left);
    assert!(!plan.traces[1].included.contains(&dropped));
    assert_eq!(plan.traces[1].targets, second.targets[1..]);
}
