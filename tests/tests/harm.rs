//! The target comes first: whatever happens to the tracer, to the target or to its file, the target runs on as if nothing had been there.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Recording, Running, Traced},
    tree,
};

const PROGRAM: &str = "trace main.outer < include main.* >";

/// A test program waiting to be told to begin.
fn waiting(program: &std::path::Path, mode: &[&str]) -> Running {
    let target = Running::start(program, &[&["-wait"], mode].concat());
    target.wait_for("pid ");
    target
}

fn truth() -> PathBuf {
    go::build(go::newest(), "truth", Mode::Plain)
}

/// The processes of the graphs, one for each graph.
fn pids(traced: &Traced) -> Vec<u64> {
    let pids = traced.lines.iter().filter_map(|line| line["pid"].as_u64());
    pids.collect()
}

#[test]
fn a_killed_tracer_leaves_the_target_unharmed() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let mut target = Running::start(&program, &["load", "1h", "2"]);
    for _ in 0..3 {
        let pid = target.pid().to_string();
        let tracer = Running::tracer(&[
            "-e",
            "trace main.busy < include main.small >",
            "-p",
            &pid,
            "-o",
            "/dev/null",
        ]);
        tracer.wait_for("tracing ");
        std::thread::sleep(Duration::from_millis(300));
        tracer.signal("KILL");
        let (code, _, _) = tracer.finish();
        assert_eq!(code, None, "killed");
        assert!(target.is_running(), "the target has died");
    }
    target.signal("TERM");
    let (code, stdout, stderr) = target.finish();
    assert_eq!(code, Some(0), "{stderr}");
    let count = tree::parse(stdout.lines().last().expect("a record"))["count"].as_u64();
    assert!(count.is_some_and(|n| n > 0), "{stdout}");
}

#[test]
fn many_attachments_under_load() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let mut target = Running::start(&program, &["load", "1h", "2"]);
    let pid = target.pid().to_string();
    for _ in 0..10 {
        let (code, _, stderr) = Running::tracer(&[
            "-e",
            "trace main.busy < include main.*, programs/rec.*, time.*, sync.* >",
            "-p",
            &pid,
            "--for",
            "100ms",
            "-o",
            "/dev/null",
        ])
        .finish();
        assert_eq!(code, Some(0), "{stderr}");
        assert!(target.is_running(), "the target has died");
    }
}

#[test]
fn a_killed_target_ends_the_trace_with_its_calls_open() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let mut target = waiting(&program, &["many", "50", "60s"]);
    let tracer = Recording::start(PROGRAM, &["-p", &target.pid().to_string()]);
    tracer.wait_for("tracing ");
    target.say("go");
    target.wait_for("all are inside");
    target.signal("KILL");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    assert!(
        traced.stderr.contains("the process has ended"),
        "{}",
        traced.stderr
    );
    let found = tree::traced(&traced.lines);
    assert_eq!(found.len(), 50);
    for graph in &found {
        let none = |_: &tree::Call| false;
        assert_eq!(
            tree::lines(&graph.root, &none),
            [
                "0 main.outer open",
                "1 main.many.func1.1 open",
                "2 main.leaf return",
                "2 main.blocks open"
            ]
        );
    }
}

#[test]
fn ctrl_c_shows_open_calls_and_lets_go() {
    if skip().is_some() {
        return;
    }
    for signal in ["INT", "TERM"] {
        let program = truth();
        let mut target = waiting(&program, &["many", "20", "3s"]);
        let pid = target.pid().to_string();
        let tracer = Running::tracer(&["-e", PROGRAM, "-p", &pid]);
        tracer.wait_for("tracing ");
        target.say("go");
        target.wait_for("all are inside");
        tracer.signal(signal);
        let (code, stdout, stderr) = tracer.finish();
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(stdout.matches("main.blocks").count(), 20, "{stdout}");
        assert!(stdout.contains("still open"), "{stdout}");
        assert!(stderr.contains("20 graphs"), "{stderr}");
        let (code, stdout, stderr) = target.finish();
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(
            tree::recorded(&stdout).len(),
            20,
            "the target ran to its end"
        );
    }
}

/// Planning for a large executable takes seconds, which nobody has to wait for: what the plan would say is not there yet.
#[test]
fn ctrl_c_ends_planning() {
    if skip().is_some() {
        return;
    }
    let large = go::newest().root.join("bin/go");
    for signal in ["INT", "TERM", "HUP"] {
        let everything = "trace main.main < include ** >";
        let tracer = Running::tracer(&["-e", everything, &large.display().to_string()]);
        // It watches for signals before it has a second thread.
        let threads = format!("/proc/{}/task", tracer.pid());
        while fs::read_dir(&threads).expect("its threads").count() < 2 {
            std::thread::yield_now();
        }
        tracer.signal(signal);
        let (code, stdout, stderr) = tracer.finish();
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(stderr, "ended by a signal before any probe was set\n");
        assert_eq!(stdout, "");
    }
}

