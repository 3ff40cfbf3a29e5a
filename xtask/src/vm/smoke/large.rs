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

/// Values are there, and none were left out.
pub fn agree(printed: &str, errors: &str) -> Result<String> {
    ensure!(!errors.contains("W0405"), "values were left out");
    let lines: Vec<Value> = printed.trim().lines().map(tree::parse).collect();
    let mut calls = 0;
    for graph in lines.iter().filter(|line| line["type"] == "graph") {
        calls += with_values(&graph["root"]);
    }
    ensure!(calls > 0, "no call has values");
    Ok(format!("{calls} calls with values"))
}

fn with_values(call: &Value) -> usize {
    let own = ["args", "results"].iter().any(|name| call[name].is_array());
    let calls = call["calls"].as_array();
    usize::from(own) + calls.into_iter().flatten().map(with_values).sum::<usize>()
}
