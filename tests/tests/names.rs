//! Names: what a pattern means by one, over versions of Go.

use std::{
    collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, process::Command,
};

use gofuncgraph_tests::{
    go::{self, Mode, Toolchain},
    skip,
    tracer::{self, Traced},
    workspace,
};
use serde_json::Value;

/// The count of each trace.
fn counts(traced: &Traced) -> BTreeMap<String, i64> {
    let lines = traced
        .lines
        .iter()
        .filter(|line| line["type"] == "aggregation");
    let count = |line: &Value| {
        let rows = line["rows"].as_array().into_iter().flatten();
        let name = line["name"].as_str().unwrap_or_default().to_owned();
        (name, rows.filter_map(|row| row["count"].as_i64()).sum())
    };
    lines.map(count).collect()
}

/// Functions that `list` finds.
fn listed(program: &str, patterns: &[&str]) -> Vec<String> {
    let arguments = [&["list", "--format", "json", program], patterns].concat();
    let output = tracer::run(&arguments);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let name = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["function"].as_str().expect("a name").to_owned()
    };
    text.lines().map(name).collect()
}

/// Issue 9, case closure-copies: calls of a function literal are those of all its copies.
#[test]
fn a_literal_is_all_its_copies() {
    if skip().is_some() {
        return;
    }
    let literals = [
        ("F", "main.f.func1"),
        ("First", "main.two.func1"),
        ("Second", "main.two.func2"),
        ("Nested", "main.nested.func1.1"),
        ("Method", "main.(*box).give.func1"),
        ("Generic", "main.generic.func1"),
        ("Alike", "main.alike.*"),
        ("Lib", "programs/closures/lib.Give.func1"),
    ];
    let mut program: String = literals
        .iter()
        .map(|(label, name)| format!("trace {name} < {label}: count >\n"))
        .collect();
    program += "trace main.starter.func1.* < Started: count >\n";
    // A caller that is a literal is all its copies, too.
    program += "trace main.tick < where caller == \"main.ticking.func1\"; Ticked: count >";
    for toolchain in go::toolchains() {
        for mode in [Mode::Plain, Mode::Stripped] {
            let context = format!("Go {} {mode:?}", toolchain.version);
            let executable = go::build(toolchain, "closures", mode);
            let traced = tracer::launch(&program, &[], &executable, &[]);
            traced.assert_complete(&context);
            let tally: Value = serde_json::from_str(&traced.stdout).expect("the program's words");
            let expected: BTreeMap<String, i64> = tally
                .as_object()
                .expect("an object")
                .iter()
                .map(|(name, count)| (name.clone(), count.as_i64().unwrap_or(-1)))
                .collect();
            assert_eq!(counts(&traced), expected, "{context}: {}", traced.stderr);

            // What the exact name of a copy selects is that copy, and what it is called is what was seen.
            let path = executable.to_str().expect("UTF-8");
            let all = listed(path, &["main.f.func1"]);
            let copies: Vec<&String> = all.iter().filter(|name| *name != "main.f.func1").collect();
            assert_eq!(
                copies.is_empty(),
                toolchain.minor() >= 27,
                "{context}: {all:?}"
            );
            for copy in copies {
                assert_eq!(listed(path, &[copy]), [copy.as_str()], "{context}");
            }
        }
    }
}

/// Issue 9, case closure-copies: of literals that nothing tells apart, what is not known is said.
#[test]
fn copies_of_an_unclear_literal_are_said() {
    let before = |toolchain: &&Toolchain| toolchain.minor() < 27;
    for toolchain in go::toolchains().iter().filter(before) {
        let executable = go::build(toolchain, "closures", Mode::Plain);
        let path = executable.to_str().expect("UTF-8");
        let both = listed(path, &["main.alike.*"]);
        assert_eq!(both.len(), 4, "Go {}: {both:?}", toolchain.version);
        assert_eq!(listed(path, &["main.alike.func1"]), ["main.alike.func1"]);
        let trace = ["check", "-e", "trace main.alike.func1", "--target", path];
        let said = String::from_utf8(tracer::run(&trace).stderr).expect("UTF-8");
        assert!(said.contains("W0406"), "Go {}: {said}", toolchain.version);
        assert!(said.contains("main.a."), "{said}");
        let trace = ["check", "-e", "trace main.alike.*", "--target", path];
        let said = String::from_utf8(tracer::run(&trace).stderr).expect("UTF-8");
        assert!(!said.contains("W0406"), "Go {}: {said}", toolchain.version);
    }
}

