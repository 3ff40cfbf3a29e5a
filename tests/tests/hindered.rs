//! What keeps a target from being traced, or from running, is named with its way out.
//!
//! Issue 9, cases debugger-breakpoint and user-namespace.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Running},
};

const PROGRAM: &str = "trace main.outer < include main.* >";

/// Runs its arguments and traces them and what they start, as `strace -f` does: ptrace(2) is call 101. No signal reaches them.
const FOLLOWER: &str = r#"
my $pid = fork // die;
if (!$pid) { syscall(101, 0, 0, 0, 0) == 0 or die; kill 'STOP', $$; exec @ARGV; die }
waitpid $pid, 0;
syscall(101, 0x4200, $pid, 0, 1 << 1 | 1 << 2 | 1 << 3);
syscall(101, 7, $pid, 0, 0);
my $code = 1;
while ((my $who = waitpid -1, 0x40000000) > 0) {
    $code = $? >> 8 if $who == $pid;
    syscall(101, 7, $who, 0, 0);
}
exit $code;
"#;

fn truth() -> PathBuf {
    go::build(go::newest(), "truth", Mode::Plain)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn sleeping() -> Running {
    let process = Running::start(&truth(), &["sleep"]);
    process.wait_for("pid ");
    process
}

/// The tracer, started by another command.
fn tracer_by(command: &[&str], args: &[&str]) -> Output {
    let tracer = tracer::binary();
    Command::new(command[0])
        .args(&command[1..])
        .arg(&tracer)
        .args(["-e", PROGRAM, "-o", "/dev/null", "--for", "300ms"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

fn assert_says(output: &Output, code: i32, what: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(what), "no {what:?} in\n{stderr}");
    assert_eq!(output.status.code(), Some(code), "{stderr}");
}

#[test]
fn a_stopped_process() {
    if skip().is_some() {
        return;
    }
    let process = sleeping();
    let pid = process.pid().to_string();
    process.signal("STOP");
    let said =
        format!("process {pid} is stopped, and calls nothing until it goes on: kill -CONT {pid}");
    let output = tracer_by(&["env"], &["-p", &pid]);
    assert_says(&output, 0, &said);
    process.signal("CONT");
    let output = tracer_by(&["env"], &["-p", &pid]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("stopped"));
    process.signal("TERM");
    assert_eq!(process.finish().0, Some(0));
}

#[test]
fn a_process_that_is_traced_already() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let follower = Running::start(
        Path::new("perl"),
        &["-e", FOLLOWER, text(&program), "sleep"],
    );
    let line = follower.wait_for("pid ");
    let pid = line.trim().trim_start_matches("pid ");
    let said = format!(
        "process {pid} is traced by process {} (perl): a breakpoint",
        follower.pid()
    );
    let output = tracer_by(&["env"], &["-p", pid]);
    assert_says(&output, 0, &said);
    let kill = Command::new("kill").args(["-KILL", pid]).status();
    assert!(kill.is_ok_and(|status| status.success()));
    assert_eq!(follower.finish().0, Some(0));
}

#[test]
fn a_tracer_that_is_traced_cannot_launch() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let output = tracer_by(&["perl", "-e", FOLLOWER], &["--", text(&program), "calls"]);
    assert_says(&output, 1, "gofuncgraph itself is traced by process");
    assert_says(
        &output,
        1,
        "start it yourself, and trace it with -p PID or by its path",
    );
}

#[test]
fn another_user_namespace() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let process = sleeping();
    for target in [
        &["--", text(&program), "calls"][..],
        &["-p", &process.pid().to_string()],
        &[text(&program)],
    ] {
        let output = tracer_by(&["unshare", "-Ur"], target);
        assert_says(&output, 1, "are needed in the first user namespace");
    }
}

#[test]
fn a_process_of_another_user() {
    if skip().is_some() {
        return;
    }
    let process = sleeping();
    let tracer = tracer::temporary("tracer");
    std::fs::copy(tracer::binary(), &tracer).expect("copy");
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([
            "--inh-caps=-all,+bpf,+perfmon",
            "--ambient-caps=-all,+bpf,+perfmon",
        ])
        .arg(&tracer)
        .args(["-e", PROGRAM, "-p", &process.pid().to_string()])
        .output()
        .expect("setpriv runs");
    assert_says(&output, 1, "takes CAP_SYS_PTRACE, too");
    std::fs::remove_file(&tracer).expect("clean up");
}
