//! Go's calling conventions on amd64, computed from types: the register-based one (ABIInternal), and the one that has all on the stack
//! (ABI0), with the same layout as what of the first finds no registers.
//!
//! `cmd/compile/abi-internal.md` and `cmd/compile/internal/abi/abiutils.go`, the same in Go 1.18 to 1.27: nine general registers and
//! fifteen vector registers, for the arguments and once more for the results; a value that does not fit as a whole lies on the stack as a
//! whole, while later ones still take registers.

use super::model::{Kind, TypeId};
use super::place::{Piece, Place, Register, Where};
use super::{Types, TypesError};

const GENERAL: [Register; 9] = [
    Register::Rax,
    Register::Rbx,
    Register::Rcx,
    Register::Rdi,
    Register::Rsi,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];
const VECTORS: usize = 15;
/// Types within types are followed this far.
const MAX_DEPTH: usize = 64;
/// A type with more parts never fits into registers.
const MAX_LEAVES: usize = GENERAL.len() + VECTORS;
/// Fields looked at to lay out one type.
const MAX_STEPS: usize = 1 << 16;

/// What a register holds of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    General,
    Vector,
}

/// A part of a value that takes one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Leaf {
    pub offset: u64,
    pub size: u64,
    pub class: Class,
}

/// How a value is passed, as far as its type decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Layout {
    pub size: u64,
    pub align: u64,
    /// The parts; `None` where it never goes in registers.
    pub leaves: Option<Vec<Leaf>>,
}

impl Layout {
    /// A value of one word.
    pub fn word(class: Class, size: u64) -> Self {
        Self {
            size,
            align: size,
            leaves: Some(vec![Leaf {
                offset: 0,
                size,
                class,
            }]),
        }
    }
}

impl Types<'_> {
    pub(super) fn layout(&self, id: TypeId) -> Result<Layout, TypesError> {
        let mut walk = Walk {
            leaves: Some(Vec::new()),
            steps: 0,
        };
        let size = self.get(id)?.size;
        let align = self.walk(&mut walk, id, 0, 0)?;
        Ok(Layout {
            size,
            align,
            leaves: walk.leaves,
        })
    }

    /// Collects the parts and answers the alignment.
    fn walk(&self, walk: &mut Walk, id: TypeId, at: u64, depth: usize) -> Result<u64, TypesError> {
        walk.steps += 1;
        if depth > MAX_DEPTH || walk.steps > MAX_STEPS {
            return Err(TypesError::TooDeep);
        }
        let ty = self.get(id)?;
        let words = |walk: &mut Walk, count| {
            (0..count).for_each(|word| walk.push(at.saturating_add(word * 8), 8, Class::General));
            8
        };
        Ok(match &ty.kind {
            Kind::Bool | Kind::Int | Kind::Uint => {
                walk.push(at, ty.size, Class::General);
                ty.size
            }
            Kind::Float => {
                walk.push(at, ty.size, Class::Vector);
                ty.size
            }
            Kind::Complex => {
                let half = ty.size / 2;
                walk.push(at, half, Class::Vector);
                walk.push(at.saturating_add(half), half, Class::Vector);
                half
            }
            Kind::Pointer { .. }
            | Kind::UnsafePointer
            | Kind::Map { .. }
            | Kind::Chan { .. }
            | Kind::Func => words(walk, 1),
            Kind::String | Kind::Interface { .. } => words(walk, 2),
            Kind::Slice { .. } => words(walk, 3),
            Kind::Array { element, length } => {
                // Only the one element of an array goes in registers.
                let leaves = walk.leaves.take();
                if *length == 1 {
                    walk.leaves = leaves.clone();
                }
                let align = self.walk(walk, *element, at, depth + 1)?;
                match length {
                    0 => walk.leaves = leaves,
                    1 => {}
                    _ => walk.leaves = None,
                }
                align
            }
            Kind::Struct { fields } => {
                // GOEXPERIMENT=simd: the first field of a vector type is a tag.
                let tag = fields.first().map(|field| self.get(field.ty)).transpose()?;
                if tag.is_some_and(|tag| is_vector_tag(&tag.name)) {
                    walk.push(at, ty.size, Class::Vector);
                    return Ok(8);
                }
                let mut align = 1;
                for field in fields {
                    let at = at.saturating_add(field.offset);
                    align = align.max(self.walk(walk, field.ty, at, depth + 1)?);
                }
                align
            }
            Kind::Opaque if ty.size == 0 => 1,
            Kind::Opaque => return Err(TypesError::UnknownLayout(ty.name.clone())),
        })
    }
}

