//! Programs against a real executable: what the plan holds, and what is said of patterns that it cannot hold.

#[path = "plan/explained.rs"]
mod explained;
mod support;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use compiler::{
    Diagnostic, Options, Plan, Severity, Source, check, compile, diagnostics::report,
    plan::TracePlan, shape::Shape,
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
