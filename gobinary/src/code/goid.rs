//! Where `runtime.g` keeps its `goid`, established rather than assumed.
//!
//! The offset differs between versions of Go, and no header names it in a stripped executable. There are three independent sources:
//! the runtime's own code, DWARF, and a table of known versions. What is measured in this very executable outranks the table; a
//! version that the table does not know needs a measurement.

use std::collections::{BTreeSet, HashMap};

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

use crate::Executable;
use crate::image::buildinfo::GoVersion;

/// Offsets by version, from `runtime/runtime2.go` and the DWARF of each: (first minor version, last, offset).
const TABLE: [(u16, u16, u32); 3] = [(19, 22, 0x98), (23, 24, 0xa0), (25, 27, 0x98)];
/// `g.waitreason` lies this many bytes after `g.goid` in Go 1.19 to 1.27: `goid`, `schedlink` and `waitsince` precede it.
const WAITREASON_AFTER_GOID: u32 = 0x18;
/// Where in `runtime.g` either field can be; narrower than the struct, wider than any version needs.
const PLAUSIBLE: std::ops::Range<u32> = 0x60..0x140;

/// Offset of `goid` in `runtime.g`, and how it was established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoidOffset {
    /// In bytes.
    pub offset: u32,
    /// A clause for a person: which sources say so.
    pub evidence: String,
}

/// Nothing in the executable says where `goid` is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the offset of goid in runtime.g cannot be established: {}", tried.join("; "))]
pub struct GoidError {
    /// What was tried, each with what came of it.
    pub tried: Vec<String>,
}

/// Asks the sources in order of cost.
pub(crate) fn find(executable: &Executable) -> Result<GoidOffset, GoidError> {
    let mut tried = Vec::new();
    let table = from_table(executable.go_version());
    let measured = match from_code(executable) {
        Ok(found) => Some(found),
        Err(what) => {
            tried.push(what);
            match from_dwarf(executable) {
                Ok(offset) => Some((offset, "the DWARF of runtime.g".to_owned())),
                Err(what) => {
                    tried.push(what);
                    None
                }
            }
        }
    };
    match (measured, table) {
        (Some((offset, source)), Ok((known, version))) if offset == known => Ok(GoidOffset {
            offset,
            evidence: format!("{source} and the table for Go {version} agree"),
        }),
        (Some((offset, source)), Ok((known, version))) => Ok(GoidOffset {
            offset,
            evidence: format!("{source}, although the table for Go {version} says {known:#x}"),
        }),
        (Some((offset, source)), Err(why)) => Ok(GoidOffset {
            offset,
            evidence: format!("{source}; {why}"),
        }),
        (None, Ok((offset, version))) => Ok(GoidOffset {
            offset,
            evidence: format!("the table for Go {version}; {}", tried.join("; ")),
        }),
        (None, Err(why)) => {
            tried.push(why);
            Err(GoidError { tried })
        }
    }
}

fn from_table(version: Option<GoVersion>) -> Result<(u32, GoVersion), String> {
    let version = version.ok_or("the executable does not name its Go version")?;
    TABLE
        .iter()
        .find(|(first, last, _)| version.major == 1 && (*first..=*last).contains(&version.minor))
        .map(|&(_, _, offset)| (offset, version))
        .ok_or_else(|| format!("Go {version} is not in the table"))
}

fn from_dwarf(executable: &Executable) -> Result<u32, String> {
    let types = executable.types().map_err(|error| error.to_string())?;
    let missing = "the DWARF does not define runtime.g.goid";
    let g = types.named("runtime.g").ok_or(missing)?;
    let g = types.get(g).map_err(|error| error.to_string())?;
    let field = g.fields().iter().find(|field| field.name == "goid");
    field
        .and_then(|field| u32::try_from(field.offset).ok())
        .ok_or_else(|| missing.to_owned())
}

/// Two places in the runtime's code: `gopark` stores its argument into `g.waitreason`, the one byte that it stores in a g; and
/// `goroutineheader`, which begins a traceback, passes `g.goid` to a print function.
fn from_code(executable: &Executable) -> Result<(u32, String), String> {
    let gopark = waitreason_stored_by_gopark(executable)
        .and_then(|offset| offset.checked_sub(WAITREASON_AFTER_GOID));
    let header = goid_printed_by_goroutineheader(executable);
    match (gopark, header) {
        (Some(a), Some(b)) if a == b => Ok((
            a,
            "the code of runtime.gopark and of runtime.goroutineheader".to_owned(),
        )),
        (Some(a), Some(b)) => Err(format!(
            "the code of runtime.gopark says {a:#x}, that of runtime.goroutineheader {b:#x}"
        )),
        (Some(a), None) => Ok((a, "the code of runtime.gopark".to_owned())),
        (None, Some(b)) => Ok((b, "the code of runtime.goroutineheader".to_owned())),
        (None, None) => Err(
            "the code of runtime.gopark and of runtime.goroutineheader does not show it".to_owned(),
        ),
    }
}

