//! Values of each kind: the parts that are read with them, and what is left for the next level.

use gobinary::{Field, Kind, TypeId};

use super::{
    draft::{Draft, NodeId, PartId},
    group::Group,
    planner::{Job, Planner},
    runs::{Bound, RUN},
};
use crate::{
    expression::{Location, Ty, Typed, join, not_zero},
    ir::{Condition, ConditionKind, Extension, Input, Operator, Relation, Width, Word, WordKind},
    shape::{Missing, Shape},
};

/// Values within one another that are read together: enough for every program, and an end for damaged files.
const MAX_NESTED: usize = 16;
/// Bytes read together of one value, about.
const MAX_BYTES: u64 = RUN as u64;
/// Parts of one value, about.
const MAX_PARTS: usize = 32;
/// Elements of slices up to this size, in bytes, are read in one piece.
const SMALL: u64 = 64;
/// Bytes of the elements of a slice that are read in one piece.
const ELEMENTS: u64 = 512;

/// Where `itab.Type` is in `internal/abi.ITab` (`runtime.itab` before Go 1.23), after `Inter`: the same in every version from 1.19 on.
const ITAB_TYPE: i32 = 8;
/// Where `runtime.hchan` has `dataqsiz`, after `qcount`. The compiler knows both (`len` and `cap`), so they are the same in every version.
const CHAN_CAPACITY: u64 = 8;

/// A value on its way into the parts of a task.
#[derive(Debug, Clone, Copy)]
struct Within {
    /// Pointers that may still be followed.
    depth: u8,
    /// Values around it that are read with it.
    nested: usize,
    /// It belongs to the runtime: what is behind its addresses is not looked at.
    closed: bool,
    /// How often the number of elements that take an item each is halved, since there are others like it.
    halved: usize,
}

/// What was read together so far.
#[derive(Debug, Default)]
struct Taken {
    bytes: u64,
    parts: usize,
}

impl Taken {
    fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES || self.parts >= MAX_PARTS
    }
}

impl Planner<'_, '_> {
    /// A value, as far as it is not behind further addresses.
    pub(super) fn value(&mut self, node: NodeId, value: &Typed, depth: u8) {
        let within = Within {
            depth,
            nested: 0,
            closed: is_internal(&value.ty.name),
            halved: self.level,
        };
        self.visit(node, value, within, &mut Taken::default());
    }

    /// A key or value of a map, which is read with others; strings in it wait for the next level.
    pub(super) fn held_in_map(&mut self, node: NodeId, value: &Typed, depth: u8) {
        let within = Within {
            depth,
            nested: 1,
            closed: is_internal(&value.ty.name),
            halved: self.level + 1,
        };
        self.visit(node, value, within, &mut Taken::default());
    }

    /// The first elements of a slice. Where they are read in one piece, how much of it is there.
    pub(super) fn elements(
        &mut self,
        slice: &Typed,
        element: &Ty,
        nodes: &[NodeId],
        depth: u8,
    ) -> Option<Bound> {
        let pointer = slice.part(0, &self.span).ok()?;
        let length = slice.part(8, &self.span).ok()?;
        self.divide(nodes.len());
        for (number, node) in (0_u64..).zip(nodes) {
            let there = self.less(number, &length);
            let at = Location::Memory {
                pointer: pointer.clone().into(),
                offset: 0,
            };
            let value = Typed {
                ty: element.clone(),
                at: at.at(number.saturating_mul(element.size)),
                guard: join(slice.guard.clone(), Some(there)),
            };
            self.value(*node, &value, depth);
        }
        let word = |kind| Word::new(kind, self.span.clone());
        (element.size <= SMALL).then(|| Bound {
            base: pointer,
            bytes: match element.size {
                1 => length,
                size => word(WordKind::Binary {
                    operator: Operator::Multiply,
                    left: length.into(),
                    right: word(WordKind::Constant(size)).into(),
                }),
            },
            guard: slice.guard.clone(),
        })
    }

    fn less(&self, number: u64, length: &Word) -> Condition {
        let kind = ConditionKind::Compare {
            relation: Relation::Less,
            signed: false,
            left: Word::constant(number, self.span.clone()).into(),
            right: length.clone().into(),
        };
        Condition::new(kind, self.span.clone())
    }

