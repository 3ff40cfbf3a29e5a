//! Go code that is not in the executable: libraries that C programs load, plugins, programs built with `-linkshared`.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use gofuncgraph_tests::{
    go::{self, Toolchain},
    overlays::Overlays,
    run, skip, text,
    tracer::{self, Recording, Running, Traced},
    workspace,
};
use serde_json::Value;

fn programs() -> PathBuf {
    workspace().join("tests/programs")
}

/// A folder with what the newest Go builds: `libgo.so` and `host`, `plug.so` and `plugged`.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let go = go::newest();
        for (mode, package, name) in [
            ("c-shared", "./library", "libgo.so"),
            ("plugin", "./plugged/plug", "plug.so"),
            ("default", "./plugged", "plugged"),
        ] {
            let mode = format!("-buildmode={mode}");
            let out = folder.path().join(name);
            let out = out.to_str().expect("a path");
            run(go::command(go, &programs()).args(["build", &mode, "-o", out, package]));
        }
        run(Command::new("gcc")
            .arg("-o")
            .arg(folder.path().join("host"))
            .arg(programs().join("library/host.c"))
            .arg("-ldl"));
        folder
    });
    folder.path()
}

/// The C program, with copies of the library of these names loaded.
fn host(libraries: &[PathBuf]) -> Running {
    let mut host = Running::start(&folder().join("host"), &[]);
    host.wait_for("pid ");
    for library in libraries {
        host.say(&format!("load {}", text(library)));
        host.wait_for("loaded ");
    }
    host
}

/// A copy of the library.
fn copy(name: &str) -> PathBuf {
    let path = folder().join(name);
    fs::copy(folder().join("libgo.so"), &path).expect("a copy");
    path
}

const WORK: &str = "trace main.work < include main.part >";

/// Each graph as its functions, from the target down.
fn chains(traced: &Traced) -> Vec<Vec<String>> {
    let graphs = traced.lines.iter().filter(|line| line["type"] == "graph");
    let chain = |graph: &Value| {
        let mut call = &graph["root"];
        let mut names = Vec::new();
        while let Some(name) = call["function"].as_str() {
            names.push(name.to_owned());
            call = &call["calls"][0];
        }
        names
    };
    graphs.map(chain).collect()
}

/// Traces one call that the host makes once the tracer is there.
fn one_call(host: &mut Running, options: &[&str]) -> Traced {
    let recording = Recording::start(WORK, &[options, &["--limit", "1"]].concat());
    recording.wait_for("tracing ");
    host.say("call 5");
    host.wait_for("called 18");
    let traced = recording.finish();
    traced.assert_complete("a call in a library");
    assert_eq!(chains(&traced), [["main.work", "main.part"]]);
    assert_eq!(graph_pid(&traced), host.pid());
    traced
}

fn graph_pid(traced: &Traced) -> u32 {
    let pid = traced.lines.iter().find_map(|line| line["pid"].as_u64());
    u32::try_from(pid.expect("a graph")).expect("a process id")
}

/// Issue 9, case c-host.
#[test]
fn the_one_go_library_of_a_process_is_traced() {
    if skip().is_some() {
        return;
    }
    let library = copy("libone.so");
    let mut host = host(std::slice::from_ref(&library));
    let pid = host.pid().to_string();
    let traced = one_call(&mut host, &["-p", &pid]);
    let said = format!(
        "process {pid} runs {}, which is not a Go program; its Go code is in {}",
        text(&folder().join("host")),
        text(&library)
    );
    assert!(traced.stderr.contains(&said), "{}", traced.stderr);
    let traced = one_call(&mut host, &[text(&library)]);
    let said = format!("of {}; process {pid} has it loaded", text(&library));
    assert!(traced.stderr.contains(&said), "{}", traced.stderr);
    for name in ["libone.so", text(&library)] {
        one_call(&mut host, &["-p", &pid, "--library", name]);
    }

    let missing = tracer::run(&["-e", WORK, "-p", &pid, "--library", "libtwo.so"]);
    let stderr = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(2), "{stderr}");
    let said = format!(
        "process {pid} has not loaded libtwo.so\n  help: libraries with Go code that it has loaded: {}",
        text(&library)
    );
    assert!(stderr.contains(&said), "{stderr}");
}

