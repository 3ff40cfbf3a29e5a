//! How to read what the kernel has captured of a call: the shapes of values, and where their parts lie in the captured bytes.
//!
//! It is the border between the compiler, which decides what is captured, and the renderer, which has no executable to ask. What is
//! captured begins with a word that has a bit for each item, set where the item could not be read ([`crate::ir::Layout`]).

use serde::Serialize;

/// What is captured of the calls of one function in one trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShownCall {
    /// At entry.
    pub arguments: Vec<ShownValue>,
    /// At return.
    pub results: Vec<ShownValue>,
    /// In generic code: where in what is captured at entry the address of the dictionary is, in 8 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dictionary: Option<Slot>,
}

/// A value and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownValue {
    /// The parameter's name, the name given by `as`, or the expression as written; empty where a result has no name.
    pub label: String,
    /// Its type as it is shown: `time.Duration`, `*http.Request`; `None` where it has none, or it is not known.
    pub ty: Option<String>,
    /// How to read it.
    pub shape: Shape,
    /// In generic code, where types are shapes that several types share: how the dictionary leads to its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
}

/// Where a generic function's dictionary has a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Derived {
    /// Which of the dictionary's words is the address of the runtime's description of a type.
    pub entry: u64,
    /// From that type to the one meant.
    pub steps: Vec<Step>,
    /// Bytes of a value of the type meant.
    pub size: u64,
}

/// From a type to one that it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// That of the field of this name.
    Field(String),
    /// What a pointer points to.
    Target,
    /// That of the elements of a slice or an array.
    Element,
}

/// Bytes of what was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Slot {
    /// The item that they belong to: its bit tells whether it could be read.
    pub item: u8,
    /// Where they begin, from the beginning of what was captured. The bytes of an item of bytes begin 8 further on than the item.
    pub at: u16,
}

/// A whole item of bytes ([`crate::ir::Item::Bytes`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Run {
    /// Its number: its bit tells whether it could be read.
    pub item: u8,
    /// Where 8 bytes tell how many there were, from the beginning of what was captured. They follow, as many as there was room for.
    pub at: u16,
    /// Room for so many.
    pub most: u16,
}

/// Why nothing was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is in this vector register, which the kernel does not show to a probe.
    Vector(u8),
    /// It is nowhere at the probe, or the executable does not say where.
    OptimisedAway,
    /// There was no room for it.
    NoRoom,
    /// Its type cannot be read from the executable.
    UnknownType,
    /// The executable does not say which arguments, or results, there are.
    NotDescribed,
}

/// Why there is no such value at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// A pointer on the way to it is nil, or an interface.
    BehindNil,
    /// The slice or string is not so long.
    PastTheEnd,
    /// The interface holds another type.
    OtherType,
}

