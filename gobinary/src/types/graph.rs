//! From an entry of DWARF to a [`Type`].
//!
//! Attributes of Go's own are those of `cmd/internal/dwarf`; how the linker describes each kind is in `cmd/link/internal/ld/dwarf.go`
//! (`newtype`), the same in Go 1.19 to 1.27.

use gimli::{AttributeValue, DebuggingInformationEntry, DwAt, UnitOffset, UnitRef};

use super::model::{Field, Kind, Type, TypeId};
use super::units::Entry;
use super::{Slice, Types, TypesError};

/// `DW_AT_go_kind`: `internal/abi.Kind`.
const GO_KIND: DwAt = DwAt(0x2900);
/// `DW_AT_go_key`: of a map.
const GO_KEY: DwAt = DwAt(0x2901);
/// `DW_AT_go_elem`: of a map, channel or slice.
const GO_ELEM: DwAt = DwAt(0x2902);
/// `DW_AT_go_embedded_field`
const GO_EMBEDDED: DwAt = DwAt(0x2903);
/// `DW_AT_go_runtime_type`
pub(super) const GO_RUNTIME_TYPE: DwAt = DwAt(0x2904);
/// `DW_AT_go_dict_index`
pub(super) const GO_DICT_INDEX: DwAt = DwAt(0x2906);

/// Names for names are followed this far.
const MAX_NAMES: usize = 16;
/// More fields or parameters than this are taken for corruption.
const MAX_MEMBERS: usize = 1 << 16;
/// Larger types, in bytes, are taken for corruption.
const MAX_SIZE: u64 = 1 << 47;

type Die<'e> = DebuggingInformationEntry<Slice<'e>>;

/// An entry with its unit.
#[derive(Clone)]
pub(super) struct At<'a, 'e> {
    pub unit: UnitRef<'a, Slice<'e>>,
    pub number: usize,
    pub die: Die<'e>,
}

impl<'a, 'e> At<'a, 'e> {
    /// Where it is.
    pub fn entry(&self) -> Entry {
        Entry {
            unit: self.number,
            offset: self.die.offset(),
        }
    }

    pub fn name(&self) -> String {
        self.die
            .attr_value(gimli::DW_AT_name)
            .and_then(|value| self.unit.attr_string(value).ok())
            .map(|name| String::from_utf8_lossy(name.slice()).into_owned())
            .unwrap_or_default()
    }

    pub fn number(&self, name: DwAt) -> Option<u64> {
        self.die.attr_value(name)?.udata_value()
    }

    pub fn flag(&self, name: DwAt) -> bool {
        matches!(self.die.attr_value(name), Some(AttributeValue::Flag(true)))
    }

    /// The entries directly below.
    pub fn children(
        &self,
        mut visit: impl FnMut(At<'a, 'e>) -> Result<(), TypesError>,
    ) -> Result<(), TypesError> {
        if !self.die.has_children() {
            return Ok(());
        }
        let mut entries = self.unit.entries_at_offset(self.die.offset())?;
        entries.next_dfs()?;
        let depth = entries.depth();
        let mut seen = 0;
        while let Some(die) = entries.next_dfs()? {
            if die.depth() <= depth {
                break;
            }
            if die.depth() == depth + 1 {
                seen += 1;
                if seen > MAX_MEMBERS {
                    return Err(TypesError::damaged("an entry has too many below it"));
                }
                visit(At {
                    unit: self.unit,
                    number: self.number,
                    die: die.clone(),
                })?;
            }
        }
        Ok(())
    }
}

impl<'e> Types<'e> {
    /// The entry at an offset of a unit.
    pub(super) fn entry(
        &self,
        number: usize,
        offset: UnitOffset,
    ) -> Result<At<'_, 'e>, TypesError> {
        let unit = self
            .units
            .get(&self.dwarf, number)
            .ok_or_else(|| TypesError::damaged("a unit cannot be read"))?;
        let die = unit.entry(offset)?;
        Ok(At { unit, number, die })
    }

