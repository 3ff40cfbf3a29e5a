//! The ELF file as a space of addresses.
//!
//! Every other part speaks in link-time addresses; this one translates them to the file and back, reads pointers that a
//! position-independent executable keeps in its relocations, and answers `None` for whatever lies outside the file.
//!
//! In: the bytes of a file. Out: bytes at addresses, and what the linker recorded in it of itself.
//!
//! *Invariant*: nothing is known here of functions.

pub(crate) mod buildinfo;
mod dynamic;
pub(crate) mod foreign;

use std::ops::{Deref, Range};
use std::sync::OnceLock;

use object::LittleEndian as Le;
use object::elf::{self, FileHeader64, Rela64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};

use crate::Error;

pub use buildinfo::{BuildInfo, GoVersion, Module};
pub use dynamic::Dynamic;

/// Bytes of an executable: a mapped file, or a vector.
pub(crate) type Data = Box<dyn Deref<Target = [u8]> + Send + Sync>;

/// An ELF file and where its parts lie.
pub(crate) struct Image {
    data: Data,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    pie: bool,
    /// Has it an interpreter, as what the kernel runs has that is linked dynamically?
    interpreted: bool,
    dynamic: Option<Range<usize>>,
    tls: Option<Tls>,
    /// Relative relocations by ascending address: (address, addend).
    relocations: OnceLock<Vec<(u64, u64)>>,
}

/// The segment of thread-local data, `PT_TLS`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tls {
    pub size: u64,
    pub align: u64,
}

/// A `PT_LOAD` segment's part that is in the file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub address: u64,
    pub file: Range<usize>,
    pub writable: bool,
    pub executable: bool,
}

/// A section with contents.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub name: String,
    pub address: u64,
    pub file: Range<usize>,
}

impl Image {
    /// Reads the ELF headers.
    pub fn parse(data: Data) -> Result<Self, Error> {
        let bytes: &[u8] = &data;
        let ident = bytes.get(..20).ok_or(Error::NotElf)?;
        if !ident.starts_with(&elf::ELFMAG) {
            return Err(Error::NotElf);
        }
        if ident[4] != elf::ELFCLASS64.0
            || ident[5] != elf::ELFDATA2LSB.0
            || ident[18..20] != elf::EM_X86_64.0.to_le_bytes()
        {
            return Err(Error::NotX86_64);
        }
        let header = FileHeader64::<Le>::parse(bytes).map_err(|_| Error::Truncated {
            what: "the ELF header",
        })?;
        if let Some(error) = foreign::by_header(header) {
            return Err(error);
        }
        let programs = header
            .program_headers(Le, bytes)
            .map_err(|_| Error::Truncated {
                what: "the program header table",
            })?;
        let mut segments = Vec::new();
        let (mut dynamic, mut tls, mut interpreted) = (None, None, false);
        for program in programs {
            let (offset, size) = program.file_range(Le);
            if program.p_type(Le) == elf::PT_TLS {
                tls = Some(Tls {
                    size: program.p_memsz(Le),
                    align: program.p_align(Le),
                });
            }
            if program.p_type(Le) == elf::PT_DYNAMIC {
                dynamic = file_range(bytes, offset, size);
            }
            interpreted |= program.p_type(Le) == elf::PT_INTERP;
            if program.p_type(Le) != elf::PT_LOAD {
                continue;
            }
            let address = program.p_vaddr(Le);
            if size == 0 {
                continue;
            }
            let file = file_range(bytes, offset, size).ok_or(Error::Truncated {
                what: "a loadable segment",
            })?;
            address.checked_add(size).ok_or(Error::Corrupt {
                what: "a segment beyond the end of memory",
            })?;
            let flags = program.p_flags(Le);
            segments.push(Segment {
                address,
                file,
                writable: flags.contains(elf::PF_W),
                executable: flags.contains(elf::PF_X),
            });
        }
        // Section headers may be missing or damaged: nothing loads by them.
        let mut sections = Vec::new();
        if let Ok(table) = header.sections(Le, bytes) {
            for section in table.iter() {
                let Some((offset, size)) = section.file_range(Le) else {
                    continue;
                };
                let (Some(file), Ok(name)) = (
                    file_range(bytes, offset, size),
                    table.section_name(Le, section),
                ) else {
                    continue;
                };
                sections.push(Section {
                    name: String::from_utf8_lossy(name).into_owned(),
                    address: section.sh_addr(Le),
                    file,
                });
            }
        }
        let pie = header.e_type(Le) == elf::ET_DYN;
        Ok(Self {
            data,
            segments,
            sections,
            pie,
            interpreted,
            dynamic,
            tls,
            relocations: OnceLock::new(),
        })
    }

    /// The whole file.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Is the executable loaded at an address that the kernel chooses?
    pub fn is_pie(&self) -> bool {
        self.pie
    }

    /// The thread-local data, if there is any.
    pub fn tls(&self) -> Option<Tls> {
        self.tls
    }

    /// Where in the thread-local data a symbol of the symbol table lies.
    pub fn tls_symbol(&self, name: &str) -> Option<u64> {
        let header = FileHeader64::<Le>::parse(self.data()).ok()?;
        let sections = header.sections(Le, self.data()).ok()?;
        let symbols = sections.symbols(Le, self.data(), elf::SHT_SYMTAB).ok()?;
        let mut all = symbols.iter();
        let symbol = all.find(|symbol| {
            symbol.st_type() == elf::STT_TLS
                && symbol.name(Le, symbols.strings()) == Ok(name.as_bytes())
        })?;
        Some(symbol.st_value(Le))
    }

