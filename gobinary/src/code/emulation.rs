//! Which instructions the kernel accepts under a probe, and which it emulates.
//!
//! Facts from `arch/x86/kernel/uprobes.c` of Linux (`validate_insn_64bits`, `is_prefix_bad`, `branch_setup_xol_ops`,
//! `push_setup_xol_ops`), whose verdict depends on prefixes and opcode bytes alone. A refused site fails a whole attachment, or is
//! skipped in silence, so it must be known beforehand. Whatever is not emulated is single-stepped, at several times the cost.

use iced_x86::{Code, Instruction as Decoded};

/// Why the kernel refuses a probe on these bytes, which are one whole instruction; `None` if it accepts.
pub(crate) fn refusal(bytes: &[u8]) -> Option<&'static str> {
    let Some(opcode) = opcode(bytes) else {
        return Some("an instruction without an opcode");
    };
    match opcode {
        Opcode::Prefix(what) => Some(what),
        Opcode::One(0xcc | 0xcd | 0xf1) => Some("a breakpoint or interrupt"),
        Opcode::One(byte) if !accepts_one(byte) => {
            Some("an instruction that cannot run out of line")
        }
        Opcode::Two(0x05) => Some("a system call"),
        Opcode::Two(0x0b) => Some("an undefined instruction"),
        Opcode::Two(byte) if !accepts_two(byte) => {
            Some("an instruction that cannot run out of line")
        }
        Opcode::Three => Some("an instruction with a three-byte opcode"),
        // Loads of the stack segment mask the debug exception.
        Opcode::One(0x8e) if modrm_reg(bytes, 0x8e) == Some(2) => {
            Some("a load of the stack segment")
        }
        Opcode::One(_) | Opcode::Two(_) => None,
    }
}

/// Does the kernel emulate the instruction instead of single-stepping it?
pub(crate) fn is_emulated(instruction: &Decoded, bytes: &[u8]) -> bool {
    match instruction.code() {
        // With no prefix but REX.B.
        Code::Push_r64 => matches!(bytes, [0x50..=0x57] | [0x41, 0x50..=0x57]),
        // The longer no-ops are emulated by newer kernels only.
        Code::Nopd | Code::Nopw | Code::Nopq => matches!(bytes, [0x90] | [0x66, 0x90]),
        Code::Jmp_rel8_64 | Code::Jmp_rel32_64 | Code::Call_rel32_64 => {
            bytes.first() != Some(&0x66)
        }
        _ => instruction.is_jcc_short_or_near() && bytes.first() != Some(&0x66),
    }
}

/// What the kernel's decoder makes of an instruction's first bytes.
enum Opcode {
    Prefix(&'static str),
    One(u8),
    Two(u8),
    Three,
}

fn opcode(bytes: &[u8]) -> Option<Opcode> {
    let mut rest = bytes.iter().copied();
    let mut byte = rest.next()?;
    loop {
        match byte {
            0xf0 => return Some(Opcode::Prefix("an instruction with a LOCK prefix")),
            0x26 | 0x2e | 0x36 | 0x3e => {
                return Some(Opcode::Prefix("an instruction with a segment prefix"));
            }
            0x64..=0x67 | 0xf2 | 0xf3 => byte = rest.next()?,
            _ => break,
        }
    }
    if (0x40..=0x4f).contains(&byte) {
        byte = rest.next()?;
    }
    match byte {
        0x62 => Some(Opcode::Prefix("an instruction with an EVEX prefix")),
        0xd5 => Some(Opcode::Prefix("an instruction with a REX2 prefix")),
        // After a VEX prefix the decoder keeps the last opcode byte alone, and judges it by the one-byte table.
        0xc4 => rest.nth(2).map(Opcode::One),
        0xc5 => rest.nth(1).map(Opcode::One),
        0x0f => match rest.next()? {
            0x38 | 0x3a => Some(Opcode::Three),
            second => Some(Opcode::Two(second)),
        },
        _ => Some(Opcode::One(byte)),
    }
}

/// One-byte opcodes that may run out of line in 64-bit mode.
fn accepts_one(byte: u8) -> bool {
    match byte {
        0x00..=0x3f => byte & 7 < 6,
        0x40..=0x4f | 0x60..=0x62 | 0x66 | 0x67 | 0x6c..=0x6f => false,
        0x82 | 0x9a | 0xc4 | 0xc5 | 0xcc..=0xcf | 0xd4..=0xd6 => false,
        0xe4..=0xe7 | 0xea | 0xec..=0xef => false,
        0xf0 | 0xf1 | 0xf4 | 0xfa | 0xfb => false,
        _ => true,
    }
}

/// Second bytes of `0f` opcodes that may run out of line.
fn accepts_two(byte: u8) -> bool {
    !matches!(byte, 0x00..=0x0d | 0x18 | 0x24..=0x27 | 0x30 | 0x34..=0x3f)
        && !matches!(
            byte,
            0x78..=0x7d | 0xa6 | 0xa7 | 0xae | 0xb8 | 0xd0 | 0xf0 | 0xff
        )
}

/// The `reg` field of the byte after the opcode.
fn modrm_reg(bytes: &[u8], opcode: u8) -> Option<u8> {
    let at = bytes.iter().position(|&byte| byte == opcode)?;
    bytes.get(at + 1).map(|modrm| modrm >> 3 & 7)
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions};

