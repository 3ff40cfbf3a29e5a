//! Which registers surely hold no null pointer before each instruction.
//!
//! A Go program survives a fault only where a pointer is nil. One through which memory was already read or written, that was
//! compared with nil, or that is the address of something, is not.

use iced_x86::{
    Code, ConditionCode, FlowControl, Instruction as Decoded, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};

use crate::callee::Callee;
use crate::cfg::Graph;

/// No object begins below; a nil pointer's fields up to here are read and written without another check.
const FIRST_PAGE: u64 = 4096;

/// A set of registers by number, for each instruction.
pub(crate) struct NonNull(Vec<u16>);

/// What an instruction does.
#[derive(Default)]
struct Effect {
    proves: u16,
    writes: u16,
    /// Of what it writes, what is the address of something.
    addresses: u16,
    /// What it writes is not null either if this register is not.
    copies: Option<Register>,
}

impl NonNull {
    /// Solves the equations of the whole function. R14 must hold g throughout.
    pub fn new(
        instructions: &[Decoded],
        graph: &Graph<'_>,
        callee: impl Fn(&Decoded) -> Callee,
    ) -> Self {
        let mut factory = InstructionInfoFactory::new();
        let effects: Vec<_> = instructions
            .iter()
            .map(|instruction| match instruction.flow_control() {
                FlowControl::Call => Effect::of_call(callee(instruction)),
                _ => Effect::of(instruction, &mut factory),
            })
            .collect();
        let mut before = vec![u16::MAX; instructions.len()];
        if let Some(first) = before.first_mut() {
            *first = 0;
        }
        let (mut changed, mut next) = (true, Vec::new());
        while changed {
            changed = false;
            for (node, effect) in effects.iter().enumerate() {
                if !graph.is_reachable(node) {
                    continue;
                }
                let after = effect.after(before.get(node).copied().unwrap_or_default());
                next.clear();
                graph.successors(node, &mut next);
                let compared = (next.len() == 2)
                    .then(|| compared_with_null(instructions, graph, node))
                    .flatten();
                for &to in &next {
                    let after = match compared {
                        Some((register, jumps)) if jumps == (to != node + 1) => {
                            after | bit(register)
                        }
                        _ => after,
                    };
                    if let Some(known) = before.get_mut(to) {
                        changed |= *known & after != *known;
                        *known &= after;
                    }
                }
            }
        }
        Self(before)
    }

    /// Does the register surely hold no null pointer before the instruction?
    pub fn holds(&self, node: usize, register: Register) -> bool {
        let known = self.0.get(node).copied().unwrap_or_default();
        register == Register::R14 || known & bit(register) != 0
    }
}

impl Effect {
    fn of_call(callee: Callee) -> Self {
        let (writes, addresses) = match callee {
            Callee::WriteBarrier => (bit(Register::R11), bit(Register::R11)),
            // What they advance stays a pointer.
            Callee::OldWriteBarrier | Callee::Zeroes | Callee::Copies => (0, 0),
            Callee::Allocates => (u16::MAX, bit(Register::RAX)),
            Callee::Panic | Callee::Function(_) | Callee::Unknown => (u16::MAX, 0),
        };
        Self {
            writes,
            addresses,
            ..Self::default()
        }
    }

    fn of(instruction: &Decoded, factory: &mut InstructionInfoFactory) -> Self {
        let mut effect = Self::default();
        if !matches!(
            instruction.flow_control(),
            FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
        ) {
            effect.writes = u16::MAX;
            return effect;
        }
        let info = factory.info(instruction);
        for memory in info.used_memory() {
            let accesses = matches!(
                memory.access(),
                OpAccess::Read | OpAccess::Write | OpAccess::ReadWrite
            );
            let near = memory.index() == Register::None && memory.displacement() < FIRST_PAGE;
            let plain = !instruction.has_rep_prefix() && !instruction.has_repne_prefix();
            if accesses && near && plain && instruction.segment_prefix() == Register::None {
                effect.proves |= bit(memory.base());
            }
        }
        for used in info.used_registers() {
            if !matches!(used.access(), OpAccess::Read | OpAccess::CondRead) {
                effect.writes |= bit(used.register().full_register());
            }
        }
        match instruction.code() {
            Code::Mov_r64_rm64 | Code::Mov_rm64_r64
                if instruction.op0_kind() == OpKind::Register
                    && instruction.op1_kind() == OpKind::Register =>
            {
                effect.copies = Some(instruction.op1_register());
            }
            // Compilers advance pointers so.
            Code::Add_rm64_imm8 | Code::Add_rm64_imm32
                if instruction.op0_kind() == OpKind::Register
                    && instruction.immediate(1) < FIRST_PAGE =>
            {
                effect.copies = Some(instruction.op0_register());
            }
            Code::Lea_r64_m if instruction.memory_index() == Register::None => {
                match instruction.memory_base() {
                    Register::RIP | Register::RSP => effect.addresses = effect.writes,
                    base if instruction.memory_displacement64() < FIRST_PAGE => {
                        effect.copies = Some(base);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        effect
    }

    fn after(&self, before: u16) -> u16 {
        let copied = self.copies.is_some_and(|from| before & bit(from) != 0);
        let kept = (before | self.proves) & !self.writes;
        kept | if copied { self.writes } else { self.addresses }
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
