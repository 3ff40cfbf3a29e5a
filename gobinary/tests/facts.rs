//! What executables say of themselves, over versions of Go and ways to build, against Go's own tools.

mod common;

use std::collections::BTreeMap;

use common::{Mode, Program, for_each, run_with_input};
use gobinary::{Executable, InlineFrame, Origin, TlsPlace};

/// Replaces every occurrence of some bytes by as many others.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| *w == from)
        .map(|(at, _)| at)
        .collect();
    for &at in &places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    places.len()
}

fn expected_goid(program: &Program) -> u32 {
    if matches!(program.toolchain.minor, 23 | 24) {
        0xa0
    } else {
        0x98
    }
}

/// Hides the functions whose code shows where goid is.
fn without_code_evidence(program: &Program) -> Vec<u8> {
    let mut bytes = program.bytes();
    assert!(
        replace(&mut bytes, b"\0runtime.gopark\0", b"\0runtime.gopxrk\0") > 0,
        "{}",
        program.label()
    );
    replace(
        &mut bytes,
        b"\0runtime.goroutineheader\0",
        b"\0runtime.gorxutineheader\0",
    );
    bytes
}

#[test]
fn goid_is_found_in_the_code_and_agrees_with_the_table() {
    for_each(&Mode::ALL, |program| {
        let found = program
            .executable
            .goid_offset()
            .expect("the offset of goid");
        assert_eq!(found.offset, expected_goid(program), "{}", program.label());
        let version = format!(
            "the code of runtime.gopark and of runtime.goroutineheader and the table for Go 1.{} agree",
            program.toolchain.minor
        );
        assert_eq!(found.evidence, version, "{}", program.label());
    });
}

#[test]
fn goid_is_found_in_dwarf_when_the_code_does_not_show_it() {
    for_each(
        &[Mode::Default, Mode::Pie, Mode::External, Mode::Unoptimised],
        |program| {
            let executable =
                Executable::parse(without_code_evidence(program)).expect("a Go executable");
            let found = executable.goid_offset().expect("the offset of goid");
            assert_eq!(found.offset, expected_goid(program), "{}", program.label());
            assert!(
                found.evidence.starts_with("the DWARF of runtime.g"),
                "{}: {}",
                program.label(),
                found.evidence
            );
        },
    );
}

#[test]
fn goid_comes_from_the_table_last_and_is_never_guessed() {
    for_each(&[Mode::Stripped], |program| {
        let mut bytes = without_code_evidence(program);
        let executable = Executable::parse(bytes.clone()).expect("a Go executable");
        let found = executable.goid_offset().expect("the offset of goid");
        assert_eq!(found.offset, expected_goid(program), "{}", program.label());
        assert!(
            found.evidence.starts_with("the table for Go"),
            "{}: {}",
            program.label(),
            found.evidence
        );

        assert!(
            replace(&mut bytes, b"\xff Go buildinf:", b"\xff No buildinf:") > 0,
            "{}",
            program.label()
        );
        let executable = Executable::parse(bytes).expect("a Go executable");
        assert_eq!(executable.go_version(), None, "{}", program.label());
        let error = executable
            .goid_offset()
            .expect_err("nothing says where goid is")
            .to_string();
        for what in ["runtime.gopark", "DWARF", "does not name its Go version"] {
            assert!(error.contains(what), "{}: {error}", program.label());
        }
    });
}

#[test]
fn build_information_is_what_go_version_shows() {
    for_each(
        &[
            Mode::Default,
            Mode::Pie,
            Mode::ExternalStrippedPie,
            Mode::Trimpath,
        ],
        |program| {
            let label = program.label();
            let shown = program.go(&["version", "-m"], "");
            let info = program.executable.build_info().expect("build information");
            assert!(
                shown
                    .lines()
                    .next()
                    .is_some_and(|line| line.ends_with(&info.go_version)),
                "{label}: {shown}"
            );
            let version = program
                .executable
                .go_version()
                .map(|version| (version.major, version.minor));
            assert_eq!(version, Some((1, program.toolchain.minor)), "{label}");
            assert_eq!(info.path, "example.com/shapes", "{label}");
            assert_eq!(
                info.main.as_ref().map(|main| main.path.as_str()),
                Some("example.com/shapes"),
                "{label}"
            );
            let lines: Vec<_> = shown.lines().map(str::trim).collect();
            for (key, value) in &info.settings {
                let plain = format!("build\t{key}={value}");
                let quoted = format!("build\t{key}=\"{value}\"");
                assert!(
                    lines.contains(&plain.as_str()) || lines.contains(&quoted.as_str()),
                    "{label}: {plain}"
                );
            }
            assert_eq!(
                info.settings.len(),
                lines
                    .iter()
                    .filter(|line| line.starts_with("build\t"))
                    .count(),
                "{label}"
            );
        },
    );
}

