//! Where the functions of a real executable are watched.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use compiler::{Options, Placement, Plan, Prices, Source, compile, plan::TracePlan};
use ebpf_templates::{Cookie, SiteKind};

#[test]
fn exit_edges_take_the_place_of_returns() {
    let Some(executable) = support::executable() else {
        return;
    };
    let source = Source::new("<command line>", "trace * < exclude runtime.* >");
    let exits = |placement| {
        let options = Options {
            placement,
            ..Options::default()
        };
        let (plan, _) = compile(&source, &[], executable, &options).expect("it compiles");
        let trace = &plan.traces[0];
        let exits = trace.sites.iter().filter(|site| {
            Cookie::unpack(site.cookie).is_some_and(|cookie| cookie.kind == SiteKind::Return)
        });
        let (emulated, stepped): (Vec<bool>, Vec<bool>) = exits
            .map(|site| site.emulated)
            .partition(|emulated| *emulated);
        (emulated.len(), stepped.len())
    };
    let (emulated, rets) = exits(Placement::Returns);
    assert_eq!(emulated, 0, "a `ret` is single-stepped");
    let at = |stepped_ns| {
        exits(Placement::Cheapest(Prices {
            stepped_ns,
            carried_out_ns: stepped_ns,
            ..Prices::ESTIMATES
        }))
    };
    let (some, fewer) = at(1_500);
    let (many, fewest) = at(20_000);
    assert!(some > 0 && fewer < rets, "{some} {fewer} {rets}");
    assert!(many > some && fewest < fewer, "{many} {fewest}");
}

/// The plan of the functions of `go/placement.go`, and a way to their ids.
fn placed(text: &str, placement: Placement) -> Option<(Plan, impl Fn(&str) -> u32)> {
    let options = Options {
        placement,
        ..Options::default()
    };
    let executable = support::executable()?;
    let (plan, _) = compile(
        &Source::new("<command line>", text),
        &[],
        executable,
        &options,
    )
    .expect("it compiles");
    let ids: BTreeMap<String, u32> = (0..)
        .zip(&plan.functions)
        .map(|(id, function)| (function.name.clone(), id))
        .collect();
    let id = move |name: &str| ids[&format!("main.placed{name}")];
    Some((plan, id))
}

fn kinds(trace: &TracePlan, function: u32) -> BTreeSet<String> {
    let cookies = trace.sites.iter().filter_map(|s| Cookie::unpack(s.cookie));
    let own = cookies.filter(|cookie| cookie.function == function);
    own.map(|cookie| format!("{:?}", cookie.kind)).collect()
}

#[test]
fn a_last_call_stands_for_its_callers_return() {
    let (Some(executable), Some((plan, id))) = (
        support::executable(),
        placed(
            "trace main.main < include main.placed* >",
            Placement::default(),
        ),
    ) else {
        return;
    };
    let trace = &plan.traces[0];
    let calls: BTreeSet<(u32, u32)> = trace
        .last_calls
        .iter()
        .map(|last| (last.caller, last.callee))
        .collect();
    let (callee, caller, top, circle) = (id("Callee"), id("Caller"), id("Top"), id("Circle"));
    // Where the compiler puts a `nop` before the `ret`, that is better still.
    let possible = BTreeSet::from([(caller, callee), (top, caller), (circle, top)]);
    assert!(
        calls.contains(&(caller, callee)) && calls.is_subset(&possible),
        "{calls:?}"
    );
    for last in &trace.last_calls {
        let callee = &plan.functions[last.callee as usize];
        let caller = &plan.functions[last.caller as usize];
        let back = callee.entry_site.wrapping_add_signed(last.distance);
        let call = executable.bytes(back - 5, 5).expect("a call");
        let to = i32::from_le_bytes(call[1..].try_into().expect("four bytes"));
        assert_eq!(
            (call[0], back.wrapping_add_signed(to.into())),
            (0xe8, callee.address)
        );
        let ret = caller.address + u64::from(last.offset);
        assert_eq!(executable.bytes(ret, 1), Some(&[0xc3][..]));
        assert!(trace.sites.iter().all(|site| site.address != ret));
        let depth = executable
            .function_at(back)
            .and_then(|f| f.stack_depth(back));
        assert_eq!(Some(last.released), depth.map(|depth| depth as u32 + 8));
    }
    let enters = |id| {
        kinds(trace, id)
            .iter()
            .find(|k| k.starts_with("Enter"))
            .cloned()
    };
    assert_eq!(enters(callee).as_deref(), Some("EnterLastCall"));
    assert_eq!(enters(circle).as_deref(), Some("Enter"));
}