/// Issue 9, case closure-copies: a copy in another package that was inlined itself. Before Go 1.20 nothing tells.
#[test]
fn copies_inlined_into_another_package_are_said() {
    let since = |toolchain: &&Toolchain| toolchain.minor() >= 20;
    for toolchain in go::toolchains().iter().filter(since) {
        let executable = go::build(toolchain, "closures", Mode::Plain);
        let path = executable.to_str().expect("UTF-8");
        let trace = "trace programs/closures/lib.Make.func1";
        let trace = ["check", "-e", trace, "--target", path];
        let said = String::from_utf8(tracer::run(&trace).stderr).expect("UTF-8");
        let context = format!("Go {}: {said}", toolchain.version);
        assert!(said.contains("W0402"), "{context}");
        assert!(said.contains("main.makes"), "{context}");
    }
}

/// Issue 9, case closure-copies: a pattern for literals that are there as copies alone is led to these.
#[test]
fn copies_are_suggested_where_there_is_nothing_else() {
    let named_after_both = |toolchain: &&Toolchain| (20..27).contains(&toolchain.minor());
    for toolchain in go::toolchains().iter().filter(named_after_both) {
        let executable = go::build(toolchain, "closures", Mode::Plain);
        let path = executable.to_str().expect("UTF-8");
        for trace in ["trace main.only.func1", "trace main.only.func1*"] {
            let said = tracer::run(&["check", "-e", trace, "--target", path]).stderr;
            let said = String::from_utf8(said).expect("UTF-8");
            assert!(
                said.contains("did you mean `main.a.only.func")
                    && said.contains("was inlined everywhere, so the literal"),
                "Go {}: {said}",
                toolchain.version
            );
        }
    }
}

/// Issue 9, case generic-method-patterns: what leaves out type arguments has all instances.
#[test]
fn methods_generic_beside_their_receivers() {
    let Some(toolchain) = go::toolchains()
        .iter()
        .find(|toolchain| toolchain.minor() >= 27)
    else {
        eprintln!("skipped: no Go 1.27");
        return;
    };
    let folder = workspace().join("tests/programs/generic");
    let executable = go::build_in(toolchain, &folder, ".", Mode::Plain);
    let path = executable.to_str().expect("UTF-8");
    let string = "main.(*Box[go.shape.int]).Map[go.shape.string]";
    let empty = "main.(*Box[go.shape.int]).Map[go.shape.struct {}]";
    for pattern in [
        "main.(*Box).Map",
        "main.(*Box[...]).Map[...]",
        "main.(*Box[...]).Map",
        "main.(*Box[go.shape.int]).Map",
        "main.(*Box).Map[...]",
        "main.(*Box[*]).Map",
    ] {
        let mut found = listed(path, &[pattern]);
        found.sort();
        assert_eq!(found, [string, empty], "{pattern}");
    }
    // A name with a space is one argument, and needs no quotes of the language.
    assert_eq!(listed(path, &[empty]), [empty]);
    assert_eq!(
        listed(path, &["main.(*Box[*]).Map[go.shape.struct {}]"]),
        [empty]
    );
    assert_eq!(listed(path, &[string]), [string]);
    let pair = "main.Box[go.shape.int].Pair[go.shape.int]";
    for pattern in [
        "main.Box.Pair[...]",
        "main.Box.Pair",
        "main.Box[...].Pair",
        pair,
    ] {
        assert_eq!(listed(path, &[pattern]), [pair], "{pattern}");
    }

    for (wrong, meant) in [
        ("main.(*Box[string]).Map", string),
        ("main.Box[int].Pair[int]", pair),
        ("main.(*Box[int]).Plain", "main.(*Box[go.shape.int]).Plain"),
    ] {
        let said = tracer::run(&["check", "-e", &format!("trace {wrong}"), path]);
        assert_eq!(said.status.code(), Some(2));
        let said = String::from_utf8(said.stderr).expect("UTF-8");
        assert!(said.contains(&format!("did you mean `{meant}`")), "{said}");
        assert!(!said.contains("a function that nothing calls"), "{said}");
    }
}