    fn visit(&mut self, node: NodeId, value: &Typed, within: Within, taken: &mut Taken) {
        taken.parts += 1;
        if !matches!(value.ty.kind, Kind::Struct { .. } | Kind::Array { .. }) {
            taken.bytes = taken.bytes.saturating_add(value.ty.size);
        }
        let draft = if within.nested > MAX_NESTED {
            None
        } else {
            self.draft(node, value, within, taken)
        };
        match draft {
            Some(Draft::Done(Shape::Missing(Missing::NoRoom))) => {}
            Some(draft) => self.drafts.set(node, draft),
            None => {
                let unknown = Shape::Missing(Missing::UnknownType);
                self.drafts.set(node, Draft::Done(unknown));
            }
        }
    }

    /// `None` where the type makes no sense.
    fn draft(
        &mut self,
        node: NodeId,
        value: &Typed,
        within: Within,
        taken: &mut Taken,
    ) -> Option<Draft> {
        let size = u8::try_from(value.ty.size).unwrap_or(u8::MAX);
        let types = self.types;
        let ty = || value.ty.shown(types);
        Some(match &value.ty.kind {
            Kind::Bool => Draft::Bool(self.part(value, 0, value.ty.width()?)),
            Kind::Int if value.ty.is_duration() => {
                Draft::Duration(self.part(value, 0, Width::Eight))
            }
            Kind::Int => Draft::Int(self.part(value, 0, value.ty.width()?), size),
            Kind::Uint if is_caller(value) => Draft::Code(self.part(value, 0, Width::Eight)),
            Kind::Uint if value.ty.name == "uintptr" => {
                Draft::Address(self.part(value, 0, value.ty.width()?), size)
            }
            Kind::Uint => Draft::Uint(self.part(value, 0, value.ty.width()?), size),
            Kind::UnsafePointer => Draft::Address(self.part(value, 0, Width::Eight), 8),
            Kind::Float => Draft::Float(self.part(value, 0, value.ty.width()?), size),
            Kind::Complex => {
                let width = match size {
                    8 => Width::Four,
                    16 => Width::Eight,
                    _ => return None,
                };
                Draft::Complex {
                    real: self.part(value, 0, width),
                    imaginary: self.part(value, width.bytes().into(), width),
                    width: width.bytes(),
                }
            }
            Kind::String => {
                self.bytes(node, value, within);
                return Some(Draft::Done(Shape::Missing(Missing::NoRoom)));
            }
            Kind::Slice { element } => self.slice(value, *element, within)?,
            Kind::Array { element, length } => {
                self.array(value, *element, *length, within, taken)?
            }
            Kind::Struct { fields } => match self.time(value, fields) {
                Some(time) => time,
                None => self.structure(value, fields, within, taken),
            },
            Kind::Pointer { target } => self.pointer(value, *target, within),
            Kind::Interface { empty } => self.interface(node, value, *empty, within),
            Kind::Map {
                key,
                value: held,
                header,
            } => {
                // The compiler knows that the number of entries comes first (`len`), in both layouts.
                let length = self.behind(value, 0);
                let follow = within.depth > 0 && !within.closed && self.follows_maps();
                let group = header.filter(|_| follow);
                let group = group.and_then(|header| Group::of(self, header, *key, *held));
                let map = Draft::Map {
                    ty: ty(),
                    pointer: self.part(value, 0, Width::Eight),
                    length,
                    entries: Vec::new(),
                };
                if let Some(group) = group {
                    let job = Job::Entries {
                        map: value.clone(),
                        group: group.into(),
                        from: 0,
                    };
                    self.later(node, job, within.depth);
                }
                map
            }
            Kind::Chan { .. } => Draft::Chan {
                ty: ty(),
                pointer: self.part(value, 0, Width::Eight),
                length: self.behind(value, 0),
                capacity: self.behind(value, CHAN_CAPACITY),
            },
            // The name of one costs as much as a number.
            Kind::Func if self.level > 0 => Draft::Pointer {
                ty: ty(),
                part: self.part(value, 0, Width::Eight),
                target: None,
            },
            Kind::Func => Draft::Func {
                part: self.part(value, 0, Width::Eight),
                code: self.behind(value, 0),
            },
            Kind::Opaque => return None,
        })
    }

