//! Debug information in a file of its own, as packages of distributions have it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gofuncgraph_tests::{
    go::{self, Toolchain},
    run, skip, text,
    tracer::{self, Recording, Running},
    workspace,
};

const TRACE: &str = "trace main.handle < args r.path, limit; ret >";

/// The stripped program `prog`, and its debug file, of these sections, in another folder, so that it is nowhere to be found.
fn build(folder: &Path, go: &Toolchain, flags: &[&str], sections: &str) -> (PathBuf, PathBuf) {
    let program = folder.join("prog");
    let away = folder.join("away");
    fs::create_dir_all(&away).expect("a folder");
    let debug = away.join("prog.debug");
    run(go::command(go, &workspace().join("tests/programs"))
        .arg("build")
        .args(flags)
        .args(["-o", text(&program), "./separate"]));
    let keep = ["--only-keep-debug", sections];
    run(Command::new("objcopy").args(keep).args([&program, &debug]));
    run(Command::new("strip").arg(&program));
    let link = format!("--add-gnu-debuglink={}", text(&debug));
    run(Command::new("objcopy").args([&link, text(&program)]));
    (program, debug)
}

/// The same of the newest Go, with this build ID.
fn with_build_id(folder: &Path, id: &str) -> (PathBuf, PathBuf) {
    let flag = format!("-ldflags=-B 0x{id}");
    build(folder, go::newest(), &[&flag], "--strip-dwo")
}

/// What is said of a trace of the program, which holds `what`.
fn explained(program: &Path, options: &[&str], code: i32, what: &str) -> String {
    let output = tracer::run(&[&["explain", "-e", TRACE, text(program)], options].concat());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(what), "{said}");
    said
}

fn assert_from(program: &Path, options: &[&str], file: &Path) {
    let line = format!("types       from {}\n", text(file));
    explained(program, options, 0, &line);
}

/// The values of one call.
fn assert_values(target: &mut Running, options: &[&str]) {
    let recording = Recording::start(TRACE, &[options, &["--limit", "1"]].concat());
    recording.wait_for("tracing ");
    target.say("3");
    target.wait_for("answer /p3!");
    let traced = recording.finish();
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let call = &traced.lines[0]["root"];
    let expected = serde_json::json!([
        { "name": "r.path", "value": "/p3" },
        { "name": "limit", "value": 30 },
    ]);
    let shown = call["args"].as_array().expect("arguments");
    for (shown, expected) in shown.iter().zip(expected.as_array().expect("a list")) {
        assert_eq!(
            (&shown["name"], &shown["value"]),
            (&expected["name"], &expected["value"]),
            "{call}"
        );
    }
    assert_eq!(shown.len(), 2, "{call}");
    assert_eq!(call["results"][0]["value"], "/p3!", "{call}");
}

/// Issue 9, case separate-debug: DWARF 4 and 5, as it is and compressed in either way, found by name.
#[test]
fn a_debug_file_is_found_by_its_name() {
    if skip().is_some() {
        return;
    }
    let all = go::toolchains();
    let builds = [
        (
            all.first().expect("Go"),
            &[][..],
            "--decompress-debug-sections",
        ),
        (
            go::newest(),
            &["-buildmode=pie"][..],
            "--compress-debug-sections=zlib",
        ),
        (
            go::newest(),
            &["-ldflags=-B gobuildid"][..],
            "--compress-debug-sections=zstd",
        ),
    ];
    for (go, flags, sections) in builds {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a path");
        let (program, debug) = build(&folder, go, flags, sections);
        let reason = "its debug information is in a separate file: prog.debug, which is neither beside the executable nor in /usr/lib/debug";
        let said = explained(&program, &[], 2, reason);
        assert!(
            said.contains("--debug-file FILE") && !said.contains("build it without"),
            "{said}"
        );

        assert_from(&program, &["--debug-file", text(&debug)], &debug);
        fs::create_dir(folder.join(".debug")).expect("a folder");
        for place in [folder.join(".debug/prog.debug"), folder.join("prog.debug")] {
            fs::copy(&debug, &place).expect("a copy");
            assert_from(&program, &[], &place);
        }
        let mut target = Running::start(&program, &[]);
        target.wait_for("pid ");
        let pid = target.pid().to_string();
        assert_values(&mut target, &["-p", &pid]);
        assert_values(&mut target, &[text(&program)]);
    }
}

/// Issue 9, case separate-debug: a process in a root of its own has its debug files there, by build ID.
#[test]
fn a_debug_file_is_found_by_build_id_in_the_root_of_a_process() {
    if skip().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (program, debug) = with_build_id(folder.path(), "0123456789abcdef");
    run(Command::new("objcopy").args(["--remove-section=.gnu_debuglink", text(&program)]));
    let root = folder.path().join("root");
    let store = root.join("usr/lib/debug/.build-id/01");
    fs::create_dir_all(&store).expect("a folder");
    fs::copy(&debug, store.join("23456789abcdef.debug")).expect("a copy");
    fs::copy(&program, root.join("prog")).expect("a copy");
    let mut target = Running::start(Path::new("chroot"), &[text(&root), "/prog"]);
    target.wait_for("pid ");
    let pid = target.pid().to_string();
    assert_values(&mut target, &["-p", &pid]);
}

/// Issue 9, case separate-debug: what is of another build is refused, by build ID and by checksum.
#[test]
fn a_debug_file_of_another_build_is_refused() {
    if skip().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (program, debug) = with_build_id(folder.path(), "1111111111");
    let other = tempfile::tempdir().expect("a folder");
    let (_, other) = with_build_id(other.path(), "2222222222");
    let beside = folder.path().join("prog.debug");
    fs::copy(&other, &beside).expect("a copy");
    let reason = "it is of another build (build ID 2222222222, and not 1111111111)";
    explained(&program, &[], 2, reason);
    explained(&program, &["--debug-file", text(&beside)], 1, reason);

    // Without build IDs, the checksum tells.
    for file in [&program, &debug] {
        run(Command::new("objcopy").args([
            "--remove-section=.note.gnu.build-id",
            "--remove-section=.note.go.buildid",
            text(file),
        ]));
    }
    let reason = "it is of another build (its checksum is ";
    explained(&program, &["--debug-file", text(&debug)], 1, reason);
    explained(&program, &["--debug-file", text(&program)], 1, "");
}
