//! A function of the executable, as the function table describes it.

use std::fmt;

use crate::Executable;
use crate::pclntab::{Record, Runs};

/// A function that has code of its own.
#[derive(Clone, Copy)]
pub struct Function<'a> {
    /// Position in the function table, by ascending address.
    pub index: u32,
    /// Full symbol name, such as `net/http.(*conn).serve`.
    pub name: &'a str,
    /// Link-time address of the first instruction.
    pub entry: u64,
    /// Link-time address after the last byte, padding included.
    pub end: u64,
    /// Line of the `func` keyword; `None` before Go 1.20 and for generated code.
    pub start_line: Option<u32>,
    /// The linker's `abi.FuncID`, whose numbers change between versions of Go.
    pub func_id: u8,
    /// The linker's `abi.FuncFlag`.
    pub flag: u8,
    pub(crate) record: Record,
    pub(crate) executable: &'a Executable,
}

impl<'a> Function<'a> {
    /// Was the function generated: a method wrapper, an ABI wrapper, a type's equality or hash?
    #[must_use]
    pub fn is_wrapper(&self) -> bool {
        self.func_id != 0 && self.func_id == self.executable.survey().wrapper_id
    }

    /// Does the function only pass on from one calling convention to the other? It shares its name with what it calls.
    #[must_use]
    pub fn is_abi_wrapper(&self) -> bool {
        self.executable
            .survey()
            .abi_wrappers
            .binary_search(&self.index)
            .is_ok()
    }

    /// The source file, if the table names one.
    #[must_use]
    pub fn source_file(&self) -> Option<&'a str> {
        self.executable.source_file(self)
    }

    /// Bytes from the entry to the end, padding included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.end - self.entry
    }

    /// Is the function written in assembly?
    #[must_use]
    pub fn is_assembly(&self) -> bool {
        self.source_file().is_some_and(|file| file.ends_with(".s"))
    }

    /// The machine code, padding included; empty where it is not in the file.
    #[must_use]
    pub fn code(&self) -> &'a [u8] {
        usize::try_from(self.size())
            .ok()
            .and_then(|size| self.executable.image.bytes(self.entry, size))
            .unwrap_or_default()
    }

    /// Bytes that the function has pushed since its entry, when it is about to execute the instruction at this address; `None`
    /// where the table does not say.
    #[must_use]
    pub fn stack_depth(&self, address: u64) -> Option<i32> {
        self.value(self.record.pcsp, address)
    }

    pub(crate) fn value(&self, table: u32, address: u64) -> Option<i32> {
        let offset = address.checked_sub(self.entry)?;
        self.executable
            .table
            .value_at(&self.executable.image, table, offset, self.size())
    }

    pub(crate) fn runs(&self, table: u32) -> Runs<'a> {
        self.executable
            .table
            .runs(&self.executable.image, table, self.size())
    }
}

impl fmt::Debug for Function<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("index", &self.index)
            .field("name", &self.name)
            .field("entry", &format_args!("{:#x}", self.entry))
            .field("end", &format_args!("{:#x}", self.end))
            .field("start_line", &self.start_line)
            .field("func_id", &self.func_id)
            .field("flag", &self.flag)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Function<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && std::ptr::eq(self.executable, other.executable)
    }
}

impl Eq for Function<'_> {}
