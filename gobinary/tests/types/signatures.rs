//! Signatures, and where arguments and results are.

use gobinary::{Executable, Signature, Types};

use super::{
    PROGRAM,
    common::{Mode, toolchains},
    for_each, signature,
};

/// Signatures with the places that Go's documentation of its calling convention gives them.
const SIGNATURES: [(&str, &str); 24] = [
    (
        "main.ints",
        "a int8: RAX; b int16: RBX; c int32: RCX; d int64: RDI; e int: RSI -> r int64: RAX",
    ),
    (
        "main.floats",
        "a float32: X0; b float64: X1; c float32: X2; d float64: X3 -> _ float32: X0; _ float64: X1",
    ),
    (
        "main.complexes",
        "a complex64: X0, X1; b complex128: X2, X3 -> _ complex128: X0, X1",
    ),
    (
        "main.mixed",
        "a int: RAX; b float64: X0; c int32: RBX; d float32: X1; e bool: RCX; f uint8: RDI -> g float64: X0; h int: RAX",
    ),
    (
        "main.named",
        "m main.meters: RAX; c main.color: RBX; r main.ratio: X0 -> _ main.meters: RAX; _ main.color: RBX",
    ),
    (
        "main.octets",
        "a []uint8: RAX, RBX, RCX; b []uint8: RDI, RSI, R8; c []uint8: R9, R10, R11 -> _ []uint8: RAX, RBX, RCX",
    ),
    (
        "main.numbers",
        "a []int: RAX, RBX, RCX; b []int: RDI, RSI, R8; c []int: R9, R10, R11; d []int: [SP+8] -> _ []int: RAX, RBX, RCX",
    ),
    (
        "main.arrays",
        "zero [0]int: nothing; one [1]int: RAX; two [2]int: [SP+8]; three [3]string: [SP+24]; after int: RBX -> _ [2]int: [SP+72]; _ [1]string: RAX, RBX",
    ),
    (
        "main.structs",
        "a main.point: RAX, RBX; b main.padded: RCX, RDI, RSI, R8, R9, R10; c struct {}: nothing; d int: R11 -> _ main.padded: RAX, RBX, RCX, RDI, RSI, R8; _ main.point: R9, R10",
    ),
    (
        "main.embedded",
        "d main.derived: RAX, RBX, RCX, RDI, RSI, R8, R9, R10 -> _ main.base: RAX, RBX, RCX",
    ),
    (
        "main.inRegisters",
        "a main.nine: RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11; f float64: X0 -> _ main.nine: RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11",
    ),
    (
        "main.onStack",
        "n int: RAX; a main.ten: [SP+8]; s string: RBX, RCX -> _ main.ten: [SP+88]; _ string: RAX, RBX",
    ),
    (
        "main.nested",
        "a main.withArray: [SP+8]; b main.withOne: RAX, RBX, X0 -> _ main.withOne: RAX, RBX, X0; _ int: RCX",
    ),
    (
        "main.maps",
        "a map[string]int: RAX; b map[int]main.point: RBX; empty map[string]bool: RCX; none map[string]string: RDI -> _ map[string]int: RAX",
    ),
    (
        "main.channels",
        "a chan int: RAX; b chan string: RBX; none chan bool: RCX; receive <-chan int: RDI -> _ chan<- int: RAX",
    ),
    (
        "main.(*store).get",
        "s *main.store: RAX; key string: RBX, RCX -> value int: RAX; ok bool: RBX",
    ),
    (
        "main.fails",
        "err error: RAX, RBX -> failed bool: RAX; same error: RBX, RCX",
    ),
    (
        "main.stringers",
        "a fmt.Stringer: RAX, RBX; b fmt.Stringer: RCX, RDI; c fmt.Stringer: RSI, R8 -> _ string: RAX, RBX",
    ),
    (
        "main.events",
        "a main.event: RAX, RBX, RCX, RDI; b *main.event: RSI -> _ main.event: RAX, RBX, RCX, RDI",
    ),
    (
        "main.tooManyInts",
        "a int: RAX; b int: RBX; c int: RCX; d int: RDI; e int: RSI; f int: R8; g int: R9; h int: R10; i int: R11; j int: [SP+8]; k int: [SP+16] -> _ int: RAX",
    ),
    (
        "main.doesNotFit",
        "a int: RAX; b int: RBX; c int: RCX; d int: RDI; e int: RSI; f int: R8; g int: R9; s string: R10, R11; x int: [SP+8]; y float64: X0 -> _ string: RAX, RBX; _ float64: X0",
    ),
    (
        "main.tooManyResults",
        "n int: RAX -> a int: RAX; b int: RBX; c int: RCX; d int: RDI; e int: RSI; f int: R8; g int: R9; h int: R10; i int: R11; j int: [SP+8]; s string: [SP+16]",
    ),
    (
        "main.mixedResults",
        "a [2]int: [SP+8]; n int: RAX -> b [2]int: [SP+24]; c int: RAX; d [2]string: [SP+40]; e float64: X0",
    ),
    (
        "main.unused",
        "a int: RAX; b string: RBX, RCX; c int: RDI -> n int: RAX; err error: RBX, RCX",
    ),
];

#[test]
fn signatures_and_places_are_those_of_the_calling_convention() {
    for_each(
        &[
            Mode::Default,
            Mode::Unoptimised,
            Mode::Pie,
            Mode::External,
            Mode::PlainDwarf,
        ],
        |program, types| {
            for (name, expected) in SIGNATURES {
                let found = line(types, &signature(program, types, name));
                assert_eq!(found, expected, "{}: {name}", program.label());
            }
            let last = line(types, &signature(program, types, "main.tooManyFloats"));
            assert!(
                last.contains("o float64: X14; p float64: [SP+8]; q float64: [SP+16]"),
                "{}: {last}",
                program.label()
            );
            let small = line(types, &signature(program, types, "main.smallOnStack"));
            assert!(
                small.contains("j int8: [SP+8]; k uint32: [SP+12]; l bool: [SP+16]; m int16: [SP+18] -> _ int8: RAX; _ uint32: RBX"),
                "{}: {small}",
                program.label()
            );
        },
    );
}

