//! `.gopclntab`, the table that Go's own tracebacks read: functions, files, lines.
//!
//! It survives stripping, so it is the source of names and lines here. Layout after `runtime/symtab.go` and
//! `cmd/internal/objabi/funcdata.go`: magic 0xfffffff0 in Go 1.18 and 1.19, 0xfffffff1 since 1.20 (its `_func` records have a start
//! line). Everything is read in place and bounds-checked; nothing is indexed in advance.

use std::ops::Range;

use crate::Error;
use crate::image::Image;
use crate::image::foreign;
use crate::tables::moduledata::ModuleData;

/// Magic of Go 1.18 and 1.19.
const MAGIC_1_18: u32 = 0xffff_fff0;
/// Magic since Go 1.20.
const MAGIC_1_20: u32 = 0xffff_fff1;
/// Magics of Go 1.2 and 1.16.
const MAGICS_OLD: [u32; 2] = [0xffff_fffb, 0xffff_fffa];
/// Sections that hold the table; an externally linked position-independent executable before Go 1.26 has none of them.
const SECTIONS: [&str; 2] = [".gopclntab", ".data.rel.ro.gopclntab"];
/// Size of the header, `runtime.pcHeader`.
const HEADER: usize = 72;
/// Names longer than this, in bytes, are taken for corruption.
const MAX_STRING: usize = 1 << 16;
/// More functions than this are taken for corruption.
const MAX_FUNCTIONS: u64 = 1 << 24;

/// Where the function table and its parts lie.
#[derive(Debug, Clone)]
pub(crate) struct Pclntab {
    /// Address of the header.
    pub address: u64,
    /// From the header to the end of the table, or of its segment.
    file: Range<usize>,
    /// Number of functions.
    count: u32,
    /// `pcHeader.textStart`; 0 since Go 1.26.
    header_text: u64,
    names: usize,
    units: usize,
    files: usize,
    values: usize,
    functions: usize,
    /// Are `_func` records those of Go 1.20 and later?
    modern: bool,
    /// What the functions' offsets are relative to.
    pub text: u64,
}

/// One `runtime._func`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Record {
    /// Offset of the name.
    pub name: u32,
    /// Offset of the table of stack depths.
    pub pcsp: u32,
    /// Offset of the table of file numbers.
    pub pcfile: u32,
    /// Offset of the table of lines.
    pub pcln: u32,
    /// Index of the first file of the compilation unit.
    pub unit: u32,
    /// Line of the `func` keyword.
    pub start_line: Option<u32>,
    /// `abi.FuncID`.
    pub func_id: u8,
    /// `abi.FuncFlag`.
    pub flag: u8,
    /// Where the offsets of PCDATA tables begin, and how many there are.
    pcdata: (usize, u32),
    /// How many FUNCDATA offsets follow.
    funcdata: u8,
}

impl Pclntab {
    /// Finds the table and the module data that points to it.
    pub fn find(image: &Image) -> Result<(Self, Option<ModuleData>), Error> {
        if let Some(section) = SECTIONS.iter().find_map(|name| image.section(name)) {
            let mut table = Self::parse(image, section.address, section.file.clone())?;
            let module = ModuleData::find(image, table.addresses());
            table.text = match (&module, table.header_text) {
                (Some(module), _) => module.text.start,
                (None, 0) => return Err(Error::NoModuleData),
                (None, text) => text,
            };
            table.check(image)?;
            return Ok((table, module));
        }
        // Data segments first: the code rarely holds the magic, and reading it costs page faults. A program may embed another
        // executable, so only a table that module data points to counts.
        let (code, data): (Vec<_>, Vec<_>) = image
            .segments()
            .iter()
            .partition(|segment| segment.executable);
        let mut problem = foreign::by_compiler(image);
        for segment in data.into_iter().chain(code) {
            let bytes = image.slice(&segment.file);
            for magic in [MAGIC_1_20, MAGIC_1_18] {
                let mut pattern = [0; 8];
                pattern[..4].copy_from_slice(&magic.to_le_bytes());
                pattern[6..].copy_from_slice(&[1, 8]);
                for at in memchr::memmem::find_iter(bytes, &pattern) {
                    let address = segment.address + at as u64;
                    if !address.is_multiple_of(8) {
                        continue;
                    }
                    let Ok(mut table) =
                        Self::parse(image, address, segment.file.start + at..segment.file.end)
                    else {
                        continue;
                    };
                    let Some(module) = ModuleData::find(image, table.addresses()) else {
                        problem = Error::NoModuleData;
                        continue;
                    };
                    table.text = module.text.start;
                    match table.check(image) {
                        Ok(()) => return Ok((table, Some(module))),
                        Err(error) => problem = error,
                    }
                }
            }
        }
        Err(problem)
    }

