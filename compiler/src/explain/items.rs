//! Which captured items a value is read from.

use crate::shape::Shape;

/// Calls `f` with the number of each item of `shape`, some more than once.
pub(super) fn visit(shape: &Shape, f: &mut impl FnMut(u8)) {
    match shape {
        Shape::Missing(_) | Shape::Constant(_) => {}
        Shape::Bool(slot) | Shape::Duration(slot) | Shape::Code(slot) | Shape::Function(slot) => {
            f(slot.item);
        }
        Shape::String(bytes) | Shape::Characters(bytes) => f(bytes.item),
        Shape::Int { slot, .. } | Shape::Uint { slot, .. } | Shape::Float { slot, .. } => {
            f(slot.item);
        }
        Shape::Complex {
            real, imaginary, ..
        } => [real, imaginary].iter().for_each(|slot| f(slot.item)),
        Shape::Time { wall, ext } => [wall, ext].iter().for_each(|slot| f(slot.item)),
        Shape::Bytes { bytes, pointer } => {
            f(pointer.item);
            f(bytes.item);
        }
        Shape::Slice {
            pointer,
            length,
            elements,
            ..
        } => {
            f(pointer.item);
            f(length.item);
            elements.iter().for_each(|element| visit(element, f));
        }
        Shape::Array { elements, .. } => elements.iter().for_each(|element| visit(element, f)),
        Shape::Struct { fields, .. } => fields.iter().for_each(|(_, field)| visit(field, f)),
        Shape::Reached { shape, steps } => {
            steps.iter().for_each(|(slot, _)| f(slot.item));
            visit(shape, f);
        }
        Shape::Pointer { slot, target, .. } => {
            f(slot.item);
            if let Some(target) = target {
                visit(target, f);
            }
        }
        Shape::Memory { bytes, text } => {
            f(bytes.item);
            if let Some(text) = text {
                f(text.item);
            }
        }
        Shape::Interface {
            dynamic,
            data,
            pointee,
            text,
            second_text,
            ..
        } => {
            f(dynamic.item);
            f(data.item);
            [pointee, text, second_text]
                .into_iter()
                .flatten()
                .for_each(|bytes| f(bytes.item));
        }
        Shape::Map {
            pointer,
            length,
            entries,
            ..
        } => {
            f(pointer.item);
            f(length.item);
            for entry in entries {
                f(entry.full.item);
                visit(&entry.key, f);
                visit(&entry.value, f);
            }
        }
        Shape::Chan {
            pointer,
            length,
            capacity,
            ..
        } => {
            f(pointer.item);
            [length, capacity]
                .into_iter()
                .flatten()
                .for_each(|slot| f(slot.item));
        }
        Shape::Func { slot, code } => [slot, code].iter().for_each(|slot| f(slot.item)),
    }
}
