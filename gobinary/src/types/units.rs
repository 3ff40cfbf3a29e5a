//! Which unit and which entry of DWARF describes a function.
//!
//! Nothing is read in advance but one entry a unit, for its addresses. A unit's functions are indexed when the first of them is asked
//! for; a Go package is one unit.

use std::collections::HashMap;
use std::sync::OnceLock;

use gimli::{
    AttributeValue, DebugAddrBase, DebugLocListsBase, DebugRngListsBase, DebugStrOffsetsBase, Unit,
    UnitHeader, UnitOffset, UnitRef,
};

use super::{Dwarf, Slice, TypesError};

/// More units than this are taken for corruption.
const MAX_UNITS: usize = 1 << 17;
/// More ranges of addresses than this, of all units together, are taken for corruption.
const MAX_RANGES: usize = 1 << 21;

/// A function's entry: the unit, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub unit: usize,
    pub offset: UnitOffset,
}

/// The units, by ascending offset.
pub(crate) struct Units<'e> {
    all: Vec<One<'e>>,
    /// Addresses, as (first, one after the last, unit), by ascending first address.
    ranges: OnceLock<Vec<(u64, u64, usize)>>,
}

struct One<'e> {
    header: UnitHeader<Slice<'e>>,
    start: usize,
    unit: OnceLock<Option<Unit<Slice<'e>>>>,
    /// Functions by the address of their first instruction.
    functions: OnceLock<HashMap<u64, UnitOffset>>,
}

