//! Why a file cannot be read as a Go executable.
//!
//! Each variant names one thing that a person can act upon, since "not supported" alone sends everybody to the debugger.

/// Why a file cannot be read as a Go executable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin with an ELF header.
    #[error("not an ELF file")]
    NotElf,
    /// Another architecture, word size or byte order.
    #[error("not an x86-64 executable")]
    NotX86_64,
    /// An executable of another operating system.
    #[error("built for {system} (GOOS={system}), which Linux does not run")]
    OtherSystem {
        /// As Go names it.
        system: String,
    },
    /// What is left of a process that crashed.
    #[error("it is a core file; the executable that it is of can be traced")]
    Core,
    /// An object file or an archive's member.
    #[error("it is an object file, which is not linked yet")]
    Object,
    /// Another compiler's.
    #[error(
        "built by gccgo, whose code and runtime are others than Go's own (`go build`) and are not supported"
    )]
    Gccgo,
    /// There is no table of Go functions.
    #[error("not a Go executable: it holds no table of Go functions (.gopclntab)")]
    NotGo,
    /// The function table has a layout from before Go 1.18.
    #[error("built by a Go older than 1.18 (function table magic {magic:#010x})")]
    GoTooOld {
        /// First word of the function table.
        magic: u32,
    },
    /// The function table has a layout that is not known yet.
    #[error(
        "the table of Go functions has an unknown layout (magic {magic:#010x}): built by a newer Go, or obfuscated"
    )]
    GoTooNew {
        /// First word of the function table.
        magic: u32,
    },
    /// A part lies outside the file.
    #[error("truncated or corrupt: {what} lies outside the file")]
    Truncated {
        /// The part.
        what: &'static str,
    },
    /// A part contradicts itself.
    #[error("corrupt: {what}")]
    Corrupt {
        /// What is wrong.
        what: &'static str,
    },
    /// `runtime.firstmoduledata` was not found, and the function table does not say where the code begins.
    #[error(
        "where the Go code begins cannot be established: no module data points to the function table"
    )]
    NoModuleData,
}