    fn parse(image: &Image, address: u64, file: Range<usize>) -> Result<Self, Error> {
        const TRUNCATED: Error = Error::Truncated {
            what: "the function table",
        };
        let bytes = image.slice(&file);
        let header = bytes.get(..HEADER).ok_or(TRUNCATED)?;
        let magic = read_u32(header, 0).ok_or(TRUNCATED)?;
        let modern = match magic {
            MAGIC_1_20 => true,
            MAGIC_1_18 => false,
            _ if MAGICS_OLD.contains(&magic) => return Err(Error::GoTooOld { magic }),
            _ => return Err(Error::GoTooNew { magic }),
        };
        if header.get(4..8) != Some(&[0, 0, 1, 8]) {
            return Err(Error::Corrupt {
                what: "the function table's header",
            });
        }
        let word = |index: usize| {
            header
                .get(8 + index * 8..16 + index * 8)?
                .try_into()
                .ok()
                .map(u64::from_le_bytes)
        };
        let offset = |index: usize| {
            word(index)
                .and_then(|at| usize::try_from(at).ok())
                .filter(|&at| at <= bytes.len())
                .ok_or(TRUNCATED)
        };
        let count = word(0)
            .filter(|&count| count < MAX_FUNCTIONS)
            .and_then(|count| u32::try_from(count).ok())
            .ok_or(Error::Corrupt {
                what: "the number of functions",
            })?;
        let table = Self {
            address,
            count,
            header_text: image.pointer(address + 24).unwrap_or_default(),
            names: offset(3)?,
            units: offset(4)?,
            files: offset(5)?,
            values: offset(6)?,
            functions: offset(7)?,
            modern,
            text: 0,
            file,
        };
        let size = count as usize * 8 + 4;
        if bytes.len() - table.functions < size {
            return Err(TRUNCATED);
        }
        Ok(table)
    }

    /// Ascending entries are what binary search and the bounds of every later loop stand on.
    fn check(&self, image: &Image) -> Result<(), Error> {
        let mut last = 0;
        for index in 0..=self.count {
            let entry = self.entry_offset(image, index).unwrap_or_default();
            if entry < last {
                return Err(Error::Corrupt {
                    what: "the function table is not sorted",
                });
            }
            last = entry;
        }
        match self.text.checked_add(u64::from(last)) {
            Some(_) => Ok(()),
            None => Err(Error::Corrupt {
                what: "code beyond the end of memory",
            }),
        }
    }

    /// Number of functions.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Has this table the layout of Go 1.20 and later?
    pub fn is_modern(&self) -> bool {
        self.modern
    }

    /// Address of the table, and of its names' part.
    fn addresses(&self) -> [u64; 2] {
        [self.address, self.address + self.names as u64]
    }

