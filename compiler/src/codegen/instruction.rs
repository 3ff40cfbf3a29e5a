//! eBPF instructions, as far as predicates need them.
//!
//! The codes are those of include/uapi/linux/bpf.h and include/uapi/linux/bpf_common.h; see also
//! Documentation/bpf/standardization/instruction-set.rst. Nothing newer than Linux 5.15 knows is used.

use grammar::ast::Span;
use serde::Serialize;

use crate::ir::Width;

/// One instruction as the kernel takes it, and what it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instruction {
    /// What is done.
    pub code: u8,
    /// Destination register.
    pub destination: u8,
    /// Source register.
    pub source: u8,
    /// Of memory, or of a jump's target.
    pub offset: i16,
    /// Immediate operand.
    pub immediate: i32,
    /// The expression in the program text.
    pub span: Span,
}

impl Instruction {
    /// The eight bytes of `struct bpf_insn` on a little-endian machine.
    #[must_use]
    pub fn bytes(&self) -> [u8; 8] {
        let [o0, o1] = self.offset.to_le_bytes();
        let [i0, i1, i2, i3] = self.immediate.to_le_bytes();
        let registers = self.destination | self.source << 4;
        [self.code, registers, o0, o1, i0, i1, i2, i3]
    }

    /// Calls a helper of the kernel.
    #[must_use]
    pub fn is_helper_call(&self) -> bool {
        self.code == JMP | CALL && self.source == 0
    }

    /// Calls a function of the program.
    #[must_use]
    pub fn is_function_call(&self) -> bool {
        self.code == JMP | CALL && self.source == OF_THE_PROGRAM
    }
}

/// Return value, and scratch.
pub(super) const R0: u8 = 0;
/// First argument of a helper; helpers and called functions change `R0` to `R5`.
pub(super) const R1: u8 = 1;
/// Second argument.
pub(super) const R2: u8 = 2;
/// Third argument.
pub(super) const R3: u8 = 3;
/// Fourth argument.
pub(super) const R4: u8 = 4;
/// Fifth argument.
pub(super) const R5: u8 = 5;
/// Survives calls, as do the next three.
pub(super) const R6: u8 = 6;
/// Survives calls.
pub(super) const R7: u8 = 7;
/// Survives calls.
pub(super) const R8: u8 = 8;
/// Survives calls.
pub(super) const R9: u8 = 9;
/// The end of the stack frame.
pub(super) const FRAME: u8 = 10;

// Instruction classes (the lowest three bits).
const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const JMP: u8 = 0x05;
const ALU64: u8 = 0x07;

/// The second operand is a register, not the immediate.
const FROM_REGISTER: u8 = 0x08;

// Addressing modes.
const IMM: u8 = 0x00;
const MEM: u8 = 0x60;

// Operations of class JMP.
const GOTO: u8 = 0x00;
const CALL: u8 = 0x80;
const EXIT: u8 = 0x90;

/// Source of a call: the immediate operand says how far away the function is (`BPF_PSEUDO_CALL`).
const OF_THE_PROGRAM: u8 = 1;

/// Arithmetic of class ALU64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    /// Unsigned; 0 where the divisor is 0.
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    ShiftLeft = 0x60,
    ShiftRight = 0x70,
    Neg = 0x80,
    /// Unsigned.
    Mod = 0x90,
    Xor = 0xa0,
    Mov = 0xb0,
    ArithmeticShiftRight = 0xc0,
}

/// Conditions of jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Jump {
    Equal = 0x10,
    Greater = 0x20,
    GreaterOrEqual = 0x30,
    NotEqual = 0x50,
    SignedGreater = 0x60,
    SignedGreaterOrEqual = 0x70,
    Less = 0xa0,
    LessOrEqual = 0xb0,
    SignedLess = 0xc0,
    SignedLessOrEqual = 0xd0,
}

/// The second operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Register(u8),
    /// Extended with its sign.
    Immediate(i32),
}

/// What an instruction does; jumps have their targets elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Alu(Alu, u8, Operand),
    /// Two slots.
    Load64(u8, u64),
    /// `to = *(width *)(base + offset)`, zero-extended.
    Load(Width, u8, u8, i16),
    /// `*(width *)(base + offset) = value`
    Store(Width, u8, i16, Operand),
    Goto,
    Branch(Jump, u8, Operand),
    Helper(Helper),
    /// By its index; see [`Code::with_functions`](super::code::Code).
    Function(i32),
    Exit,
}

/// Functions of the kernel, by their numbers in `enum bpf_func_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Helper {
    /// Fails where the page is not in memory.
    ProbeReadUser = 112,
    /// Brings the page in; for programs that may sleep.
    CopyFromUser = 148,
}

impl Operation {
    /// How many instruction slots it takes.
    pub(super) fn slots(self) -> usize {
        match self {
            Self::Load64(..) => 2,
            _ => 1,
        }
    }

    /// Whether control can go on to what stands after it.
    pub(super) fn falls_through(self) -> bool {
        !matches!(self, Self::Goto | Self::Exit)
    }

    /// Appends it, with `offset` as the distance to a jump's target.
    pub(super) fn encode(self, offset: i16, span: &Span, code: &mut Vec<Instruction>) {
        let mut push = |code_, destination, source, offset, immediate| {
            code.push(Instruction {
                code: code_,
                destination,
                source,
                offset,
                immediate,
                span: span.clone(),
            });
        };
        match self {
            Self::Alu(operation, to, Operand::Register(from)) => {
                push(ALU64 | FROM_REGISTER | operation as u8, to, from, 0, 0);
            }
            Self::Alu(operation, to, Operand::Immediate(value)) => {
                push(ALU64 | operation as u8, to, 0, 0, value);
            }
            Self::Load64(to, value) => {
                push(LD | IMM | SIZE_DOUBLE, to, 0, 0, value as i32);
                push(0, 0, 0, 0, (value >> 32) as i32);
            }
            Self::Load(width, to, base, offset) => {
                push(LDX | MEM | size(width), to, base, offset, 0);
            }
            Self::Store(width, base, offset, Operand::Register(from)) => {
                push(STX | MEM | size(width), base, from, offset, 0);
            }
            Self::Store(width, base, offset, Operand::Immediate(value)) => {
                push(ST | MEM | size(width), base, 0, offset, value);
            }
            Self::Goto => push(JMP | GOTO, 0, 0, offset, 0),
            Self::Branch(jump, left, Operand::Register(right)) => {
                push(JMP | FROM_REGISTER | jump as u8, left, right, offset, 0);
            }
            Self::Branch(jump, left, Operand::Immediate(right)) => {
                push(JMP | jump as u8, left, 0, offset, right);
            }
            Self::Helper(helper) => push(JMP | CALL, 0, 0, 0, helper as i32),
            Self::Function(number) => push(JMP | CALL, 0, OF_THE_PROGRAM, 0, number),
            Self::Exit => push(JMP | EXIT, 0, 0, 0, 0),
        }
    }
}

const SIZE_DOUBLE: u8 = 0x18;

fn size(width: Width) -> u8 {
    match width {
        Width::One => 0x10,
        Width::Two => 0x08,
        Width::Four => 0x00,
        Width::Eight => SIZE_DOUBLE,
    }
}
