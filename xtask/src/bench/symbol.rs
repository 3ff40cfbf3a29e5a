//! Moving a symbol in an executable.
//!
//! bpftrace 0.17 as Debian builds it probes symbols only, never an offset within one. A symbol moved to a function's `ret` is a place
//! that it takes; nothing in the program looks at its symbol table, so it runs as before.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use object::{
    LittleEndian,
    elf::FileHeader64,
    read::elf::{ElfFile, FileHeader, SectionHeader, Sym},
};

/// Bytes of an `Elf64_Sym`, and where `st_value` is in it.
const SYMBOL_SIZE: u64 = 24;
const VALUE_AT: u64 = 8;

/// Gives the symbol `name` the place of the symbol `function`, `offset` bytes on.
pub fn move_symbol(executable: &Path, name: &str, function: &str, offset: u64) -> Result<()> {
    let mut data = fs::read(executable)?;
    let (at, value) = find(&data, name, function)?;
    let at = usize::try_from(at)?;
    let place = data
        .get_mut(at..at + 8)
        .context("the symbol is outside the file")?;
    place.copy_from_slice(&(value + offset).to_le_bytes());
    // A new file: the old one may be running.
    let new = executable.with_extension("new");
    fs::copy(executable, &new)?;
    fs::write(&new, data)?;
    fs::rename(new, executable)?;
    Ok(())
}

/// Where in the file the value of `name` stands, and the value of `function`.
fn find(data: &[u8], name: &str, function: &str) -> Result<(u64, u64)> {
    let file = ElfFile::<FileHeader64<LittleEndian>>::parse(data)?;
    let endian = LittleEndian;
    let sections = file.elf_header().sections(endian, data)?;
    let symbols = sections.symbols(endian, data, object::elf::SHT_SYMTAB)?;
    let table = sections.section(symbols.section())?.sh_offset(endian);
    let (mut at, mut value) = (None, None);
    for (index, symbol) in symbols.enumerate() {
        let this = symbol.name(endian, symbols.strings())?;
        if this == name.as_bytes() {
            ensure!(at.is_none(), "{name} is there twice");
            at = Some(table + u64::try_from(index.0)? * SYMBOL_SIZE + VALUE_AT);
        }
        if this == function.as_bytes() {
            value = Some(symbol.st_value(endian));
        }
    }
    Ok((
        at.with_context(|| format!("no symbol {name}"))?,
        value.with_context(|| format!("no symbol {function}"))?,
    ))
}
