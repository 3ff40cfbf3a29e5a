//! The executable: one value that answers everything, and reads only what it is asked for.

use std::ops::{Deref, Range};
use std::sync::OnceLock;

use crate::code::goid::{GoidError, GoidOffset};
use crate::code::literals::Literals;
use crate::code::survey::Survey;
use crate::code::tls::{TlsError, TlsSlot};
use crate::image::Image;
use crate::image::buildinfo::{BuildInfo, GoVersion};
use crate::tables::folders::Folders;
use crate::tables::function::Function;
use crate::tables::inline::{InlineIndex, InlineTrees};
use crate::tables::moduledata::ModuleData;
use crate::tables::pclntab::Pclntab;
use crate::types::debugfile::DebugFile;
use crate::types::{Sections, TypesError};
use crate::{
    Error,
    code::{goid, tls},
    image::foreign,
};

/// A Go executable for x86-64 Linux.
///
/// Addresses are those of link time: for a position-independent executable, relative to where it is loaded.
pub struct Executable {
    pub(crate) image: Image,
    pub(crate) table: Pclntab,
    pub(crate) module: Option<ModuleData>,
    build_info: OnceLock<Option<BuildInfo>>,
    /// Words that are bound to symbols, with the symbols' numbers.
    pub(crate) bound: OnceLock<Vec<(u64, u32)>>,
    survey: OnceLock<Survey>,
    trees: OnceLock<Option<InlineTrees>>,
    inlined: OnceLock<InlineIndex>,
    literals: OnceLock<Literals>,
    folders: OnceLock<Folders>,
    goid: OnceLock<Result<GoidOffset, GoidError>>,
    tls: OnceLock<Result<TlsSlot, TlsError>>,
    pub(crate) sections: OnceLock<Result<Sections, TypesError>>,
    pub(crate) debug: DebugFile,
}

/// A place in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position<'a> {
    /// File as the compiler was given it; `module@version/file.go` with `-trimpath`.
    pub file: &'a str,
    /// Line, from 1.
    pub line: u32,
}

impl Executable {
    /// Finds the function table of an executable. The bytes are those of the whole file; a mapping is read lazily.
    ///
    /// # Errors
    ///
    /// When the bytes are no Go executable for x86-64, or are damaged.
    pub fn parse(data: impl Deref<Target = [u8]> + Send + Sync + 'static) -> Result<Self, Error> {
        let image = Image::parse(Box::new(data))?;
        let (table, module) = Pclntab::find(&image)?;
        let info = BuildInfo::find(&image);
        if let Some(error) = info.as_ref().and_then(foreign::by_build) {
            return Err(error);
        }
        Ok(Self {
            image,
            table,
            module,
            build_info: OnceLock::from(info),
            bound: OnceLock::new(),
            survey: OnceLock::new(),
            trees: OnceLock::new(),
            inlined: OnceLock::new(),
            literals: OnceLock::new(),
            folders: OnceLock::new(),
            goid: OnceLock::new(),
            tls: OnceLock::new(),
            sections: OnceLock::new(),
            debug: DebugFile::default(),
        })
    }

    /// Every function that has code, by ascending address. Pairs for the two calling conventions are both listed: see
    /// [`Function::is_abi_wrapper`].
    pub fn functions(&self) -> impl ExactSizeIterator<Item = Function<'_>> + '_ {
        (0..self.table.len())
            .map(|index| self.function(index).unwrap_or_else(|| self.damaged(index)))
    }

