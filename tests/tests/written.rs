//! A build that is written over the traced file runs without probes, however it is written and whatever the tracer is doing.
//!
//! Issue 9, case written-in-place.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use gofuncgraph_tests::{
    go::{self, Mode},
    overlays::Overlays,
    skip,
    tracer::{self, Recording, Running},
};

const PROGRAM: &str = "trace main.outer < include main.* >";

fn old() -> PathBuf {
    go::build(go::newest(), "truth", Mode::Plain)
}

/// The same program, of which nothing is where it was.
fn new() -> PathBuf {
    go::build(go::newest(), "truth", Mode::Unoptimised)
}

/// Executable memory of a process that is mapped from its executable, as far as it differs from the file.
fn foreign_bytes(process: &Running, file: &Path) -> usize {
    let me = PathBuf::from(format!("/proc/{}", process.pid()));
    let maps = fs::read_to_string(me.join("maps")).expect("maps");
    let memory = File::open(me.join("mem")).expect("memory");
    let contents = fs::read(file).expect("the file");
    let mut compared = 0;
    let mut foreign = 0;
    for line in maps
        .lines()
        .filter(|l| l.ends_with(&*file.to_string_lossy()))
    {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if !fields[1].contains('x') {
            continue;
        }
        let number = |text: &str| u64::from_str_radix(text, 16).expect("a number");
        let (start, end) = fields[0].split_once('-').expect("a range");
        let (start, offset) = (number(start), number(fields[2]) as usize);
        let expected =
            &contents[offset..contents.len().min(offset + (number(end) - start) as usize)];
        let mut found = vec![0; expected.len()];
        memory.read_exact_at(&mut found, start).expect("memory");
        compared += found.len();
        foreign += found.iter().zip(expected).filter(|(a, b)| a != b).count();
    }
    assert!(compared > 0, "no code of {} in\n{maps}", file.display());
    foreign
}

/// Runs the file, and asserts that no probe is in it.
fn assert_runs_without_probes(server: &Path, context: &str) {
    let process = Running::start(server, &["sleep"]);
    process.wait_for("pid ");
    assert_eq!(foreign_bytes(&process, server), 0, "{context}");
    process.signal("TERM");
    let (code, _, stderr) = process.finish();
    assert_eq!(code, Some(0), "{context}: {stderr}");
}

fn shell(script: &str, from: &Path, to: &Path) {
    let status = Command::new("sh")
        .args(["-c", script, "sh"])
        .args([from, to])
        .status()
        .expect("sh runs");
    assert!(status.success(), "{script}");
}

type Way = (&'static str, fn(&Path, &Path));

const WAYS: [Way; 5] = [
    ("cp", |from, to| shell("cp \"$1\" \"$2\"", from, to)),
    ("cat", |from, to| shell("cat \"$1\" > \"$2\"", from, to)),
    ("dd", |from, to| {
        shell("dd if=\"$1\" of=\"$2\" conv=notrunc status=none", from, to);
    }),
    ("truncate(2)", |from, to| {
        shell(
            "perl -e 'truncate($ARGV[1], 100) or die' \"$1\" \"$2\" && cp \"$1\" \"$2\"",
            from,
            to,
        );
    }),
    ("in pieces, in place", |from, to| {
        let mut file = OpenOptions::new().write(true).open(to).expect("open");
        for piece in fs::read(from).expect("the new build").chunks(100_000) {
            file.write_all(piece).expect("write");
        }
    }),
];

/// Without mending, what is written runs with the old build's probes, and crashes or computes something else.
fn written(dir: &Path, way: Way, environment: &[(&str, &str)], beside: impl Fn(&Recording)) {
    let (name, write) = way;
    let context = format!("{name} in {} {environment:?}", dir.display());
    let server = dir.join(tracer::temporary("written").file_name().expect("a name"));
    fs::copy(old(), &server).expect("copy");
    let path = server.display().to_string();
    let program = match environment {
        [] => PROGRAM,
        // Attaching one by one takes its time.
        _ => "trace main.outer < include main.leaf >",
    };
    let tracer = Recording::start_with(program, &[&path], environment);
    tracer.wait_for("nothing runs it yet");
    beside(&tracer);
    write(&new(), &server);
    assert_runs_without_probes(&server, &context);
    let traced = tracer.finish();
    let killed = traced.code.is_none();
    assert!(
        killed || traced.stderr.contains("is being written to"),
        "{context}: {}",
        traced.stderr
    );
    if !killed {
        assert_eq!(traced.code, Some(0), "{context}: {}", traced.stderr);
        assert_eq!(traced.end()["graphs"], 0, "{context}");
    }
    fs::remove_file(&server).expect("clean up");
}

#[test]
fn a_build_that_is_written_over_the_file_runs_without_probes() {
    if skip().is_some() {
        return;
    }
    for dir in [std::env::temp_dir(), "/dev/shm".into()] {
        for way in WAYS {
            written(&dir, way, &[], |_| {});
        }
    }
    // Where each site is an event of its own.
    let older = [("GOFUNCGRAPH_PRETEND_KERNEL", "6.1")];
    written(&std::env::temp_dir(), WAYS[0], &older, |_| {});
}

#[test]
fn so_it_does_where_the_tracer_is_stopped() {
    if skip().is_some() {
        return;
    }
    for signal in ["STOP", "TSTP"] {
        let stop = |tracer: &Recording| tracer.signal(signal);
        written(&std::env::temp_dir(), WAYS[0], &[], stop);
    }
}

#[test]
fn so_it_does_where_the_tracer_is_killed() {
    if skip().is_some() {
        return;
    }
    for _ in 0..5 {
        let kill = |tracer: &Recording| tracer.signal("KILL");
        written(&std::env::temp_dir(), WAYS[0], &[], kill);
    }
}

/// Calls up to then are shown, under their names, though the file in which these are is another one.
#[test]
fn what_was_traced_until_then_is_shown() {
    if skip().is_some() {
        return;
    }
    let server = tracer::temporary("until");
    fs::copy(old(), &server).expect("copy");
    let path = server.display().to_string();
    let tracer = Running::tracer(&["-e", "trace main.outer < include main.*; stack 3 >", &path]);
    tracer.wait_for("nothing runs it yet");
    let (code, ..) = Running::start(&server, &["calls"]).finish();
    assert_eq!(code, Some(0));
    File::create(&server).expect("cut");
    let (code, stdout, stderr) = tracer.finish();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("is being written to"), "{stderr}");
    assert!(stdout.contains("↓ runtime.main"), "{stdout}");
    assert!(stdout.contains("main.leaf()"), "{stdout}");
    fs::remove_file(&server).expect("clean up");
}