impl<'e> Units<'e> {
    /// Reads the headers.
    pub fn new(dwarf: &Dwarf<'e>) -> Result<Self, TypesError> {
        let mut all = Vec::new();
        let mut headers = dwarf.units();
        // What precedes damage can be read.
        while let Ok(Some(header)) = headers.next() {
            let Some(start) = header.debug_info_offset() else {
                continue;
            };
            if all.len() >= MAX_UNITS {
                return Err(TypesError::Damaged("there are too many units".to_owned()));
            }
            all.push(One {
                header,
                start: start.0,
                unit: OnceLock::new(),
                functions: OnceLock::new(),
            });
        }
        Ok(Self {
            all,
            ranges: OnceLock::new(),
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The unit with this number.
    pub fn get<'a>(
        &'a self,
        dwarf: &'a Dwarf<'e>,
        number: usize,
    ) -> Option<UnitRef<'a, Slice<'e>>> {
        let one = self.all.get(number)?;
        let unit = one.unit.get_or_init(|| open(dwarf, one.header).ok());
        unit.as_ref().map(|unit| unit.unit_ref(dwarf))
    }

    /// The units of a package.
    pub fn named(&self, dwarf: &Dwarf<'e>, package: &[u8]) -> Vec<usize> {
        let is_named = |number: &usize| {
            let unit = self.get(dwarf, *number);
            unit.and_then(|unit| unit.name)
                .is_some_and(|name| name.slice() == package)
        };
        (0..self.all.len()).filter(is_named).collect()
    }

    /// The unit that holds an offset of `.debug_info`, and the offset in it.
    pub fn at(&self, offset: u64) -> Option<(usize, UnitOffset)> {
        let offset = usize::try_from(offset).ok()?;
        let number = self
            .all
            .partition_point(|one| one.start <= offset)
            .checked_sub(1)?;
        let one = self.all.get(number)?;
        let within = offset.checked_sub(one.start)?;
        (within < one.header.length_including_self()).then_some((number, UnitOffset(within)))
    }

    /// Where a unit begins in `.debug_info`.
    pub fn start(&self, number: usize) -> u64 {
        self.all.get(number).map_or(0, |one| one.start as u64)
    }

    /// The entry of the function that begins at an address.
    pub fn function(&self, dwarf: &Dwarf<'e>, address: u64) -> Option<Entry> {
        let unit = self.holding(dwarf, address)?;
        let offset = *self.functions(dwarf, unit)?.get(&address)?;
        Some(Entry { unit, offset })
    }

    /// The unit whose code holds an address.
    pub fn holding(&self, dwarf: &Dwarf<'e>, address: u64) -> Option<usize> {
        let ranges = self.ranges.get_or_init(|| self.read_ranges(dwarf));
        let after = ranges.partition_point(|&(first, _, _)| first <= address);
        ranges
            .get(..after)?
            .last()
            .filter(|&&(_, end, _)| address < end)
            .map(|&(_, _, unit)| unit)
    }

    fn read_ranges(&self, dwarf: &Dwarf<'e>) -> Vec<(u64, u64, usize)> {
        let mut all = Vec::new();
        for number in 0..self.all.len() {
            let Some(mut ranges) = self
                .get(dwarf, number)
                .and_then(|unit| unit.unit_ranges().ok())
            else {
                continue;
            };
            while let Ok(Some(range)) = ranges.next() {
                if all.len() >= MAX_RANGES {
                    return all;
                }
                if range.begin < range.end {
                    all.push((range.begin, range.end, number));
                }
            }
        }
        all.sort_unstable();
        all
    }

    /// The functions of a unit, by the address of their first instruction.
    pub fn functions(&self, dwarf: &Dwarf<'e>, number: usize) -> Option<&HashMap<u64, UnitOffset>> {
        let unit = self.get(dwarf, number)?;
        let one = self.all.get(number)?;
        Some(one.functions.get_or_init(|| {
            let mut found = HashMap::new();
            // What precedes damage can be used.
            let _ = index(unit, &mut found);
            found
        }))
    }
}

/// What a unit's first entry says of it. gimli's own way wants the line table, which is large and not needed here.
fn open<'e>(dwarf: &Dwarf<'e>, header: UnitHeader<Slice<'e>>) -> gimli::Result<Unit<Slice<'e>>> {
    let (encoding, file_type) = (header.encoding(), dwarf.file_type);
    let mut unit = Unit {
        abbreviations: dwarf.abbreviations(&header)?,
        name: None,
        comp_dir: None,
        low_pc: 0,
        str_offsets_base: DebugStrOffsetsBase::default_for_encoding_and_file(encoding, file_type),
        addr_base: DebugAddrBase(0),
        loclists_base: DebugLocListsBase::default_for_encoding_and_file(encoding, file_type),
        rnglists_base: DebugRngListsBase::default_for_encoding_and_file(encoding, file_type),
        line_program: None,
        dwo_id: None,
        header,
    };
    let root = unit.entry(unit.header.root_offset())?;
    for attribute in root.attrs() {
        match attribute.value() {
            AttributeValue::DebugStrOffsetsBase(base) => unit.str_offsets_base = base,
            AttributeValue::DebugAddrBase(base) => unit.addr_base = base,
            AttributeValue::DebugLocListsBase(base) => unit.loclists_base = base,
            AttributeValue::DebugRngListsBase(base) => unit.rnglists_base = base,
            _ => {}
        }
    }
    unit.name = root
        .attr_value(gimli::DW_AT_name)
        .and_then(|name| dwarf.attr_string(&unit, name).ok());
    if let Some(low) = root.attr_value(gimli::DW_AT_low_pc) {
        unit.low_pc = dwarf.attr_address(&unit, low)?.unwrap_or(0);
    }
    Ok(unit)
}

fn index(unit: UnitRef<'_, Slice<'_>>, found: &mut HashMap<u64, UnitOffset>) -> gimli::Result<()> {
    let mut entries = unit.entries_raw(None)?;
    while !entries.is_empty() {
        let (offset, depth) = (entries.next_offset(), entries.next_depth());
        let Some(abbreviation) = entries.read_abbreviation()? else {
            continue;
        };
        if depth != 1 || abbreviation.tag() != gimli::DW_TAG_subprogram {
            entries.skip_attributes(abbreviation.attributes())?;
            continue;
        }
        for &specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(specification)?;
            if attribute.name() == gimli::DW_AT_low_pc
                && let Some(address) = unit.attr_address(attribute.value())?
            {
                found.insert(address, offset);
            }
        }
    }
    Ok(())
}