    /// The function with this index.
    #[must_use]
    pub fn function(&self, index: u32) -> Option<Function<'_>> {
        let range = self.table.range(&self.image, index)?;
        let record = self.table.record(&self.image, index)?;
        Some(Function {
            index,
            name: self.table.name(&self.image, record.name),
            entry: range.start,
            end: range.end,
            start_line: record.start_line,
            func_id: record.func_id,
            flag: record.flag,
            record,
            executable: self,
        })
    }

    /// Stands for a function whose record lies outside the file.
    fn damaged(&self, index: u32) -> Function<'_> {
        let range = self.table.range(&self.image, index).unwrap_or_default();
        let record = crate::tables::pclntab::Record::default();
        Function {
            index,
            name: "",
            entry: range.start,
            end: range.end,
            start_line: None,
            func_id: 0,
            flag: 0,
            record,
            executable: self,
        }
    }

    /// The function that holds an address.
    #[must_use]
    pub fn function_at(&self, address: u64) -> Option<Function<'_>> {
        self.function(self.table.index_at(&self.image, address)?)
    }

    /// The function of this name, not its ABI wrapper.
    #[must_use]
    pub fn function_named(&self, name: &str) -> Option<Function<'_>> {
        let matches = |index: &u32| {
            let record = self.table.record(&self.image, *index);
            record.is_some_and(|r| self.table.name_bytes(&self.image, r.name) == name.as_bytes())
        };
        let found = (0..self.table.len())
            .filter(matches)
            .filter_map(|index| self.function(index));
        found.min_by_key(Function::is_abi_wrapper)
    }

    /// The source position of an instruction: the innermost one where functions were inlined. For a return address, ask for the
    /// byte before it, as Go's own tracebacks do.
    #[must_use]
    pub fn position(&self, address: u64) -> Option<Position<'_>> {
        self.position_in(&self.function_at(address)?, address)
    }

    pub(crate) fn position_in(
        &self,
        function: &Function<'_>,
        address: u64,
    ) -> Option<Position<'_>> {
        let number = function.value(function.record.pcfile, address)?;
        let file = self.table.file(&self.image, function.record.unit, number)?;
        let line = u32::try_from(function.value(function.record.pcln, address)?).ok()?;
        Some(Position { file, line })
    }

    /// The file in which a function begins.
    #[must_use]
    pub fn source_file(&self, function: &Function<'_>) -> Option<&str> {
        let number = function.runs(function.record.pcfile).next()?.value;
        self.table.file(&self.image, function.record.unit, number)
    }

    /// Where functions were inlined; read when first asked for.
    pub fn inlined(&self) -> &InlineIndex {
        self.inlined.get_or_init(|| InlineIndex::new(self))
    }

    /// Which functions are copies of one function literal; found when first asked for.
    pub fn literals(&self) -> &Literals {
        self.literals.get_or_init(|| Literals::new(self))
    }

    pub(crate) fn folders(&self) -> &Folders {
        self.folders.get_or_init(|| Folders::new(self))
    }

    pub(crate) fn inline_trees(&self) -> Option<&InlineTrees> {
        self.trees.get_or_init(|| InlineTrees::find(self)).as_ref()
    }

    /// What the linker recorded of the build, if anything.
    pub fn build_info(&self) -> Option<&BuildInfo> {
        self.build_info
            .get_or_init(|| BuildInfo::find(&self.image))
            .as_ref()
    }

    /// The Go that built it, from the build information.
    pub fn go_version(&self) -> Option<GoVersion> {
        self.build_info()?.version()
    }

    /// Offset of `goid` in `runtime.g`.
    ///
    /// # Errors
    ///
    /// When nothing in the executable says where it is; the error tells what was tried.
    pub fn goid_offset(&self) -> Result<GoidOffset, GoidError> {
        self.goid.get_or_init(|| goid::find(self)).clone()
    }

    /// Where a thread's word with its g is, which code without g in R14 takes it from.
    ///
    /// # Errors
    ///
    /// When nothing in the executable says where it is, or its parts contradict each other.
    pub fn tls_slot(&self) -> Result<TlsSlot, TlsError> {
        self.tls.get_or_init(|| tls::find(self)).clone()
    }

    /// Where in the file the byte at an address lies.
    #[must_use]
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        self.image.file_offset(address)
    }

    /// The address of a byte of the file.
    #[must_use]
    pub fn address(&self, file_offset: u64) -> Option<u64> {
        self.image.address(file_offset)
    }

    /// `len` bytes at an address, if the file has them.
    #[must_use]
    pub fn bytes(&self, address: u64, len: usize) -> Option<&[u8]> {
        self.image.bytes(address, len)
    }

    /// Is there no symbol table?
    #[must_use]
    pub fn is_stripped(&self) -> bool {
        !self.image.has_section(|name| name == ".symtab")
    }

    /// Is it position-independent: loaded where the kernel chooses?
    #[must_use]
    pub fn is_pie(&self) -> bool {
        self.image.is_pie()
    }

    /// Is it a library (`-buildmode=c-shared`, `plugin`, `shared`), which processes load?
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.image.is_library()
    }

    /// Where Go's code lies; C code of a cgo executable is outside.
    #[must_use]
    pub fn text_range(&self) -> Range<u64> {
        self.module.as_ref().map_or_else(
            || {
                let last = self.table.len().checked_sub(1);
                let end = last
                    .and_then(|index| self.table.range(&self.image, index))
                    .map_or(self.table.text, |r| r.end);
                self.table.text..end
            },
            |module| module.text.clone(),
        )
    }

    pub(crate) fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| Survey::new(self))
    }
}

impl std::fmt::Debug for Executable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executable")
            .field("functions", &self.table.len())
            .field("text", &format_args!("{:#x?}", self.text_range()))
            .field("pie", &self.is_pie())
            .finish_non_exhaustive()
    }
}
