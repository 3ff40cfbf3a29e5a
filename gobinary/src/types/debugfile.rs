//! Debug information that is in a file of its own, as packages of distributions have it: which one, and is it of this executable?
//!
//! The file is named in the section `.gnu_debuglink`, with a checksum, or by the build ID, a note that both files have. An executable
//! that was built by Go has Go's own build ID too. Where files are looked for is no business of this crate.

use std::ops::Deref;

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection};

use crate::Executable;
use crate::image::Data;
use crate::types::TypesError;

/// What an executable, or its debug file, says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DebugLink {
    /// The debug file's name, and the checksum of its contents.
    pub file: Option<(Vec<u8>, u32)>,
    /// The GNU build ID.
    pub build_id: Option<Vec<u8>>,
    /// Go's.
    go_build_id: Option<Vec<u8>>,
}

/// Why a file is not the debug file of an executable. Displayed as a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DebugFileError {
    /// It is something else.
    #[error("it cannot be read as an ELF file: {0}")]
    NotElf(String),
    /// It has no debug information.
    #[error("it has no DWARF")]
    NoDwarf,
    /// The build IDs differ.
    #[error("it is of another build (build ID {theirs}, and not {ours})")]
    OtherBuild {
        /// Of the executable.
        ours: String,
        /// Of the file.
        theirs: String,
    },
    /// The checksum differs.
    #[error(
        "it is of another build (its checksum is {theirs:#010x}, and that in the executable {ours:#010x})"
    )]
    OtherContents {
        /// In the executable.
        ours: u32,
        /// Of the file.
        theirs: u32,
    },
    /// Neither has what could be compared.
    #[error("nothing tells whether it is of this build: there is no build ID, and no checksum")]
    Unknown,
    /// What it shares with others was moved to a third file (`dwz -m`).
    #[error("a part of its DWARF is in another file, {0}, which is not read (dwz)")]
    Alternate(String),
}

/// A debug file that goes with an executable, or why there is none.
#[derive(Default)]
pub(crate) enum DebugFile {
    #[default]
    None,
    Found {
        name: String,
        data: Data,
    },
    Missing(String),
}

type Elf<'a> = ElfFile64<'a, LittleEndian>;

impl DebugLink {
    fn read(elf: &Elf<'_>) -> Self {
        let go = elf.section_by_name(".note.go.buildid");
        let go = go.and_then(|section| section.data().ok());
        let file = elf.gnu_debuglink().ok().flatten();
        Self {
            file: file.map(|(name, crc)| (name.to_owned(), crc)),
            build_id: elf.build_id().ok().flatten().map(<[u8]>::to_vec),
            go_build_id: go.filter(|note| !note.is_empty()).map(<[u8]>::to_vec),
        }
    }
}

impl Executable {
    /// What it says of its debug file.
    #[must_use]
    pub fn debug_link(&self) -> DebugLink {
        Elf::parse(self.image.data())
            .map(|elf| DebugLink::read(&elf))
            .unwrap_or_default()
    }

    /// Has it debug information of its own?
    #[must_use]
    pub fn has_dwarf(&self) -> bool {
        self.image
            .has_section(|name| matches!(name, ".debug_info" | ".zdebug_info"))
    }

    /// Takes types from this file, which is known by this name, instead of from the executable. To be called before types are asked for.
    ///
    /// # Errors
    ///
    /// When it is not of this build, or of no use.
    pub fn take_debug_file(
        &mut self,
        name: String,
        data: impl Deref<Target = [u8]> + Send + Sync + 'static,
    ) -> Result<(), DebugFileError> {
        let elf = Elf::parse(&*data).map_err(|error| DebugFileError::NotElf(error.to_string()))?;
        is_of(&self.debug_link(), &elf, &data)?;
        if elf.section_by_name(".debug_info").is_none() {
            return Err(DebugFileError::NoDwarf);
        }
        if let Ok(Some((other, _))) = elf.gnu_debugaltlink() {
            let other = String::from_utf8_lossy(other).into_owned();
            return Err(DebugFileError::Alternate(other));
        }
        self.debug = DebugFile::Found {
            name,
            data: Box::new(data),
        };
        Ok(())
    }

    /// There is a debug file, but it cannot be had: what is said where types are asked for.
    pub fn miss_debug_file(&mut self, why: String) {
        self.debug = DebugFile::Missing(why);
    }

    /// The file that types are read from, where that is not the executable.
    #[must_use]
    pub fn debug_file(&self) -> Option<&str> {
        match &self.debug {
            DebugFile::Found { name, .. } => Some(name),
            DebugFile::None | DebugFile::Missing(_) => None,
        }
    }

    /// The bytes of the file that has the DWARF.
    pub(crate) fn debug_data(&self) -> &[u8] {
        match &self.debug {
            DebugFile::Found { data, .. } => data,
            DebugFile::None | DebugFile::Missing(_) => self.image.data(),
        }
    }

    /// Why there is no DWARF.
    pub(crate) fn no_dwarf(&self) -> TypesError {
        match &self.debug {
            DebugFile::Missing(why) => TypesError::Separate(why.clone()),
            // Elsewhere the runtime is in the file, but for plugins, which have DWARF.
            _ if !self.is_library() && self.function_named("runtime.goexit").is_none() => {
                TypesError::LinkedShared
            }
            DebugFile::None | DebugFile::Found { .. } => TypesError::NoDwarf,
        }
    }
}

/// Build IDs go before the checksum, which changes when a debug file is compressed anew.
fn is_of(ours: &DebugLink, elf: &Elf<'_>, data: &[u8]) -> Result<(), DebugFileError> {
    let theirs = DebugLink::read(elf);
    let both =
        |ours: &Option<Vec<u8>>, theirs: &Option<Vec<u8>>| Some((ours.clone()?, theirs.clone()?));
    if let Some((ours, theirs)) = both(&ours.build_id, &theirs.build_id) {
        return same(&ours, &theirs);
    }
    let go = both(&ours.go_build_id, &theirs.go_build_id);
    if let Some((ours, theirs)) = &go {
        same(ours, theirs)?;
    }
    match (&ours.file, go) {
        (Some((_, ours)), _) => {
            let (ours, theirs) = (*ours, crc32fast::hash(data));
            if ours == theirs {
                Ok(())
            } else {
                Err(DebugFileError::OtherContents { ours, theirs })
            }
        }
        (None, Some(_)) => Ok(()),
        (None, None) => Err(DebugFileError::Unknown),
    }
}

fn same(ours: &[u8], theirs: &[u8]) -> Result<(), DebugFileError> {
    let shown = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect();
    if ours == theirs {
        Ok(())
    } else {
        Err(DebugFileError::OtherBuild {
            ours: shown(ours),
            theirs: shown(theirs),
        })
    }
}
