//! Entry and exit sites of functions of every shape, over versions of Go and ways to build.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Mode, Program, for_each};
use gobinary::{EntryKind, Executable, ExitKind, Function, Sites, Unprobeable};

fn function<'a>(program: &'a Program, name: &str) -> Function<'a> {
    let found = program.executable.function_named(name);
    found.unwrap_or_else(|| panic!("{}: no {name}", program.label()))
}

fn sites(program: &Program, name: &str) -> Sites {
    let sites = program.executable.sites(&function(program, name));
    sites.unwrap_or_else(|reason| panic!("{}: {name}: {reason}", program.label()))
}

fn refused(program: &Program, name: &str) -> Unprobeable {
    let Err(reason) = program.executable.sites(&function(program, name)) else {
        panic!("{}: {name} should not be probed", program.label());
    };
    reason
}

#[test]
fn functions_with_a_stack_check_are_entered_behind_it() {
    for_each(&Mode::ALL, |program| {
        // Go 1.21 begins frames with `push %rbp`, which the kernel emulates; before, the check's `jbe` is the cheaper place.
        let kind = if program.toolchain.minor >= 21 {
            EntryKind::AfterCheck
        } else {
            EntryKind::Jbe
        };
        let names = [
            "caller",
            "recursive",
            "bigFrame",
            "hugeFrame",
            "manySwitch",
            "neverReturns",
            "recovers",
            "closure",
            "main",
        ];
        for name in names {
            let name = format!("main.{name}");
            let entry = sites(program, &name).entry;
            assert_eq!(entry.kind, kind, "{} {name}", program.label());
            assert!(
                entry.instruction.emulated && !entry.g_from_tls,
                "{} {name}",
                program.label()
            );
            if kind == EntryKind::AfterCheck {
                assert_eq!(
                    entry.instruction.bytes[..1],
                    [0x55],
                    "{} {name}",
                    program.label()
                );
            }
        }
    });
}

#[test]
fn functions_without_a_check_are_entered_at_their_first_instruction() {
    for_each(&Mode::ALL, |program| {
        for name in [
            "main.leaf",
            "main.fill",
            "main.point.Sum",
            "main.(*point).move",
        ] {
            let function = function(program, name);
            let entry = sites(program, name).entry;
            let expected = (function.entry, EntryKind::First);
            if program.mode != Mode::Unoptimised {
                assert_eq!(
                    (entry.address, entry.kind),
                    expected,
                    "{} {name}",
                    program.label()
                );
            }
        }
        let empty = sites(program, "main.empty");
        assert_eq!(
            empty.entry.kind,
            EntryKind::FirstIsRet,
            "{}",
            program.label()
        );
        let exits: Vec<_> = empty
            .exits
            .iter()
            .map(|exit| (exit.address, exit.kind))
            .collect();
        assert_eq!(
            exits,
            [(empty.entry.address, ExitKind::Ret)],
            "{}",
            program.label()
        );
        assert!(!empty.never_returns, "{}", program.label());
    });
}

#[test]
fn assembly_is_probed_where_that_is_sound() {
    for_each(&Mode::ALL, |program| {
        let label = program.label();
        let jumps = |name| {
            let exits = sites(program, name).exits;
            exits.iter().map(|exit| exit.kind).collect::<Vec<_>>()
        };
        let add = function(program, "main.Add").entry;
        assert_eq!(jumps("main.Add"), [ExitKind::Ret], "{label}");
        assert_eq!(
            jumps("main.JumpLast"),
            [ExitKind::Ret, ExitKind::TailJump { target: Some(add) }],
            "{label}"
        );
        assert_eq!(
            jumps("main.JumpThroughRegister"),
            [ExitKind::TailJump { target: None }],
            "{label}"
        );
        assert_eq!(
            jumps("main.JumpOnly"),
            [ExitKind::TailJump { target: Some(add) }],
            "{label}"
        );
        assert_eq!(
            refused(program, "main.LoopAtEntry"),
            Unprobeable::EntryInLoop,
            "{label}"
        );
        assert_eq!(
            refused(program, "main.FallsThrough"),
            Unprobeable::FallsThrough,
            "{label}"
        );
        for name in ["main.Breakpoint", "main.Locked"] {
            let at = function(program, name).entry;
            let reason = refused(program, name);
            assert!(
                matches!(reason, Unprobeable::RefusedByKernel { address, .. } if address == at),
                "{label} {name}"
            );
        }
        let framed = sites(program, "main.Framed");
        assert!(
            matches!(framed.entry.kind, EntryKind::AfterCheck | EntryKind::Jbe),
            "{label}"
        );
        assert!(
            framed.entry.g_from_tls && framed.exits.iter().all(|exit| exit.g_from_tls),
            "{label}"
        );
        assert!(
            sites(program, "main.UsesR14").writes_r14 && !framed.writes_r14,
            "{label}"
        );
    });
}

