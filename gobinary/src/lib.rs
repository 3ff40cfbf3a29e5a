//! What a Go executable says of itself: functions, lines, inlining, modules, and where its functions are entered and left.
//!
//! ```no_run
//! let server = gobinary::Executable::parse(std::fs::read("server")?)?;
//! for function in server.functions().filter(|f| f.name.starts_with("main.")) {
//!     match server.sites(&function) {
//!         Ok(sites) => println!("{} is entered at {:#x}", function.name, sites.entry.address),
//!         Err(reason) => println!("{} cannot be probed: {reason}", function.name),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The source is the table that Go's own tracebacks read, which stripping leaves in place; no symbol table and no DWARF is needed.
//! Go 1.18 to 1.27 and, as far as the layout stays, later. The file is never copied: hand in a mapping, and only what is asked for
//! is read. The file may be hostile: nothing here trusts a count, an offset or an address in it.
//!
//! # Halls
//!
//! Each stands on those above it, and [`Executable`] holds what they have found: it answers by what each hall adds to it.
//!
//! | folder | what is in it |
//! |---|---|
//! | `image` | the file: addresses and bytes, build information, what the dynamic linker is told |
//! | `tables` | Go's own tables: functions, lines, inlining, whom a function belongs to |
//! | `code` | instructions: where functions are entered and left, where the runtime keeps what a probe needs, copies of literals |
//! | `types` | DWARF and the calling conventions: which values there are, and where they lie |
//!
//! *Invariant*: no I/O, no privilege, nothing of BPF or of the tracing language.

mod code;
mod error;
mod executable;
mod image;
mod tables;
mod types;

pub use code::{
    CheaperSites, EntryKind, EntrySite, ExitEdge, ExitKind, ExitSite, ExitWays, GoidError,
    GoidOffset, Instruction, LastCall, LiteralCopy, Literals, Operation, Original, Sites, Step,
    TlsError, TlsPlace, TlsSlot, Unprobeable, When,
};
pub use error::Error;
pub use executable::{Executable, Position};
pub use image::{BuildInfo, Dynamic, GoVersion, Module};
pub use tables::{Function, InlineFrame, InlineIndex, InlinedAt, Origin};
pub use types::{
    DebugFileError, DebugLink, Described, Field, Kind, Piece, Place, Register, Signature, Type,
    TypeId, Types, TypesError, Variable, Where, short_name,
};
