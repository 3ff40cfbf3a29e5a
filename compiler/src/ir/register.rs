//! The registers that a probe sees.

use serde::Serialize;

/// The integer registers of x86-64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Register {
    /// Go's first integer argument.
    Rax,
    /// The second.
    Rbx,
    /// The third.
    Rcx,
    /// The fourth.
    Rdi,
    /// The fifth.
    Rsi,
    /// The sixth.
    R8,
    /// The seventh.
    R9,
    /// The eighth.
    R10,
    /// The ninth.
    R11,
    /// The closure context.
    Rdx,
    /// Frame pointer.
    Rbp,
    /// Stack pointer: the return address is there at an entry site and at a `ret`. The probe program hands it over, since another one may
    /// have carried the `ret` out before it.
    Rsp,
    /// Scratch.
    R12,
    /// Scratch.
    R13,
    /// The current g.
    R14,
    /// Scratch, the GOT where linked dynamically.
    R15,
}

impl Register {
    /// All, in the order in which Go assigns integer arguments to the first nine (`cmd/compile/abi-internal.md`, Go 1.17 and later).
    pub const ALL: [Self; 16] = [
        Self::Rax,
        Self::Rbx,
        Self::Rcx,
        Self::Rdi,
        Self::Rsi,
        Self::R8,
        Self::R9,
        Self::R10,
        Self::R11,
        Self::Rdx,
        Self::Rbp,
        Self::Rsp,
        Self::R12,
        Self::R13,
        Self::R14,
        Self::R15,
    ];

    /// Its offset in `struct pt_regs` (arch/x86/include/asm/ptrace.h); of the stack pointer, which is not read there, nothing.
    #[must_use]
    pub const fn offset(self) -> Option<i16> {
        Some(match self {
            Self::R15 => 0,
            Self::R14 => 8,
            Self::R13 => 16,
            Self::R12 => 24,
            Self::Rbp => 32,
            Self::Rbx => 40,
            Self::R11 => 48,
            Self::R10 => 56,
            Self::R9 => 64,
            Self::R8 => 72,
            Self::Rax => 80,
            Self::Rcx => 88,
            Self::Rdx => 96,
            Self::Rsi => 104,
            Self::Rdi => 112,
            Self::Rsp => return None,
        })
    }

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::R15 => "r15",
            Self::R14 => "r14",
            Self::R13 => "r13",
            Self::R12 => "r12",
            Self::Rbp => "rbp",
            Self::Rbx => "rbx",
            Self::R11 => "r11",
            Self::R10 => "r10",
            Self::R9 => "r9",
            Self::R8 => "r8",
            Self::Rax => "rax",
            Self::Rcx => "rcx",
            Self::Rdx => "rdx",
            Self::Rsi => "rsi",
            Self::Rdi => "rdi",
            Self::Rsp => "rsp",
        }
    }
}

/// Words in `struct pt_regs`.
pub const REGISTERS: usize = 21;
