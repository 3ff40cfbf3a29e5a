//! The command line from end to end: what is said of wrong usage, as a whole, and that options do what they promise.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use gofuncgraph_tests::{
    go::{self, Mode},
    skip, tracer, workspace,
};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;

/// A folder with `server` (example/) and `slow.gfg`, in which commands are run.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let example = workspace().join("example");
            let server = go::build_in(go::newest(), &example, ".", Mode::Plain);
            fs::copy(server, folder.path().join("server")).expect("a copy");
            fs::copy(example.join("slow.gfg"), folder.path().join("slow.gfg")).expect("a copy");
            folder
        })
        .path()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(tracer::binary());
    command
        .args(args)
        .current_dir(folder())
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code and all of stderr; nothing may be on stdout.
fn refusal(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(text(&output.stdout), "", "{args:?}");
    let stderr = text(&output.stderr);
    let code = output
        .status
        .code()
        .map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    format!("exit {code}\n{}", numbers_of_functions(&stderr))
}

/// How many functions there are depends on the Go version.
fn numbers_of_functions(text: &str) -> String {
    let regex = Regex::new(r"\d,\d{3} functions").expect("a pattern");
    regex.replace_all(text, "N functions").into_owned()
}

/// `server` with somebody asking for /bar all the time: a copy of its own, so that tests do not see each other's.
struct Server {
    child: Child,
    path: PathBuf,
    address: String,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Server {
    fn start(name: &str) -> Self {
        let path = folder().join(name);
        fs::copy(folder().join("server"), &path).expect("a copy");
        let mut child = Command::new(&path)
            .args(["-addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut greeting)
            .expect("a greeting");
        let address = greeting
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(',').next())
            .unwrap_or_else(|| panic!("{greeting:?}"))
            .to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..3)
            .map(|_| {
                let (stop, address) = (Arc::clone(&stop), address.clone());
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        ask(&address);
                    }
                })
            })
            .collect();
        Self {
            child,
            path,
            address,
            stop,
            clients,
        }
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server answers to a request for /bar.
fn ask(address: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let _ = write!(
            stream,
            "GET /bar HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

const BAR: &str = "trace main.handleBar < include */internal/log* >";

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
    error: the following required arguments were not provided:
      <FILE>

    Usage: gofuncgraph check <FILE>

    For more information, try '--help'.
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

      tip: to pass '--nope' as a value, use '-- --nope'

    Usage: gofuncgraph [OPTIONS] -e PROGRAM <EXECUTABLE | -p PID | -- COMMAND ARGS…>
           gofuncgraph [OPTIONS] FILE.gfg [EXECUTABLE | -p PID | -- COMMAND ARGS…]
           gofuncgraph [OPTIONS] [--uprobe-wildcards PATTERN]… EXECUTABLE [TARGET…]
           gofuncgraph check | explain | list | help …

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["--for", "0s", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value '0s' for '--for <DURATION>': it has to be longer than nothing

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
    assert_snapshot!(refusal(&["-D", "slow", "-e", BAR, "./server"]), @"
    exit 2
    error: invalid value 'slow' for '-D <NAME=VALUE>': write it as NAME=VALUE

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal(&["check", "slow.gfg", "-e", BAR]), @"
    exit 2
    error: the argument '[FILE]' cannot be used with '-e <PROGRAM>'

    Usage: gofuncgraph check <FILE>

    For more information, try '--help'.
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
    error: more than one target
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
    ");
    assert_snapshot!(refusal(&["-e", BAR, "slow.gfg"]), @"
    exit 1
    error: cannot trace slow.gfg: not an ELF file
    ");
    assert_snapshot!(refusal(&["-e", BAR, "/bin/true"]), @"
    exit 1
    error: cannot trace /bin/true: not a Go executable: it holds no table of Go functions (.gopclntab)
    ");
    assert_snapshot!(refusal(&["-e", BAR, "--", "no-such-command"]), @"
    exit 2
    error: no command `no-such-command` on the PATH
      help: write ./ before a file of this folder
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
      = a function that nothing calls, or that was inlined whole, is not in the executable
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
    let server = Server::start("contradicted");
    let message = refusal(&["-p", &server.pid(), "-e", "trace main.handleBar < pid 1 >"]);
    assert_snapshot!(message.replace(&server.pid(), "PID"), @"
    exit 2
    error: -p PID contradicts the `pid` clause of `main.handleBar`
      help: leave one of them away
    ");
}

#[test]
fn check_for_programs() {
    if skip().is_some() {
        return;
    }
    let output = run(&[
        "check",
        "--format",
        "json",
        "-e",
        "trace main.f < min 5; depth 3ms >",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "");
    let diagnostics: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let told: Vec<(&str, u64, u64)> = diagnostics
        .as_array()
        .expect("an array")
        .iter()
        .map(|d| {
            assert_eq!(d["severity"], "error");
            let span = &d["labels"][0]["span"];
            (
                d["code"].as_str().expect("a code"),
                span["start"].as_u64().expect("a number"),
                span["end"].as_u64().expect("a number"),
            )
        })
        .collect();
    assert_eq!(told, [("E0303", 19, 20), ("E0302", 28, 31)]);

    let output = run(&["check", "--format", "json", "slow.gfg"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout).trim()),
        (Some(0), "[]")
    );
}

#[test]
fn version() {
    if skip().is_some() {
        return;
    }
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    let lines = Regex::new(
        r"\Agofuncgraph \d+\.\d+\.\d+\nLinux \d\S*: uprobe_multi (yes|no), bpf_loop (yes|no), BTF (yes|no)\n\z",
    )
    .expect("a pattern");
    assert!(
        lines.is_match(&text(&output.stdout)),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn list() {
    if skip().is_some() {
        return;
    }
    assert_snapshot!(text(&run(&["list", "./server", "@main"]).stdout), @"
    example/internal/log.Debug  internal/log/log.go:12  2 sites
    main.main  main.go:14  2 sites
    main.handleFoo  main.go:33  2 sites
    main.handleBar  main.go:37  2 sites
    ");
    let nothing = run(&["list", "./server", "nothing.*"]);
    assert_eq!(
        (nothing.status.code(), text(&nothing.stdout).as_str()),
        (Some(0), "")
    );
    assert_eq!(
        text(&nothing.stderr),
        "no function of ./server matches nothing.*\n"
    );

    let output = run(&[
        "list",
        "--format",
        "json",
        "./server",
        "main.handleBar",
        "runtime.gopark",
    ]);
    let rows: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let [gopark, bar] = rows.as_slice() else {
        panic!("two rows, by address: {rows:?}");
    };
    assert_eq!(bar["function"], "main.handleBar");
    assert!(
        bar["file"]
            .as_str()
            .is_some_and(|f| f.ends_with("/example/main.go")),
        "{bar}"
    );
    assert_eq!((&bar["line"], &bar["sites"]), (&37.into(), &2.into()));
    assert!(bar["address"].as_u64() > gopark["address"].as_u64());
    assert!(bar.get("not_probed").is_none());
    assert_eq!(gopark["sites"], Value::Null);
    assert!(
        gopark["not_probed"]
            .as_str()
            .is_some_and(|r| r.contains("runtime")),
        "{gopark}"
    );
    for field in ["emulated", "tail_calls", "inlined_at"] {
        assert!(bar[field].is_u64(), "{field} in {bar}");
    }

    let all = text(&run(&["list", "./server"]).stdout);
    assert!(
        all.lines().count() > 1000 && all.contains("net/http.(*conn).serve  net/http/server.go:")
    );
}

#[test]
fn explain() {
    if skip().is_some() {
        return;
    }
    let told = text(&run(&["explain", "-e", BAR, "./server"]).stdout);
    for line in [
        "executable  ./server",
        "trace main.handleBar",
        "  1 target",
        "    main.handleBar",
        "  1 included",
        "    example/internal/log.Debug",
        "  6 sites: 2 to enter, 2 to leave, 2 in the runtime",
    ] {
        assert!(told.lines().any(|l| l == line), "{line:?} in\n{told}");
    }
    let plan: Value = serde_json::from_slice(
        &run(&["explain", "--format", "json", "-e", BAR, "./server"]).stdout,
    )
    .expect("JSON");
    let trace = &plan["traces"][0];
    let function =
        |id: &Value| plan["functions"][id.as_u64().expect("an id") as usize]["name"].clone();
    assert_eq!(trace["label"], "main.handleBar");
    assert_eq!(function(&trace["targets"][0]), "main.handleBar");
    assert_eq!(trace["sites"].as_array().map(Vec::len), Some(6));
    assert!(plan["goid_offset"].as_u64() > Some(0));
}

#[test]
fn the_original_command_line_is_a_program() {
    if skip().is_some() {
        return;
    }
    let plan = |args: &[&str]| {
        let output = run(&[&["explain", "-v"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let original = [
        "--uprobe-wildcards",
        "net/http.(*response).*",
        "--uprobe-wildcards",
        "*/internal/log*",
        "./server",
        "*handleBar",
    ];
    let program = "trace *handleBar < include net/http.(*response).*, */internal/log* >";
    assert_eq!(plan(&original), plan(&["-e", program, "./server"]));
    assert_eq!(
        plan(&[
            "--uprobe-wildcards",
            "main.handle*",
            "--exclude-vendor",
            "./server"
        ]),
        plan(&["-e", "trace main.handle* < exclude @vendor >", "./server"])
    );
}

#[test]
fn the_original_layout() {
    if skip().is_some() {
        return;
    }
    let server = Server::start("classic");
    let output = run(&[
        "--format",
        "classic",
        "--limit",
        "2",
        "--uprobe-wildcards",
        "*/internal/log*",
        server.path(),
        "*handleBar",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let graph = [
        r"^\d\d \d\d:\d\d:\d\d\.\d{4}           main\.handleBar\(\) \{ net/http\.HandlerFunc\.ServeHTTP\+\d+ /\S+/net/http/server\.go:\d+$",
        r"^\d\d \d\d:\d\d:\d\d\.\d{4}             example/internal/log\.Debug\(\) \{ main\.handleBar\+\d+ /\S+/main\.go:38$",
        r"^\d\d \d\d:\d\d:\d\d\.\d{4} 00\d\.\d{4}    \} example/internal/log\.Debug\+\d+ /\S+/log\.go:\d+$",
        r"^\d\d \d\d:\d\d:\d\d\.\d{4} 00\d\.\d{4}  \} main\.handleBar\+\d+ /\S+/main\.go:40$",
    ];
    let expected: Vec<&str> = graph.iter().chain(&["^$"]).chain(&graph).copied().collect();
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().count(), expected.len(), "{stdout}");
    for (pattern, line) in expected.iter().zip(stdout.lines()) {
        assert!(
            Regex::new(pattern).expect("a pattern").is_match(line),
            "{line:?} is not {pattern}"
        );
    }
}

#[test]
fn graphs_go_to_a_file_and_stop_at_the_limit() {
    if skip().is_some() {
        return;
    }
    let server = Server::start("limited");
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
    let written = fs::read_to_string(&file).expect("the file");
    let _ = fs::remove_file(&file);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    let lines: Vec<Value> = written
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
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

#[test]
fn colour() {
    if skip().is_some() {
        return;
    }
    let coloured = |output: Output| (output.stdout.contains(&0x1b), output.stderr.contains(&0x1b));
    let server = Server::start("coloured");
    let graphs = |when: &str, no_color: bool| {
        let mut command = command(&["--color", when, "--limit", "1", "-e", BAR, server.path()]);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        coloured(command.output().expect("the command runs"))
    };
    assert_eq!(graphs("auto", false), (false, false), "no terminal");
    assert_eq!(graphs("never", false), (false, false));
    assert!(graphs("always", false).0);
    assert!(
        graphs("always", true).0,
        "an option goes before the environment"
    );

    let wrong = ["check", "-e", "trace main.f < min 5 >", "--color", "always"];
    assert_eq!(coloured(run(&wrong)), (false, true));

    // On a terminal, which script(1) makes.
    let on_terminal = |no_color: &str| {
        let line = format!(
            "'{}' check -e 'trace main.f < min 5 >'",
            tracer::binary().display()
        );
        let mut script = Command::new("script");
        script
            .args(["-q", "-c", &line, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        if no_color.is_empty() {
            script.env_remove("NO_COLOR");
        } else {
            script.env("NO_COLOR", no_color);
        }
        let output = script.output().expect("script runs");
        assert!(
            text(&output.stdout).contains("E0303"),
            "{}",
            text(&output.stdout)
        );
        output.stdout.contains(&0x1b)
    };
    assert!(on_terminal(""));
    assert!(!on_terminal("1"));
}

/// `gofuncgraph … | head -n 1`
#[test]
fn a_reader_that_leaves_ends_the_trace() {
    if skip().is_some() {
        return;
    }
    let mut server = Server::start("left");
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
    assert!(
        server.child.try_wait().expect("wait").is_none(),
        "the target runs on"
    );
    assert!(
        ask(&server.address).starts_with("HTTP/1.1 200 "),
        "and answers"
    );
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
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
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
    let both = told(&nobody, "-all,+bpf,+perfmon");
    assert!(
        both.starts_with(
            "exit 0\ntracing 1 function (4 probe sites) of ./server; nothing runs it yet"
        ),
        "{both}"
    );
}
