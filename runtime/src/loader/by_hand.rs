//! Programs of a few instructions, written by hand: some are loaded to find out whether the kernel takes them, which its version does not
//! always tell, others to be run where no object is needed.

#![allow(unsafe_code)]

use std::{io, os::fd::OwnedFd};

use aya_obj::generated::{
    BPF_ADD, BPF_ALU64, BPF_CALL, BPF_DW, BPF_EXIT, BPF_JEQ, BPF_JMP, BPF_K, BPF_LDX, BPF_MEM,
    BPF_MOV, BPF_ST, BPF_STX, BPF_X, bpf_insn, bpf_prog_type,
};

use super::{BPF_F_SLEEPABLE, Kind, attributes, load_instructions};
use crate::{splice, sys};

/// Loads a program that writes the instruction pointer back, and tells whether the kernel took it.
pub(crate) fn can_write_registers() -> bool {
    // Offset of ip in struct pt_regs (arch/x86/include/asm/ptrace.h).
    const IP: i16 = 128;
    takes(
        &[
            instruction(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, IP, 0),
            instruction(BPF_STX | BPF_MEM | BPF_DW, 1, 2, IP, 0),
            instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
            instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        ],
        Kind {
            multi: true,
            sleepable: false,
        },
    )
}

/// Loads programs that may wait for memory, and tells whether the kernel took them, with frames of their own: it must refuse one whose
/// frames together are too large for the thread's stack, since such frames would lie where those of other threads do.
pub(crate) fn can_sleep(multi: bool) -> bool {
    let kind = Kind {
        multi,
        sleepable: true,
    };
    takes(&waiting(128), kind) && !takes(&waiting(384), kind)
}

/// Loads a program that does nothing.
pub(crate) fn load_empty(kind: Kind) -> io::Result<OwnedFd> {
    load_instructions(
        &[
            instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
            instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        ],
        attributes(kind),
    )
}

/// Loads a program that writes `bpf_ktime_get_ns` to the eight bytes that it is run with.
pub(crate) fn load_clock() -> io::Result<OwnedFd> {
    let mut attr = sys::zeroed();
    // SAFETY: BPF_PROG_LOAD uses this member of the union.
    let fields = unsafe { &mut attr.__bindgen_anon_3 };
    fields.prog_type = bpf_prog_type::BPF_PROG_TYPE_SYSCALL as u32;
    fields.prog_flags = BPF_F_SLEEPABLE;
    load_instructions(
        &[
            instruction(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
            instruction(BPF_JMP | BPF_CALL, 0, 0, 0, KTIME_GET_NS),
            instruction(BPF_STX | BPF_MEM | BPF_DW, 6, 0, 0, 0),
            instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
            instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        ],
        attr,
    )
}

/// The helpers' numbers (include/uapi/linux/bpf.h, `___BPF_FUNC_MAPPER`).
const KTIME_GET_NS: i32 = 5;
const TAIL_CALL: i32 = 12;
const COPY_FROM_USER: i32 = 148;

/// A program that may wait, of two functions that each use so many bytes of stack, with the tail call that never happens.
fn waiting(stack: i16) -> [bpf_insn; 14] {
    // A function's address is that of the instruction behind its call, and as many more.
    const OTHER_FUNCTION: i32 = 2;
    let mov = |to, value| instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
    let write = instruction(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -stack, 0);
    let exit = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    [
        mov(0, 0),
        instruction(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0),
        instruction(BPF_JMP | BPF_CALL, 0, 0, 0, TAIL_CALL),
        write,
        instruction(
            BPF_JMP | BPF_CALL,
            0,
            splice::PSEUDO_CALL,
            0,
            OTHER_FUNCTION,
        ),
        mov(0, 0),
        exit,
        write,
        instruction(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0),
        instruction(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -8),
        mov(2, 8),
        mov(3, 0),
        instruction(BPF_JMP | BPF_CALL, 0, 0, 0, COPY_FROM_USER),
        exit,
    ]
}

fn takes(program: &[bpf_insn], kind: Kind) -> bool {
    load_instructions(program, attributes(kind)).is_ok()
}

fn instruction(code: u32, dst: u8, src: u8, off: i16, imm: i32) -> bpf_insn {
    let mut insn = sys::no_instruction();
    insn.code = code as u8;
    insn.set_dst_reg(dst);
    insn.set_src_reg(src);
    insn.off = off;
    insn.imm = imm;
    insn
}