    /// Eight bytes behind the address that a value is.
    fn behind(&mut self, value: &Typed, offset: u64) -> PartId {
        match value.part(0, &self.span) {
            Ok(pointer) => {
                let there = Typed {
                    ty: Ty::built_in("uint64", 8, Kind::Uint),
                    at: Location::Memory {
                        pointer: pointer.into(),
                        offset: 0,
                    },
                    guard: value.guard.clone(),
                };
                self.part(&there, offset, Width::Eight)
            }
            Err(why) => self.drafts.part(why.into()),
        }
    }

    /// A string's bytes, now or on the next level.
    fn bytes(&mut self, node: NodeId, value: &Typed, within: Within) {
        if within.nested == 0 {
            self.text(node, value);
        } else {
            self.later(node, Job::Value(value.clone()), within.depth);
        }
    }

    fn slice(&mut self, value: &Typed, element: TypeId, within: Within) -> Option<Draft> {
        let element = self.ty(element)?;
        let pointer = self.part(value, 0, Width::Eight);
        if is_byte(&element.name, &element.kind, element.size) && !within.closed {
            let bytes = self.drafts.node();
            let string = Typed {
                ty: Ty::built_in("string", 16, Kind::String),
                ..value.clone()
            };
            self.bytes(bytes, &string, within);
            return Some(Draft::Bytes { bytes, pointer });
        }
        let length = self.part(value, 8, Width::Eight);
        let limit = u64::from(self.limits.elements);
        let count = match element.size {
            0 => 0,
            size if size <= SMALL && element.kind != Kind::String => limit.min(ELEMENTS / size),
            _ => (limit >> within.halved.min(8)).max(1).min(limit),
        };
        let count = if within.closed { 0 } else { count };
        let nodes: Vec<NodeId> = (0..count).map(|_| self.drafts.node()).collect();
        if !nodes.is_empty() {
            let job = Job::Elements {
                slice: value.clone(),
                element,
                nodes: nodes.clone(),
            };
            let node = self.drafts.node();
            self.later(node, job, within.depth);
        }
        Some(Draft::Slice {
            ty: value.ty.shown(self.types),
            pointer,
            length,
            elements: nodes,
        })
    }

    fn array(
        &mut self,
        value: &Typed,
        element: TypeId,
        length: u64,
        within: Within,
        taken: &mut Taken,
    ) -> Option<Draft> {
        let element = self.ty(element)?;
        let mut elements = Vec::new();
        for number in 0..length.min(self.limits.elements.into()) {
            if element.size == 0 || taken.is_full() {
                break;
            }
            let node = self.drafts.node();
            let part = Typed {
                ty: element.clone(),
                at: value.at.at(number.saturating_mul(element.size)),
                guard: value.guard.clone(),
            };
            self.visit(node, &part, within.inner(&element), taken);
            elements.push(node);
        }
        Some(Draft::Array {
            ty: value.ty.shown(self.types),
            length,
            elements,
        })
    }

    fn time(&mut self, value: &Typed, fields: &[Field]) -> Option<Draft> {
        if value.ty.name != "time.Time" {
            return None;
        }
        let find = |name| fields.iter().find(|field| field.name == name);
        let (wall, ext) = (find("wall")?, find("ext")?);
        Some(Draft::Time {
            wall: self.part(value, wall.offset, Width::Eight),
            ext: self.part(value, ext.offset, Width::Eight),
        })
    }

    fn structure(
        &mut self,
        value: &Typed,
        fields: &[Field],
        within: Within,
        taken: &mut Taken,
    ) -> Draft {
        let mut shown = Vec::new();
        let mut more = 0;
        for field in fields {
            if field.name == "_" {
                continue;
            }
            let ty = self.ty(field.ty);
            if ty.as_ref().is_some_and(|ty| ty.size == 0) {
                continue;
            }
            let behind = ty.as_ref().is_some_and(|ty| ty.kind == Kind::String);
            if taken.is_full() || within.closed && behind {
                more += 1;
                continue;
            }
            let node = self.drafts.node();
            match ty {
                Some(ty) => {
                    let inner = within.inner(&ty);
                    let part = Typed {
                        ty,
                        at: value.at.at(field.offset),
                        guard: value.guard.clone(),
                    };
                    self.visit(node, &part, inner, taken);
                }
                None => {
                    let unknown = Shape::Missing(Missing::UnknownType);
                    self.drafts.set(node, Draft::Done(unknown));
                }
            }
            shown.push((field.name.clone(), node));
        }
        Draft::Struct {
            ty: value.ty.shown(self.types),
            fields: shown,
            more,
        }
    }

