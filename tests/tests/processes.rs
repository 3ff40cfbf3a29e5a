//! A process is its id and its start, from one exec to the next: nothing that happens to it ends, lengthens or shortens calls of another one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Recording, Running, Traced},
    tree,
};
use serde_json::Value;

const PROGRAM: &str = "trace main.outer < include main.* >";

fn truth() -> PathBuf {
    go::build(go::newest(), "truth", Mode::Plain)
}

/// A copy of the program that no other test runs.
struct Own(PathBuf);

impl Own {
    fn new(program: &Path, name: &str) -> Self {
        let path = tracer::temporary(name);
        fs::copy(program, &path).expect("copy");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn graphs(traced: &Traced) -> Vec<&Value> {
    let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
    graphs.collect()
}

fn nanoseconds(value: &Value) -> u128 {
    value.as_u64().expect("nanoseconds").into()
}

/// A process that is inside a graph: which, and when it was started at the earliest.
fn inside(program: &Own) -> (Running, Instant) {
    let started = Instant::now();
    let target = Running::start(&program.0, &["many", "1", "60s"]);
    target.wait_for("all are inside");
    (target, started)
}

/// Kills it, and tells how long it has lived at most.
fn kill((target, started): (Running, Instant)) -> u128 {
    target.signal("KILL");
    target.finish();
    started.elapsed().as_nanos()
}

/// Issue 9, cases pid-used-again and open-duration.
#[test]
fn the_next_process_with_the_same_id_is_another_one() {
    if skip().is_some() {
        return;
    }
    let program = Own::new(&truth(), "again");
    let tracer = Recording::start(PROGRAM, &[program.path()]);
    tracer.wait_for("tracing ");
    let mut lived: Vec<(u64, u128)> = Vec::new();
    let (mut used_again, mut tries) = (0, 0);
    while used_again < 3 && tries < 100 {
        tries += 1;
        if let Some((last, _)) = lived.last() {
            // The next process gets this number, unless another one is quicker.
            fs::write("/proc/sys/kernel/ns_last_pid", (last - 1).to_string()).expect("write");
        }
        let process = inside(&program);
        let pid = u64::from(process.0.pid());
        used_again += usize::from(lived.iter().any(|(other, _)| *other == pid));
        lived.push((pid, kill(process)));
    }
    assert!(used_again > 0, "no process id was used again in {tries}");
    tracer.signal("INT");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let mut found = graphs(&traced);
    found.sort_by_key(|graph| graph["start"].to_string());
    assert_eq!(found.len(), lived.len(), "{}", traced.end());
    for (graph, (pid, lived)) in found.iter().zip(&lived) {
        assert_eq!(graph["pid"].as_u64(), Some(*pid));
        assert_eq!(graph["root"]["exit"], "open", "{graph}");
        let lasted = nanoseconds(&graph["root"]["duration_ns"]);
        assert!(lasted <= *lived, "{lasted} ns of {lived}: {graph}");
    }
    assert_eq!(traced.end()["stale"], 0, "{}", traced.end());
}

/// Calls that were open when their process ended are told of it by the time until then, also when the trace goes on.
#[test]
fn a_killed_process_has_its_calls_until_then() {
    if skip().is_some() {
        return;
    }
    let program = Own::new(&truth(), "killed");
    let tracer = Recording::start(PROGRAM, &[program.path()]);
    tracer.wait_for("tracing ");
    let goes_on = inside(&program);
    let lived = kill(inside(&program));
    std::thread::sleep(Duration::from_millis(1500));
    let shown = tracer.so_far();
    assert_eq!(shown.lines().count(), 1, "the killed process's: {shown}");
    tracer.signal("INT");
    let traced = tracer.finish();
    let found = graphs(&traced);
    assert!(nanoseconds(&found[0]["root"]["duration_ns"]) <= lived);
    let other = nanoseconds(&found[1]["root"]["duration_ns"]);
    assert!(other >= 1_500_000_000, "the other one goes on: {other} ns");
    kill(goes_on);
}

/// Issue 9, case exec-other-executable: in every form, of another executable and of the same one.
#[test]
fn an_exec_ends_what_was_open() {
    if skip().is_some() {
        return;
    }
    let shell = ["/bin/sh", "-c", "date +%s%N; exec sleep 0.3"];
    let commands: [&[&str]; 4] = [&shell, &[&["thread"], &shell[..]].concat(), &["copy"], &[]];
    for command in commands {
        let arguments = [&["exec"], command].concat();
        for form in ["launch", "-p", "path"] {
            let program = Own::new(&truth(), "exec");
            let context = format!("{form} {command:?}");
            let (traced, stdout) = if form == "launch" {
                let traced = tracer::launch(PROGRAM, &[], &program.0, &arguments);
                let stdout = traced.stdout.clone();
                (traced, stdout)
            } else {
                let mut target = Running::start(&program.0, &[&["-wait"], &arguments[..]].concat());
                target.wait_for("pid ");
                let pid = target.pid().to_string();
                let tracer = match form {
                    "-p" => Recording::start(PROGRAM, &["-p", &pid]),
                    _ => Recording::start(PROGRAM, &[program.path()]),
                };
                tracer.wait_for("tracing ");
                target.say("go");
                let (code, stdout, stderr) = target.finish();
                assert_eq!(code, Some(0), "{context}: {stderr}");
                if form == "path" {
                    tracer.signal("INT");
                }
                (tracer.finish(), stdout)
            };
            assert_eq!(traced.code, Some(0), "{context}: {}", traced.stderr);
            assert_eq!(traced.end()["stale"], 1, "{context}: {}", traced.end());
            let found = graphs(&traced);
            let of_exec = |graph: &&&Value| graph["root"]["exit"] == "exec";
            let cut: Vec<&&Value> = found.iter().filter(of_exec).collect();
            assert_eq!(cut.len(), 1, "{context}: {found:?}");
            assert_eq!(cut[0]["open"], true, "{context}");
            assert!(
                found.iter().all(|graph| graph["root"]["exit"] != "open"),
                "{context}: nothing else is open: {found:?}"
            );
            // The other program has told when it began.
            let begun = stdout.lines().find_map(|line| line.parse::<i128>().ok());
            if let Some(begun) = begun {
                let ended = tree::end_of(cut[0]);
                assert!(ended <= begun, "{context}: {ended} is after {begun}");
            }
            assert_eq!(begun.is_some(), command.len() > 1, "{context}: {stdout}");
        }
    }
}

/// How long the other program runs is nothing to `min`.
#[test]
fn min_does_not_keep_what_an_exec_ended() {
    if skip().is_some() {
        return;
    }
    let traced = tracer::launch(
        "trace main.outer < min 60s >",
        &[],
        &truth(),
        &["exec", "/bin/sleep", "0.1"],
    );
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let end = traced.end();
    assert_eq!((graphs(&traced).len(), &end["stale"]), (0, &Value::from(0)));
    assert_eq!(end["filtered"], 2, "{end}");
}

/// A child that was made by vfork and calls exec ends nothing of its parent's.
#[test]
fn a_child_ends_nothing_of_its_parent() {
    if skip().is_some() {
        return;
    }
    let program = Own::new(&truth(), "child");
    let tracer = Recording::start(PROGRAM, &[program.path()]);
    tracer.wait_for("tracing ");
    let (code, _, stderr) = Running::start(&program.0, &["spawn"]).finish();
    assert_eq!(code, Some(0), "{stderr}");
    tracer.signal("INT");
    let traced = tracer.finish();
    traced.assert_complete("spawn");
    let found = graphs(&traced);
    let mut pids: Vec<u64> = found.iter().filter_map(|g| g["pid"].as_u64()).collect();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 2, "parent and child: {found:?}");
    assert!(found.iter().all(|graph| graph["root"]["exit"] == "return"));
}

/// Issue 9, case values-lost-same-goroutine-ids: values have room as long as there is any, whoever's goroutines have the same ids.
#[test]
fn goroutines_with_the_same_ids_have_their_values() {
    if skip().is_some() {
        return;
    }
    let program = Own::new(&truth(), "same");
    let trace = "trace main.inside < args n; ret >";
    let (processes, goroutines) = (4, 128);
    // So many are in graphs at once, and the last of them find the last rooms.
    let run = |room: usize| {
        let limit = room.to_string();
        let tracer = Recording::start(trace, &["--max-goroutines", &limit, program.path()]);
        tracer.wait_for("tracing ");
        let many = goroutines.to_string();
        let started: Vec<Running> = (0..processes)
            .map(|_| Running::start(&program.0, &["numbers", &many]))
            .collect();
        for process in &started {
            process.wait_for("all are inside");
        }
        for mut process in started {
            process.say("go on");
            assert_eq!(process.finish().0, Some(0));
        }
        tracer.signal("INT");
        tracer.finish()
    };
    let traced = run(processes * goroutines);
    traced.assert_complete("as many as there are rooms");
    let mut numbers: Vec<i64> = graphs(&traced)
        .iter()
        .map(|graph| {
            let root = &graph["root"];
            assert_eq!(root["args"][0]["value"], root["results"][0]["value"]);
            root["args"][0]["value"].as_i64().expect("a number")
        })
        .collect();
    numbers.sort_unstable();
    let expected: Vec<i64> = (0..goroutines as i64).flat_map(|n| [n; 4]).collect();
    assert_eq!(numbers, expected);
}
