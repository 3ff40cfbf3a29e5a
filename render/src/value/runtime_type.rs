//! What is known of a type that the runtime describes: how what an interface holds is read.

use compiler::shape::Shape;

/// The dynamic type of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeType {
    /// Its short name: `*errors.errorString`.
    pub name: String,
    /// What the interface holds.
    pub held: Held,
    /// How memory at the address in the interface is read: of a pointer, what it points to; of a map, a channel or a function, what is
    /// behind it; where the word itself is the value, that word. Slots count from there, and of their items only the bit for memory that
    /// is not there counts; the strings that can be read are those that begin with the first or the second word.
    pub shape: Option<Shape>,
}

/// What an interface holds of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The address of a copy.
    Copy,
    /// The value, which is an address.
    Address,
    /// The value, which is an address within structs or arrays.
    Word,
}
