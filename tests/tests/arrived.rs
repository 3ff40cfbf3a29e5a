//! Where probes do not arrive though everything looks as if they would: overlay file systems.
//!
//! Issue 9, case overlay-copy-up.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gofuncgraph_tests::{
    go::{self, Mode},
    overlays::Overlays,
    skip, text,
    tracer::{self, Recording, Running, Traced},
};

const PROGRAM: &str = "trace main.outer < include main.* >";

fn truth(mode: Mode) -> PathBuf {
    go::build(go::newest(), "truth", mode)
}

fn sleeping(server: &Path) -> Running {
    let process = Running::start(server, &["sleep"]);
    process.wait_for("pid ");
    process
}

fn pids(traced: &Traced) -> Vec<u64> {
    let mut pids: Vec<u64> = traced
        .lines
        .iter()
        .filter_map(|line| line["pid"].as_u64())
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Each changes the file without touching its contents.
const CHANGES: [&[&str]; 3] = [&["touch"], &["chmod", "777"], &["chown", "1:1"]];

#[test]
fn a_process_of_a_lower_layer_whose_file_was_copied_up() {
    if skip().is_some() {
        return;
    }
    for (change, mode) in CHANGES.iter().zip([Mode::Plain, Mode::Pie, Mode::Stripped]) {
        let overlays = Overlays::new(&["a"], &truth(mode));
        let server = overlays.file("a");
        let old = sleeping(&server);
        let pid = old.pid().to_string();
        let output = tracer::run(&["-e", PROGRAM, "--limit", "1", "-o", "/dev/null", "-p", &pid]);
        assert_eq!(output.status.code(), Some(0), "before {change:?}");
        let status = Command::new(change[0])
            .args(&change[1..])
            .arg(&server)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{change:?}");

        let said = format!("process {pid} runs an older copy of {}", text(&server));
        let output = tracer::run(&["-e", PROGRAM, "--for", "10s", "-p", &pid]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{change:?}: {stderr}");
        assert!(stderr.contains(&said), "{change:?}: {stderr}");

        // By the path that is said too, and others are traced.
        let new = sleeping(&server);
        let tracer = Recording::start(PROGRAM, &["--limit", "2", text(&server)]);
        let header = tracer.wait_for("tracing ");
        assert!(
            header.contains(&format!("process {};", new.pid())),
            "{change:?}: {header}"
        );
        let traced = tracer.finish();
        assert_eq!(traced.code, Some(0), "{change:?}: {}", traced.stderr);
        assert!(
            traced.stderr.contains(&said),
            "{change:?}: {}",
            traced.stderr
        );
        assert_eq!(pids(&traced), [u64::from(new.pid())], "{change:?}");
        for process in [old, new] {
            process.signal("TERM");
            assert_eq!(process.finish().0, Some(0), "{change:?}");
        }
    }
}

/// While it is traced, processes of the copy are not, which is said.
#[test]
fn a_file_that_is_copied_up_while_it_is_traced() {
    if skip().is_some() {
        return;
    }
    let overlays = Overlays::new(&["a"], &truth(Mode::Plain));
    let server = overlays.file("a");
    let old = sleeping(&server);
    let tracer = Recording::start(PROGRAM, &[text(&server)]);
    tracer.wait_for("tracing ");
    let status = Command::new("chmod").arg("777").arg(&server).status();
    assert!(status.is_ok_and(|status| status.success()));
    tracer.wait_for("has been replaced: processes that run the old file are still traced");
    tracer.signal("INT");
    let traced = tracer.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    assert_eq!(pids(&traced), [u64::from(old.pid())]);
}

/// One lower file under several names is one file, and whoever runs it is named.
#[test]
fn processes_of_two_overlays_over_one_file() {
    if skip().is_some() {
        return;
    }
    let overlays = Overlays::new(&["a", "b"], &truth(Mode::Plain));
    let processes = ["a", "b"].map(|name| sleeping(&overlays.file(name)));
    // A copy of the file, which is not it.
    let copy = tracer::temporary("copy");
    fs::copy(overlays.file("a"), &copy).expect("copy");
    let other = sleeping(&copy);
    for name in ["a", "b", "lower"] {
        let tracer = Recording::start(PROGRAM, &["--for", "2s", text(&overlays.file(name))]);
        let header = tracer.wait_for("tracing ");
        assert!(header.contains("2 processes"), "{name}: {header}");
        let traced = tracer.finish();
        let mut expected: Vec<u64> = processes.iter().map(|p| u64::from(p.pid())).collect();
        expected.sort_unstable();
        assert_eq!(pids(&traced), expected, "{name}: {}", traced.stderr);
    }
    for process in processes.into_iter().chain([other]) {
        process.signal("TERM");
        assert_eq!(process.finish().0, Some(0));
    }
    fs::remove_file(&copy).expect("clean up");
}

/// Issue 9, case overlay-copy-up: probes that another tracer puts into copies of the file at the same moment are not taken for one's own.
#[test]
fn two_tracers_at_once_count_their_own_processes() {
    if skip().is_some() {
        return;
    }
    let two = Overlays::new(&["a", "b"], &truth(Mode::Plain));
    let one = Overlays::new(&["a"], &truth(Mode::Plain));
    let of_two = ["a", "b"].map(|name| sleeping(&two.file(name)));
    let of_one = sleeping(&one.file("a"));
    for _ in 0..5 {
        let tracers = [two.file("a"), one.file("a"), one.file("lower")]
            .map(|file| Recording::start(PROGRAM, &["--limit", "1", text(&file)]));
        let headers = tracers.each_ref().map(|tracer| tracer.wait_for("tracing "));
        let alone = format!("process {};", of_one.pid());
        assert!(headers[0].contains("2 processes"), "{headers:?}");
        assert!(headers[1].contains(&alone), "{headers:?}");
        assert!(headers[2].contains(&alone), "{headers:?}");
        let traced = tracers.map(Recording::finish);
        for other in &traced[1..] {
            assert_eq!(pids(other), [u64::from(of_one.pid())], "{}", other.stderr);
        }
    }
    for process in of_two.into_iter().chain([of_one]) {
        process.signal("TERM");
        assert_eq!(process.finish().0, Some(0));
    }
}
