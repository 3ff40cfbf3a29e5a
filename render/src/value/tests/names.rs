//! The functions and types that the tests' values come from.

use std::sync::Arc;

use compiler::shape::{Run, Shape, ShownCall, ShownValue, Slot};
use graph::{Graph, Moment};

use crate::{Held, RuntimeType, Site, Symbols};

/// Knows a few functions and types.
pub(super) struct Names;

impl Symbols for Names {
    fn trace_label(&self, _: u32) -> &str {
        ""
    }

    fn function(&self, _: u32) -> &str {
        ""
    }

    fn call_site(&self, _: &Graph, address: u64) -> Site {
        Site {
            function: if address == 0x1005 { "main.caller" } else { "" }.to_owned(),
            ..Site::default()
        }
    }

    fn return_site(&self, _: u32, _: u32) -> Site {
        Site::default()
    }

    fn shown(&self, _: u32, _: u32) -> Option<&ShownCall> {
        None
    }

    fn resolved(&self, _: &Graph, _: u32, _: (Moment, usize), _: u64) -> Option<Arc<ShownValue>> {
        None
    }

    fn code(&self, _: &Graph, address: u64) -> Option<String> {
        (address == 0x1000).then(|| "main.main.func1".to_owned())
    }

    fn runtime_type(&self, _: &Graph, address: u64) -> Option<Arc<RuntimeType>> {
        let slot = |at| Slot { item: 0, at };
        let string = || {
            let (item, at, most) = (0, 0, u16::MAX);
            Shape::String(Run { item, at, most })
        };
        let second = || {
            let (item, at, most) = (0, 8, u16::MAX);
            Shape::String(Run { item, at, most })
        };
        let int = |at| Shape::Int {
            slot: slot(at),
            width: 8,
        };
        let complex = |width: u8| Shape::Complex {
            real: slot(0),
            imaginary: slot(width.into()),
            width,
        };
        let structure = |fields: Vec<(&str, Shape)>, more| Shape::Struct {
            ty: String::new(),
            fields: fields
                .into_iter()
                .map(|(name, shape)| (name.to_owned(), shape))
                .collect(),
            more,
        };
        let (name, held, shape) = match address {
            1 => ("int", Held::Copy, Some(int(0))),
            2 => ("main.ID", Held::Copy, Some(int(0))),
            3 => ("string", Held::Copy, Some(string())),
            4 => (
                "*errors.errorString",
                Held::Address,
                Some(structure(vec![("s", string())], 0)),
            ),
            5 => (
                "*fmt.wrapError",
                Held::Address,
                Some(structure(vec![("msg", string())], 1)),
            ),
            6 => (
                "*fs.PathError",
                Held::Address,
                Some(structure(vec![("Op", string()), ("Code", int(16))], 2)),
            ),
            7 => ("map[string]int", Held::Address, None),
            8 => ("main.Big", Held::Copy, None),
            9 => ("*main.T", Held::Address, None),
            10 => ("bool", Held::Copy, Some(Shape::Bool(slot(0)))),
            11 => (
                "table",
                Held::Address,
                Some(Shape::Map {
                    ty: "table".to_owned(),
                    pointer: int_at(0),
                    length: int_at(0),
                    entries: Vec::new(),
                }),
            ),
            12 => ("[1]uintptr", Held::Word, Some(address_in_array())),
            13 => (
                "*main.Fault",
                Held::Address,
                Some(structure(
                    vec![("Code", int(0)), ("Msg", second()), ("At", int(24))],
                    0,
                )),
            ),
            14 => ("complex128", Held::Copy, Some(complex(8))),
            15 => ("main.C", Held::Copy, Some(complex(4))),
            16 => ("main.bad", Held::Copy, Some(string())),
            _ => return None,
        };
        Some(Arc::new(RuntimeType {
            name: name.to_owned(),
            held,
            shape,
        }))
    }
}

fn int_at(at: u16) -> Slot {
    Slot { item: 0, at }
}

fn address_in_array() -> Shape {
    Shape::Array {
        ty: "[1]uintptr".to_owned(),
        length: 1,
        elements: vec![Shape::Uint {
            slot: int_at(0),
            width: 8,
            hexadecimal: true,
        }],
    }
}
