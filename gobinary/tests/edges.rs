//! The cheaper sites of every function of whole programs, judged by a checker.

mod checker;
mod common;

use std::collections::HashSet;

use checker::Checker;
use common::{Mode, for_each, toolchains};
use gobinary::{CheaperSites, Executable, ExitKind, ExitWays, Function, Sites, When};

#[derive(Default)]
struct Figures {
    rets: usize,
    /// … with edges alone.
    edges: usize,
    /// … with calls.
    calls: usize,
    moved: usize,
}

fn check_all(label: &str, executable: &Executable) -> Figures {
    check_some(label, executable, |_| true)
}

fn check_some(
    label: &str,
    executable: &Executable,
    mut takes: impl FnMut(&Function<'_>) -> bool,
) -> Figures {
    let mut figures = Figures::default();
    let mut wrong = Vec::new();
    for function in executable.functions() {
        if !takes(&function) {
            continue;
        }
        let Ok((sites, cheaper)) = executable.all_sites_unchecked(&function) else {
            continue;
        };
        let rets = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
        figures.rets += rets.count();
        let calls = cheaper.exits.iter().filter(|exit| !exit.calls.is_empty());
        let calls = calls.count();
        figures.calls += calls;
        figures.edges += cheaper.exits.len() - calls;
        figures.moved += usize::from(cheaper.entry.is_some());
        if cheaper != CheaperSites::default()
            && let Err(what) = check(executable, function, &sites, &cheaper)
        {
            wrong.push(format!("{}: {what}", function.name));
        }
    }
    wrong.truncate(12);
    assert!(wrong.is_empty(), "{label}: {wrong:#?}");
    println!(
        "{label}: of {} rets {} have edges and {} calls; {} entries are moved",
        figures.rets, figures.edges, figures.calls, figures.moved
    );
    figures
}

fn check(
    executable: &Executable,
    function: Function<'_>,
    sites: &Sites,
    cheaper: &CheaperSites,
) -> Result<(), String> {
    // Either entry may be probed.
    for entry in [Some(&sites.entry), cheaper.entry.as_ref()]
        .into_iter()
        .flatten()
    {
        // Where that is the `ret`, no ways to it are needed.
        let mut cheaper = cheaper.clone();
        cheaper.exits.retain(|exit| exit.ret != entry.address);
        Checker::new(executable, function, entry, &cheaper).check(sites)?;
    }
    Ok(())
}

#[test]
fn every_function_of_a_program_of_many_shapes() {
    for_each(
        &[Mode::Default, Mode::Unoptimised, Mode::Stripped],
        |program| {
            let figures = check_all(&program.label(), &program.executable);
            assert!(figures.edges * 5 > figures.rets, "{}", program.label());
        },
    );
}

#[test]
fn every_function_of_a_server() {
    for toolchain in toolchains() {
        let program = toolchain.build_package("example", Mode::Default);
        let figures = check_all(&program.label(), &program.executable);
        assert!(figures.edges * 5 > figures.rets * 2, "{}", program.label());
        assert!(
            figures.calls > 0 && figures.moved > 0,
            "{}",
            program.label()
        );
    }
}

/// What the standard library tests itself with: its own functions, and many more that compilers and people write.
#[test]
fn every_function_of_the_standard_librarys_tests() {
    let mut seen = HashSet::new();
    if let Some(toolchain) = toolchains().last() {
        for package in ["strings", "sort", "encoding/json", "math/big", "go/parser"] {
            let program = toolchain.build_test(package);
            let new = |function: &Function<'_>| seen.insert(function.name.to_owned());
            let figures = check_some(package, &program.executable, new);
            assert!(figures.edges * 3 > figures.rets, "{package}");
        }
    }
}

/// `GOFUNCGRAPH_EXECUTABLES` names more, separated by colons.
#[test]
fn every_function_of_other_executables() {
    let list = std::env::var_os("GOFUNCGRAPH_EXECUTABLES").unwrap_or_default();
    for path in std::env::split_paths(&list).filter(|path| path.is_file()) {
        let data = std::fs::read(&path).expect("an executable");
        let executable = Executable::parse(data).expect("a Go executable");
        let label = path.display().to_string();
        let figures = check_all(&label, &executable);
        assert!(figures.edges > 0, "{label}");
    }
}

/// The checker would not be worth much if it agreed to everything.
#[test]
fn the_checker_objects_to_what_is_changed() {
    for toolchain in toolchains() {
        let program = toolchain.build(Mode::Default);
        let executable = &program.executable;
        let mut changed = [0; 6];
        for function in executable.functions() {
            let Ok((sites, cheaper)) = executable.all_sites_unchecked(&function) else {
                continue;
            };
            // With the entry where it was, every edge counts.
            let all = CheaperSites {
                entry: None,
                ..cheaper
            };
            for at in 0..all.exits.len() {
                for (kind, changed) in changed.iter_mut().enumerate() {
                    let mut wrong = all.clone();
                    if change(kind, &mut wrong.exits[at]) {
                        *changed += 1;
                        let verdict = check(executable, function, &sites, &wrong);
                        assert!(verdict.is_err(), "{} {kind}: {wrong:x?}", function.name);
                    }
                }
            }
        }
        assert!(changed.iter().all(|n| *n > 20), "{changed:?}");
    }
}

/// Makes something of a `ret`'s ways wrong, if it can be.
fn change(kind: usize, exit: &mut ExitWays) -> bool {
    let ways = exit.edges.len() + exit.calls.len();
    let edge = exit.edges.first_mut();
    let call = exit.calls.first_mut();
    match (kind, edge, call) {
        (0, Some(edge), _) => edge.depth += 8,
        (1, Some(edge), _) => {
            edge.when = match edge.when {
                When::Always => return false,
                When::Taken(condition) => When::NotTaken(condition),
                When::NotTaken(condition) => When::Taken(condition),
            }
        }
        (2, Some(edge), _) => match edge.when {
            When::Always => return false,
            When::Taken(_) | When::NotTaken(_) => edge.when = When::Always,
        },
        (3, Some(_), _) if ways > 1 => {
            exit.edges.remove(0);
        }
        (4, _, Some(call)) => call.depth += 8,
        (5, _, Some(_)) if ways > 1 => {
            exit.calls.remove(0);
        }
        _ => return false,
    }
    true
}
