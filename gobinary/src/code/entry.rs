//! Where a function is entered: the place that each call passes once, with its arguments still in their registers.

use iced_x86::{Code, FlowControl, Instruction as Decoded, Mnemonic, OpKind, Register};

use crate::code::body::{Body, is_load_of_g};
use crate::code::emulation;
use crate::code::site::{EntryKind, EntrySite, Unprobeable};

/// The stack check at a function's start.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// Index of the final `jbe`.
    jbe: usize,
    /// Where it goes: code that grows the stack and begins anew.
    grow: u64,
}

impl Body<'_> {
    /// Finds the stack check: a comparison of the stack pointer, or of what it will be (R12), with `g.stackguard0` (or 1, on system
    /// stacks), and a jump to a call of `runtime.morestack` that is taken when it is not above. Frames of more than 4 KiB first rule
    /// out an overflow (`jb`); assembly first loads g.
    pub fn check(&self) -> Option<Check> {
        let (mut g, mut future_stack, mut compared) = (Register::R14, false, false);
        for (index, instruction) in self.instructions.iter().enumerate().take(8) {
            let to = instruction.op0_register();
            match instruction.mnemonic() {
                Mnemonic::Mov if !compared && to.is_gpr64() => {
                    if instruction.memory_segment() == Register::FS {
                        g = to;
                    }
                    future_stack |=
                        to == Register::R12 && instruction.op1_register() == Register::RSP;
                }
                Mnemonic::Lea if !compared && to == Register::R12 => {
                    future_stack = instruction.memory_base() == Register::RSP;
                }
                Mnemonic::Sub if !compared && to == Register::R12 => {}
                Mnemonic::Jb if !compared && future_stack => {}
                Mnemonic::Cmp if !compared => {
                    compared = (to == Register::RSP || to == Register::R12 && future_stack)
                        && instruction.op1_kind() == OpKind::Memory
                        && instruction.memory_base() == g
                        && instruction.memory_index() == Register::None
                        && matches!(instruction.memory_displacement64(), 0x10 | 0x18);
                    if !compared {
                        return None;
                    }
                }
                Mnemonic::Jbe if compared => {
                    let grow = instruction.near_branch_target();
                    return self.grows_stack(grow).then_some(Check { jbe: index, grow });
                }
                _ => return None,
            }
        }
        None
    }

    /// Is the first call from here on one of `runtime.morestack`?
    fn grows_stack(&self, address: u64) -> bool {
        let Ok(index) = self
            .instructions
            .binary_search_by_key(&address, Decoded::ip)
        else {
            return false;
        };
        let call = self
            .instructions
            .iter()
            .skip(index)
            .find(|i| i.flow_control() == FlowControl::Call);
        let called = call.and_then(|call| self.executable.name_called(call.near_branch_target()));
        called.is_some_and(|name| name.starts_with("runtime.morestack"))
    }

    pub fn entry(&self, check: Option<Check>) -> Result<EntrySite, Unprobeable> {
        let first = self.instructions.first().ok_or(Unprobeable::Empty)?;
        let after = check.and_then(|check| self.instructions.get(check.jbe + 1));
        let (index, decoded, kind) = match (check, after) {
            (Some(check), Some(after))
                if emulation::is_emulated(after, self.bytes(after)) && !self.leaves(after) =>
            {
                (check.jbe + 1, after, EntryKind::AfterCheck)
            }
            (Some(check), _) => {
                let jbe = self.instructions.get(check.jbe).ok_or(Unprobeable::Empty)?;
                (check.jbe, jbe, EntryKind::Jbe)
            }
            (None, _) if first.code() == Code::Retnq => (0, first, EntryKind::FirstIsRet),
            (None, _) => (0, first, EntryKind::First),
        };
        // Only the code that grows the stack may go back to the start, and nothing to the site.
        let again = |instruction: &&Decoded| {
            let target = branch_target(instruction);
            target == Some(decoded.ip()) && (index > 0 || check.is_none())
                || target == Some(self.function.entry)
                    && check.is_none_or(|check| instruction.ip() < check.grow)
        };
        if self
            .instructions
            .iter()
            .any(|instruction| again(&instruction))
        {
            return Err(Unprobeable::EntryInLoop);
        }
        // A wrapper around Go code that assembly calls begins by loading g.
        let until_call = self.instructions.iter().take_while(|i| {
            !matches!(
                i.flow_control(),
                FlowControl::Call | FlowControl::IndirectCall
            )
        });
        let loads_g = until_call.skip(index).any(is_load_of_g);
        let instruction = self.site(decoded)?;
        Ok(EntrySite {
            address: decoded.ip(),
            kind,
            instruction,
            g_from_tls: self.assembly || loads_g,
        })
    }

    /// Is this an unconditional jump out of the function, as far as can be told from it alone?
    pub fn leaves(&self, instruction: &Decoded) -> bool {
        match instruction.flow_control() {
            FlowControl::UnconditionalBranch => !self.contains(instruction.near_branch_target()),
            FlowControl::IndirectBranch => instruction.memory_index() == Register::None,
            FlowControl::Return => true,
            _ => false,
        }
    }
}

fn branch_target(instruction: &Decoded) -> Option<u64> {
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch
        | FlowControl::ConditionalBranch
        | FlowControl::XbeginXabortXend => Some(instruction.near_branch_target()),
        _ => None,
    }
}
