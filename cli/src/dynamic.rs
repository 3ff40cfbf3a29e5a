//! Dynamic types of interfaces: their names, and how what an interface refers to is read.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use compiler::shape::{Run, Shape, Slot};
use gobinary::{Executable, Kind, Type, TypeId, Types};
use render::RuntimeType;

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
        let ty = types.get(types.at_runtime_address(address)?).ok()?;
        let closure = Slot { item: 0, at: 0 };
        let direct = is_direct(types, &ty, DEPTH);
        let shape = match ty.kind {
            // A closure begins with the address of its code.
            Kind::Func => Some(Shape::Func {
                slot: closure,
                code: closure,
            }),
            Kind::Pointer { target } => types
                .get(target)
                .ok()
                .filter(|target| matches!(target.kind, Kind::Struct { .. }))
                .and_then(|target| shape(types, &target, 0, DEPTH)),
            _ if direct => None,
            _ => shape(types, &ty, 0, DEPTH),
        };
        Some(RuntimeType {
            name: ty.short_name(),
            direct,
            shape,
        })
    }
}

/// Values of the type are one address (`isdirectiface` of cmd/compile/internal/types).
fn is_direct(types: &Types<'_>, ty: &Type, depth: usize) -> bool {
    let of = |id: TypeId| {
        let ty = types.get(id).ok().filter(|_| depth > 0);
        ty.is_some_and(|ty| is_direct(types, &ty, depth - 1))
    };
    match &ty.kind {
        Kind::Pointer { .. }
        | Kind::UnsafePointer
        | Kind::Map { .. }
        | Kind::Chan { .. }
        | Kind::Func => true,
        Kind::Struct { fields } => matches!(fields.as_slice(), [only] if of(only.ty)),
        Kind::Array { element, length: 1 } => of(*element),
        _ => false,
    }
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
        (Kind::String, _) if at == 0 => Shape::String(Run {
            item: 0,
            at: 0,
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
        (Kind::Struct { fields }, _) if depth > 0 => {
            let fields = || fields.iter().filter(|field| field.name != "_");
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