    /// The entry at an offset of `.debug_info`.
    pub(super) fn entry_at(&self, offset: u64) -> Result<At<'_, 'e>, TypesError> {
        let (number, offset) = self
            .units
            .at(offset)
            .ok_or_else(|| TypesError::damaged("a reference leads out of the units"))?;
        self.entry(number, offset)
    }

    /// Where a reference of an entry leads, as an offset of `.debug_info`.
    pub(super) fn reference(&self, at: &At<'_, 'e>, name: DwAt) -> Option<u64> {
        match at.die.attr_value(name)? {
            AttributeValue::UnitRef(offset) => {
                Some(self.units.start(at.number).saturating_add(offset.0 as u64))
            }
            AttributeValue::DebugInfoRef(offset) => Some(offset.0 as u64),
            _ => None,
        }
    }

    fn type_reference(&self, at: &At<'_, 'e>, name: DwAt) -> Result<TypeId, TypesError> {
        self.reference(at, name)
            .map(TypeId)
            .ok_or_else(|| TypesError::damaged("a type lacks the one that it is made of"))
    }

    pub(super) fn read_type(&self, id: TypeId) -> Result<Type, TypesError> {
        let mut at = self.entry_at(id.0)?;
        let mut id = id;
        let name = at.name();
        let mut mark = runtime_mark(&at);
        for _ in 0..MAX_NAMES {
            let is_name = match at.die.tag() {
                // Maps, channels and interfaces are written as names too.
                gimli::DW_TAG_typedef => at.number(GO_KIND).is_none(),
                gimli::DW_TAG_const_type
                | gimli::DW_TAG_volatile_type
                | gimli::DW_TAG_restrict_type => true,
                _ => false,
            };
            if !is_name {
                let (kind, size) = self.kind(&at)?;
                if size > MAX_SIZE {
                    return Err(TypesError::damaged("a type is larger than memory"));
                }
                let name = if name.is_empty() || name.starts_with(".param") {
                    at.name()
                } else {
                    name
                };
                return Ok(Type {
                    id,
                    name: if name.is_empty() {
                        "?".to_owned()
                    } else {
                        name
                    },
                    size,
                    mark: mark.or_else(|| runtime_mark(&at)),
                    kind,
                });
            }
            match self.reference(&at, gimli::DW_AT_type) {
                Some(next) => {
                    id = TypeId(next);
                    at = self.entry_at(next)?;
                }
                None => break,
            }
            mark = mark.or_else(|| runtime_mark(&at));
        }
        // C's void, or a circle of names.
        Ok(Type {
            id,
            name,
            size: 0,
            mark,
            kind: Kind::Opaque,
        })
    }