    /// Does the dynamic loader write into this word where thread-local data lies, seen from the thread pointer?
    pub fn is_tls_offset(&self, address: u64) -> bool {
        let (entries, _) = self.rela_table().unwrap_or_default().as_chunks::<24>();
        entries.iter().any(|entry| {
            object::pod::from_bytes::<Rela64<Le>>(entry).is_ok_and(|(rela, _)| {
                rela.r_offset.get(Le) == address
                    && rela.r_info.get(Le) & 0xffff_ffff == u64::from(elf::R_X86_64_TPOFF64.0)
            })
        })
    }

    /// Is it a library: loaded by programs, and run by none?
    pub fn is_library(&self) -> bool {
        let says_executable = self
            .dynamic_value(elf::DT_FLAGS_1)
            .is_some_and(|flags| flags & elf::DF_1_PIE.0 != 0);
        self.pie && self.dynamic.is_some() && !self.interpreted && !says_executable
    }

    /// The loadable segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The first section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The sections with contents.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Does any section's name satisfy the predicate?
    pub fn has_section(&self, predicate: impl Fn(&str) -> bool) -> bool {
        self.sections.iter().any(|section| predicate(&section.name))
    }

    /// The file's bytes in a range.
    pub fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.data.get(range.clone()).unwrap_or_default()
    }

    /// Where in the file the byte at an address lies.
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let delta = address.checked_sub(segment.address)?;
            (delta < segment.file.len() as u64).then(|| segment.file.start as u64 + delta)
        })
    }

    /// The address at which a byte of the file is loaded.
    pub fn address(&self, file_offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let delta = file_offset.checked_sub(segment.file.start as u64)?;
            (delta < segment.file.len() as u64).then(|| segment.address + delta)
        })
    }

    /// The bytes from an address to the end of its segment's part in the file.
    pub fn bytes_from(&self, address: u64) -> Option<&[u8]> {
        self.segments.iter().find_map(|segment| {
            let delta = usize::try_from(address.checked_sub(segment.address)?).ok()?;
            self.slice(&segment.file)
                .get(delta..)
                .filter(|rest| !rest.is_empty())
        })
    }

    /// `len` bytes at an address.
    pub fn bytes(&self, address: u64, len: usize) -> Option<&[u8]> {
        self.bytes_from(address)?.get(..len)
    }

    /// The little-endian word at an address.
    pub fn u64(&self, address: u64) -> Option<u64> {
        self.bytes(address, 8)?
            .try_into()
            .ok()
            .map(u64::from_le_bytes)
    }

    /// The pointer at an address, as the loader leaves it at load bias 0: the addend of its relocation, if it has one.
    pub fn pointer(&self, address: u64) -> Option<u64> {
        if self.pie {
            let relocations = self.relocations();
            if let Ok(index) = relocations.binary_search_by_key(&address, |&(at, _)| at) {
                return relocations.get(index).map(|&(_, addend)| addend);
            }
        }
        self.u64(address)
    }

    /// Relative relocations as (address, addend), by ascending address; empty unless position-independent.
    pub fn relocations(&self) -> &[(u64, u64)] {
        self.relocations.get_or_init(|| {
            if !self.pie {
                return Vec::new();
            }
            let mut all = Vec::new();
            let (entries, _) = self.rela_table().unwrap_or_default().as_chunks::<24>();
            for entry in entries {
                let Ok((rela, _)) = object::pod::from_bytes::<Rela64<Le>>(entry) else {
                    continue;
                };
                if rela.r_info.get(Le) & 0xffff_ffff == u64::from(elf::R_X86_64_RELATIVE.0) {
                    all.push((rela.r_offset.get(Le), rela.r_addend.get(Le).cast_unsigned()));
                }
            }
            if !all.is_sorted() {
                all.sort_unstable();
            }
            all
        })
    }

    /// The table that `DT_RELA` and `DT_RELASZ` describe.
    fn rela_table(&self) -> Option<&[u8]> {
        self.dynamic_table(elf::DT_RELA, elf::DT_RELASZ)
    }

    /// The table at the address that one tag tells, of the size that another tells.
    pub fn dynamic_table(&self, at: elf::DynamicTag, size: elf::DynamicTag) -> Option<&[u8]> {
        let (address, size) = (self.dynamic_value(at)?, self.dynamic_value(size)?);
        self.bytes(address, usize::try_from(size).ok()?)
    }

    /// The value of the first entry with a tag, of what the dynamic linker is told.
    pub fn dynamic_value(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.dynamic_values(tag).next()
    }

    /// The values of all entries with a tag.
    pub fn dynamic_values(&self, tag: elf::DynamicTag) -> impl Iterator<Item = u64> {
        let table = self.dynamic.as_ref().map(|range| self.slice(range));
        let (entries, _) = table.unwrap_or_default().as_chunks::<16>();
        entries.iter().filter_map(move |entry| {
            let (at, value) = entry.split_first_chunk::<8>()?;
            let value: [u8; 8] = value.try_into().ok()?;
            (i64::from_le_bytes(*at) == tag.0).then_some(u64::from_le_bytes(value))
        })
    }
}

fn file_range(data: &[u8], offset: u64, size: u64) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    (end <= data.len()).then_some(start..end)
}
