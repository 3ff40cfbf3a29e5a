//! What cannot be traced, but stands for something that can: what is said to type instead.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, spawn,
    tracer::Running,
};
use insta::assert_snapshot;

use crate::{BAR, folder, refusal, run, server, text};

/// Issue 9, point 19: commands that start the Go program.
#[test]
fn commands_that_start_it() {
    if skip().is_some() {
        return;
    }
    let script = folder().join("start.sh");
    fs::write(
        &script,
        "#!/bin/sh\n# Starts the server.\ncd . && exec \"./server\" \"$@\" >log\n",
    )
    .expect("a script");
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("permissions");
    let launch = |command: &[&str]| refusal(&[&["-e", BAR, "--"], command].concat());
    assert_snapshot!(launch(&["./start.sh"]), @"
    exit 1
    error: cannot trace ./start.sh: it is a script, not a Go executable
      help: only the launched process itself is traced, not what it starts: trace ./server by its path, gofuncgraph … ./server, and run the command in another terminal
    ");
    let through_path = launch(&["sh", "-c", "exec ./server -addr 127.0.0.1:0"]);
    let (error, help) = through_path
        .split_once('\n')
        .and_then(|(_, rest)| rest.split_once('\n'))
        .expect("lines");
    assert!(
        error.ends_with("/sh: not a Go executable: it holds no table of Go functions (.gopclntab)"),
        "{error}"
    );
    let the_server = "  help: only the launched process itself is traced, not what it starts: trace ./server by its path, gofuncgraph … ./server, and run the command in another terminal\n";
    assert_eq!(help, the_server);
    for command in [
        &["env", "X=1", "./server"][..],
        &["nice", "-n", "5", "./server"],
        &["timeout", "5", "./server"],
        &["sh", "-c", "SERVER=./server; $SERVER"],
        &["bash", "-c", "(./server&)"],
    ] {
        let told = launch(command);
        assert!(
            told.starts_with("exit 1\nerror: cannot trace ") && told.ends_with(the_server),
            "{command:?}: {told}"
        );
    }
    // What is to be typed is quoted where a shell wants that.
    fs::copy(folder().join("server"), folder().join("a server")).expect("a copy");
    let spaced = launch(&["env", "./a server"]);
    assert!(
        spaced.contains("trace './a server' by its path, gofuncgraph … './a server', and"),
        "{spaced}"
    );
    let none = launch(&["env", "true"]);
    assert!(
        none.contains(
            "trace the Go executable that it starts by its path, gofuncgraph … ./server, and run"
        ),
        "{none}"
    );

    assert_snapshot!(refusal(&["-e", BAR, "./start.sh"]), @"
    exit 1
    error: cannot trace ./start.sh: it is a script, not a Go executable
      help: trace ./server, which the script names: gofuncgraph … ./server, and run the script in another terminal
    ");
    fs::write(folder().join("main.go"), "package main\n").expect("a file");
    assert_snapshot!(refusal(&["-e", BAR, "main.go"]), @"
    exit 1
    error: cannot trace main.go: not an ELF file
      help: it is source code: build it (go build), and give the executable instead
    ");
}

/// Issue 9, point 19: `-p` of what started the Go program.
#[test]
fn processes_that_have_started_it() {
    if skip().is_some() {
        return;
    }
    let program = go::build(go::newest(), "forks", Mode::Plain);
    let path = program.to_str().expect("UTF-8");
    let shell = Running::start("sh".as_ref(), &["-c", "\"$0\" stay 1; true", path]);
    let started = [shell.wait_for("working"), shell.wait_for("working")];
    let mut pids: Vec<&str> = started
        .iter()
        .map(|line| line["working ".len()..].trim_end())
        .collect();
    pids.sort_unstable_by_key(|pid| pid.parse::<u32>().expect("a number"));
    let told = refusal(&["-e", BAR, "-p", &shell.pid().to_string()]);
    let help = format!(
        "help: it has started Go processes: {0} ({path}), {1} ({path}); trace one of them with -p, as in -p {0}, or all of them by the path of their executable\n",
        pids[0], pids[1]
    );
    assert!(
        told.starts_with(&format!(
            "exit 1\nerror: cannot trace process {} (sh), which runs /",
            shell.pid()
        )),
        "{told}"
    );
    assert!(told.ends_with(&help), "{told}\n{help}");

    let sleep = Running::start("sleep".as_ref(), &["60"]);
    let told = refusal(&["-e", BAR, "-p", &sleep.pid().to_string()]);
    assert!(
        told.contains(
            "help: it has started no Go process; to trace all processes of a Go executable"
        ),
        "{told}"
    );
}

/// Issue 9, point 19: numbers that belong to no process.
#[test]
fn numbers_of_no_process() {
    if skip().is_some() {
        return;
    }
    for wrong in ["0", "-5", "server", "2147483648", "99999999999", ""] {
        let told = refusal(&["-e", BAR, "-p", wrong]);
        assert!(told.starts_with("exit 2\nerror: "), "{told}");
        let expected = "for '--pid <PID>': it has to be the number of a process, as ps and pgrep show it; to trace all processes of an executable, give its path";
        assert!(told.contains(expected) || wrong.is_empty(), "{told}");
    }
    // The kernel's own, where /proc shows it.
    if fs::read_to_string("/proc/2/comm").is_ok_and(|name| name == "kthreadd\n") {
        assert_eq!(
            refusal(&["-e", BAR, "-p", "2"]),
            "exit 1\nerror: 2 (kthreadd) is a thread of the kernel\n"
        );
    }
    let server = server("threads");
    let pid = server.pid();
    let thread = fs::read_dir(format!("/proc/{pid}/task"))
        .expect("its threads")
        .filter_map(|thread| thread.ok()?.file_name().into_string().ok())
        .find(|thread| *thread != pid)
        .expect("more than one thread");
    assert_eq!(
        refusal(&["-e", BAR, "-p", &thread]),
        format!(
            "exit 1\nerror: {thread} (threads) is a thread, not a process\n  help: it belongs to process {pid}: -p {pid}\n"
        )
    );
    let mut zombie = spawn(Command::new("true").stdout(Stdio::null()));
    let status = format!("/proc/{}/status", zombie.id());
    while !fs::read_to_string(&status)
        .expect("its status")
        .contains("State:\tZ")
    {
        std::thread::yield_now();
    }
    assert_eq!(
        refusal(&["-e", BAR, "-p", &zombie.id().to_string()]),
        format!(
            "exit 1\nerror: process {} (true) has ended, and is a zombie until its parent, process {}, waits for it\n",
            zombie.id(),
            std::process::id()
        )
    );
    let _ = zombie.wait();
}

/// Issue 9, point 19: the number that a process has in its container.
#[test]
fn numbers_of_another_pid_namespace() {
    if skip().is_some() {
        return;
    }
    let program = folder().join("server");
    let path = program.to_str().expect("UTF-8");
    let unshare = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let server = [path, "-addr", "127.0.0.1:0"];
    let unshare = Running::start("unshare".as_ref(), &[&unshare[..], &server].concat());
    let greeting = unshare.wait_for("pid ");
    let inside = greeting
        .trim_end()
        .rsplit_once("pid ")
        .expect("its number")
        .1;
    assert_eq!(inside, "1", "{greeting}");
    let told = refusal(&["-e", BAR, "-p", inside]);
    drop(unshare);
    assert!(told.starts_with("exit 1\nerror: "), "{told}");
    let expected =
        "help: -p takes the number that ps shows where gofuncgraph runs; 1 in a container is ";
    assert!(
        told.contains(expected) && told.contains(&format!("({path})")),
        "{told}"
    );
}

/// Issue 9, point 19: a new user's mistakes.
#[test]
fn things_in_each_others_places() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(refusal(&["trace main.handleBar", "./server"]), @"
    exit 2
    error: there is no file `trace main.handleBar`
      help: write the program after -e: gofuncgraph -e 'trace main.handleBar' …
    ");
    assert_snapshot!(refusal(&["*handleBar", "./server"]), @"
    exit 2
    error: there is no file *handleBar
      help: the executable goes before the patterns: gofuncgraph … ./server '*handleBar'
    ");
    assert_snapshot!(refusal(&["./server", "slow.gfg"]), @"
    exit 2
    error: slow.gfg is where a pattern is expected
      help: a program goes before the executable: gofuncgraph slow.gfg …
    ");
    assert_snapshot!(refusal(&["-e", "slow.gfg", "./server"]), @"
    exit 2
    error: -e takes the text of a program, and slow.gfg is a file
      help: leave out -e: gofuncgraph slow.gfg …
    ");
    assert_snapshot!(refusal(&["-e", BAR, "slow.gfg", "./server"]), @"
    exit 2
    error: two programs: the one after -e, and slow.gfg
      help: give one of them
    ");
    assert_snapshot!(refusal(&["-p", "42", "./server"]), @"
    exit 2
    error: ./server is where a pattern is expected, since -p or -- already says what to trace
      help: leave out one of the two: gofuncgraph … ./server
    ");
    assert_snapshot!(refusal(&["-e", BAR, "-p", "42", "./server"]), @"
    exit 2
    error: more than one target: -p 42, ./server
      help: give one of: an executable, -p PID, -- COMMAND
    ");
    assert_snapshot!(refusal(&["-e", BAR, ""]), @"
    exit 2
    error: an argument is empty
      help: is a variable of the shell empty?
    ");
    assert_snapshot!(refusal(&["-e", BAR, "./server", "-addr", ":80"]), @"
    exit 2
    error: unexpected argument '-a' found

      tip: if it is an option of the traced program, launch that: -- ./server -addr

    Usage: gofuncgraph [OPTIONS] -e PROGRAM <EXECUTABLE | -p PID | -- COMMAND ARGS…>
           gofuncgraph [OPTIONS] FILE.gfg [EXECUTABLE | -p PID | -- COMMAND ARGS…]
           gofuncgraph [OPTIONS] [--uprobe-wildcards PATTERN]… EXECUTABLE [TARGET…]
           gofuncgraph check | explain | list | help …

    For more information, try '--help'.
    ");
    let told = refusal(&["-e", BAR, "true"]);
    assert!(told.starts_with("exit 1\nerror: cannot read true: No such file or directory (os error 2)\n  help: there is /"), "{told}");
    assert!(told.ends_with("/true\n"), "{told}");
}

/// Issue 9, point 19: subcommands that there are not.
#[test]
fn words_that_are_nearly_subcommands() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(refusal(&["explian", "-e", BAR, "./server"]), @"
    exit 2
    error: there is no file explian
      help: did you mean gofuncgraph explain …?
    ");
    assert_snapshot!(refusal(&["lits", "./server"]), @"
    exit 2
    error: there is no file lits
      help: did you mean gofuncgraph list …?
    ");
    assert_snapshot!(refusal(&["trace", "main.handleBar", "./server"]), @"
    exit 2
    error: there is no file trace
      help: tracing has no subcommand: gofuncgraph -e 'trace main.handleBar' ./server
    ");
}

/// Issue 9, point 19: the go command starts the program that is meant.
#[test]
fn the_go_command_is_not_the_program() {
    if skip().is_some() {
        return;
    }
    let go = go::newest().root.join("bin/go");
    let go = go.to_str().expect("UTF-8");
    let note = |args: &[&str]| {
        let output = run(&[&["explain", "-e", "trace main.main", "--", go], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let note = "note: this traces the go command, not the program that it builds and starts; to trace that program: ";
        let stderr = text(&output.stderr);
        stderr
            .lines()
            .find_map(|line| line.strip_prefix(note))
            .map(str::to_owned)
    };
    let build = |how: &str| Some(format!("{how} -o program, then gofuncgraph … -- ./program"));
    assert_eq!(note(&["run", "."]), build("go build"));
    assert_eq!(note(&["test", "./..."]), build("go test -c"));
    assert_eq!(note(&["vet"]), None);
}

/// What is read is not written over.
#[test]
fn graphs_are_not_written_over_what_is_read() {
    if skip().is_some() {
        return;
    }
    let executable = folder().join("kept");
    fs::copy(folder().join("server"), &executable).expect("a copy");
    fs::hard_link(&executable, folder().join("linked")).expect("a link");
    fs::write(folder().join("kept.gfg"), "trace main.handleBar").expect("a program");
    let before = fs::read(&executable).expect("the executable");
    for args in [
        &["-e", BAR, "-o", "kept", "./kept"][..],
        &["-e", BAR, "-o", "linked", "./kept"],
        &["kept.gfg", "-o", "kept.gfg", "./kept"],
    ] {
        let told = refusal(args);
        assert!(
            told.starts_with("exit 2\n") && told.contains(" would overwrite a file that is read\n"),
            "{args:?}: {told}"
        );
    }
    assert_eq!(fs::read(&executable).expect("the executable"), before);
    assert_eq!(
        fs::read_to_string(folder().join("kept.gfg")).expect("the program"),
        "trace main.handleBar"
    );
}