    fn pointer(&mut self, value: &Typed, target: TypeId, within: Within) -> Draft {
        let part = self.part(value, 0, Width::Eight);
        let target = self.ty(target).filter(|ty| {
            within.depth > 0
                && !within.closed
                && !is_internal(&ty.name)
                && ty.size > 0
                && ty.kind != Kind::Opaque
        });
        let there = target.and_then(|ty| {
            let pointer = value.part(0, &self.span).ok()?;
            let node = self.drafts.node();
            if value.ty.is_any_pointer() {
                let (bytes, text) = (None, None);
                self.drafts.set(node, Draft::Memory { bytes, text });
                let job = Job::Inside {
                    data: pointer,
                    guard: value.guard.clone(),
                    nested: self.level > 0 || within.nested > 0,
                    is_error: false,
                };
                self.later(node, job, 0);
                return Some(node);
            }
            let there = Typed {
                ty,
                at: Location::Memory {
                    pointer: pointer.into(),
                    offset: 0,
                },
                guard: value.guard.clone(),
            };
            self.later(node, Job::Value(there), within.depth.saturating_sub(1));
            Some(node)
        });
        Draft::Pointer {
            ty: value.ty.shown(self.types),
            part,
            target: there,
        }
    }

    fn interface(&mut self, node: NodeId, value: &Typed, empty: bool, within: Within) -> Draft {
        let dynamic = if empty {
            self.part(value, 0, Width::Eight)
        } else {
            match value.part(0, &self.span) {
                Ok(table) => {
                    let word = |kind| Word::new(kind, self.span.clone());
                    let ty = word(WordKind::Load {
                        pointer: table.clone().into(),
                        offset: ITAB_TYPE,
                        width: Width::Eight,
                        extension: Extension::Zero,
                    });
                    let dynamic = word(WordKind::Choice {
                        condition: not_zero(table).into(),
                        then: ty.into(),
                        otherwise: word(WordKind::Constant(0)).into(),
                    });
                    self.word(dynamic, false, value.guard.clone())
                }
                Err(why) => self.drafts.part(why.into()),
            }
        };
        let data = self.part(value, 8, Width::Eight);
        let top = self.level == 0 && within.nested == 0;
        let follow = within.depth > 0 || top;
        if follow
            && !within.closed
            && !is_internal(&value.ty.name)
            && let Ok(word) = value.part(8, &self.span)
        {
            let job = Job::Inside {
                data: word,
                guard: value.guard.clone(),
                nested: !top,
                is_error: value.ty.name == "error",
            };
            self.later(node, job, 0);
        }
        Draft::Interface {
            ty: value.ty.shown(self.types),
            dynamic,
            data,
            pointee: None,
            text: None,
            second_text: None,
        }
    }
}

impl Within {
    fn inner(self, ty: &Ty) -> Self {
        Self {
            depth: self.depth,
            nested: self.nested + 1,
            closed: self.closed || is_internal(&ty.name),
            halved: self.halved,
        }
    }
}

fn is_caller(value: &Typed) -> bool {
    matches!(&value.at, Location::Word(word) if word.kind == WordKind::Input(Input::Caller))
}

/// `byte` has the name `uint8` in DWARF; its shape is `go.shape.uint8`, with a number behind it in Go 1.19.
pub(super) fn is_byte(name: &str, kind: &Kind, size: u64) -> bool {
    let name = name.trim_start_matches("go.shape.");
    *kind == Kind::Uint && size == 1 && (name == "uint8" || name.starts_with("uint8_"))
}

/// Of the runtime's own types, which nobody asked for and which may hold secrets.
pub(super) fn is_internal(name: &str) -> bool {
    ["runtime.", "internal/", "reflect.rtype", "reflect.Type"]
        .iter()
        .any(|own| name.trim_start_matches(['*', '[', ']']).starts_with(own))
}