#[test]
fn functions_that_never_return_have_no_exits() {
    for_each(&Mode::ALL, |program| {
        for name in ["main.neverReturns", "main.endless"] {
            let sites = sites(program, name);
            // Unoptimised code keeps an unreachable `ret`.
            assert_eq!(
                sites.never_returns,
                sites.exits.is_empty(),
                "{} {name}",
                program.label()
            );
            assert!(
                sites.never_returns || program.mode == Mode::Unoptimised,
                "{} {name}",
                program.label()
            );
        }
    });
}

#[test]
fn promoted_methods_leave_by_a_jump() {
    for_each(&[Mode::Default, Mode::Pie], |program| {
        let wrapper = function(program, "main.(*promoted).Read");
        assert!(
            wrapper.is_wrapper() && !wrapper.is_abi_wrapper(),
            "{}",
            program.label()
        );
        let kinds: BTreeSet<_> = sites(program, wrapper.name)
            .exits
            .iter()
            .map(|exit| match exit.kind {
                ExitKind::Ret => "ret".to_owned(),
                ExitKind::TailJump { target } => {
                    let target = target.and_then(|target| program.executable.function_at(target));
                    target.map_or_else(
                        || "somewhere".to_owned(),
                        |function| function.name.to_owned(),
                    )
                }
            })
            .collect();
        assert!(!kinds.is_empty(), "{}", program.label());
        let expected = ["ret".to_owned(), "strings.(*Reader).Read".to_owned()];
        assert!(
            kinds.iter().all(|kind| expected.contains(kind)),
            "{}: {kinds:?}",
            program.label()
        );
    });
}

#[test]
fn abi_wrappers_are_told_from_what_they_wrap() {
    for_each(&[Mode::Default, Mode::Stripped], |program| {
        let executable = &program.executable;
        let add: Vec<_> = executable
            .functions()
            .filter(|f| f.name == "main.Add")
            .collect();
        assert_eq!(add.len(), 2, "{}", program.label());
        for function in &add {
            assert_eq!(
                function.is_abi_wrapper(),
                !function.is_assembly(),
                "{}",
                program.label()
            );
        }
        let named = executable.function_named("main.Add").expect("main.Add");
        assert!(named.is_assembly(), "{}", program.label());
    });
}

#[test]
fn the_runtime_and_the_fips_module_are_denied() {
    for_each(
        &[Mode::Default, Mode::ExternalStrippedPie, Mode::Trimpath],
        |program| {
            let label = program.label();
            for (name, reason) in [
                ("runtime.mallocgc", Unprobeable::DeniedRuntime),
                ("runtime.duffzero", Unprobeable::EnteredMidBody),
                ("memeqbody", Unprobeable::DeniedRuntime),
                ("gogo", Unprobeable::DeniedRuntime),
                ("time.now", Unprobeable::DeniedRuntime),
            ] {
                if let Some(function) = program.executable.function_named(name) {
                    assert_eq!(
                        program.executable.sites(&function),
                        Err(reason),
                        "{label} {name}"
                    );
                }
            }
            if program.toolchain.minor >= 24 {
                let fips = program
                    .executable
                    .function_named("go:textfipsstart")
                    .expect("the FIPS range");
                assert_eq!(
                    program.executable.sites(&fips),
                    Err(Unprobeable::Fips),
                    "{label}"
                );
            }
            for name in ["runtime.deferreturn", "runtime.goexit1", "runtime.gopark"] {
                let (function, entry) = program.executable.runtime_point(name).expect(name);
                assert!(
                    function.name == name && !function.is_abi_wrapper(),
                    "{label} {name}"
                );
                assert!(
                    (function.entry..function.end).contains(&entry.address),
                    "{label} {name}"
                );
            }
            assert_eq!(
                program.executable.runtime_point("runtime.noSuchFunction"),
                None
            );
        },
    );
}

