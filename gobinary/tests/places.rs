//! DWARF's places of parameters against those of the calling convention, over all functions of a real server.
//!
//! The convention is computed from types; DWARF's location lists come from the compiler's registers. Where both speak they agree, but
//! for cases in which DWARF is known to be silent or wrong:
//!
//! - *silent*: no location, which is common where a parameter is not used; or, in Go 1.19 and 1.21, pieces that do not fit the type.
//! - *partly*: some parts are not used, and have no location.
//! - *home*: DWARF says where on the stack the parameter will be saved, although it comes in registers and is not there yet. From Go 1.27
//!   on that is what it says of most parameters without a name or a use; before, of functions that take the addresses of their parameters at once.
//!
//! Where neither can be confirmed, the place is unknown. That happens before Go 1.22 only, whose DWARF leaves out parameters without a
//! name: behind ten parts of arguments, where the table for tracebacks ends.

mod common;

use common::{Mode, Program, toolchains};
use gobinary::{Place, Types, TypesError, Where};

#[derive(Debug, Default)]
struct Counts {
    same: usize,
    partly: usize,
    silent: usize,
    home: usize,
    unknown: usize,
    different: Vec<String>,
    results: usize,
    unknown_results: usize,
    not_described: usize,
}

fn count(program: &Program) -> Counts {
    let executable = &program.executable;
    let types = executable.types().expect("DWARF");
    let mut counts = Counts::default();
    for function in executable.functions() {
        let signature = match types.signature(&function) {
            Ok(signature) => signature,
            Err(TypesError::Assembly | TypesError::AbiWrapper) => continue,
            Err(TypesError::NotDescribed) => {
                counts.not_described += 1;
                continue;
            }
            Err(error) => panic!("{}: {}: {error}", program.label(), function.name),
        };
        for parameter in &signature.parameters {
            let said = types.locate(parameter, function.entry).expect("a location");
            check_sizes(&types, parameter, program);
            let place = &parameter.place;
            let class = match said {
                _ if !place.is_complete() => &mut counts.unknown,
                None => &mut counts.silent,
                Some(said) if said == *place => &mut counts.same,
                Some(said) if said.pieces.iter().all(|p| p.at == Where::Absent) => {
                    &mut counts.silent
                }
                Some(said) if agree(&said, place) => &mut counts.partly,
                Some(said) if agree(&without_slots(&said, place), place) => &mut counts.home,
                Some(said) => {
                    let text = format!(
                        "{} {:?}: {place}, not {said}",
                        function.name, parameter.name
                    );
                    counts.different.push(text);
                    continue;
                }
            };
            *class += 1;
        }
        for result in &signature.results {
            check_sizes(&types, result, program);
            counts.results += 1;
            counts.unknown_results += usize::from(!result.place.is_complete());
        }
    }
    counts
}

/// Parts lie within the value, in order, and a register holds no more than it can.
fn check_sizes(types: &Types<'_>, variable: &gobinary::Variable, program: &Program) {
    let size = types.get(variable.ty).expect("a type").size;
    let mut end = 0;
    for piece in &variable.place.pieces {
        let within = piece.offset >= end && piece.size > 0 && piece.offset + piece.size <= size;
        let fits = !matches!(piece.at, Where::Register(_)) || piece.size <= 8;
        assert!(within && fits, "{}: {variable:?}", program.label());
        end = piece.offset + piece.size;
    }
}

/// What DWARF says, but for parts that come in registers and that it has on the stack.
fn without_slots(said: &Place, computed: &Place) -> Place {
    let mut said = said.clone();
    for part in &mut said.pieces {
        let at = computed.piece_at(part.offset).map(|piece| piece.at);
        if matches!(part.at, Where::Stack(_)) && !matches!(at, Some(Where::Stack(_))) {
            part.at = Where::Absent;
        }
    }
    said
}

/// Is each part that DWARF knows where the convention has it?
fn agree(said: &Place, computed: &Place) -> bool {
    said.pieces.iter().all(|part| {
        let Some(piece) = computed.piece_at(part.offset) else {
            return false;
        };
        let within = i64::try_from(part.offset - piece.offset).expect("an offset");
        match (part.at, piece.at) {
            (Where::Absent, _) => true,
            (Where::Stack(said), Where::Stack(computed)) => said == computed + within,
            (said, computed) => said == computed && within == 0,
        }
    })
}

#[test]
fn dwarf_and_the_calling_convention_agree_on_all_functions_of_a_server() {
    for toolchain in toolchains() {
        for mode in [Mode::Default, Mode::Unoptimised] {
            let program = toolchain.build_package("example", mode);
            let counts = count(&program);
            println!("{}: {counts:?}", program.label());
            assert_eq!(
                counts.different,
                Vec::<String>::new(),
                "{}",
                program.label()
            );
            let all = counts.same + counts.partly + counts.silent + counts.home + counts.unknown;
            assert!(
                counts.same > 5000 && counts.results > 2500,
                "{}",
                program.label()
            );
            assert!(
                counts.silent * 20 < all && counts.home * 40 < all,
                "{}",
                program.label()
            );
            // Assembly whose file the function table does not name.
            assert!(counts.not_described < 60, "{}", program.label());
            if program.toolchain.minor >= 22 {
                assert_eq!(
                    (counts.unknown, counts.unknown_results),
                    (0, 0),
                    "{}",
                    program.label()
                );
            } else {
                assert!(
                    counts.unknown <= 2 && counts.unknown_results <= 10,
                    "{}",
                    program.label()
                );
            }
        }
    }
}
