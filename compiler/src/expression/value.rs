//! Values of Go: their types, and where their parts are.

use gobinary::{Kind, Place, Type, TypeId, Types, Variable, Where};
use grammar::ast::Span;

use crate::{
    ir::{
        self, Condition, ConditionKind, Extension, Moment, Operator, Relation, Text, Width, Word,
        WordKind,
    },
    shape::{Derived, Step},
};

/// A type, as far as expressions need it: one of the executable's, or one that is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ty {
    /// In full: `time.Duration`, `*net/http.Request`.
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) kind: Kind,
    /// What it has in the executable's DWARF.
    pub(crate) id: Option<TypeId>,
    /// In generic code, where the dictionary has the type that it stands for.
    pub(crate) derived: Option<Box<Derived>>,
}

impl Ty {
    pub(crate) fn new(ty: &Type) -> Self {
        Self {
            name: ty.name.clone(),
            size: ty.size,
            kind: ty.kind.clone(),
            id: Some(ty.id),
            derived: None,
        }
    }

    /// As that of a variable.
    pub(crate) fn derived_from(self, variable: &Variable) -> Self {
        let derived = variable.dictionary_index.map(|entry| Derived {
            entry,
            steps: Vec::new(),
            size: self.size,
        });
        Self {
            derived: derived.map(Box::new),
            ..self
        }
    }

    /// As part of a value of another type.
    pub(super) fn within(self, whole: &Self, step: Step) -> Self {
        let derived = whole.derived.clone().map(|mut derived| {
            derived.steps.push(step);
            derived.size = self.size;
            derived
        });
        Self { derived, ..self }
    }

    pub(crate) fn built_in(name: &str, size: u64, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            size,
            kind,
            id: None,
            derived: None,
        }
    }

    /// Is it the shape of pointers to anything, whose target says nothing of what is there?
    pub(crate) fn is_any_pointer(&self) -> bool {
        self.name
            .strip_prefix(ANY_POINTER)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }

    pub(super) fn bool() -> Self {
        Self::built_in("bool", 1, Kind::Bool)
    }

    pub(super) fn int() -> Self {
        Self::built_in("int", 8, Kind::Int)
    }

    pub(crate) fn is_duration(&self) -> bool {
        self.name == DURATION
    }

    /// As people read it.
    pub(crate) fn short(&self) -> String {
        gobinary::short_name(&self.name)
    }

    /// The same, where no other type is read so.
    pub(crate) fn shown(&self, types: Option<&Types<'_>>) -> String {
        types.map_or_else(|| self.short(), |types| types.shown(&self.name))
    }

    pub(crate) fn width(&self) -> Option<Width> {
        Width::ALL
            .into_iter()
            .find(|width| u64::from(width.bytes()) == self.size)
    }

    pub(super) fn is_signed(&self) -> bool {
        self.kind == Kind::Int
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Uint)
    }

    /// Of types that can be nil, what they are called.
    pub(super) fn nilable(&self) -> bool {
        matches!(
            self.kind,
            Kind::Pointer { .. }
                | Kind::UnsafePointer
                | Kind::Interface { .. }
                | Kind::Map { .. }
                | Kind::Chan { .. }
                | Kind::Func
                | Kind::Slice { .. }
        )
    }
}

pub(super) const DURATION: &str = "time.Duration";

/// The shape that stands for pointers to anything (`shapify` in cmd/compile/internal/noder/reader.go), with a number behind it in Go 1.19.
/// Where a constraint is more than a set of methods, pointers have shapes of their own, `go.shape.*int`.
const ANY_POINTER: &str = "go.shape.*uint8";

/// A value: its type, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub(crate) ty: Ty,
    /// Where its parts are.
    pub at: Location,
    /// What has to hold for there to be such a value: that an interface holds a value of the asserted type.
    pub guard: Option<Condition>,
}