/// Every function of the program, against the disassembler of Go's own tools.
#[test]
fn every_ret_that_go_disassembles_is_an_exit() {
    for_each(&[Mode::Default, Mode::Unoptimised], |program| {
        let mut rets: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        let mut starts = BTreeSet::new();
        let executable = &program.executable;
        for line in program.go(&["tool", "objdump"], "").lines() {
            // "  main.go:30	0x482c43	c3	RET"
            let columns: Vec<_> = line
                .split('\t')
                .map(str::trim)
                .filter(|column| !column.is_empty())
                .collect();
            let [_, address, _, text, ..] = columns[..] else {
                continue;
            };
            let Some(address) = address
                .strip_prefix("0x")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
            else {
                continue;
            };
            starts.insert(address);
            if let Some(function) = executable.function_at(address).filter(|_| text == "RET") {
                rets.entry(function.entry).or_default().insert(address);
            }
        }
        let mut checked = 0;
        for function in executable.functions() {
            let Ok(sites) = executable.sites(&function) else {
                continue;
            };
            let exits: BTreeSet<_> = sites
                .exits
                .iter()
                .filter(|exit| exit.kind == ExitKind::Ret)
                .map(|exit| exit.address)
                .collect();
            let label = format!("{} {}", program.label(), function.name);
            assert_eq!(
                exits,
                rets.get(&function.entry).cloned().unwrap_or_default(),
                "{label}"
            );
            assert!(starts.contains(&sites.entry.address), "{label}");
            checked += 1;
        }
        assert!(
            checked > 300,
            "{}: only {checked} functions",
            program.label()
        );
    });
}

/// What holds for every function that is said to be probeable, in every way to build.
#[test]
fn sites_are_whole_instructions_within_their_function() {
    for_each(&Mode::ALL, |program| {
        let executable: &Executable = &program.executable;
        let (mut probeable, mut emulated) = (0, 0);
        for function in executable.functions() {
            let label = || format!("{} {}", program.label(), function.name);
            let Ok(sites) = executable.sites(&function) else {
                continue;
            };
            probeable += 1;
            emulated += usize::from(sites.entry.instruction.emulated);
            let all = sites
                .exits
                .iter()
                .map(|exit| (exit.address, exit.instruction));
            let mut last = None;
            for (address, instruction) in
                std::iter::once((sites.entry.address, sites.entry.instruction)).chain(all)
            {
                assert!(
                    (function.entry..function.end).contains(&address),
                    "{}",
                    label()
                );
                let bytes = executable
                    .bytes(address, instruction.len.into())
                    .expect("the site's bytes");
                assert_eq!(
                    bytes,
                    &instruction.bytes[..instruction.len.into()],
                    "{}",
                    label()
                );
                let offset = executable
                    .file_offset(address)
                    .expect("the site's file offset");
                assert_eq!(executable.address(offset), Some(address), "{}", label());
            }
            for exit in &sites.exits {
                assert!(Some(exit.address) > last, "{}", label());
                assert_eq!(function.stack_depth(exit.address), Some(0), "{}", label());
                last = Some(exit.address);
            }
        }
        assert!(
            probeable > 300,
            "{}: only {probeable} functions can be probed",
            program.label()
        );
        assert!(
            emulated * 10 > probeable * 6,
            "{}: {emulated} of {probeable} entries are cheap",
            program.label()
        );
    });
}
