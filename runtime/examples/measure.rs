//! What `cargo xtask bench` cannot measure through the command: an empty eBPF program at the same sites, attaching and detaching by
//! themselves, and the parts of the time until tracing starts. Prints JSON; needs root.
//!
//! ```text
//! measure empty EXECUTABLE PLAN                  attaches at the sites of a plan (a file, as `explain --format json` writes it), says
//!                                                so, and detaches at the end of its standard input
//! measure attach EXECUTABLE PROGRAM ROUNDS N…    attaches and detaches N of the program's sites
//! measure start EXECUTABLE PROGRAM ROUNDS        everything up to attaching, part by part
//! measure plan EXECUTABLE PROGRAM ROUNDS         how many functions the plan has, how long planning takes and all processors work
//! measure code EXECUTABLE FUNCTION…              addresses of the functions' first instructions and `ret`s
//! ```

#![allow(unsafe_code)]

#[allow(dead_code)]
#[path = "../src/sys.rs"]
mod sys;

use std::{
    error::Error,
    ffi::CString,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::Instant,
};

use aya_obj::generated::{bpf_attach_type, bpf_insn, bpf_prog_type};
use compiler::{
    Source,
    plan::{Plan, Site},
};
use gobinary::{Executable, ExitKind};
use runtime::{Binary, Options, Tracer};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["empty", executable, plan] => empty(Path::new(executable), Path::new(plan)),
        ["attach", executable, program, rounds, counts @ ..] => {
            let counts = counts
                .iter()
                .map(|n| n.parse())
                .collect::<std::result::Result<Vec<usize>, _>>()?;
            print(&attach(
                Path::new(executable),
                program,
                rounds.parse()?,
                &counts,
            )?)
        }
        ["start", executable, program, rounds] => {
            print(&start(Path::new(executable), program, rounds.parse()?)?)
        }
        ["plan", executable, program, rounds] => {
            print(&plan(Path::new(executable), program, rounds.parse()?)?)
        }
        ["code", executable, functions @ ..] => print(&code(Path::new(executable), functions)?),
        _ => Err("usage: measure empty|attach|start|plan|code …".into()),
    }
}

fn print(value: &Value) -> Result<()> {
    Ok(writeln!(io::stdout(), "{value}")?)
}

fn compile(program: &str, executable: &Executable) -> Result<Plan> {
    let source = Source::new("<command line>", program);
    compiler::compile(&source, &[], executable, &compiler::Options::default())
        .map(|(plan, _)| plan)
        .map_err(|diagnostics| compiler::diagnostics::report(&source, &diagnostics, false).into())
}

fn load(path: &Path, program: &str) -> Result<(Binary, Plan)> {
    let binary = Binary::open(path)?;
    let plan = compile(program, &Executable::parse(binary.bytes())?)?;
    Ok((binary, plan))
}

/// `mov r0, 0; exit`
fn load_empty() -> io::Result<OwnedFd> {
    const MOV64_IMMEDIATE: u8 = 0xb7;
    const EXIT: u8 = 0x95;
    let instructions = [MOV64_IMMEDIATE, EXIT].map(|code| {
        // SAFETY: a C struct of integers: all zeroes is a value.
        let mut instruction: bpf_insn = unsafe { std::mem::zeroed() };
        instruction.code = code;
        instruction
    });
    let mut attr = sys::zeroed();
    // SAFETY: BPF_PROG_LOAD uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_3 };
    fields.prog_type = bpf_prog_type::BPF_PROG_TYPE_KPROBE as u32;
    fields.expected_attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
    fields.insns = instructions.as_ptr() as u64;
    fields.insn_cnt = instructions.len() as u32;
    fields.license = c"GPL".as_ptr() as u64;
    sys::load_program(&attr)
}

fn empty(executable: &Path, plan: &Path) -> Result<()> {
    let plan: Value = serde_json::from_slice(&std::fs::read(plan)?)?;
    let sites = || {
        let traces = plan["traces"].as_array().into_iter().flatten();
        traces.flat_map(|trace| trace["sites"].as_array().into_iter().flatten())
    };
    let numbers = |field: &str| -> Result<Vec<u64>> {
        let numbers: Option<Vec<u64>> = sites().map(|site| site[field].as_u64()).collect();
        Ok(numbers.ok_or("a site without a number")?)
    };
    let offsets = numbers("file_offset")?;
    let path = CString::new(executable.to_string_lossy().into_owned())?;
    let loaded = load_empty()?;
    let link = sys::link_uprobe_multi(loaded.as_fd(), &path, &offsets, &numbers("cookie")?, 0)?;
    print(&json!({ "attached": offsets.len() }))?;
    io::stdin().read_to_end(&mut Vec::new())?;
    drop(link);
    Ok(())
}

