//! Where the runtime keeps the current g of a thread, established rather than assumed.
//!
//! Code with the old calling convention has g not in R14, but in a thread-local word, `runtime.tlsg`. Where that lies, seen from the
//! thread pointer, is the linker's choice: the last word below it (`fs:-8`), unless C code has thread-local data too; and in a shared
//! object only the dynamic loader knows, who writes it into a word of the global offset table. The sources are the runtime's own code,
//! which has the place in its instructions, and the symbol with the segment PT_TLS, or the relocation of the table's word.

use std::collections::{BTreeSet, HashMap};

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use serde::Serialize;

use crate::Executable;
use crate::tables::function::Function;

/// Functions that take g from its word, or put it there, in Go 1.19 to 1.27 (runtime/asm_amd64.s).
const USERS: [&str; 7] = [
    "runtime.mcall",
    "runtime.systemstack",
    "runtime.morestack",
    "runtime.asmcgocall",
    "runtime.cgocallback",
    "runtime.rt0_go",
    "gogo",
];
/// Wrappers looked at where none of these is there, as in a plugin, which uses the runtime of its host.
const WRAPPERS: usize = 64;
/// `g` is a pointer.
const SIZE: i64 = 8;
const SYMBOL: &str = "runtime.tlsg";

/// Where a thread's word with its g is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsPlace {
    /// So many bytes from the thread pointer (`fs:0`), which is above it.
    Offset(i32),
    /// That number is in the word at this link-time address, written by the dynamic loader.
    Got(u64),
}

/// Where a thread's word with its g is, and how that was established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSlot {
    /// Where.
    pub place: TlsPlace,
    /// A clause for a person: which sources say so.
    pub evidence: String,
}

/// Nothing in the executable says where g is, or its parts contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("where a thread keeps its g cannot be established: {why}")]
pub struct TlsError {
    /// What was found instead.
    pub why: String,
}

/// Asks the code, and has another source confirm it where there is one.
pub(crate) fn find(executable: &Executable) -> Result<TlsSlot, TlsError> {
    let (place, source) = from_code(executable).map_err(|why| TlsError { why })?;
    let confirmed = match place {
        TlsPlace::Offset(offset) => confirm_offset(executable, offset.into()),
        TlsPlace::Got(word) => confirm_word(executable, word),
    };
    match confirmed {
        Ok(evidence) => Ok(TlsSlot {
            place,
            evidence: format!("{source} {evidence}"),
        }),
        Err(why) => Err(TlsError {
            why: format!("{source} says {place}, but {why}"),
        }),
    }
}

impl std::fmt::Display for TlsPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Offset(offset) if *offset < 0 => write!(f, "fs:-{:#x}", offset.unsigned_abs()),
            Self::Offset(offset) => write!(f, "fs:{offset:#x}"),
            Self::Got(word) => write!(f, "fs: plus the word at {word:#x}"),
        }
    }
}

/// An executable's thread-local data ends at the thread pointer, as far as its alignment allows.
fn confirm_offset(executable: &Executable, offset: i64) -> Result<String, String> {
    let Some(tls) = executable.image.tls() else {
        return Ok("shows it".to_owned());
    };
    let size = tls.size.checked_next_multiple_of(tls.align.max(1));
    let size = size.and_then(|size| i64::try_from(size).ok());
    let size = size.ok_or("the segment of thread-local data is damaged")?;
    if let Some(symbol) = executable.image.tls_symbol(SYMBOL) {
        let expected = i64::try_from(symbol).ok().map(|at| at.wrapping_sub(size));
        return if expected == Some(offset) {
            Ok("and the symbol runtime.tlsg agree".to_owned())
        } else {
            Err(format!(
                "the symbol runtime.tlsg is at {symbol:#x} of {size:#x} bytes of thread-local data"
            ))
        };
    }
    if (-size..=-SIZE).contains(&offset) {
        Ok("shows it, within the thread-local data".to_owned())
    } else {
        Err(format!("there are {size:#x} bytes of thread-local data"))
    }
}

