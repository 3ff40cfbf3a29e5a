//! The original command line prints the original layout.

use std::{fs, process::Command};

use gofuncgraph_tests::{skip, tracer};
use insta::assert_snapshot;
use regex::Regex;

use crate::{folder, json_lines, run, server, text};

/// What a run prints, as its user types it, who also answers the question that the original asks. Times, offsets, and lines of Go's
/// own files are blacked out, at their widths where they are columns.
fn printed(args: &[&str]) -> String {
    let output = Command::new("sh")
        .args(["-c", r#"echo y | "$0" "$@""#])
        .arg(tracer::binary())
        .args(args)
        .current_dir(folder())
        .output()
        .expect("sh runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stderr = text(&output.stderr);
    let totals = stderr.lines().any(|line| line.starts_with("1 graph, "));
    assert!(totals, "{stderr}");
    let rules = [
        (r"(?m)^\d\d \d\d:\d\d:\d\d\.\d{4} ", "DD hh:mm:ss.mmmm "),
        (r"(?m)^(DD hh:mm:ss.mmmm) \d{3}\.\d{4} ", "$1 sss.mmmm "),
        (r"\+\d+ ", "+N "),
        (r" /\S+/src/(\S+):\d+", " /go/src/$1:N"),
        (r" /\S+/example/(\S+:\d+)", " /example/$1"),
    ];
    rules
        .iter()
        .fold(text(&output.stdout), |text, (pattern, replacement)| {
            let regex = Regex::new(pattern).expect("a rule");
            regex.replace_all(&text, *replacement).into_owned()
        })
}

/// Issue 9, point 18: the three runs that the original's page shows, with their layout.
#[test]
fn the_three_runs_of_the_original() {
    if skip().is_some() {
        return;
    }
    let server = server("original");
    let run = |wildcards: &[&str]| {
        let options: Vec<&str> = wildcards
            .iter()
            .flat_map(|wildcard| ["--uprobe-wildcards", *wildcard])
            .collect();
        let rest = [
            "--budget",
            "off",
            "--limit",
            "1",
            server.path(),
            "*handleBar",
        ];
        let printed = printed(&[&options, &rest[..]].concat());
        // Before each graph, the first too.
        let graph = printed.strip_prefix('\n').expect("a blank line");
        assert!(!graph.contains("\n\n"), "{graph}");
        graph.to_owned()
    };
    assert_snapshot!(run(&["*handleBar"]), @"
    DD hh:mm:ss.mmmm           main.handleBar() { net/http.HandlerFunc.ServeHTTP+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm  } main.handleBar+N /example/main.go:40
    ");
    assert_snapshot!(run(&["net/http*"]), @"
    DD hh:mm:ss.mmmm           main.handleBar() { net/http.HandlerFunc.ServeHTTP+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm             net/http.(*response).Write() { fmt.Fprintln+N /go/src/fmt/print.go:N
    DD hh:mm:ss.mmmm               net/http.(*response).write() { net/http.(*response).Write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                 net/http.(*conn).hijacked() { net/http.(*response).write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                   net/http.(*conn).hijacked.deferwrap1() { net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm          } net/http.(*conn).hijacked.deferwrap1+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm        } net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                 net/http.(*response).WriteHeader() { net/http.(*response).write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                   net/http.(*conn).hijacked() { net/http.(*response).WriteHeader+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                     net/http.(*conn).hijacked.deferwrap1() { net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm            } net/http.(*conn).hijacked.deferwrap1+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm          } net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                   net/http.(*response).disableWriteContinue() { net/http.(*response).WriteHeader+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm          } net/http.(*response).disableWriteContinue+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm        } net/http.(*response).WriteHeader+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm      } net/http.(*response).write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm    } net/http.(*response).Write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm  } main.handleBar+N /example/main.go:40
    ");
    assert_snapshot!(run(&["net/http*", "*/internal/log*"]), @"
    DD hh:mm:ss.mmmm           main.handleBar() { net/http.HandlerFunc.ServeHTTP+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm             example/internal/log.Debug() { main.handleBar+N /example/main.go:38
    DD hh:mm:ss.mmmm sss.mmmm    } example/internal/log.Debug+N /example/internal/log/log.go:15
    DD hh:mm:ss.mmmm             net/http.(*response).Write() { fmt.Fprintln+N /go/src/fmt/print.go:N
    DD hh:mm:ss.mmmm               net/http.(*response).write() { net/http.(*response).Write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                 net/http.(*conn).hijacked() { net/http.(*response).write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                   net/http.(*conn).hijacked.deferwrap1() { net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm          } net/http.(*conn).hijacked.deferwrap1+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm        } net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                 net/http.(*response).WriteHeader() { net/http.(*response).write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                   net/http.(*conn).hijacked() { net/http.(*response).WriteHeader+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                     net/http.(*conn).hijacked.deferwrap1() { net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm            } net/http.(*conn).hijacked.deferwrap1+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm          } net/http.(*conn).hijacked+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm                   net/http.(*response).disableWriteContinue() { net/http.(*response).WriteHeader+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm          } net/http.(*response).disableWriteContinue+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm        } net/http.(*response).WriteHeader+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm      } net/http.(*response).write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm    } net/http.(*response).Write+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm sss.mmmm  } main.handleBar+N /example/main.go:40
    ");
    // As lists are given there.
    assert_snapshot!(run(&["*/internal/log*,fmt.Fprintln"]), @"
    DD hh:mm:ss.mmmm           main.handleBar() { net/http.HandlerFunc.ServeHTTP+N /go/src/net/http/server.go:N
    DD hh:mm:ss.mmmm             example/internal/log.Debug() { main.handleBar+N /example/main.go:38
    DD hh:mm:ss.mmmm               fmt.Fprintln() { example/internal/log.Debug+N /example/internal/log/log.go:14
    DD hh:mm:ss.mmmm sss.mmmm      } fmt.Fprintln+N /go/src/fmt/print.go:N
    DD hh:mm:ss.mmmm sss.mmmm    } example/internal/log.Debug+N /example/internal/log/log.go:15
    DD hh:mm:ss.mmmm             fmt.Fprintln() { main.handleBar+N /example/main.go:39
    DD hh:mm:ss.mmmm sss.mmmm    } fmt.Fprintln+N /go/src/fmt/print.go:N
    DD hh:mm:ss.mmmm sss.mmmm  } main.handleBar+N /example/main.go:40
    ");
}

/// Issue 9, point 18: which form of the command line has which layout.
#[test]
fn only_the_original_command_line_has_its_layout() {
    if skip().is_some() {
        return;
    }
    let server = server("layouts");
    let pid = server.pid();
    let layout = |args: &[&str]| {
        let output = run(&[&["--limit", "2", "--color", "always"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("2 graphs, "), "{args:?}");
        let stdout = text(&output.stdout);
        if stdout.starts_with('\n') {
            assert!(!stdout.contains('\x1b'), "{stdout}");
            assert_eq!(stdout.matches("\n\n").count(), 1, "{stdout}");
            "classic"
        } else if stdout.contains("──") {
            "graph"
        } else {
            panic!("{args:?}: {stdout}")
        }
    };
    let path = server.path();
    for original in [
        &["--uprobe-wildcards", "main.handleBar", path][..],
        &[
            "--uprobe-wildcards=main.*",
            "--exclude-vendor=false",
            path,
            "*handleBar",
        ],
        &["-uprobe-wildcards", "main.handleBar", "-debug", path],
        &[
            "-uprobe-wildcards=main.handleBar",
            "-exclude-vendor=true",
            path,
        ],
        &["--exclude-vendor", path, "*handleBar"],
        &[path, "*handleBar"],
        &["-p", &pid, "*handleBar"],
        &["--format", "classic", "-e", "trace main.handleBar", path],
    ] {
        assert_eq!(layout(original), "classic", "{original:?}");
    }
    for other in [
        &["-e", "trace main.handleBar", path][..],
        &["slow.gfg", path],
        &["--format", "graph", path, "*handleBar"],
    ] {
        assert_eq!(layout(other), "graph", "{other:?}");
    }

    let limited = ["--limit", "1", path, "*handleBar"];
    let output = run(&[&["--format", "json"], &limited[..]].concat());
    let lines = json_lines(&output.stdout);
    let types: Vec<&str> = lines.iter().filter_map(|l| l["type"].as_str()).collect();
    assert_eq!(types, ["graph", "end"]);

    let file = tracer::temporary("classic");
    let to_file = ["-o", file.to_str().expect("UTF-8")];
    let output = run(&[&to_file, &limited[..]].concat());
    let written = fs::read_to_string(&file).expect("the file");
    let _ = fs::remove_file(&file);
    assert_eq!(
        (text(&output.stdout).as_str(), output.status.code()),
        ("", Some(0))
    );
    assert!(text(&output.stderr).contains("1 graph, "));
    let lines: Vec<&str> = written.lines().collect();
    assert!(
        matches!(lines.as_slice(), ["", entry, end]
            if entry.contains(" main.handleBar() { net/http.HandlerFunc.ServeHTTP+") && end.contains(" } main.handleBar+")),
        "{written}"
    );
}