/// Every count is measured in every round: sites that follow one another, and sites spread over the whole program.
fn attach(executable: &Path, program: &str, rounds: usize, counts: &[usize]) -> Result<Value> {
    let (binary, plan) = load(executable, program)?;
    let all = plan.traces.first().ok_or("no trace")?.sites.clone();
    let most = counts.iter().copied().max().unwrap_or(0);
    if all.len() < most {
        return Err(format!("the program has {} sites only", all.len()).into());
    }
    let cases: Vec<(usize, bool)> = counts
        .iter()
        .flat_map(|n| [(*n, false), (*n, true)])
        .collect();
    let mut times = vec![Vec::new(); cases.len()];
    let mut tracer = Tracer::load(&plan, None, Options::default())?;
    for _ in 0..rounds {
        for ((count, spread), times) in cases.iter().zip(&mut times) {
            let mut part = plan.clone();
            part.traces[0].sites = choose(&all, *count, *spread);
            let started = Instant::now();
            let attachment = tracer.attach(&part, &binary, None, &mut |_, _| {})?;
            let attached = Instant::now();
            tracer.detach();
            let detached = Instant::now();
            if attachment.sites != *count {
                return Err(format!("{} of {count} sites attached", attachment.sites).into());
            }
            times.push((attached - started, detached - attached));
        }
    }
    Ok(cases
        .iter()
        .zip(times)
        .map(|((sites, spread), times)| {
            let (attach, detach): (Vec<_>, Vec<_>) = times
                .iter()
                .map(|(a, d)| (a.as_nanos() as u64, d.as_nanos() as u64))
                .unzip();
            json!({ "sites": sites, "spread": spread, "attach_ns": attach, "detach_ns": detach })
        })
        .collect())
}

fn choose(all: &[Site], count: usize, spread: bool) -> Vec<Site> {
    if spread {
        (0..count)
            .filter_map(|n| all.get(n * all.len() / count).copied())
            .collect()
    } else {
        let first = (all.len() - count) / 2;
        all.iter().skip(first).take(count).copied().collect()
    }
}

fn start(executable: &Path, program: &str, rounds: usize) -> Result<Value> {
    let names = ["read", "compile", "load", "attach"];
    let mut times = vec![Vec::new(); names.len()];
    for _ in 0..rounds {
        let begun = Instant::now();
        let binary = Binary::open(executable)?;
        let parsed = Executable::parse(binary.bytes())?;
        let read = Instant::now();
        let plan = compile(program, &parsed)?;
        let compiled = Instant::now();
        let mut tracer = Tracer::load(&plan, None, Options::default())?;
        let loaded = Instant::now();
        tracer.attach(&plan, &binary, None, &mut |_, _| {})?;
        let attached = Instant::now();
        let points = [begun, read, compiled, loaded, attached];
        for (times, pair) in times.iter_mut().zip(points.windows(2)) {
            times.push((pair[1] - pair[0]).as_nanos() as u64);
        }
    }
    Ok(names
        .iter()
        .zip(times)
        .map(|(name, times)| json!({ "part": name, "ns": times }))
        .collect())
}

fn plan(executable: &Path, program: &str, rounds: usize) -> Result<Value> {
    let binary = Binary::open(executable)?;
    let source = Source::new("<command line>", program);
    let options = compiler::Options {
        placement: compiler::Placement::default(),
        ..compiler::Options::default()
    };
    let mut functions = 0;
    let (mut times, mut worked) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        // What it finds out of a function it keeps.
        let parsed = Executable::parse(binary.bytes())?;
        let (begun, before) = (Instant::now(), processor_time());
        let (plan, _) = compiler::compile(&source, &[], &parsed, &options)
            .map_err(|diagnostics| compiler::diagnostics::report(&source, &diagnostics, false))?;
        times.push(begun.elapsed().as_nanos() as u64);
        worked.push(processor_time() - before);
        functions = plan.functions.len();
    }
    Ok(json!({ "functions": functions, "ns": times, "processor_ns": worked }))
}

/// Of all threads, in nanoseconds.
fn processor_time() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime fills the struct that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn code(executable: &Path, names: &[&str]) -> Result<Value> {
    let binary = Binary::open(executable)?;
    let parsed = Executable::parse(binary.bytes())?;
    let mut all = Vec::new();
    for name in names {
        let function = parsed.function_named(name).ok_or("no such function")?;
        let sites = parsed
            .sites(&function)
            .map_err(|reason| reason.to_string())?;
        let rets = sites.exits.iter().filter(|e| e.kind == ExitKind::Ret);
        let returns: Vec<u64> = rets.map(|exit| exit.address).collect();
        all.push(json!({ "entry": function.entry, "returns": returns }));
    }
    Ok(all.into())
}
