//! Dynamic types of interfaces: their names, and how what an interface refers to is read.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use compiler::{
    capture::Place,
    shape::{Run, Shape, Slot},
};
use gobinary::{Executable, Kind, Type, Types};
use render::{Held, RuntimeType};

/// What an interface refers to. How much of that is captured is not known.
const THERE: Place = Place {
    item: 0,
    begin: 0,
    size: u16::MAX,
    text: Some(Run {
        item: 0,
        at: 0,
        most: u16::MAX,
    }),
    second_text: Some(Run {
        item: 0,
        at: 8,
        most: u16::MAX,
    }),
};

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

    /// All types of the executable.
    pub fn types(&self) -> Option<&Types<'a>> {
        let types = self.types.get_or_init(|| self.executable.types().ok());
        types.as_ref()
    }

    fn read(&self, address: u64) -> Option<RuntimeType> {
        let types = self.types()?;
        let described = types.described(address)?;
        // Where DWARF does not say to which type it belongs, a name without a package's path may tell.
        let known = types.at_runtime_address(address);
        let exact = known.and_then(|id| types.get(id).ok());
        let alike = exact.filter(|ty| types.is_written_alike(&ty.name));
        let name = alike.map_or(described.name, |ty| ty.name.replace("%2e", "."));
        let known = known.or_else(|| types.named(&name));
        let known = known.and_then(|id| types.get(id).ok());
        let known = known.filter(|ty| ty.size == described.size);
        let held = match (described.direct, described.composed) {
            (false, _) => Held::Copy,
            (true, true) => Held::Word,
            (true, false) => Held::Address,
        };
        let shape = known.and_then(|ty| match (held, &ty.kind) {
            (Held::Address, _) => behind(types, &ty, &name),
            _ => THERE.read(types, &ty),
        });
        Some(RuntimeType { name, held, shape })
    }
}

/// How memory at the address that a value is, is read.
fn behind(types: &Types<'_>, ty: &Type, name: &str) -> Option<Shape> {
    let slot = |at| Slot { item: 0, at };
    Some(match ty.kind {
        Kind::Pointer { target } => {
            let target = types.get(target).ok()?;
            let is_struct = matches!(target.kind, Kind::Struct { .. });
            return is_struct.then(|| THERE.read(types, &target)).flatten();
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
