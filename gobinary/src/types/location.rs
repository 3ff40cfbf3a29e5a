//! Locations of DWARF as [`Place`]s.
//!
//! Go's compiler writes registers, slots relative to the call frame address, and pieces of these. In optimised code pieces leave out
//! the padding of structs, and under `-N` they include it, so that offsets are those of the type's parts. Whatever else an expression says is
//! taken as unknown.

use std::ops::Range;

use gimli::{AttributeValue, Expression, Operation};

use super::abi::{Layout, Leaf};
use super::graph::At;
use super::place::{Piece, Place, Register, Where};
use super::{Slice, TypesError};

/// Entries of one list that are looked at.
const MAX_ENTRIES: usize = 1 << 16;
/// Operations of one expression that are looked at.
const MAX_OPERATIONS: usize = 256;
/// DWARF's number of XMM0.
const XMM0: u16 = 17;
/// XMM0 to XMM15.
const XMM_COUNT: u16 = 16;

/// What DWARF says of a variable at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub place: Place,
    /// Where a part of the value is, or all of it, or the only part that the compiler has kept, without saying which: one place for a
    /// value of several parts (seen in Go 1.27).
    pub somewhere: Option<Where>,
    /// Parts that do not fit the type, some of them twice or those of another variable (seen in Go 1.19 and 1.21). They may confirm what is
    /// known otherwise.
    pub misfits: Vec<Where>,
}

impl Said {
    /// All places that are named.
    pub fn places(&self) -> impl Iterator<Item = Where> {
        let pieces = self.place.pieces.iter().map(|piece| piece.at);
        pieces.chain(self.somewhere)
    }
}

impl From<Place> for Said {
    fn from(place: Place) -> Self {
        Self {
            place,
            somewhere: None,
            misfits: Vec::new(),
        }
    }
}

/// A variable's location at an address, or `None` where DWARF is silent. `cfa`: is the frame base the call frame address?
pub(super) fn at(
    variable: &At<'_, '_>,
    address: u64,
    layout: &Layout,
    cfa: bool,
) -> Result<Option<Said>, TypesError> {
    find(variable, layout, cfa, |range, said| {
        range.contains(&address).then_some(said)
    })
}

/// The slot of the caller's that a result has anywhere in the function, if DWARF gives one.
pub(super) fn callers_slot(
    variable: &At<'_, '_>,
    layout: &Layout,
    cfa: bool,
) -> Result<Option<i64>, TypesError> {
    find(variable, layout, cfa, |_, said| {
        match said.places().find(|at| *at != Where::Absent) {
            Some(Where::Stack(slot)) if slot > 0 => Some(slot),
            _ => None,
        }
    })
}

/// Asks about a variable's locations, each with the addresses at which it holds, until one gives an answer.
pub(super) fn find<T>(
    variable: &At<'_, '_>,
    layout: &Layout,
    cfa: bool,
    mut ask: impl FnMut(Range<u64>, Said) -> Option<T>,
) -> Result<Option<T>, TypesError> {
    let Some(value) = variable.die.attr_value(gimli::DW_AT_location) else {
        return Ok(None);
    };
    if let AttributeValue::Exprloc(expression) = value {
        let said = place(variable, expression, layout, cfa);
        return Ok(said.and_then(|said| ask(0..u64::MAX, said)));
    }
    let Some(mut list) = variable.unit.attr_locations(value)? else {
        return Ok(None);
    };
    for _ in 0..MAX_ENTRIES {
        let Some(entry) = list.next()? else {
            return Ok(None);
        };
        let range = entry.range.begin..entry.range.end;
        let said = place(variable, entry.data, layout, cfa);
        if let Some(answer) = said.and_then(|said| ask(range, said)) {
            return Ok(Some(answer));
        }
    }
    Err(TypesError::damaged("a list of locations does not end"))
}

/// A part as DWARF has it: without its offset in the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    size: u64,
    at: Where,
}

