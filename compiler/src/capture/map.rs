//! Maps: where the first entries are, in both layouts, by the names of the fields that DWARF has.
//!
//! Up to Go 1.23 a `runtime.hmap` has `buckets`, the first of which is looked into; since 1.24 an `internal/runtime/maps.Map` has either
//! one group of slots (`dirLen` is 0) or a directory of tables, of which the first table's first group is looked into. Both fill from the
//! first slot on, and slots without an entry hold zeros.

use gobinary::{Kind, TypeId};

use super::{
    draft::{Draft, Entry, NodeId},
    group::{Column, First, Group},
    planner::{Job, Planner},
};
use crate::{
    expression::{Location, Ty, Typed, not_zero},
    ir::{Extension, Width, Word, WordKind},
    shape::Full,
};

/// Slots of a bucket or a group: `abi.MapBucketCount`, `abi.MapGroupSlots`.
const SLOTS: u64 = 8;

impl Group {
    /// Of maps with this header; `None` where its fields are not as known.
    pub(super) fn of(
        planner: &mut Planner<'_, '_>,
        header: TypeId,
        key: TypeId,
        value: TypeId,
    ) -> Option<Self> {
        let header = planner.ty(header)?;
        if let Some((offset, buckets)) = planner.field(&header, "buckets") {
            let bucket = planner.target(&buckets)?;
            let (marks, _) = planner.field(&bucket, "tophash")?;
            let key = planner.column(&bucket, "keys", key)?;
            let value = planner.column(&bucket, "values", value)?;
            return Some(Self {
                at: First::Buckets { offset },
                rule: Full::AtLeastFive,
                marks,
                key,
                value,
            });
        }
        let (pointer, directory) = planner.field(&header, "dirPtr")?;
        let (length, _) = planner.field(&header, "dirLen")?;
        let entry = planner.target(&directory)?;
        let table = planner.target(&entry)?;
        let (groups_at, groups) = planner.field(&table, "groups")?;
        let (data_at, data) = planner.field(&groups, "data")?;
        let group = planner.target(&data)?;
        let (marks, _) = planner.field(&group, "ctrl")?;
        let (key, value) = match planner.field(&group, "slots") {
            Some((at, slots)) => {
                let slot = planner.element(&slots)?;
                let column = |planner: &mut Planner<'_, '_>, name, ty| {
                    let (offset, held) = planner.field(&slot, name)?;
                    planner.column_of(at.checked_add(offset)?, slot.size, &held, ty)
                };
                (
                    column(planner, "key", key)?,
                    column(planner, "elem", value)?,
                )
            }
            // GOEXPERIMENT=mapsplitgroup, Go 1.27.
            None => (
                planner.column(&group, "keys", key)?,
                planner.column(&group, "elems", value)?,
            ),
        };
        Some(Self {
            at: First::Directory {
                pointer,
                length,
                groups: groups_at.checked_add(data_at)?,
            },
            rule: Full::HighBitClear,
            marks,
            key,
            value,
        })
    }
}

impl Planner<'_, '_> {
    /// The first entries of a map, from this one on.
    pub(super) fn entries(
        &mut self,
        node: NodeId,
        map: &Typed,
        group: Group,
        from: u64,
        depth: u8,
    ) {
        let Some(first) = self.first(map, group.at) else {
            return;
        };
        let at = Location::Memory {
            pointer: first.into(),
            offset: 0,
        };
        let mut found = Vec::new();
        let (now, all) = self.entries_wanted();
        let (now, all) = (now.min(SLOTS), all.min(SLOTS));
        for slot in from..now {
            let mark = Typed {
                ty: Ty::built_in("uint8", 1, Kind::Uint),
                at: at.at(group.marks.saturating_add(slot)),
                guard: map.guard.clone(),
            };
            found.push(Entry {
                full: self.part(&mark, 0, Width::One),
                rule: group.rule,
                key: self.held(map, &at, &group.key, slot, depth),
                value: self.held(map, &at, &group.value, slot, depth),
            });
        }
        if let Some(Draft::Map { entries, .. }) = self.drafts.get(node) {
            entries.extend(found);
        }
        if now < all {
            let job = Job::Entries {
                map: map.clone(),
                group: group.into(),
                from: now,
            };
            self.beyond(node, job, depth);
        }
    }

    /// The address of the first bucket or group.
    fn first(&self, map: &Typed, first: First) -> Option<Word> {
        let load = |from: Word, offset: u64| {
            let at = Location::Memory {
                pointer: from.into(),
                offset: 0,
            };
            at.part(offset, Width::Eight, Extension::Zero, &self.span)
                .ok()
        };
        let map = map.part(0, &self.span).ok()?;
        Some(match first {
            First::Buckets { offset } => load(map, offset)?,
            First::Directory {
                pointer,
                length,
                groups,
            } => {
                let directory = load(map.clone(), pointer)?;
                let table = load(directory.clone(), 0)?;
                let kind = WordKind::Choice {
                    condition: not_zero(load(map, length)?).into(),
                    then: load(table, groups)?.into(),
                    otherwise: directory.into(),
                };
                Word::new(kind, self.span.clone())
            }
        })
    }

    /// A key or a value.
    fn held(
        &mut self,
        map: &Typed,
        group: &Location,
        column: &Column,
        slot: u64,
        depth: u8,
    ) -> NodeId {
        let node = self.drafts.node();
        let offset = slot.saturating_mul(column.stride);
        let at = group.at(column.offset.saturating_add(offset));
        let value = Typed {
            ty: column.ty.clone(),
            at,
            guard: map.guard.clone(),
        };
        if !column.indirect {
            self.held_in_map(node, &value, depth);
        } else if let Ok(pointer) = value.part(0, &self.span) {
            let there = Typed {
                at: Location::Memory {
                    pointer: pointer.into(),
                    offset: 0,
                },
                ..value
            };
            self.later(node, Job::Value(there), depth);
        }
        node
    }

    /// Where a field is, and its type.
    fn field(&mut self, of: &Ty, name: &str) -> Option<(u64, Ty)> {
        let Kind::Struct { fields } = &of.kind else {
            return None;
        };
        let field = fields.iter().find(|field| field.name == name)?;
        Some((field.offset, self.ty(field.ty)?))
    }

    fn target(&mut self, of: &Ty) -> Option<Ty> {
        match of.kind {
            Kind::Pointer { target } => self.ty(target),
            _ => None,
        }
    }

    fn element(&mut self, of: &Ty) -> Option<Ty> {
        match of.kind {
            Kind::Array { element, .. } => self.ty(element),
            _ => None,
        }
    }

    /// An array of keys or values.
    fn column(&mut self, of: &Ty, name: &str, ty: TypeId) -> Option<Column> {
        let (offset, array) = self.field(of, name)?;
        let held = self.element(&array)?;
        self.column_of(offset, held.size, &held, ty)
    }

    fn column_of(&mut self, offset: u64, stride: u64, held: &Ty, ty: TypeId) -> Option<Column> {
        let ty = self.ty(ty)?;
        let indirect = held.size != ty.size;
        if indirect && !matches!(held.kind, Kind::Pointer { .. }) {
            return None;
        }
        Some(Column {
            ty,
            offset,
            stride,
            indirect,
        })
    }
}