/// Where a value's parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In registers and on the stack, at one moment of the call.
    Pieces {
        /// Of the whole variable.
        place: Place,
        /// When.
        moment: Moment,
        /// Where in the variable the value begins.
        offset: u64,
    },
    /// In memory.
    Memory {
        /// An address.
        pointer: Box<Word>,
        /// Where the value begins from there.
        offset: i64,
    },
    /// It is a word itself, extended as its type says.
    Word(Box<Word>),
    /// It is a string whose address and length are these.
    Text(Box<Text>),
}

/// Why a part of a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// It is in this vector register, which the kernel does not show to a probe.
    Vector(u8),
    /// It is nowhere, or nobody knows where.
    Absent,
}

impl Typed {
    /// The type in the executable's DWARF; none of something that is built in.
    #[must_use]
    pub fn ty(&self) -> Option<TypeId> {
        self.ty.id
    }

    /// A word of the given kind, of a built-in type.
    pub(super) fn word(ty: Ty, kind: WordKind, span: &Span) -> Self {
        Self {
            ty,
            at: Location::Word(Word::new(kind, span.clone()).into()),
            guard: None,
        }
    }

    /// The value of a number, bool, pointer or float, extended to a word as its type says.
    pub(super) fn scalar(&self, span: &Span) -> Result<Word, Unreachable> {
        let width = self.ty.width().ok_or(Unreachable::Absent)?;
        let extension = if self.ty.is_signed() {
            Extension::Sign
        } else {
            Extension::Zero
        };
        self.at.part(0, width, extension, span)
    }

    /// A part of eight bytes: a string's address or length, an interface's type.
    pub(crate) fn part(&self, offset: u64, span: &Span) -> Result<Word, Unreachable> {
        self.at.part(offset, Width::Eight, Extension::Zero, span)
    }

    /// Where a string's or slice's bytes are.
    pub(crate) fn text(&self, span: &Span) -> Result<Text, Unreachable> {
        Ok(Text {
            pointer: self.part(0, span)?.into(),
            length: self.part(8, span)?.into(),
        })
    }
}

impl Location {
    /// Where something begins that is so many bytes into the value.
    pub(crate) fn at(&self, bytes: u64) -> Self {
        match self.clone() {
            Self::Pieces {
                place,
                moment,
                offset,
            } => Self::Pieces {
                place,
                moment,
                offset: offset.saturating_add(bytes),
            },
            Self::Memory { pointer, offset } => Self::Memory {
                pointer,
                offset: offset.saturating_add_unsigned(bytes),
            },
            // These have no parts with places of their own.
            whole @ (Self::Word(_) | Self::Text(_)) => whole,
        }
    }

    /// The address, and where from there the value begins, if so many bytes of it lie together in memory: on the stack too.
    pub(super) fn in_memory(&self, size: u64, span: &Span) -> Option<(Word, i64)> {
        let (place, moment, offset) = match self {
            Self::Memory { pointer, offset } => return Some(((**pointer).clone(), *offset)),
            Self::Pieces {
                place,
                moment,
                offset,
            } => (place, *moment, *offset),
            Self::Word(_) | Self::Text(_) => return None,
        };
        let piece = place.piece_at(offset)?;
        let within = offset.checked_sub(piece.offset)?;
        if within.checked_add(size)? > piece.size {
            return None;
        }
        let (base, from) = match piece.at {
            Where::Stack(from) => (ir::Register::Rsp, from),
            Where::Closure(from) => (ir::Register::Rdx, i64::try_from(from).ok()?),
            Where::Register(_) | Where::Vector(_) | Where::Absent => return None,
        };
        let base = Word::new(WordKind::Register(base, moment), span.clone());
        Some((base, from.checked_add_unsigned(within)?))
    }

