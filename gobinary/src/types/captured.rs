//! Where closures keep what they captured, found in their code where DWARF does not say it.
//!
//! Go 1.23 has an attribute for it. Before, a captured variable is one like others; but a closure begins by loading what it captured
//! through RDX, and DWARF's locations say which variable a register or slot holds from the next instruction on. A variable is taken for
//! captured at an offset only where all its parts were loaded from there.

use std::collections::{BTreeSet, HashMap};

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register as Machine,
};

use super::abi::Leaf;
use super::place::{Place, Register, Where};
use crate::Function;

/// Instructions that are looked at.
const MAX_INSTRUCTIONS: usize = 256;

/// Bytes of the closure: offset and size.
type Loaded = (u64, u64);

/// What the beginning of a closure's code loads from it.
#[derive(Debug, Default)]
pub(super) struct Loads {
    /// What registers hold, before the instruction at an address; ascending.
    registers: Vec<(u64, HashMap<Machine, Loaded>)>,
    /// What slots hold, by their distance from that of the return address.
    slots: HashMap<i64, Loaded>,
}

impl Loads {
    /// Reads the code up to the first call.
    pub fn read(function: &Function<'_>) -> Self {
        let mut loads = Self::default();
        let mut info = InstructionInfoFactory::new();
        let mut contexts = vec![Machine::RDX];
        let mut registers: HashMap<Machine, Loaded> = HashMap::new();
        let decoder = Decoder::with_ip(64, function.code(), function.entry, DecoderOptions::NONE);
        for instruction in decoder.into_iter().take(MAX_INSTRUCTIONS) {
            if !matches!(
                instruction.flow_control(),
                FlowControl::Next | FlowControl::ConditionalBranch
            ) {
                break;
            }
            let loaded = loaded(&instruction, &contexts, &registers);
            let is_context =
                is_copy(&instruction) && contexts.contains(&instruction.op1_register());
            if let Some(slot) = slot(function, &instruction)
                && let Some(loaded) = registers.get(&instruction.op1_register().full_register())
            {
                loads.slots.entry(slot).or_insert(*loaded);
            }
            for used in info.info(&instruction).used_registers() {
                if !matches!(used.access(), OpAccess::Read | OpAccess::CondRead) {
                    let register = used.register().full_register();
                    registers.remove(&register);
                    contexts.retain(|context| *context != register);
                }
            }
            let target = instruction.op0_register().full_register();
            if let Some(loaded) = loaded {
                registers.insert(target, loaded);
            } else if is_context {
                contexts.push(target);
            }
            loads
                .registers
                .push((instruction.next_ip(), registers.clone()));
        }
        loads
    }

    /// Where the words of the closure are that the code loads.
    pub fn words(&self) -> BTreeSet<u64> {
        let loaded = self.registers.iter().flat_map(|(_, held)| held.values());
        let words = loaded.flat_map(|&(from, size)| (from..from.saturating_add(size)).step_by(8));
        words.collect()
    }

    /// Where in the closure a variable is which has this place at this address.
    pub fn offset(&self, place: &Place, address: u64, leaves: &[Leaf]) -> Option<u64> {
        let (_, registers) = self.registers.iter().find(|(at, _)| *at == address)?;
        let mut found = None;
        for piece in &place.pieces {
            let loaded = match piece.at {
                Where::Register(register) => registers.get(&machine(register)),
                Where::Vector(number) => registers.get(&(Machine::ZMM0 + u32::from(number))),
                Where::Stack(slot) => self.slots.get(&slot),
                Where::Absent => continue,
                Where::Closure(_) => return None,
            };
            let &(from, size) = loaded?;
            let is_leaf = leaves
                .iter()
                .any(|leaf| leaf.offset == piece.offset && leaf.size == size);
            let offset = from.checked_sub(piece.offset).filter(|_| is_leaf)?;
            if *found.get_or_insert(offset) != offset {
                return None;
            }
        }
        found
    }

    /// Where in the closure a variable is that has been saved as a whole in a slot.
    pub fn offset_of_slot(&self, slot: i64, leaves: &[Leaf]) -> Option<u64> {
        let mut found = None;
        let size = leaves.last().map(|leaf| leaf.offset + leaf.size)?;
        let mut at = 0;
        while at < size {
            let &(from, length) = self.slots.get(&slot.checked_add_unsigned(at)?)?;
            let offset = from.checked_sub(at)?;
            if *found.get_or_insert(offset) != offset || length == 0 {
                return None;
            }
            at = at.checked_add(length)?;
        }
        found
    }
}

/// The part of the closure that an instruction brings into its first operand.
fn loaded(
    instruction: &Instruction,
    contexts: &[Machine],
    registers: &HashMap<Machine, Loaded>,
) -> Option<Loaded> {
    if is_copy(instruction) {
        return registers
            .get(&instruction.op1_register().full_register())
            .copied();
    }
    let loads = matches!(
        instruction.mnemonic(),
        Mnemonic::Mov
            | Mnemonic::Movzx
            | Mnemonic::Movsx
            | Mnemonic::Movsxd
            | Mnemonic::Movss
            | Mnemonic::Movsd
            | Mnemonic::Movups
            | Mnemonic::Movupd
            | Mnemonic::Movdqu
    );
    let from_closure = instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Memory
        && contexts.contains(&instruction.memory_base())
        && instruction.memory_index() == Machine::None;
    (loads && from_closure).then(|| {
        (
            instruction.memory_displacement64(),
            instruction.memory_size().size() as u64,
        )
    })
}

fn is_copy(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Mov
        && instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Register
        && instruction.op0_register().is_gpr64()
}

/// The slot into which a register is written, by its distance from that of the return address.
fn slot(function: &Function<'_>, instruction: &Instruction) -> Option<i64> {
    let stores = instruction.op0_kind() == OpKind::Memory
        && instruction.op1_kind() == OpKind::Register
        && instruction.memory_base() == Machine::RSP
        && instruction.memory_index() == Machine::None;
    let depth = i64::from(function.stack_depth(instruction.ip())?);
    let displacement = instruction.memory_displacement64().cast_signed();
    displacement.checked_sub(depth).filter(|_| stores)
}

fn machine(register: Register) -> Machine {
    match register {
        Register::Rax => Machine::RAX,
        Register::Rbx => Machine::RBX,
        Register::Rcx => Machine::RCX,
        Register::Rdx => Machine::RDX,
        Register::Rsi => Machine::RSI,
        Register::Rdi => Machine::RDI,
        Register::Rbp => Machine::RBP,
        Register::Rsp => Machine::RSP,
        Register::R8 => Machine::R8,
        Register::R9 => Machine::R9,
        Register::R10 => Machine::R10,
        Register::R11 => Machine::R11,
        Register::R12 => Machine::R12,
        Register::R13 => Machine::R13,
        Register::R14 => Machine::R14,
        Register::R15 => Machine::R15,
    }
}
