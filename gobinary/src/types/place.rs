//! Where a value lies at one instruction.
//!
//! A value of Go may be spread over registers and the stack; each part says for itself where it is. What is not known, or not
//! there, is a part of its own kind, so that nobody takes a wrong number for a value.

use std::fmt;

/// A general register of x86-64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Register {
    Rax,
    Rbx,
    Rcx,
    Rdx,
    Rsi,
    Rdi,
    Rbp,
    Rsp,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

impl Register {
    /// Name in capitals, as in Go's documentation of its calling convention.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rax => "RAX",
            Self::Rbx => "RBX",
            Self::Rcx => "RCX",
            Self::Rdx => "RDX",
            Self::Rsi => "RSI",
            Self::Rdi => "RDI",
            Self::Rbp => "RBP",
            Self::Rsp => "RSP",
            Self::R8 => "R8",
            Self::R9 => "R9",
            Self::R10 => "R10",
            Self::R11 => "R11",
            Self::R12 => "R12",
            Self::R13 => "R13",
            Self::R14 => "R14",
            Self::R15 => "R15",
        }
    }

    /// By its number in DWARF (System V ABI for AMD64, figure 3.36).
    pub(crate) fn from_dwarf(number: u16) -> Option<Self> {
        const ORDER: [Register; 16] = [
            Register::Rax,
            Register::Rdx,
            Register::Rcx,
            Register::Rbx,
            Register::Rsi,
            Register::Rdi,
            Register::Rbp,
            Register::Rsp,
            Register::R8,
            Register::R9,
            Register::R10,
            Register::R11,
            Register::R12,
            Register::R13,
            Register::R14,
            Register::R15,
        ];
        ORDER.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a part of a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Where {
    /// In the low bytes of a general register. The bytes above the part's size are garbage.
    Register(Register),
    /// In the low bytes of the vector register of this number, which the kernel does not show to a probe.
    Vector(u8),
    /// In memory, this many bytes above the slot of the return address: `rsp + n` at a function's first instruction and at its
    /// `ret`.
    Stack(i64),
    /// In memory, this many bytes into the closure, whose address is in RDX at the function's first instruction.
    Closure(u64),
    /// Nowhere: the value is not there at this instruction, or where it is is not known.
    Absent,
}

/// A part of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece {
    /// Where in the value it begins, in bytes.
    pub offset: u64,
    /// In bytes; never more than 8 in a general register.
    pub size: u64,
    /// Where it is.
    pub at: Where,
}

/// Where a value lies: its parts by ascending offset, without those that are padding. None at all: the value has no size.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The parts.
    pub pieces: Vec<Piece>,
}

impl Place {
    /// A value of this size that is in one place.
    #[must_use]
    pub fn whole(at: Where, size: u64) -> Self {
        let piece = Piece {
            offset: 0,
            size,
            at,
        };
        Self {
            pieces: (size > 0).then_some(piece).into_iter().collect(),
        }
    }

    /// Is each part somewhere?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.pieces.iter().all(|piece| piece.at != Where::Absent)
    }

    /// Where the byte at an offset of the value is; `None` in padding.
    #[must_use]
    pub fn piece_at(&self, offset: u64) -> Option<&Piece> {
        self.pieces.iter().find(|piece| {
            offset
                .checked_sub(piece.offset)
                .is_some_and(|at| at < piece.size)
        })
    }
}

/// For people: `RBX, RCX`, `[SP+8]`, `X0`, `[closure+16]`, `?` where absent.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pieces.is_empty() {
            return f.write_str("nothing");
        }
        for (number, piece) in self.pieces.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            match piece.at {
                Where::Register(register) => write!(f, "{register}")?,
                Where::Vector(number) => write!(f, "X{number}")?,
                Where::Stack(offset) => write!(f, "[SP{offset:+}]")?,
                Where::Closure(offset) => write!(f, "[closure+{offset}]")?,
                Where::Absent => f.write_str("?")?,
            }
        }
        Ok(())
    }
}