    fn kind(&self, at: &At<'_, 'e>) -> Result<(Kind, u64), TypesError> {
        let size = at.number(gimli::DW_AT_byte_size).unwrap_or(0);
        // internal/abi.Kind, whose numbers are those of reflect.Kind.
        let go = at.number(GO_KIND);
        Ok(match at.die.tag() {
            gimli::DW_TAG_base_type => {
                let encoding = match at.die.attr_value(gimli::DW_AT_encoding) {
                    Some(AttributeValue::Encoding(encoding)) => encoding,
                    _ => gimli::DwAte(0),
                };
                let kind = match encoding {
                    gimli::DW_ATE_boolean => Kind::Bool,
                    gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => Kind::Int,
                    gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_char => Kind::Uint,
                    gimli::DW_ATE_float if matches!(size, 4 | 8) => Kind::Float,
                    gimli::DW_ATE_complex_float if matches!(size, 8 | 16) => Kind::Complex,
                    _ => return Ok((Kind::Opaque, size)),
                };
                let numbers = matches!(kind, Kind::Float | Kind::Complex);
                if !numbers && !is_word(size) {
                    return Ok((Kind::Opaque, size));
                }
                (kind, size)
            }
            gimli::DW_TAG_enumeration_type if is_word(size) => (Kind::Int, size),
            gimli::DW_TAG_structure_type if go == Some(24) => (Kind::String, 16),
            gimli::DW_TAG_structure_type if go == Some(23) => (
                Kind::Slice {
                    element: self.type_reference(at, GO_ELEM)?,
                },
                24,
            ),
            gimli::DW_TAG_structure_type => {
                let fields = self.fields(at)?;
                (Kind::Struct { fields }, size)
            }
            gimli::DW_TAG_pointer_type => match self.reference(at, gimli::DW_AT_type) {
                Some(target) => (
                    Kind::Pointer {
                        target: TypeId(target),
                    },
                    8,
                ),
                None => (Kind::UnsafePointer, 8),
            },
            gimli::DW_TAG_array_type => {
                let element = self.type_reference(at, gimli::DW_AT_type)?;
                let mut length = None;
                at.children(|child| {
                    if child.die.tag() == gimli::DW_TAG_subrange_type {
                        let count = child
                            .number(gimli::DW_AT_count)
                            .or_else(|| child.number(gimli::DW_AT_upper_bound)?.checked_add(1));
                        length = length.or(count);
                    }
                    Ok(())
                })?;
                let length = length.unwrap_or(0);
                (Kind::Array { element, length }, size)
            }
            gimli::DW_TAG_subroutine_type => (Kind::Func, 8),
            gimli::DW_TAG_typedef if go == Some(20) => (
                Kind::Interface {
                    empty: self.is_eface(at),
                },
                16,
            ),
            gimli::DW_TAG_typedef if go == Some(21) => (
                Kind::Map {
                    key: self.type_reference(at, GO_KEY)?,
                    value: self.type_reference(at, GO_ELEM)?,
                    header: self.header(at),
                },
                8,
            ),
            gimli::DW_TAG_typedef if go == Some(18) => (
                Kind::Chan {
                    element: self.type_reference(at, GO_ELEM)?,
                    header: self.header(at),
                },
                8,
            ),
            _ => (Kind::Opaque, size),
        })
    }

    fn fields(&self, at: &At<'_, 'e>) -> Result<Vec<Field>, TypesError> {
        let mut fields = Vec::new();
        at.children(|child| {
            if child.die.tag() != gimli::DW_TAG_member {
                return Ok(());
            }
            let embedded = child.flag(GO_EMBEDDED);
            let mut name = child.name();
            if embedded {
                // DWARF has the type's name there.
                let end = name.find('[').unwrap_or(name.len());
                let base = name.get(..end).unwrap_or(&name);
                let base = base.rsplit(['.', '/', '*']).next().unwrap_or(base);
                name = base.to_owned();
            }
            let offset = child.number(gimli::DW_AT_data_member_location).unwrap_or(0);
            if offset > MAX_SIZE {
                return Err(TypesError::damaged("a field lies beyond memory"));
            }
            fields.push(Field {
                name,
                offset,
                ty: self.type_reference(&child, gimli::DW_AT_type)?,
                embedded,
            });
            Ok(())
        })?;
        Ok(fields)
    }

    /// What the address that a map or a channel is leads to.
    fn header(&self, at: &At<'_, 'e>) -> Option<TypeId> {
        let pointer = self.entry_at(self.reference(at, gimli::DW_AT_type)?).ok()?;
        (pointer.die.tag() == gimli::DW_TAG_pointer_type)
            .then(|| self.reference(&pointer, gimli::DW_AT_type))
            .flatten()
            .map(TypeId)
    }

    fn is_eface(&self, at: &At<'_, 'e>) -> bool {
        self.reference(at, gimli::DW_AT_type)
            .and_then(|target| self.entry_at(target).ok())
            .is_some_and(|target| target.name() == "runtime.eface")
    }
}

/// Sizes of integers and bools.
fn is_word(size: u64) -> bool {
    matches!(size, 1 | 2 | 4 | 8)
}

/// What DWARF has for the address of the runtime's description.
fn runtime_mark(at: &At<'_, '_>) -> Option<u64> {
    let address = at.unit.attr_address(at.die.attr_value(GO_RUNTIME_TYPE)?);
    address.ok().flatten().filter(|&address| address != 0)
}
