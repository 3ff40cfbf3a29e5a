//! What an entry site's instruction does, where that is simple enough for a probe program to do it in the processor's stead.
//!
//! Kernels that let a uprobe program write registers skip the single-step of an instruction that the program has carried out. Only
//! what changes one register and the arithmetic flags is described; the stack pointer and R14, which holds g, are left alone.

use iced_x86::{Decoder, DecoderOptions, Instruction as Decoded, Mnemonic, OpKind, Register};

use serde::Serialize;

use super::EntrySite;
use crate::Executable;

/// One instruction. Registers are numbered as the processor does: RAX 0, RCX 1, RDX 2, RBX 3, RSP 4, RBP 5, RSI 6, RDI 7, R8 8 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Step {
    /// What it does.
    pub operation: Operation,
    /// Bytes that it is done on: 4 or 8, for [`Operation::Load`] also 1 and 2. What is narrower than 8 is extended with zeros.
    pub width: u8,
    /// The register that is written, or compared.
    pub to: u8,
    /// The register that is read; [`Step::IP`]: the address of this instruction; [`Step::NONE`]: none, which counts as 0.
    pub from: u8,
    /// Displacement or immediate value, in bytes or plain.
    pub value: i32,
    /// Bytes of the instruction.
    pub len: u8,
}

/// What a [`Step`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[repr(u8)]
pub enum Operation {
    /// `to` = `from` + `value`; flags stay.
    Set = 1,
    /// `to` = what stands in memory at `from` + `value`; flags stay.
    Load = 2,
    /// `to` = 0, flags as of `xor`.
    Clear = 3,
    /// Flags as of `test to, to`.
    Test = 4,
    /// Flags as of `cmp to, from + value`.
    Compare = 5,
}

impl Step {
    /// In [`Step::from`]: the address of the instruction.
    pub const IP: u8 = 16;
    /// In [`Step::from`]: no register.
    pub const NONE: u8 = 17;

    fn of(instruction: &Decoded, address: u64) -> Option<Self> {
        let (first, second) = (instruction.op0_register(), instruction.op1_register());
        let in_register = instruction.op0_kind() == OpKind::Register && writable(first);
        let len = u8::try_from(instruction.len()).ok()?;
        let width = u8::try_from(first.size()).ok()?;
        if !in_register || !matches!(width, 4 | 8) {
            return None;
        }
        let step = |operation, width, from, value| {
            Some(Self {
                operation,
                width,
                to: number(first)?,
                from,
                value,
                len,
            })
        };
        match (instruction.mnemonic(), instruction.op1_kind()) {
            (Mnemonic::Mov, OpKind::Register) if second.size() == first.size() => {
                step(Operation::Set, width, number(second)?, 0)
            }
            (Mnemonic::Mov, OpKind::Immediate32 | OpKind::Immediate32to64) => step(
                Operation::Set,
                width,
                Self::NONE,
                instruction.immediate(1) as i32,
            ),
            (Mnemonic::Mov | Mnemonic::Movzx, OpKind::Memory) => {
                let bytes = u8::try_from(instruction.memory_size().size()).ok()?;
                let (from, value) = memory(instruction, address)?;
                matches!(bytes, 1 | 2 | 4 | 8)
                    .then(|| step(Operation::Load, bytes, from, value))
                    .flatten()
            }
            (Mnemonic::Lea, OpKind::Memory) if width == 8 => {
                let (from, value) = memory(instruction, address)?;
                step(Operation::Set, width, from, value)
            }
            (Mnemonic::Xor, OpKind::Register) if first == second => {
                step(Operation::Clear, width, Self::NONE, 0)
            }
            (Mnemonic::Test, OpKind::Register) if first == second => {
                step(Operation::Test, width, Self::NONE, 0)
            }
            (Mnemonic::Cmp, OpKind::Register) => {
                step(Operation::Compare, width, number(second)?, 0)
            }
            (
                Mnemonic::Cmp,
                OpKind::Immediate8to32
                | OpKind::Immediate8to64
                | OpKind::Immediate32
                | OpKind::Immediate32to64,
            ) => step(
                Operation::Compare,
                width,
                Self::NONE,
                instruction.immediate(1) as i32,
            ),
            _ => None,
        }
    }
}

