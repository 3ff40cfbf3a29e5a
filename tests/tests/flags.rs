//! Each of the processor's 16 conditions, as the direction in which a function is left, for all combinations of the flags that conditions
//! read: the return that the tracer shows is the one that the processor took.

use std::{fs, path::Path};

use gofuncgraph_tests::{
    go::{self, Mode},
    tracer, with_deep_stack,
};
use object::{Object, ObjectSection, ObjectSymbol};

const PROGRAM: &str = "trace main.outer < include main.taken*, main.passed* >";
/// Of each function's code.
const CONDITIONAL_JUMP: u64 = 2;

/// A function that leaves through a conditional jump in one direction. In the other one an instruction that the kernel emulates follows,
/// so that each `ret` has exit edges and those of one of them need the condition.
struct Way {
    name: &'static str,
    /// The code for a condition, 0 to 15.
    code: fn(u8) -> Vec<u8>,
    /// Where its two `ret`s are; the first one returns 0, the second one 1.
    rets: [u64; 2],
}

const WAYS: [Way; 2] = [
    Way {
        name: "main.taken",
        code: |condition| {
            let mut code = LOAD_FLAGS.to_vec();
            code.extend([0x70 | condition, 7]); // to the second part
            code.push(NOP);
            code.extend(return_number(0));
            code.extend(return_number(1));
            code
        },
        rets: [10, 16],
    },
    Way {
        name: "main.passed",
        code: |condition| {
            let mut code = LOAD_FLAGS.to_vec();
            code.extend([0x0f, 0x80 | condition, 6, 0, 0, 0]); // to the second part
            code.extend(return_number(0));
            code.push(NOP);
            code.extend(return_number(1));
            code
        },
        rets: [13, 20],
    },
];

/// `push %rax; popf`
const LOAD_FLAGS: [u8; 2] = [0x50, 0x9d];
const NOP: u8 = 0x90;
const TRAP: u8 = 0xcc;

/// `mov $number,%eax; ret`
fn return_number(number: u8) -> [u8; 6] {
    [0xb8, number, 0, 0, 0, 0xc3]
}

/// Writes the functions' code over their place holders; what is left of those becomes padding.
fn write_code(path: &Path) {
    let mut data = fs::read(path).expect("executable");
    let mut places = Vec::new();
    let file = object::File::parse(&*data).expect("ELF");
    let text = file.section_by_name(".text").expect(".text");
    let (offset, _) = text.file_range().expect("code in the file");
    for way in &WAYS {
        for condition in 0..16 {
            let name = format!("{}{condition}", way.name);
            let symbol = file
                .symbol_by_name(&name)
                .unwrap_or_else(|| panic!("no {name}"));
            let start = usize::try_from(symbol.address() - text.address() + offset).expect("fits");
            let size = usize::try_from(symbol.size()).expect("fits");
            let mut code = (way.code)(condition);
            assert!(code.len() <= size, "{name} has {size} bytes");
            code.resize(size, TRAP);
            places.push((start, code));
        }
    }
    for (start, code) in places {
        data[start..start + code.len()].copy_from_slice(&code);
    }
    fs::write(path, data).expect("write");
}

/// In place of both `ret`s the jump and the `nop` are probed.
fn assert_exit_edges(path: &str) {
    let output = tracer::run(&["explain", "--verbose", "-e", PROGRAM, path]);
    let plan = String::from_utf8_lossy(&output.stdout);
    for way in &WAYS {
        for condition in 0..16 {
            let name = format!("{}{condition}", way.name);
            let at = |offset: u64| {
                let place = format!(" {name}+{offset:#x} ");
                plan.lines().find(|line| line.contains(&place))
            };
            let jump = at(CONDITIONAL_JUMP).unwrap_or_else(|| panic!("{name}:\n{plan}"));
            assert!(jump.contains(": return, emulated, "), "{jump}");
            for ret in way.rets {
                assert_eq!(at(ret), None);
            }
        }
    }
}

#[test]
fn all_conditions_with_all_flags() {
    with_deep_stack(|| {
        for toolchain in go::toolchains() {
            let program = tracer::temporary("flags");
            fs::copy(go::build(toolchain, "flags", Mode::Plain), &program).expect("copy");
            write_code(&program);
            let path = program.display().to_string();
            // A kernel where the program does the return needs no edges.
            let placements: &[&str] = if tracer::program_returns() {
                &["auto"]
            } else {
                assert_exit_edges(&path);
                &["auto", "ret"]
            };
            for sites in placements {
                let context = format!("go {}, --exit-sites {sites}", toolchain.version);
                // The code has no points at which it could be preempted.
                let environment = [("GODEBUG", "asyncpreemptoff=1")];
                let options = ["--exit-sites", sites];
                let traced = tracer::launch_with(PROGRAM, &options, &program, &[], &environment);
                traced.assert_complete(&context);
                assert_same(&context, &traced);
            }
            fs::remove_file(program).expect("clean up");
        }
    });
}

fn assert_same(context: &str, traced: &tracer::Traced) {
    let expected: Vec<(String, u64, String)> = traced.stdout.lines().map(went).collect();
    assert_eq!(expected.len(), 2 * 16 * 32, "{context}");
    for way in [0, 1] {
        let found = expected.iter().filter(|(name, ret, _)| {
            WAYS.iter()
                .any(|w| name.starts_with(w.name) && w.rets[way] == *ret)
        });
        assert!(found.count() > 200, "{context}: both ways are gone");
    }
    let root = &traced.lines[0]["root"];
    let calls = root["calls"].as_array().expect("calls");
    assert_eq!(calls.len(), expected.len(), "{context}");
    for ((name, ret, line), call) in expected.iter().zip(calls) {
        assert_eq!(call["function"], name.as_str(), "{context}: {line}");
        assert_eq!(call["return"]["offset"], *ret, "{context}: {line}: {call}");
    }
}

/// The function, the `ret` and the whole of a line that the program printed.
fn went(line: &str) -> (String, u64, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, _, way] = words[..] else {
        panic!("{line:?}");
    };
    let way: usize = way.parse().expect("0 or 1");
    let rets = WAYS
        .iter()
        .find(|w| name.starts_with(w.name))
        .expect("one of the functions")
        .rets;
    (name.to_owned(), rets[way], line.to_owned())
}
