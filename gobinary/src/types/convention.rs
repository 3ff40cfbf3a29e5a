//! By which of Go's two calling conventions a function is called: arguments and results in registers (ABIInternal) or on the stack (ABI0).
//!
//! The compiler passes them in registers but for functions of assembly and those that cgo makes (`//go:cgo_unsafe_args`), which nothing in the
//! function table tells apart. The same locations on the stack are where the one kind has its arguments and the other would save them.
//! So several witnesses are heard, and where they disagree the answer is that it is not known.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, InstructionInfoFactory, OpAccess, Register as Machine,
};
use object::{Object, ObjectSymbol};

use super::TypesError;
use super::abi::{Assigner, Convention};
use super::listed::{Item, Listed};
use super::place::Where;
use crate::{Executable, Function};

/// Instructions that are looked at.
const MAX_INSTRUCTIONS: usize = 64;

/// What the linker appends to the name of a function's version with arguments on the stack, where there is the other one too
/// (`mangleABIName` in cmd/link/internal/ld/symtab.go).
const SUFFIX: &str = ".abi0";

/// The entries of all functions whose symbols say that their arguments are on the stack, ascending.
pub(super) fn marked(executable: &Executable) -> Vec<u64> {
    let file = executable.image.data();
    let Ok(elf) = object::read::elf::ElfFile64::<object::LittleEndian>::parse(file) else {
        return Vec::new();
    };
    let is_marked = |name: &[u8]| name.ends_with(SUFFIX.as_bytes());
    let mut marked: Vec<u64> = elf
        .symbols()
        .filter(|symbol| symbol.name_bytes().is_ok_and(is_marked))
        .map(|symbol| symbol.address())
        .collect();
    marked.sort_unstable();
    marked.dedup();
    marked
}

/// The convention of a function of Go; `marked` are the entries of [`marked`].
pub(super) fn of(
    function: &Function<'_>,
    listed: &Listed,
    marked: &[u64],
) -> Result<Convention, TypesError> {
    let by_symbol = marked
        .binary_search(&function.entry)
        .is_ok()
        .then_some((Convention::Stack, "its symbol ends in .abi0".to_owned()));
    let by_code = match first_use_of_g(function) {
        Some(OpAccess::Read) => Some((
            Convention::Registers,
            "its code expects g in R14".to_owned(),
        )),
        Some(_) => Some((Convention::Stack, "its code has no g in R14".to_owned())),
        None => None,
    };
    let witnesses = [
        by_symbol,
        by_code,
        by_parameters(listed),
        by_results(listed),
    ];
    let mut witnesses = witnesses.into_iter().flatten();
    let Some((convention, why)) = witnesses.next() else {
        return Ok(Convention::Registers);
    };
    match witnesses.find(|(other, _)| *other != convention) {
        None => Ok(convention),
        Some((_, but)) => Err(TypesError::Contradiction(format!("{why}, but {but}"))),
    }
}

type Witness = Option<(Convention, String)>;

/// A parameter that comes in a register.
fn by_parameters(listed: &Listed) -> Witness {
    let in_register = |item: &&Item| {
        let said = item.entry.as_ref();
        said.is_some_and(|said| {
            let mut places = said.places();
            places.any(|at| matches!(at, Where::Register(_) | Where::Vector(_)))
        })
    };
    let item = listed.parameters.iter().find(in_register)?;
    let why = format!("DWARF has `{}` in a register", item.name);
    Some((Convention::Registers, why))
}

/// A result that the caller has made room for, though it would fit into registers.
fn by_results(listed: &Listed) -> Witness {
    let mut assigner = Assigner::new(Convention::Registers);
    let item = listed.results.iter().find(|item| {
        let assigned = item.layout.as_ref().map(|layout| assigner.assign(layout));
        item.slot.is_some() && assigned.is_ok_and(|assigned| assigned.spill.is_some())
    })?;
    let why = format!("DWARF has `{}` on the stack", item.name);
    Some((Convention::Stack, why))
}

/// Whether the code first reads g from R14, where it is for functions with arguments in registers, or first loads it there.
fn first_use_of_g(function: &Function<'_>) -> Option<OpAccess> {
    let mut info = InstructionInfoFactory::new();
    let decoder = Decoder::with_ip(64, function.code(), function.entry, DecoderOptions::NONE);
    for instruction in decoder.into_iter().take(MAX_INSTRUCTIONS) {
        let used = info.info(&instruction).used_registers();
        let mut of_g = used
            .iter()
            .filter(|used| used.register().full_register() == Machine::R14);
        if let Some(first) = of_g.next() {
            let reads = |access| !matches!(access, OpAccess::Write | OpAccess::CondWrite);
            let read = reads(first.access()) || of_g.any(|other| reads(other.access()));
            return Some(if read {
                OpAccess::Read
            } else {
                OpAccess::Write
            });
        }
        if !matches!(
            instruction.flow_control(),
            FlowControl::Next | FlowControl::ConditionalBranch
        ) {
            break;
        }
    }
    None
}
