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
//! *Invariant*: no I/O, no privilege, nothing of BPF or of the tracing language.

mod body;
mod buildinfo;
mod callee;
mod cfg;
mod debugfile;
mod dynamic;
mod edges;
mod entry;
mod error;
mod executable;
mod flow;
mod folders;
mod foreign;
mod function;
mod goid;
mod image;
mod inline;
mod kernel;
mod literal;
mod literals;
mod moduledata;
mod nonnull;
mod origin;
mod pclntab;
mod policy;
mod repeat;
mod search;
mod site;
mod sites;
mod slots;
mod step;
mod straight;
mod survey;
mod tls;
mod types;
mod when;

pub use buildinfo::{BuildInfo, GoVersion, Module};
pub use debugfile::{DebugFileError, DebugLink};
pub use dynamic::Dynamic;
pub use edges::{CheaperSites, ExitEdge, ExitWays, LastCall};
pub use error::Error;
pub use executable::{Executable, Position};
pub use function::Function;
pub use goid::{GoidError, GoidOffset};
pub use inline::{InlineFrame, InlineIndex, InlinedAt};
pub use literals::{LiteralCopy, Literals, Original};
pub use origin::Origin;

pub use site::{EntryKind, EntrySite, ExitKind, ExitSite, Instruction, Sites, Unprobeable};
pub use step::{Operation, Step};
pub use tls::{TlsError, TlsPlace, TlsSlot};
pub use types::{
    Described, Field, Kind, Piece, Place, Register, Signature, Type, TypeId, Types, TypesError,
    Variable, Where, short_name,
};
pub use when::When;