#[test]
fn a_replaced_executable_is_another_one() {
    if skip().is_some() {
        return;
    }
    let dir = tracer::temporary("replaced");
    fs::create_dir(&dir).expect("a folder");
    let server = dir.join("server");
    let path = server.display().to_string();
    fs::copy(truth(), &server).expect("copy");
    let target = Running::start(&server, &["sleep"]);
    target.wait_for("pid ");
    let tracer = Recording::start(PROGRAM, &[&path]);
    tracer.wait_for("tracing ");
    // A build puts a new file in the old one's place.
    let new = dir.join("new");
    fs::copy(go::build(go::newest(), "truth", Mode::Unoptimised), &new).expect("copy");
    fs::rename(&new, &server).expect("rename");
    tracer.wait_for("has been replaced");
    let second = Running::start(&server, &["sleep"]);
    second.wait_for("pid ");
    std::thread::sleep(Duration::from_millis(500));
    tracer.signal("INT");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let mut pids = pids(&traced);
    pids.dedup();
    assert_eq!(
        pids,
        [u64::from(target.pid())],
        "only the old file's process is traced"
    );
    // Started again, the tracer takes the new file.
    let pid = second.pid().to_string();
    let (code, stdout, stderr) =
        Running::tracer(&["-e", PROGRAM, "-p", &pid, "--limit", "2"]).finish();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stdout.matches("main.outer()").count(), 2, "{stdout}");
    for process in [target, second] {
        process.signal("TERM");
        let (code, _, stderr) = process.finish();
        assert_eq!(code, Some(0), "{stderr}");
    }
    fs::remove_dir_all(&dir).expect("clean up");
}

/// An executable that was deleted, as after an upgrade, is still reached through its process.
#[test]
fn a_deleted_executable_is_traced_through_its_process() {
    if skip().is_some() {
        return;
    }
    let server = tracer::temporary("deleted");
    fs::copy(truth(), &server).expect("copy");
    let target = Running::start(&server, &["sleep"]);
    target.wait_for("pid ");
    fs::remove_file(&server).expect("delete");
    let pid = target.pid().to_string();
    let (code, stdout, stderr) =
        Running::tracer(&["-e", PROGRAM, "-p", &pid, "--limit", "1"]).finish();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("main.outer()"), "{stdout}");
    target.signal("TERM");
    assert_eq!(target.finish().0, Some(0));
}

/// Processes that start later are seen too, and those that end in a graph are looked after while others go on.
#[test]
fn every_process_of_an_executable() {
    if skip().is_some() {
        return;
    }
    let server = tracer::temporary("every");
    fs::copy(truth(), &server).expect("copy");
    let path = server.display().to_string();
    let tracer = Recording::start(PROGRAM, &[&path]);
    tracer.wait_for("nothing runs it yet");
    let (code, stdout, _) = Running::start(&server, &["calls"]).finish();
    assert_eq!(code, Some(0));
    let mut killed = waiting(&server, &["many", "5", "60s"]);
    killed.say("go");
    killed.wait_for("all are inside");
    let killed_pid = u64::from(killed.pid());
    killed.signal("KILL");
    killed.finish();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(
        tracer.so_far().contains("\"open\""),
        "open calls are shown once their process has ended"
    );
    tracer.signal("INT");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let of_killed = pids(&traced).iter().filter(|p| **p == killed_pid).count();
    assert_eq!(of_killed, 5);
    let expected = tree::recorded(&stdout);
    assert_eq!(tree::traced(&traced.lines).len(), expected.len() + 5);
    fs::remove_file(&server).expect("clean up");
}

/// A reader that stands still loses records, and every one of them is counted.
#[test]
fn what_is_lost_is_counted() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let mut target = waiting(&program, &["load", "6s", "2"]);
    let tracer = Recording::start(
        "trace main.busy < include main.small >",
        &["-p", &target.pid().to_string(), "--ring-size", "65536"],
    );
    tracer.wait_for("tracing ");
    tracer.signal("STOP");
    target.say("go");
    let (code, stdout, stderr) = target.finish();
    assert_eq!(code, Some(0), "{stderr}");
    tracer.signal("CONT");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let made = tree::parse(stdout.lines().last().expect("a record"))["count"]
        .as_u64()
        .expect("count");
    let none = |_: &tree::Call| false;
    let shown: usize = tree::traced(&traced.lines)
        .iter()
        .map(|g| tree::lines(&g.root, &none).len())
        .sum();
    let end = traced.end();
    let lost = end["lost_records"].as_u64().expect("lost_records");
    assert!(
        lost > 0,
        "a small ring buffer and a reader that stands still: {end}"
    );
    assert_eq!(
        shown as u64 + lost,
        made,
        "shown and lost calls are all calls: {end}"
    );
}

