//! Attaching on the real kernel: sites that it refuses are found and left out, and a file that is not the planned one is never touched.
//!
//! Needs root, and uprobe_multi for the sites (Linux 6.6); says so where it is missing.

use std::{fs, ops::Range, path::PathBuf};

use compiler::{
    Source,
    codegen::{Code, Instruction},
    plan::{Plan, Site, TraceCode, TracePlan},
};
use ebpf_templates::{Cookie, SiteKind, When};
use runtime::{Binary, Error, Kernel, Options, Tracer};

fn cannot_run() -> bool {
    let kernel = Kernel::detect();
    if let Err(error) = kernel.require() {
        assert!(
            std::env::var_os("GOFUNCGRAPH_REQUIRE_ROOT").is_none(),
            "{error}"
        );
        eprintln!("skipped: {error}");
        return true;
    }
    if !kernel.has_uprobe_multi() {
        eprintln!("skipped: {}", kernel.describe());
        return true;
    }
    false
}

/// A copy of this test's own executable, which nobody runs.
fn copy(name: &str) -> PathBuf {
    let path =
        std::env::temp_dir().join(format!("gofuncgraph-attach-{}-{name}", std::process::id()));
    fs::copy("/proc/self/exe", &path).expect("copy");
    path
}

fn site(data: &[u8], at: usize, len: u8) -> Site {
    let mut bytes = [0; 16];
    bytes[..usize::from(len)].copy_from_slice(&data[at..at + usize::from(len)]);
    let cookie = Cookie {
        stepped: false,
        function: 0,
        offset: 0,
        kind: SiteKind::Return,
        target: false,
        g_from_tls: false,
        when: When::Always,
        released: 0,
    };
    Site {
        address: at as u64,
        file_offset: at as u64,
        cookie: cookie.pack(),
        bytes,
        len,
        emulated: true,
        passed: 1_000,
    }
}

/// The file's executable segment: (offset, size).
fn text(data: &[u8]) -> (usize, usize) {
    let word = |at: usize, len: usize| -> usize {
        data[at..at + len]
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | usize::from(*byte))
    };
    let (headers, size, count) = (word(32, 8), word(54, 2), word(56, 2));
    (0..count)
        .map(|n| headers + n * size)
        .find(|at| word(*at, 4) == 1 && word(at + 4, 4) & 1 == 1)
        .map(|at| (word(at + 8, 8), word(at + 32, 8)))
        .expect("an executable segment")
}

/// Function beginnings (`push %rbp` after padding) and padding itself (`int3`), which the kernel refuses to probe.
fn candidates(data: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let (offset, size) = text(data);
    let code = &data[offset..offset + size];
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for at in 1..code.len() - 1 {
        if code[at - 1] == 0xcc && code[at] == 0x55 {
            good.push(offset + at);
        }
        if code[at - 1] == 0xcc && code[at] == 0xcc && code[at + 1] == 0x55 {
            bad.push(offset + at);
        }
    }
    (good, bad)
}

fn plan(sites: Vec<Site>) -> Plan {
    Plan {
        goid_offset: 0x98,
        traces: vec![TracePlan {
            sites,
            ..TracePlan::default()
        }],
        ..Plan::default()
    }
}

#[test]
fn refused_sites_are_found_and_left_out() {
    if cannot_run() {
        return;
    }
    let path = copy("refused");
    let binary = Binary::open(&path).expect("open");
    let data = binary.bytes();
    let (good, bad) = candidates(&data);
    let mut sites: Vec<Site> = good
        .iter()
        .take(200)
        .map(|at| site(&data, *at, 1))
        .collect();
    let bad: Vec<u64> = bad.iter().step_by(7).take(3).map(|at| *at as u64).collect();
    assert_eq!(
        bad.len(),
        3,
        "this executable has no padding between functions"
    );
    sites.extend(bad.iter().map(|at| site(&data, *at as usize, 1)));
    sites.sort_by_key(|s| s.address);
    let expected = sites.len() - bad.len();
    let plan = plan(sites);
    let mut tracer = Tracer::load(&plan, None, Options::default()).expect("load");
    let attachment = tracer
        .attach(&plan, &binary, None, &mut |_, _| {})
        .expect("attach");
    let mut refused: Vec<u64> = attachment.refused.iter().map(|r| r.site.address).collect();
    refused.sort_unstable();
    assert_eq!(refused, bad);
    assert_eq!(attachment.sites, expected);
    assert!(tracer.is_attached());
    tracer.detach();
    assert!(!tracer.is_attached());
    fs::remove_file(path).expect("clean up");
}

