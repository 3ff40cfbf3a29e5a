//! Values of generic code by their true types: what was captured by the shape that several types share is read by the type that one call
//! was made with.
//!
//! A type and its shape are laid out alike, so that slots stay where they are and only names and meanings change. Where a type does not
//! have what was captured of the shape, the dictionary was not the right one, and nothing is resolved.

use gobinary::{Field, Kind, Type, TypeId, Types};

use crate::{
    resolve::settings::Limits,
    shape::{MapEntry, Run, Shape, ShownValue, Slot, Step},
};

use super::{
    laid_out::Place,
    visit::{is_byte, is_internal},
};

/// The value by the type that the dictionary at a link-time address has for it; `None` where it has none, or one that is laid out in another
/// way.
#[must_use]
pub fn resolved(
    types: &Types<'_>,
    value: &ShownValue,
    dictionary: u64,
    limits: &Limits,
) -> Option<ShownValue> {
    let derived = value.derived.as_ref()?;
    let mut ty = types
        .get(types.in_dictionary(dictionary, derived.entry)?)
        .ok()?;
    for step in &derived.steps {
        let next = match (step, &ty.kind) {
            (Step::Field(name), Kind::Struct { fields }) => field(fields, name)?.ty,
            (Step::Target, Kind::Pointer { target }) => *target,
            (Step::Element, Kind::Slice { element } | Kind::Array { element, .. }) => *element,
            _ => return None,
        };
        ty = types.get(next).ok()?;
    }
    if ty.size != derived.size {
        return None;
    }
    let resolver = Resolver { types, limits };
    Some(ShownValue {
        label: value.label.clone(),
        ty: Some(types.shown(&ty.name)),
        shape: resolver.shape(&value.shape, &ty)?,
        derived: None,
    })
}

struct Resolver<'t, 'e> {
    types: &'t Types<'e>,
    limits: &'t Limits,
}

impl Resolver<'_, '_> {
    fn of(&self, shape: &Shape, ty: TypeId) -> Option<Shape> {
        self.shape(shape, &*self.types.get(ty).ok()?)
    }

    fn all(&self, shapes: &[Shape], ty: TypeId) -> Option<Vec<Shape>> {
        shapes.iter().map(|shape| self.of(shape, ty)).collect()
    }

    /// Slots of values of this type; `None` where it is of another kind or size than the shape.
    fn shape(&self, shape: &Shape, ty: &Type) -> Option<Shape> {
        let name = || self.types.shown(&ty.name);
        Some(match (shape, &ty.kind) {
            (Shape::Missing(_) | Shape::Constant(_), _) => shape.clone(),
            (Shape::Reached { shape, steps }, _) => Shape::Reached {
                shape: self.shape(shape, ty)?.into(),
                steps: steps.clone(),
            },
            (Shape::Int { slot, width }, Kind::Int) if ty.size == u64::from(*width) => {
                match ty.name.as_str() {
                    "time.Duration" => Shape::Duration(*slot),
                    _ => shape.clone(),
                }
            }
            (Shape::Uint { slot, width, .. }, Kind::Uint) if ty.size == u64::from(*width) => {
                Shape::Uint {
                    slot: *slot,
                    width: *width,
                    hexadecimal: ty.name == "uintptr",
                }
            }
            (Shape::Float { width, .. }, Kind::Float) if ty.size == u64::from(*width) => {
                shape.clone()
            }
            (Shape::Complex { width, .. }, Kind::Complex) if ty.size == 2 * u64::from(*width) => {
                shape.clone()
            }
            (Shape::Bool(_), Kind::Bool)
            | (
                Shape::Uint {
                    hexadecimal: true, ..
                },
                Kind::UnsafePointer,
            )
            | (Shape::String(_), Kind::String)
            | (Shape::Func { .. }, Kind::Func) => shape.clone(),
            (Shape::Duration(_), Kind::Int) if ty.name == "time.Duration" => shape.clone(),
            (Shape::Time { .. }, Kind::Struct { .. }) if ty.name == "time.Time" => shape.clone(),
            (Shape::Bytes { bytes, pointer }, Kind::Slice { element }) => {
                self.bytes(shape, *bytes, *pointer, *element, name())?
            }
            (
                Shape::Slice {
                    pointer,
                    length,
                    elements,
                    ..
                },
                Kind::Slice { element },
            ) => Shape::Slice {
                ty: name(),
                pointer: *pointer,
                length: *length,
                elements: self.all(elements, *element)?,
            },
            (
                Shape::Array {
                    length, elements, ..
                },
                Kind::Array {
                    element,
                    length: there,
                },
            ) if length == there => Shape::Array {
                ty: name(),
                length: *length,
                elements: self.all(elements, *element)?,
            },
            (Shape::Struct { fields, .. }, Kind::Struct { .. })
                if ty.name == "time.Time"
                    && let Some(time) = time(fields) =>
            {
                time
            }
            (Shape::Struct { fields, more, .. }, Kind::Struct { fields: there }) => {
                let fields = fields.iter().map(|(name, shape)| {
                    let shape = self.of(shape, field(there, name)?.ty)?;
                    Some((name.clone(), shape))
                });
                Shape::Struct {
                    ty: name(),
                    fields: fields.collect::<Option<_>>()?,
                    more: *more,
                }
            }
            (Shape::Pointer { slot, target, .. }, Kind::Pointer { target: there }) => {
                Shape::Pointer {
                    ty: name(),
                    slot: *slot,
                    target: match target.as_deref() {
                        Some(Shape::Memory { bytes, text }) => {
                            self.behind(*bytes, *text, *there).map(Box::new)
                        }
                        Some(target) => Some(self.of(target, *there)?.into()),
                        None => None,
                    },
                }
            }
            (Shape::Interface { .. }, Kind::Interface { .. })
            | (Shape::Chan { .. }, Kind::Chan { .. })
            // Of functions within other values only the address is captured.
            | (Shape::Pointer { target: None, .. }, Kind::Func) => of_type(shape, name()),
            (
                Shape::Map {
                    pointer,
                    length,
                    entries,
                    ..
                },
                Kind::Map { key, value, .. },
            ) => Shape::Map {
                ty: name(),
                pointer: *pointer,
                length: *length,
                entries: entries
                    .iter()
                    .map(|entry| {
                        Some(MapEntry {
                            full: entry.full,
                            rule: entry.rule,
                            key: self.of(&entry.key, *key)?,
                            value: self.of(&entry.value, *value)?,
                        })
                    })
                    .collect::<Option<_>>()?,
            },
            _ => return None,
        })
    }