/// Issue 9, case c-host: several libraries.
#[test]
fn of_several_go_libraries_one_is_to_be_named() {
    if skip().is_some() {
        return;
    }
    let (first, second) = (copy("liba.so"), copy("libb.so"));
    let mut host = host(&[first.clone(), second.clone()]);
    let pid = host.pid().to_string();
    let unclear = tracer::run(&["-e", WORK, "-p", &pid]);
    let stderr = String::from_utf8_lossy(&unclear.stderr).into_owned();
    assert_eq!(unclear.status.code(), Some(1), "{stderr}");
    for library in [&first, &second] {
        assert!(stderr.contains(text(library)), "{stderr}");
    }
    assert!(stderr.contains("--library"), "{stderr}");
    assert!(!stderr.contains("what is asked for"), "{stderr}");
    one_call(&mut host, &["-p", &pid, "--library", "libb.so"]);
}

/// The one that has the functions is named with what is to be typed, where only one has them all.
#[test]
fn of_several_go_libraries_the_one_that_is_meant_is_named() {
    if skip().is_some() {
        return;
    }
    let sources = tempfile::tempdir().expect("a folder");
    let other = folder().join("libother.so");
    let write = |name, text| fs::write(sources.path().join(name), text).expect("written");
    write("go.mod", "module other\n\ngo 1.19\n");
    write(
        "main.go",
        "package main\n\nimport \"C\"\n\n//export Serve\nfunc Serve(n C.int) C.int { return other(n) }\n\n\
         //go:noinline\nfunc other(n C.int) C.int { return n }\n\nfunc main() {}\n",
    );
    let mut build = go::command(go::newest(), sources.path());
    run(build.args(["build", "-buildmode=c-shared", "-o", text(&other), "."]));
    let first = copy("libfirst.so");
    let host = host(&[first.clone(), other.clone()]);
    let pid = host.pid().to_string();
    for (program, meant) in [
        ("trace main.other", Some(&other)),
        ("trace main.work < include main.part >", Some(&first)),
        ("trace main.Serve", None),
        ("trace main.other < include main.part >", Some(&other)),
        ("trace main.missing", None),
    ] {
        let output = tracer::run(&["-e", program, "-p", &pid]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        for library in [&first, &other] {
            assert!(stderr.contains(text(library)), "{stderr}");
        }
        let said = meant.map(|meant| {
            let library = text(meant);
            format!("in one of them: gofuncgraph … --library {library} -p {pid}\n")
        });
        let found = stderr.split_once("; what you asked for is ");
        assert_eq!(found.map(|(_, found)| found), said.as_deref(), "{program}");
    }
}

/// Issue 9, case c-host: an upgrade removes the file that a process has loaded.
#[test]
fn a_library_whose_file_is_gone_is_traced() {
    if skip().is_some() {
        return;
    }
    let library = copy("libgone.so");
    let mut host = host(std::slice::from_ref(&library));
    fs::remove_file(&library).expect("it goes");
    let pid = host.pid().to_string();
    one_call(&mut host, &["-p", &pid]);
    fs::write(&library, "another file of this name").expect("it comes");
    one_call(&mut host, &["-p", &pid, "--library", text(&library)]);
}

/// Issue 9, case overlay-copy-up, of a library.
#[test]
fn a_library_that_was_copied_up_since_it_was_loaded() {
    if skip().is_some() {
        return;
    }
    let overlays = Overlays::new(&["a"], &folder().join("libgo.so"));
    let library = overlays.file("a");
    let mut old = host(std::slice::from_ref(&library));
    let pid = old.pid().to_string();
    one_call(&mut old, &["-p", &pid]);
    run(Command::new("chmod").arg("700").arg(&library));
    for options in [
        &["-p", &pid][..],
        &["-p", &pid, "--library", text(&library)],
    ] {
        let refused = tracer::run(&[&["-e", WORK, "--for", "5s"], options].concat());
        let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{stderr}");
        let said = format!("process {pid} runs an older copy of {}", text(&library));
        assert!(stderr.contains(&said), "{stderr}");
    }
    let mut new = host(std::slice::from_ref(&library));
    let pid = new.pid().to_string();
    one_call(&mut new, &["-p", &pid]);
}

/// Issue 9, case c-host: the probes wait for the library.
#[test]
fn a_library_that_is_loaded_later_is_traced() {
    if skip().is_some() {
        return;
    }
    let library = copy("liblate.so");
    let host = folder().join("host");
    let mut recording = Recording::start(WORK, &["--library", text(&library), "--", text(&host)]);
    let told = recording.wait_for("tracing ");
    assert!(told.contains("has not loaded yet"), "{told}");
    recording.say(&format!("load {}", text(&library)));
    recording.wait_for("has loaded it");
    recording.say("call 5");
    recording.wait_for("called 18");
    let traced = recording.finish();
    traced.assert_complete("a library that is loaded later");
    assert_eq!(chains(&traced), [["main.work", "main.part"]]);

    let never = tracer::launch(WORK, &["--library", text(&library)], &host, &[]);
    assert_eq!(never.code, Some(0), "{}", never.stderr);
    let said = format!("was not seen to load {}", text(&library));
    assert!(never.stderr.contains(&said), "{}", never.stderr);
}

/// Issue 9, case plugin.
#[test]
fn functions_of_plugins() {
    if skip().is_some() {
        return;
    }
    let (plugged, plugin) = (folder().join("plugged"), folder().join("plug.so"));
    let trace = "trace programs/plugged/plug.direct < include programs/*; stack 4 >";
    let refused = tracer::launch(trace, &[], &plugged, &[text(&plugin)]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let said = format!("it is in a library: --library {}", text(&plugin));
    assert!(refused.stderr.contains(&said), "{}", refused.stderr);
    let refused = tracer::launch(trace, &[], &plugged, &[]);
    let said = "functions of plugins are in their own files";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);

    let mut recording = Recording::start(
        trace,
        &[
            "--limit",
            "1",
            "--library",
            text(&plugin),
            "--",
            text(&plugged),
            text(&plugin),
        ],
    );
    recording.wait_for("tracing ");
    recording.say("1");
    // The process is still there when the graph is drawn, so that its other files can be asked.
    recording.wait_for("goes on as process");
    let traced = recording.finish();
    traced.assert_complete("a plugin");
    let expected = [
        "programs/plugged/plug.direct",
        "programs/plugged/plug.inner",
    ];
    assert_eq!(chains(&traced), [expected]);
    let graph = &traced.lines[0];
    let callers = graph["stack"].as_array().expect("a stack");
    let named = |name: &str| callers.iter().any(|caller| caller["function"] == name);
    assert!(
        named("programs/plugged/plug.Do") && named("main.handle"),
        "{graph}"
    );
}

/// A copy of Go's own folder, into which it writes the library of its runtime.
fn shared_runtime(go: &Toolchain, folder: &Path) -> Toolchain {
    let root = folder.join("go");
    fs::create_dir_all(root.join("pkg")).expect("a folder");
    for part in ["", "pkg"] {
        for entry in fs::read_dir(go.root.join(part)).expect("Go") {
            let entry = entry.expect("an entry");
            let to = root.join(part).join(entry.file_name());
            if !to.exists() {
                symlink(entry.path(), to).expect("a link");
            }
        }
    }
    let go = Toolchain {
        root,
        version: go.version.clone(),
    };
    run(go::command(&go, folder).args(["install", "-buildmode=shared", "runtime"]));
    go
}

/// Issue 9, case linkshared: `runtime.morestack` is called through the procedure linkage table.
#[test]
fn a_program_whose_runtime_is_in_a_library() {
    if skip().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let go = shared_runtime(go::newest(), folder.path());
    let program = folder.path().join("linkshared");
    run(go::command(&go, &programs()).args([
        "build",
        "-linkshared",
        "-o",
        text(&program),
        "./linkshared",
    ]));
    let traced = tracer::launch(
        "trace main.work < include main.inner, main.deep >",
        &[],
        &program,
        &[],
    );
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    assert!(
        traced.stderr.contains("needs libruntime.so"),
        "{}",
        traced.stderr
    );
    assert!(
        traced.stdout.is_empty() && traced.stderr.contains("\n3\n"),
        "{}",
        traced.stderr
    );
    let whole = |levels| [&["main.work", "main.inner"][..], &vec!["main.deep"; levels]].concat();
    assert_eq!(chains(&traced), [whole(61), whole(61), whole(0), whole(61)]);
    let unwound = &traced.lines[2]["root"]["calls"][0]["exit"];
    assert_eq!(unwound, "unwound");

    for clause in ["args", "where n == 1"] {
        let asked = format!("trace main.work < {clause} >");
        let untyped = tracer::run(&["check", "-e", &asked, text(&program)]);
        let said = [untyped.stdout, untyped.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            said.contains("[E0508]")
                && said.contains("the go command leaves it out with -linkshared")
                && said.contains("build it without -linkshared")
                && !said.contains("-ldflags"),
            "{said}"
        );
    }

    let refused = tracer::launch(
        "trace runtime/debug.*, runtime.printint",
        &[],
        &program,
        &[],
    );
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("libruntime.so"),
        "{}",
        refused.stderr
    );
}