fn place<'e>(
    variable: &At<'_, 'e>,
    expression: Expression<Slice<'e>>,
    layout: &Layout,
    cfa: bool,
) -> Option<Said> {
    let mut operations = expression.operations(variable.unit.encoding());
    let mut parts = Vec::new();
    let mut current: Option<Where> = None;
    for _ in 0..MAX_OPERATIONS {
        let Ok(operation) = operations.next() else {
            return Some(Place::whole(Where::Absent, layout.size).into());
        };
        let Some(operation) = operation else {
            break;
        };
        let slot = |offset: i64| {
            // The call frame address is above the return address.
            let offset = offset.checked_add(8).filter(|_| cfa);
            offset.map_or(Where::Absent, Where::Stack)
        };
        match operation {
            Operation::Nop => {}
            Operation::Piece {
                size_in_bits,
                bit_offset: None,
            } => parts.push(Part {
                size: size_in_bits / 8,
                at: current.take().unwrap_or(Where::Absent),
            }),
            _ if current.is_some() => current = Some(Where::Absent),
            Operation::Register { register } => current = Some(of_register(register.0)),
            Operation::FrameOffset { offset } => current = Some(slot(offset)),
            Operation::CallFrameCFA => current = Some(slot(0)),
            _ => current = Some(Where::Absent),
        }
    }
    if !parts.is_empty() {
        return Some(match offsets(&parts, layout) {
            Some(place) => place.into(),
            None => Said {
                place: Place::whole(Where::Absent, layout.size),
                somewhere: None,
                misfits: parts.iter().map(|part| part.at).collect(),
            },
        });
    }
    let at = current?;
    let several = layout
        .leaves
        .as_ref()
        .is_some_and(|leaves| leaves.len() > 1);
    Some(if several {
        Said {
            place: Place::whole(Where::Absent, layout.size),
            somewhere: Some(at),
            misfits: Vec::new(),
        }
    } else if matches!(at, Where::Register(_)) && layout.size > 8 {
        Place::whole(Where::Absent, layout.size).into()
    } else {
        Place::whole(at, layout.size).into()
    })
}

fn of_register(number: u16) -> Where {
    let vector = number
        .checked_sub(XMM0)
        .filter(|vector| *vector < XMM_COUNT)
        .and_then(|vector| u8::try_from(vector).ok());
    match (Register::from_dwarf(number), vector) {
        (Some(register), _) => Where::Register(register),
        (None, Some(vector)) => Where::Vector(vector),
        (None, None) => Where::Absent,
    }
}

/// Gives each part its offset in the value; `None` where the parts are not those of the type.
fn offsets(parts: &[Part], layout: &Layout) -> Option<Place> {
    let leaves = layout.leaves.as_deref()?;
    with_offsets(parts, layout, leaves).or_else(|| {
        // Padding where there is none (seen in Go 1.19 and 1.21 under -N).
        let parts: Vec<_> = parts.iter().filter(|p| p.at != Where::Absent).collect();
        let same = parts.len() == leaves.len()
            && parts
                .iter()
                .zip(leaves)
                .all(|(part, leaf)| part.size == leaf.size);
        let pieces = parts.iter().zip(leaves).map(|(part, leaf)| Piece {
            offset: leaf.offset,
            size: leaf.size,
            at: part.at,
        });
        same.then(|| Place {
            pieces: pieces.collect(),
        })
    })
}

fn with_offsets(parts: &[Part], layout: &Layout, leaves: &[Leaf]) -> Option<Place> {
    let packed: u64 = leaves.iter().map(|leaf| leaf.size).sum();
    let total = parts
        .iter()
        .try_fold(0_u64, |sum, part| sum.checked_add(part.size))?;
    let mut pieces: Vec<Piece> = Vec::new();
    if total > packed {
        // With padding.
        let mut offset = 0;
        for part in parts {
            if let Some(leaf) = leaves.iter().find(|leaf| leaf.offset == offset)
                && leaf.size == part.size
            {
                pieces.push(Piece {
                    offset,
                    size: part.size,
                    at: part.at,
                });
            } else if part.at != Where::Absent {
                return None;
            }
            offset = offset.checked_add(part.size)?;
        }
        return (total <= layout.size).then_some(Place { pieces });
    }
    let mut leaves = leaves.iter();
    for part in parts {
        let first = leaves.next()?;
        let mut end = first.offset.checked_add(first.size)?;
        while end - first.offset < part.size {
            let next = leaves.next().filter(|next| next.offset == end)?;
            end = end.checked_add(next.size)?;
        }
        if end - first.offset != part.size {
            return None;
        }
        pieces.push(Piece {
            offset: first.offset,
            size: part.size,
            at: part.at,
        });
    }
    // What follows the last part is not there.
    pieces.extend(leaves.map(|leaf| Piece {
        offset: leaf.offset,
        size: leaf.size,
        at: Where::Absent,
    }));
    Some(Place { pieces })
}