#[test]
fn a_full_goroutine_table_is_counted() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let traced = tracer::launch(
        PROGRAM,
        &["--max-goroutines", "100"],
        &program,
        &["many", "1000"],
    );
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let end = traced.end();
    let graphs = end["graphs"].as_u64().expect("graphs");
    let untraced = end["goroutines_full"].as_u64().expect("goroutines_full");
    assert_eq!(graphs + untraced, 1000, "{end}");
    assert!(graphs >= 100, "{end}");
    let expected = tree::recorded(&traced.stdout);
    for graph in tree::traced(&traced.lines) {
        let same = expected.iter().find(|g| g.goroutine == graph.goroutine);
        assert_eq!(
            same.map(|g| g.root.calls.len()),
            Some(graph.root.calls.len())
        );
    }
}

/// A tracer that stands still does not take note of processes that have ended, so that there is no room for more of them.
#[test]
fn a_full_process_table_is_counted() {
    if skip().is_some() {
        return;
    }
    const ROOM: u64 = 4096;
    const MADE: u64 = ROOM + 50;
    let program = tracer::temporary("anew");
    fs::copy(truth(), &program).expect("copy");
    let tracer = Recording::start(
        "trace main.outer < include main.leaf >",
        &[&program.display().to_string()],
    );
    tracer.wait_for("nothing runs it yet");
    tracer.signal("STOP");
    let (code, _, stderr) = Running::start(&program, &["anew", &MADE.to_string()]).finish();
    assert_eq!(code, Some(0), "{stderr}");
    tracer.signal("CONT");
    tracer.signal("INT");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let end = traced.end();
    assert_eq!(end["graphs"], ROOM, "{end}");
    assert_eq!(end["processes_full"], MADE - ROOM, "{end}");
    assert_eq!(tree::traced(&traced.lines).len() as u64, ROOM);
    fs::remove_file(&program).expect("clean up");
}

/// 10,000 goroutines in graphs at once: 64 MiB of maps, 64 MiB of user memory.
#[test]
fn ten_thousand_goroutines_fit() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let mut target = waiting(&program, &["many", "10000", "2s"]);
    let pid = target.pid().to_string();
    let tracer = Running::tracer(&["-e", PROGRAM, "-p", &pid, "-o", "/dev/null"]);
    tracer.wait_for("tracing ");
    target.say("go");
    target.wait_for("all are inside");
    let me = PathBuf::from(format!("/proc/{}", tracer.pid()));
    // Several descriptors may stand for one map.
    let mut maps = BTreeMap::new();
    for entry in fs::read_dir(me.join("fdinfo")).expect("fdinfo").flatten() {
        let info = fs::read_to_string(entry.path()).unwrap_or_default();
        let field = |name| info.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(id), Some(memory)) = (field("map_id:"), field("memlock:")) {
            let bytes: u64 = memory.trim().parse().expect("a number");
            maps.insert(id.trim().to_owned(), bytes);
        }
    }
    let maps: u64 = maps.values().sum();
    let (code, _, stderr) = target.finish();
    assert_eq!(code, Some(0), "{stderr}");
    std::thread::sleep(Duration::from_millis(50));
    let status = fs::read_to_string(me.join("status")).unwrap_or_default();
    let resident = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let (code, _, stderr) = tracer.finish();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("10000 graphs"), "{stderr}");
    assert!(maps > 0 && maps <= 64 << 20, "{maps} bytes of maps");
    if let Some(resident) = resident {
        assert!(resident <= 64 << 10, "{resident} KiB resident");
    }
}

/// The FIPS module verifies its own code when the program starts: a probe in it would make the program panic.
#[test]
fn the_fips_module_verifies() {
    if skip().is_some() {
        return;
    }
    if go::newest().minor() < 24 {
        eprintln!("skipped: Go 1.24 is the first with the FIPS module");
        return;
    }
    let program = go::build(go::newest(), "fips", Mode::Plain);
    let (code, stdout, stderr) = Running::start_with(
        &tracer::binary(),
        &[
            "-e",
            "trace main.outer < include crypto/... >",
            "-o",
            "/dev/null",
            "--",
            &program.display().to_string(),
        ],
        &[("GODEBUG", "fips140=on")],
    )
    .finish();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("fips140 true"), "{stdout}{stderr}");
    assert!(stderr.contains("1 graph"), "{stderr}");
}