#[test]
fn functions_are_those_of_the_symbol_table() {
    for_each(
        &[Mode::Default, Mode::Pie, Mode::External, Mode::Unoptimised],
        |program| {
            let executable = &program.executable;
            let text = executable.text_range();
            let found: BTreeMap<u64, &str> =
                executable.functions().map(|f| (f.entry, f.name)).collect();
            let mut symbols = 0;
            for line in program.go(&["tool", "nm"], "").lines() {
                let columns: Vec<_> = line.split_whitespace().collect();
                let [address, kind, name] = columns[..] else {
                    continue;
                };
                let Ok(address) = u64::from_str_radix(address, 16) else {
                    continue;
                };
                let package = Executable::package(name);
                let go = [
                    "main",
                    "fmt",
                    "strconv",
                    "os",
                    "reflect",
                    "example.com/shapes/dot%2ev2",
                ]
                .contains(&package);
                if !go || !kind.eq_ignore_ascii_case("t") || !text.contains(&address) {
                    continue;
                }
                symbols += 1;
                // Symbols name the calling convention, and type arguments; tables of Go before 1.21 do neither.
                let name = name.trim_end_matches(".abi0");
                let same = |found: &str| match (found.split_once("[...]"), name.split_once('[')) {
                    (Some((a, _)), Some((b, _))) => a == b,
                    _ => found == name,
                };
                assert!(
                    found.get(&address).is_some_and(|found| same(found)),
                    "{} {name} {:?}",
                    program.label(),
                    found.get(&address)
                );
            }
            assert!(symbols > 100, "{}: only {symbols} symbols", program.label());
        },
    );
}

#[test]
fn stripping_takes_nothing_away() {
    for toolchain in common::toolchains() {
        let (full, stripped) = (
            toolchain.build(Mode::Default),
            toolchain.build(Mode::Stripped),
        );
        assert!(stripped.executable.is_stripped() && !full.executable.is_stripped());
        let facts = |program: &Program| -> Vec<(String, Option<String>, Option<u32>)> {
            let executable = &program.executable;
            let functions = executable
                .functions()
                .filter(|f| f.name.starts_with("main."));
            functions
                .map(|f| {
                    let line = executable.position(f.entry).map(|position| position.line);
                    (f.name.to_owned(), f.source_file().map(str::to_owned), line)
                })
                .collect()
        };
        assert_eq!(facts(&full), facts(&stripped), "{}", full.label());
        assert!(facts(&full).len() > 30, "{}", full.label());
        assert!(
            facts(&full)
                .iter()
                .all(|(_, file, line)| file.is_some() && line.is_some()),
            "{}",
            full.label()
        );
        let places = |program: &Program, name| program.executable.inlined().places(name).len();
        for name in [
            "main.inlined",
            "main.inlinedTwice",
            "example.com/shapes/dot%2ev2.Small",
        ] {
            assert_eq!(
                places(&full, name),
                places(&stripped, name),
                "{} {name}",
                full.label()
            );
        }
    }
}

