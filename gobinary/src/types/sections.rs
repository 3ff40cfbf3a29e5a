//! The DWARF sections of the file: found, and decompressed where they are compressed.
//!
//! A section that is stored as it is stays where it is in the file; one that is not is decompressed once, when DWARF is first
//! asked for. Line tables and call frames are left alone: the function table says the same.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use gimli::{
    DebugAbbrev, DebugAbbrevOffset, DwarfSections, EndianSlice, LittleEndian, Section, SectionId,
};
use object::{Object, ObjectSection};
use rayon::prelude::*;

use super::TypesError;

/// Greatest decompressed size of a section, in bytes.
const MAX_SECTION: u64 = 2 << 30;
/// zlib does not compress better than this.
const MAX_RATIO: u64 = 1040;
/// What is read.
const WANTED: [SectionId; 11] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugInfo,
    SectionId::DebugLineStr,
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugTypes,
];

/// Bytes without a lifetime: of the file, or our own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bytes {
    File(Range<usize>),
    Own(Vec<u8>),
}

/// The sections, by the order of [`WANTED`].
#[derive(Debug)]
pub(crate) struct Sections(Vec<Bytes>);

impl Sections {
    /// Reads the section headers and decompresses what has to be.
    pub fn load(file: &[u8]) -> Result<Self, TypesError> {
        let damaged = |error: object::Error| TypesError::Damaged(error.to_string());
        let elf =
            object::read::elf::ElfFile64::<object::LittleEndian>::parse(file).map_err(damaged)?;
        if elf.section_by_name(SectionId::DebugInfo.name()).is_none() {
            return Err(TypesError::NoDwarf);
        }
        let load = |id: &SectionId| {
            let Some(section) = elf.section_by_name(id.name()) else {
                return Ok(Bytes::File(0..0));
            };
            let stored = section.compressed_data().map_err(damaged)?;
            if stored.format == object::CompressionFormat::None {
                let (offset, size) = section.file_range().unwrap_or_default();
                let range = usize::try_from(offset)
                    .ok()
                    .zip(usize::try_from(size).ok())
                    .and_then(|(start, size)| Some(start..start.checked_add(size)?));
                return range
                    .filter(|range| range.end <= file.len())
                    .map(Bytes::File)
                    .ok_or_else(|| TypesError::Damaged(format!("{} is cut off", id.name())));
            }
            let possible = (stored.data.len() as u64).saturating_mul(MAX_RATIO);
            if stored.uncompressed_size > MAX_SECTION.min(possible) {
                return Err(TypesError::Damaged(format!(
                    "{} claims {} bytes",
                    id.name(),
                    stored.uncompressed_size
                )));
            }
            Ok(Bytes::Own(
                stored.decompress().map_err(damaged)?.into_owned(),
            ))
        };
        WANTED
            .par_iter()
            .map(load)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The sections as gimli reads them.
    pub fn dwarf<'a>(&'a self, file: &'a [u8]) -> gimli::Dwarf<EndianSlice<'a, LittleEndian>> {
        let section = |id: SectionId| -> Result<&'a [u8], std::convert::Infallible> {
            let place = WANTED.iter().position(|wanted| *wanted == id);
            Ok(match place.and_then(|place| self.0.get(place)) {
                Some(Bytes::File(range)) => file.get(range.clone()).unwrap_or_default(),
                Some(Bytes::Own(bytes)) => bytes,
                None => &[],
            })
        };
        let sections = match DwarfSections::load(section) {
            Ok(sections) => sections,
            Err(never) => match never {},
        };
        let mut dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, LittleEndian));
        abbreviations(&mut dwarf);
        dwarf
    }
}

/// Reads the tables of abbreviations, of which Go has one for all units. Each ends where the next one begins, or a hostile file could
/// have as many long ones as it has units.
fn abbreviations(dwarf: &mut gimli::Dwarf<EndianSlice<'_, LittleEndian>>) {
    let mut offsets = BTreeSet::new();
    let mut units = dwarf.units();
    while let Ok(Some(unit)) = units.next() {
        offsets.insert(unit.debug_abbrev_offset().0);
    }
    let bytes = dwarf.debug_abbrev.reader().slice();
    let mut end = bytes.len();
    for offset in offsets.into_iter().rev() {
        let part = DebugAbbrev::new(bytes.get(..end).unwrap_or_default(), LittleEndian);
        let table = part.abbreviations(DebugAbbrevOffset(offset));
        dwarf
            .abbreviations_cache
            .set::<EndianSlice<'_, LittleEndian>>(
                DebugAbbrevOffset(offset),
                Arc::new(table.unwrap_or_default()),
            );
        end = offset.min(end);
    }
}