    /// Memory of which the shape does not say what is there.
    fn behind(&self, bytes: Run, text: Option<Run>, ty: TypeId) -> Option<Shape> {
        let ty = self.types.get(ty).ok()?;
        let place = Place {
            item: bytes.item,
            begin: bytes.at.saturating_add(8),
            size: bytes.most,
            text,
            second_text: None,
        };
        // Of a map or a channel nothing but its address would be known.
        let is_readable = !matches!(ty.kind, Kind::Map { .. } | Kind::Chan { .. });
        place
            .read(self.types, &ty)
            .filter(|_| is_readable && ty.size > 0 && !is_internal(&ty.name))
    }

    /// Bytes are shown as text, and those of other names as numbers.
    fn bytes(
        &self,
        shape: &Shape,
        bytes: Run,
        pointer: Slot,
        element: TypeId,
        ty: String,
    ) -> Option<Shape> {
        let element = self.types.get(element).ok()?;
        if is_byte(&element.name, &element.kind, element.size) {
            return Some(shape.clone());
        }
        let count = bytes.most.min(self.limits.elements.into());
        let elements = (0..count).map(|number| {
            let slot = Slot {
                item: bytes.item,
                at: bytes.at.saturating_add(8).saturating_add(number),
            };
            let byte = Shape::Uint {
                slot,
                width: 1,
                hexadecimal: false,
            };
            self.shape(&byte, &element)
        });
        Some(Shape::Slice {
            ty,
            pointer,
            length: Slot {
                item: bytes.item,
                at: bytes.at,
            },
            elements: elements.collect::<Option<_>>()?,
        })
    }
}

/// The same, with another name for the type.
fn of_type(shape: &Shape, name: String) -> Shape {
    let mut shape = shape.clone();
    if let Shape::Interface { ty, .. } | Shape::Chan { ty, .. } | Shape::Pointer { ty, .. } =
        &mut shape
    {
        *ty = name;
    }
    shape
}

fn field<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    fields.iter().find(|field| field.name == name)
}

/// The fields of a `time.Time`, where they were captured as those of any struct.
fn time(fields: &[(String, Shape)]) -> Option<Shape> {
    let find = |wanted| fields.iter().find(|(name, _)| name == wanted);
    let ((_, wall), (_, ext)) = (find("wall")?, find("ext")?);
    match (wall, ext) {
        (
            Shape::Uint {
                slot: wall,
                width: 8,
                ..
            },
            Shape::Int {
                slot: ext,
                width: 8,
            },
        ) => Some(Shape::Time {
            wall: *wall,
            ext: *ext,
        }),
        _ => None,
    }
}