fn is_vector_tag(name: &str) -> bool {
    matches!(
        name,
        "simd/archsimd.v128" | "simd/archsimd.v256" | "simd/archsimd.v512"
    )
}

struct Walk {
    leaves: Option<Vec<Leaf>>,
    steps: usize,
}

impl Walk {
    fn push(&mut self, offset: u64, size: u64, class: Class) {
        if let Some(leaves) = &mut self.leaves {
            leaves.push(Leaf {
                offset,
                size,
                class,
            });
            if leaves.len() > MAX_LEAVES {
                self.leaves = None;
            }
        }
    }
}

/// Where arguments and results are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Convention {
    /// ABIInternal.
    Registers,
    /// ABI0.
    Stack,
}

/// Hands out registers and stack for the arguments, and after [`Assigner::results`] for the results.
#[derive(Debug, Clone)]
pub(super) struct Assigner {
    convention: Convention,
    used: [usize; 2],
    /// Bytes of the stack handed out.
    stack: u64,
    /// Bytes handed out for saving arguments that come in registers.
    spill: u64,
}

/// Where a value goes, and for an argument where it would be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub place: Place,
    /// From the first byte of the stack arguments; `None` where it lies on the stack.
    pub spill: Option<u64>,
}

impl Assigned {
    /// Where it is, or would be saved: from the first byte of the stack arguments. `None` of a value without size.
    pub fn start(&self, spill_start: u64) -> Option<u64> {
        match (self.spill, self.place.pieces.first()?.at) {
            (Some(spill), _) => spill_start.checked_add(spill),
            (None, Where::Stack(offset)) => u64::try_from(offset.checked_sub(8)?).ok(),
            _ => None,
        }
    }
}

impl Assigner {
    pub fn new(convention: Convention) -> Self {
        Self {
            convention,
            used: [0; 2],
            stack: 0,
            spill: 0,
        }
    }

    /// The next argument, or the next result.
    pub fn assign(&mut self, layout: &Layout) -> Assigned {
        if let Some(pieces) = self.registers(layout) {
            self.spill = align(self.spill, layout.align);
            let spill = Some(self.spill);
            self.spill = self.spill.saturating_add(layout.size);
            return Assigned {
                place: Place { pieces },
                spill,
            };
        }
        self.stack = align(self.stack, layout.align);
        let offset = i64::try_from(self.stack).unwrap_or(i64::MAX);
        self.stack = self.stack.saturating_add(layout.size);
        // Above the return address.
        let place = Place::whole(Where::Stack(offset.saturating_add(8)), layout.size);
        Assigned { place, spill: None }
    }

    fn registers(&mut self, layout: &Layout) -> Option<Vec<Piece>> {
        if self.convention == Convention::Stack || layout.size == 0 {
            return None;
        }
        let leaves = layout.leaves.as_ref()?;
        let [mut general, mut vectors] = self.used;
        let mut pieces = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let at = match leaf.class {
                Class::General => {
                    let register = GENERAL.get(general)?;
                    general += 1;
                    Where::Register(*register)
                }
                Class::Vector => {
                    let number = u8::try_from(vectors).ok().filter(|_| vectors < VECTORS)?;
                    vectors += 1;
                    Where::Vector(number)
                }
            };
            pieces.push(Piece {
                offset: leaf.offset,
                size: leaf.size,
                at,
            });
        }
        self.used = [general, vectors];
        Some(pieces)
    }

    /// The arguments are done: registers begin anew.
    pub fn results(&mut self) {
        self.stack = align(self.stack, 8);
        self.used = [0; 2];
    }

    /// Where the room for saving arguments begins, once the results are done too: from the first byte of the stack arguments.
    pub fn spill_start(&self) -> u64 {
        align(self.stack, 8)
    }
}

fn align(at: u64, to: u64) -> u64 {
    at.checked_next_multiple_of(to.max(1)).unwrap_or(u64::MAX)
}
