//! What keeps a target from being traced, or from running, is named with its way out.
//!
//! Issue 9, cases debugger-breakpoint and user-namespace.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, text,
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

/// Traces a process until its standard input ends, as a debugger does: PTRACE_SEIZE.
const ATTACHER: &str =
    r#"syscall(101, 0x4206, $ARGV[0] + 0, 0, 0) == 0 or die; print "attached\n"; <STDIN>"#;

fn truth() -> PathBuf {
    go::build(go::newest(), "truth", Mode::Plain)
}

fn sleeping() -> Running {
    let process = Running::start(&truth(), &["sleep"]);
    process.wait_for("pid ");
    process
}

/// The tracer of a process, until a signal ends it.
fn following(process: &Running) -> Running {
    let pid = process.pid().to_string();
    let tracer = Running::tracer(&["-e", PROGRAM, "-o", "/dev/null", "-p", &pid]);
    tracer.wait_for("a call costs");
    tracer
}

/// Ends the tracer and gives what it has said.
fn ended(tracer: Running) -> String {
    tracer.signal("INT");
    let (code, _, stderr) = tracer.finish();
    assert_eq!(code, Some(0), "{stderr}");
    stderr
}

/// A folder for control groups whose file system has such options.
fn groups(is_wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    let mut lines = mounts.lines().filter_map(|line| line.split_once(" - "));
    lines.find_map(|(mount, system)| {
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1)?);
        let place = mount.split(' ').nth(4)?;
        is_wanted(kind, options).then(|| PathBuf::from(place))
    })
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
    let said = format!(
        "process {pid} is stopped, and makes no calls until it is continued: kill -CONT {pid}"
    );
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
        "process {pid} is traced by process {} (perl); if a debugger has a breakpoint",
        follower.pid()
    );
    let output = tracer_by(&["env"], &["-p", pid]);
    assert_says(&output, 0, &said);
    let kill = Command::new("kill").args(["-KILL", pid]).status();
    assert!(kill.is_ok_and(|status| status.success()));
    assert_eq!(follower.finish().0, Some(0));
}

/// What comes while it is traced is said as well, once.
#[test]
fn a_process_that_is_stopped_later() {
    if skip().is_some() {
        return;
    }
    let process = sleeping();
    let tracer = following(&process);
    let said = format!(
        "process {0} is stopped, and makes no calls until it is continued: kill -CONT {0}",
        process.pid()
    );
    process.signal("STOP");
    tracer.wait_for(&said);
    process.signal("CONT");
    process.signal("STOP");
    let stderr = ended(tracer);
    assert_eq!(stderr.matches("is stopped").count(), 1, "{stderr}");
}

#[test]
fn a_debugger_that_comes_later() {
    if skip().is_some() {
        return;
    }
    let process = sleeping();
    let pid = process.pid().to_string();
    let tracer = following(&process);
    for _ in 0..2 {
        let debugger = Running::start(Path::new("perl"), &["-e", ATTACHER, &pid]);
        let said = format!(
            "process {pid} is traced by process {} (perl); if a debugger has a breakpoint",
            debugger.pid()
        );
        tracer.wait_for(&said);
        assert_eq!(debugger.finish().0, Some(0));
    }
    let stderr = ended(tracer);
    assert_eq!(stderr.matches("is traced by").count(), 2, "{stderr}");
}

/// Of processes that run the executable, those count that were started after the tracer, too.
#[test]
fn a_debugger_of_a_process_that_was_started_later() {
    if skip().is_some() {
        return;
    }
    let tracer = Running::tracer(&["-e", PROGRAM, "-o", "/dev/null", text(&truth())]);
    tracer.wait_for("a call costs");
    let process = sleeping();
    let pid = process.pid().to_string();
    let debugger = Running::start(Path::new("perl"), &["-e", ATTACHER, &pid]);
    tracer.wait_for(&format!(
        "process {pid} is traced by process {} (perl)",
        debugger.pid()
    ));
    assert_eq!(debugger.finish().0, Some(0));
    ended(tracer);
}

