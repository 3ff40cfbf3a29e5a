//! What the dynamic linker is told: the libraries that a file needs, and the symbols that its calls are bound to when it runs.
//!
//! Of a program built with `-linkshared`, even `runtime.morestack` is in another file. Such a call goes to a stub of the procedure
//! linkage table, which jumps to where a word says; the word's relocation names the symbol.

use std::ops::Deref;

use iced_x86::{Code, Decoder, DecoderOptions, Mnemonic};
use object::LittleEndian as Le;
use object::elf::{self, Rela64, Sym64};

use crate::Executable;
use crate::image::Image;

/// Names of symbols and libraries that are longer than this, in bytes, are taken for corruption.
const MAX_NAME: usize = 1 << 16;
/// More needed libraries than this are taken for corruption.
const MAX_NEEDED: usize = 4096;

/// What a symbol's name ends in where Go's linker tells calling conventions apart.
const CONVENTIONS: [&str; 2] = [".abi0", ".abiinternal"];

/// What any file, of Go or not, tells the dynamic linker to load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// Names of libraries, or paths.
    pub needed: Vec<String>,
    /// Folders in which they are looked for first; `$ORIGIN` is that of the file.
    pub run_paths: Vec<String>,
}

impl Dynamic {
    /// Reads it; `None` where the bytes are no x86-64 ELF file.
    pub fn parse(data: impl Deref<Target = [u8]> + Send + Sync + 'static) -> Option<Self> {
        let image = Image::parse(Box::new(data)).ok()?;
        let lists = image.run_paths().flat_map(|list| list.split(':'));
        Some(Self {
            needed: image.needed().map(str::to_owned).collect(),
            run_paths: lists.map(str::to_owned).collect(),
        })
    }
}

impl Image {
    /// The names of the libraries that the dynamic linker loads with the file (`DT_NEEDED`).
    pub fn needed(&self) -> impl Iterator<Item = &str> {
        self.dynamic_strings(elf::DT_NEEDED)
    }

    /// Where the dynamic linker looks for them first: lists of folders, as written (`DT_RPATH`, `DT_RUNPATH`).
    pub fn run_paths(&self) -> impl Iterator<Item = &str> {
        self.dynamic_strings(elf::DT_RPATH)
            .chain(self.dynamic_strings(elf::DT_RUNPATH))
    }

    fn dynamic_strings(&self, tag: elf::DynamicTag) -> impl Iterator<Item = &str> {
        self.dynamic_values(tag)
            .take(MAX_NEEDED)
            .filter_map(|at| self.dynamic_string(at))
    }

    fn dynamic_string(&self, at: u64) -> Option<&str> {
        let table = self.dynamic_value(elf::DT_STRTAB)?;
        let bytes = self.bytes_from(table.checked_add(at)?)?;
        let end = memchr::memchr(0, bytes.get(..MAX_NAME.min(bytes.len()))?)?;
        std::str::from_utf8(bytes.get(..end)?).ok()
    }

    /// The symbols that words are bound to, by ascending address of the word.
    pub(crate) fn read_bound(&self) -> Vec<(u64, u32)> {
        let tables = [
            (elf::DT_JMPREL, elf::DT_PLTRELSZ),
            (elf::DT_RELA, elf::DT_RELASZ),
        ];
        let mut bound = Vec::new();
        for (at, size) in tables {
            let (entries, _) = self
                .dynamic_table(at, size)
                .unwrap_or_default()
                .as_chunks::<24>();
            for entry in entries {
                let Ok((rela, _)) = object::pod::from_bytes::<Rela64<Le>>(entry) else {
                    continue;
                };
                let info = rela.r_info.get(Le);
                let kind = info & 0xffff_ffff;
                if kind == u64::from(elf::R_X86_64_JUMP_SLOT.0)
                    || kind == u64::from(elf::R_X86_64_GLOB_DAT.0)
                {
                    bound.push((rela.r_offset.get(Le), (info >> 32) as u32));
                }
            }
        }
        bound.sort_unstable();
        bound
    }

    fn symbol_name(&self, index: u32) -> Option<&str> {
        let table = self.dynamic_value(elf::DT_SYMTAB)?;
        let at = table.checked_add(u64::from(index).checked_mul(24)?)?;
        let (symbol, _) = object::pod::from_bytes::<Sym64<Le>>(self.bytes(at, 24)?).ok()?;
        self.dynamic_string(symbol.st_name.get(Le).into())
    }
}

impl Executable {
    /// The names of the libraries that the dynamic linker loads with the executable.
    pub fn needed(&self) -> impl Iterator<Item = &str> {
        self.image.needed()
    }

    /// Is Go's runtime in another file, as `-linkshared` builds it?
    #[must_use]
    pub fn shares_runtime(&self) -> bool {
        self.function_named("runtime.newproc").is_none() && self.needed().next().is_some()
    }

    /// The name of the function that a call leads to, also where that is in another file.
    pub(crate) fn name_called(&self, target: u64) -> Option<&str> {
        match self.function_at(target) {
            Some(function) => Some(function.name),
            None => self.bound_by_stub(target),
        }
    }

    /// The symbol that a stub of the procedure linkage table jumps to.
    pub(crate) fn bound_by_stub(&self, stub: u64) -> Option<&str> {
        if self.text_range().contains(&stub) {
            return None;
        }
        let bytes = self.image.bytes(stub, 16)?;
        let mut decoder = Decoder::with_ip(64, bytes, stub, DecoderOptions::NONE);
        let jump = std::iter::from_fn(|| decoder.can_decode().then(|| decoder.decode()))
            .find(|instruction| instruction.mnemonic() != Mnemonic::Endbr64)?;
        if jump.code() != Code::Jmp_rm64 || !jump.is_ip_rel_memory_operand() {
            return None;
        }
        let word = jump.ip_rel_memory_address();
        let bound = self.bound.get_or_init(|| self.image.read_bound());
        let index = bound.binary_search_by_key(&word, |&(at, _)| at).ok()?;
        let name = self.image.symbol_name(bound.get(index)?.1)?;
        let plain = CONVENTIONS.iter().find_map(|end| name.strip_suffix(end));
        Some(plain.unwrap_or(name))
    }
}