    /// Bytes of the value as a word.
    ///
    /// # Errors
    /// [`Unreachable`]
    pub fn part(
        &self,
        bytes: u64,
        width: Width,
        extension: Extension,
        span: &Span,
    ) -> Result<Word, Unreachable> {
        let word = |kind| Word::new(kind, span.clone());
        match self.at(bytes) {
            Self::Word(value) => Ok(*value),
            Self::Text(text) if bytes == 0 => Ok(*text.pointer),
            Self::Text(text) => Ok(*text.length),
            Self::Memory { pointer, offset } => load(*pointer, offset, width, extension, span),
            Self::Pieces {
                place,
                moment,
                offset,
            } => {
                let piece = place.piece_at(offset).ok_or(Unreachable::Absent)?;
                let within = offset - piece.offset;
                if within + u64::from(width.bytes()) > piece.size {
                    return Err(Unreachable::Absent);
                }
                let register = |register| word(WordKind::Register(register, moment));
                let memory = |base, from: i64| {
                    let offset = from.checked_add_unsigned(within);
                    let offset = offset.ok_or(Unreachable::Absent)?;
                    load(register(base), offset, width, extension, span)
                };
                match piece.at {
                    Where::Register(at) => {
                        let mut value = register(general(at));
                        if within > 0 {
                            // There is no other shift.
                            let divisor = 1_u64.checked_shl(8 * within as u32).unwrap_or(0);
                            value = word(WordKind::Binary {
                                operator: Operator::Divide { signed: false },
                                left: value.into(),
                                right: word(WordKind::Constant(divisor)).into(),
                            });
                        }
                        Ok(extend(value, width, extension))
                    }
                    Where::Stack(from) => memory(ir::Register::Rsp, from),
                    Where::Closure(from) => {
                        memory(ir::Register::Rdx, i64::try_from(from).unwrap_or(i64::MAX))
                    }
                    Where::Vector(number) => Err(Unreachable::Vector(number)),
                    Where::Absent => Err(Unreachable::Absent),
                }
            }
        }
    }
}

fn extend(word: Word, width: Width, extension: Extension) -> Word {
    if width == Width::Eight {
        return word;
    }
    let span = word.span.clone();
    let kind = WordKind::Extend {
        value: word.into(),
        width,
        extension,
    };
    Word::new(kind, span)
}

/// The lowest addresses are never mapped, so that a nil pointer is not readable; further from it that has to be asked.
const UNMAPPED: i64 = 4096;

fn load(
    pointer: Word,
    offset: i64,
    width: Width,
    extension: Extension,
    span: &Span,
) -> Result<Word, Unreachable> {
    let near = i32::try_from(offset).map_err(|_| Unreachable::Absent)?;
    let pointer = if offset < UNMAPPED {
        pointer
    } else {
        let kind = WordKind::Checked {
            condition: not_zero(pointer.clone()).into(),
            value: pointer.into(),
        };
        Word::new(kind, span.clone())
    };
    let kind = WordKind::Load {
        pointer: pointer.into(),
        offset: near,
        width,
        extension,
    };
    Ok(Word::new(kind, span.clone()))
}

/// `word != 0`
pub(crate) fn not_zero(word: Word) -> Condition {
    let span = word.span.clone();
    let kind = ConditionKind::Compare {
        relation: Relation::NotEqual,
        signed: false,
        right: Word::constant(0, span.clone()).into(),
        left: word.into(),
    };
    Condition::new(kind, span)
}

fn general(register: gobinary::Register) -> ir::Register {
    use gobinary::Register as R;
    match register {
        R::Rax => ir::Register::Rax,
        R::Rbx => ir::Register::Rbx,
        R::Rcx => ir::Register::Rcx,
        R::Rdx => ir::Register::Rdx,
        R::Rsi => ir::Register::Rsi,
        R::Rdi => ir::Register::Rdi,
        R::Rbp => ir::Register::Rbp,
        R::Rsp => ir::Register::Rsp,
        R::R8 => ir::Register::R8,
        R::R9 => ir::Register::R9,
        R::R10 => ir::Register::R10,
        R::R11 => ir::Register::R11,
        R::R12 => ir::Register::R12,
        R::R13 => ir::Register::R13,
        R::R14 => ir::Register::R14,
        R::R15 => ir::Register::R15,
    }
}
