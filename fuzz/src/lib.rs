//! Small Go executables made of parts that a fuzzer chooses, and everything that can be asked of them.
//!
//! A whole executable is too large a thing for a fuzzer to vary. An input is a list of parts, each behind its length (two bytes, little
//! endian); the ELF file around them is always in order.

use gobinary::Executable;

/// Address of the first loaded part.
const BASE: u64 = 0x40_0000;
/// Each loaded part begins at a multiple of this.
const STEP: u64 = 0x1_0000;

/// A section of the file.
pub struct Section<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
    /// Is it in memory too?
    pub loaded: bool,
}

/// Where the loaded section of this number lies.
#[must_use]
pub fn address(number: u64) -> u64 {
    BASE + number * STEP
}

/// Puts a list of parts into one input.
#[must_use]
pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend(
            u16::try_from(part.len())
                .expect("a short part")
                .to_le_bytes(),
        );
        out.extend_from_slice(part);
    }
    out
}

/// The parts of an input; what is missing is empty.
#[must_use]
pub fn split<const N: usize>(mut input: &[u8]) -> [&[u8]; N] {
    let mut parts = [&[][..]; N];
    for part in &mut parts {
        let Some((length, rest)) = input.split_first_chunk::<2>() else {
            break;
        };
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        (*part, input) = rest.split_at(length);
    }
    parts
}

