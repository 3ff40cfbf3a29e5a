//! Which registers surely hold no null pointer before each instruction.
//!
//! A Go program survives a fault only where a pointer is nil. One through which memory was already read or written, that was compared
//! with nil, or that was computed as the address of something, is not. Go's compiler itself relies on the last: it checks no result
//! of address arithmetic for nil (`nilcheckelim` in cmd/compile/internal/ssa/nilcheck.go), so an access through one never stands for
//! such a check.

use iced_x86::{
    Code, ConditionCode, FlowControl, Instruction as Decoded, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};

use crate::code::callee::Callee;
use crate::code::cfg::Graph;
use crate::code::slots::{MAX_SLOTS, SlotEffect, Slots};

/// No object begins below; a nil pointer's fields up to here are read and written without another check.
const FIRST_PAGE: u64 = 4096;

/// What is known before each instruction.
pub(crate) struct NonNull(Vec<Facts>);

/// Registers and slots are bits by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    registers: u16,
    slots: u16,
    /// For each slot the registers that hold the same.
    same: [u16; MAX_SLOTS],
}

/// What an instruction does.
#[derive(Default)]
struct Effect {
    proves: u16,
    writes: u16,
    /// Of what it writes, what is the address of something.
    addresses: u16,
    /// The register that it writes, and another with the same or a near value.
    copies: Option<(Register, Register)>,
    /// … with the same.
    exactly: bool,
    slots: SlotEffect,
    /// After a panic the runtime may go on here, or behind, when all is as it was last.
    resumes: bool,
}

impl NonNull {
    /// Solves the equations of the whole function. R14 must hold g throughout.
    pub fn new(
        instructions: &[Decoded],
        graph: &Graph<'_>,
        callee: impl Fn(&Decoded) -> Callee,
        slots: &Slots<'_>,
    ) -> Self {
        let mut factory = InstructionInfoFactory::new();
        let effects: Vec<_> = instructions
            .iter()
            .map(|instruction| match instruction.flow_control() {
                FlowControl::Call => Effect::of_call(callee(instruction)),
                _ => Effect::of(instruction, slots, &mut factory),
            })
            .collect();
        let mut before = vec![Facts::ALL; instructions.len()];
        let mut next = Vec::new();
        for (node, (facts, effect)) in before.iter_mut().zip(&effects).enumerate() {
            let calls = matches!(
                instructions.get(node).map(Decoded::flow_control),
                Some(FlowControl::Call | FlowControl::IndirectCall)
            );
            next.clear();
            if calls {
                graph.predecessors(node, &mut next);
            }
            if node == 0 || effect.resumes || calls && next.is_empty() {
                *facts = Facts::NONE;
            }
        }
        let mut changed = vec![true; instructions.len()];
        let mut next = Vec::new();
        while changed.contains(&true) {
            for (node, effect) in effects.iter().enumerate() {
                let Some(known) = before.get(node) else {
                    continue;
                };
                match changed.get_mut(node) {
                    Some(changed) if *changed => *changed = false,
                    _ => continue,
                }
                if !graph.is_reachable(node) {
                    continue;
                }
                let after = effect.after(*known);
                next.clear();
                graph.successors(node, &mut next);
                let compared = (next.len() == 2)
                    .then(|| compared_with_null(instructions, graph, node))
                    .flatten();
                // Right behind it comes first.
                for (number, &to) in next.iter().enumerate() {
                    let mut after = after;
                    if let Some((register, jumps)) = compared
                        && jumps == (number == 1)
                    {
                        after.prove(bit(register));
                    }
                    if let (Some(known), Some(changed)) = (before.get_mut(to), changed.get_mut(to))
                    {
                        *changed |= known.meet(&after);
                    }
                }
            }
        }
        Self(before)
    }

    /// Does the register surely hold no null pointer before the instruction?
    pub fn holds(&self, node: usize, register: Register) -> bool {
        let known = self.0.get(node).map_or(0, |facts| facts.registers);
        register == Register::R14 || known & bit(register) != 0
    }
}

impl Facts {
    const NONE: Self = Self {
        registers: 0,
        slots: 0,
        same: [0; MAX_SLOTS],
    };
    const ALL: Self = Self {
        registers: u16::MAX,
        slots: u16::MAX,
        same: [u16::MAX; MAX_SLOTS],
    };

    fn prove(&mut self, registers: u16) {
        self.registers |= registers;
        for (slot, same) in self.same.iter().enumerate() {
            if same & registers != 0 {
                self.slots |= 1 << slot;
                self.registers |= same;
            }
        }
    }

    /// Keeps what both know; tells whether that is less.
    fn meet(&mut self, other: &Self) -> bool {
        let before = *self;
        self.registers &= other.registers;
        self.slots &= other.slots;
        for (same, other) in self.same.iter_mut().zip(&other.same) {
            *same &= other;
        }
        *self != before
    }
}

impl Effect {
    fn of_call(callee: Callee) -> Self {
        let (writes, addresses) = match callee {
            Callee::WriteBarrier => (bit(Register::R11), bit(Register::R11)),
            Callee::OldWriteBarrier => (0, 0),
            Callee::Zeroes => (bit(Register::RDI), bit(Register::RDI)),
            Callee::Copies => {
                let both = bit(Register::RDI) | bit(Register::RSI);
                (both, both)
            }
            Callee::Allocates => (u16::MAX, bit(Register::RAX)),
            Callee::Defers | Callee::Function(_) | Callee::Unknown => (u16::MAX, 0),
        };
        Self {
            writes,
            addresses,
            resumes: callee == Callee::Defers,
            ..Self::default()
        }
    }

