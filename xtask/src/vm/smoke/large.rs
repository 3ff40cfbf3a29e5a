//! Values of thousands of functions: what the verifier makes of as much code as there may be.

use anyhow::{Result, ensure};
use gofuncgraph_tests::tree;
use serde_json::Value;

/// All functions of the go command, of which it calls few when it only tells its version.
pub const PROGRAM: &str = "trace main.main < include cmd/go/...; args; ret >";

/// A kernel that attaches probes one by one is not asked to attach so many, but has loaded the program before.
pub fn is_loaded(errors: &str) -> Option<String> {
    let refused = errors.contains("but this kernel (before 6.6) attaches them one by one");
    refused.then(|| "loaded, not attached".to_owned())
}

/// Values are there, and few were left out: some verifiers take more steps for an instruction than others.
pub fn agree(printed: &str, errors: &str) -> Result<String> {
    let left_out: usize = errors.lines().filter_map(left_out).sum();
    ensure!(
        left_out < MOST_LEFT_OUT,
        "values of {left_out} functions were left out"
    );
    let lines: Vec<Value> = printed.trim().lines().map(tree::parse).collect();
    let mut calls = 0;
    for graph in lines.iter().filter(|line| line["type"] == "graph") {
        calls += with_values(&graph["root"]);
    }
    ensure!(calls > 0, "no call has values");
    Ok(match left_out {
        0 => format!("{calls} calls with values"),
        _ => format!("{calls} calls with values, {left_out} times left out"),
    })
}

/// Of 2,343 functions with arguments and results.
const MOST_LEFT_OUT: usize = 1_200;

/// Of how many functions a warning says that their values are not shown.
fn left_out(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("W0405]: values of ")?;
    let (count, _) = rest.split_once(" function")?;
    count.replace(',', "").parse().ok()
}

fn with_values(call: &Value) -> usize {
    let own = ["args", "results"].iter().any(|name| call[name].is_array());
    let calls = call["calls"].as_array();
    usize::from(own) + calls.into_iter().flatten().map(with_values).sum::<usize>()
}