#[test]
fn lines_are_those_of_go_tool_addr2line() {
    // Go's tool answers nothing for position-independent executables.
    for_each(
        &[
            Mode::Default,
            Mode::Stripped,
            Mode::External,
            Mode::Unoptimised,
            Mode::Trimpath,
        ],
        |program| {
            let executable = &program.executable;
            let mut addresses = Vec::new();
            for function in executable
                .functions()
                .filter(|f| f.name.starts_with("main.") || f.name.starts_with("fmt.(*pp)."))
            {
                addresses.extend(
                    (function.entry..function.end)
                        .step_by(7)
                        .filter(|&at| executable.position(at).is_some()),
                );
            }
            assert!(addresses.len() > 500, "{}", program.label());
            let input: String = addresses
                .iter()
                .map(|address| format!("{address:#x}\n"))
                .collect();
            let output = program.go(&["tool", "addr2line"], &input);
            let lines: Vec<_> = output.lines().collect();
            assert_eq!(lines.len(), addresses.len() * 2, "{}", program.label());
            for (address, pair) in addresses.iter().zip(lines.chunks(2)) {
                let position = executable.position(*address).expect("a position");
                let place = format!("{}:{}", position.file, position.line);
                assert_eq!(pair[1], place, "{} {address:#x}", program.label());
            }
        },
    );
}

/// The inline tree against DWARF, as GNU addr2line reads it.
#[test]
fn inlined_frames_are_those_of_dwarf() {
    let Ok(version) = std::process::Command::new("addr2line")
        .arg("--version")
        .output()
    else {
        println!("skipped: GNU addr2line is not installed");
        return;
    };
    assert!(version.status.success());
    for_each(&[Mode::Default, Mode::Pie], |program| {
        if program.toolchain.minor >= 25 {
            println!(
                "skipped: many a GNU addr2line cannot read the DWARF 5 of Go 1.{}",
                program.toolchain.minor
            );
            return;
        }
        let executable = &program.executable;
        let mut addresses = Vec::new();
        for function in executable
            .functions()
            .filter(|f| f.name.starts_with("main.") && !f.is_assembly())
        {
            addresses.extend(function.entry..function.end);
        }
        addresses.retain(|&at| executable.inline_frames(at).len() > 1);
        assert!(
            addresses.len() > 10,
            "{}: {}",
            program.label(),
            addresses.len()
        );
        let input: String = addresses
            .iter()
            .map(|address| format!("{address:#x}\n"))
            .collect();
        let mut command = std::process::Command::new("addr2line");
        command.args(["-a", "-i", "-f", "-e"]).arg(&program.path);
        let output = String::from_utf8_lossy(&run_with_input(&mut command, &input)).into_owned();
        // One line with the address, then two for each function.
        let answers: Vec<&str> = output.split("0x").skip(1).collect();
        assert_eq!(answers.len(), addresses.len(), "{}", program.label());
        for (address, answer) in addresses.iter().zip(answers) {
            let lines: Vec<_> = answer.lines().skip(1).collect();
            // It names the innermost function by the symbol table, which knows no inlining.
            let name = |index: usize, name: &str| {
                if index == 0 {
                    String::new()
                } else {
                    name.to_owned()
                }
            };
            let theirs: Vec<_> = lines
                .chunks(2)
                .enumerate()
                .map(|(index, pair)| {
                    (
                        name(index, pair[0]),
                        pair[1].trim_start_matches("./").to_owned(),
                    )
                })
                .collect();
            let frames = executable.inline_frames(*address);
            let place = |frame: &InlineFrame| {
                format!("{}:{}", frame.file.unwrap_or("?"), frame.line.unwrap_or(0))
            };
            let ours: Vec<_> = frames
                .iter()
                .enumerate()
                .map(|(index, frame)| (name(index, frame.name), place(frame)))
                .collect();
            assert_eq!(ours, theirs, "{} {address:#x}", program.label());
        }
    });
}

