//! Copies that a traced process starts of itself are not traced, and that is said.

use std::path::PathBuf;

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::Running,
};

const TOLD: &str = " has started more processes of its executable, which are not traced: ";

fn forks() -> PathBuf {
    go::build(go::newest(), "forks", Mode::Plain)
}

/// The tracer's messages about copies.
fn told(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.contains(TOLD)).collect()
}

/// Issue 9, point 19: children of a launched fork server.
#[test]
fn copies_of_a_launched_process() {
    if skip().is_some() {
        return;
    }
    let program = forks();
    let path = program.to_str().expect("UTF-8");
    let tracer = Running::tracer(&["-e", "trace main.work", "--", path, "stay", "5"]);
    tracer.wait_for(TOLD);
    let (code, stdout, stderr) = tracer.finish();
    assert_eq!(code, Some(0), "{stderr}");
    let [line] = told(&stderr)[..] else {
        panic!("said once:\n{stderr}")
    };
    let (process, copies) = line.split_once(TOLD).expect("as told");
    let process = process.strip_prefix("process ").expect("its number");
    let (copies, way_out) = copies
        .split_once(" and 2 more; to trace all of them: ")
        .expect(line);
    assert_eq!(way_out, format!("gofuncgraph … {path}"));
    let is_working = |pid: &str| stdout.lines().any(|line| line == format!("working {pid}"));
    let copies: Vec<&str> = copies.split(", ").collect();
    assert_eq!(copies.len(), 3, "{line}");
    assert!(
        is_working(process) && copies.iter().all(|pid| is_working(pid)),
        "{line}\n{stdout}"
    );
    assert!(!copies.contains(&process));
    // The traced process's own call, and nobody else's.
    assert_eq!(stdout.matches("main.work()").count(), 1, "{stdout}");
}

/// Issue 9, point 19: it starts its copy and ends, as daemons do.
#[test]
fn a_copy_that_a_launched_process_leaves_behind() {
    if skip().is_some() {
        return;
    }
    let program = forks();
    let path = program.to_str().expect("UTF-8");
    let tracer = Running::tracer(&["-e", "trace main.work", "--", path, "leave", "1"]);
    let line = tracer.wait_for(TOLD);
    assert!(line.contains("gofuncgraph … "), "{line}");
    let (code, _, stderr) = tracer.finish();
    assert_eq!((code, told(&stderr).len()), (Some(0), 1), "{stderr}");
}

/// Issue 9, point 19: `-p PID` of a process with workers, and of one beside which others of its executable run.
#[test]
fn copies_of_a_process() {
    if skip().is_some() {
        return;
    }
    let program = forks();
    let parent = Running::start(&program, &["stay", "1"]);
    parent.wait_for("working");
    parent.wait_for("working");
    let messages = |process: &Running| {
        let pid = process.pid().to_string();
        let tracer = Running::tracer(&["-e", "trace main.main", "--for", "700ms", "-p", &pid]);
        let (code, _, stderr) = tracer.finish();
        assert_eq!(code, Some(0), "{stderr}");
        told(&stderr).len()
    };
    assert_eq!(messages(&parent), 1);
    let another = Running::start(&program, &["stay", "0"]);
    another.wait_for("working");
    assert_eq!(messages(&another), 0);
}
