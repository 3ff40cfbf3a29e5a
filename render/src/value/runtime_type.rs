//! What is known of a type that the runtime describes: how what an interface holds is read.

use compiler::shape::Shape;

/// The dynamic type of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeType {
    /// Its short name: `*errors.errorString`.
    pub name: String,
    /// Its values are addresses, so that an interface holds them and not the addresses of copies of them.
    pub direct: bool,
    /// How memory at the address in the interface is read: of a pointer, what it points to. Slots count from that address, and of their
    /// items only the bit for memory that is not there counts; the one string that can be read is one that begins there.
    pub shape: Option<Shape>,
}
