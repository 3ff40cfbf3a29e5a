//! Times are the kernel's, whatever clock the tracer is given.

use std::{
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
};
use serde_json::Value;

const HOUR: Duration = Duration::from_secs(3_600);

/// The graphs of a call that is open for a second or so, by a tracer whose monotonic clock is far from the kernel's.
fn in_a_time_namespace(offset: &str, filter: &str) -> Vec<Value> {
    let program = go::build(go::newest(), "truth", Mode::Plain);
    let output = Command::new("unshare")
        .args(["--fork", "--time", "--monotonic", offset, "--"])
        .arg(tracer::binary())
        .args(["--format", "json", "-o", "/dev/stderr", "--for", "1s", "-e"])
        .arg(format!("trace main.blocks < {filter} >"))
        .arg("--")
        .arg(program)
        .args(["many", "1", "3s"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines = said.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &Value| line["type"] == "graph")
        .collect()
}

/// Issue 9, case time-namespace.
#[test]
fn a_time_namespace_changes_no_time() {
    if skip().is_some() {
        return;
    }
    for offset in ["7200", "86400"] {
        let graphs = in_a_time_namespace(offset, "args");
        let [graph] = graphs.as_slice() else {
            panic!("{offset}: {graphs:?}");
        };
        assert_eq!(graph["open"], true, "{offset}: {graph}");
        let lasted = graph["root"]["duration_ns"].as_u64().expect("nanoseconds");
        assert!(Duration::from_nanos(lasted) < HOUR, "{offset}: {graph}");
        let start = graph["start"].as_str().expect("start");
        let start: jiff::Timestamp = start.parse().expect("a time");
        let start = Duration::from_nanos(start.as_nanosecond() as u64);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
        assert!(now.abs_diff(start) < HOUR, "{offset}: {graph}");
        assert!(in_a_time_namespace(offset, "min 1h").is_empty());
    }
}