    fn bytes<'a>(&self, image: &'a Image, at: usize) -> &'a [u8] {
        image.slice(&self.file).get(at..).unwrap_or_default()
    }

    fn entry_offset(&self, image: &Image, index: u32) -> Option<u32> {
        read_u32(self.bytes(image, self.functions), index as usize * 8)
    }

    /// First and one-past-last address of a function, its padding included.
    pub fn range(&self, image: &Image, index: u32) -> Option<Range<u64>> {
        if index >= self.count {
            return None;
        }
        let start = self.text + u64::from(self.entry_offset(image, index)?);
        let end = self.text + u64::from(self.entry_offset(image, index + 1)?);
        Some(start..end)
    }

    /// Index of the function that holds an address.
    pub fn index_at(&self, image: &Image, address: u64) -> Option<u32> {
        let offset = u32::try_from(address.checked_sub(self.text)?).ok()?;
        let (mut low, mut high) = (0, self.count + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry_offset(image, middle)? <= offset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low.checked_sub(1).filter(|&index| index < self.count)
    }

    /// A function's record.
    pub fn record(&self, image: &Image, index: u32) -> Option<Record> {
        if index >= self.count {
            return None;
        }
        let functions = self.bytes(image, self.functions);
        let at = read_u32(functions, index as usize * 8 + 4)? as usize;
        let size = if self.modern { 44 } else { 40 };
        let record = functions.get(at..at.checked_add(size)?)?;
        let word = |index: usize| read_u32(record, index * 4);
        let (start_line, tail) = if self.modern {
            (word(9).filter(|&line| line.cast_signed() > 0), 40)
        } else {
            (None, 36)
        };
        let &[func_id, flag, _, funcdata] = record.get(tail..)? else {
            return None;
        };
        Some(Record {
            name: word(1)?,
            pcsp: word(4)?,
            pcfile: word(5)?,
            pcln: word(6)?,
            unit: word(8)?,
            start_line,
            func_id,
            flag,
            pcdata: (self.functions + at + size, word(7)?),
            funcdata,
        })
    }

    /// Offset of a PCDATA table (`abi.PCDATA_…`).
    pub fn pcdata(&self, image: &Image, record: &Record, table: u32) -> Option<u32> {
        let (at, count) = record.pcdata;
        (table < count)
            .then(|| read_u32(self.bytes(image, at), table as usize * 4))
            .flatten()
            .filter(|&at| at != 0)
    }

    /// Offset of a FUNCDATA value (`abi.FUNCDATA_…`) from `moduledata.gofunc`.
    pub fn funcdata(&self, image: &Image, record: &Record, table: u8) -> Option<u32> {
        let (at, count) = record.pcdata;
        let index = (count as usize).checked_add(usize::from(table))?;
        (table < record.funcdata)
            .then(|| read_u32(self.bytes(image, at), index.checked_mul(4)?))
            .flatten()
            .filter(|&at| at != u32::MAX)
    }

    /// The name at an offset, as bytes.
    pub fn name_bytes<'a>(&self, image: &'a Image, offset: u32) -> &'a [u8] {
        self.names
            .checked_add(offset as usize)
            .map_or(&[], |at| until_nul(self.bytes(image, at)))
    }

    /// The name at an offset; up to the first byte that is not UTF-8.
    pub fn name<'a>(&self, image: &'a Image, offset: u32) -> &'a str {
        valid_utf8(self.name_bytes(image, offset))
    }

    /// Does a name begin at this offset?
    pub fn is_name(&self, image: &Image, offset: u32) -> bool {
        let before = self
            .names
            .checked_add(offset as usize)
            .and_then(|at| at.checked_sub(1));
        let starts = offset == 0 || before.and_then(|at| self.bytes(image, at).first()) == Some(&0);
        let name = self.name_bytes(image, offset);
        starts && offset as usize <= self.units.saturating_sub(self.names) && !name.is_empty()
    }

    /// The file with this number in a compilation unit.
    pub fn file<'a>(&self, image: &'a Image, unit: u32, number: i32) -> Option<&'a str> {
        let index = (unit as usize).checked_add(usize::try_from(number).ok()?)?;
        let offset = read_u32(self.bytes(image, self.units), index.checked_mul(4)?)?;
        let at = (offset != u32::MAX)
            .then(|| self.files.checked_add(offset as usize))
            .flatten()?;
        Some(valid_utf8(until_nul(self.bytes(image, at)))).filter(|file| !file.is_empty())
    }

    /// The runs of a table of values by address, of a function that is `size` bytes long.
    pub fn runs<'a>(&self, image: &'a Image, table: u32, size: u64) -> Runs<'a> {
        let bytes = match table {
            0 => &[],
            _ => self
                .values
                .checked_add(table as usize)
                .map_or(&[][..], |at| self.bytes(image, at)),
        };
        Runs {
            bytes,
            offset: 0,
            value: -1,
            size,
            steps: 0,
        }
    }

    /// The value of a table at an offset from the function's entry.
    pub fn value_at(&self, image: &Image, table: u32, offset: u64, size: u64) -> Option<i32> {
        self.runs(image, table, size)
            .find(|run| offset < run.end)
            .map(|run| run.value)
    }
}

/// A value and where it ends to hold; it begins where the run before ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Bytes from the function's entry.
    pub start: u64,
    /// Bytes from the function's entry.
    pub end: u64,
    /// The value.
    pub value: i32,
}

/// Decodes a pc-value table (`runtime.step`): pairs of variable-length numbers, a zigzag difference of values and a difference of
/// addresses. A function has no more runs than bytes, which bounds the work on a corrupt table.
#[derive(Debug, Clone)]
pub(crate) struct Runs<'a> {
    bytes: &'a [u8],
    offset: u64,
    value: i32,
    size: u64,
    steps: u64,
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        while self.offset < self.size && self.steps < self.size {
            let difference = uvarint(&mut self.bytes)?;
            if difference == 0 && self.steps > 0 {
                self.bytes = &[];
                return None;
            }
            let length = uvarint(&mut self.bytes)?;
            self.steps += 1;
            let signed = (difference >> 1).cast_signed() ^ -((difference & 1).cast_signed());
            self.value = self.value.wrapping_add(signed);
            if length > 0 {
                let start = self.offset;
                self.offset += u64::from(length);
                return Some(Run {
                    start,
                    end: self.offset,
                    value: self.value,
                });
            }
        }
        None
    }
}

fn uvarint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.get(..MAX_STRING).unwrap_or(bytes);
    memchr::memchr(0, bytes)
        .and_then(|end| bytes.get(..end))
        .unwrap_or_default()
}

fn valid_utf8(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}
