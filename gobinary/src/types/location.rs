//! Locations of DWARF as [`Place`]s.
//!
//! Go's compiler writes registers, slots relative to the call frame address, and pieces of these. In optimised code pieces leave out
//! the padding of structs, and under `-N` they include it, so that offsets are those of the type's parts. Whatever else an expression says is
//! taken as unknown.

use gimli::{AttributeValue, Expression, Operation};

use super::abi::Layout;
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
    /// One place for a value of several parts. It may be that of all, or of the only part that the compiler has kept, without saying of
    /// which (seen in Go 1.27).
    pub somewhere: Option<Where>,
}

impl From<Place> for Said {
    fn from(place: Place) -> Self {
        Self {
            place,
            somewhere: None,
        }
    }
}

/// A variable's location at an address, or `None` where DWARF is silent. `cfa`: is the frame base the call frame address?
pub(super) fn at<'e>(
    variable: &At<'_, 'e>,
    address: u64,
    layout: &Layout,
    cfa: bool,
) -> Result<Option<Said>, TypesError> {
    let Some(value) = variable.die.attr_value(gimli::DW_AT_location) else {
        return Ok(None);
    };
    if let AttributeValue::Exprloc(expression) = value {
        return Ok(place(variable, expression, layout, cfa));
    }
    let Some(mut list) = variable.unit.attr_locations(value)? else {
        return Ok(None);
    };
    for _ in 0..MAX_ENTRIES {
        let Some(entry) = list.next()? else {
            return Ok(None);
        };
        if entry.range.begin <= address && address < entry.range.end {
            return Ok(place(variable, entry.data, layout, cfa));
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
        let place = offsets(&parts, layout);
        return Some(
            place
                .unwrap_or_else(|| Place::whole(Where::Absent, layout.size))
                .into(),
        );
    }
    let at = current?;
    let several = layout
        .leaves
        .as_ref()
        .is_some_and(|leaves| leaves.len() > 1);
    Some(if layout.size == 0 {
        Place::default().into()
    } else if several {
        Said {
            place: Place::whole(Where::Absent, layout.size),
            somewhere: Some(at),
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
    let packed: u64 = leaves.iter().map(|leaf| leaf.size).sum();
    let total = parts
        .iter()
        .try_fold(0_u64, |sum, part| sum.checked_add(part.size))?;
    let mut pieces: Vec<Piece> = Vec::new();
    if total > packed {
        // With padding.
        let mut offset = 0;
        for part in parts {
            let is_leaf = leaves
                .iter()
                .any(|leaf| leaf.offset < offset + part.size && offset < leaf.offset + leaf.size);
            if is_leaf {
                pieces.push(Piece {
                    offset,
                    size: part.size,
                    at: part.at,
                });
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
