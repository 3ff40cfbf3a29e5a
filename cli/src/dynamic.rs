//! Dynamic types of interfaces: their names, and how what an interface refers to is read.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use compiler::shape::{Run, Shape, Slot};
use gobinary::{Executable, Field, Kind, Type, Types};
use render::{Held, RuntimeType};

/// Structs within structs that are shown.
const DEPTH: usize = 2;
/// Fields of a struct that are shown.
const FIELDS: usize = 8;

/// The types of one executable that interfaces have been found to hold.
pub struct DynamicTypes<'a> {
    executable: &'a Executable,
    /// DWARF is not read before an interface is to be shown.
    types: OnceCell<Option<Types<'a>>>,
    known: RefCell<HashMap<u64, Option<Arc<RuntimeType>>>>,
}

impl<'a> DynamicTypes<'a> {
    /// Of an executable.
    pub fn new(executable: &'a Executable) -> Self {
        Self {
            executable,
            types: OnceCell::new(),
            known: RefCell::default(),
        }
    }

    /// The type that the runtime describes at a link-time address.
    pub fn at(&self, address: u64) -> Option<Arc<RuntimeType>> {
        let mut known = self.known.borrow_mut();
        let ty = known
            .entry(address)
            .or_insert_with(|| self.read(address).map(Arc::new));
        ty.clone()
    }

    fn read(&self, address: u64) -> Option<RuntimeType> {
        let types = self.types.get_or_init(|| self.executable.types().ok());
        let types = types.as_ref()?;
        let described = types.described(address)?;
        // Where DWARF does not say to which type it belongs, a name without a package's path may tell.
        let known = types.at_runtime_address(address);
        let known = known.or_else(|| types.named(&described.name));
        let known = known.and_then(|id| types.get(id).ok());
        let known = known.filter(|ty| ty.size == described.size);
        let held = match (described.direct, described.composed) {
            (false, _) => Held::Copy,
            (true, true) => Held::Word,
            (true, false) => Held::Address,
        };
        let shape = known.and_then(|ty| match (held, &ty.kind) {
            (Held::Address, _) => behind(types, &ty, &described.name),
            _ => shape(types, &ty, 0, DEPTH),
        });
        Some(RuntimeType {
            name: described.name,
            held,
            shape,
        })
    }
}

/// How memory at the address that a value is, is read.
fn behind(types: &Types<'_>, ty: &Type, name: &str) -> Option<Shape> {
    let slot = |at| Slot { item: 0, at };
    Some(match ty.kind {
        Kind::Pointer { target } => {
            let target = types.get(target).ok()?;
            let is_struct = matches!(target.kind, Kind::Struct { .. });
            return is_struct.then(|| shape(types, &target, 0, DEPTH)).flatten();
        }
        // A closure begins with the address of its code.
        Kind::Func => Shape::Func {
            slot: slot(0),
            code: slot(0),
        },
        // The compiler knows that the number of entries comes first (`len`), in both layouts.
        Kind::Map { .. } => Shape::Map {
            ty: name.to_owned(),
            pointer: slot(0),
            length: slot(0),
            entries: Vec::new(),
        },
        // `qcount` and `dataqsiz` of `runtime.hchan`, which the compiler knows too.
        Kind::Chan { .. } => Shape::Chan {
            ty: name.to_owned(),
            pointer: slot(0),
            length: Some(slot(0)),
            capacity: Some(slot(8)),
        },
        _ => return None,
    })
}

/// How a value `at` bytes into the memory that an interface refers to is read; `None` where it takes more than that memory.
fn shape(types: &Types<'_>, ty: &Type, at: u64, depth: usize) -> Option<Shape> {
    let slot = |offset: u64| {
        let at = u16::try_from(at.checked_add(offset)?).ok()?;
        Some(Slot { item: 0, at })
    };
    let here = slot(0)?;
    let width = u8::try_from(ty.size).unwrap_or(8);
    Some(match (&ty.kind, ty.name.as_str()) {
        (_, "time.Duration") => Shape::Duration(here),
        (_, "time.Time") => Shape::Time {
            wall: here,
            ext: slot(8)?,
        },
        (Kind::Bool, _) => Shape::Bool(here),
        (Kind::Int, _) => Shape::Int { slot: here, width },
        (Kind::Uint, name) => Shape::Uint {
            slot: here,
            width,
            hexadecimal: name == "uintptr",
        },
        (Kind::Float, _) => Shape::Float { slot: here, width },
        (Kind::Complex, _) => Shape::Complex {
            real: here,
            imaginary: slot(ty.size / 2)?,
            width: width / 2,
        },
        // Strings are captured that begin with the first or the second word.
        (Kind::String, _) if matches!(at, 0 | 8) => Shape::String(Run {
            item: 0,
            at: here.at,
            most: u16::MAX,
        }),
        (Kind::Slice { .. }, _) => Shape::Slice {
            ty: ty.short_name(),
            pointer: here,
            length: slot(8)?,
            elements: Vec::new(),
        },
        (Kind::Pointer { .. } | Kind::UnsafePointer | Kind::Map { .. } | Kind::Chan { .. }, _) => {
            Shape::Pointer {
                ty: ty.short_name(),
                slot: here,
                target: None,
            }
        }
        (Kind::Array { element, length }, _) if depth > 0 => {
            let element = types.get(*element).ok()?;
            let elements = (0..*length).map_while(|number| {
                let at = at.checked_add(number.checked_mul(element.size)?)?;
                shape(types, &element, at, depth - 1)
            });
            Shape::Array {
                ty: ty.short_name(),
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
                let shape = shape(types, &field_type, at, depth - 1)?;
                Some((field.name.clone(), shape))
            });
            let shown: Vec<(String, Shape)> = readable.take(FIELDS).collect();
            Shape::Struct {
                ty: ty.short_name(),
                more: fields().count() - shown.len(),
                fields: shown,
            }
        }
        _ => return None,
    })
}