#[test]
fn no_last_calls_where_frames_may_be_missing() {
    let calls = |text: &str, placement| {
        let (plan, id) = placed(text, placement)?;
        let calls = plan.traces[0].last_calls.iter();
        let own = calls.filter(|last| last.caller == id("Caller"));
        Some(own.count())
    };
    let all = |options: &str| format!("trace main.main < include main.placed*; {options} >");
    let Some(one) = calls(&all("min 1ms"), Placement::default()) else {
        return;
    };
    assert_eq!(one, 1);
    assert_eq!(calls(&all("depth 9"), Placement::default()), Some(0));
    assert_eq!(calls(&all("min 1ms"), Placement::Returns), Some(0));
    // What it calls is not probed.
    let without = all("exclude main.placedCallee");
    assert_eq!(calls(&without, Placement::default()), Some(0));
    // A target's return ends a graph.
    let target = "trace main.placedCaller < include main.placed* >";
    assert_eq!(calls(target, Placement::default()), Some(0));
}

#[test]
fn entries_move_to_cheaper_places() {
    let text = "trace main.main < include main.placed* >";
    let Some((plan, id)) = placed(text, Placement::default()) else {
        return;
    };
    let expect = |name: &str, kind: &str, stepped: bool| {
        let function = &plan.functions[id(name) as usize];
        let sites = &plan.traces[0].sites;
        let site = sites
            .iter()
            .find(|site| site.address == function.entry_site);
        assert_eq!(site.map(|site| !site.emulated), Some(stepped), "{name}");
        assert!(function.entry_moved && function.entry_site > function.address);
        assert!(kinds(&plan.traces[0], id(name)).contains(kind), "{name}");
    };
    expect("OneWay", "EnterReturnIf", false);
    expect("Either", "EnterReturn", false);
    expect("Straight", "EnterReturn", true);
    let (plan, id) = placed(text, Placement::Returns).expect("it compiles");
    for name in ["OneWay", "Either", "Straight"] {
        let function = &plan.functions[id(name) as usize];
        assert!(!function.entry_moved && function.entry_site == function.address);
        let expected = BTreeSet::from(["Enter".to_owned(), "Return".to_owned()]);
        assert_eq!(kinds(&plan.traces[0], id(name)), expected, "{name}");
    }
}

#[test]
fn without_a_function_no_last_call_is_new() {
    let text = "trace main.main < include main.* >";
    let (Some(executable), Some((whole, id))) =
        (support::executable(), placed(text, Placement::default()))
    else {
        return;
    };
    for dropped in 0..whole.functions.len() as u32 - 2 {
        let options = Options {
            without: vec![(0, dropped)],
            ..Options::default()
        };
        let source = Source::new("<command line>", text);
        let (plan, _) = compile(&source, &[], executable, &options).expect("it compiles");
        let (before, after) = (&whole.traces[0], &plan.traces[0]);
        assert!(after.last_calls.iter().all(|last| {
            before.last_calls.contains(last) && last.caller != dropped && last.callee != dropped
        }));
        // Whoever ended with the function that is gone is seen to return by itself.
        for last in before.last_calls.iter().filter(|l| l.callee == dropped) {
            let caller = &plan.functions[last.caller as usize];
            let ret = caller.address + u64::from(last.offset);
            assert!(
                after.sites.iter().any(|site| site.address == ret),
                "{}",
                caller.name
            );
        }
    }
    assert!(
        whole.traces[0]
            .last_calls
            .iter()
            .any(|last| last.callee == id("Callee"))
    );
}