    fn of(instruction: &Decoded, slots: &Slots<'_>, factory: &mut InstructionInfoFactory) -> Self {
        let mut effect = Self::default();
        if !matches!(
            instruction.flow_control(),
            FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
        ) {
            effect.writes = u16::MAX;
            return effect;
        }
        effect.slots = slots.effect(instruction, factory);
        if !effect.add_simple(instruction) {
            effect.add_all(instruction, factory);
        }
        let to = instruction.op0_register();
        match (instruction.mnemonic(), instruction.code()) {
            (_, Code::Mov_r64_rm64 | Code::Mov_rm64_r64)
                if instruction.op0_kind() == OpKind::Register
                    && instruction.op1_kind() == OpKind::Register =>
            {
                effect.copies = Some((to, instruction.op1_register()));
                effect.exactly = true;
            }
            (Mnemonic::Lea | Mnemonic::Add | Mnemonic::Sub, _) if to.is_gpr64() => {
                effect.addresses = bit(to);
            }
            _ => {}
        }
        effect
    }

    /// What is proved and written by one of the instructions that code mostly consists of; false for any other.
    fn add_simple(&mut self, instruction: &Decoded) -> bool {
        use Mnemonic::*;
        let to = instruction.op0_register();
        let (reads, writes) = match instruction.mnemonic() {
            Mov | Movzx | Movsx | Movsxd | Add | Sub | And | Or | Xor | Movups => (true, true),
            Lea => (false, true),
            Cmp | Test => (true, false),
            Nop | Jmp => (false, false),
            _ if instruction.is_jcc_short_or_near() => (false, false),
            _ => return false,
        };
        if writes {
            self.writes |= bit(to.full_register());
        }
        let memory = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
        if reads && memory {
            let near = instruction.memory_index() == Register::None
                && instruction.memory_displacement64() < FIRST_PAGE;
            if near && instruction.segment_prefix() == Register::None {
                self.proves |= bit(instruction.memory_base());
            }
        }
        true
    }

    fn add_all(&mut self, instruction: &Decoded, factory: &mut InstructionInfoFactory) {
        let info = factory.info(instruction);
        for memory in info.used_memory() {
            let accesses = matches!(
                memory.access(),
                OpAccess::Read | OpAccess::Write | OpAccess::ReadWrite
            );
            let near = memory.index() == Register::None && memory.displacement() < FIRST_PAGE;
            let plain = !instruction.has_rep_prefix() && !instruction.has_repne_prefix();
            if accesses && near && plain && instruction.segment_prefix() == Register::None {
                self.proves |= bit(memory.base());
            }
        }
        for used in info.used_registers() {
            if !matches!(used.access(), OpAccess::Read | OpAccess::CondRead) {
                self.writes |= bit(used.register().full_register());
            }
        }
    }

    fn after(&self, mut facts: Facts) -> Facts {
        facts.prove(self.proves);
        let copied = self
            .copies
            .filter(|(_, from)| facts.registers & bit(*from) != 0);
        let before = facts;
        facts.registers &= !self.writes;
        facts.registers |= self.addresses | copied.map_or(0, |(to, _)| bit(to));
        facts.slots &= !self.slots.kills;
        for (slot, same) in facts.same.iter_mut().enumerate() {
            *same &= !self.writes;
            if self.slots.kills & 1 << slot != 0 {
                *same = 0;
            }
            if let Some((to, from)) = self.copies.filter(|_| self.exactly)
                && before
                    .same
                    .get(slot)
                    .is_some_and(|same| same & bit(from) != 0)
            {
                *same |= bit(to);
            }
        }
        if let Some((register, slot)) = self.slots.load {
            if facts.slots & 1 << slot != 0 {
                facts.registers |= bit(register);
            }
            if let Some(same) = facts.same.get_mut(slot) {
                *same |= bit(register);
            }
        }
        if let Some((slot, register)) = self.slots.store {
            facts.slots &= !(1 << slot);
            if facts.registers & bit(register) != 0 {
                facts.slots |= 1 << slot;
            }
            if let Some(same) = facts.same.get_mut(slot) {
                *same = bit(register);
            }
        }
        facts
    }
}

/// The register that a conditional jump's `test` compared with nil, and whether the jump is taken where it is not nil.
fn compared_with_null(
    instructions: &[Decoded],
    graph: &Graph<'_>,
    node: usize,
) -> Option<(Register, bool)> {
    let jumps = match instructions.get(node)?.condition_code() {
        ConditionCode::e => false,
        ConditionCode::ne => true,
        _ => return None,
    };
    let test = instructions.get(node.checked_sub(1)?)?;
    let mut before = Vec::new();
    graph.predecessors(node, &mut before);
    let register = test.op0_register();
    (test.mnemonic() == Mnemonic::Test
        && register.is_gpr64()
        && test.op1_register() == register
        && before == [(node - 1, false)])
    .then_some((register, jumps))
}

fn bit(register: Register) -> u16 {
    if register.is_gpr64() {
        1 << register.number()
    } else {
        0
    }
}