#[test]
fn a_file_that_differs_from_the_plan_is_not_touched() {
    if cannot_run() {
        return;
    }
    let path = copy("differs");
    let binary = Binary::open(&path).expect("open");
    let data = binary.bytes();
    let (good, _) = candidates(&data);
    let mut wrong = site(&data, good[0], 1);
    wrong.bytes[0] = 0x90;
    let plan = plan(vec![site(&data, good[1], 1), wrong]);
    let mut tracer = Tracer::load(&plan, None, Options::default()).expect("load");
    let error = tracer
        .attach(&plan, &binary, None, &mut |_, _| {})
        .expect_err("another instruction");
    assert!(
        matches!(error, Error::Changed { address, .. } if address == good[0] as u64),
        "{error}"
    );
    assert!(!tracer.is_attached());
    fs::remove_file(path).expect("clean up");
}

#[test]
fn nothing_but_refused_sites_is_an_error() {
    if cannot_run() {
        return;
    }
    let path = copy("nothing");
    let binary = Binary::open(&path).expect("open");
    let data = binary.bytes();
    let (_, bad) = candidates(&data);
    let plan = plan(bad.iter().take(2).map(|at| site(&data, *at, 1)).collect());
    let mut tracer = Tracer::load(&plan, None, Options::default()).expect("load");
    let error = tracer
        .attach(&plan, &binary, None, &mut |_, _| {})
        .expect_err("nothing is left");
    assert!(
        matches!(error, Error::AllRefused { sites: 2, .. }),
        "{error}"
    );
    fs::remove_file(path).expect("clean up");
}

/// Code that the verifier refuses is found in the program text, wherever in the linked program it ended up.
#[test]
fn what_the_verifier_refuses_is_named() {
    if cannot_run() {
        return;
    }
    let source = Source::new("wrong.gfg", "trace main.f < where ok && wrong; args fine >");
    let instruction = |code, offset, span: Range<usize>| Instruction {
        code,
        destination: 0,
        source: 0,
        offset,
        immediate: 0,
        span,
    };
    // r0 = 0; r0 = *(u64 *)r0; exit
    let of = |text: &str| {
        let start = source.text.find(text).expect("it is in the program");
        start..start + text.len()
    };
    let refused = Code {
        instructions: vec![
            instruction(0xb7, 0, of("ok")),
            instruction(0x79, 0, of("wrong")),
            instruction(0x95, 0, of("ok")),
        ],
        ..Code::default()
    };
    let fine = Code {
        instructions: [
            vec![instruction(0xb7, 0, of("fine")); 3],
            vec![instruction(0x95, 0, of("fine"))],
        ]
        .concat(),
        ..Code::default()
    };
    let mut code = TraceCode {
        arguments: Some(fine.clone()),
        keep: Some(fine.clone()),
        where_entry: Some(fine.clone()),
        ..TraceCode::default()
    };
    let load = |code: &TraceCode| {
        let plan = Plan {
            traces: vec![TracePlan {
                code: code.clone(),
                ..TracePlan::default()
            }],
            source: source.clone(),
            ..Plan::default()
        };
        Tracer::load(&plan, None, Options::default()).map(drop)
    };
    load(&code).expect("the kernel takes what is in order");
    type Place = fn(&mut TraceCode) -> &mut Option<Code>;
    let places: [Place; 3] = [
        |code| &mut code.where_entry,
        |code| &mut code.arguments,
        |code| &mut code.where_return,
    ];
    for place in places {
        let before = place(&mut code).replace(refused.clone());
        let Err(Error::Verifier { span, log, .. }) = load(&code) else {
            panic!("the kernel takes anything");
        };
        assert_eq!(span, Some(of("wrong")), "{log}");
        assert!(log.contains("@ wrong.gfg:1"), "{log}");
        *place(&mut code) = before;
    }
}