/// How a value is read. Type names are as they are shown: `*http.Request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Not at all.
    Missing(Missing),
    /// It is read as this one is. Where that cannot be, the first of these words that is 0 tells why.
    Reached {
        /// How it is read.
        shape: Box<Self>,
        /// 8 bytes each, in the order of the way to the value.
        steps: Vec<(Slot, Absent)>,
    },
    /// The same at every call: what is shown for it.
    Constant(String),
    /// One byte.
    Bool(Slot),
    /// A signed number.
    Int {
        /// Its lowest byte.
        slot: Slot,
        /// In bytes.
        width: u8,
    },
    /// An unsigned number.
    Uint {
        /// Its lowest byte.
        slot: Slot,
        /// In bytes.
        width: u8,
        /// Shown as an address: `uintptr`, `unsafe.Pointer`.
        hexadecimal: bool,
    },
    /// A floating-point number.
    Float {
        /// Its bits.
        slot: Slot,
        /// 4 or 8 bytes.
        width: u8,
    },
    /// Two floating-point numbers.
    Complex {
        /// The real part's bits.
        real: Slot,
        /// The imaginary part's.
        imaginary: Slot,
        /// Of each part: 4 or 8 bytes.
        width: u8,
    },
    /// `time.Duration`: nanoseconds.
    Duration(Slot),
    /// `time.Time`: its fields `wall` and `ext`.
    Time {
        /// 8 bytes.
        wall: Slot,
        /// 8 bytes.
        ext: Slot,
    },
    /// A string: an item of bytes.
    String(Run),
    /// Memory of a fixed length, read as a text that ends at its first NUL: an item of bytes.
    Characters(Run),
    /// A byte slice: an item of bytes, and 8 bytes of address, to tell nil from empty.
    Bytes {
        /// The bytes.
        bytes: Run,
        /// The address.
        pointer: Slot,
    },
    /// A slice.
    Slice {
        /// Its type: `[]int`.
        ty: String,
        /// 8 bytes: 0 where it is nil.
        pointer: Slot,
        /// 8 bytes: how many elements there are.
        length: Slot,
        /// The first of them. One past the length is not there.
        elements: Vec<Shape>,
    },
    /// An array.
    Array {
        /// Its type.
        ty: String,
        /// How many elements there are.
        length: u64,
        /// The first of them.
        elements: Vec<Shape>,
    },
    /// A struct.
    Struct {
        /// Its type.
        ty: String,
        /// Names and values of the first fields.
        fields: Vec<(String, Shape)>,
        /// Further fields, which were not captured.
        more: usize,
    },
    /// A pointer.
    Pointer {
        /// Its type: `*main.T`.
        ty: String,
        /// 8 bytes: 0 where it is nil.
        slot: Slot,
        /// What is there, where it was captured.
        target: Option<Box<Shape>>,
    },
    /// Memory behind a pointer of generic code, which is read by the type that the dictionary has, or not at all.
    Memory {
        /// An item of bytes.
        bytes: Run,
        /// An item of bytes: the string whose address and length are the first two words there, if they are those of one.
        text: Option<Run>,
    },
    /// An interface.
    Interface {
        /// Its own type: `error`.
        ty: String,
        /// 8 bytes: address of the runtime's description of the dynamic type (never that of an itab); 0 where it is nil.
        dynamic: Slot,
        /// 8 bytes: the value, or its address.
        data: Slot,
        /// An item of bytes: memory at that address.
        pointee: Option<Run>,
        /// An item of bytes: the string whose address and length are the first two words there. Of use where the dynamic type begins
        /// with a string, as most errors do.
        text: Option<Run>,
        /// The same of the second and third word, for errors that begin with a number.
        second_text: Option<Run>,
    },
    /// A map.
    Map {
        /// Its type.
        ty: String,
        /// 8 bytes: 0 where it is nil.
        pointer: Slot,
        /// 8 bytes: how many entries there are.
        length: Slot,
        /// Where entries may be.
        entries: Vec<MapEntry>,
    },
    /// A channel.
    Chan {
        /// Its type.
        ty: String,
        /// 8 bytes: 0 where it is nil.
        pointer: Slot,
        /// 8 bytes: elements in it.
        length: Option<Slot>,
        /// 8 bytes: room for so many.
        capacity: Option<Slot>,
    },
    /// A function value.
    Func {
        /// 8 bytes: 0 where it is nil.
        slot: Slot,
        /// 8 bytes: the address of its code.
        code: Slot,
    },
    /// An address of code: `caller`.
    Code(Slot),
    /// The number of a function of the plan: `fn`.
    Function(Slot),
}

/// A place for an entry of a map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MapEntry {
    /// One byte that tells whether there is one.
    pub full: Slot,
    /// How it tells.
    pub rule: Full,
    /// The key.
    pub key: Shape,
    /// The value.
    pub value: Shape,
}

/// How a byte tells whether a place of a map holds an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Full {
    /// The highest bit is clear (`ctrlEmpty`, `ctrlDeleted` in internal/runtime/maps/group.go, Go 1.24).
    HighBitClear,
    /// It is at least 5 (`minTopHash` in runtime/map.go, Go 1.23).
    AtLeastFive,
}