fn waitreason_stored_by_gopark(executable: &Executable) -> Option<u32> {
    let stores: BTreeSet<u32> = instructions(executable, "runtime.gopark")?
        .filter(|i| {
            i.mnemonic() == Mnemonic::Mov
                && i.op0_kind() == OpKind::Memory
                && i.op1_kind() == OpKind::Register
                && i.op1_register().size() == 1
        })
        .filter_map(|i| field(&i))
        .collect();
    match (stores.first(), stores.len()) {
        (Some(&offset), 1) => Some(offset),
        _ => None,
    }
}

/// Follows fields of a g through registers and the stack to the first number that is printed.
fn goid_printed_by_goroutineheader(executable: &Executable) -> Option<u32> {
    let mut registers: HashMap<Register, u32> = HashMap::new();
    let mut slots: HashMap<(Register, u64), u32> = HashMap::new();
    for i in instructions(executable, "runtime.goroutineheader")? {
        let is_move = i.mnemonic() == Mnemonic::Mov;
        if i.flow_control() == FlowControl::Call {
            let callee = executable.function_at(i.near_branch_target());
            if callee.is_some_and(|f| matches!(f.name, "runtime.printuint" | "runtime.printint")) {
                return registers.get(&Register::RAX).copied();
            }
            registers.clear();
        } else if is_move && i.op0_kind() == OpKind::Memory && is_slot(&i) {
            let value = (i.op1_kind() == OpKind::Register)
                .then(|| registers.get(&i.op1_register()).copied());
            let slot = (i.memory_base(), i.memory_displacement64());
            match value.flatten() {
                Some(value) => slots.insert(slot, value),
                None => slots.remove(&slot),
            };
        } else if i.op0_kind() == OpKind::Register
            && i.mnemonic() != Mnemonic::Cmp
            && i.mnemonic() != Mnemonic::Test
        {
            let value = match i.op1_kind() {
                OpKind::Register if is_move => registers.get(&i.op1_register()).copied(),
                OpKind::Memory if is_move && is_slot(&i) => slots
                    .get(&(i.memory_base(), i.memory_displacement64()))
                    .copied(),
                OpKind::Memory if is_move => field(&i),
                _ => None,
            };
            match value.filter(|_| i.op0_register().is_gpr64()) {
                Some(value) => registers.insert(i.op0_register(), value),
                None => registers.remove(&i.op0_register().full_register()),
            };
        }
    }
    None
}

fn is_slot(instruction: &Instruction) -> bool {
    matches!(instruction.memory_base(), Register::RSP | Register::RBP)
        && instruction.memory_index() == Register::None
}

/// The displacement of a memory operand that may be a field of a g.
fn field(instruction: &Instruction) -> Option<u32> {
    let in_struct = !matches!(
        instruction.memory_base(),
        Register::None | Register::RSP | Register::RBP | Register::RIP
    ) && instruction.memory_index() == Register::None;
    let displacement = u32::try_from(instruction.memory_displacement64()).ok()?;
    (in_struct && PLAUSIBLE.contains(&displacement)).then_some(displacement)
}

fn instructions<'a>(
    executable: &'a Executable,
    name: &str,
) -> Option<impl Iterator<Item = Instruction> + use<'a>> {
    let function = executable.function_named(name)?;
    let mut decoder = Decoder::with_ip(64, function.code(), function.entry, DecoderOptions::NONE);
    Some(std::iter::from_fn(move || {
        decoder.can_decode().then(|| decoder.decode())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_1_19_to_1_27_and_guesses_nothing() {
        let offset =
            |minor| from_table(Some(GoVersion { major: 1, minor })).map(|(offset, _)| offset);
        for minor in [19, 20, 21, 22, 25, 26, 27] {
            assert_eq!(offset(minor), Ok(0x98));
        }
        for minor in [23, 24] {
            assert_eq!(offset(minor), Ok(0xa0));
        }
        assert_eq!(offset(18), Err("Go 1.18 is not in the table".to_owned()));
        assert_eq!(offset(28), Err("Go 1.28 is not in the table".to_owned()));
        assert!(from_table(None).is_err());
    }
}
