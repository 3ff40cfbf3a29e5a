//! The command line from end to end: what is said of wrong usage, as a whole, and that options do what they promise.

#[path = "cli/classic.rs"]
mod classic;
#[path = "cli/ends.rs"]
mod ends;
#[path = "cli/instead.rs"]
mod instead;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/started.rs"]
mod started;
#[path = "cli/wrong.rs"]
mod wrong;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use gofuncgraph_tests::{
    example::{self, Server},
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
            for (from, to) in [
                (example::executable(), "server"),
                (workspace().join("example/slow.gfg"), "slow.gfg"),
            ] {
                fs::copy(from, folder.path().join(to)).expect("a copy");
            }
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

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// The server from a copy of its own, so that tests do not see each other's processes, with somebody asking it.
fn server(name: &str) -> Server {
    let path = folder().join(name);
    fs::copy(folder().join("server"), &path).expect("a copy");
    Server::start(&path, true).expect("the example")
}

const BAR: &str = "trace main.handleBar < include */internal/log* >";

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
    let diagnostics = json_lines(&output.stdout);
    let told: Vec<(&str, u64, u64, u64)> = diagnostics
        .iter()
        .map(|d| {
            assert_eq!(
                (&d["severity"], &d["file"], &d["line"]),
                (&"error".into(), &"<command line>".into(), &1.into())
            );
            let span = &d["labels"][0]["span"];
            let number = |value: &Value| value.as_u64().expect("a number");
            let code = d["code"].as_str().expect("a code");
            (
                code,
                number(&span["start"]),
                number(&span["end"]),
                number(&d["column"]),
            )
        })
        .collect();
    assert_eq!(told, [("E0303", 19, 20, 20), ("E0302", 28, 31, 29)]);

    let output = run(&["check", "--format", "json", "slow.gfg"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), "")
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
        r"\Agofuncgraph \d+\.\d+\.\d+\nLinux \d\S*: uprobe_multi (yes|no), bpf_loop (yes|no), waits for memory (yes|no), returns without single-stepping (yes|no), BTF (yes|no)\n\z",
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
    let rows = json_lines(&output.stdout);
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
    // Prices, which also decide where returns are watched, are measured anew each time.
    let plan = |args: &[&str]| {
        let explain = ["explain", "--format", "json", "--exit-sites", "ret"];
        let output = run(&[&explain, args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        ["functions", "traces", "skipped"].map(|part| {
            assert!(plan[part].is_array(), "{part}");
            plan[part].clone()
        })
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
fn colour() {
    if skip().is_some() {
        return;
    }
    let coloured = |output: Output| (output.stdout.contains(&0x1b), output.stderr.contains(&0x1b));
    let server = server("coloured");
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