    use super::*;

    fn emulated(bytes: &[u8]) -> bool {
        let instruction = Decoder::with_ip(64, bytes, 0x1000, DecoderOptions::NONE).decode();
        assert_eq!(instruction.len(), bytes.len());
        is_emulated(&instruction, bytes)
    }

    #[test]
    fn emulated_instructions() {
        for bytes in [
            &[0x55][..],               // push rbp
            &[0x41, 0x56],             // push r14
            &[0x76, 0x10],             // jbe
            &[0x0f, 0x86, 0, 1, 0, 0], // jbe near
            &[0xeb, 0x10],             // jmp
            &[0xe9, 0, 1, 0, 0],       // jmp near
            &[0xe8, 0, 1, 0, 0],       // call
            &[0x90],                   // nop
            &[0x66, 0x90],             // xchg ax,ax
        ] {
            assert!(emulated(bytes), "{bytes:x?}");
            assert_eq!(refusal(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn single_stepped_instructions() {
        for bytes in [
            &[0x48, 0x83, 0xec, 0x18][..],                           // sub rsp,18h
            &[0xc3],                                                 // ret
            &[0xff, 0xe0],                                           // jmp rax
            &[0xff, 0xd0],                                           // call rax
            &[0x48, 0x89, 0xe5],                                     // mov rbp,rsp
            &[0x64, 0x4c, 0x8b, 0x34, 0x25, 0xf8, 0xff, 0xff, 0xff], // mov r14,fs:[-8]
            &[0x49, 0x3b, 0x66, 0x10],                               // cmp rsp,[r14+10h]
            &[0x48, 0x55],                                           // push rbp with REX.W
            &[0xe3, 0x10],                                           // jrcxz
        ] {
            assert!(!emulated(bytes), "{bytes:x?}");
            assert_eq!(refusal(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn refused_instructions() {
        for bytes in [
            &[0xcc][..],                           // int3
            &[0xf0, 0x0f, 0xb1, 0x0b],             // lock cmpxchg
            &[0x3e, 0xff, 0xe0],                   // notrack jmp rax
            &[0x2e, 0x90],                         // cs nop
            &[0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x00], // vmovdqu64
            &[0x0f, 0x05],                         // syscall
            &[0x0f, 0x0b],                         // ud2
            &[0x0f, 0xae, 0xf0],                   // mfence
            &[0x66, 0x0f, 0x38, 0x00, 0xc1],       // pshufb
            &[0xf4],                               // hlt
            &[0xc5, 0xfe, 0x6f, 0x06],             // vmovdqu
            &[0x8e, 0xd0],                         // mov ss,eax
            &[0x66],                               // nothing but a prefix
            &[],
        ] {
            assert!(refusal(bytes).is_some(), "{bytes:x?}");
        }
    }
}
