//! Offsets of fields from DWARF, without an index: units are skipped by name until the one that defines the type.

use std::borrow::Cow;

use gimli::{AttributeValue, Dwarf, EndianSlice, LittleEndian, SectionId, UnitHeader};
use object::{Object, ObjectSection};

/// Larger sections, in bytes, are left alone.
const MAX_SECTION: u64 = 2 << 30;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Offset of a member of a struct, in bytes, from the DWARF in an ELF file; on failure, a clause that tells why.
pub(crate) fn member_offset(file: &[u8], structure: &str, member: &str) -> Result<u32, String> {
    let describe = |error: &dyn std::fmt::Display| format!("DWARF cannot be read: {error}");
    let elf = object::read::elf::ElfFile64::<object::LittleEndian>::parse(file)
        .map_err(|e| describe(&e))?;
    if elf.section_by_name(".debug_info").is_none() {
        return Err("there is no DWARF".to_owned());
    }
    let load = |id: SectionId| -> Result<Cow<'_, [u8]>, object::Error> {
        let Some(section) = elf.section_by_name(id.name()) else {
            return Ok(Cow::Borrowed(&[]));
        };
        let compressed = section.compressed_data()?;
        // A file may claim any size.
        let fits = compressed.uncompressed_size <= MAX_SECTION;
        if fits {
            compressed.decompress()
        } else {
            Ok(Cow::Borrowed(&[]))
        }
    };
    let sections = gimli::DwarfSections::load(load).map_err(|e| describe(&e))?;
    let dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, LittleEndian));
    let package = structure.split('.').next().unwrap_or_default();
    let units = || {
        let mut headers = dwarf.units();
        std::iter::from_fn(move || headers.next().ok().flatten())
    };
    // The package's own unit first: with a large executable, that is all that is read.
    for by_name in [true, false] {
        for header in units() {
            match in_unit(
                &dwarf,
                header,
                by_name.then_some(package),
                structure,
                member,
            ) {
                Ok(Some(offset)) => return Ok(offset),
                Ok(None) => {}
                Err(error) => return Err(describe(&error)),
            }
        }
    }
    Err(format!("DWARF does not define {structure}.{member}"))
}

fn in_unit<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    header: UnitHeader<Slice<'a>>,
    package: Option<&str>,
    structure: &str,
    member: &str,
) -> gimli::Result<Option<u32>> {
    let unit = dwarf.unit(header)?;
    let unit = unit.unit_ref(dwarf);
    let named = |value: Option<AttributeValue<Slice<'a>>>, name: &str| {
        value
            .and_then(|value| unit.attr_string(value).ok())
            .is_some_and(|found| found.slice() == name.as_bytes())
    };
    let mut entries = unit.entries();
    let mut inside = None;
    while let Some(entry) = entries.next_dfs()? {
        let name = || entry.attr_value(gimli::DW_AT_name);
        if entry.depth() == 0 && package.is_some_and(|package| !named(name(), package)) {
            return Ok(None);
        }
        if inside.is_some_and(|depth| entry.depth() <= depth) {
            return Ok(None);
        }
        if entry.tag() == gimli::DW_TAG_structure_type
            && entry.depth() == 1
            && named(name(), structure)
        {
            inside = Some(entry.depth());
        } else if inside.is_some_and(|depth| entry.depth() == depth + 1) && named(name(), member) {
            let offset = entry
                .attr_value(gimli::DW_AT_data_member_location)
                .and_then(|value| value.udata_value());
            return Ok(offset.and_then(|offset| u32::try_from(offset).ok()));
        }
    }
    Ok(None)
}
