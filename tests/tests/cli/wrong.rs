//! What cannot be done, and the whole of what is said about it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use gofuncgraph_tests::{skip, tracer};
use insta::assert_snapshot;

use crate::{BAR, folder, refusal, server, text};

#[test]
fn nothing_to_do() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(refusal(&[]), @"
    exit 2
    error: nothing to trace: no program and no executable
      help: for instance: gofuncgraph -e 'trace main.handleBar' ./server (see gofuncgraph --help)
    ");
    assert_snapshot!(refusal(&["./server"]), @"
    exit 2
    error: no program: which functions are to be traced?
      help: say it with -e 'trace main.handleBar', with a .gfg file, or with patterns after the executable
    ");
    assert_snapshot!(refusal(&["-e", "trace main.handleBar"]), @"
    exit 2
    error: nothing to trace: neither the command line nor the program names a target
      help: name an executable (./server), a process (-p PID) or a command (-- ./server)
    ");
    assert_snapshot!(refusal(&["explain"]), @"
    exit 2
    error: nothing to trace: no program and no executable
      help: for instance: gofuncgraph -e 'trace main.handleBar' ./server (see gofuncgraph --help)
    ");
    assert_snapshot!(refusal(&["list"]), @"
    exit 2
    error: the following required arguments were not provided:
      <EXECUTABLE>

    Usage: gofuncgraph list <EXECUTABLE> [PATTERNS]...

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["check"]), @"
    exit 2
    error: nothing to check: no program
      help: give one: check -e PROGRAM, or check FILE.gfg
    ");
}

#[test]
fn wrong_options() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(refusal(&["--nope", "./server"]), @"
    exit 2
    error: unexpected argument '--nope' found

      tip: a similar argument exists: '--pointers'
      tip: if it is an option of the traced program, launch that: -- ./server --nope

    Usage: gofuncgraph [OPTIONS] -e PROGRAM <EXECUTABLE | -p PID | -- COMMAND ARGS…>
           gofuncgraph [OPTIONS] FILE.gfg [EXECUTABLE | -p PID | -- COMMAND ARGS…]
           gofuncgraph [OPTIONS] [--uprobe-wildcards PATTERN]… EXECUTABLE [TARGET…]
           gofuncgraph check | explain | list | help …

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["--for", "0s", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value '0s' for '--for <DURATION>': it has to be longer than 0

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["--for", "5", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value '5' for '--for <DURATION>': time unit needed, for example 5sec or 5ms; write it as a number with a unit: 500ms, 10s, 2m

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["--format", "xml", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value 'xml' for '--format <FORMAT>'
      [possible values: graph, classic, json]

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["--budget", "5", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value '5' for '--budget <SHARE>': give a percentage of one core, as in 5%, or off

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["--compensate=yes", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value 'yes' for '--compensate[=<on|off>]'
      [possible values: on, off]

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["-D", "slow", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value 'slow' for '-D <NAME=VALUE>': write it as NAME=VALUE

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["check", "slow.gfg", "-e", BAR]), @"
    exit 2
    error: two programs: slow.gfg is where the executable is expected
      help: give one of them: check -e PROGRAM, or check FILE.gfg
    ");
    assert_snapshot!(refusal(&["-e", BAR, "--uprobe-wildcards", "net/http*", "./server"]), @"
    exit 2
    error: --uprobe-wildcards and --exclude-vendor belong to the original command line, which has no program
      help: write `include` and `exclude @vendor` in the program instead
    ");
}

#[test]
fn wrong_targets() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(refusal(&["-e", BAR, "./server", "./other"]), @"
    exit 2
    error: more than one target: ./server, ./other
      help: give one of: an executable, -p PID, -- COMMAND
    ");
    assert_snapshot!(refusal(&["-e", BAR, "-p", "4194305"]), @"
    exit 1
    error: there is no process 4194305
    ");
    assert_snapshot!(refusal(&["-e", BAR, "./missing"]), @"
    exit 1
    error: cannot read ./missing: No such file or directory (os error 2)
    ");
    assert_snapshot!(refusal(&["-e", BAR, "."]), @"
    exit 1
    error: cannot read .: not a regular file
      help: it is a folder: name the executable in it
    ");
    assert_snapshot!(refusal(&["-e", BAR, "/bin/true"]), @"
    exit 1
    error: cannot trace /bin/true: not a Go executable: it holds no table of Go functions (.gopclntab)
    ");
    assert_snapshot!(refusal(&["-e", BAR, "--", "no-such-command"]), @"
    exit 2
    error: no command `no-such-command` on the PATH
      help: for a file in this folder, write ./ before its name
    ");
    assert_snapshot!(refusal(&["-e", BAR, "--", "./missing"]), @"
    exit 1
    error: cannot read ./missing: No such file or directory (os error 2)
    ");
    assert_snapshot!(refusal(&["missing.gfg", "./server"]), @"
    exit 2
    error: cannot read missing.gfg: No such file or directory (os error 2)
      help: is the path right?
    ");
    assert_snapshot!(refusal(&["-e", BAR, "-o", "/no/such/folder/graphs", "./server"]), @"
    exit 1
    error: cannot write /no/such/folder/graphs: No such file or directory (os error 2)
    ");
}

#[test]
fn wrong_programs() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(refusal(&["-e", "trace main.handleBar < min 5 >", "./server"]), @"
    exit 2
    error[E0303]: `min` needs a unit of time
      ┌─ <command line>:1:28
      │
    1 │ trace main.handleBar < min 5 >
      │                            ^ a bare number
      │
      = help: give a unit: 5ms (units: ns us ms s m h)
    ");
    assert_snapshot!(refusal(&["-e", "trace main.hadleBar", "./server"]), @"
    exit 2
    error[E0401]: no function is called `main.hadleBar`
      ┌─ <command line>:1:7
      │
    1 │ trace main.hadleBar
      │       ^^^^^^^^^^^^^ none of N functions
      │
      = a function that nothing calls, or that was inlined everywhere, is not in the executable
      = help: did you mean `main.handleBar`?
    ");
    assert_snapshot!(refusal(&["check", "-e", "trac main.f\ntrace main.g < depth 3ms; inclde x; max 1 >"]), @"
    exit 2
    error[E0102]: `trac` is not a keyword
      ┌─ <command line>:1:1
      │
    1 │ trac main.f
      │ ^^^^ unknown keyword
      │
      = help: did you mean `trace`?

    error[E0302]: `depth` takes an integer
      ┌─ <command line>:2:22
      │
    2 │ trace main.g < depth 3ms; inclde x; max 1 >
      │                      ^^^ this is a duration
      │
      = help: write depth 3

    error[E0315]: unknown clause `inclde`
      ┌─ <command line>:2:27
      │
    2 │ trace main.g < depth 3ms; inclde x; max 1 >
      │                           ^^^^^^ not a clause
      │
      = help: did you mean `include`?

    error[E0303]: `max` needs a unit of time
      ┌─ <command line>:2:41
      │
    2 │ trace main.g < depth 3ms; inclde x; max 1 >
      │                                         ^ a bare number
      │
      = help: give a unit: 1ms (units: ns us ms s m h)
    ");
    assert_snapshot!(refusal(&["-e", "trace main.handleBar < where r.Methd == \"GET\"; args r.URL.Path, x >", "./server"]), @r#"
    exit 2
    error[E0502]: `r` has no field `Methd`
      ┌─ <command line>:1:32
      │
    1 │ trace main.handleBar < where r.Methd == "GET"; args r.URL.Path, x >
      │                              - ^^^^^ no such field
      │                              │  
      │                              is of type http.Request
      │
      = its fields are Method, URL, Proto, ProtoMajor, ProtoMinor, Header, Body, GetBody, ContentLength, TransferEncoding, Close, Host, Form, PostForm, MultipartForm, Trailer, RemoteAddr, RequestURI, TLS, Cancel, …
      = help: did you mean `r.Method`?

    error[E0501]: main.handleBar has no parameter `x`
      ┌─ <command line>:1:65
      │
    1 │ trace main.handleBar < where r.Methd == "GET"; args r.URL.Path, x >
      │                                                                 ^ unknown name
      │
      = its parameters are w, r
    "#);
    assert_snapshot!(refusal(&["./server", "main.handleBar(r=(+8(%xx)):u64)"]), @"
    exit 2
    error: there is no register `%xx`
      help: the integer arguments of Go are in %ax %bx %cx %di %si %r8 %r9 %r10 %r11
    ");
    assert_snapshot!(refusal(&["./server", "main.handleBar(r=+8(%bx))"]), @"
    exit 2
    error: `r=+8(%bx)` is no register expression
      help: write a name, where it is and its type, as in n=(+8(%ax)):s64
    ");
    assert_snapshot!(refusal(&["list", "./server", "net/http.(*"]), @"
    exit 2
    error[E0110]: this `(` is never closed
      ┌─ <command line>:1:16
      │
    1 │ trace net/http.(*
      │                ^ no `)` belongs to it
    ");
    assert_snapshot!(refusal(&["check", "missing.gfg"]), @"
    exit 2
    error: cannot read missing.gfg: No such file or directory (os error 2)
      help: is the path right?
    ");
}

#[test]
fn a_pid_that_contradicts_the_program() {
    if skip().is_some() {
        return;
    }
    let server = server("contradicted");
    let message = refusal(&["-p", &server.pid(), "-e", "trace main.handleBar < pid 1 >"]);
    assert_snapshot!(message.replace(&server.pid(), "PID"), @"
    exit 2
    error: -p PID contradicts the `pid` clause of `main.handleBar`
      help: leave out one of them
    ");
}

/// The kernel really refuses, and so does the command, before it launches or attaches anything.
#[test]
fn missing_privileges_are_named() {
    if skip().is_some() {
        return;
    }
    let told = |user: &[&str], capabilities: &str| {
        // In a folder that everybody may read.
        let here = tempfile::tempdir().expect("a folder");
        let mode = PermissionsExt::from_mode(0o755);
        fs::set_permissions(here.path(), mode).expect("permissions");
        for (from, to) in [
            (tracer::binary(), "gofuncgraph"),
            (folder().join("server"), "server"),
        ] {
            fs::copy(from, here.path().join(to)).expect("a copy");
        }
        let output = Command::new("setpriv")
            .args(user)
            .args([
                format!("--inh-caps={capabilities}"),
                format!("--bounding-set={capabilities}"),
            ])
            .args((!user.is_empty()).then(|| format!("--ambient-caps={capabilities}")))
            .args([
                "./gofuncgraph",
                "-e",
                "trace main.main",
                "--for",
                "100ms",
                "./server",
            ])
            .current_dir(here.path())
            .stdin(Stdio::null())
            .output()
            .expect("setpriv runs");
        format!(
            "exit {}\n{}",
            output.status.code().unwrap_or(-1),
            text(&output.stderr)
        )
    };
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    assert_snapshot!(told(&nobody, "-all"), @"
    exit 1
    error: missing CAP_BPF and CAP_PERFMON: run as root (sudo), or give the command CAP_BPF and CAP_PERFMON
    ");
    assert_snapshot!(told(&nobody, "-all,+bpf"), @"
    exit 1
    error: missing CAP_PERFMON: run as root (sudo), or give the command CAP_BPF and CAP_PERFMON
    ");
    assert_snapshot!(told(&[], "-all"), @"
    exit 1
    error: missing CAP_BPF and CAP_PERFMON: run as root (sudo), or give the command CAP_BPF and CAP_PERFMON; in a container, the container has to be granted them
    ");
    assert_snapshot!(told(&nobody, "-all,+bpf,+perfmon"), @"
    exit 1
    error: cannot protect ./server from being overwritten while it has probes, because it belongs to another user: run as root (sudo), or give the command CAP_LEASE too (setcap cap_bpf,cap_perfmon,cap_lease+ep)
    ");
    let all = told(&nobody, "-all,+bpf,+perfmon,+lease");
    assert!(
        all.starts_with(
            "exit 0\ntracing 1 function (4 probe sites) of ./server; nothing runs it yet"
        ),
        "{all}"
    );
}

/// What is no file is told at once, and not waited for.
#[test]
fn a_pipe_is_no_executable() {
    let pipe = tracer::temporary("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let output = tracer::run(&["list", pipe.to_str().expect("UTF-8")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not a regular file"), "{said}");
    let _ = fs::remove_file(&pipe);
}