#[test]
fn inlined_functions_are_indexed_with_their_call_sites() {
    for_each(
        &[
            Mode::Default,
            Mode::Stripped,
            Mode::Pie,
            Mode::ExternalStrippedPie,
            Mode::Trimpath,
        ],
        |program| {
            let (executable, label) = (&program.executable, program.label());
            let source = include_str!("programs/shapes/main.go");
            let line_of = |text: &str| {
                source
                    .lines()
                    .position(|line| line.contains(text))
                    .map(|at| at as u32 + 1)
            };
            let calls = |name: &str| -> Vec<(String, Option<u32>)> {
                let places = executable.inlined().places(name).iter();
                places
                    .map(|place| {
                        let function = executable.function(place.function).expect("the function");
                        assert!(
                            (function.entry..function.end).contains(&place.address),
                            "{label}"
                        );
                        (
                            function.name.to_owned(),
                            executable
                                .position(place.address)
                                .map(|position| position.line),
                        )
                    })
                    .collect()
            };
            assert_eq!(
                calls("main.inlinedTwice"),
                [("main.inlines".to_owned(), line_of("a := inlinedTwice"))],
                "{label}"
            );
            let mut inlined = calls("main.inlined");
            inlined.sort();
            let mut expected = vec![
                ("main.inlines".to_owned(), line_of("b := inlined(")),
                ("main.inlines".to_owned(), line_of("return inlined(n) * 3")),
            ];
            expected.sort();
            assert_eq!(inlined, expected, "{label}");
            assert_eq!(
                calls("example.com/shapes/dot%2ev2.Small").len(),
                2,
                "{label}"
            );
            assert_eq!(calls("main.leaf"), [], "{label}");
            assert!(
                executable
                    .inlined()
                    .names()
                    .any(|name| name == "main.inlined"),
                "{label}"
            );
        },
    );
    for_each(&[Mode::Unoptimised], |program| {
        assert_eq!(
            program.executable.inlined().places("main.inlined"),
            [],
            "{}",
            program.label()
        );
    });
}

#[test]
fn functions_belong_to_the_module_or_the_standard_library() {
    for_each(
        &[Mode::Default, Mode::Trimpath, Mode::ExternalStrippedPie],
        |program| {
            let executable = &program.executable;
            for (name, origin) in [
                ("main.main", Origin::Main),
                ("example.com/shapes/dot%2ev2.Twice", Origin::Main),
                ("fmt.Fprintln", Origin::Std),
                ("strings.(*Reader).Read", Origin::Std),
                ("runtime.gopark", Origin::Std),
            ] {
                let function = executable.function_named(name).expect(name);
                assert_eq!(
                    executable.origin(&function),
                    origin,
                    "{} {name}",
                    program.label()
                );
            }
        },
    );
}

/// Issue 9, case tls-slot.
#[test]
fn the_place_of_g_is_established_by_two_sources() {
    for_each(&Mode::ALL, |program| {
        let label = program.label();
        let slot = program.executable.tls_slot().expect("where g is");
        // These programs have no other thread-local data.
        assert_eq!(slot.place, TlsPlace::Offset(-8), "{label}");
        assert!(
            slot.evidence.starts_with("the code of the runtime "),
            "{label}: {}",
            slot.evidence
        );
    });
}

/// Issue 9, case tls-slot: in a shared object the dynamic loader writes down where the thread-local data is.
#[test]
fn the_place_of_g_of_a_shared_object_is_in_its_offset_table() {
    for toolchain in common::toolchains() {
        let program = toolchain.build_package("gobinary/tests/programs/shared", Mode::CShared);
        let label = program.label();
        let slot = program.executable.tls_slot().expect("where g is");
        assert!(matches!(slot.place, TlsPlace::Got(_)), "{label}: {slot:?}");
        assert_eq!(
            slot.evidence, "the code of the runtime and the relocation of its word agree",
            "{label}"
        );
    }
}

#[test]
fn the_place_of_g_is_never_guessed() {
    for_each(&[Mode::External], |program| {
        let label = program.label();
        let mut bytes = program.bytes();
        // Of the thread-local data as the segment has it, the word that the code uses is no part.
        let tls = bytes
            .windows(4)
            .enumerate()
            .skip(64)
            .step_by(8)
            .find(|(_, word)| *word == 7_u32.to_le_bytes())
            .map(|(at, _)| at)
            .expect("PT_TLS");
        bytes[tls + 40..tls + 48].copy_from_slice(&64_u64.to_le_bytes());
        let executable = Executable::parse(bytes).expect("a Go executable");
        let error = executable.tls_slot().expect_err("contradictions");
        assert_eq!(
            error.why,
            "the code of the runtime says fs:-0x8, but the symbol runtime.tlsg is at 0x0 of 0x40 bytes of thread-local data",
            "{label}"
        );
    });
}
