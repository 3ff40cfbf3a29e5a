//! `runtime.firstmoduledata`, found without symbols.
//!
//! Since Go 1.26 the function table itself no longer says where the code begins; and `.text` begins elsewhere than Go's code in an
//! externally linked executable. The module data says it, and where inline trees are. It begins with two pointers, to the function
//! table and to its names, which occur together nowhere else.

use std::ops::Range;

use crate::image::Image;

/// Offset of `text` in `runtime.moduledata`; the same in Go 1.18 to 1.27. `etext` follows.
const TEXT: u64 = 0xb0;
/// The words among which `gofunc` stands: 0x130 in Go 1.18 and 1.19, 0x140 in 1.20 to 1.26, 0x158 in 1.27.
const GOFUNC: Range<u64> = 0x118..0x1a0;
/// Offset of `types`: the second in Go 1.18 and 1.19, the first since.
const TYPES: [u64; 2] = [0x128, 0x118];
/// Sections that hold it, so that others need not be read.
const SECTIONS: [&str; 5] = [
    ".go.module",
    ".noptrdata",
    ".data",
    ".data.rel.ro",
    ".data.rel.ro.local",
];

/// What is read from `runtime.firstmoduledata`.
#[derive(Debug, Clone)]
pub(crate) struct ModuleData {
    /// From `runtime.text` to `runtime.etext`.
    pub text: Range<u64>,
    /// Words that may be `gofunc`, the base of FUNCDATA offsets, in order of likelihood.
    pub gofunc: Vec<u64>,
    /// Words that may be `types`, where the runtime's descriptions of types begin.
    pub types: Vec<u64>,
}

impl ModuleData {
    /// Finds the module data that begins with these addresses: that of the function table, and that of its names.
    pub fn find(image: &Image, [first, second]: [u64; 2]) -> Option<Self> {
        if image.is_pie() {
            let relocations = image.relocations();
            let found = relocations.windows(2).find_map(|pair| match *pair {
                [(at, a), (next, b)]
                    if a == first && b == second && at.checked_add(8) == Some(next) =>
                {
                    Self::read(image, at)
                }
                _ => None,
            });
            if found.is_some() {
                return found;
            }
        }
        let mut pattern = [0; 16];
        pattern[..8].copy_from_slice(&first.to_le_bytes());
        pattern[8..].copy_from_slice(&second.to_le_bytes());
        let sections = SECTIONS
            .iter()
            .filter_map(|name| image.section(name))
            .map(|s| (s.address, s.file.clone()));
        let segments = |writable| {
            let matching = image
                .segments()
                .iter()
                .filter(move |s| s.writable == writable && !s.executable);
            matching.map(|s| (s.address, s.file.clone()))
        };
        sections
            .chain(segments(true))
            .chain(segments(false))
            .find_map(|(base, file)| {
                memchr::memmem::find_iter(image.slice(&file), &pattern)
                    .map(|at| base.saturating_add(at as u64))
                    .filter(|address| address.is_multiple_of(8))
                    .find_map(|address| Self::read(image, address))
            })
    }

    fn read(image: &Image, address: u64) -> Option<Self> {
        let word = |offset: u64| image.pointer(address.checked_add(offset)?);
        let text = word(TEXT)?..word(TEXT + 8)?;
        // The code must be in the file, or this is something else.
        image.bytes_from(text.start)?;
        if text.is_empty() {
            return None;
        }
        let likely = [0x140, 0x130, 0x158];
        let others = GOFUNC.step_by(8).filter(|offset| !likely.contains(offset));
        let gofunc = likely
            .into_iter()
            .chain(others)
            .filter_map(word)
            .filter(|&base| base != 0)
            .collect();
        let types = TYPES.into_iter().filter_map(word).collect();
        Some(Self {
            text,
            gofunc,
            types,
        })
    }
}
