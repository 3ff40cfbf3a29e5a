//! What ends a trace: limits, signals, and a reader that leaves.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use gofuncgraph_tests::{skip, tracer};
use serde_json::Value;

use super::{BAR, command, json_lines, run, server, text};

#[test]
fn graphs_go_to_a_file_and_stop_at_the_limit() {
    if skip().is_some() {
        return;
    }
    let server = server("limited");
    let file = tracer::temporary("graphs");
    let path = file.to_str().expect("UTF-8");
    let output = run(&[
        "-e",
        BAR,
        "--format",
        "json",
        "--limit",
        "2",
        "-o",
        path,
        "-p",
        &server.pid(),
    ]);
    let written = fs::read(&file).expect("the file");
    let _ = fs::remove_file(&file);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    let lines = json_lines(&written);
    let types: Vec<&str> = lines.iter().filter_map(|l| l["type"].as_str()).collect();
    assert_eq!(types, ["graph", "graph", "end"]);
    assert_eq!(lines[2]["graphs"], 2);
    assert_eq!(lines[0]["pid"].to_string(), server.pid());
}

#[test]
fn the_time_is_limited() {
    if skip().is_some() {
        return;
    }
    let output = run(&[
        "-e",
        "trace main.main",
        "--format",
        "json",
        "--for",
        "300ms",
        "./server",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let end: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!((&end["type"], &end["graphs"]), (&"end".into(), &0.into()));
    assert!(end["seconds"].as_f64().is_some_and(|s| s >= 0.3), "{end}");
}

/// `gofuncgraph … | head -n 1`
#[test]
fn a_reader_that_leaves_ends_the_trace() {
    if skip().is_some() {
        return;
    }
    let mut server = server("left");
    let mut tracing = command(&["-e", BAR, server.path()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut line = String::new();
    BufReader::new(tracing.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("a graph");
    assert!(line.starts_with("── "), "{line:?}");
    let output = tracing.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        !text(&output.stderr).contains("error"),
        "{}",
        text(&output.stderr)
    );
    assert!(server.answers(), "the target runs on");
}

#[test]
fn signals_end_the_trace() {
    if skip().is_some() {
        return;
    }
    let server = server("signalled");
    let arguments = ["-e", "trace main.handleBar < min 1h >", server.path()];
    for signal in ["INT", "TERM", "HUP"] {
        let tracing = tracer::Running::tracer(&arguments);
        tracing.wait_for("tracing 1 function");
        tracing.signal(signal);
        let (code, _, stderr) = tracing.finish();
        assert_eq!(code, Some(0), "{signal}: {stderr}");
        assert!(
            stderr
                .lines()
                .last()
                .is_some_and(|l| l.starts_with("0 graphs, ")),
            "{signal}: {stderr}"
        );
    }
    // Two that arrive together: whichever comes second ends it at once, without totals.
    let tracing = tracer::Running::tracer(&arguments);
    tracing.wait_for("tracing 1 function");
    for signal in ["STOP", "INT", "TERM", "CONT"] {
        tracing.signal(signal);
    }
    let (code, _, stderr) = tracing.finish();
    assert!(code == Some(130) || code == Some(143), "{code:?}: {stderr}");
    assert!(!stderr.contains("graphs"), "{stderr}");
}

/// A signal that comes before the probes are there: they never are, and a command is not launched.
#[test]
fn a_signal_before_tracing_begins() {
    if skip().is_some() {
        return;
    }
    let pipe = tracer::temporary("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let out = pipe.to_str().expect("UTF-8");
    let server = server("unprobed");
    for target in [
        &["-p", &server.pid()][..],
        &["--", "./server", "-addr", "127.0.0.1:0"],
    ] {
        let options = ["-e", "trace main.handleBar < min 1h >", "-o", out];
        let mut tracing = command(&[&options, target].concat());
        let tracing = tracing
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let tracing = tracing.expect("the command runs");
        // It waits for a reader of the pipe, in open(2).
        let call = format!("/proc/{}/syscall", tracing.id());
        while !fs::read_to_string(&call)
            .expect("its system call")
            .starts_with("257 ")
        {
            std::thread::yield_now();
        }
        let status = Command::new("kill")
            .args(["-s", "INT", &tracing.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
        let reader = fs::File::open(&pipe).expect("the pipe");
        let output = tracing.wait_with_output().expect("it ends");
        drop(reader);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(
            text(&output.stderr),
            "ended by a signal before any probe was set\n"
        );
        assert_eq!(text(&output.stdout), "");
    }
    let _ = fs::remove_file(&pipe);
}
