//! Prints what is found in executables and how long it took: `cargo run --release --example survey FILE…`.

use std::collections::BTreeMap;
use std::time::Instant;

use gobinary::{EntryKind, Executable, Unprobeable};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        if let Err(error) = survey(&path) {
            println!("{path}: {error}");
        }
    }
    Ok(())
}

fn survey(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let data = std::fs::read(path)?;
    let megabytes = data.len() >> 20;
    let start = Instant::now();
    let executable = Executable::parse(data)?;
    let opened = start.elapsed();
    let names = executable
        .functions()
        .filter(|f| f.name.starts_with("net/http."))
        .count();
    let matched = start.elapsed();
    let some: Vec<_> = executable
        .functions()
        .filter(|f| f.name.starts_with("net/http."))
        .take(500)
        .collect();
    let probeable = some.iter().filter(|f| executable.sites(f).is_ok()).count();
    let sited = start.elapsed();
    println!(
        "{path}: {megabytes} MB, {} functions, {:?}, pie {}, stripped {}, text {:x?}",
        executable.functions().len(),
        executable.build_info().map(|info| info.go_version.as_str()),
        executable.is_pie(),
        executable.is_stripped(),
        executable.text_range(),
    );
    println!(
        "  opened {opened:.2?}, {names} names {matched:.2?}, sites of {probeable}/{} {sited:.2?}",
        some.len()
    );
    println!("  goid {:?}", executable.goid_offset());
    println!("  tls {:?}", executable.tls_slot());
    let start = Instant::now();
    let inlined = executable.inlined();
    println!(
        "  {} inlined functions at {} places, {:.2?}",
        inlined.names().len(),
        inlined.len(),
        start.elapsed()
    );
    let start = Instant::now();
    let mut kinds: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    let mut count = |kind: String, example: String| {
        let entry = kinds.entry(kind).or_default();
        entry.0 += 1;
        if entry.1.len() < 6 {
            entry.1.push(example);
        }
    };
    let (mut all, mut origins) = (0, BTreeMap::new());
    for function in executable.functions() {
        *origins
            .entry(format!("{:?}", executable.origin(&function)))
            .or_insert(0) += 1;
        all += 1;
        let unchecked = std::env::var_os("UNCHECKED").is_some();
        match if unchecked {
            executable.sites_unchecked(&function)
        } else {
            executable.sites(&function)
        } {
            Ok(sites) => {
                let name = || function.name.to_owned();
                count(
                    format!(
                        "entry {:?} emulated {}",
                        sites.entry.kind, sites.entry.instruction.emulated
                    ),
                    name(),
                );
                if sites.entry.kind == EntryKind::First && sites.entry.g_from_tls {
                    count("entry, g from TLS".to_owned(), name());
                }
                if sites.never_returns {
                    count("never returns".to_owned(), name());
                }
                if sites.writes_r14 {
                    count("writes R14".to_owned(), name());
                }
                for exit in &sites.exits {
                    match exit.kind {
                        gobinary::ExitKind::Ret => count("exit ret".to_owned(), name()),
                        gobinary::ExitKind::TailJump { target: Some(_) } => {
                            count("exit jump".to_owned(), name())
                        }
                        gobinary::ExitKind::TailJump { target: None } => {
                            count("exit computed jump".to_owned(), name())
                        }
                    }
                }
            }
            Err(reason) => {
                let text = match reason {
                    Unprobeable::RefusedByKernel { what, .. } => format!("REFUSED {what}"),
                    other => format!("{other:?}")
                        .split([' ', '{'])
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                };
                count(
                    format!("! {text}"),
                    format!("{}@{:x}", function.name, function.entry),
                );
            }
        }
    }
    println!(
        "  all {all} functions {:.2?}; origins {origins:?}",
        start.elapsed()
    );
    for (kind, (number, examples)) in kinds {
        println!("    {number:7} {kind}: {}", examples.join(" "));
    }
    Ok(())
}
