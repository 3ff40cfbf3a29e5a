//! How memory is read by a type that was not known when it was captured: what an interface holds, and what a pointer of generic code
//! points to.

use gobinary::{Field, Kind, Type, Types};

use crate::shape::{Run, Shape, Slot};

/// Structs within structs that are shown.
const DEPTH: usize = 2;
/// Fields of a struct that are shown.
const FIELDS: usize = 8;

/// Where memory went that was captured in one piece.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The item that it is.
    pub item: u8,
    /// Where its first byte is, from the beginning of what was captured.
    pub begin: u16,
    /// So many bytes of it.
    pub size: u16,
    /// The string whose address and length are its first two words, if they are those of one.
    pub text: Option<Run>,
    /// The same of the second and third word.
    pub second_text: Option<Run>,
}

impl Place {
    /// How a value of this type that begins there is read; `None` where nothing of it can be.
    #[must_use]
    pub fn read(&self, types: &Types<'_>, ty: &Type) -> Option<Shape> {
        self.value(types, ty, 0, DEPTH)
    }

    /// How a value that begins `at` bytes from there is read.
    fn value(&self, types: &Types<'_>, ty: &Type, at: u64, depth: usize) -> Option<Shape> {
        let slot = |offset: u64, bytes: u64| {
            let from = at.checked_add(offset)?;
            let is_there = from.checked_add(bytes)? <= u64::from(self.size);
            let at = u64::from(self.begin).checked_add(from)?;
            let at = u16::try_from(at).ok().filter(|_| is_there)?;
            Some(Slot {
                item: self.item,
                at,
            })
        };
        let number = || slot(0, ty.size);
        let word = |number: u64| slot(8 * number, 8);
        let width = u8::try_from(ty.size).unwrap_or(8);
        Some(match (&ty.kind, ty.name.as_str()) {
            (_, "time.Duration") => Shape::Duration(word(0)?),
            (_, "time.Time") => Shape::Time {
                wall: word(0)?,
                ext: word(1)?,
            },
            (Kind::Bool, _) => Shape::Bool(number()?),
            (Kind::Int, _) => Shape::Int {
                slot: number()?,
                width,
            },
            (Kind::Uint, name) => Shape::Uint {
                slot: number()?,
                width,
                hexadecimal: name == "uintptr",
            },
            (Kind::Float, _) => Shape::Float {
                slot: number()?,
                width,
            },
            (Kind::Complex, _) => Shape::Complex {
                real: number()?,
                imaginary: slot(ty.size / 2, ty.size / 2)?,
                width: width / 2,
            },
            (Kind::String, _) => Shape::String(match at {
                0 => self.text?,
                8 => self.second_text?,
                _ => return None,
            }),
            (Kind::Slice { .. }, _) => Shape::Slice {
                ty: types.shown(&ty.name),
                pointer: word(0)?,
                length: word(1)?,
                elements: Vec::new(),
            },
            (
                Kind::Pointer { .. } | Kind::UnsafePointer | Kind::Map { .. } | Kind::Chan { .. },
                _,
            ) => Shape::Pointer {
                ty: types.shown(&ty.name),
                slot: word(0)?,
                target: None,
            },
            (Kind::Array { element, length }, _) if depth > 0 => {
                let element = types.get(*element).ok()?;
                let elements = (0..*length).map_while(|number| {
                    let at = at.checked_add(number.checked_mul(element.size)?)?;
                    self.value(types, &element, at, depth - 1)
                });
                Shape::Array {
                    ty: types.shown(&ty.name),
                    length: *length,
                    elements: elements.take(FIELDS).collect(),
                }
            }
            (Kind::Struct { fields }, _) if depth > 0 => {
                let size = |field: &Field| types.get(field.ty).map_or(0, |ty| ty.size);
                let fields = || {
                    let fields = fields.iter();
                    fields.filter(|field| field.name != "_" && size(field) > 0)
                };
                let readable = fields().filter_map(|field| {
                    let field_type = types.get(field.ty).ok()?;
                    let at = at.checked_add(field.offset)?;
                    let shape = self.value(types, &field_type, at, depth - 1)?;
                    Some((field.name.clone(), shape))
                });
                let shown: Vec<(String, Shape)> = readable.take(FIELDS).collect();
                Shape::Struct {
                    ty: types.shown(&ty.name),
                    more: fields().count() - shown.len(),
                    fields: shown,
                }
            }
            _ => return None,
        })
    }
}
