//! Shapes while it is not yet known where their parts are captured.

use crate::shape::{Full, MapEntry, Missing, Run, Shape, Slot};

/// A part of a value: its number among all.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartId(pub(super) usize);

/// A value: its number among all.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeId(pub(super) usize);

/// A shape with parts in place of slots. It becomes one when room has been given away.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    Done(Shape),
    Bool(PartId),
    Int(PartId, u8),
    Uint(PartId, u8),
    Address(PartId, u8),
    Float(PartId, u8),
    Duration(PartId),
    Code(PartId),
    Complex {
        real: PartId,
        imaginary: PartId,
        width: u8,
    },
    Time {
        wall: PartId,
        ext: PartId,
    },
    Bytes {
        bytes: NodeId,
        pointer: PartId,
    },
    Slice {
        ty: String,
        pointer: PartId,
        length: PartId,
        elements: Vec<NodeId>,
    },
    Array {
        ty: String,
        length: u64,
        elements: Vec<NodeId>,
    },
    Struct {
        ty: String,
        fields: Vec<(String, NodeId)>,
        more: usize,
    },
    Pointer {
        ty: String,
        part: PartId,
        target: Option<NodeId>,
    },
    Memory {
        bytes: Option<Run>,
        text: Option<Run>,
    },
    Interface {
        ty: String,
        dynamic: PartId,
        data: PartId,
        pointee: Option<Run>,
        text: Option<Run>,
        second_text: Option<Run>,
    },
    Map {
        ty: String,
        pointer: PartId,
        length: PartId,
        entries: Vec<Entry>,
    },
    Chan {
        ty: String,
        pointer: PartId,
        length: PartId,
        capacity: PartId,
    },
    Func {
        part: PartId,
        code: PartId,
    },
}

/// A place for an entry of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) full: PartId,
    pub(super) rule: Full,
    pub(super) key: NodeId,
    pub(super) value: NodeId,
}

/// All values, and where their parts went.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    nodes: Vec<Draft>,
    parts: Vec<Result<Slot, Missing>>,
}

impl Drafts {
    /// A value of which nothing is planned yet.
    pub(super) fn node(&mut self) -> NodeId {
        self.nodes
            .push(Draft::Done(Shape::Missing(Missing::NoRoom)));
        NodeId(self.nodes.len() - 1)
    }

    pub(super) fn set(&mut self, node: NodeId, draft: Draft) {
        if let Some(place) = self.get(node) {
            *place = draft;
        }
    }

    pub(super) fn get(&mut self, node: NodeId) -> Option<&mut Draft> {
        self.nodes.get_mut(node.0)
    }

    /// A part that has found no room so far, or is missing.
    pub(super) fn part(&mut self, why: Missing) -> PartId {
        self.parts.push(Err(why));
        PartId(self.parts.len() - 1)
    }

    pub(super) fn found(&mut self, part: usize, slot: Slot) {
        if let Some(place) = self.parts.get_mut(part) {
            *place = Ok(slot);
        }
    }

    fn slot(&self, part: PartId) -> Result<Slot, Missing> {
        let slot = self.parts.get(part.0).cloned();
        slot.unwrap_or(Err(Missing::NoRoom))
    }

    /// How the value is read.
    pub(super) fn shape(&self, node: NodeId) -> Shape {
        let draft = self.nodes.get(node.0);
        let shape = draft.map(|draft| self.made(draft));
        shape.map_or(Shape::Missing(Missing::NoRoom), |shape| {
            shape.unwrap_or_else(Shape::Missing)
        })
    }