/// The dynamic loader writes the word where a relocation says so; else the linker has written it.
fn confirm_word(executable: &Executable, word: u64) -> Result<String, String> {
    if executable.image.is_tls_offset(word) {
        return Ok("and the relocation of its word agree".to_owned());
    }
    let written = executable.image.u64(word).map(u64::cast_signed);
    let written = written.ok_or("the file does not hold that word")?;
    confirm_offset(executable, written)
}

/// All accesses to thread-local data that can be followed must be to the same word, since Go has no other.
fn from_code(executable: &Executable) -> Result<(TlsPlace, &'static str), String> {
    let users = executable
        .functions()
        .filter(|function| USERS.contains(&function.name));
    let mut places = BTreeSet::new();
    for function in users {
        add_places(&function, &mut places);
    }
    let mut source = "the code of the runtime";
    if places.is_empty() {
        let wrapper = executable.survey().wrapper_id;
        let wrappers = executable
            .functions()
            .filter(|function| function.func_id == wrapper && wrapper != 0)
            .take(WRAPPERS);
        for function in wrappers {
            add_places(&function, &mut places);
        }
        source = "the code of wrappers";
    }
    match (places.first(), places.len()) {
        (Some(place), 1) => Ok((place.place()?, source)),
        (None, _) => Err("no code shows it".to_owned()),
        _ => Err(format!("{source} uses several thread-local words")),
    }
}

/// What an access adds to the thread pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operand {
    Number(i64),
    Word(u64),
}

impl Operand {
    fn place(self) -> Result<TlsPlace, String> {
        match self {
            Self::Word(word) => Ok(TlsPlace::Got(word)),
            Self::Number(number) => i32::try_from(number)
                .ok()
                .filter(|number| i64::from(*number) <= -SIZE)
                .map(TlsPlace::Offset)
                .ok_or_else(|| format!("{number:#x} is no place for thread-local data")),
        }
    }
}

/// Follows offsets through registers, which position-independent code loads them into first, as far as straight code goes.
fn add_places(function: &Function<'_>, places: &mut BTreeSet<Operand>) {
    let mut registers: HashMap<Register, Operand> = HashMap::new();
    let mut decoder = Decoder::with_ip(64, function.code(), function.entry, DecoderOptions::NONE);
    while decoder.can_decode() {
        let instruction = decoder.decode();
        if instruction.memory_segment() == Register::FS {
            let base = instruction.memory_base();
            let displacement = instruction.memory_displacement64().cast_signed();
            let operand = match (base, instruction.memory_index(), displacement) {
                (Register::None, Register::None, number) => Some(Operand::Number(number)),
                (base, Register::None, 0) => registers.get(&base).copied(),
                _ => None,
            };
            places.extend(operand);
        }
        if matches!(
            instruction.flow_control(),
            FlowControl::Call | FlowControl::IndirectCall
        ) {
            registers.clear();
        } else if instruction.op0_kind() == OpKind::Register {
            let to = instruction.op0_register().full_register();
            match loaded(&instruction) {
                Some(operand) => registers.insert(to, operand),
                None => registers.remove(&to),
            };
        }
    }
}

/// A number, or a word of the executable, that an instruction loads into a register.
fn loaded(instruction: &Instruction) -> Option<Operand> {
    if instruction.mnemonic() != Mnemonic::Mov || !instruction.op0_register().is_gpr64() {
        return None;
    }
    match instruction.op1_kind() {
        OpKind::Immediate32to64 | OpKind::Immediate64 => {
            Some(Operand::Number(instruction.immediate(1).cast_signed()))
        }
        OpKind::Memory if instruction.is_ip_rel_memory_operand() => {
            Some(Operand::Word(instruction.ip_rel_memory_address()))
        }
        _ => None,
    }
}