/// Frozen with its own control group, or with the one around it, before tracing begins and while it goes on.
#[test]
fn a_frozen_process() {
    if skip().is_some() {
        return;
    }
    let two = groups(|kind, _| kind == "cgroup2").map(|place| (place, "cgroup.freeze", ["1", "0"]));
    let one =
        groups(|kind, options| kind == "cgroup" && options.split(',').any(|o| o == "freezer"));
    let one = one.map(|place| (place, "freezer.state", ["FROZEN", "THAWED"]));
    let mut tried = 0;
    for (place, file, [freeze, thaw]) in [one, two].into_iter().flatten() {
        let outer = place.join(format!("gofuncgraph-test-{}", std::process::id()));
        let inner = outer.join("inner");
        if fs::create_dir_all(&inner).is_err() {
            eprintln!("no control groups can be made in {}", place.display());
            continue;
        }
        tried += 1;
        let process = sleeping();
        let pid = process.pid().to_string();
        fs::write(inner.join("cgroup.procs"), &pid).expect("it is moved");
        for group in [&outer, &inner] {
            let file = group.join(file);
            let write = |word| fs::write(&file, word).expect("written");
            let said = format!(
                "process {pid} is frozen with its control group, and makes no calls until the group is thawed: echo {thaw} > {}\n",
                file.display()
            );
            write(freeze);
            assert_says(&tracer_by(&["env"], &["-p", &pid]), 0, &said);
            write(thaw);
            let tracer = following(&process);
            write(freeze);
            tracer.wait_for(&said);
            write(thaw);
            let stderr = ended(tracer);
            assert_eq!(stderr.matches("is frozen").count(), 1, "{stderr}");
        }
        process.signal("TERM");
        assert_eq!(process.finish().0, Some(0));
        fs::remove_dir(&inner)
            .and_then(|()| fs::remove_dir(&outer))
            .expect("nobody is in them");
    }
    if tried == 0 {
        eprintln!("skipped: no control groups");
    }
}

#[test]
fn a_process_that_has_just_ended() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let process = sleeping();
    let pid = process.pid().to_string();
    let mut tracer = Running::tracer(&["-e", PROGRAM, "-p", &pid]);
    let files = format!("/proc/{}/fd", tracer.pid());
    let has_opened = || {
        let mut files = fs::read_dir(&files).into_iter().flatten().flatten();
        files.any(|file| fs::read_link(file.path()).is_ok_and(|to| to == program))
    };
    while tracer.is_running() && !has_opened() {
        std::thread::yield_now();
    }
    drop(process);
    let (code, _, stderr) = tracer.finish();
    // When it looks again is not known.
    let there_is_none = format!("error: there is no process {pid}\n");
    let too_early = format!("error: process {pid} ended before the probes were set\n");
    assert_eq!(code, Some(1), "{stderr}");
    assert!([there_is_none, too_early].contains(&stderr), "{stderr}");
}

#[test]
fn numbers_of_another_namespace() {
    if skip().is_some() {
        return;
    }
    let process = sleeping();
    let pid = process.pid().to_string();
    let output = tracer_by(&["unshare", "--pid", "--fork"], &["-p", &pid]);
    let said = format!(
        "cannot look for process {pid}: /proc shows another PID namespace\n  help: mount the one of this namespace: mount -t proc"
    );
    assert_says(&output, 1, &said);
    let output = tracer_by(
        &["unshare", "--pid", "--fork", "--mount-proc"],
        &["-p", &pid],
    );
    assert_says(&output, 1, &format!("there is no process {pid}\n"));
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

/// It would end anywhere, by a signal.
#[test]
fn too_little_address_space() {
    if skip().is_some() {
        return;
    }
    let program = truth();
    let limited = |kib: &str| {
        let command = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
        tracer_by(&["sh", "-c", &command], &[text(&program)])
    };
    for (kib, mib) in [("60000", "58"), ("200000", "195")] {
        let said = format!(
            "error: the address space of this shell is limited to {mib} MiB, and 256 are needed, more for large executables\n  help: raise the limit: ulimit -v"
        );
        assert_says(&limited(kib), 1, &said);
    }
    assert_says(&limited("8000000"), 0, "tracing ");
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
    assert_says(&output, 1, "CAP_SYS_PTRACE is needed too");
    std::fs::remove_file(&tracer).expect("clean up");
}
