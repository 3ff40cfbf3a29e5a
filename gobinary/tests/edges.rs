//! The cheaper sites of every function of whole programs, judged by a checker.

mod checker;
mod common;

use checker::Checker;
use common::{Mode, for_each, toolchains};
use gobinary::{CheaperSites, Executable, ExitKind};

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
    let mut figures = Figures::default();
    let mut wrong = Vec::new();
    for function in executable.functions() {
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
        if cheaper == CheaperSites::default() {
            continue;
        }
        // Either entry may be probed.
        for entry in [Some(&sites.entry), cheaper.entry.as_ref()]
            .into_iter()
            .flatten()
        {
            // Where that is the `ret`, no ways to it are needed.
            let mut cheaper = cheaper.clone();
            cheaper.exits.retain(|exit| exit.ret != entry.address);
            let checker = Checker::new(executable, function, entry, &cheaper);
            if let Err(what) = checker.check(&sites) {
                wrong.push(format!("{}: {what}", function.name));
            }
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
        assert!(figures.edges * 4 > figures.rets, "{}", program.label());
        assert!(
            figures.calls > 0 && figures.moved > 0,
            "{}",
            program.label()
        );
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
