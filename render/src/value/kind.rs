//! The types of values, as far as their shapes tell.

use compiler::shape::Shape;

/// The Go type of values of this shape; of numbers the one of their size that has no other name. `None` where it is not known.
pub(crate) fn type_name(shape: &Shape) -> Option<&str> {
    Some(match shape {
        Shape::Reached { shape, .. } => return type_name(shape),
        Shape::Missing(_)
        | Shape::Constant(_)
        | Shape::Code(_)
        | Shape::Function(_)
        | Shape::Memory { .. } => {
            return None;
        }
        Shape::Bool(_) => "bool",
        Shape::Int { width, .. } => match width {
            1 => "int8",
            2 => "int16",
            4 => "int32",
            _ => "int64",
        },
        Shape::Uint {
            hexadecimal: true, ..
        } => "uintptr",
        Shape::Uint { width, .. } => match width {
            1 => "uint8",
            2 => "uint16",
            4 => "uint32",
            _ => "uint64",
        },
        Shape::Float { width: 4, .. } => "float32",
        Shape::Float { .. } => "float64",
        Shape::Complex { width: 4, .. } => "complex64",
        Shape::Complex { .. } => "complex128",
        Shape::Duration(_) => "time.Duration",
        Shape::Time { .. } => "time.Time",
        Shape::String(_) | Shape::Characters(_) => "string",
        Shape::Bytes { .. } => "[]byte",
        Shape::Func { .. } => "func",
        Shape::Slice { ty, .. }
        | Shape::Array { ty, .. }
        | Shape::Struct { ty, .. }
        | Shape::Pointer { ty, .. }
        | Shape::Interface { ty, .. }
        | Shape::Map { ty, .. }
        | Shape::Chan { ty, .. } => ty,
    })
}