    fn made(&self, draft: &Draft) -> Result<Shape, Missing> {
        Ok(match draft {
            Draft::Done(shape) => shape.clone(),
            Draft::Bool(part) => Shape::Bool(self.slot(*part)?),
            Draft::Int(part, width) => Shape::Int {
                slot: self.slot(*part)?,
                width: *width,
            },
            Draft::Uint(part, width) => Shape::Uint {
                slot: self.slot(*part)?,
                width: *width,
                hexadecimal: false,
            },
            Draft::Address(part, width) => Shape::Uint {
                slot: self.slot(*part)?,
                width: *width,
                hexadecimal: true,
            },
            Draft::Float(part, width) => Shape::Float {
                slot: self.slot(*part)?,
                width: *width,
            },
            Draft::Duration(part) => Shape::Duration(self.slot(*part)?),
            Draft::Code(part) => Shape::Code(self.slot(*part)?),
            Draft::Complex {
                real,
                imaginary,
                width,
            } => Shape::Complex {
                real: self.slot(*real)?,
                imaginary: self.slot(*imaginary)?,
                width: *width,
            },
            Draft::Time { wall, ext } => Shape::Time {
                wall: self.slot(*wall)?,
                ext: self.slot(*ext)?,
            },
            Draft::Bytes { bytes, pointer } => match self.shape(*bytes) {
                Shape::String(bytes) => Shape::Bytes {
                    bytes,
                    pointer: self.slot(*pointer)?,
                },
                missing => missing,
            },
            Draft::Slice {
                ty,
                pointer,
                length,
                elements,
            } => Shape::Slice {
                ty: ty.clone(),
                pointer: self.slot(*pointer)?,
                length: self.slot(*length)?,
                elements: self.elements(elements),
            },
            Draft::Array {
                ty,
                length,
                elements,
            } => Shape::Array {
                ty: ty.clone(),
                length: *length,
                elements: self.elements(elements),
            },
            Draft::Struct { ty, fields, more } => {
                let mut shown: Vec<(String, Shape)> = fields
                    .iter()
                    .map(|(name, node)| (name.clone(), self.shape(*node)))
                    .collect();
                let kept = without_room_at_end(shown.iter().map(|(_, shape)| shape));
                shown.truncate(kept);
                Shape::Struct {
                    ty: ty.clone(),
                    more: more.saturating_add(fields.len() - kept),
                    fields: shown,
                }
            }
            Draft::Pointer { ty, part, target } => Shape::Pointer {
                ty: ty.clone(),
                slot: self.slot(*part)?,
                target: target
                    .map(|node| self.shape(node))
                    .filter(|target| *target != Shape::Missing(Missing::NoRoom))
                    .map(Box::new),
            },
            Draft::Memory { bytes, text } => Shape::Memory {
                bytes: bytes.ok_or(Missing::NoRoom)?,
                text: *text,
            },
            Draft::Interface {
                ty,
                dynamic,
                data,
                pointee,
                text,
                second_text,
            } => Shape::Interface {
                ty: ty.clone(),
                dynamic: self.slot(*dynamic)?,
                data: self.slot(*data)?,
                pointee: *pointee,
                text: *text,
                second_text: *second_text,
            },
            Draft::Map {
                ty,
                pointer,
                length,
                entries,
            } => Shape::Map {
                ty: ty.clone(),
                pointer: self.slot(*pointer)?,
                length: self.slot(*length)?,
                entries: entries
                    .iter()
                    .filter_map(|entry| self.entry(entry))
                    .collect(),
            },
            Draft::Chan {
                ty,
                pointer,
                length,
                capacity,
            } => Shape::Chan {
                ty: ty.clone(),
                pointer: self.slot(*pointer)?,
                length: self.slot(*length).ok(),
                capacity: self.slot(*capacity).ok(),
            },
            Draft::Func { part, code } => Shape::Func {
                slot: self.slot(*part)?,
                code: self.slot(*code)?,
            },
        })
    }

    fn elements(&self, nodes: &[NodeId]) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = nodes.iter().map(|node| self.shape(*node)).collect();
        let kept = without_room_at_end(shapes.iter());
        shapes.truncate(kept);
        shapes
    }

    fn entry(&self, entry: &Entry) -> Option<MapEntry> {
        Some(MapEntry {
            full: self.slot(entry.full).ok()?,
            rule: entry.rule,
            key: self.shape(entry.key),
            value: self.shape(entry.value),
        })
    }
}

/// How many are left without the last ones for which there was no room.
fn without_room_at_end<'s>(
    shapes: impl DoubleEndedIterator<Item = &'s Shape> + ExactSizeIterator,
) -> usize {
    let count = shapes.len();
    let missing = Shape::Missing(Missing::NoRoom);
    count - shapes.rev().take_while(|shape| **shape == missing).count()
}
