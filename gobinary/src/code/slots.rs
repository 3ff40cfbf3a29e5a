//! Words of a function's frame that nothing but its own code changes: where a pointer lies while a call is made.
//!
//! A word is such a slot where the function loads a register from it, no address at or below it in the same area is taken, so that no
//! pointer leads there, and it is either in the area of local variables that the collector scans, which called functions do not write,
//! or above the return address, where the function keeps arguments that came in registers.

use iced_x86::{Code, Instruction as Decoded, InstructionInfoFactory, OpAccess, OpKind, Register};

/// Most slots that are looked at in a function.
pub(crate) const MAX_SLOTS: usize = 16;

/// The slots, each as the distance from the word of the return address, in bytes.
pub(crate) struct Slots<'a> {
    slots: Vec<i64>,
    depth: &'a dyn Fn(u64) -> Option<i64>,
}

/// What an instruction does to slots. Sets of slots are bits by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SlotEffect {
    /// Slots that are written with something else than a register.
    pub kills: u16,
    /// The register and the slot from which it is loaded.
    pub load: Option<(Register, usize)>,
    /// The slot and the register that is stored there.
    pub store: Option<(usize, Register)>,
}

impl<'a> Slots<'a> {
    /// Finds the slots of a function. `depth` is how many bytes of stack are in use before the instruction at an address, `locals` how
    /// many bytes below the saved frame pointer the collector scans, and `start` the address at which the frame is set up.
    pub fn find(
        instructions: &[Decoded],
        depth: &'a dyn Fn(u64) -> Option<i64>,
        locals: u64,
        start: u64,
    ) -> Self {
        let mut found = Self {
            slots: Vec::new(),
            depth,
        };
        let locals = i64::try_from(locals).unwrap_or(0);
        let mut loaded = Vec::new();
        // The lowest address that is taken below the return address, and above it.
        let (mut local, mut argument) = (i64::MAX, i64::MAX);
        let mut take = |at: i64| {
            let lowest = if at < 0 { &mut local } else { &mut argument };
            *lowest = at.min(*lowest);
        };
        for instruction in instructions {
            let to = instruction.op0_register();
            // The frame pointer, and what the stack check compares, lead to no variable.
            let frame = to == Register::RBP || instruction.ip() < start;
            match instruction.code() {
                Code::Mov_r64_rm64 if instruction.op1_kind() == OpKind::Memory => {
                    loaded.extend(found.place(instruction));
                }
                Code::Mov_r64_rm64 | Code::Mov_rm64_r64
                    if !frame && instruction.op1_register() == Register::RSP =>
                {
                    take(i64::MIN);
                }
                _ => {}
            }
            let indexed = instruction.memory_index() != Register::None;
            let takes = instruction.code() == Code::Lea_r64_m && to != Register::RSP && !frame;
            if instruction.memory_base() == Register::RSP && (takes || indexed) {
                take(found.at(instruction).unwrap_or(i64::MIN));
            }
        }
        loaded.sort_unstable();
        loaded.dedup();
        // The saved frame pointer lies right below the return address.
        let own = |&at: &i64| {
            at < local && (-8 - locals..-8).contains(&at) || (8..argument).contains(&at)
        };
        found.slots = loaded.into_iter().filter(own).take(MAX_SLOTS).collect();
        found
    }

    /// The distance of a whole word in the frame, which the instruction reads or writes.
    fn place(&self, instruction: &Decoded) -> Option<i64> {
        let plain = instruction.memory_base() == Register::RSP
            && instruction.memory_index() == Register::None
            && instruction.segment_prefix() == Register::None;
        plain.then(|| self.at(instruction)).flatten()
    }

    fn at(&self, instruction: &Decoded) -> Option<i64> {
        let depth = (self.depth)(instruction.ip())?;
        let displacement = instruction.memory_displacement64().cast_signed();
        displacement.checked_sub(depth)
    }

    /// What an instruction that calls nothing does.
    pub fn effect(
        &self,
        instruction: &Decoded,
        factory: &mut InstructionInfoFactory,
    ) -> SlotEffect {
        let mut effect = SlotEffect::default();
        if self.slots.is_empty() || instruction.memory_base() != Register::RSP {
            return effect;
        }
        let slot = self
            .place(instruction)
            .and_then(|at| self.slots.iter().position(|&slot| slot == at));
        match (instruction.code(), slot) {
            (Code::Mov_r64_rm64, slot) => {
                effect.load = slot.map(|slot| (instruction.op0_register(), slot));
                return effect;
            }
            (Code::Mov_rm64_r64, Some(slot)) => {
                effect.store = Some((slot, instruction.op1_register()));
            }
            _ => {}
        }
        let info = factory.info(instruction);
        let writes = |memory: &iced_x86::UsedMemory| {
            !matches!(
                memory.access(),
                OpAccess::None | OpAccess::NoMemAccess | OpAccess::Read | OpAccess::CondRead
            )
        };
        if info.used_memory().iter().any(writes) {
            let size = i64::try_from(instruction.memory_size().size()).unwrap_or(i64::MAX);
            let from = self.at(instruction).unwrap_or(i64::MIN);
            let to = from.saturating_add(size);
            for (number, &slot) in self.slots.iter().enumerate() {
                let apart = slot >= to || slot.saturating_add(8) <= from;
                let stored = effect.store.is_some_and(|(stored, _)| stored == number);
                if !apart && !stored {
                    effect.kills |= 1 << number;
                }
            }
        }
        effect
    }
}