/// Issue 9, case file-name-escaped: names and files are shown as source writes them, and what is shown is a pattern.
#[test]
fn symbols_are_not_shown_as_the_linker_spells_them() {
    if skip().is_some() {
        return;
    }
    let shown = "programs/escaped/yaml.v3.Parse";
    for toolchain in go::toolchains() {
        let context = format!("Go {}", toolchain.version);
        let executable = go::build(toolchain, "escaped", Mode::Plain);
        let path = executable.to_str().expect("UTF-8");
        for pattern in [
            shown,
            "programs/escaped/yaml%2ev3.Parse",
            "programs/escaped/yaml.v3/...",
            ":yaml.v3/parse.go",
        ] {
            let found = listed(path, &[pattern]);
            assert!(
                found.contains(&shown.to_owned()),
                "{context}: {pattern}: {found:?}"
            );
        }
        let list = tracer::run(&["list", path, ":yaml.v3/parse.go"]);
        let list = String::from_utf8(list.stdout).expect("UTF-8");
        assert!(!list.contains('%'), "{context}: {list}");
        // A literal that is compiled in package main keeps its folder.
        for line in list.lines() {
            assert!(
                line.contains("  escaped/yaml.v3/parse.go:"),
                "{context}: {list}"
            );
        }

        let trace = format!("trace main.main < include {shown}, main.where; stack 2 >");
        let graphs = tracer::run(&["-e", &trace, "--color", "never", "--", path]);
        let graphs = String::from_utf8(graphs.stdout).expect("UTF-8");
        assert!(
            graphs.contains("programs/escaped/yaml.v3.Parse()"),
            "{context}: {graphs}"
        );
        assert_eq!(
            graphs.matches("  escaped/yaml.v3/parse.go:").count(),
            2,
            "{context}: {graphs}"
        );
        let traced = tracer::launch(
            &format!("trace {shown} < include main.where >"),
            &[],
            &executable,
            &[],
        );
        let root = &traced.lines[0]["root"];
        assert_eq!(root["function"], shown, "{context}");
        assert_eq!(root["calls"][0]["caller"]["function"], shown, "{context}");

        let explained = tracer::run(&["explain", "-e", &format!("trace {shown}"), path]);
        let explained = String::from_utf8(explained.stdout).expect("UTF-8");
        assert!(
            explained.contains(&format!("    {shown}\n")),
            "{context}: {explained}"
        );
        let wrong = tracer::run(&["check", "-e", "trace programs/escaped/yaml.v3.Prase", path]);
        let wrong = String::from_utf8(wrong.stderr).expect("UTF-8");
        assert!(
            wrong.contains(&format!("did you mean `{shown}`?")),
            "{context}: {wrong}"
        );
    }
}

/// Issue 9, case no-build-information: each function is in one of the sets, and how it came there is said.
#[test]
fn sets_without_build_information() {
    let toolchain = go::newest();
    let executable = go::build(toolchain, "closures", Mode::NoBuildInfo);
    let path = executable.to_str().expect("UTF-8");
    let all = listed(path, &["*"]);
    let sets = ["@main", "@std", "@deps"].map(|set| listed(path, &[set]));
    assert_eq!(sets.iter().map(Vec::len).sum::<usize>(), all.len());
    assert!(
        sets[0].contains(&"programs/closures/lib.Give".to_owned()),
        "{:?}",
        sets[0]
    );
    assert!(
        sets[0]
            .iter()
            .all(|name| name.starts_with("main.") || name.starts_with("programs/"))
    );
    let notes = |program: &str| {
        let explained = tracer::run(&["explain", "-e", program, path]);
        let said = String::from_utf8(explained.stderr).expect("UTF-8");
        let plan = String::from_utf8(explained.stdout).expect("UTF-8");
        assert!(plan.contains("modules     no build information"), "{plan}");
        said.matches("N0405").count()
    };
    assert_eq!(notes("trace main.main < include @main; exclude @std >"), 1);
    assert_eq!(
        notes("set @own = @main\ntrace main.main < include @own >"),
        1
    );
    assert_eq!(notes("trace main.main < include main.* >"), 0);
}