#[test]
fn parameters_without_a_name_move_the_others() {
    for_each(&[Mode::Default, Mode::Unoptimised], |program, types| {
        let blank = line(types, &signature(program, types, "main.blank"));
        assert!(
            blank.contains("a string: RBX, RCX;")
                && blank.contains("b int: RDI -> _ int: RAX; _ error: RBX, RCX"),
            "{}: {blank}",
            program.label()
        );
        // From Go 1.22 on, DWARF lists them.
        if program.toolchain.minor >= 22 {
            assert!(blank.starts_with("_ int: RAX;") && blank.contains("_ float64: X0"));
            let unnamed = line(types, &signature(program, types, "main.unnamed"));
            assert_eq!(unnamed, "_ int: RAX; _ string: RBX, RCX -> _ int: RAX");
        }
        let results = line(types, &signature(program, types, "main.blankResults"));
        assert_eq!(
            results,
            "n int: RAX -> _ int: RAX; _ string: RBX, RCX",
            "{}",
            program.label()
        );
    });
}

#[test]
fn signatures_are_written_as_in_go() {
    for_each(&[Mode::Default], |program, types| {
        for (name, expected) in [
            (
                "main.ints",
                "main.ints(a int8, b int16, c int32, d int64, e int) (r int64)",
            ),
            ("main.flags", "main.flags(a bool, b bool, c bool) bool"),
            (
                "main.unnamedResults",
                "main.unnamedResults(a int, b int) (int, int)",
            ),
            (
                "main.(*store).get",
                "(s *main.store) get(key string) (value int, ok bool)",
            ),
            (
                "main.store.describe",
                "(s main.store) describe(n int) string",
            ),
            ("main.nothing", "main.nothing()"),
            ("net/http.(*conn).serve", ""),
        ] {
            let Some(function) = program.executable.function_named(name) else {
                assert!(expected.is_empty(), "{}: no {name}", program.label());
                continue;
            };
            let signature = types.signature(&function).expect("a signature");
            let found = types.describe(&function, &signature);
            assert_eq!(found.as_deref(), Ok(expected), "{}", program.label());
        }
    });
}

/// Issue 9, case cgo-args: code that loads g itself is called with its arguments on the stack, and DWARF has them in registers.
#[test]
fn a_contradiction_is_no_convention() {
    const LOADS_G: [u8; 9] = [0x64, 0x4c, 0x8b, 0x34, 0x25, 0xf8, 0xff, 0xff, 0xff];
    for toolchain in toolchains() {
        let program = toolchain.build_package(PROGRAM, Mode::Default);
        let mut bytes = program.bytes();
        let function = program.executable.function_named("main.ints");
        let entry = function.expect("a function").entry;
        let at = program.executable.file_offset(entry).expect("its code");
        let at = usize::try_from(at).expect("an offset");
        bytes[at..at + LOADS_G.len()].copy_from_slice(&LOADS_G);
        let executable = Executable::parse(bytes).expect("only code has changed");
        let types = executable.types().expect("DWARF");
        let function = executable.function_named("main.ints").expect("a function");
        let error = types.signature(&function).expect_err("nobody knows");
        assert_eq!(
            error.to_string(),
            "it is not certain how it is called: its code has no g in R14, but DWARF has `a` in a register",
            "{}",
            program.label()
        );
    }
}

/// What a function returns from inside a loop over a function is not in DWARF, unless it has a name. Issue 9.
#[test]
fn results_that_dwarf_leaves_out_are_told_from_none() {
    for toolchain in toolchains() {
        if toolchain.minor < 23 {
            continue;
        }
        for mode in [Mode::Default, Mode::Unoptimised, Mode::Pie] {
            let program = toolchain.build_package("tests/programs/loops", mode);
            let types = program.executable.types().expect("DWARF");
            for (name, expected) in [
                ("main.one", None),
                ("main.two", None),
                ("main.deferred", None),
                ("main.half", None),
                ("main.nested", None),
                ("main.(*place).find", None),
                ("main.generic[go.shape.int]", None),
                ("main.literal.func1", None),
                ("main.inlined", None),
                ("main.one-range1", None),
                ("main.named", Some("sum int: RAX; err error: RBX, RCX")),
                ("main.after", Some("_ int: RAX")),
                ("main.deferredNone", Some("")),
                ("main.none", Some("")),
                ("main.nestedNone", Some("")),
                ("main.around", Some("")),
                ("main.main", Some("")),
            ] {
                let signature = signature(&program, &types, name);
                let results = line(&types, &signature);
                let (_, results) = results.split_once(" -> ").expect("results");
                let found = (!signature.results_left_out).then_some(results);
                assert_eq!(found, expected, "{}: {name}", program.label());
            }
        }
    }
}

/// All of a signature in one line.
fn line(types: &Types<'_>, signature: &Signature) -> String {
    let list = |variables: &[gobinary::Variable]| {
        let texts = variables.iter().map(|variable| {
            let name = variable.name.as_deref().unwrap_or("_");
            let ty = types.short_type(variable.ty).expect("a type");
            format!("{name} {ty}: {}", variable.place)
        });
        texts.collect::<Vec<_>>().join("; ")
    };
    let (parameters, results) = (list(&signature.parameters), list(&signature.results));
    format!("{parameters} -> {results}")
}