#[test]
fn a_file_that_is_open_for_writing_is_refused() {
    if skip().is_some() {
        return;
    }
    let server = tracer::temporary("open");
    fs::copy(old(), &server).expect("copy");
    let open = OpenOptions::new().append(true).open(&server).expect("open");
    let output = tracer::run(&["-e", PROGRAM, "--for", "1s", &server.display().to_string()]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is open for writing"), "{stderr}");
    drop(open);
    fs::remove_file(&server).expect("clean up");
}

/// The rest of a file that is cut cannot be read; that ends a command with its reason, and not with SIGBUS.
#[test]
fn a_file_that_is_cut_while_it_is_listed() {
    if skip().is_some() {
        return;
    }
    let server = tracer::temporary("listed");
    fs::copy(old(), &server).expect("copy");
    let mut list = Command::new(tracer::binary())
        .args(["list", "-v", &server.display().to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdout = list.stdout.take().expect("stdout");
    let mut first = [0];
    stdout.read_exact(&mut first).expect("it has begun");
    // It waits for its output to be read by now.
    std::thread::sleep(Duration::from_millis(300));
    File::create(&server).expect("cut");
    stdout.read_to_end(&mut Vec::new()).expect("the rest");
    let output = list.wait_with_output().expect("wait");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}: {stderr}", output.status);
    assert!(stderr.contains("is being written to"), "{stderr}");
    fs::remove_file(&server).expect("clean up");
}

/// Both builds, made equally long.
fn of_one_size() -> [PathBuf; 2] {
    let builds = [old(), new()];
    let size = builds
        .iter()
        .map(|build| fs::metadata(build).expect("a build").len());
    let size = size.max().expect("two builds");
    builds.map(|build| {
        let copy = tracer::temporary("size");
        fs::copy(build, &copy).expect("copy");
        let file = OpenOptions::new().write(true).open(&copy).expect("open");
        file.set_len(size).expect("made longer");
        copy
    })
}

/// Each writes, and puts the time of modification back. Behind the mount no lease makes them wait.
const BEHIND: [(&str, &str); 4] = [
    ("cp", "cp \"$1\" \"$2\""),
    ("truncate", "truncate -s 0 \"$2\"; cat \"$1\" >> \"$2\""),
    (
        "a hard link",
        "ln \"$2\" \"$2.link\"; cp \"$1\" \"$2.link\"; rm \"$2.link\"",
    ),
    ("dd", "dd if=\"$1\" of=\"$2\" conv=notrunc status=none"),
];

/// Issue 9, case written-in-place: the layers of an overlay are written to directly, so that only the time of change tells.
#[test]
fn so_it_does_where_size_and_time_of_modification_are_as_they_were() {
    if skip().is_some() {
        return;
    }
    let [old, new] = of_one_size();
    for (way, write) in BEHIND {
        for layer in ["upper", "lower"] {
            let context = format!("{way} to the {layer} file");
            let overlays = Overlays::new(&["a"], &old);
            let server = overlays.file("a");
            let behind = if layer == "upper" {
                shell("touch \"$2\"", &old, &server);
                overlays.upper("a")
            } else {
                overlays.file("lower")
            };
            let tracer = Recording::start(PROGRAM, &[&server.display().to_string()]);
            tracer.wait_for("nothing runs it yet");
            let put_back = format!(
                "set -e; touch -r \"$2\" \"$2.time\"; {write}; touch -r \"$2.time\" \"$2\""
            );
            let before = fs::metadata(&behind).expect("the file");
            shell(&put_back, &new, &behind);
            let after = fs::metadata(&behind).expect("the file");
            assert_eq!(
                (before.len(), before.modified().ok()),
                (after.len(), after.modified().ok()),
                "{context}"
            );
            tracer.wait_for("is being written to");
            let traced = tracer.finish();
            assert_eq!(traced.code, Some(0), "{context}: {}", traced.stderr);
            assert_runs_without_probes(&server, &context);
        }
    }
    for build in [old, new] {
        fs::remove_file(build).expect("clean up");
    }
}

/// Where no lease has made the writer wait, the names of callers are another build's by the time that they are looked up: they are told as
/// addresses.
#[test]
fn names_of_another_build_are_not_told() {
    if skip().is_some() {
        return;
    }
    let overlays = Overlays::new(&["a"], &old());
    let server = overlays.file("a");
    shell("touch \"$2\"", &old(), &server);
    let program = "trace main.outer < include main.*; stack 2 >";
    let tracer = Recording::start(program, &[&server.display().to_string()]);
    tracer.wait_for("nothing runs it yet");
    let target = Running::start(&server, &["many", "2", "60s"]);
    target.wait_for("all are inside");
    // It would run into what is written to its code.
    target.signal("STOP");
    shell("cp \"$1\" \"$2\"", &new(), &overlays.upper("a"));
    let traced = tracer.finish();
    target.signal("KILL");
    target.finish();
    assert!(
        traced.stderr.contains("is being written to"),
        "{}",
        traced.stderr
    );
    let graphs: Vec<_> = traced
        .lines
        .iter()
        .filter(|line| line["type"] == "graph")
        .collect();
    assert_eq!(graphs.len(), 2, "{}", traced.stderr);
    for graph in graphs {
        let root = &graph["root"];
        assert_eq!(root["function"], "main.outer", "{graph}");
        assert_eq!(root["caller"]["function"], "", "{graph}");
        assert!(root["caller"]["address"].is_string(), "{graph}");
    }
}

/// What changes a file and leaves its contents alone does not end a trace.
#[test]
fn a_change_of_mode_owner_or_name_is_none_of_the_contents() {
    if skip().is_some() {
        return;
    }
    let overlays = Overlays::new(&["a"], &old());
    let merged = overlays.file("a");
    shell("touch \"$2\"", &merged, &merged);
    let plain = tracer::temporary("changed");
    fs::copy(old(), &plain).expect("copy");
    for (server, changed) in [(&plain, &plain), (&merged, &overlays.upper("a"))] {
        let tracer = Recording::start(PROGRAM, &[&server.display().to_string()]);
        tracer.wait_for("nothing runs it yet");
        for change in [
            "chmod 700 \"$2\"",
            "chown 1:1 \"$2\"; chown 0:0 \"$2\"",
            "ln \"$2\" \"$2.link\"; rm \"$2.link\"",
            "mv \"$2\" \"$2.moved\"; mv \"$2.moved\" \"$2\"",
        ] {
            let before = fs::metadata(changed).expect("the file");
            shell(change, server, changed);
            let after = fs::metadata(changed).expect("the file");
            let ctime = |meta: &fs::Metadata| (meta.ctime(), meta.ctime_nsec());
            assert_ne!(ctime(&before), ctime(&after), "{change}");
            // The tracer looks every 250 ms.
            std::thread::sleep(Duration::from_millis(600));
            let (code, ..) = Running::start(server, &["calls"]).finish();
            assert_eq!(code, Some(0), "{change}");
        }
        tracer.signal("INT");
        let traced = tracer.finish();
        assert_eq!(traced.code, Some(0), "{}", traced.stderr);
        let mut pids: Vec<u64> = traced
            .lines
            .iter()
            .filter_map(|line| line["pid"].as_u64())
            .collect();
        pids.dedup();
        assert_eq!(pids.len(), 4, "{}: {}", server.display(), traced.stderr);
    }
    fs::remove_file(&plain).expect("clean up");
}