/// An ELF file with these sections, each loaded one in a segment of its own.
#[must_use]
pub fn elf(sections: &[Section<'_>]) -> Vec<u8> {
    let loaded = sections.iter().filter(|s| s.loaded).count();
    let mut names = vec![0];
    let mut out = vec![0; 64 + 56 * loaded];
    let mut headers = vec![0; 64];
    let mut programs = Vec::new();
    for section in sections {
        while !out.len().is_multiple_of(16) {
            out.push(0);
        }
        let (offset, size) = (out.len() as u64, section.bytes.len() as u64);
        let address = if section.loaded {
            address((programs.len() / 56) as u64)
        } else {
            0
        };
        out.extend_from_slice(section.bytes);
        if section.loaded {
            // PT_LOAD, readable and executable.
            programs.extend(1_u32.to_le_bytes());
            programs.extend(5_u32.to_le_bytes());
            for word in [offset, address, address, size, size, 16] {
                programs.extend(word.to_le_bytes());
            }
        }
        headers.extend((names.len() as u32).to_le_bytes());
        headers.extend(1_u32.to_le_bytes());
        for word in [
            if section.loaded { 2 } else { 0 },
            address,
            offset,
            size,
            0,
            1,
            0,
        ] {
            headers.extend(u64::to_le_bytes(word));
        }
        names.extend_from_slice(section.name.as_bytes());
        names.push(0);
    }
    let (offset, size) = (out.len() as u64, names.len() as u64);
    headers.extend(0_u32.to_le_bytes());
    headers.extend(3_u32.to_le_bytes());
    for word in [0, 0, offset, size, 0, 1, 0] {
        headers.extend(u64::to_le_bytes(word));
    }
    out.extend(names);
    let table = out.len() as u64;
    out.extend(headers);
    out[64..64 + programs.len()].copy_from_slice(&programs);
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [BASE, 64, table] {
        header.extend(word.to_le_bytes());
    }
    header.extend([0; 4]);
    let sections = sections.len() as u16 + 2;
    for half in [64, 56, loaded as u16, 64, sections, sections - 1] {
        header.extend(half.to_le_bytes());
    }
    out[..64].copy_from_slice(&header);
    out
}

/// A function table as Go 1.20 and later write it, of functions with these names at these offsets in the code, the last one of which
/// ends at `end`.
#[must_use]
pub fn pclntab(functions: &[(&str, u32)], end: u32) -> Vec<u8> {
    let mut names = Vec::new();
    let mut table = Vec::new();
    let mut records = Vec::new();
    // Functions begin behind their index.
    let first = functions.len() as u32 * 8 + 4;
    for (name, entry) in functions {
        table.extend(entry.to_le_bytes());
        table.extend((first + records.len() as u32).to_le_bytes());
        records.extend(entry.to_le_bytes());
        let name_at = names.len() as u32;
        // Arguments' size, deferreturn, then tables of stack depths, files and lines; two PCDATA, the unit, the first line.
        for word in [name_at, 0, 0, 1, 4, 7, 3, 0, 5] {
            records.extend(word.to_le_bytes());
        }
        // An ID, a flag, and six FUNCDATA.
        records.extend([0, 0, 0, 6]);
        for word in [1, 1, 10, u32::MAX, u32::MAX, u32::MAX, 0, u32::MAX, 16] {
            records.extend(word.to_le_bytes());
        }
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    table.extend(end.to_le_bytes());
    let units = 0_u32.to_le_bytes();
    let files = b"main.go\0";
    // (delta of the value, delta of the address) until a zero.
    let values = [0, 2, 0x20, 0, 2, 0x20, 0, 12, 0x20, 0, 1, 0x20, 0];
    let mut out = vec![0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
    let mut offset = 72;
    let mut words = vec![functions.len() as u64, 1, address(0)];
    for part in [&names[..], &units, files, &values, &table] {
        words.push(offset);
        offset += part.len() as u64;
    }
    out.extend(words.into_iter().flat_map(u64::to_le_bytes));
    for part in [&names[..], &units, files, &values, &table, &records] {
        out.extend_from_slice(part);
    }
    out
}

/// `runtime.firstmoduledata` of an executable whose loaded sections are the code, the function table, this, and read-only data.
#[must_use]
pub fn module_data() -> Vec<u8> {
    let mut words = vec![0_u64; 0x30];
    words[0] = address(1);
    words[1] = address(1) + 72;
    words[0xb0 / 8] = address(0);
    words[0xb8 / 8] = address(0) + 0x100;
    words[0x128 / 8] = address(3);
    words[0x140 / 8] = address(3);
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

/// An executable whose code, function table, module data, read-only data and build information are these parts.
#[must_use]
pub fn with_tables(input: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 5] = split(input);
    let names = [
        ".text",
        ".gopclntab",
        ".go.module",
        ".rodata",
        ".go.buildinfo",
    ];
    let sections = names.iter().zip(parts).map(|(name, bytes)| Section {
        name,
        bytes,
        loaded: true,
    });
    elf(&sections.collect::<Vec<_>>())
}

/// An executable of three functions whose read-only data and DWARF are these parts.
#[must_use]
pub fn with_dwarf(input: &[u8]) -> Vec<u8> {
    let code = [0x90; 0x100];
    let functions = [
        ("main.f", 0),
        ("main.(*T[go.shape.int]).M", 0x40),
        ("main.f.func1", 0x80),
    ];
    let (table, module) = (pclntab(&functions, 0x100), module_data());
    let [read_only, debug @ ..]: [&[u8]; 9] = split(input);
    let loaded = [
        (".text", &code[..]),
        (".gopclntab", &table),
        (".go.module", &module),
        (".rodata", read_only),
    ];
    let names = [
        ".debug_abbrev",
        ".debug_info",
        ".debug_loclists",
        ".debug_loc",
        ".debug_rnglists",
        ".debug_ranges",
        ".debug_addr",
        ".debug_str",
    ];
    let section = |loaded| {
        move |(name, bytes)| Section {
            name,
            bytes,
            loaded,
        }
    };
    let debug = names.into_iter().zip(debug).map(section(false));
    elf(&loaded
        .into_iter()
        .map(section(true))
        .chain(debug)
        .collect::<Vec<_>>())
}

/// Asks everything that concerns functions.
pub fn ask(executable: &Executable) {
    for function in executable.functions().take(64) {
        let _ = (function.is_wrapper(), function.is_abi_wrapper());
        let _ = (
            executable.origin(&function),
            executable.source_file(&function),
        );
        let _ = executable.position(function.entry);
        let _ = executable.inline_frames(function.end.wrapping_sub(1));
        let _ = executable.function_named(function.name);
        let _ = function.stack_depth(function.entry);
        if let Ok(sites) = executable.sites_unchecked(&function) {
            assert!((function.entry..function.end).contains(&sites.entry.address));
        }
        let _ = executable
            .sites(&function)
            .map_err(|reason| reason.to_string());
    }
    for name in executable.inlined().names().take(64) {
        assert!(!executable.inlined().places(name).is_empty());
    }
    let _ = executable.build_info().map(|info| info.version());
    let _ = executable.goid_offset().map_err(|error| error.to_string());
    let _ = executable.runtime_point("runtime.goexit1");
}

/// Asks everything that concerns types.
pub fn ask_types(executable: &Executable) {
    let Ok(types) = executable.types() else {
        return;
    };
    for function in executable.functions().take(64) {
        let Ok(signature) = types.signature(&function) else {
            continue;
        };
        let _ = types.describe(&function, &signature);
        let all = signature.parameters.iter().chain(&signature.captured);
        for variable in all.chain(&signature.results) {
            let _ = types.locate(variable, function.entry + 1);
            let _ = types.alignment(variable.ty);
            let Ok(ty) = types.get(variable.ty) else {
                continue;
            };
            let _ = types.runtime_address(&ty);
            for piece in &variable.place.pieces {
                assert!(piece.size > 0 && piece.offset.checked_add(piece.size).is_some());
            }
        }
    }
    let _ = types.named("main.T").map(|id| types.get(id));
    let _ = types.at_runtime_address(address(3));
}
