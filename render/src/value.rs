//! A captured value as a tree, between the bytes that were captured and the text or JSON that is written.

pub(crate) mod decode;
pub(crate) mod fit;
mod float;
pub(crate) mod go;
pub(crate) mod json;
pub(crate) mod kind;
mod memory;
mod moment;
pub(crate) mod runtime_type;
#[cfg(test)]
mod tests;
mod text;

use compiler::shape::Absent;

/// A value, as much of it as was captured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// It is not known.
    Unknown(Unknown),
    /// nil of any type.
    Nil,
    /// Text that stands for it.
    Constant(String),
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// A number that is an address.
    Address(u64),
    Float(Float),
    Complex(Float, Float),
    /// `time.Duration`: nanoseconds.
    Duration(i64),
    /// `time.Time`: its fields `wall` and `ext`.
    Time {
        wall: u64,
        ext: i64,
    },
    String(Text),
    /// A byte slice.
    Bytes(Text),
    /// A slice or an array.
    List {
        ty: String,
        elements: Vec<Self>,
        more: u64,
    },
    Struct {
        fields: Vec<(String, Self)>,
        more: u64,
    },
    Pointer {
        address: u64,
        /// What is there, where it was captured.
        target: Option<Box<Self>>,
    },
    /// An interface that is not nil.
    Interface {
        /// The dynamic type.
        ty: String,
        /// What it holds: for a pointer, what it points to.
        value: Box<Self>,
    },
    /// An error whose words are known.
    Error {
        /// The dynamic type.
        ty: String,
        words: Text,
    },
    Map {
        ty: String,
        entries: Vec<(Self, Self)>,
        more: u64,
    },
    Chan {
        ty: String,
        address: u64,
        length: Option<u64>,
        capacity: Option<u64>,
    },
    /// The name of a function.
    Function(String),
}

/// Stands for the type of what an interface holds, where the one at its address is not known.
pub(crate) const UNKNOWN_TYPE: &str = "interface";

/// A floating-point number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Float {
    Single(f32),
    Double(f64),
}

impl Float {
    /// Widened, which changes nothing.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Single(number) => number.into(),
            Self::Double(number) => number,
        }
    }
}

/// The beginning of a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub bytes: Vec<u8>,
    /// Bytes that follow.
    pub more: u64,
}

/// Why a value is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is in this vector register.
    Vector(u8),
    OptimisedAway,
    /// The executable does not say which there are.
    NotDescribed,
    NoRoom,
    Type,
    /// Its memory could not be read.
    Unreadable,
    /// There is none at this call.
    Absent(Absent),
    /// It was captured and lost on its way.
    Lost,
    /// The call was left, or entered, where no probe could capture.
    NotCaptured,
    /// There is none, as the call did not return.
    NoReturn,
}

impl Value {
    /// Nothing of it could be read.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.is_all(Unknown::Unreadable)
    }

    /// Nothing of it is known, for this reason.
    pub(crate) fn is_all(&self, why: Unknown) -> bool {
        match self {
            Self::Unknown(unknown) => *unknown == why,
            Self::Struct { fields, .. } => {
                !fields.is_empty() && fields.iter().all(|(_, value)| value.is_all(why))
            }
            Self::List { elements, .. } => {
                !elements.is_empty() && elements.iter().all(|value| value.is_all(why))
            }
            _ => false,
        }
    }

    /// Why it is not known, or what it points to is not.
    pub(crate) fn unknown(&self) -> Option<Unknown> {
        match self {
            Self::Unknown(unknown) => Some(*unknown),
            Self::Pointer {
                target: Some(target),
                ..
            } => target.unknown(),
            _ => self.is_unreadable().then_some(Unknown::Unreadable),
        }
    }

    /// How much of it was left out: bytes, elements, fields or entries.
    pub(crate) fn left_out(&self) -> u64 {
        match self {
            Self::String(text) | Self::Error { words: text, .. } => text.left_out(),
            Self::Bytes(bytes) => bytes.more,
            Self::List { more, .. } | Self::Struct { more, .. } | Self::Map { more, .. } => *more,
            Self::Pointer {
                target: Some(target),
                ..
            } => target.left_out(),
            Self::Interface { value, .. } => value.left_out(),
            _ => 0,
        }
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vector(number) => write!(f, "in X{number}"),
            Self::OptimisedAway => f.write_str("optimised away"),
            Self::NotDescribed => f.write_str("not described"),
            Self::NoRoom => f.write_str("no room"),
            Self::Type => f.write_str("unknown type"),
            Self::Unreadable => f.write_str("unreadable"),
            Self::Absent(Absent::BehindNil) => f.write_str("behind nil"),
            Self::Absent(Absent::PastTheEnd) => f.write_str("past the end"),
            Self::Absent(Absent::OtherType) => f.write_str("another type"),
            Self::Lost => f.write_str("lost"),
            Self::NotCaptured => f.write_str("not captured"),
            Self::NoReturn => f.write_str("did not return"),
        }
    }
}