impl Executable {
    /// What the entry site's instruction does, if a probe program can do it.
    #[must_use]
    pub fn entry_step(&self, entry: &EntrySite) -> Option<Step> {
        let bytes = entry
            .instruction
            .bytes
            .get(..usize::from(entry.instruction.len))?;
        let decoded = Decoder::with_ip(64, bytes, entry.address, DecoderOptions::NONE).decode();
        Step::of(&decoded, entry.address)
    }
}

/// A base register, or the address of the instruction, and a displacement from it.
fn memory(instruction: &Decoded, address: u64) -> Option<(u8, i32)> {
    if instruction.memory_index() != Register::None
        || instruction.segment_prefix() != Register::None
    {
        return None;
    }
    match instruction.memory_base() {
        Register::RIP => {
            let distance = instruction.memory_displacement64().wrapping_sub(address) as i64;
            Some((Step::IP, i32::try_from(distance).ok()?))
        }
        base if base.is_gpr64() => {
            let displacement = instruction.memory_displacement64() as i64;
            Some((number(base)?, i32::try_from(displacement).ok()?))
        }
        _ => None,
    }
}

fn writable(register: Register) -> bool {
    let whole = register.full_register();
    (register.is_gpr64() || register.is_gpr32()) && whole != Register::RSP && whole != Register::R14
}

fn number(register: Register) -> Option<u8> {
    (register.is_gpr64() || register.is_gpr32())
        .then(|| u8::try_from(register.number()).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(bytes: &[u8]) -> Option<Step> {
        let decoded = Decoder::with_ip(64, bytes, 0x1000, DecoderOptions::NONE).decode();
        assert_eq!(decoded.len(), bytes.len());
        Step::of(&decoded, 0x1000)
    }

    #[test]
    fn simple_instructions() {
        let expect = |operation, width, to, from, value, bytes: &[u8]| {
            let len = bytes.len() as u8;
            let expected = Step {
                operation,
                width,
                to,
                from,
                value,
                len,
            };
            assert_eq!(step(bytes), Some(expected), "{bytes:02x?}");
        };
        expect(Operation::Load, 8, 1, 0, 0, &[0x48, 0x8b, 0x08]);
        expect(
            Operation::Load,
            8,
            0,
            Step::IP,
            0x107,
            &[0x48, 0x8b, 0x05, 0, 1, 0, 0],
        );
        expect(Operation::Load, 2, 1, 0, 0, &[0x0f, 0xb7, 0x08]);
        expect(Operation::Load, 4, 0, 4, 8, &[0x8b, 0x44, 0x24, 8]);
        expect(Operation::Set, 8, 1, 0, -1, &[0x48, 0x8d, 0x48, 0xff]);
        expect(Operation::Set, 4, 1, 3, 0, &[0x89, 0xd9]);
        expect(
            Operation::Set,
            4,
            1,
            Step::NONE,
            -1,
            &[0xb9, 0xff, 0xff, 0xff, 0xff],
        );
        expect(Operation::Clear, 4, 0, Step::NONE, 0, &[0x31, 0xc0]);
        expect(Operation::Test, 8, 0, Step::NONE, 0, &[0x48, 0x85, 0xc0]);
        expect(
            Operation::Compare,
            8,
            0,
            Step::NONE,
            -3,
            &[0x48, 0x83, 0xf8, 0xfd],
        );
        expect(Operation::Compare, 4, 0, 3, 0, &[0x39, 0xd8]);
    }

    #[test]
    fn what_is_left_to_the_processor() {
        for bytes in [
            &[0x48_u8, 0x89, 0x44, 0x24, 8][..], // mov %rax, 8(%rsp)
            &[0x84, 0x00],                       // test %al, (%rax)
            &[0x49, 0x89, 0xc6],                 // mov %rax, %r14
            &[0x48, 0x89, 0xc4],                 // mov %rax, %rsp
            &[0x48, 0x8b, 0x04, 0xc8],           // mov (%rax,%rcx,8), %rax
            &[0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff], // mov %fs:-8, %rax
            &[0x31, 0xc8],                       // xor %ecx, %eax
            &[0x48, 0x63, 0xc8],                 // movslq %eax, %rcx
            &[0x66, 0x89, 0xc8],                 // mov %cx, %ax
            &[0x0f, 0x10, 0x03],                 // movups (%rbx), %xmm0
        ] {
            assert_eq!(step(bytes), None, "{bytes:02x?}");
        }
    }
}
