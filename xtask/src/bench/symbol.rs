//! Adding symbols to an executable.
//!
//! bpftrace 0.17 as Debian builds it probes symbols only, never an offset within one. With a symbol at each `ret` it can count returns;
//! nothing in a Go program looks at its symbol table, so it runs as before.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use object::{
    LittleEndian,
    elf::{FileHeader64, SHT_SYMTAB, STB_GLOBAL, STT_FUNC},
    read::elf::{ElfFile, FileHeader, SectionHeader, Sym},
};

/// Bytes of an `Elf64_Shdr`, and where `sh_offset` and `sh_size` are in it.
const SECTION_SIZE: u64 = 64;
const OFFSET_AT: u64 = 24;
const SIZE_AT: u64 = 32;

/// Gives each of these addresses in the program's code a name.
///
/// # Errors
/// Where the executable cannot be written, or has no symbols.
pub fn add(executable: &Path, symbols: &[(String, u64)]) -> Result<()> {
    let mut data = fs::read(executable)?;
    let Tables {
        headers,
        mut symbol_table,
        mut names,
        code,
    } = tables(&data)?;
    for (name, address) in symbols {
        // Elf64_Sym: name, info, other, section, value, size.
        symbol_table.extend(u32::try_from(names.len())?.to_le_bytes());
        symbol_table.extend([(STB_GLOBAL.0 << 4) | STT_FUNC.0, 0]);
        symbol_table.extend(code.to_le_bytes());
        symbol_table.extend(address.to_le_bytes());
        symbol_table.extend(1_u64.to_le_bytes());
        names.extend(name.as_bytes());
        names.push(0);
    }
    for (header, table) in headers.into_iter().zip([symbol_table, names]) {
        data.resize(data.len().next_multiple_of(8), 0);
        let offset = data.len();
        put(&mut data, header + OFFSET_AT, offset)?;
        put(&mut data, header + SIZE_AT, table.len())?;
        data.extend(table);
    }
    // A new file: the old one may be running.
    let new = executable.with_extension("new");
    fs::copy(executable, &new)?;
    fs::write(&new, data)?;
    fs::rename(new, executable)?;
    Ok(())
}

/// An executable's symbols and their names.
struct Tables {
    /// Where in the file the headers of both sections are.
    headers: [u64; 2],
    symbol_table: Vec<u8>,
    names: Vec<u8>,
    /// Index of the section that functions are in.
    code: u16,
}

fn tables(data: &[u8]) -> Result<Tables> {
    let endian = LittleEndian;
    let file = ElfFile::<FileHeader64<LittleEndian>>::parse(data)?;
    let header = file.elf_header();
    let sections = header.sections(endian, data)?;
    let symbols = sections.symbols(endian, data, SHT_SYMTAB)?;
    let section = sections.section(symbols.section())?;
    let names = sections.section(symbols.string_section())?;
    let code = symbols
        .iter()
        .find(|symbol| symbol.st_type() == STT_FUNC)
        .context("no functions among the symbols")?
        .st_shndx(endian)
        .0;
    let at = |index: usize| header.e_shoff(endian) + index as u64 * SECTION_SIZE;
    Ok(Tables {
        headers: [at(symbols.section().0), at(symbols.string_section().0)],
        symbol_table: section.data(endian, data)?.to_vec(),
        names: names.data(endian, data)?.to_vec(),
        code,
    })
}

fn put(data: &mut [u8], at: u64, value: usize) -> Result<()> {
    let at = usize::try_from(at)?;
    data.get_mut(at..at + 8)
        .context("a section header is outside the file")?
        .copy_from_slice(&(value as u64).to_le_bytes());
    Ok(())
}