/// Issue 9, case list-path: one way to escape names, whoever writes them.
#[test]
fn names_of_files_are_escaped_in_one_way() {
    let executable = go::build(go::newest(), "closures", Mode::Plain);
    let folder = tracer::temporary("names\nof files");
    std::fs::create_dir_all(&folder).expect("a folder");
    let odd = |name: &[u8]| folder.join(OsStr::from_bytes(name));
    let copy = odd(b"te\x1b[31mxt");
    std::fs::copy(&executable, &copy).expect("a copy");
    let program = odd(b"pro\x1bgram.gfg");
    std::fs::write(&program, "trace nosuch").expect("a program");
    let missing = odd(b"mis\x1b\nsing\xff");
    let run = |arguments: &[&OsStr]| {
        let output = Command::new(tracer::binary())
            .args(arguments)
            .output()
            .expect("it runs");
        [output.stdout, output.stderr].concat()
    };
    let word = OsStr::new::<str>;
    let (copy, program, missing) = (copy.as_os_str(), program.as_os_str(), missing.as_os_str());
    let trace = word("trace main.main");
    for (arguments, expected) in [
        (
            vec![word("list"), copy, word("nosuch")],
            "te\\x1b[31mxt matches nosuch",
        ),
        (vec![word("list"), missing], "mis\\x1b\\nsing\\xff"),
        (
            vec![word("explain"), word("-e"), trace, copy],
            "te\\x1b[31mxt",
        ),
        (vec![word("check"), program, copy], "pro\\x1bgram.gfg:1:7"),
        (vec![word("check"), missing], "mis\\x1b\\nsing\\xff"),
        (vec![word("-e"), trace, copy, copy], "te\\x1b[31mxt, "),
        (
            vec![word("-e"), trace, word("-o"), missing, copy, word("x")],
            "more than one target",
        ),
        (
            vec![word("-e"), trace, word("-D"), word("a\x1b=1"), copy],
            "no parameter `a\\x1b`",
        ),
        (
            vec![word("-e"), trace, word("--"), word("no\x1b\ncommand")],
            "no command `no\\x1b\\ncommand`",
        ),
        (vec![word("--\x1b[31mno")], "unexpected argument"),
    ] {
        let said = run(&arguments);
        let text = String::from_utf8(said.clone()).expect("UTF-8");
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert!(!text.contains('\x1b'), "{arguments:?}: {text:?}");
        let path = text.split(expected).next().unwrap_or_default();
        assert!(!path.contains("names\n"), "{arguments:?}: {text}");
    }
    std::fs::remove_dir_all(&folder).expect("it can be removed");
}

/// Issue 9: `check -e PROGRAM EXECUTABLE` is what the usage line says.
#[test]
fn check_takes_an_executable() {
    let executable = go::build(go::newest(), "closures", Mode::Plain);
    let path = executable.to_str().expect("UTF-8");
    let code = |arguments: &[&str]| tracer::run(&[&["check"], arguments].concat()).status.code();
    assert_eq!(code(&["-e", "trace main.f", path]), Some(0));
    assert_eq!(code(&["-e", "trace main.nosuch", path]), Some(2));
    assert_eq!(code(&["-e", "trace main.nosuch"]), Some(0));
    assert_eq!(
        code(&["-e", "trace main.nosuch", "--target", path]),
        Some(2)
    );
    assert_eq!(code(&["-e", "trace main.f", path, path]), Some(2));
    assert_eq!(
        code(&["-e", "trace main.f", path, "--target", path]),
        Some(2)
    );
    assert_eq!(code(&["-e", "trace main.f", "other.gfg"]), Some(2));
    assert_eq!(code(&["-e", "trace main.f", "missing-executable"]), Some(1));
    let script = workspace().join("target/names-check.gfg");
    std::fs::write(&script, "trace main.nosuch").expect("a program");
    let script: &Path = &script;
    let script = script.to_str().expect("UTF-8");
    assert_eq!((code(&[script]), code(&[script, path])), (Some(0), Some(2)));
}
