//! What the system refuses, a disk that is full and limits of the shell, is told and harms nothing else.

use std::{fs, process::Command};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer,
};

use super::{command, text};

/// Nobody has to read what is said on stderr, and the graphs are what matters.
#[test]
fn a_stderr_that_takes_nothing_harms_no_trace() {
    if skip().is_some() {
        return;
    }
    let program = go::build(go::newest(), "truth", Mode::Plain);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = command(&["-e", "trace main.outer", "-o", "/dev/stdout", "--"])
        .arg(program)
        .arg("calls")
        .stderr(full)
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout).matches("── ").count(), 3);
}

/// A limit of the shell is told as one, with the totals where there are any.
#[test]
fn limits_of_the_shell() {
    if skip().is_some() {
        return;
    }
    let program = go::build(go::newest(), "truth", Mode::Plain);
    let limited = |limit: &str, args: &[&str]| {
        let output = Command::new("sh")
            .args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")])
            .arg(tracer::binary())
            .args(args)
            .output()
            .expect("sh runs");
        (output.status.code(), text(&output.stderr))
    };
    let program = program.to_str().expect("UTF-8");
    let file = tracer::temporary("limited");
    let out = file.to_str().expect("UTF-8");
    // The launched program has the limit too, and writes nothing.
    let recursion = [
        "-e",
        "trace main.outer < include main.* >",
        "-o",
        out,
        "--",
        program,
        "recursion",
        "2000",
    ];
    let (code, stderr) = limited("-f 8", &recursion);
    let _ = fs::remove_file(&file);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("\nerror: cannot write the graphs: File too large (os error 27)\n"),
        "{stderr}"
    );
    assert!(stderr.contains("\n1 graph, "), "{stderr}");

    let (code, stderr) = limited("-n 8", &["-e", "trace main.outer", program]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.ends_with("Too many open files (os error 24)\n  help: raise the limit of open files of this shell: ulimit -n 4096\n"),
        "{stderr}"
    );
}

/// What cannot be written is an error, and no panic.
#[test]
fn a_full_disk_is_an_error() {
    if skip().is_some() {
        return;
    }
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full")
    };
    for args in [
        &["--version"][..],
        &["list", "server"],
        &["check", "--format", "json", "-e", "trace main.f < min 5 >"],
    ] {
        let output = command(args)
            .stdout(full())
            .output()
            .expect("the command runs");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            text(&output.stderr).starts_with("error: "),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert!(!text(&output.stderr).contains("panicked"), "{args:?}");
    }
}
