//! A trace keeps to its budget on the real kernel: what costs too much is dropped whole and named, and what stays is told rightly.

use std::process::Command;

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Traced},
};
use serde_json::Value;

/// Calls of `main.hot` in a step.
const HOT: usize = 2002;
const PROGRAM: &str = "trace main.step < include main.* >";

fn budget(trace: &str, options: &[&str], steps: &str, environment: &[(&str, &str)]) -> Traced {
    let program = go::build(go::newest(), "budget", Mode::Plain);
    let traced = tracer::launch_with(trace, options, &program, &[steps], environment);
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let untraced = Command::new(&program).arg(steps).output().expect("it runs");
    assert_eq!(
        traced.stdout.as_bytes(),
        untraced.stdout,
        "the target is unharmed"
    );
    traced
}

fn graphs(traced: &Traced) -> impl Iterator<Item = &Value> {
    traced.lines.iter().filter(|line| line["type"] == "graph")
}

/// Calls of a function below a call, and how they ended.
fn ends<'v>(call: &'v Value, function: &str, into: &mut Vec<&'v str>) {
    for inner in call["calls"].as_array().into_iter().flatten() {
        if inner["function"] == function {
            into.push(inner["exit"].as_str().unwrap_or("?"));
        }
        ends(inner, function, into);
    }
}

fn ended<'v>(graph: &'v Value, function: &str) -> Vec<&'v str> {
    let mut found = Vec::new();
    ends(&graph["root"], function, &mut found);
    found
}

/// The hot function is dropped in the middle of the run, and nothing else.
fn assert_hot_is_dropped(traced: &Traced, steps: usize) {
    let said = traced.stderr.as_str();
    let line = said.lines().find(|line| line.starts_with("dropped "));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(
        line.starts_with("dropped main.hot: ") && line.contains(" of one core; budget 5%"),
        "{line}"
    );
    assert_eq!(said.matches("dropped ").count(), 1, "{said}");
    let (mut whole, mut without) = (0, 0);
    for graph in graphs(traced) {
        assert_eq!(graph["root"]["exit"], "return");
        assert_eq!(ended(graph, "main.rare"), ["return"]);
        assert_eq!(ended(graph, "main.last"), ["return"]);
        let hot = ended(graph, "main.hot");
        if graph["complete"] == true {
            assert_eq!(hot, [["return"; HOT]].concat());
            whole += 1;
        } else {
            assert_eq!(graph["dropped_functions"], serde_json::json!(["main.hot"]));
            // One may have been open when its probes went.
            let open = hot.iter().filter(|exit| **exit == "open").count();
            let returned = hot.iter().filter(|exit| **exit == "return").count();
            assert!(hot.len() <= HOT && open <= 1 && returned + open == hot.len());
            without += usize::from(hot.is_empty());
        }
    }
    assert!(whole > 0 && without > 0, "{whole} {without}\n{said}");
    assert_eq!(graphs(traced).count(), steps);
    let end = traced.end();
    assert_eq!(end["dropped_functions"], serde_json::json!(["main.hot"]));
    assert!(end["cost"]["seconds"].as_f64() > Some(0.0), "{end}");
    for name in ["lost_records", "lost_graphs", "missing_calls", "no_g"] {
        assert_eq!(end[name], 0, "{end}");
    }
    assert!(said.contains(" of one core\n"), "{said}");
}

#[test]
fn a_function_that_costs_too_much_is_dropped() {
    if skip().is_some() {
        return;
    }
    let traced = budget(PROGRAM, &["--budget", "5%"], "400", &[]);
    assert_hot_is_dropped(&traced, 400);
    assert_eq!(traced.end()["cost"]["measured"], true);
}

#[test]
fn a_function_is_dropped_where_probes_are_attached_one_by_one() {
    if skip().is_some() {
        return;
    }
    let before_6_6 = [("GOFUNCGRAPH_PRETEND_KERNEL", "6.1")];
    let program =
        "config { budget = 5% } trace main.step < include main.hot, main.rare, main.last >";
    let traced = budget(program, &["--budget", "5%"], "400", &before_6_6);
    assert_hot_is_dropped(&traced, 400);
}

#[test]
fn without_a_budget_nothing_is_dropped() {
    if skip().is_some() {
        return;
    }
    let traced = budget(PROGRAM, &["--budget", "off"], "30", &[]);
    traced.assert_complete("no budget");
    assert!(!traced.stderr.contains("dropped"), "{}", traced.stderr);
    assert!(
        graphs(&traced).all(|graph| ended(graph, "main.hot").len() == HOT),
        "{}",
        traced.stderr
    );
}

#[test]
fn targets_are_not_dropped() {
    if skip().is_some() {
        return;
    }
    // No graph is kept, and each call is seen nonetheless.
    let program = "trace main.hot < include main.rare; min 1h >";
    let traced = budget(program, &["--budget", "1%"], "60", &[]);
    traced.assert_complete("targets");
    assert_eq!(traced.end()["filtered"], 60 * HOT);
    let said = traced.stderr.as_str();
    assert_eq!(said.matches("over the budget of 1%").count(), 1, "{said}");
    assert!(said.contains("main.hot: ") && said.contains("targets are not dropped"));
}

#[test]
fn sampled_targets_are_dropped_last() {
    if skip().is_some() {
        return;
    }
    let program = "trace main.step < sample 1/2 > trace main.hot < sample 1/1000; min 1h >";
    let traced = budget(program, &["--budget", "1%"], "400", &[]);
    let said = traced.stderr.as_str();
    let dropped = "dropped main.hot: ";
    assert!(
        said.lines().any(|line| line.starts_with(dropped)
            && line.contains("it is a target of a trace with `sample`")),
        "{said}"
    );
    assert!(said.contains("the trace `main.hot` ends"), "{said}");
    assert!(graphs(&traced).all(|graph| graph["complete"] == true));
    assert_eq!(graphs(&traced).count(), 200);
}
